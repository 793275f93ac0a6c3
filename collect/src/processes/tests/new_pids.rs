//! Reuse of the pid list while no process has been created.

use std::time::Duration;

use super::super::scan::TURN;
use super::{Fake, Machine, begin, ms, row, sample};
use crate::ProcessesCollector;
use crate::processes::new_pids::SETTLED;

/// A process that the kernel has not said it created.
fn put_in_secret(machine: &Machine, pid: u32) {
    let fake = Fake::new(pid, "secret");
    machine.write(&format!("proc/{pid}/stat"), &fake.stat());
    machine.set_clock(pid, fake.cpu);
}

fn pids(machine: &Machine, collector: &mut ProcessesCollector) -> Vec<u32> {
    let sample = sample(machine, collector);
    sample.processes.iter().map(|row| row.pid).collect()
}

fn pass(machine: &Machine, time: Duration) {
    machine.pass(u64::try_from(time.as_millis()).unwrap());
}

#[test]
fn proc_is_not_listed_when_no_process_was_created() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "first"));
    machine.put(&Fake::new(71, "second"));
    let mut collector = begin(&machine);
    assert_eq!(pids(&machine, &mut collector), [70, 71]);
    put_in_secret(&machine, 72);
    pass(&machine, ms(500));
    // That this one is missing proves that there was no list.
    assert_eq!(pids(&machine, &mut collector), [70, 71]);
    machine.remove(70);
    assert_eq!(pids(&machine, &mut collector), [71]);
    machine.put(&Fake::new(70, "third"));
    assert_eq!(pids(&machine, &mut collector), [70, 71, 72]);
}

#[test]
fn list_taken_during_a_process_creation_is_not_reused() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "first"));
    let mut collector = begin(&machine);
    sample(&machine, &mut collector);
    machine.put(&Fake::new(71, "second"));
    // The first list after a process was created, and one too soon after it.
    assert_eq!(pids(&machine, &mut collector), [70, 71]);
    pass(&machine, SETTLED.saturating_sub(ms(1)));
    put_in_secret(&machine, 72);
    assert_eq!(pids(&machine, &mut collector), [70, 71, 72]);
    pass(&machine, ms(1));
    put_in_secret(&machine, 73);
    assert_eq!(pids(&machine, &mut collector), [70, 71, 72, 73]);
    put_in_secret(&machine, 74);
    assert_eq!(pids(&machine, &mut collector), [70, 71, 72, 73]);
}

#[test]
fn pid_list_is_reused_for_one_turn() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "first"));
    let mut collector = begin(&machine);
    sample(&machine, &mut collector);
    put_in_secret(&machine, 71);
    // Readings further apart than this are not compared.
    for _ in 0..2 {
        pass(&machine, (TURN / 2).saturating_sub(ms(1)));
        assert_eq!(pids(&machine, &mut collector), [70]);
    }
    pass(&machine, ms(2));
    assert_eq!(pids(&machine, &mut collector), [70, 71]);
}

#[test]
fn idle_process_is_read_again_only_when_its_pid_may_be_reused() {
    let machine = Machine::new();
    let mut process = Fake::new(70, "first");
    process.cpu = ms(0);
    machine.put(&process);
    let mut collector = begin(&machine);
    sample(&machine, &mut collector);
    process.comm = b"second".to_vec();
    machine.put(&process);
    // The old name proves that it was not read.
    assert_eq!(row(&sample(&machine, &mut collector), 70).name, "first");
    process.comm = b"third".to_vec();
    process.started = machine.now().boot;
    machine.put(&process);
    assert_eq!(row(&sample(&machine, &mut collector), 70).name, "third");
}
