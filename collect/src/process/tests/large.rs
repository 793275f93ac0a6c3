//! Tests of large processes, and of many of them.

use super::*;

/// A process with `count` threads and children, each of which has `words` empty arguments.
fn crowd(count: u32, words: usize) -> Machine {
    let machine = Machine::new();
    let mut parent = Fake::new(70, "parent");
    parent.cmdline = vec![0; words];
    machine.put(&parent);
    let children = 100_000..100_000 + count;
    for pid in children.clone() {
        let mut child = Fake::new(pid, "child");
        child.parent = 70;
        child.cmdline = vec![0; words];
        machine.put(&child);
    }
    for tid in 1..count {
        put_thread(&machine, 70, &Fake::new(70 + tid, "thread"), "");
    }
    let pids: Vec<_> = children.map(|pid| pid.to_string()).collect();
    put_thread(&machine, 70, &parent, &pids.join(" "));
    machine
}

#[test]
fn reply_on_a_large_process_is_within_the_clients_limits() {
    let count = 1200;
    let machine = crowd(count, 200_000);
    let details = sample(&machine, &mut begin(&machine, 70), 70);
    assert_eq!(
        (details.threads.len(), details.children.len()),
        (THREADS, CHILDREN)
    );
    assert_eq!(details.children_total, Some(count));
    assert_eq!(details.command.len(), COMMAND_WORDS);
    assert!(details.command_cut && details.children.iter().all(|child| child.command_cut));
    let words = details.children.iter().map(|child| child.command.len());
    let parts = THREADS + CHILDREN + details.command.len() + words.sum::<usize>();
    assert!(parts < PARTS / 2, "{parts}");
}

#[test]
fn the_text_of_all_children_is_bounded() {
    let child = ProcessDetails {
        executable: Some("x".repeat(PATH_BYTES)),
        working_directory: Some("x".repeat(PATH_BYTES)),
        ..ProcessDetails::default()
    };
    let most = CHILDREN_TEXT_BYTES / (2 * PATH_BYTES);
    assert_eq!(fitting(&vec![child; CHILDREN]), most);
    const { assert!(CHILDREN_TEXT_BYTES < MESSAGE_BYTES / 2) };
}

#[test]
fn reading_a_large_process_does_not_block_others() {
    let machine = crowd(400, 1);
    let collector = begin(&machine, 70);
    let turns = Cell::new(0_u32);
    let others = async {
        loop {
            turns.set(turns.get() + 1);
            tokio::task::yield_now().await;
        }
    };
    let clock = || machine.now();
    let collected = wait(async {
        tokio::select! {
            biased;
            collected = collector.collect(70, &clock) => collected,
            () = others => unreachable!("they go on for ever"),
        }
    });
    assert!(matches!(collected, Ok(Collected::Ready(_))));
    // 400 lists of children, 256 children and 400 threads, 32 at a time.
    assert!(turns.get() >= 30, "{} turns", turns.get());
}

#[test]
fn counters_of_an_unwatched_process_are_released() {
    let machine = Machine::new();
    machine.put(&Fake::new(70, "process"));
    machine.put(&Fake::new(71, "other"));
    let mut collector = begin(&machine, 70);
    machine.pass(61_000);
    let _ = collect(&machine, &mut collector, 71);
    let pids = |collector: &mut ProcessCollector| {
        let views = &collector.state.get_mut().views;
        views.iter().map(|view| view.pid).collect::<Vec<_>>()
    };
    assert_eq!(pids(&mut collector), [71]);
    collector.release();
    assert_eq!(pids(&mut collector), [0; 0]);
}

#[test]
fn counters_are_kept_for_a_bounded_number_of_processes() {
    let machine = Machine::new();
    let last = 100 + u32::try_from(VIEWS).unwrap();
    for pid in 100..=last {
        machine.put(&Fake::new(pid, "process"));
    }
    let mut collector = begin(&machine, 100);
    for pid in 101..=last {
        assert!(matches!(
            collect(&machine, &mut collector, pid),
            Ok(Collected::Wait(_))
        ));
    }
    assert_eq!(collector.state.get_mut().views.len(), VIEWS);
    machine.pass(500);
    assert!(matches!(
        collect(&machine, &mut collector, 100),
        Ok(Collected::Wait(_))
    ));
    sample(&machine, &mut collector, last);
}
