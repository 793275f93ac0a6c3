//! CPU shares of real processes compared with the kernel's own accounting, at any sampling interval.
//!
//! Nothing here depends on how fast the machine is: a share is compared with bounds made of
//! `schedstat` readings taken right before and right after the collector's own.

#![cfg(test)]

use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use socktop_collect::{Collected, Now, ProcessesCollector, Root};
use socktop_proto::model::Processes;

/// A process that ends with the test, whatever comes of that.
struct Ended(Child);

impl Ended {
    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A shell that does nothing else, on one CPU.
struct Loop(Ended);

impl Loop {
    fn on(cpu: usize) -> Self {
        let child = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut set = CpuSet::new();
        set.set(cpu);
        let pid = Pid::from_child(&child);
        sched_setaffinity(Some(pid), &set).unwrap();
        Self(Ended(child))
    }

    /// Nanoseconds run, from `/proc/PID/schedstat`.
    fn run_ns(&self) -> u64 {
        let path = format!("/proc/{}/schedstat", self.0.id());
        let text = std::fs::read_to_string(path).unwrap();
        text.split_whitespace().next().unwrap().parse().unwrap()
    }
}

/// What a process had run, and when, right before and right after a call of the collector.
#[derive(Clone, Copy)]
struct Around {
    before: (Duration, u64),
    after: (Duration, u64),
}

struct Watch<'a> {
    collector: ProcessesCollector,
    loops: &'a [Loop],
    calls: Vec<Vec<Around>>,
    compared: usize,
}

/// The machine's CPUs, for shares of one of them.
fn cpus() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let cores = stat.lines().filter(|line| line.starts_with("cpu")).count() - 1;
    f64::from(u32::try_from(cores).unwrap())
}

impl<'a> Watch<'a> {
    fn new(loops: &'a [Loop]) -> Self {
        Self {
            collector: ProcessesCollector::new(Root::default()),
            loops,
            calls: Vec::new(),
            compared: 0,
        }
    }

    /// Collects and compares. Says how long to wait where there is no sample yet.
    fn look(&mut self) -> Option<Duration> {
        let read = |one: &Loop| (Now::read().boot, one.run_ns());
        let before: Vec<_> = self.loops.iter().map(read).collect();
        let collected = self.collector.collect(&Now::read).unwrap();
        // The time after the counter, so that the bounds hold whatever happens in between.
        let read = |one: &Loop| {
            let run = one.run_ns();
            (Now::read().boot, run)
        };
        let after: Vec<_> = self.loops.iter().map(read).collect();
        let around = before.into_iter().zip(after);
        self.calls.push(
            around
                .map(|(before, after)| Around { before, after })
                .collect(),
        );
        match collected {
            Collected::Wait(time) => Some(time),
            Collected::Ready(sample) => {
                self.compare(&sample);
                None
            }
        }
    }

    fn compare(&mut self, sample: &Processes) {
        let sum: f32 = sample
            .processes
            .iter()
            .filter_map(|row| row.cpu_percent)
            .sum();
        assert!(sum <= 100.0, "{sum}");
        let window = u64::from(sample.window_ms.unwrap());
        assert!(window >= 250, "{window} ms");
        let end_ms = sample.time.unwrap().boot_ms.unwrap();
        let began = end_ms - window;
        for (index, one) in self.loops.iter().enumerate() {
            let now = self.calls.last().unwrap()[index];
            // The call that read the baseline: it was under way when the window began.
            let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap();
            let then = self
                .calls
                .iter()
                .map(|call| call[index])
                .rfind(|call| millis(call.before.0) <= began + 1)
                .unwrap();
            let row = sample
                .processes
                .iter()
                .find(|row| row.pid == one.0.id())
                .unwrap();
            let core_percent = f64::from(row.cpu_percent.unwrap()) * cpus();

            let seconds = |time: Duration| time.as_secs_f64();
            let ran = |from: u64, to: u64| seconds(Duration::from_nanos(to.saturating_sub(from)));
            let longest = seconds(now.after.0.saturating_sub(then.before.0));
            let shortest = seconds(now.before.0.saturating_sub(then.after.0));
            let least = 100.0 * ran(then.after.1, now.before.1) / longest;
            let most = 100.0 * ran(then.before.1, now.after.1) / shortest;
            assert!(
                (least - 5.0..=most + 5.0).contains(&core_percent),
                "{core_percent} % of a core over {window} ms, not within {least} to {most}"
            );
            self.compared += 1;
        }
    }
}

fn loops() -> Vec<Loop> {
    let allowed = sched_getaffinity(None).unwrap();
    let cpus = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu));
    cpus.take(2).map(Loop::on).collect()
}

#[test]
fn shares_are_accurate_at_any_sampling_interval() {
    let loops = loops();
    let mut watch = Watch::new(&loops);
    for (cadence_ms, count) in [
        (0, 20),
        (100, 12),
        (0, 5),
        (250, 5),
        (500, 2),
        (0, 5),
        (2000, 1),
    ] {
        for _ in 0..count {
            while let Some(wait) = watch.look() {
                std::thread::sleep(wait);
            }
            std::thread::sleep(Duration::from_millis(cadence_ms));
        }
    }
    assert!(watch.compared >= 50);
}

#[test]
fn shares_are_accurate_for_five_callers_of_one_collector() {
    let loops = loops();
    let watch = Mutex::new(Watch::new(&loops));
    let end = Instant::now() + Duration::from_secs(5);
    std::thread::scope(|scope| {
        for cadence_ms in [0, 100, 250, 500, 2000] {
            let watch = &watch;
            scope.spawn(move || {
                while Instant::now() < end {
                    let wait = watch.lock().unwrap().look();
                    std::thread::sleep(wait.unwrap_or(Duration::from_millis(cadence_ms)));
                }
            });
        }
    });
    assert!(watch.into_inner().unwrap().compared > 0);
}

/// A collector with a baseline.
fn begun() -> ProcessesCollector {
    let mut collector = ProcessesCollector::new(Root::default());
    list(&mut collector);
    collector
}

/// The next sample, after as long as it has to be waited for.
fn list(collector: &mut ProcessesCollector) -> Processes {
    loop {
        match collector.collect(&Now::read).unwrap() {
            Collected::Wait(time) => std::thread::sleep(time),
            Collected::Ready(sample) => return sample,
        }
    }
}

fn name_of(sample: &Processes, pid: u32) -> Option<&str> {
    let row = sample.processes.iter().find(|row| row.pid == pid)?;
    Some(row.name.as_str())
}

#[test]
fn new_process_is_in_the_next_list_and_ended_one_is_not() {
    let mut collector = begun();
    for _ in 0..20 {
        let child = Command::new("sleep").arg("infinity").spawn();
        let child = Ended(child.unwrap());
        assert!(name_of(&list(&mut collector), child.id()).is_some());
        // Some of these lists are made without listing /proc again.
        std::thread::sleep(Duration::from_millis(60));
        assert!(name_of(&list(&mut collector), child.id()).is_some());
        let pid = child.id();
        drop(child);
        assert_eq!(name_of(&list(&mut collector), pid), None);
    }
}

#[test]
fn exec_of_a_program_with_the_same_first_15_bytes_changes_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["a-program-with-one-name", "a-program-with-another"];
    for (name, program) in [(first, "/bin/sh"), (second, "/bin/sleep")] {
        // By another process: while this one has it open for writing, a child that another test starts has it, too, and it cannot
        // be executed.
        let copied = Command::new("cp")
            .args([program.as_ref(), folder.path().join(name).as_os_str()])
            .status();
        assert!(copied.unwrap().success());
    }
    let second_path = folder.path().join(second);
    let child = Command::new(folder.path().join(first))
        .arg("-c")
        .arg(format!("read go; exec {} infinity", second_path.display()))
        .stdin(Stdio::piped())
        .spawn();
    let mut child = Ended(child.unwrap());
    let pid = child.id();
    // The kernel lets who started it go on a moment before it gives the process the program's name.
    let comm = || std::fs::read(format!("/proc/{pid}/comm")).unwrap();
    while !comm().starts_with(&first.as_bytes()[..15]) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut collector = begun();
    let mut name = || name_of(&list(&mut collector), pid).map(str::to_owned);
    assert_eq!(name().as_deref(), Some(first));
    assert_eq!(name().as_deref(), Some(first));
    std::io::Write::write_all(child.0.stdin.as_mut().unwrap(), b"go\n").unwrap();
    let arguments = || std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    // Where it sleeps, it has left the CPU: until then, or until the next tick, the kernel's clock of it stands still.
    let sleeps = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.contains(") S ")
    };
    while !(arguments().starts_with(second_path.as_os_str().as_encoded_bytes()) && sleeps()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(name().as_deref(), Some(second));
}
