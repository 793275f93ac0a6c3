//! The list of all processes on machines of files.

mod churn;
mod names;
mod new_pids;
mod turns;

use std::fs;
use std::time::Duration;

use socktop_proto::model::{Process, ProcessState, Processes};
use socktop_proto::{Error, ErrorCode};

use super::fake::{Fake, Machine};
use super::scan::TURN;
use super::{Collected, ProcessesCollector};
use crate::processes::new_pids::NewPids;

/// A collector that has the machine's CPU clocks, and is told of births.
fn collector(machine: &Machine) -> ProcessesCollector {
    let mut collector = ProcessesCollector::new(machine.root());
    collector.reader = Some((machine.reader(), NewPids::new(Some(machine.last_pid()))));
    collector
}

fn collect(
    machine: &Machine,
    collector: &mut ProcessesCollector,
) -> Result<Collected<Processes>, Error> {
    collector.collect(&|| machine.now())
}

/// Collects where a sample must come of it.
fn sample(machine: &Machine, collector: &mut ProcessesCollector) -> Processes {
    match collect(machine, collector).unwrap() {
        Collected::Ready(sample) => sample,
        Collected::Wait(time) => panic!("told to wait {time:?}"),
    }
}

/// Reads a baseline and lets half a second pass.
fn begin(machine: &Machine) -> ProcessesCollector {
    let mut collector = collector(machine);
    assert!(matches!(
        collect(machine, &mut collector),
        Ok(Collected::Wait(_))
    ));
    machine.pass(500);
    collector
}

fn row(sample: &Processes, pid: u32) -> &Process {
    sample.processes.iter().find(|row| row.pid == pid).unwrap()
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn first_sample_waits_for_a_full_window_and_is_accurate() {
    let machine = Machine::new();
    let mut worker = Fake::new(70, "worker");
    machine.put(&worker);
    let mut collector = collector(&machine);
    let first = collect(&machine, &mut collector);
    assert!(matches!(first, Ok(Collected::Wait(wait)) if wait == ms(250)));
    machine.pass(100);
    let early = collect(&machine, &mut collector);
    assert!(matches!(early, Ok(Collected::Wait(wait)) if wait == ms(150)));
    machine.pass(400);
    worker.cpu += ms(250);
    worker.state = 'R';
    worker.threads = 3;
    machine.put(&worker);
    let sample = sample(&machine, &mut collector);
    assert_eq!(sample.total, 1);
    assert_eq!(sample.window_ms, Some(500));
    assert_eq!(sample.time, Some(machine.now().sample_time()));
    let page_bytes = u64::try_from(rustix::param::page_size()).unwrap();
    let expected = Process {
        pid: 70,
        parent_pid: Some(1),
        user_id: Some(rustix::process::geteuid().as_raw()),
        user: String::new(),
        name: "worker".to_owned(),
        state: ProcessState::Running.into(),
        threads: Some(3),
        cpu_percent: Some(12.5),
        resident_bytes: Some(100 * page_bytes),
        started_boot_ms: Some(1000),
    };
    assert_eq!(sample.processes, [expected]);
}

#[test]
fn frequent_callers_share_a_full_window() {
    let machine = Machine::new();
    let mut worker = Fake::new(70, "worker");
    machine.put(&worker);
    let mut collector = begin(&machine);
    for step in 0..200 {
        // Half a CPU, in bursts of 20 ms.
        worker.cpu += ms(if step % 2 == 0 { 20 } else { 0 });
        machine.put(&worker);
        let sample = sample(&machine, &mut collector);
        if step > 50 {
            let share = row(&sample, 70).cpu_percent.unwrap();
            assert!((11.5..=13.5).contains(&share), "{share} % in step {step}");
            assert!(sample.window_ms >= Some(250));
        }
        machine.pass(20);
    }
}

#[test]
fn stale_baseline_is_discarded() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "worker"));
    let mut collector = begin(&machine);
    sample(&machine, &mut collector);
    machine.pass(70_000);
    let stale = collect(&machine, &mut collector);
    assert!(matches!(stale, Ok(Collected::Wait(wait)) if wait == ms(250)));
}

#[test]
fn process_started_in_the_window_has_a_share_at_once() {
    let machine = Machine::new();
    machine.put(&Fake::new(1, "init"));
    let mut collector = begin(&machine);
    let mut young = Fake::new(70, "young");
    young.started = machine.now().boot.checked_sub(ms(100)).unwrap();
    young.cpu = ms(50);
    machine.put(&young);
    // This one is older than the baseline and was not there.
    machine.put(&Fake::new(71, "old"));
    let sample = sample(&machine, &mut collector);
    assert_eq!(row(&sample, 70).cpu_percent, Some(2.5));
    assert_eq!(row(&sample, 71).cpu_percent, None);
}

#[test]
fn process_unreadable_once_stays_in_the_list() {
    let machine = Machine::new();
    let mut worker = Fake::new(70, "worker");
    machine.put(&worker);
    let mut collector = begin(&machine);
    worker.cpu += ms(100);
    machine.put(&worker);
    // As where there are no descriptors left: it is there, and its folder cannot be opened.
    fs::rename(machine.path("proc/70"), machine.path("aside")).unwrap();
    machine.write("proc/70", b"");
    let unknown = Process {
        pid: 70,
        ..Process::default()
    };
    let first = sample(&machine, &mut collector);
    assert_eq!(first.processes, [unknown]);
    fs::remove_file(machine.path("proc/70")).unwrap();
    fs::rename(machine.path("aside"), machine.path("proc/70")).unwrap();
    machine.pass(500);
    let second = sample(&machine, &mut collector);
    assert_eq!(row(&second, 70).name, "worker");
}

#[test]
fn reused_pid_is_another_process() {
    let machine = Machine::new();
    let mut old = Fake::new(70, "old");
    old.cpu = Duration::from_hours(1);
    machine.put(&old);
    let mut collector = begin(&machine);
    sample(&machine, &mut collector);
    machine.pass(500);
    let mut new = Fake::new(70, "new");
    new.started = machine.now().boot.checked_sub(ms(50)).unwrap();
    new.cpu = ms(20);
    machine.put(&new);
    let sample = sample(&machine, &mut collector);
    assert_eq!(row(&sample, 70).name, "new");
    assert_eq!(row(&sample, 70).cpu_percent, Some(1.0));
}

#[test]
fn pid_reused_during_a_clock_read_has_its_own_clock() {
    let machine = Machine::new();
    let mut old = Fake::new(70, "old");
    old.cpu = Duration::from_hours(1);
    machine.put(&old);
    let mut collector = begin(&machine);
    sample(&machine, &mut collector);
    machine.pass(500);
    let mut new = Fake::new(70, "new");
    new.started = machine.now().boot.checked_sub(ms(50)).unwrap();
    machine.put(&new);
    let readings = std::sync::atomic::AtomicU32::new(0);
    if let Some((reader, _)) = &mut collector.reader {
        reader.cpu_clock = Some(Box::new(move |_| {
            // The first reading comes just before the old one ends.
            let is_old = readings.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
            Some(if is_old {
                3_600_000_000_001
            } else {
                20_000_000
            })
        }));
    }
    let sample = sample(&machine, &mut collector);
    assert_eq!(row(&sample, 70).name, "new");
    assert_eq!(row(&sample, 70).cpu_percent, Some(1.0));
}

#[test]
fn memory_for_many_processes_is_freed_when_they_have_ended() {
    let machine = Machine::new();
    let many = 70..2070;
    many.clone()
        .for_each(|pid| machine.put(&Fake::new(pid, "one of many")));
    let mut collector = begin(&machine);
    let list = sample(&machine, &mut collector);
    assert!(list.processes.capacity() >= many.len());
    collector.recycle(list);
    many.skip(1).for_each(|pid| machine.remove(pid));
    machine.put(&Fake::new(2, "another"));
    let list = sample(&machine, &mut collector);
    assert_eq!(list.total, 2);
    for capacity in [
        list.processes.capacity(),
        collector.entries.capacity(),
        collector.pids.capacity(),
    ] {
        assert!(capacity < 100, "{capacity}");
    }
}

#[test]
fn unreadable_values_are_unknown_and_others_are_read() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "open"));
    machine.put(&Fake::new(71, "hidden"));
    machine.put(&Fake::new(72, "garbled"));
    // Reading a folder fails, for root too.
    fs::remove_file(machine.path("proc/71/stat")).unwrap();
    fs::create_dir(machine.path("proc/71/stat")).unwrap();
    machine.write("proc/72/stat", b"72 (garbled) S");
    let mut collector = begin(&machine);
    let sample = sample(&machine, &mut collector);
    assert_eq!(sample.total, 3);
    assert_eq!(row(&sample, 70).cpu_percent, Some(0.0));
    for pid in [71, 72] {
        let unknown = Process {
            pid,
            user_id: Some(rustix::process::geteuid().as_raw()),
            ..Process::default()
        };
        assert_eq!(*row(&sample, pid), unknown);
    }
}

#[test]
fn process_that_ends_during_the_scan_is_left_out() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "stays"));
    machine.put(&Fake::new(71, "goes before its clock is read"));
    machine.put(&Fake::new(72, "goes after its clock is read"));
    let mut collector = begin(&machine);
    machine.remove(71);
    fs::create_dir(machine.path("proc/71")).unwrap();
    fs::remove_file(machine.path("proc/72/stat")).unwrap();
    machine.set_clock(72, Duration::from_secs(2));
    let sample = sample(&machine, &mut collector);
    assert_eq!(
        sample
            .processes
            .iter()
            .map(|row| row.pid)
            .collect::<Vec<_>>(),
        [70]
    );
    assert_eq!(sample.total, 1);
}

#[test]
fn shares_add_up_to_the_machine_at_most() {
    let machine = Machine::new();
    let mut workers: Vec<Fake> = (70..79).map(|pid| Fake::new(pid, "worker")).collect();
    for worker in &workers {
        machine.put(worker);
    }
    let mut collector = begin(&machine);
    for worker in &mut workers {
        // 9 × 250 ms in 500 ms of 4 CPUs.
        worker.cpu += ms(250);
        machine.put(worker);
    }
    let sample = sample(&machine, &mut collector);
    let sum: f32 = sample
        .processes
        .iter()
        .filter_map(|row| row.cpu_percent)
        .sum();
    assert!((99.9..=100.0).contains(&sum), "{sum}");
}

#[test]
fn cpu_time_is_taken_from_stat_without_cpu_clocks() {
    let machine = Machine::new();
    let mut worker = Fake::new(70, "worker");
    machine.put(&worker);
    let mut collector = ProcessesCollector::new(machine.root());
    assert!(matches!(
        collect(&machine, &mut collector),
        Ok(Collected::Wait(_))
    ));
    assert!(
        collector
            .reader
            .as_ref()
            .is_some_and(|(reader, _)| reader.cpu_clock.is_none())
    );
    machine.pass(500);
    worker.cpu += ms(100);
    worker.resident_pages = 0;
    machine.put(&worker);
    let sample = sample(&machine, &mut collector);
    assert_eq!(row(&sample, 70).cpu_percent, Some(5.0));
    // Read although it might not have run.
    assert_eq!(row(&sample, 70).resident_bytes, Some(0));
}

#[test]
fn zombies_and_kernel_threads_are_listed() {
    let machine = Machine::new();
    let mut zombie = Fake::new(70, "zombie");
    zombie.state = 'Z';
    zombie.resident_pages = 0;
    let mut kernel = Fake::new(71, "kworker/u8:2-events_unbound");
    kernel.state = 'I';
    kernel.flags = 0x0420_8060;
    kernel.parent = 0;
    machine.put(&zombie);
    machine.put(&kernel);
    let sample = sample(&machine, &mut begin(&machine));
    assert_eq!(row(&sample, 70).state(), ProcessState::Zombie);
    assert_eq!(row(&sample, 70).resident_bytes, Some(0));
    assert_eq!(row(&sample, 71).state(), ProcessState::Idle);
    assert_eq!(row(&sample, 71).parent_pid, Some(0));
    assert_eq!(row(&sample, 71).name, "kworker/u8:2-events_unbound");
}

#[test]
fn user_names_are_read_from_the_roots_passwd_file() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "worker"));
    let uid = rustix::process::geteuid().as_raw();
    machine.write("etc/passwd", format!("tester:x:{uid}:0::/:\n").as_bytes());
    let sample = sample(&machine, &mut begin(&machine));
    assert_eq!(row(&sample, 70).user, "tester");
}

#[test]
fn recycled_list_keeps_no_old_values() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "open"));
    machine.put(&Fake::new(71, "hidden"));
    fs::remove_file(machine.path("proc/71/stat")).unwrap();
    fs::create_dir(machine.path("proc/71/stat")).unwrap();
    let mut collector = begin(&machine);
    let first = sample(&machine, &mut collector);
    let mut other = first.clone();
    other.processes.reverse();
    other.processes.push(other.processes[0].clone());
    for row in &mut other.processes {
        row.user.push_str("somebody");
        row.name.push_str("something");
    }
    collector.recycle(other);
    assert_eq!(sample(&machine, &mut collector), first);
}

#[test]
fn missing_proc_is_a_clear_error() {
    let machine = Machine::new();
    fs::remove_dir_all(machine.path("proc")).unwrap();
    let error = ProcessesCollector::new(machine.root())
        .collect(&|| machine.now())
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert!(
        error.message.contains("/proc: No such file"),
        "{}",
        error.message
    );
}

#[test]
fn empty_proc_is_a_clear_error() {
    let machine = Machine::new();
    let error = collect(&machine, &mut collector(&machine)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert!(
        error.message.contains("lists none; check that procfs"),
        "{}",
        error.message
    );
}

#[test]
fn shares_are_unknown_without_the_number_of_cpus() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "worker"));
    fs::remove_file(machine.path("proc/stat")).unwrap();
    let sample = sample(&machine, &mut begin(&machine));
    assert_eq!(row(&sample, 70).cpu_percent, None);
}
