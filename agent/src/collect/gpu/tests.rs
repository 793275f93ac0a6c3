//! Tests with drivers that answer, lie, hang and die.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use super::*;

/// A driver that gives what it is sent, and waits for it.
struct Fake(Receiver<Vec<Reading>>);

impl Driver for Fake {
    fn read(&mut self) -> Vec<Reading> {
        self.0.recv().unwrap()
    }
}

fn fake() -> (Sender<Vec<Reading>>, GpuCollector) {
    let (sender, readings) = channel();
    (sender, collector(Fake(readings)))
}

/// A collector of one driver, however long that takes.
fn collector(driver: impl Driver + 'static) -> GpuCollector {
    let open = move || -> Drivers { vec![Box::new(driver)] };
    let mut collector = GpuCollector::with(Box::new(open));
    collector.patience = Duration::from_mins(1);
    collector
}

fn named(name: &str) -> Reading {
    Reading {
        name: name.to_owned(),
        ..Reading::default()
    }
}

#[test]
fn what_cannot_be_true_is_unknown() {
    let (sender, mut collector) = fake();
    let whole = Reading {
        usage_percent: Some(37),
        memory_used_bytes: Some(5),
        memory_total_bytes: Some(8),
        temperature_celsius: Some(61.0),
        ..named("whole")
    };
    let no_memory = Reading {
        memory_used_bytes: Some(7),
        memory_total_bytes: Some(0),
        ..named("no memory")
    };
    let too_much = Reading {
        usage_percent: Some(4_000),
        memory_used_bytes: Some(9),
        memory_total_bytes: Some(8),
        temperature_celsius: Some(-273.0),
        ..named("too much")
    };
    let no_total = Reading {
        memory_used_bytes: Some(9),
        temperature_celsius: Some(f32::NAN),
        ..named("no total")
    };
    sender
        .send(vec![whole, no_memory, too_much, no_total])
        .unwrap();
    let gpus = collector.collect();
    assert_eq!(
        gpus[0],
        model::Gpu {
            name: "whole".to_owned(),
            usage_percent: Some(37.0),
            memory_used_bytes: Some(5),
            memory_total_bytes: Some(8),
            temperature_celsius: Some(61.0),
        }
    );
    assert_eq!(gpus[1], silent("no memory"));
    let mut cut = silent("too much");
    cut.memory_used_bytes = Some(8);
    cut.memory_total_bytes = Some(8);
    assert_eq!(gpus[2], cut);
    assert_eq!(gpus[3], silent("no total"));
}

#[test]
fn a_first_empty_poll_puts_collection_to_rest_and_lets_the_driver_go() {
    struct Empty(Arc<AtomicU32>);
    impl Driver for Empty {
        fn read(&mut self) -> Vec<Reading> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Vec::new()
        }
    }
    let reads = Arc::new(AtomicU32::new(0));
    let mut collector = collector(Empty(Arc::clone(&reads)));
    for _ in 0..3 {
        assert_eq!(collector.collect(), []);
    }
    assert_eq!(reads.load(Ordering::SeqCst), 1);
    assert_eq!(Arc::strong_count(&reads), 1, "the driver is still held");
}

#[test]
fn a_gpu_that_disappears_keeps_its_row_and_may_come_back() {
    let (sender, mut collector) = fake();
    sender.send(vec![named("a"), named("b")]).unwrap();
    assert_eq!(collector.collect(), [silent("a"), silent("b")]);
    sender.send(vec![]).unwrap();
    assert_eq!(collector.collect(), [silent("a"), silent("b")]);
    sender.send(vec![named("a")]).unwrap();
    assert_eq!(collector.collect(), [silent("a")]);
}

#[test]
fn a_driver_that_hangs_is_not_waited_for_and_its_late_answer_is_taken() {
    let (sender, mut collector) = fake();
    let used = Reading {
        usage_percent: Some(5),
        ..named("a")
    };
    sender.send(vec![used]).unwrap();
    assert_eq!(collector.collect()[0].usage_percent, Some(5.0));
    collector.patience = Duration::ZERO;
    for _ in 0..3 {
        assert_eq!(collector.collect(), [silent("a")]);
    }
    let used = Reading {
        usage_percent: Some(6),
        ..named("a")
    };
    sender.send(vec![used]).unwrap();
    // It comes when its thread gets to it.
    let gpus = loop {
        let gpus = collector.collect();
        if gpus != [silent("a")] {
            break gpus;
        }
    };
    assert_eq!(gpus[0].usage_percent, Some(6.0));
}

#[test]
fn a_driver_that_panics_leaves_the_names_and_nothing_else() {
    struct Dying(Arc<Mutex<u32>>);
    impl Driver for Dying {
        fn read(&mut self) -> Vec<Reading> {
            let mut calls = self.0.lock().unwrap();
            *calls += 1;
            assert!(*calls == 1, "this panic is meant");
            vec![named("a")]
        }
    }
    let mut collector = collector(Dying(Arc::default()));
    assert_eq!(collector.collect(), [silent("a")]);
    assert_eq!(collector.collect(), [silent("a")]);
}

#[test]
fn the_running_system_can_be_asked() {
    let mut collector = GpuCollector::new(Root::default());
    let first = collector.collect();
    let second = collector.collect();
    assert!(first.is_empty() || second.len() == first.len());
}
