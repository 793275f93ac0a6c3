//! CPU shares: the window that they are taken over, and what they are without one.

use socktop_proto::model::{Process, ProcessState};

use super::super::fake::{Fake, Machine, NICE};
use super::super::{Collected, ProcessesCollector};
use super::{begin, collect, collector, ms, row, sample};
use std::fs;

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
        nice: Some(NICE),
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
fn shares_are_unknown_without_the_number_of_cpus() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "worker"));
    fs::remove_file(machine.path("proc/stat")).unwrap();
    let sample = sample(&machine, &mut begin(&machine));
    assert_eq!(row(&sample, 70).cpu_percent, None);
}
