//! Tests of the process list on fixture machines.

mod churn;
mod names;
mod new_pids;
mod turns;
mod unreadable;
mod windows;

use std::fs;
use std::time::Duration;

use socktop_proto::Error;
use socktop_proto::model::{Process, ProcessState, Processes};

use super::fake::{Fake, Machine};
use super::scan::TURN;
use super::{Collected, ProcessesCollector};
use crate::processes::new_pids::NewPids;

/// A collector that has the machine's CPU clocks and its last pid.
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
        Collected::Wait(time) => panic!("unexpected wait of {time:?}"),
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
