//! Deltas between bodies, and deltas that a hostile agent could send.

mod every_field;
mod generators;

use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::field_ids::ProcessField;
use crate::limits::PARTS;
use crate::model::{Disks, DisksDelta, Load, MetricsDelta, Process, Processes, ProcessesDelta};
use generators::{disks, metrics, pair, processes};

/// A body as a client has it that asked for `fields`.
fn in_fields(body: &Body, fields: Fields) -> Body {
    match &body.kind {
        Some(body::Kind::Processes(list)) => body::Kind::Processes(fields.retained(list)).into(),
        _ => body.clone(),
    }
}

/// The body that `delta` makes of `body`.
fn applied(mut body: Body, delta: &Delta) -> Result<Body, DeltaError> {
    apply(&mut body, delta)?;
    Ok(body)
}

proptest! {
    // Many, because a fault may need one field to change and one choice of fields.
    // 4,096 of them, unless the environment asks for fewer.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 16))]

    #[test]
    fn delta_makes_one_body_of_the_other((old, new) in pair(), bits in any::<u32>()) {
        let fields = Fields::from_bits(bits);
        if let Some(delta) = between(&old, &new, fields) {
            let applied = applied(in_fields(&old, fields), &delta).unwrap();
            prop_assert_eq!(applied, in_fields(&new, fields));
        }
    }

    #[test]
    fn delta_of_a_body_to_itself_is_empty(body in prop_oneof![metrics(), disks(), processes()]) {
        let Some(delta) = between(&body, &body, Fields::ALL) else {
            return Ok(());
        };
        prop_assert_eq!(&applied(body.clone(), &delta).unwrap(), &body);
        // The kind alone.
        prop_assert_eq!(delta.encoded_len(), 2);
    }

    #[test]
    fn applying_any_numbers_does_not_panic(
        old in prop_oneof![metrics(), disks(), processes()],
        indices in vec(prop_oneof![0..4_u32, any::<u32>()], 0..4),
        numbers in vec(any::<u32>(), 0..4),
        by in vec(any::<i64>(), 0..4),
        wall_by_ms in any::<i64>(),
    ) {
        for kind in [
            delta::Kind::Metrics(MetricsDelta {
                window_ms: Some(u32::MAX),
                cpu_thousandths: Some(u32::MAX),
                core_thousandths: numbers.clone(),
                cpu_temperature_celsius: Some(f32::NAN),
                available_by: wall_by_ms,
                cache_by: wall_by_ms,
                swap_used_by: wall_by_ms,
                load: Some(Load { one: f32::NAN, five: f32::INFINITY, fifteen: -1.0 }),
                interface_at: indices.clone(),
                received_by: by.clone(),
                transmitted_by: by.clone(),
                gpus: Vec::new(),
            }),
            delta::Kind::Disks(DisksDelta {
                disk_at: indices.clone(),
                used_by: by.clone(),
                available_by: by.clone(),
            }),
            delta::Kind::Processes(ProcessesDelta {
                window_ms: Some(u32::MAX),
                ended_at: indices.clone(),
                processes: Vec::new(),
                cpu_at: indices.clone(),
                cpu_thousandths: numbers.clone(),
                resident_at: indices.clone(),
                resident_by: by.clone(),
                state_at: indices.clone(),
                states: numbers.iter().map(|number| number.cast_signed()).collect(),
                threads_at: indices.clone(),
                threads_by: by.clone(),
            }),
        ] {
            let _ = applied(old.clone(), &Delta { elapsed_ms: u32::MAX, wall_by_ms, kind: Some(kind) });
        }
    }
}

fn list(count: u32, percent: impl Fn(u32) -> f32) -> Processes {
    let process = |pid| Process {
        pid,
        name: "a-program-with-a-name".to_owned(),
        user: "somebody".to_owned(),
        cpu_percent: Some(percent(pid)),
        ..Process::default()
    };
    Processes {
        time: Some(SampleTime {
            unix_ms: 1_763_000_000_123,
            boot_ms: Some(5_000),
        }),
        total: count,
        processes: (1..=count).map(process).collect(),
        window_ms: Some(2000),
        others_hidden: false,
    }
}

#[test]
fn list_that_begins_to_hide_others_has_no_delta() {
    let of = |list: &Processes| Body::from(body::Kind::Processes(list.clone()));
    let old = list(9, |_| 0.0);
    let mut new = old.clone();
    assert!(between(&of(&old), &of(&new), Fields::ALL).is_some());
    new.others_hidden = true;
    assert_eq!(between(&of(&old), &of(&new), Fields::ALL), None);
}

#[test]
fn change_of_any_field_arrives_whichever_fields_are_asked_for() {
    let of = |process: Process| {
        Body::from(body::Kind::Processes(Processes {
            processes: vec![
                process,
                Process {
                    pid: 2,
                    ..Process::default()
                },
            ],
            total: 2,
            ..list(0, |_| 0.0)
        }))
    };
    let old = Process {
        pid: 1,
        ..Process::default()
    };
    let news = [
        Process {
            parent_pid: Some(7),
            ..old.clone()
        },
        Process {
            user_id: Some(7),
            ..old.clone()
        },
        Process {
            user: "somebody".to_owned(),
            ..old.clone()
        },
        Process {
            name: "sh".to_owned(),
            ..old.clone()
        },
        Process {
            state: 1,
            ..old.clone()
        },
        Process {
            threads: Some(7),
            ..old.clone()
        },
        Process {
            cpu_percent: Some(7.0),
            ..old.clone()
        },
        Process {
            resident_bytes: Some(7),
            ..old.clone()
        },
        Process {
            started_boot_ms: Some(7),
            ..old.clone()
        },
        Process {
            nice: Some(7),
            ..old.clone()
        },
    ];
    assert_eq!(news.len() + 1, ProcessField::MODEL.len());
    let old = of(old);
    for (new, bit) in news.into_iter().zip(2..) {
        let new = of(new);
        let alone = Fields::from_bits(1 << bit);
        assert_ne!(in_fields(&old, alone), in_fields(&new, alone), "bit {bit}");
        for bits in 1..1 << 11 {
            let fields = Fields::from_bits(bits);
            let delta = between(&old, &new, fields).unwrap();
            let applied = applied(in_fields(&old, fields), &delta).unwrap();
            assert_eq!(applied, in_fields(&new, fields), "bit {bit} among {bits:b}");
        }
    }
}

#[test]
fn change_of_cpu_is_three_bytes() {
    let old: Body = body::Kind::Processes(list(100, |_| 0.0)).into();
    let new = list(100, |pid| if pid % 10 == 0 { 1.5 } else { 0.0 });
    let new: Body = body::Kind::Processes(new).into();
    let encoded = between(&old, &new, Fields::ALL).unwrap().encoded_len();
    // Two lists of ten, and their keys and lengths.
    assert!(encoded <= 10 * 3 + 6, "{encoded}");
}

#[test]
fn mostly_new_list_has_no_delta() {
    let old: Body = body::Kind::Processes(list(10, |_| 0.0)).into();
    let of = |count| body::Kind::Processes(list(count, |_| 0.0)).into();
    assert!(between(&old, &of(20), Fields::ALL).is_some());
    assert!(between(&old, &of(21), Fields::ALL).is_none());
}

#[test]
fn delta_to_another_body_is_refused() {
    let disks: Body = body::Kind::Disks(Disks::default()).into();
    let of = |kind| Delta {
        kind: Some(kind),
        ..Delta::default()
    };
    let metrics = of(delta::Kind::Metrics(MetricsDelta::default()));
    assert_eq!(applied(disks.clone(), &metrics), Err(DeltaError::Kind));
    assert_eq!(
        applied(disks.clone(), &Delta::default()),
        Err(DeltaError::Kind)
    );
    let index = of(delta::Kind::Disks(DisksDelta {
        disk_at: vec![0],
        used_by: vec![1],
        available_by: vec![1],
    }));
    assert_eq!(applied(disks.clone(), &index), Err(DeltaError::Index));
    let length = of(delta::Kind::Disks(DisksDelta {
        disk_at: vec![0],
        ..DisksDelta::default()
    }));
    assert_eq!(applied(disks, &length), Err(DeltaError::Length));

    let processes: Body = body::Kind::Processes(list(2, |_| 0.0)).into();
    let ended = of(delta::Kind::Processes(ProcessesDelta {
        ended_at: vec![1, 1],
        ..ProcessesDelta::default()
    }));
    assert_eq!(applied(processes.clone(), &ended), Err(DeltaError::Index));
    let many = of(delta::Kind::Processes(ProcessesDelta {
        processes: vec![Process::default(); PARTS],
        ..ProcessesDelta::default()
    }));
    assert_eq!(applied(processes, &many), Err(DeltaError::TooMany));
}
