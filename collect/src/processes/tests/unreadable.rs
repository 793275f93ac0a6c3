//! Processes and procfs that cannot be read: unknown values and errors.

use std::fs;
use std::time::Duration;

use socktop_proto::ErrorCode;
use socktop_proto::model::Process;

use super::super::ProcessesCollector;
use super::super::fake::{Fake, Machine};
use super::{begin, collect, collector, ms, row, sample};

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
