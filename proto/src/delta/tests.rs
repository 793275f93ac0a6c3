use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::limits::PARTS;
use crate::model::{
    Core, Cpu, Disk, Disks, DisksDelta, Gpu, Interface, Load, Memory, Metrics, MetricsDelta,
    Process, Processes, ProcessesDelta, Swap,
};
use crate::percent::from_thousandths;

/// Few values, so that most are the same in both bodies.
fn few() -> impl Strategy<Value = u64> {
    prop_oneof![0..3_u64, Just(u64::MAX)]
}

fn percent() -> impl Strategy<Value = f32> {
    prop_oneof![
        9 => (0..4_u32).prop_map(|count| from_thousandths(count * 12_345)),
        1 => Just(0.000_04),
    ]
}

prop_compose! {
    fn time()(unix_ms in 0..1000_u64, boot_ms in option::weighted(0.95, 0..1000_u64)) -> SampleTime {
        SampleTime { unix_ms, boot_ms }
    }
}

prop_compose! {
    fn metrics()(
        time in time(),
        (total_percent, window_ms, temperature) in (
            option::of(percent()), option::of(0..2_u32), option::of(prop_oneof![Just(40.5_f32), Just(41.0)]),
        ),
        cores in vec(percent(), 1..3),
        cpu in option::weighted(0.9, Just(())),
        memory in option::weighted(0.9, (few(), few(), option::weighted(0.9, few()))),
        swap in option::weighted(0.9, (few(), option::of(few()))),
        load in option::of((0..2_u8, 0..2_u8, 0..2_u8)),
        hostname in mostly("pi".to_owned(), "pc".to_owned()),
        interfaces in vec(("[ab]", few(), few()), 0..4),
        gpus in vec(gpu(), 0..2),
    ) -> Body {
        let cores = cores.into_iter().zip(0..).map(|(percent, index)| Core { index, percent });
        let interfaces = interfaces.into_iter().map(|(name, received_bytes, transmitted_bytes)| {
            Interface { name, received_bytes, transmitted_bytes }
        });
        body::Kind::Metrics(Metrics {
            time: Some(time),
            hostname,
            cpu: cpu.map(|()| Cpu {
                total_percent,
                cores: cores.collect(),
                window_ms,
                temperature_celsius: temperature,
            }),
            memory: memory.map(|(total, available, cache_bytes)| Memory {
                total_bytes: Some(total),
                used_bytes: Some(total.saturating_sub(available)),
                available_bytes: Some(available),
                cache_bytes,
            }),
            swap: swap.map(|(total, used_bytes)| Swap { total_bytes: Some(total), used_bytes }),
            load: load.map(|(one, five, fifteen)| Load {
                one: one.into(),
                five: five.into(),
                fifteen: fifteen.into(),
            }),
            interfaces: interfaces.collect(),
            gpus,
        }).into()
    }
}

prop_compose! {
    fn gpu()(
        name in "[ab]",
        usage_percent in option::of(percent()),
        memory_used_bytes in option::of(few()),
        memory_total_bytes in option::of(few()),
        temperature_celsius in option::of(percent()),
    ) -> Gpu {
        Gpu { name, usage_percent, memory_used_bytes, memory_total_bytes, temperature_celsius }
    }
}

/// Mostly the same value, so that a delta can say what differs.
fn mostly<T: std::fmt::Debug + Clone + 'static>(usual: T, other: T) -> impl Strategy<Value = T> {
    prop_oneof![9 => Just(usual), 1 => Just(other)]
}

prop_compose! {
    fn disk()(
        name in mostly("a".to_owned(), "b".to_owned()),
        mount_point in mostly(Some("/".to_owned()), None),
        file_system in mostly(Some("ext4".to_owned()), None),
        total_bytes in mostly(Some(9), Some(8)),
        used_bytes in option::weighted(0.9, few()),
        available_bytes in option::weighted(0.9, few()),
        state in mostly(1, 2),
        read_only in mostly(Some(false), Some(true)),
        sizes_boot_ms in mostly(None, Some(5)),
    ) -> Disk {
        Disk { name, mount_point, file_system, total_bytes, used_bytes, available_bytes, state, read_only, sizes_boot_ms }
    }
}

prop_compose! {
    fn disks()(
        time in time(),
        disks in vec(disk(), 0..4),
        not_listed in mostly(None, Some(3)),
    ) -> Body {
        body::Kind::Disks(Disks { time: Some(time), disks, not_listed }).into()
    }
}

prop_compose! {
    fn process()(
        name in "[ab]",
        numbers in (option::of(few()), option::of(0..3_u32), option::of(percent())),
        state in 0..3_i32,
        parent_pid in option::of(0..2_u32),
        user_id in mostly(Some(1), None),
        user in mostly("somebody".to_owned(), String::new()),
        started_boot_ms in mostly(Some(5), Some(6)),
    ) -> Process {
        let (resident_bytes, threads, cpu_percent) = numbers;
        Process {
            // Set by its position in the list.
            pid: 0,
            parent_pid, user_id, user, name, state, threads, cpu_percent, resident_bytes, started_boot_ms,
        }
    }
}

prop_compose! {
    /// In the order of pids, as an agent makes it.
    fn processes()(
        time in time(),
        rows in btree_map(1..12_u32, process(), 0..10),
        window_ms in option::weighted(0.9, 0..3_u32),
    ) -> Body {
        let processes: Vec<_> = rows.into_iter().map(|(pid, process)| Process { pid, ..process }).collect();
        body::Kind::Processes(Processes {
            time: Some(time),
            total: u32::try_from(processes.len()).unwrap(),
            processes,
            window_ms,
            others_hidden: false,
        }).into()
    }
}

/// Two bodies, mostly of one kind.
fn pair() -> impl Strategy<Value = (Body, Body)> {
    prop_oneof![
        (metrics(), metrics()),
        (disks(), disks()),
        (processes(), processes()),
        (metrics(), disks()),
    ]
}

/// A body as a client has it that asked for `fields`.
fn in_fields(body: &Body, fields: Fields) -> Body {
    let mut body = body.clone();
    if let Some(body::Kind::Processes(list)) = &mut body.kind {
        for process in &mut list.processes {
            fields.retain(process);
        }
    }
    body
}

proptest! {
    // Many, because a fault may need one field to change and one choice of fields.
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn delta_makes_one_body_of_the_other((old, new) in pair(), bits in any::<u32>()) {
        let fields = Fields::from_bits(bits);
        if let Some(delta) = between(&old, &new, fields) {
            let applied = apply(in_fields(&old, fields), delta).unwrap();
            prop_assert_eq!(applied, in_fields(&new, fields));
        }
    }

    #[test]
    fn delta_of_a_body_to_itself_is_empty(body in prop_oneof![metrics(), disks(), processes()]) {
        let Some(delta) = between(&body, &body, Fields::ALL) else {
            return Ok(());
        };
        prop_assert_eq!(&apply(body.clone(), delta.clone()).unwrap(), &body);
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
            let _ = apply(old.clone(), Delta { elapsed_ms: u32::MAX, wall_by_ms, kind: Some(kind) });
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
    ];
    let old = of(old);
    for (new, bit) in news.into_iter().zip(2..) {
        let new = of(new);
        let alone = Fields::from_bits(1 << bit);
        assert_ne!(in_fields(&old, alone), in_fields(&new, alone), "bit {bit}");
        for bits in 1..1 << 11 {
            let fields = Fields::from_bits(bits);
            let delta = between(&old, &new, fields).unwrap();
            let applied = apply(in_fields(&old, fields), delta).unwrap();
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
    assert_eq!(apply(disks.clone(), metrics), Err(DeltaError::Kind));
    assert_eq!(
        apply(disks.clone(), Delta::default()),
        Err(DeltaError::Kind)
    );
    let index = of(delta::Kind::Disks(DisksDelta {
        disk_at: vec![0],
        used_by: vec![1],
        available_by: vec![1],
    }));
    assert_eq!(apply(disks.clone(), index), Err(DeltaError::Index));
    let length = of(delta::Kind::Disks(DisksDelta {
        disk_at: vec![0],
        ..DisksDelta::default()
    }));
    assert_eq!(apply(disks, length), Err(DeltaError::Length));

    let processes: Body = body::Kind::Processes(list(2, |_| 0.0)).into();
    let ended = of(delta::Kind::Processes(ProcessesDelta {
        ended_at: vec![1, 1],
        ..ProcessesDelta::default()
    }));
    assert_eq!(apply(processes.clone(), ended), Err(DeltaError::Index));
    let many = of(delta::Kind::Processes(ProcessesDelta {
        processes: vec![Process::default(); PARTS],
        ..ProcessesDelta::default()
    }));
    assert_eq!(apply(processes, many), Err(DeltaError::TooMany));
}
