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
mod tests {
    use proptest::prelude::*;

    use super::super::fixture::machine;
    use super::*;

    fn usage(older: &str, newer: &str) -> CpuUsage {
        let parse = |text: &str| CpuTimes::parse(text.as_bytes()).unwrap();
        parse(newer).since(&parse(older))
    }

    #[test]
    fn iowait_is_idle_steal_is_busy_and_guest_is_not_counted_twice() {
        let usage = usage(
            "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n",
            // 30 of user are a guest's, and 10 of nice.
            "cpu  40 10 5 30 10 1 2 2 30 10\ncpu0 0 0 0 90 0 0 0 10 0 0\nintr 1 2 3\n",
        );
        assert_eq!(usage.total_percent, Some(60.0));
        assert_eq!(usage.cores.len(), 1);
        assert!((usage.cores[0].percent - 10.0).abs() < 1e-4);
    }

    #[test]
    fn every_machines_cpus_are_read_whatever_the_width_of_its_words() {
        for (name, cores, percent) in [
            // Ticks of all its CPUs since boot are more than 32 bits count.
            ("pi2", 4, 1.1756),
            ("pi3", 4, 7.0744),
            ("pi4", 4, 0.5294),
            ("pi4-32bit", 4, 2.3793),
            ("pi5", 4, 0.6446),
            ("x86-server", 8, 1.6842),
            ("container", 2, 1.6257),
        ] {
            let stat = std::fs::read(machine(name).path("proc/stat")).unwrap();
            let now = CpuTimes::parse(&stat).unwrap();
            let mut boot = now.clone();
            boot.total = Times::default();
            boot.cores
                .iter_mut()
                .for_each(|(_, times)| *times = Times::default());
            let since_boot = now.since(&boot);
            let total = since_boot.total_percent.unwrap();
            assert!((total - percent).abs() < 0.001, "{name}: {total}");
            let indices: Vec<_> = since_boot.cores.iter().map(|core| core.index).collect();
            assert_eq!(indices, (0..cores).collect::<Vec<_>>(), "{name}");
        }
    }

    #[test]
    fn a_counter_that_runs_backwards_counts_as_standing_still() {
        let usage = usage(
            "cpu  0 0 0 100 500 0 0 0 0 0\n",
            "cpu  50 0 0 150 400 0 0 0 0 0\n",
        );
        assert_eq!(usage.total_percent, Some(50.0));
    }

    #[test]
    fn cpus_keep_their_numbers_and_those_in_one_reading_only_are_left_out() {
        let older = "cpu  0 0 0 0\ncpu0 0 0 0 0\ncpu2 0 0 0 0\ncpu3 0 0 0 0\n";
        let newer = "cpu  9 0 0 9\ncpu0 0 0 0 9\ncpu1 9 0 0 9\ncpu3 9 0 0 0\n";
        let usage = usage(older, newer);
        let cores: Vec<_> = usage.cores.iter().map(|c| (c.index, c.percent)).collect();
        assert_eq!(cores, [(0, 0.0), (3, 100.0)]);
    }

    #[test]
    fn without_time_between_readings_there_is_no_percentage() {
        let stat = "cpu  1 2 3 4 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n";
        assert_eq!(usage(stat, stat), CpuUsage::default());
    }

    #[test]
    fn what_is_no_stat_file_is_not_read_as_zero() {
        for text in [
            "",
            "cpu\n",
            "cpu  1 2 x 4\n",
            "cpu  1 2 3\n",
            "cpu0 1 2 3 4\n",
        ] {
            assert_eq!(CpuTimes::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = CpuTimes::parse(&bytes);
        }

        #[test]
        fn any_counters_give_a_share_of_the_machine(
            older: [u64; 10], newer: [u64; 10], cores in 0_u32..4,
        ) {
            let text = |times: [u64; 10]| {
                let times = times.map(|time| time.to_string()).join(" ");
                let lines = (0..cores).map(|core| format!("cpu{core} {times}\n"));
                format!("cpu  {times}\n{}", lines.collect::<String>())
            };
            let usage = usage(&text(older), &text(newer));
            for percent in usage.cores.iter().map(|core| core.percent).chain(usage.total_percent) {
                prop_assert!((0.0..=100.0).contains(&percent));
            }
        }
    }
}
