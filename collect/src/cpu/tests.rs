//! Tests of CPU usage, on the files of real machines and on inconsistent counters.

use proptest::prelude::*;

use super::*;
use crate::fixture::machine;

const SECOND: Duration = Duration::from_secs(1);

fn usage(older: &str, newer: &str) -> CpuUsage {
    let parse = |text: &str| CpuTimes::parse(text.as_bytes()).unwrap();
    parse(newer).since(&parse(older), SECOND)
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
fn cpus_of_32_and_64_bit_machines_are_read() {
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
        let since_boot = now.since(&boot, Duration::MAX);
        let total = since_boot.total_percent.unwrap();
        assert!((total - percent).abs() < 0.001, "{name}: {total}");
        let indices: Vec<_> = since_boot.cores.iter().map(|core| core.index).collect();
        assert_eq!(indices, (0..cores).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn iowait_that_becomes_idle_does_not_change_the_share() {
    let moved = usage("cpu  0 0 0 100 500\n", "cpu  50 0 0 250 400\n");
    assert_eq!(moved.total_percent, Some(50.0));
    // A tick is lost where both were rounded down.
    let rounded = usage("cpu  0 0 0 100 500\n", "cpu  50 0 0 199 400\n");
    assert_eq!(rounded.total_percent, Some(100.0));
}

#[test]
fn decreasing_counter_makes_the_share_unknown() {
    for newer in [
        "cpu  9 20 30 41 50 60 70 80\n",
        "cpu  20 19 30 41 50 60 70 80\n",
        "cpu  20 20 29 41 50 60 70 80\n",
        "cpu  20 20 30 39 60 60 70 80\n",
        "cpu  20 20 30 41 40 60 70 80\n",
        "cpu  20 20 30 41 50 59 70 80\n",
        "cpu  20 20 30 41 50 60 69 80\n",
        "cpu  20 20 30 41 50 60 70 79\n",
    ] {
        let usage = usage("cpu  10 20 30 40 50 60 70 80\n", newer);
        assert_eq!(usage.total_percent, None, "{newer}");
    }
}

#[test]
fn cpu_that_goes_offline_is_not_full_load() {
    let usage = usage(
        "cpu  100000 0 50000 4000000 2000 0 0 0 0 0\ncpu0 25000 0 12500 1000000 500 0 0 0 0 0\n\
         cpu3 25000 0 12500 1000000 500 0 0 0 0 0\n",
        "cpu  100008 0 50004 3999388 2000 0 0 0 0 0\ncpu0 25004 0 12502 1000094 500 0 0 0 0 0\n",
    );
    assert_eq!(usage.total_percent, None);
    let cores: Vec<_> = usage.cores.iter().map(|c| (c.index, c.percent)).collect();
    assert_eq!(cores, [(0, 6.0)]);
}

#[test]
fn core_with_decreasing_idle_time_is_unknown() {
    let usage = usage(
        "cpu  1000 0 600 40000\ncpu0 500 0 300 20000\ncpu1 500 0 300 20000\n",
        "cpu  1002 0 600 40098\ncpu0 501 0 300 19999\ncpu1 501 0 300 20099\n",
    );
    assert_eq!(usage.total_percent, Some(2.0));
    let cores: Vec<_> = usage.cores.iter().map(|c| (c.index, c.percent)).collect();
    assert_eq!(cores, [(1, 1.0)]);
}

#[test]
fn steal_beyond_the_elapsed_time_makes_the_share_unknown() {
    let older = "cpu  0 0 0 1000 0 0 0 5\ncpu0 0 0 0 1000 0 0 0 5\n";
    for steal in [
        "1000",
        "4294967290",
        "1844674407370955",
        "18446744073709551615",
    ] {
        let newer = format!("cpu  1 0 0 1099 0 0 0 {steal}\ncpu0 1 0 0 1099 0 0 0 {steal}\n");
        assert_eq!(usage(older, &newer), CpuUsage::default(), "{steal}");
    }
}

#[test]
fn cpus_keep_their_numbers_and_those_missing_in_a_reading_are_left_out() {
    let older = "cpu  0 0 0 0\ncpu0 0 0 0 0\ncpu2 0 0 0 0\ncpu3 0 0 0 0\n";
    let newer = "cpu  9 0 0 9\ncpu0 0 0 0 9\ncpu1 9 0 0 9\ncpu3 9 0 0 0\n";
    let usage = usage(older, newer);
    let cores: Vec<_> = usage.cores.iter().map(|c| (c.index, c.percent)).collect();
    assert_eq!(cores, [(0, 0.0), (3, 100.0)]);
}

#[test]
fn cores_that_come_and_go_are_matched_by_number_in_any_order() {
    let older = "cpu  0 0 0 0\ncpu5 0 0 0 0\ncpu1 0 0 0 0\ncpu5 7 7 7 7\ncpu9 0 0 0 0\n";
    let newer = "cpu  9 0 0 9\ncpu9 9 0 0 0\ncpu0 9 0 0 9\ncpu1 0 0 0 9\ncpu7 0 0 0 9\n";
    let usage = usage(older, newer);
    let cores: Vec<_> = usage.cores.iter().map(|c| (c.index, c.percent)).collect();
    assert_eq!(cores, [(1, 0.0), (9, 100.0)]);
}

#[test]
fn readings_without_elapsed_time_give_no_percentage() {
    let stat = "cpu  1 2 3 4 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n";
    assert_eq!(usage(stat, stat), CpuUsage::default());
}

#[test]
fn malformed_stat_file_is_not_read_as_zero() {
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
    fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
        let _ = CpuTimes::parse(&bytes);
    }

    #[test]
    fn share_of_any_counters_is_between_0_and_100_percent(
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

    /// The right value is known: so many ticks of a second were busy.
    #[test]
    fn counter_that_steps_back_gives_no_false_share(
        before in 1_000_u64..1_000_000, busy in 0_u64..=100, column in 0_usize..8, back in 1_u64..1_000,
    ) {
        let older = [before; 8];
        let mut newer = older;
        newer[0] += busy;
        newer[3] += 100 - busy;
        let text = |times: [u64; 8]| format!("cpu  {}\n", times.map(|time| time.to_string()).join(" "));
        #[expect(clippy::cast_precision_loss, reason = "at most 100")]
        let right = busy as f32;
        prop_assert_eq!(usage(&text(older), &text(newer)).total_percent, Some(right));
        newer[column] = before - back;
        if column == 4 {
            // What iowait loses, idle gains.
            newer[3] += back;
            prop_assert_eq!(usage(&text(older), &text(newer)).total_percent, Some(right));
        } else {
            prop_assert_eq!(usage(&text(older), &text(newer)).total_percent, None);
        }
    }

    #[test]
    fn core_shares_equal_a_search_by_number(
        older in proptest::collection::vec(0_u32..12, 0..12), newer in proptest::collection::vec(0_u32..12, 0..12),
    ) {
        let text = |cores: &[u32], ticks: u64| {
            let lines = cores.iter().map(|core| format!("cpu{core} {ticks} 0 0 0\n"));
            format!("cpu  {ticks} 0 0 0\n{}", lines.collect::<String>())
        };
        let read = usage(&text(&older, 0), &text(&newer, 10));
        let expected: std::collections::BTreeSet<_> =
            newer.iter().copied().filter(|core| older.contains(core)).collect();
        prop_assert_eq!(
            read.cores.iter().map(|core| core.index).collect::<Vec<_>>(),
            expected.into_iter().collect::<Vec<_>>()
        );
    }
}
