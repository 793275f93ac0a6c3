//! Which processes are read again, and when.

use super::*;

#[test]
fn idle_process_is_read_only_in_its_turn() {
    let machine = Machine::new();
    let mut sleeper = Fake::new(70, "sleeper");
    machine.put(&sleeper);
    let mut collector = begin(&machine);
    let kept = row(&sample(&machine, &mut collector), 70).resident_bytes;
    sleeper.resident_pages = 7;
    machine.put(&sleeper);
    // The kept row proves that the process was not read.
    assert_eq!(
        row(&sample(&machine, &mut collector), 70).resident_bytes,
        kept
    );
    machine.pass(u64::try_from(TURN.as_millis()).unwrap());
    let fresh = row(&sample(&machine, &mut collector), 70).resident_bytes;
    assert_eq!(fresh.unwrap() * 100, kept.unwrap() * 7);
}

#[test]
fn unchanged_clock_of_a_running_process_does_not_make_it_idle() {
    let machine = Machine::new();
    let mut process = Fake::new(70, "process");
    process.state = 'R';
    machine.put(&process);
    let mut collector = begin(&machine);
    sample(&machine, &mut collector);
    process.comm = b"other".to_vec();
    machine.put(&process);
    assert_eq!(row(&sample(&machine, &mut collector), 70).name, "other");
}

#[test]
fn every_process_is_read_once_a_turn_at_any_sample_rate() {
    let machine = Machine::new();
    for pid in 70..170 {
        machine.put(&Fake::new(pid, "sleeper"));
    }
    let mut collector = begin(&machine);
    sample(&machine, &mut collector);
    for pid in 70..170 {
        let mut sleeper = Fake::new(pid, "sleeper");
        sleeper.resident_pages = 0;
        machine.put(&sleeper);
    }
    let mut stale = 100;
    let share = stale / usize::try_from(TURN.as_secs()).unwrap();
    for second in 1..=TURN.as_secs() {
        machine.pass(1000);
        let sample = sample(&machine, &mut collector);
        let left = sample
            .processes
            .iter()
            .filter(|row| row.resident_bytes != Some(0))
            .count();
        let read = stale - left;
        assert!(
            (share..=share + 1).contains(&read),
            "{read} of 100 read in second {second}"
        );
        stale = left;
    }
    assert_eq!(stale, 0);
}

#[test]
fn process_that_runs_during_the_scan_is_not_taken_for_idle() {
    let machine = Machine::new();
    let mut process = Fake::new(70, "before");
    machine.put(&process);
    let mut collector = collector(&machine);
    process.comm = b"after".to_vec();
    process.cpu += ms(1);
    let (path, stat) = (machine.path("proc/70/stat"), process.stat());
    let cpu_ns = u64::try_from(process.cpu.as_nanos()).unwrap();
    if let Some((reader, _)) = &mut collector.reader {
        // It runs just before its clock is read. Had `stat` been read by then, that would be the old
        // state beside the new time, and kept.
        reader.cpu_clock = Some(Box::new(move |_| {
            fs::write(&path, &stat).ok().map(|()| cpu_ns)
        }));
    }
    assert!(matches!(
        collect(&machine, &mut collector),
        Ok(Collected::Wait(_))
    ));
    machine.pass(500);
    assert_eq!(row(&sample(&machine, &mut collector), 70).name, "after");
}

#[test]
fn orphans_have_their_new_parent_in_the_next_sample() {
    for parent_stays_as_zombie in [false, true] {
        let machine = Machine::new();
        let mut parent = Fake::new(70, "parent");
        let mut child = Fake::new(71, "child");
        child.parent = 70;
        machine.put(&Fake::new(1, "init"));
        machine.put(&parent);
        machine.put(&child);
        let mut collector = begin(&machine);
        assert_eq!(
            row(&sample(&machine, &mut collector), 71).parent_pid,
            Some(70)
        );
        child.parent = 1;
        machine.put(&child);
        if parent_stays_as_zombie {
            parent.state = 'Z';
            parent.cpu += ms(1);
            machine.put(&parent);
        } else {
            machine.remove(70);
        }
        assert_eq!(
            row(&sample(&machine, &mut collector), 71).parent_pid,
            Some(1)
        );
    }
}

#[test]
fn orphans_are_found_after_their_parents_pid_is_reused() {
    let machine = Machine::new();
    let mut child = Fake::new(71, "child");
    child.parent = 70;
    machine.put(&Fake::new(1, "init"));
    machine.put(&Fake::new(70, "parent"));
    machine.put(&child);
    let mut collector = begin(&machine);
    sample(&machine, &mut collector);
    child.parent = 1;
    machine.put(&child);
    let mut other = Fake::new(70, "other");
    other.started = machine.now().boot;
    other.cpu = ms(2);
    machine.put(&other);
    assert_eq!(
        row(&sample(&machine, &mut collector), 71).parent_pid,
        Some(1)
    );
}
