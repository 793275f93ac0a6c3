//! What is possible of each number. Every message is taken apart field by field, so that a number that is added to the model
//! does not compile before it is here.

use std::ops::RangeInclusive;
use std::sync::Arc;

use socktop_proto::model::{
    Body, Core, Cpu, Disk, Disks, Error, Gpu, Host, Interface, Journal, JournalEntry, Load, Memory,
    Metrics, Process, ProcessDetails, Processes, Sensor, Sensors, Swap, Thread, body,
};
use socktop_proto::{Fields, limits};

use super::{Impossible, MOST_UNIX_MS, MOST_UPTIME_MS};

/// Memory and swap, of machine, GPU or process: no processor addresses more than 52 bits.
pub(super) const MOST_MEMORY_BYTES: u64 = 1 << 52;

/// Address space of a process: at most 57 bits.
const MOST_VIRTUAL_BYTES: u64 = 1 << 57;

/// Counters of bytes of one process: from here on they are negative numbers.
const MOST_COUNTED_BYTES: u64 = (1 << 63) - 1;

/// Nice values that Linux has.
const NICE_VALUES: RangeInclusive<i32> = -20..=19;

/// PIDs, and so processes and threads, that Linux can have: its `PID_MAX_LIMIT`.
const MOST_TASKS: u32 = 1 << 22;

/// Open files of a process: Linux' limit of `fs.nr_open`.
const MOST_DESCRIPTORS: u32 = 1 << 30;

/// CPU time of a process: a thousand CPUs for a century.
const MOST_CPU_US: u64 = MOST_UPTIME_MS * 1000 * 1000;

/// A process is read a moment after the clock.
const CLOCK_SLACK_MS: u64 = 60_000;

/// The fields of a process that can be impossible, and others that are cheap to copy.
const NUMBERS: Fields = Fields::ALL.without(Fields::USER_NAME).without(Fields::NAME);

/// Makes what cannot be unknown, and says what that was. A body that the link has, too, is copied only where there is
/// something to change in it.
pub(in super::super) fn check(body: &mut Arc<Body>) -> Impossible {
    if let Some(body) = Arc::get_mut(body) {
        return check_unshared(body);
    }
    if is_changed_by_check(body) {
        check_unshared(Arc::make_mut(body))
    } else {
        Impossible::default()
    }
}

/// Whether there is something to change, without a copy of the processes.
fn is_changed_by_check(body: &Body) -> bool {
    let Some(body::Kind::Processes(list)) = &body.kind else {
        return check_unshared(&mut body.clone()).changed;
    };
    let Processes {
        time,
        processes,
        total,
        window_ms,
        others_hidden,
    } = list;
    let mut without_processes = Processes {
        time: *time,
        processes: Vec::new(),
        total: *total,
        window_ms: *window_ms,
        others_hidden: *others_hidden,
    };
    let mut impossible = Impossible::default();
    check_list(&mut without_processes, &mut impossible);
    let boot_ms = without_processes.time.and_then(|time| time.boot_ms);
    for process in processes {
        check_process(&mut NUMBERS.retained_of(process), boot_ms, &mut impossible);
    }
    impossible.changed
}

fn check_unshared(body: &mut Body) -> Impossible {
    use body::Kind;
    let mut impossible = Impossible::default();
    let Body { kind } = body;
    match kind {
        None
        | Some(Kind::Error(Error {
            code: _,
            message: _,
        })) => {}
        Some(Kind::Host(host)) => check_host(host, &mut impossible),
        Some(Kind::Metrics(metrics)) => check_metrics(metrics, &mut impossible),
        Some(Kind::Disks(Disks {
            time,
            disks,
            not_listed: _,
        })) => {
            impossible.time(time);
            let boot_ms = time.and_then(|time| time.boot_ms);
            for disk in disks {
                check_disk(disk, boot_ms, &mut impossible);
            }
        }
        Some(Kind::Processes(list)) => check_list(list, &mut impossible),
        Some(Kind::Process(details)) => check_details(details, &mut impossible),
        Some(Kind::Journal(journal)) => check_journal(journal, &mut impossible),
        Some(Kind::Sensors(sensors)) => check_sensors(sensors, &mut impossible),
    }
    impossible
}

fn check_host(host: &mut Host, impossible: &mut Impossible) {
    let Host {
        hostname: _,
        kernel: _,
        os: _,
        model: _,
        architecture: _,
        cpu_model: _,
        cpu_count,
        started_boot_ms,
        agent_version: _,
    } = host;
    let most = u32::try_from(limits::CORES).unwrap_or(u32::MAX);
    impossible.at_most(cpu_count, most, "number of CPUs");
    impossible.at_most(started_boot_ms, MOST_UPTIME_MS, "start of the host");
}

fn check_metrics(metrics: &mut Metrics, impossible: &mut Impossible) {
    let Metrics {
        time,
        hostname: _,
        cpu,
        memory,
        swap,
        load,
        interfaces,
        gpus,
    } = metrics;
    impossible.time(time);
    if let Some(cpu) = cpu {
        check_cpu(cpu, impossible);
    }
    if let Some(memory) = memory {
        check_memory(memory, impossible);
    }
    if let Some(Swap {
        total_bytes,
        used_bytes,
    }) = swap
    {
        impossible.at_most(total_bytes, MOST_MEMORY_BYTES, "swap");
        let whole = total_bytes.unwrap_or(MOST_MEMORY_BYTES);
        impossible.at_most(used_bytes, whole, "swap in use");
    }
    if let Some(Load { one, five, fifteen }) = load {
        let possible = |load: &f32| {
            #[expect(clippy::cast_precision_loss, reason = "a power of two")]
            let most = MOST_TASKS as f32;
            (0.0..=most).contains(load) && load.is_sign_positive()
        };
        if ![one, five, fifteen].into_iter().all(|load| possible(load)) {
            *load = None;
            impossible.add("load");
        }
    }
    for interface in interfaces {
        // Counters may have any value; the rates that are made of them may not.
        let Interface {
            name: _,
            received_bytes: _,
            transmitted_bytes: _,
        } = interface;
    }
    for gpu in gpus {
        let Gpu {
            name: _,
            usage_percent,
            memory_used_bytes,
            memory_total_bytes,
            temperature_celsius,
        } = gpu;
        impossible.percent(usage_percent, "GPU use");
        impossible.at_most(memory_total_bytes, MOST_MEMORY_BYTES, "GPU memory");
        let whole = memory_total_bytes.unwrap_or(MOST_MEMORY_BYTES);
        impossible.at_most(memory_used_bytes, whole, "GPU memory in use");
        impossible.temperature(temperature_celsius, "GPU temperature");
    }
}

fn check_sensors(sensors: &mut Sensors, impossible: &mut Impossible) {
    let Sensors { time, sensors } = sensors;
    impossible.time(time);
    for sensor in sensors {
        let Sensor {
            label: _,
            celsius,
            high_celsius,
            critical_celsius,
        } = sensor;
        impossible.temperature(celsius, "temperature of a sensor");
        impossible.temperature(high_celsius, "high limit of a sensor");
        impossible.temperature(critical_celsius, "critical limit of a sensor");
    }
}

fn check_cpu(cpu: &mut Cpu, impossible: &mut Impossible) {
    let Cpu {
        total_percent,
        cores,
        // Not shown, and any 32 bits are some time.
        window_ms: _,
        temperature_celsius,
    } = cpu;
    impossible.percent(total_percent, "CPU use");
    impossible.temperature(temperature_celsius, "CPU temperature");
    for core in cores {
        // The index is a name.
        let Core { index: _, percent } = core;
        let mut known = Some(*percent);
        impossible.percent(&mut known, "use of a core");
        // It is shown as unknown.
        *percent = known.unwrap_or(f32::NAN);
    }
}

fn check_memory(memory: &mut Memory, impossible: &mut Impossible) {
    let Memory {
        total_bytes,
        used_bytes,
        available_bytes,
        cache_bytes,
    } = memory;
    impossible.at_most(total_bytes, MOST_MEMORY_BYTES, "memory");
    let whole = total_bytes.unwrap_or(MOST_MEMORY_BYTES);
    impossible.at_most(used_bytes, whole, "memory in use");
    impossible.at_most(available_bytes, whole, "memory available");
    impossible.at_most(cache_bytes, whole, "memory for caches");
}

fn check_disk(disk: &mut Disk, boot_ms: Option<u64>, impossible: &mut Impossible) {
    let Disk {
        name: _,
        mount_point: _,
        file_system: _,
        // Some file systems without an end (s3fs) say 16 EiB.
        total_bytes,
        used_bytes,
        available_bytes,
        state: _,
        read_only: _,
        sizes_boot_ms,
    } = disk;
    let whole = total_bytes.unwrap_or(u64::MAX);
    impossible.at_most(used_bytes, whole, "disk space in use");
    impossible.at_most(available_bytes, whole, "disk space available");
    impossible.at_most(sizes_boot_ms, latest(boot_ms), "age of a disk's sizes");
}

fn check_list(list: &mut Processes, impossible: &mut Impossible) {
    let Processes {
        time,
        processes,
        total,
        window_ms: _,
        others_hidden: _,
    } = list;
    impossible.time(time);
    let boot_ms = time.and_then(|time| time.boot_ms);
    for process in processes.iter_mut() {
        check_process(process, boot_ms, impossible);
    }
    if *total > MOST_TASKS {
        *total = u32::try_from(processes.len()).unwrap_or(u32::MAX);
        impossible.add("number of processes");
    }
}

fn check_process(process: &mut Process, boot_ms: Option<u64>, impossible: &mut Impossible) {
    let Process {
        // Names, whatever their numbers.
        pid: _,
        parent_pid: _,
        user_id: _,
        user: _,
        name: _,
        // One that is not known is shown as unknown.
        state: _,
        threads,
        cpu_percent,
        resident_bytes,
        started_boot_ms,
        nice,
    } = process;
    impossible.within(nice, NICE_VALUES, "nice value of a process");
    impossible.at_most(threads, MOST_TASKS, "threads of a process");
    impossible.percent(cpu_percent, "CPU use of a process");
    impossible.at_most(resident_bytes, MOST_MEMORY_BYTES, "memory of a process");
    impossible.at_most(started_boot_ms, latest(boot_ms), "start of a process");
}

/// The latest moment that a sample of `boot_ms` can tell of.
fn latest(boot_ms: Option<u64>) -> u64 {
    boot_ms.map_or(MOST_UPTIME_MS, |now| now.saturating_add(CLOCK_SLACK_MS))
}

fn check_details(details: &mut ProcessDetails, impossible: &mut Impossible) {
    let ProcessDetails {
        time,
        process,
        group_id: _,
        command: _,
        executable: _,
        working_directory: _,
        virtual_bytes,
        shared_bytes,
        started_unix_ms,
        cpu_user_us,
        cpu_system_us,
        disk_read_bytes,
        disk_written_bytes,
        descriptors,
        threads,
        children,
        children_total,
        command_cut: _,
        // At most 49 days.
        unanswered_ms: _,
    } = details;
    impossible.time(time);
    let boot_ms = time.and_then(|time| time.boot_ms);
    if let Some(process) = process {
        check_process(process, boot_ms, impossible);
    }
    impossible.at_most(virtual_bytes, MOST_VIRTUAL_BYTES, "address space");
    impossible.at_most(shared_bytes, MOST_MEMORY_BYTES, "shared memory");
    impossible.at_most(started_unix_ms, MOST_UNIX_MS, "time of the start");
    impossible.at_most(disk_read_bytes, MOST_COUNTED_BYTES, "bytes read");
    impossible.at_most(disk_written_bytes, MOST_COUNTED_BYTES, "bytes written");
    impossible.at_most(descriptors, MOST_DESCRIPTORS, "open files");
    for time in [cpu_user_us, cpu_system_us] {
        impossible.at_most(time, MOST_CPU_US, "CPU time");
    }
    impossible.at_most(children_total, MOST_TASKS, "child processes");
    for thread in threads {
        let Thread {
            tid: _,
            name: _,
            state: _,
            cpu_user_us,
            cpu_system_us,
        } = thread;
        for time in [cpu_user_us, cpu_system_us] {
            impossible.at_most(time, MOST_CPU_US, "CPU time of a thread");
        }
    }
    for child in children {
        check_details(child, impossible);
    }
}

fn check_journal(journal: &mut Journal, impossible: &mut Impossible) {
    let Journal {
        time,
        entries,
        truncated: _,
        notice: _,
    } = journal;
    impossible.time(time);
    for entry in entries {
        let JournalEntry {
            unix_us,
            priority,
            message: _,
            unit: _,
            pid: _,
            command: _,
            user_id: _,
            group_id: _,
        } = entry;
        if *unix_us > MOST_UNIX_MS * 1000 {
            // No date: it is shown as unknown.
            *unix_us = u64::MAX;
            impossible.add("time of a line");
        }
        impossible.at_most(priority, 7, "priority of a line");
    }
}
