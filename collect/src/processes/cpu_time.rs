//! CPU time of processes: how it is read, and the share of the machine between two readings.
//!
//! The kernel keeps a CPU-time clock for every process, `clock_getcpuclockid(3)`: nanoseconds run by
//! all its threads, ended ones included, in one system call that opens nothing and needs no
//! permission. It is what `schedstat` shows of a single thread, at half the price and without a
//! descriptor to keep, and it serves processes with many threads too. A clock that stands still also
//! says that the process has not run, so that little else about it can have changed.
//!
//! Where the clocks cannot be used (see [`kernel_clock`]) CPU time comes from the ticks of `stat`.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rustix::param::clock_ticks_per_second;

use super::proc_fs::ProcFs;
use super::stat::StatFields;
use crate::{Now, Reading};

/// Reads the CPU time of a process, in nanoseconds. `None`: there is no such process.
pub(crate) type CpuClock = Box<dyn Fn(u32) -> Option<u64> + Send>;

/// More time than this between two readings of the clock on the wall: the counter in between was
/// read at an uncertain time, because something else had the CPU.
const UNCERTAIN: Duration = Duration::from_millis(1);

/// How often such a reading is tried.
const TRIES: u32 = 8;

/// The kernel's CPU-time clocks, if they can be used for the processes in `proc`.
///
/// They cannot when `proc` is not a procfs or is one of another PID namespace, whose pids mean other
/// processes to `clock_gettime`; nor when the clock moves in steps so coarse (a kernel whose
/// scheduler has only the timer tick to go by) that a process can run without moving it.
pub(crate) fn kernel_clock(proc: &ProcFs) -> Option<CpuClock> {
    let own = rustix::fs::readlinkat(proc.dir(), "self", Vec::new()).ok()?;
    let pid = std::process::id();
    let same_pids = own.to_bytes() == pid.to_string().as_bytes();
    if !proc.is_procfs() || !same_pids {
        return None;
    }
    // One's own clock counts up to the call: 64 calls take 10 µs, the finest tick 1 ms.
    let first = process_cpu_ns(pid)?;
    (0..64)
        .any(|_| process_cpu_ns(pid).is_some_and(|later| later != first))
        .then(|| Box::new(process_cpu_ns) as CpuClock)
}

/// `CLOCK_PROCESS_CPUTIME_ID` of another process. The id is part of the kernel's interface
/// (`include/linux/posix-timers_types.h`); glibc's function would check it with a second call.
fn process_cpu_ns(pid: u32) -> Option<u64> {
    const CPUCLOCK_SCHED: i32 = 2;
    let pid = i32::try_from(pid).ok().filter(|&pid| pid > 0)?;
    let clock = ClockId::from_raw(!pid << 3 | CPUCLOCK_SCHED);
    let time = Duration::from(clock_gettime(clock).ok()?);
    u64::try_from(time.as_nanos()).ok()
}

/// What `stat` says of the CPU time, in nanoseconds: two counters of 10 ms steps.
pub(crate) fn ticks_ns(figures: &StatFields) -> u64 {
    let time = ticks(figures.user_ticks.saturating_add(figures.system_ticks));
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// How long a number of clock ticks is.
pub(crate) fn ticks(ticks: u64) -> Duration {
    let per_second = clock_ticks_per_second().max(1);
    Duration::from_secs(ticks / per_second)
        + Duration::from_nanos(ticks % per_second * 1_000_000_000 / per_second)
}

/// A counter of a process at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CpuReading {
    /// The process.
    pub(crate) pid: u32,
    /// With the pid its identity, clock ticks since boot. Unknown where `stat` may not be read.
    pub(crate) started_ticks: Option<u64>,
    /// When its counter was read, `CLOCK_BOOTTIME`.
    pub(crate) at: Duration,
    /// CPU time so far.
    pub(crate) cpu_ns: u64,
}

/// All processes' counters, ascending by pid: what a window has at its beginning.
pub(crate) type CpuReadings = Vec<CpuReading>;

/// Takes the time between counters, so that each is known to the moment it was read.
pub(crate) struct Timer<'a> {
    clock: &'a dyn Fn() -> Now,
    before: Duration,
}

impl<'a> Timer<'a> {
    /// Begins to take the time.
    pub(crate) fn start(clock: &'a dyn Fn() -> Now) -> Self {
        let before = clock().boot;
        Self { clock, before }
    }

    /// Forgets the time that something else took. Returns the time.
    pub(crate) fn resume(&mut self) -> Duration {
        self.before = (self.clock)().boot;
        self.before
    }

    /// Reads a counter and when that was, again where the moment is uncertain.
    pub(crate) fn read<T>(&mut self, counter: impl Fn() -> Option<T>) -> Option<(Duration, T)> {
        let mut tries = 1;
        loop {
            let value = counter()?;
            let after = (self.clock)().boot;
            let taken = after.saturating_sub(self.before);
            self.before = after;
            if taken <= UNCERTAIN || tries == TRIES {
                return Some((after, value));
            }
            tries += 1;
        }
    }
}

/// The share of the machine that a process has had since the baseline, 0 to 100. Unknown when the
/// process was there at the baseline but its counter was not read, or when the counter has gone back.
pub(crate) fn percent(
    mark: &CpuReading,
    baseline: &Reading<CpuReadings>,
    cpus: u32,
) -> Option<f32> {
    let known = baseline
        .value
        .binary_search_by_key(&mark.pid, |known| known.pid)
        .ok()
        .and_then(|index| baseline.value.get(index));
    percent_since(mark, known, baseline.at, cpus)
}

/// The same for one process after the other, ascending by pid: none is searched for. All are unknown where the number
/// of CPUs is.
pub(crate) fn percents<'a>(
    marks: &'a CpuReadings,
    baseline: &'a Reading<CpuReadings>,
    cpus: Option<u32>,
) -> impl Iterator<Item = Option<f32>> + 'a {
    let mut before = baseline.value.iter().peekable();
    marks.iter().map(move |mark| {
        while before.next_if(|known| known.pid < mark.pid).is_some() {}
        let known = before.next_if(|known| known.pid == mark.pid);
        percent_since(mark, known, baseline.at, cpus?)
    })
}

/// `known`: what was read at the baseline, of the process that had the pid then.
fn percent_since(
    mark: &CpuReading,
    known: Option<&CpuReading>,
    baseline_at: Duration,
    cpus: u32,
) -> Option<f32> {
    let started_ticks = mark.started_ticks?;
    let known = known.filter(|known| known.started_ticks == Some(started_ticks));
    let (since, cpu_ns) = match known {
        // A decreasing counter gives no share.
        Some(known) => (known.at, mark.cpu_ns.checked_sub(known.cpu_ns)?),
        // The start is known to a tick, cut off.
        None if ticks(started_ticks.saturating_add(1)) > baseline_at => (baseline_at, mark.cpu_ns),
        None => return None,
    };
    let window = mark.at.checked_sub(since).filter(|time| !time.is_zero())?;
    let share = Duration::from_nanos(cpu_ns).as_secs_f64() / window.as_secs_f64();
    let percent = (share * 100.0 / f64::from(cpus.max(1))).min(100.0);
    Some(socktop_proto::percent::round(percent))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::Root;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn mark(pid: u32, started_ticks: u64, at_ms: u64, cpu_ms: u64) -> CpuReading {
        CpuReading {
            pid,
            started_ticks: Some(started_ticks),
            at: ms(at_ms),
            cpu_ns: cpu_ms * 1_000_000,
        }
    }

    fn near(actual: Option<f32>, expected: f32) -> bool {
        actual.is_some_and(|actual| (actual - expected).abs() < 1e-3)
    }

    #[test]
    fn share_is_taken_between_the_times_of_two_readings() {
        let baseline = Reading {
            at: ms(10_000),
            value: vec![mark(7, 100, 10_020, 40), mark(9, 100, 10_030, 0)],
        };
        let share = percent(&mark(7, 100, 10_520, 290), &baseline, 4);
        assert!(near(share, 12.5), "{share:?}");
    }

    #[test]
    fn shares_of_a_batch_equal_single_shares() {
        let baseline = Reading {
            at: ms(10_000),
            value: vec![
                mark(7, 100, 10_020, 40),
                mark(8, 1, 9, 9),
                mark(9, 100, 10_030, 0),
            ],
        };
        let marks = vec![
            mark(1, 100, 10_520, 290),
            mark(7, 100, 10_520, 290),
            mark(9, 100, 10_520, 100),
            mark(12, 1_020, 10_520, 50),
        ];
        let each: Vec<_> = marks
            .iter()
            .map(|mark| percent(mark, &baseline, 4))
            .collect();
        assert_eq!(
            percents(&marks, &baseline, Some(4)).collect::<Vec<_>>(),
            each
        );
        assert_eq!(each.iter().flatten().count(), 3);
        assert!(percents(&marks, &baseline, None).all(|share| share.is_none()));
    }

    #[test]
    fn share_of_a_decreasing_counter_is_unknown() {
        let baseline = Reading {
            at: ms(10_000),
            value: vec![mark(7, 100, 10_020, 40)],
        };
        assert_eq!(percent(&mark(7, 100, 10_520, 39), &baseline, 4), None);
        let still = percent(&mark(7, 100, 10_520, 40), &baseline, 4);
        assert!(near(still, 0.0), "{still:?}");
    }

    #[test]
    fn process_started_in_the_window_is_measured_over_the_window() {
        let baseline = Reading {
            at: ms(10_000),
            value: vec![mark(7, 100, 10_000, 90_000)],
        };
        let share = percent(&mark(8, 1_020, 10_500, 250), &baseline, 1);
        assert!(near(share, 50.0), "{share:?}");
        let reused = percent(&mark(7, 1_020, 10_500, 250), &baseline, 1);
        assert!(near(reused, 50.0), "{reused:?}");
        let same_tick = percent(&mark(8, 1_000, 10_500, 250), &baseline, 1);
        assert!(near(same_tick, 50.0), "{same_tick:?}");
    }

    #[test]
    fn share_of_an_old_unseen_process_is_unknown() {
        let baseline = Reading {
            at: ms(10_000),
            value: CpuReadings::new(),
        };
        assert_eq!(percent(&mark(7, 998, 10_500, 90_000), &baseline, 1), None);
    }

    #[test]
    fn reading_with_an_uncertain_time_is_repeated() {
        let elapsed_us = Cell::new(0_u64);
        let clock = || {
            let us = elapsed_us.get();
            // The first reading takes 20 ms, the following 1 µs each.
            elapsed_us.set(if us == 0 { 20_000 } else { us + 1 });
            Now {
                boot: Duration::from_micros(us),
                unix: Duration::ZERO,
            }
        };
        let mut timer = Timer::start(&clock);
        let reads = Cell::new(0_u64);
        let counter = || {
            reads.set(reads.get() + 1);
            Some(reads.get())
        };
        assert_eq!(
            timer.read(counter),
            Some((Duration::from_micros(20_001), 2))
        );
    }

    #[test]
    fn the_kernel_clock_counts_this_process_and_refuses_a_thread() {
        let proc = ProcFs::open(&Root::default()).unwrap();
        let clock = kernel_clock(&proc).expect("a procfs of this PID namespace");
        let own = rustix::process::getpid().as_raw_nonzero().get();
        let own = u32::try_from(own).unwrap();
        let before = Duration::from(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap());
        let counted = Duration::from_nanos(clock(own).unwrap());
        let after = Duration::from(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap());
        assert!((before..=after).contains(&counted));
        let (sender, receiver) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                sender.send(rustix::thread::gettid()).unwrap();
                let _ = ended.recv();
            });
            let thread = receiver.recv().unwrap().as_raw_nonzero().get();
            assert_eq!(clock(u32::try_from(thread).unwrap()), None);
            drop(end);
        });
        assert_eq!(clock(0), None);
        assert_eq!(clock(u32::MAX), None);
    }

    #[test]
    fn fixture_folder_has_no_kernel_clock() {
        let folder = tempfile::tempdir().unwrap();
        let proc = folder.path().join("proc");
        std::fs::create_dir(&proc).unwrap();
        std::os::unix::fs::symlink(std::process::id().to_string(), proc.join("self")).unwrap();
        let proc = ProcFs::open(&Root::new(folder.path())).unwrap();
        assert!(kernel_clock(&proc).is_none());
    }
}
