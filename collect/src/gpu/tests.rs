//! Tests with drivers that answer, hang, panic and give impossible values.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;
use crate::deadline::Bounds;

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
    let deadline = Duration::from_mins(1);
    collector_with(driver, Bounds { deadline, ..GPUS })
}

fn collector_with(driver: impl Driver + 'static, bounds: Bounds) -> GpuCollector {
    let open = move || -> Drivers { vec![Box::new(driver)] };
    let open = Holder::Unopened(Box::new(open));
    GpuCollector::of(open, Some(Helpers::new(bounds)))
}

fn named(name: &str) -> Reading {
    Reading {
        name: name.to_owned(),
        ..Reading::default()
    }
}

#[tokio::test]
async fn impossible_values_are_unknown() {
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
    let gpus = collector.collect().await;
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

#[tokio::test]
async fn empty_first_poll_stops_collection_and_closes_the_driver() {
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
        assert_eq!(collector.collect().await, []);
    }
    assert_eq!(reads.load(Ordering::SeqCst), 1);
    assert_eq!(Arc::strong_count(&reads), 1, "the driver is still held");
}

#[tokio::test]
async fn removed_gpu_keeps_its_row_and_can_return() {
    let (sender, mut collector) = fake();
    sender.send(vec![named("a"), named("b")]).unwrap();
    assert_eq!(collector.collect().await, [silent("a"), silent("b")]);
    sender.send(vec![]).unwrap();
    assert_eq!(collector.collect().await, [silent("a"), silent("b")]);
    sender.send(vec![named("a")]).unwrap();
    assert_eq!(collector.collect().await, [silent("a")]);
}

#[tokio::test]
async fn stale_reading_is_not_shown_as_current() {
    let (sender, mut collector) = fake();
    // A client was there and has gone; the poll ended when no request came any more.
    let read_at = Instant::now().checked_sub(2 * MAX_WINDOW).unwrap();
    collector.cards.lock().readings = Some((read_at, vec![named("then")]));
    sender.send(vec![named("now")]).unwrap();
    assert_eq!(collector.collect().await, [silent("now")]);
}

#[tokio::test]
async fn hung_driver_blocks_no_other_task_and_its_late_reading_is_used() {
    let (sender, readings) = channel();
    let deadline = Duration::from_millis(200);
    let mut collector = collector_with(Fake(readings), Bounds { deadline, ..GPUS });
    let used = |percent| Reading {
        usage_percent: Some(percent),
        ..named("a")
    };
    sender.send(vec![used(5)]).unwrap();
    // That may be too short for the machine that runs this.
    let gpus = until_answered(&mut collector, &[]).await;
    assert_eq!(gpus[0].usage_percent, Some(5.0));
    let turns = AtomicU32::new(0);
    let other_task = async {
        loop {
            turns.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        gpus = collector.collect() => assert_eq!(gpus, [silent("a")]),
        () = other_task => {}
    }
    assert!(turns.load(Ordering::SeqCst) > 1);
    for _ in 0..3 {
        assert_eq!(collector.collect().await, [silent("a")]);
    }
    sender.send(vec![used(6)]).unwrap();
    let gpus = until_answered(&mut collector, &[silent("a")]).await;
    assert_eq!(gpus[0].usage_percent, Some(6.0));
}

/// Collects until something else comes than there was.
async fn until_answered(collector: &mut GpuCollector, before: &[model::Gpu]) -> Vec<model::Gpu> {
    loop {
        let gpus = collector.collect().await;
        if gpus != before {
            return gpus;
        }
    }
}

#[tokio::test]
async fn poll_without_a_free_thread_is_repeated_by_the_next_sample() {
    let deadline = Duration::from_mins(1);
    let threads = |threads| {
        Helpers::new(Bounds {
            deadline,
            threads,
            ..GPUS
        })
    };
    let (sender, readings) = channel();
    let mut collector = collector_with(Fake(readings), Bounds { threads: 0, ..GPUS });
    assert_eq!(collector.collect().await, []);
    assert!(collector.helpers.replace(threads(1)).is_some(), "it rests");
    sender.send(vec![named("a")]).unwrap();
    assert_eq!(collector.collect().await, [silent("a")]);
    collector.helpers = Some(threads(0));
    for _ in 0..3 {
        assert_eq!(collector.collect().await, [silent("a")]);
    }
    assert!(collector.helpers.replace(threads(1)).is_some(), "it rests");
    sender.send(vec![named("b")]).unwrap();
    assert_eq!(collector.collect().await, [silent("b")]);
}

#[tokio::test]
async fn drivers_are_closed_by_a_helper_thread() {
    struct Closing(Sender<Option<String>>);
    impl Driver for Closing {
        fn read(&mut self) -> Vec<Reading> {
            vec![named("a")]
        }
    }
    impl Drop for Closing {
        fn drop(&mut self) {
            let thread = std::thread::current();
            self.0.send(thread.name().map(str::to_owned)).unwrap();
        }
    }
    let (sender, closed_by) = channel();
    let mut collector = collector(Closing(sender));
    assert_eq!(collector.collect().await, [silent("a")]);
    drop(collector);
    assert_eq!(closed_by.recv().unwrap().as_deref(), Some(GPUS.name));
}

#[tokio::test]
async fn panicking_driver_leaves_only_the_names() {
    struct Dying(Arc<Mutex<u32>>);
    impl Driver for Dying {
        fn read(&mut self) -> Vec<Reading> {
            let mut calls = self.0.lock();
            *calls += 1;
            assert!(*calls == 1, "this panic is meant");
            vec![named("a")]
        }
    }
    let mut collector = collector(Dying(Arc::default()));
    for _ in 0..3 {
        assert_eq!(collector.collect().await, [silent("a")]);
    }
}

#[tokio::test]
async fn gpus_of_the_running_system_can_be_read() {
    let mut collector = GpuCollector::new(Root::default());
    let first = collector.collect().await;
    let second = collector.collect().await;
    assert!(first.is_empty() || second.len() == first.len());
}
