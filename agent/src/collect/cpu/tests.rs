//! Tests of CPU usage, on the files of real machines and on counters that misbehave.

use proptest::prelude::*;

use super::*;
use crate::collect::fixture::machine;

fn usage(older: &str, newer: &str) -> CpuUsage {
    let parse = |text: &str| CpuTimes::parse(text.as_bytes()).unwrap();
    parse(newer).since(&parse(older))
}

#[test]
fn iowait_is_idle_steal_is_busy_and_guest_is_not_counted_twice() {
    let usage = usage(
        "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n",
        // 30 of user are a guest's, and 10 of nice.
        "cpu  40 10 5 30 10 1 2 2 30 10\ncpu0 0 0 0 90 0 0 0 10 0 0\nintr 1 2 3\n",
    );
    assert_eq!(usage.total_percent, Some(60.0));
    assert_eq!(usage.cores.len(), 1);
    assert!((usage.cores[0].percent - 10.0).abs() < 1e-4);
}

#[test]
fn every_machines_cpus_are_read_whatever_the_width_of_its_words() {
    for (name, cores, percent) in [
        // Ticks of all its CPUs since boot are more than 32 bits count.
        ("pi2", 4, 1.1756),
        ("pi3", 4, 7.0744),
        ("pi4", 4, 0.5294),
        ("pi4-32bit", 4, 2.3793),
        ("pi5", 4, 0.6446),
        ("x86-server", 8, 1.6842),
        ("container", 2, 1.6257),
    ] {
        let stat = std::fs::read(machine(name).path("proc/stat")).unwrap();
        let now = CpuTimes::parse(&stat).unwrap();
        let mut boot = now.clone();
        boot.total = Times::default();
        boot.cores
            .iter_mut()
            .for_each(|(_, times)| *times = Times::default());
        let since_boot = now.since(&boot);
        let total = since_boot.total_percent.unwrap();
        assert!((total - percent).abs() < 0.001, "{name}: {total}");
        let indices: Vec<_> = since_boot.cores.iter().map(|core| core.index).collect();
        assert_eq!(indices, (0..cores).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_counter_that_runs_backwards_counts_as_standing_still() {
    let usage = usage(
        "cpu  0 0 0 100 500 0 0 0 0 0\n",
        "cpu  50 0 0 150 400 0 0 0 0 0\n",
    );
    assert_eq!(usage.total_percent, Some(50.0));
}

#[test]
fn cpus_keep_their_numbers_and_those_in_one_reading_only_are_left_out() {
    let older = "cpu  0 0 0 0\ncpu0 0 0 0 0\ncpu2 0 0 0 0\ncpu3 0 0 0 0\n";
    let newer = "cpu  9 0 0 9\ncpu0 0 0 0 9\ncpu1 9 0 0 9\ncpu3 9 0 0 0\n";
    let usage = usage(older, newer);
    let cores: Vec<_> = usage.cores.iter().map(|c| (c.index, c.percent)).collect();
    assert_eq!(cores, [(0, 0.0), (3, 100.0)]);
}

#[test]
fn without_time_between_readings_there_is_no_percentage() {
    let stat = "cpu  1 2 3 4 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n";
    assert_eq!(usage(stat, stat), CpuUsage::default());
}

#[test]
fn what_is_no_stat_file_is_not_read_as_zero() {
    for text in [
        "",
        "cpu\n",
        "cpu  1 2 x 4\n",
        "cpu  1 2 3\n",
        "cpu0 1 2 3 4\n",
    ] {
        assert_eq!(CpuTimes::parse(text.as_bytes()), None, "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>) {
        let _ = CpuTimes::parse(&bytes);
    }

    #[test]
    fn any_counters_give_a_share_of_the_machine(
        older: [u64; 10], newer: [u64; 10], cores in 0_u32..4,
    ) {
        let text = |times: [u64; 10]| {
            let times = times.map(|time| time.to_string()).join(" ");
            let lines = (0..cores).map(|core| format!("cpu{core} {times}\n"));
            format!("cpu  {times}\n{}", lines.collect::<String>())
        };
        let usage = usage(&text(older), &text(newer));
        for percent in usage.cores.iter().map(|core| core.percent).chain(usage.total_percent) {
            prop_assert!((0.0..=100.0).contains(&percent));
        }
    }
}
