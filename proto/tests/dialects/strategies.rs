//! Any value of the model.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use socktop_proto::model::{
    Body, Core, Cpu, Delta, Disk, Disks, DisksDelta, Error, Gpu, Host, Interface, Journal,
    JournalEntry, Load, Memory, Metrics, MetricsDelta, Process, ProcessDetails, Processes,
    ProcessesDelta, SampleTime, Swap, Thread, body, delta,
};

/// Repeated fields are long enough to pass every threshold and short enough to stay quick.
const MANY: usize = 12;

/// Boxed, as some others here: a strategy that holds a score of these by value, and its children's,
/// overflows a test's stack.
fn text() -> BoxedStrategy<String> {
    prop_oneof![
        // What hosts are full of, and anything at all.
        4 => "[a-z0-9/:_.-]{0,24}",
        1 => any::<String>(),
    ]
    .boxed()
}

prop_compose! {
    fn time()(unix_ms in any::<u64>(), boot_ms in of(any::<u64>())) -> SampleTime {
        SampleTime { unix_ms, boot_ms }
    }
}

prop_compose! {
    fn host()(
        hostname in text(),
        kernel in of(text()),
        os in of(text()),
        model in of(text()),
        architecture in of(text()),
        cpu_model in of(text()),
        cpu_count in of(any::<u32>()),
        started_boot_ms in of(any::<u64>()),
        agent_version in text(),
    ) -> Host {
        Host { hostname, kernel, os, model, architecture, cpu_model, cpu_count, agent_version, started_boot_ms }
    }
}

prop_compose! {
    fn cpu()(
        total_percent in of(any::<f32>()),
        cores in vec((any::<u32>(), any::<f32>()), 0..MANY),
        window_ms in of(any::<u32>()),
        temperature_celsius in of(any::<f32>()),
    ) -> Cpu {
        let cores = cores.into_iter().map(|(index, percent)| Core { index, percent }).collect();
        Cpu { total_percent, cores, window_ms, temperature_celsius }
    }
}

prop_compose! {
    fn memory()(
        total_bytes in of(any::<u64>()),
        used_bytes in of(any::<u64>()),
        available_bytes in of(any::<u64>()),
        cache_bytes in of(any::<u64>()),
    ) -> Memory {
        Memory { total_bytes, used_bytes, available_bytes, cache_bytes }
    }
}

prop_compose! {
    fn gpu()(
        name in text(),
        usage_percent in of(any::<f32>()),
        memory_used_bytes in of(any::<u64>()),
        memory_total_bytes in of(any::<u64>()),
        temperature_celsius in of(any::<f32>()),
    ) -> Gpu {
        Gpu { name, usage_percent, memory_used_bytes, memory_total_bytes, temperature_celsius }
    }
}

prop_compose! {
    fn interface()(
        name in text(),
        received_bytes in any::<u64>(),
        transmitted_bytes in any::<u64>(),
    ) -> Interface {
        Interface { name, received_bytes, transmitted_bytes }
    }
}

prop_compose! {
    /// Any metrics, with any of their parts unknown.
    pub(crate) fn metrics()(
        time in of(time()),
        hostname in text(),
        cpu in of(cpu()),
        memory in of(memory()),
        swap in of((of(any::<u64>()), of(any::<u64>()))),
        load in of(any::<[f32; 3]>()),
        interfaces in vec(interface(), 0..MANY),
        gpus in vec(gpu(), 0..3),
    ) -> Metrics {
        Metrics {
            time,
            hostname,
            cpu,
            memory,
            swap: swap.map(|(total_bytes, used_bytes)| Swap { total_bytes, used_bytes }),
            load: load.map(|[one, five, fifteen]| Load { one, five, fifteen }),
            interfaces,
            gpus,
        }
    }
}

prop_compose! {
    /// Metrics of a host on which everything could be read: what the older dialects can carry.
    pub(crate) fn complete_metrics()(
        metrics in metrics(),
        cpu in cpu(),
        total_percent in any::<f32>(),
        memory in any::<[u64; 2]>(),
        swap in any::<[u64; 2]>(),
    ) -> Metrics {
        Metrics {
            cpu: Some(Cpu { total_percent: Some(total_percent), ..cpu }),
            memory: Some(Memory {
                total_bytes: Some(memory[0]),
                used_bytes: Some(memory[1]),
                // These dialects have no words for them.
                available_bytes: None,
                cache_bytes: None,
            }),
            swap: Some(Swap { total_bytes: Some(swap[0]), used_bytes: Some(swap[1]) }),
            ..metrics
        }
    }
}

prop_compose! {
    fn disk()(
        name in text(),
        mount_point in of(text()),
        file_system in of(text()),
        total_bytes in of(any::<u64>()),
        used_bytes in of(any::<u64>()),
        available_bytes in of(any::<u64>()),
        state in 0..5,
        read_only in of(any::<bool>()),
        sizes_boot_ms in of(any::<u64>()),
    ) -> Disk {
        Disk {
            name, mount_point, file_system, total_bytes, used_bytes, available_bytes, state, read_only,
            sizes_boot_ms,
        }
    }
}

prop_compose! {
    pub(crate) fn disks()(time in of(time()), disks in vec(disk(), 0..MANY), not_listed in of(any::<u32>())) -> Disks {
        Disks { time, disks, not_listed }
    }
}

prop_compose! {
    fn process()(
        pid in any::<u32>(),
        parent_pid in of(any::<u32>()),
        user_id in of(any::<u32>()),
        user in text(),
        name in text(),
        state in 0..10,
        threads in of(any::<u32>()),
        cpu_percent in of(any::<f32>()),
        resident_bytes in of(any::<u64>()),
        started_boot_ms in of(any::<u64>()),
    ) -> Process {
        Process {
            pid, parent_pid, user_id, user, name, state, threads, cpu_percent, resident_bytes,
            started_boot_ms,
        }
    }
}

prop_compose! {
    pub(crate) fn processes()(
        time in of(time()),
        processes in vec(process(), 0..4 * MANY),
        total in any::<u32>(),
        window_ms in of(any::<u32>()),
        others_hidden in any::<bool>(),
    ) -> Processes {
        Processes { time, processes, total, window_ms, others_hidden }
    }
}

prop_compose! {
    fn indices()(indices in vec(any::<u32>(), 0..MANY), by in vec(any::<i64>(), 0..MANY)) -> (Vec<u32>, Vec<i64>) {
        (indices, by)
    }
}

prop_compose! {
    fn metrics_delta()(
        window_ms in of(any::<u32>()),
        cpu_thousandths in of(any::<u32>()),
        core_thousandths in vec(any::<u32>(), 0..MANY),
        cpu_temperature_celsius in of(any::<f32>()),
        [available_by, cache_by, swap_used_by] in any::<[i64; 3]>(),
        load in of(any::<[f32; 3]>()),
        (interface_at, received_by) in indices(),
        transmitted_by in vec(any::<i64>(), 0..MANY),
        gpus in vec(gpu(), 0..3),
    ) -> MetricsDelta {
        MetricsDelta {
            window_ms, cpu_thousandths, core_thousandths, cpu_temperature_celsius, available_by, cache_by,
            swap_used_by, interface_at, received_by, transmitted_by, gpus,
            load: load.map(|[one, five, fifteen]| Load { one, five, fifteen }),
        }
    }
}

prop_compose! {
    fn disks_delta()((disk_at, used_by) in indices(), available_by in vec(any::<i64>(), 0..MANY)) -> DisksDelta {
        DisksDelta { disk_at, used_by, available_by }
    }
}

prop_compose! {
    fn processes_delta()(
        window_ms in of(any::<u32>()),
        ended_at in vec(any::<u32>(), 0..MANY),
        processes in vec(process(), 0..MANY),
        (cpu_at, _) in indices(),
        cpu_thousandths in vec(any::<u32>(), 0..MANY),
        (resident_at, resident_by) in indices(),
        (state_at, threads_by) in indices(),
        states in vec(0..10, 0..MANY),
        threads_at in vec(any::<u32>(), 0..MANY),
    ) -> ProcessesDelta {
        ProcessesDelta {
            window_ms, ended_at, processes, cpu_at, cpu_thousandths, resident_at, resident_by, state_at, states,
            threads_at, threads_by,
        }
    }
}

prop_compose! {
    /// Any delta.
    pub(crate) fn delta()(
        elapsed_ms in any::<u32>(),
        wall_by_ms in any::<i64>(),
        kind in prop_oneof![
            metrics_delta().prop_map(delta::Kind::Metrics),
            disks_delta().prop_map(delta::Kind::Disks),
            processes_delta().prop_map(delta::Kind::Processes),
        ],
    ) -> Delta {
        Delta { elapsed_ms, wall_by_ms, kind: Some(kind) }
    }
}

prop_compose! {
    fn thread()(
        tid in any::<u32>(),
        name in text(),
        state in 0..10,
        cpu_user_us in of(any::<u64>()),
        cpu_system_us in of(any::<u64>()),
    ) -> Thread {
        Thread { tid, name, state, cpu_user_us, cpu_system_us }
    }
}

prop_compose! {
    fn one_process()(
        time in of(time()),
        process in of(process()),
        command in vec(text(), 0..4),
        (executable, working_directory) in (of(text()), of(text())),
        ids in any::<(Option<u32>, Option<u32>)>(),
        sizes in any::<[Option<u64>; 7]>(),
        threads in vec(thread(), 0..MANY),
        (children_total, command_cut, unanswered_ms) in any::<(Option<u32>, bool, Option<u32>)>(),
    ) -> ProcessDetails {
        let (group_id, descriptors) = ids;
        let [virtual_bytes, shared_bytes, started_unix_ms, cpu_user_us, cpu_system_us,
            disk_read_bytes, disk_written_bytes] = sizes;
        ProcessDetails {
            time, process, group_id, command, executable, working_directory, virtual_bytes,
            shared_bytes, started_unix_ms, cpu_user_us, cpu_system_us, disk_read_bytes,
            disk_written_bytes, descriptors, threads, children: Vec::new(),
            children_total, command_cut, unanswered_ms,
        }
    }
}

prop_compose! {
    /// Any details, with any of their parts unknown.
    pub(crate) fn details()(
        details in one_process(),
        children in vec(one_process(), 0..3),
    ) -> ProcessDetails {
        ProcessDetails { children, ..details }
    }
}

prop_compose! {
    /// Details of a process of which everything could be read.
    pub(crate) fn complete_details()(
        details in details(),
        process in process(),
        ids in any::<[u32; 3]>(),
        sizes in any::<[u64; 5]>(),
    ) -> ProcessDetails {
        ProcessDetails {
            process: Some(Process {
                user_id: Some(ids[0]),
                threads: Some(ids[1]),
                resident_bytes: Some(sizes[0]),
                ..process
            }),
            group_id: Some(ids[2]),
            virtual_bytes: Some(sizes[1]),
            started_unix_ms: Some(sizes[2]),
            cpu_user_us: Some(sizes[3]),
            cpu_system_us: Some(sizes[4]),
            ..details
        }
    }
}

prop_compose! {
    fn journal_entry()(
        unix_us in any::<u64>(),
        priority in of(any::<u32>()),
        message in text(),
        unit in of(text()),
        pid in of(any::<u32>()),
        command in of(text()),
        user_id in of(any::<u32>()),
        group_id in of(any::<u32>()),
    ) -> JournalEntry {
        JournalEntry { unix_us, priority, message, unit, pid, command, user_id, group_id }
    }
}

prop_compose! {
    pub(crate) fn journal()(
        time in of(time()),
        entries in vec(journal_entry(), 0..MANY),
        truncated in any::<bool>(),
        notice in of(text()),
    ) -> Journal {
        Journal { time, entries, truncated, notice }
    }
}

prop_compose! {
    fn error()(code in 0..6, message in text()) -> Error {
        Error { code, message }
    }
}

/// Any reply.
pub(crate) fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        error().prop_map(body::Kind::Error).boxed(),
        host().prop_map(body::Kind::Host).boxed(),
        metrics().prop_map(body::Kind::Metrics).boxed(),
        disks().prop_map(body::Kind::Disks).boxed(),
        processes().prop_map(body::Kind::Processes).boxed(),
        details().prop_map(body::Kind::Process).boxed(),
        journal().prop_map(body::Kind::Journal).boxed(),
    ]
    .prop_map(Body::from)
}

/// Any request.
pub(crate) fn query() -> impl Strategy<Value = socktop_proto::Query> {
    use socktop_proto::Query;
    prop_oneof![
        Just(Query::Host),
        Just(Query::Metrics),
        Just(Query::Disks),
        Just(Query::Processes),
        any::<u32>().prop_map(|pid| Query::Process { pid }),
        any::<u32>().prop_map(|pid| Query::Journal { pid }),
    ]
}
