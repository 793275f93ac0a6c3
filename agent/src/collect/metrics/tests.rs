//! Tests of whole samples.

use proptest::prelude::*;

use super::*;
use crate::collect::fixture::{Tree, machine};
use crate::collect::{MAX_WINDOW, MIN_WINDOW};

const NO_GPU: MetricsOptions = MetricsOptions {
    gpu: false,
    temperature: true,
};

fn at_ms(ms: u64) -> Now {
    Now {
        boot: Duration::from_millis(ms),
        unix: Duration::from_secs(1_750_000_000) + Duration::from_millis(ms),
    }
}

fn ready(collected: Collected<Metrics>) -> Metrics {
    match collected {
        Collected::Ready(metrics) => metrics,
        Collected::Wait(wait) => panic!("told to wait for {wait:?}"),
    }
}

fn wait(collected: Collected<Metrics>) -> Duration {
    match collected {
        Collected::Wait(wait) => wait,
        Collected::Ready(metrics) => panic!("got {metrics:?}"),
    }
}

#[test]
fn a_first_sample_is_true_and_waits_for_it() {
    let tree = Tree::new(&[("proc/stat", "cpu  0 0 0 0\ncpu0 0 0 0 0\n")]);
    let mut collector = MetricsCollector::new(tree.root(), NO_GPU);
    assert_eq!(wait(collector.collect(at_ms(1000))), MIN_WINDOW);
    tree.write("proc/stat", "cpu  4 0 0 6\ncpu0 4 0 0 6\n");
    assert_eq!(
        wait(collector.collect(at_ms(1100))),
        Duration::from_millis(150)
    );
    tree.write("proc/stat", "cpu  10 0 0 30\ncpu0 10 0 0 30\n");
    let cpu = ready(collector.collect(at_ms(1400))).cpu.unwrap();
    assert_eq!(cpu.total_percent, Some(25.0));
    assert_eq!(cpu.window_ms, Some(400));
    assert_eq!(cpu.cores.len(), 1);
}

#[test]
fn a_pi_is_read_whole() {
    let mut collector = MetricsCollector::new(machine("pi4"), NO_GPU);
    wait(collector.collect(at_ms(1000)));
    let metrics = ready(collector.collect(at_ms(2000)));
    assert_eq!(metrics.time, Some(at_ms(2000).sample_time()));
    assert_eq!(metrics.hostname, "pi4");
    let cpu = metrics.cpu.unwrap();
    // The tree's counters stand still.
    assert_eq!(cpu.total_percent, None);
    assert_eq!(cpu.temperature_celsius, Some(48.686));
    let memory = metrics.memory.unwrap();
    assert_eq!(memory.total_bytes, Some(3_884_300 * 1024));
    assert_eq!(memory.used_bytes, Some((3_884_300 - 3_352_004) * 1024));
    assert_eq!(
        memory.cache_bytes,
        Some((98_412 + 1_312_008 + 71_244) * 1024)
    );
    assert_eq!(metrics.swap.unwrap().used_bytes, Some(0));
    assert!((metrics.load.unwrap().one - 0.21).abs() < 1e-6);
    let names: Vec<_> = metrics.interfaces.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(names, ["lo", "eth0", "wlan0"]);
    assert_eq!(metrics.interfaces[1].received_bytes, 981_234_567);
    assert_eq!(metrics.interfaces[1].transmitted_bytes, 123_456_789);
    assert!(metrics.gpus.is_empty());
}

#[test]
fn a_temperature_that_was_declined_is_not_read() {
    let mut collector = MetricsCollector::new(
        machine("pi4"),
        MetricsOptions {
            gpu: false,
            temperature: false,
        },
    );
    wait(collector.collect(at_ms(1000)));
    let metrics = ready(collector.collect(at_ms(2000)));
    assert_eq!(metrics.cpu.unwrap().temperature_celsius, None);
}

#[test]
fn what_cannot_be_read_is_unknown_and_not_waited_for() {
    let tree = Tree::new(&[("proc/loadavg", "1.00 2.00 3.00 1/2 3\n")]);
    let mut collector = MetricsCollector::new(tree.root(), NO_GPU);
    let metrics = ready(collector.collect(at_ms(1000)));
    assert_eq!(metrics.cpu, Some(Cpu::default()));
    assert_eq!(metrics.memory, Some(Memory::default()));
    assert_eq!(metrics.swap, Some(Swap::default()));
    assert!(metrics.load.is_some());
    assert!(metrics.interfaces.is_empty());
}

#[test]
fn the_running_system_is_read() {
    let mut collector = MetricsCollector::new(Root::default(), MetricsOptions::default());
    let later = Now {
        boot: Now::read().boot + Duration::from_secs(1),
        ..Now::read()
    };
    wait(collector.collect(Now::read()));
    let metrics = ready(collector.collect(later));
    assert!(!metrics.hostname.is_empty());
    assert!(metrics.interfaces.iter().any(|i| i.name == "lo"));
    let memory = metrics.memory.unwrap();
    assert!(memory.used_bytes > Some(0) && memory.used_bytes < memory.total_bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))] // Each writes files.

    /// Whoever asks when, and whatever the counters do.
    #[test]
    fn shares_are_shares_and_windows_are_of_the_right_length(
        steps in proptest::collection::vec((0_u64..90_000, 0_u64..2_000, 0_u64..2_000, 0_u64..2_000), 1..30),
        start in 0_u64..100_000,
    ) {
        let tree = Tree::new(&[]);
        let mut collector = MetricsCollector::new(tree.root(), NO_GPU);
        let mut ms = start;
        for (pause, user, idle, iowait) in steps {
            ms += pause;
            // Not sums: they run backwards at times, as iowait does.
            let line = format!("{user} 0 0 {idle} {iowait}");
            tree.write("proc/stat", &format!("cpu  {line}\ncpu0 {line}\ncpu3 {line}\n"));
            match collector.collect(at_ms(ms)) {
                Collected::Wait(wait) => prop_assert!(wait <= MIN_WINDOW && !wait.is_zero()),
                Collected::Ready(metrics) => {
                    let cpu = metrics.cpu.unwrap();
                    let window = Duration::from_millis(cpu.window_ms.unwrap().into());
                    prop_assert!((MIN_WINDOW..=MAX_WINDOW).contains(&window), "{window:?}");
                    for percent in cpu.cores.iter().map(|core| core.percent).chain(cpu.total_percent) {
                        prop_assert!((0.0..=100.0).contains(&percent), "{percent}");
                    }
                }
            }
        }
    }
}
