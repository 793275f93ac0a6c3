//! What is possible, and what is not.

use std::sync::Arc;

use proptest::prelude::*;
use prost::Message;
use socktop_proto::model::{
    Body, Cpu, Disk, Disks, Load, Memory, Metrics, Process, Processes, Sensor, Sensors, body,
};

use super::check::MOST_MEMORY_BYTES;
use super::*;

const GIB: u64 = 1 << 30;

fn checked(kind: body::Kind) -> (body::Kind, Option<String>) {
    let mut body = Arc::new(Body::from(kind));
    // The link has the body, too, and keeps what the agent sent. Bytes, because no NaN is equal to itself.
    let (in_link, mut alone) = (Arc::clone(&body), Arc::new(Body::clone(&body)));
    let sent = in_link.encode_to_vec();
    let words = check(&mut body).words();
    assert_eq!(in_link.encode_to_vec(), sent);
    let is_same = body.encode_to_vec() == sent;
    assert_eq!(Arc::ptr_eq(&in_link, &body), is_same);
    assert!(words.is_none() || !is_same);
    assert_eq!(check(&mut alone).words(), words);
    assert_eq!(alone.encode_to_vec(), body.encode_to_vec());
    assert_eq!(check(&mut body).words(), None, "once is enough");
    (Arc::unwrap_or_clone(body).kind.unwrap(), words)
}

fn metrics_with(memory: Memory) -> body::Kind {
    body::Kind::Metrics(Metrics {
        memory: Some(memory),
        ..Metrics::default()
    })
}

#[test]
fn more_in_use_than_there_is_is_unknown() {
    let memory = Memory {
        total_bytes: Some(8 * GIB),
        used_bytes: Some(u64::MAX),
        available_bytes: Some(8 * GIB + 1),
        cache_bytes: Some(8 * GIB),
    };
    let (kind, words) = checked(metrics_with(memory));
    let expected = Memory {
        used_bytes: None,
        available_bytes: None,
        ..memory
    };
    assert_eq!(kind, metrics_with(expected));
    assert_eq!(
        words.as_deref(),
        Some("! impossible: memory in use, 1 more")
    );
}

#[test]
fn possible_values_are_not_changed() {
    let disk = Disk {
        total_bytes: Some(u64::MAX),
        used_bytes: Some(0),
        available_bytes: Some(u64::MAX),
        ..Disk::default()
    };
    let full = Memory {
        total_bytes: Some(8 * GIB),
        used_bytes: Some(8 * GIB),
        available_bytes: Some(0),
        cache_bytes: Some(0),
    };
    let cold = Metrics {
        cpu: Some(Cpu {
            total_percent: Some(100.0),
            temperature_celsius: Some(-40.0),
            ..Cpu::default()
        }),
        load: Some(Load {
            one: 40_000.0,
            ..Load::default()
        }),
        ..Metrics::default()
    };
    for kind in [
        metrics_with(full),
        metrics_with(Memory::default()),
        body::Kind::Metrics(cold),
        body::Kind::Disks(Disks {
            time: None,
            disks: vec![disk],
            not_listed: None,
        }),
    ] {
        assert_eq!(checked(kind.clone()), (kind, None));
    }
}

#[test]
fn impossible_temperatures_of_sensors_are_unknown() {
    let sensors = |celsius, high_celsius, critical_celsius| {
        let sensor = Sensor {
            label: "nvme Composite".to_owned(),
            celsius,
            high_celsius,
            critical_celsius,
        };
        body::Kind::Sensors(Sensors {
            time: None,
            sensors: vec![sensor],
        })
    };
    let (kind, words) = checked(sensors(Some(41.5), Some(65_261.85), Some(f32::INFINITY)));
    assert_eq!(kind, sensors(Some(41.5), None, None));
    assert_eq!(
        words.as_deref(),
        Some("! impossible: high limit of a sensor, 1 more")
    );
}

#[test]
fn a_process_of_the_future_has_no_start() {
    let process = |started_boot_ms| Process {
        started_boot_ms,
        ..Process::default()
    };
    let list = |processes| {
        body::Kind::Processes(Processes {
            time: Some(SampleTime {
                unix_ms: 1,
                boot_ms: Some(1_000_000),
            }),
            processes,
            total: 2,
            window_ms: None,
            others_hidden: false,
        })
    };
    let (kind, words) = checked(list(vec![
        process(Some(1_000_100)),
        process(Some(u64::MAX)),
    ]));
    assert_eq!(kind, list(vec![process(Some(1_000_100)), process(None)]));
    assert_eq!(words.as_deref(), Some("! impossible: start of a process"));
}

#[test]
fn a_little_more_than_a_whole_is_a_whole() {
    let mut impossible = Impossible::default();
    for (sent, known) in [
        (100.4, Some(100.0)),
        (101.1, None),
        (250.0, None),
        (-0.0, None),
        (-1.0, None),
        (f32::NAN, None),
        (f32::INFINITY, None),
        (0.0, Some(0.0)),
    ] {
        let mut percent = Some(sent);
        impossible.percent(&mut percent, "percentage");
        assert_eq!(percent, known, "{sent}");
    }
    assert_eq!(impossible.count, 6);
}

fn any_bytes() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![
        Just(None),
        any::<u64>().prop_map(Some),
        (0..100_u64).prop_map(Some)
    ]
}

fn any_float() -> impl Strategy<Value = f32> {
    prop_oneof![
        any::<f32>(),
        -10.0..110.0_f32,
        Just(f32::NAN),
        Just(-0.0_f32)
    ]
}

proptest! {
    #[test]
    fn nothing_impossible_is_left_and_only_that_is_taken(
        (total, used, available, cache) in (any_bytes(), any_bytes(), any_bytes(), any_bytes()),
        percent in any_float(),
        celsius in any_float(),
    ) {
        let memory = Memory { total_bytes: total, used_bytes: used, available_bytes: available, cache_bytes: cache };
        let cpu = Cpu {
            total_percent: Some(percent),
            temperature_celsius: Some(celsius),
            ..Cpu::default()
        };
        let sent = Metrics { memory: Some(memory), cpu: Some(cpu), ..Metrics::default() };
        let (kind, words) = checked(body::Kind::Metrics(sent));
        let body::Kind::Metrics(Metrics { memory: Some(checked), cpu: Some(cpu), .. }) = kind else {
            panic!("another kind");
        };
        let whole = checked.total_bytes.unwrap_or(MOST_MEMORY_BYTES);
        prop_assert!(whole <= MOST_MEMORY_BYTES);
        for (part, sent) in [
            (checked.used_bytes, used), (checked.available_bytes, available), (checked.cache_bytes, cache),
        ] {
            prop_assert!(part.is_none_or(|part| part <= whole));
            prop_assert_eq!(part, sent.filter(|sent| *sent <= whole));
        }
        if let Some(percent) = cpu.total_percent {
            prop_assert!((0.0..=100.0).contains(&percent) && percent.is_sign_positive());
        }
        let lost = cpu.total_percent.is_none() || cpu.temperature_celsius.is_none()
            || checked.total_bytes != total || checked.used_bytes != used
            || checked.available_bytes != available || checked.cache_bytes != cache;
        prop_assert_eq!(words.is_some(), lost);
    }
}
