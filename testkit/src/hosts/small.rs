//! A host with one value of each reply, for short encodings.

use socktop_proto::model::{
    Body, Core, Cpu, Delta, Disk, DiskState, Disks, DisksDelta, Error, ErrorCode, Gpu, Host,
    Interface, Journal, JournalEntry, Load, Memory, Metrics, MetricsDelta, Process, ProcessDetails,
    ProcessState, Processes, ProcessesDelta, SampleTime, Sensor, Sensors, Swap, Thread, body,
    delta,
};

const TIME: SampleTime = SampleTime {
    unix_ms: 1_700_000_000_123,
    boot_ms: Some(5_000),
};

/// Facts, some of them unknown.
#[must_use]
pub fn host() -> Body {
    body::Kind::Host(Host {
        hostname: "pi".into(),
        kernel: Some("6.6.31".into()),
        os: Some("Debian GNU/Linux 12".into()),
        model: None,
        architecture: Some("aarch64".into()),
        cpu_model: None,
        cpu_count: Some(4),
        started_boot_ms: None,
        agent_version: "0.1.0".into(),
    })
    .into()
}

/// Two temperature sensors, of which one does not answer.
#[must_use]
pub fn sensors() -> Body {
    body::Kind::Sensors(Sensors {
        time: Some(TIME),
        sensors: vec![
            Sensor {
                label: "cpu_thermal temp1".into(),
                celsius: Some(48.25),
                high_celsius: None,
                critical_celsius: Some(110.0),
            },
            Sensor {
                label: "drivetemp SSD".into(),
                celsius: None,
                high_celsius: Some(70.0),
                critical_celsius: None,
            },
        ],
    })
    .into()
}

/// Metrics with two CPUs, one interface and one GPU.
#[must_use]
pub fn metrics() -> Body {
    body::Kind::Metrics(Metrics {
        time: Some(TIME),
        hostname: "pi".into(),
        cpu: Some(Cpu {
            total_percent: Some(12.5),
            cores: vec![
                Core {
                    index: 0,
                    percent: 25.0,
                },
                Core {
                    index: 1,
                    percent: 0.0,
                },
            ],
            window_ms: Some(500),
            temperature_celsius: Some(48.25),
        }),
        memory: Some(Memory {
            total_bytes: Some(4096),
            used_bytes: Some(1024),
            available_bytes: Some(3072),
            cache_bytes: Some(512),
        }),
        swap: Some(Swap {
            total_bytes: Some(0),
            used_bytes: Some(0),
        }),
        load: Some(Load {
            one: 0.5,
            five: 0.25,
            fifteen: 0.125,
        }),
        interfaces: vec![Interface {
            name: "eth0".into(),
            received_bytes: 1000,
            transmitted_bytes: 2000,
        }],
        gpus: vec![Gpu {
            name: "card0".into(),
            usage_percent: Some(7.5),
            memory_used_bytes: Some(100),
            memory_total_bytes: Some(200),
            temperature_celsius: None,
        }],
    })
    .into()
}

/// A disk, and a mount that hangs.
#[must_use]
pub fn disks() -> Body {
    body::Kind::Disks(Disks {
        time: Some(TIME),
        disks: vec![
            Disk {
                name: "/dev/mmcblk0p2".into(),
                mount_point: Some("/".into()),
                file_system: Some("ext4".into()),
                total_bytes: Some(1000),
                used_bytes: Some(600),
                available_bytes: Some(350),
                state: DiskState::Ok.into(),
                read_only: Some(false),
                sizes_boot_ms: None,
            },
            Disk {
                name: "nas:/pool".into(),
                mount_point: Some("/mnt".into()),
                file_system: Some("nfs4".into()),
                total_bytes: None,
                used_bytes: None,
                available_bytes: None,
                state: DiskState::Hung.into(),
                read_only: None,
                sizes_boot_ms: None,
            },
        ],
        not_listed: None,
    })
    .into()
}

/// Two processes, one of which has few known values.
#[must_use]
pub fn processes() -> Body {
    body::Kind::Processes(Processes {
        time: Some(TIME),
        processes: vec![
            Process {
                pid: 1,
                parent_pid: Some(0),
                user_id: Some(0),
                user: "root".into(),
                name: "systemd".into(),
                state: ProcessState::Sleeping.into(),
                threads: Some(1),
                cpu_percent: Some(0.0),
                resident_bytes: Some(4096),
                started_boot_ms: Some(10),
                nice: Some(-5),
            },
            Process {
                pid: 300,
                name: "größe".into(),
                cpu_percent: Some(49.5),
                ..Process::default()
            },
        ],
        total: 2,
        window_ms: Some(1000),
        others_hidden: false,
    })
    .into()
}

/// A process with two threads and a child.
#[must_use]
pub fn details() -> Body {
    let child = ProcessDetails {
        process: Some(Process {
            pid: 43,
            parent_pid: Some(42),
            user_id: Some(1000),
            name: "cat".into(),
            state: ProcessState::DiskSleep.into(),
            threads: Some(1),
            resident_bytes: Some(10),
            ..Process::default()
        }),
        group_id: Some(1000),
        command: vec!["cat".into()],
        virtual_bytes: Some(20),
        started_unix_ms: Some(1_699_999_999_999),
        cpu_user_us: Some(0),
        cpu_system_us: Some(10_000),
        ..ProcessDetails::default()
    };
    body::Kind::Process(ProcessDetails {
        time: Some(TIME),
        process: Some(Process {
            pid: 42,
            parent_pid: Some(1),
            user_id: Some(1000),
            user: "ada".into(),
            name: "sh".into(),
            state: ProcessState::Running.into(),
            threads: Some(2),
            cpu_percent: Some(2.5),
            resident_bytes: Some(100),
            started_boot_ms: Some(4000),
            nice: Some(10),
        }),
        group_id: Some(1000),
        command: vec!["sh".into(), "-c".into(), "cat".into()],
        executable: Some("/usr/bin/dash".into()),
        working_directory: Some("/home/ada".into()),
        virtual_bytes: Some(200),
        shared_bytes: Some(50),
        started_unix_ms: Some(1_699_999_999_123),
        cpu_user_us: Some(30_000),
        cpu_system_us: Some(20_000),
        disk_read_bytes: Some(512),
        disk_written_bytes: None,
        descriptors: Some(3),
        threads: vec![
            Thread {
                tid: 42,
                name: "sh".into(),
                state: ProcessState::Running.into(),
                cpu_user_us: Some(20_000),
                cpu_system_us: Some(20_000),
            },
            Thread {
                tid: 44,
                name: "worker".into(),
                state: ProcessState::Idle.into(),
                cpu_user_us: Some(10_000),
                cpu_system_us: None,
            },
        ],
        children: vec![child],
        children_total: None,
        command_cut: false,
        unanswered_ms: None,
    })
    .into()
}

/// One log line, of several.
#[must_use]
pub fn journal() -> Body {
    body::Kind::Journal(Journal {
        time: Some(TIME),
        entries: vec![JournalEntry {
            unix_us: 1_700_000_000_000_001,
            priority: Some(4),
            message: "disk is 90 % full".into(),
            unit: Some("df.service".into()),
            pid: Some(42),
            command: Some("df".into()),
            user_id: Some(0),
            group_id: None,
        }],
        truncated: true,
        notice: None,
    })
    .into()
}

/// The error of a process that is not there.
#[must_use]
pub fn not_found() -> Body {
    Error::new(ErrorCode::NotFound, "no process 42").into()
}

fn delta_of(kind: delta::Kind) -> Delta {
    Delta {
        elapsed_ms: 500,
        wall_by_ms: -1,
        kind: Some(kind),
    }
}

/// A change of everything that metrics deltas hold but GPUs.
#[must_use]
pub fn metrics_delta() -> Delta {
    delta_of(delta::Kind::Metrics(MetricsDelta {
        window_ms: Some(500),
        cpu_thousandths: Some(12_500),
        core_thousandths: vec![25_000, 0],
        cpu_temperature_celsius: Some(41.0),
        available_by: -4096,
        cache_by: 4096,
        swap_used_by: 0,
        load: Some(Load {
            one: 0.5,
            five: 0.25,
            fifteen: 0.0,
        }),
        interface_at: vec![1],
        received_by: vec![1500],
        transmitted_by: vec![0],
        gpus: vec![],
    }))
}

/// A change of two disks.
#[must_use]
pub fn disks_delta() -> Delta {
    delta_of(delta::Kind::Disks(DisksDelta {
        disk_at: vec![0, 2],
        used_by: vec![8192, -8192],
        available_by: vec![-8192, 8192],
    }))
}

/// Changes, ends and a start of processes.
#[must_use]
pub fn processes_delta() -> Delta {
    delta_of(delta::Kind::Processes(ProcessesDelta {
        window_ms: Some(2000),
        ended_at: vec![300],
        processes: vec![Process {
            pid: 301,
            name: "new".into(),
            ..Process::default()
        }],
        cpu_at: vec![0, 4],
        cpu_thousandths: vec![1500, 0],
        resident_at: vec![4],
        resident_by: vec![-4096],
        state_at: vec![4],
        states: vec![ProcessState::Sleeping.into()],
        threads_at: vec![1],
        threads_by: vec![-2],
    }))
}
