//! CPU usage from `/proc/stat` (`proc_stat(5)`): the times of each CPU, and the share between two readings.

use socktop_proto::model::Core;
use socktop_proto::percent;

use super::fields::{lines, number, words};

/// Columns of a `cpu` line that make up its time: user, nice, system, idle, iowait, irq, softirq, steal.
/// Guest time stands in the columns after them and is part of user and nice already.
const COLUMNS: usize = 8;
/// Without these four the line means nothing; later ones came with later kernels.
const LEAST_COLUMNS: usize = 4;
const IDLE: usize = 3;
const IOWAIT: usize = 4;

/// The time that one CPU, or all of them, spent in each way since boot, in clock ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Times([u64; COLUMNS]);

/// A reading of `/proc/stat`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CpuTimes {
    total: Times,
    /// By N of `cpuN`, in the order of the file; CPUs that are offline are missing.
    cores: Vec<(u32, Times)>,
}

/// What the CPUs did between two readings.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CpuUsage {
    /// Share of the whole machine, 0 to 100; unknown when no time passed.
    pub(crate) total_percent: Option<f32>,
    /// The CPUs that both readings have.
    pub(crate) cores: Vec<Core>,
}

impl CpuTimes {
    /// Parses the `cpu` lines; `None` where there is none for the whole machine.
    pub(crate) fn parse(stat: &[u8]) -> Option<Self> {
        let mut total = None;
        let mut cores = Vec::new();
        for line in lines(stat) {
            // They stand first, before lines that may be very long.
            let Some(rest) = line.strip_prefix(b"cpu") else {
                break;
            };
            let mut words = words(rest).peekable();
            let index = if rest.first().is_some_and(u8::is_ascii_digit) {
                words.next().and_then(number::<u32>)
            } else {
                None
            };
            let Some(times) = Times::parse(words) else {
                continue;
            };
            match index {
                Some(index) => cores.push((index, times)),
                None if total.is_none() => total = Some(times),
                None => {}
            }
        }
        Some(Self {
            total: total?,
            cores,
        })
    }

    /// The usage between `older` and this reading.
    pub(crate) fn since(&self, older: &Self) -> CpuUsage {
        let core = |&(index, times): &(u32, Times)| {
            let (_, before) = older.cores.iter().find(|(known, _)| *known == index)?;
            let percent = times.busy_percent_since(*before)?;
            Some(Core { index, percent })
        };
        CpuUsage {
            total_percent: self.total.busy_percent_since(older.total),
            cores: self.cores.iter().filter_map(core).collect(),
        }
    }
}

impl Times {
    fn parse<'a>(words: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut times = Self::default();
        let mut read = 0;
        for (column, word) in times.0.iter_mut().zip(words) {
            *column = number(word)?;
            read += 1;
        }
        (read >= LEAST_COLUMNS).then_some(times)
    }

    /// The share of the time since `older` that was neither idle nor waiting for a disk. Steal counts as busy:
    /// the time was wanted.
    fn busy_percent_since(self, older: Self) -> Option<f32> {
        let mut all: u64 = 0;
        let mut rest: u64 = 0;
        for (column, (now, before)) in self.0.into_iter().zip(older.0).enumerate() {
            // iowait may run backwards, and all of them do when a CPU comes back.
            let spent = now.saturating_sub(before);
            all = all.saturating_add(spent);
            if column == IDLE || column == IOWAIT {
                rest = rest.saturating_add(spent);
            }
        }
        let busy = all.saturating_sub(rest);
        #[expect(clippy::cast_precision_loss, reason = "ticks of a window")]
        let percent = busy as f64 / all as f64 * 100.0;
        (all > 0).then(|| percent::round(percent.clamp(0.0, 100.0)))
    }
}

#[cfg(test)]
mod tests;
