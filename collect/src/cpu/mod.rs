//! CPU usage from `/proc/stat` (`proc_stat(5)`): the times of each CPU, and the share between two readings.

use std::time::Duration;

use socktop_proto::model::Core;
use socktop_proto::percent;

use crate::parse::{lines, number, words};

/// Columns of a `cpu` line that make up its time: user, nice, system, idle, iowait, irq, softirq, steal.
/// Guest time stands in the columns after them and is part of user and nice already.
const COLUMNS: usize = 8;
/// Without these four the line means nothing; later ones came with later kernels.
const LEAST_COLUMNS: usize = 4;

/// Ticks in a second: `USER_HZ`, 100 on every architecture that is still built.
const TICKS_IN_A_SECOND: u128 = 100;
/// A counter may lag behind by so much: a CPU that runs without ticks is brought up to date once a second.
const MAX_LAG_TICKS: u128 = 100;

/// The time that one CPU, or all of them, spent in each way since boot, in clock ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Times([u64; COLUMNS]);

/// A reading of `/proc/stat`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CpuTimes {
    total: Times,
    /// By N of `cpuN`, ascending; CPUs that are offline are missing.
    cores: Vec<(u32, Times)>,
}

/// What the CPUs did between two readings.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CpuUsage {
    /// Share of the whole machine, 0 to 100; unknown when no time passed, or a counter cannot be true.
    pub(crate) total_percent: Option<f32>,
    /// The CPUs that both readings have, and whose share is known.
    pub(crate) cores: Vec<Core>,
}

impl CpuTimes {
    /// Parses the `cpu` lines; `None` if the line for the whole machine is missing.
    pub(crate) fn parse(stat: &[u8]) -> Option<Self> {
        let mut total = None;
        let mut cores: Vec<(u32, Times)> = Vec::new();
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
        // The kernel's are ascending; a file system in its place (lxcfs) need not keep to that.
        if !cores.is_sorted_by(|(one, _), (other, _)| one < other) {
            cores.sort_by_key(|(index, _)| *index);
            cores.dedup_by_key(|(index, _)| *index);
        }
        Some(Self {
            total: total?,
            cores,
        })
    }

    /// The usage between `older` and this reading, which was made so much later.
    pub(crate) fn since(&self, older: &Self, elapsed: Duration) -> CpuUsage {
        let most_of_a_core = most_ticks(elapsed);
        let cpus = self.cores.len().max(older.cores.len()).max(1);
        let most_of_all = most_of_a_core.saturating_mul(u64::try_from(cpus).unwrap_or(u64::MAX));
        // Both ascend, so each is gone through once.
        let mut earlier = older.cores.iter().peekable();
        let core = |&(index, times): &(u32, Times)| {
            while earlier.next_if(|(known, _)| *known < index).is_some() {}
            let (_, before) = earlier.next_if(|(known, _)| *known == index)?;
            let percent = times.busy_percent_since(*before, most_of_a_core)?;
            Some(Core { index, percent })
        };
        CpuUsage {
            total_percent: self.total.busy_percent_since(older.total, most_of_all),
            cores: self.cores.iter().filter_map(core).collect(),
        }
    }
}

/// More ticks than a CPU can have counted in a time: a virtual machine's clocks may be a little at odds, but a counter
/// that jumped further (steal that began anew from the far end, or that counts a time when the machine was paused) says
/// nothing about that time.
fn most_ticks(elapsed: Duration) -> u64 {
    let ticks = elapsed.as_millis() * TICKS_IN_A_SECOND / 1000;
    u64::try_from(ticks * 2 + MAX_LAG_TICKS).unwrap_or(u64::MAX)
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
    /// the CPU had work then. Unknown where no time passed, where a counter ran backwards (a CPU was switched off or on),
    /// and where more than `most` ticks were counted.
    ///
    /// `iowait` alone may run backwards in health (`proc_stat(5)`): while a CPU without ticks sleeps, its time since it
    /// fell asleep is shown as iowait or as idle, by whether a task that slept on it waits for a disk *now*. When that
    /// task wakes elsewhere the whole time moves over to idle. So the two are one counter, whose sum never runs
    /// backwards, but for a tick that rounding each of them down may take.
    fn busy_percent_since(self, older: Self, most: u64) -> Option<f32> {
        let [user, nice, system, idle, iowait, irq, softirq, steal] = self.0;
        let [
            user_before,
            nice_before,
            system_before,
            idle_before,
            iowait_before,
            irq_before,
            softirq_before,
            steal_before,
        ] = older.0;
        let busy = [
            (user, user_before),
            (nice, nice_before),
            (system, system_before),
            (irq, irq_before),
            (softirq, softirq_before),
            (steal, steal_before),
        ]
        .into_iter()
        .try_fold(0_u64, |sum, (now, before)| {
            sum.checked_add(now.checked_sub(before)?)
        })?;
        let idle = idle.checked_sub(idle_before)?;
        let rest = match iowait.checked_sub(iowait_before) {
            Some(waited) => idle.checked_add(waited)?,
            None => idle
                .saturating_add(1)
                .checked_sub(iowait_before - iowait)?
                .saturating_sub(1),
        };
        let all = busy.checked_add(rest)?;
        #[expect(clippy::cast_precision_loss, reason = "ticks of a window")]
        let percent = busy as f64 / all as f64 * 100.0;
        (all > 0 && all <= most).then(|| percent::round(percent.clamp(0.0, 100.0)))
    }
}

#[cfg(test)]
mod tests;
