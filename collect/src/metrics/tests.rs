//! Tests of whole samples.

use proptest::prelude::*;

use super::*;
use crate::fixture::{Tree, machine};
use crate::{MAX_WINDOW, MIN_WINDOW};

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
        Collected::Wait(wait) => panic!("unexpected wait of {wait:?}"),
    }
}

fn wait(collected: Collected<Metrics>) -> Duration {
    match collected {
        Collected::Wait(wait) => wait,
        Collected::Ready(metrics) => panic!("got {metrics:?}"),
    }
}

#[test]
fn first_sample_waits_for_a_full_window() {
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

/// What a Pi's tree holds; sizes in KiB.
struct Pi {
    name: &'static str,
    celsius: f32,
    load: f32,
    memory: u64,
    /// As free(1) shows them.
    used: u64,
    cache: u64,
    swap: u64,
    swap_used: u64,
    /// Name, bytes received and transmitted.
    interfaces: &'static [(&'static str, u64, u64)],
}

const PIS: [Pi; 5] = [
    Pi {
        name: "pi2",
        celsius: 44.388,
        load: 0.08,
        memory: 943_132,
        used: 284_392,
        cache: 266_780,
        swap: 524_284,
        swap_used: 0,
        // This driver counts in 64 bits on a 32-bit kernel too.
        interfaces: &[
            ("lo", 912_345_678, 912_345_678),
            ("eth0", 52_345_678_901, 8_765_432_109),
        ],
    },
    Pi {
        name: "pi3",
        celsius: 56.224,
        load: 1.94,
        memory: 929_100,
        used: 526_784,
        cache: 382_212,
        swap: 204_796,
        swap_used: 73_216,
        interfaces: &[
            ("lo", 21_876_543, 21_876_543),
            ("eth0", 0, 0),
            ("wlan0", 5_868_826_024, 1_123_456_789),
        ],
    },
    Pi {
        name: "pi4",
        celsius: 48.686,
        load: 0.21,
        memory: 3_884_300,
        used: 532_296,
        cache: 1_481_664,
        swap: 204_796,
        swap_used: 0,
        interfaces: &[
            ("lo", 81_234, 81_234),
            ("eth0", 981_234_567, 123_456_789),
            ("wlan0", 0, 0),
        ],
    },
    // More memory than 32 bits count, most of it above what its kernel maps.
    Pi {
        name: "pi4-32bit",
        celsius: 52.095,
        load: 0.44,
        memory: 8_035_528,
        used: 830_712,
        cache: 2_765_168,
        swap: 524_284,
        swap_used: 0,
        // This driver counts in 32: one is about to begin anew, the other has.
        interfaces: &[
            ("lo", 1_234_567, 1_234_567),
            ("eth0", 4_294_836_123, 20_173_913),
            ("wlan0", 0, 0),
        ],
    },
    Pi {
        name: "pi5",
        celsius: 52.35,
        load: 0.0,
        memory: 8_254_064,
        used: 641_760,
        cache: 1_246_432,
        swap: 524_272,
        swap_used: 0,
        interfaces: &[
            ("lo", 1_212, 1_212),
            ("eth0", 1_234_567, 812_345),
            ("wlan0", 7_123_456, 1_212_345),
        ],
    },
];

#[test]
fn all_metrics_of_every_raspberry_pi_are_read() {
    for pi in PIS {
        let mut collector = MetricsCollector::new(machine(pi.name), NO_GPU);
        wait(collector.collect(at_ms(1000)));
        let metrics = ready(collector.collect(at_ms(2000)));
        assert_eq!(metrics.time, Some(at_ms(2000).sample_time()));
        assert_eq!(metrics.hostname, pi.name);
        let cpu = metrics.cpu.unwrap();
        // The trees' counters stand still.
        assert_eq!(cpu.total_percent, None, "{}", pi.name);
        assert_eq!(cpu.temperature_celsius, Some(pi.celsius), "{}", pi.name);
        let memory = Memory {
            total_bytes: Some(pi.memory * 1024),
            used_bytes: Some(pi.used * 1024),
            available_bytes: Some((pi.memory - pi.used) * 1024),
            cache_bytes: Some(pi.cache * 1024),
        };
        assert_eq!(metrics.memory, Some(memory), "{}", pi.name);
        let swap = Swap {
            total_bytes: Some(pi.swap * 1024),
            used_bytes: Some(pi.swap_used * 1024),
        };
        assert_eq!(metrics.swap, Some(swap), "{}", pi.name);
        assert!(
            (metrics.load.unwrap().one - pi.load).abs() < 1e-6,
            "{}",
            pi.name
        );
        let interfaces: Vec<_> = metrics
            .interfaces
            .iter()
            .map(|i| (i.name.as_str(), i.received_bytes, i.transmitted_bytes))
            .collect();
        assert_eq!(interfaces, pi.interfaces, "{}", pi.name);
        assert_eq!(metrics.gpus, []);
    }
}

#[test]
fn temperature_is_not_read_when_not_requested() {
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
fn unreadable_values_are_unknown_without_a_wait() {
    let tree = Tree::new(&[("proc/loadavg", "1.00 2.00 3.00 1/2 3\n")]);
    let mut collector = MetricsCollector::new(tree.root(), NO_GPU);
    let metrics = ready(collector.collect(at_ms(1000)));
    assert_eq!(metrics.cpu, Some(Cpu::default()));
    assert_eq!(metrics.memory, Some(Memory::default()));
    assert_eq!(metrics.swap, Some(Swap::default()));
    assert!(metrics.load.is_some());
    assert_eq!(metrics.interfaces, []);
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
    assert_ne!(metrics.hostname, "");
    assert!(metrics.interfaces.iter().any(|i| i.name == "lo"));
    let memory = metrics.memory.unwrap();
    assert!(memory.used_bytes > Some(0) && memory.used_bytes < memory.total_bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))] // Each writes files.

    /// For requests at any time, and any counters.
    #[test]
    fn percentages_are_in_range_and_windows_have_the_right_length(
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
