//! Pairs of bodies that differ in little. Every message names all of its fields, so that one that is added to the model
//! does not compile before it has a generator.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use crate::model::{
    Body, Core, Cpu, Disk, Disks, Gpu, Interface, Load, Memory, Metrics, Process, Processes,
    SampleTime, Swap, body,
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
    pub(super) fn metrics()(
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
    pub(super) fn disks()(
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
        nice in mostly(Some(0), Some(10)),
    ) -> Process {
        let (resident_bytes, threads, cpu_percent) = numbers;
        Process {
            // Set by its position in the list.
            pid: 0,
            parent_pid, user_id, user, name, state, threads, cpu_percent, resident_bytes, started_boot_ms, nice,
        }
    }
}

prop_compose! {
    /// In the order of pids, as an agent makes it.
    pub(super) fn processes()(
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
pub(super) fn pair() -> impl Strategy<Value = (Body, Body)> {
    prop_oneof![
        (metrics(), metrics()),
        (disks(), disks()),
        (processes(), processes()),
        (metrics(), disks()),
    ]
}
