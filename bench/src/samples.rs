//! Made-up samples, the same on every machine, for the micro-benchmarks.

use socktop_proto::model::{
    Core, Cpu, Disk, DiskState, Disks, Interface, Load, Memory, Metrics, Process, ProcessState,
    Processes, SampleTime, Swap,
};

const MIB: u64 = 1 << 20;

/// What follows `seed`, for numbers that look like a host's.
fn noise(seed: u32) -> u32 {
    let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b1);
    (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b) >> 8
}

/// 0 to 100, by the hundredth.
fn percent(seed: u32) -> f32 {
    f32::from(u16::try_from(noise(seed) % 10_000).unwrap_or_default()) / 100.0
}

/// When a sample was taken, half a second after the one before.
fn time(step: u32) -> SampleTime {
    SampleTime {
        unix_ms: 1_777_883_525_000 + u64::from(step) * 500,
        boot_ms: Some(1_055_106_000 + u64::from(step) * 500),
    }
}

/// Metrics of a host with so many CPUs.
#[must_use]
pub fn metrics(step: u32, cpus: u32) -> Metrics {
    let interface = |name: &str, speed: u64| Interface {
        name: name.to_owned(),
        received_bytes: u64::from(step) * speed + u64::from(noise(step)) % speed,
        transmitted_bytes: u64::from(step) * speed / 6,
    };
    Metrics {
        time: Some(time(step)),
        hostname: "pi4".to_owned(),
        cpu: Some(Cpu {
            total_percent: Some(percent(step)),
            cores: (0..cpus)
                .map(|index| Core {
                    index,
                    percent: percent(step * cpus + index),
                })
                .collect(),
            window_ms: Some(500),
            temperature_celsius: Some(54.3),
        }),
        memory: Some(Memory {
            total_bytes: Some(7900 * MIB),
            used_bytes: Some((3000 + u64::from(noise(step) % 900)) * MIB),
            available_bytes: Some(4300 * MIB),
            cache_bytes: Some(2100 * MIB),
        }),
        swap: Some(Swap {
            total_bytes: Some(2048 * MIB),
            used_bytes: Some(61 * MIB),
        }),
        load: Some(Load {
            one: 0.52,
            five: 1.48,
            fifteen: 12.4,
        }),
        interfaces: vec![
            interface("lo", 20_000),
            interface("eth0", 6_000_000),
            interface("wlan0", 45_000),
        ],
        gpus: Vec::new(),
    }
}

/// Four disks.
#[must_use]
pub fn disks() -> Disks {
    let disk = |name: &str, mount_point: &str, total_mib: u64| Disk {
        name: name.to_owned(),
        mount_point: Some(mount_point.to_owned()),
        file_system: Some("ext4".to_owned()),
        total_bytes: Some(total_mib * MIB),
        used_bytes: Some(total_mib / 3 * MIB),
        available_bytes: Some(total_mib / 2 * MIB),
        state: DiskState::Ok.into(),
        read_only: Some(false),
        sizes_boot_ms: None,
    };
    Disks {
        time: Some(time(0)),
        disks: vec![
            disk("/dev/mmcblk0p2", "/", 59_800),
            disk("/dev/mmcblk0p1", "/boot/firmware", 512),
            disk("/dev/sda1", "/srv/media", 3_600_000),
            disk("/dev/sdb1", "/srv/backup", 3_600_000),
        ],
        not_listed: None,
    }
}

/// So many processes, of which one in ten has used the CPU.
#[must_use]
pub fn processes(count: u32) -> Processes {
    const NAMES: [&str; 8] = [
        "systemd",
        "kworker/0:1-events_power_efficient",
        "nginx",
        "postgres",
        "python3",
        "sshd-session",
        "node",
        "prometheus-node-exporter",
    ];
    const USERS: [(u32, &str); 4] = [
        (0, "root"),
        (33, "www-data"),
        (112, "postgres"),
        (1000, "pi"),
    ];
    let process = |index: u32| {
        let name = NAMES.iter().cycle().nth((noise(index) % 8) as usize);
        let user = USERS.iter().cycle().nth((noise(index + 7) % 4) as usize);
        let &(user_id, user) = user.unwrap_or(&(0, "root"));
        Process {
            pid: index * 37 + 1,
            parent_pid: Some(index % 7 * 37 + 1),
            user_id: Some(user_id),
            user: user.to_owned(),
            name: (*name.unwrap_or(&"")).to_owned(),
            state: ProcessState::Sleeping.into(),
            threads: Some(index % 13 + 1),
            cpu_percent: Some(if index.is_multiple_of(10) {
                percent(index) / 10.0
            } else {
                0.0
            }),
            resident_bytes: Some(u64::from(noise(index) % 100_000) * 4096),
            started_boot_ms: Some(u64::from(noise(index))),
        }
    };
    Processes {
        time: Some(time(0)),
        processes: (0..count).map(process).collect(),
        total: count,
        window_ms: Some(2000),
        others_hidden: false,
    }
}
