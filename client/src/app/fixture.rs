//! A made-up host, told to an application message by message as a link would.

#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use socktop_proto::Query;
use socktop_proto::model::{
    Core, Cpu, Disk, DiskState, Disks, Error, Gpu, Host, Interface, Journal, JournalEntry, Load,
    Memory, Metrics, Process, ProcessDetails, ProcessState, Processes, SampleTime, Swap, Thread,
    body,
};

use crate::app::{App, Effect, Message, update};
use crate::link::{Dialect, Event, Intervals, LinkState, Security};
use crate::state::Moment;
use crate::view::Settings;

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// An application and the time.
pub(crate) struct Stage {
    pub(crate) app: App,
    pub(crate) now: Moment,
    /// Milliseconds since the start.
    elapsed: u64,
}

/// A wave between 0 and 1, up and down in straight lines: the same on every machine.
fn wave(step: u64, period: u32, shift: u32) -> f64 {
    let phase = (step as u32 + shift) % period;
    f64::from(phase.min(period - phase) * 2) / f64::from(period)
}

impl Stage {
    pub(crate) fn new(width: u16, height: u16) -> Self {
        let options = Settings {
            name: "pi4".to_owned(),
            endpoint: "wss://pi4.lan:8443/ws".to_owned(),
            intervals: Intervals::default(),
            compact: false,
            color: true,
            time_zone: TimeZone::UTC,
        };
        let now = Moment {
            instant: Instant::now(),
            unix_ms: 1_777_883_525_000,
        };
        let mut stage = Self {
            app: App::new(options),
            now,
            elapsed: 0,
        };
        stage.send(Message::Resize(width, height));
        stage
    }

    /// A host with everything, after a minute.
    pub(crate) fn rich(width: u16, height: u16) -> Self {
        let mut stage = Self::new(width, height);
        stage.connect(Dialect::Native);
        stage.reply(Query::Host, body::Kind::Host(host()));
        stage.run(120, 8);
        stage.reply(Query::Disks, body::Kind::Disks(disks()));
        stage.reply(Query::Processes, body::Kind::Processes(processes(300)));
        stage
    }

    /// What `socktop_agent` 1.60 tells of such a host.
    pub(crate) fn published(width: u16, height: u16) -> Self {
        let mut stage = Self::new(width, height);
        stage.connect(Dialect::Text);
        for step in 0..60 {
            let mut metrics = metrics(step, 8);
            metrics.load = None;
            if let Some(time) = &mut metrics.time {
                time.unix_ms += step * 500;
                time.boot_ms = None;
            }
            stage.pass(500);
            stage.reply(Query::Metrics, body::Kind::Metrics(metrics));
        }
        let mut disks = disks();
        disks.disks.truncate(2);
        for disk in &mut disks.disks {
            (disk.mount_point, disk.file_system) = (None, None);
            (disk.used_bytes, disk.read_only) = (None, None);
        }
        stage.reply(Query::Disks, body::Kind::Disks(disks));
        let mut list = processes(120);
        for process in &mut list.processes {
            *process = Process {
                pid: process.pid,
                name: process.name.clone(),
                cpu_percent: process.cpu_percent,
                resident_bytes: process.resident_bytes,
                ..Process::default()
            };
        }
        stage.reply(Query::Processes, body::Kind::Processes(list));
        stage
    }

    /// `samples` samples of metrics, half a second apart.
    pub(crate) fn run(&mut self, samples: u64, cores: u32) {
        for _ in 0..samples {
            self.pass(500);
            let metrics = metrics(self.elapsed / 500, cores);
            self.reply(Query::Metrics, body::Kind::Metrics(metrics));
        }
    }

    pub(crate) fn connect(&mut self, dialect: Dialect) {
        let security = match dialect {
            Dialect::Native => Security::Tls,
            Dialect::Text => Security::Plain,
        };
        self.send(Message::Link(Event::State(LinkState::Connected {
            dialect,
            security,
        })));
    }

    pub(crate) fn lose(&mut self) {
        let lost = LinkState::Lost {
            since: self.now.instant,
            reason: "connecting to pi4.lan:8443 failed: Connection refused (os error 111). Is socktop-agent running there?".to_owned(),
            retry_at: self.now.instant + Duration::from_millis(15_200),
        };
        self.send(Message::Link(Event::State(lost)));
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, milliseconds: u64) {
        self.elapsed += milliseconds;
        self.now.instant += Duration::from_millis(milliseconds);
        self.now.unix_ms += milliseconds;
    }

    pub(crate) fn send(&mut self, message: Message) -> Vec<Effect> {
        update(&mut self.app, message, self.now)
    }

    pub(crate) fn reply(&mut self, query: Query, kind: body::Kind) {
        let event = Event::Reply {
            query,
            body: Box::new(kind.into()),
            at: self.now.instant,
            round_trip: Duration::from_micros(1234),
        };
        self.send(Message::Link(event));
    }

    pub(crate) fn error(&mut self, query: Query, error: Error) {
        self.reply(query, body::Kind::Error(error));
    }

    pub(crate) fn draw(&self) -> Buffer {
        // Tests set fields that otherwise only a message changes, which lays out anew.
        let mut app = self.app.clone();
        app.lay_out();
        let mut buffer = Buffer::empty(app.area);
        crate::ui::draw(&mut buffer, &app, self.now);
        buffer
    }

    /// The screen as text.
    pub(crate) fn text(&self) -> String {
        text_of(&self.draw(), self.app.area)
    }
}

/// A buffer's text, without blanks at the ends of lines.
pub(crate) fn text_of(buffer: &Buffer, area: Rect) -> String {
    let mut text = String::new();
    for y in area.top()..area.bottom() {
        let mut line = String::new();
        let mut covered = 0;
        for x in area.left()..area.right() {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            let symbol = buffer.cell((x, y)).map_or(" ", |cell| cell.symbol());
            covered = crate::text::width::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

pub(crate) fn host() -> Host {
    Host {
        hostname: "pi4".to_owned(),
        kernel: Some("6.12.25+rpt-rpi-v8".to_owned()),
        os: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
        model: Some("Raspberry Pi 4 Model B Rev 1.4".to_owned()),
        architecture: Some("aarch64".to_owned()),
        cpu_model: Some("Cortex-A72".to_owned()),
        cpu_count: Some(8),
        started_boot_ms: None,
        agent_version: "0.1.0".to_owned(),
    }
}

pub(crate) fn metrics(step: u64, cores: u32) -> Metrics {
    let core = |index: u32| Core {
        index,
        percent: match index % 8 {
            1 => 96.0,
            3 => 74.0,
            6 => 0.0,
            _ => (wave(step, 40, index * 7) * 60.0) as f32,
        },
    };
    let interface = |name: &str, speed: f64, period: u32| {
        let carried = |shift: u32| {
            let sum: f64 = (0..step)
                .map(|step| wave(step, period, shift).powi(3))
                .sum();
            (sum * speed / 2.0) as u64
        };
        Interface {
            name: name.to_owned(),
            received_bytes: carried(0),
            transmitted_bytes: carried(9) / 6,
        }
    };
    Metrics {
        time: Some(SampleTime {
            unix_ms: 1_777_883_525_000,
            boot_ms: Some(1_055_106_000 + step * 500),
        }),
        hostname: "pi4".to_owned(),
        cpu: Some(Cpu {
            total_percent: Some((wave(step, 60, 21) * wave(step, 13, 3) * 97.0) as f32),
            cores: (0..cores).map(core).collect(),
            window_ms: Some(500),
            temperature_celsius: Some(54.3),
        }),
        memory: Some(Memory {
            total_bytes: Some(7 * GIB + 640 * MIB),
            used_bytes: Some(3 * GIB + (wave(step, 90, 0) * 900.0) as u64 * MIB),
            available_bytes: Some(4 * GIB + 200 * MIB),
            cache_bytes: Some(2 * GIB + 100 * MIB),
        }),
        swap: Some(Swap {
            total_bytes: Some(2 * GIB),
            used_bytes: Some(61 * MIB),
        }),
        load: Some(Load {
            one: 0.52,
            five: 1.48,
            fifteen: 12.4,
        }),
        interfaces: vec![
            interface("lo", 40_000.0, 30),
            interface("eth0", 12_000_000.0, 47),
            interface("wlan0", 90_000.0, 23),
        ],
        gpus: vec![Gpu {
            name: "VideoCore VI".to_owned(),
            usage_percent: Some(37.0),
            memory_used_bytes: Some(212 * MIB),
            memory_total_bytes: Some(512 * MIB),
            temperature_celsius: Some(51.0),
        }],
    }
}

pub(crate) fn disks() -> Disks {
    let disk = |name: &str, mount: &str, kind: &str, total: u64, used: u64| Disk {
        name: name.to_owned(),
        mount_point: Some(mount.to_owned()),
        file_system: Some(kind.to_owned()),
        total_bytes: Some(total * GIB / 10),
        used_bytes: Some(used * GIB / 10),
        available_bytes: Some((total - used) * GIB / 11),
        state: DiskState::Ok.into(),
        read_only: Some(false),
        sizes_boot_ms: None,
    };
    let mut firmware = disk("/dev/mmcblk0p1", "/boot/firmware", "vfat", 5, 1);
    firmware.read_only = Some(true);
    Disks {
        time: None,
        disks: vec![
            disk("/dev/mmcblk0p2", "/", "ext4", 584, 421),
            firmware,
            disk("/dev/sda1", "/srv/media", "xfs", 36_000, 34_900),
            Disk {
                name: "nas.lan:/export/backup".to_owned(),
                mount_point: Some("/mnt/backup".to_owned()),
                file_system: Some("nfs4".to_owned()),
                state: DiskState::Hung.into(),
                ..Disk::default()
            },
        ],
        not_listed: None,
    }
}

pub(crate) fn processes(count: u32) -> Processes {
    const NAMES: [&str; 10] = [
        "systemd",
        "kworker/0:1-events_power_efficient",
        "nginx",
        "postgres",
        "python3",
        "sshd-session",
        "node",
        "prometheus-node-exporter",
        "bash",
        "日本語のプロセス",
    ];
    const USERS: [&str; 4] = ["root", "www-data", "postgres", "prometheus-exporter"];
    let process = |index: u32| {
        let kernel = index % 10 == 1;
        Process {
            pid: index * 37 + 1,
            parent_pid: Some(if index == 0 { 0 } else { index % 7 * 37 + 1 }),
            user_id: Some(index % 4 * 33),
            user: USERS[(index % 4) as usize].to_owned(),
            name: NAMES[(index % 10) as usize].to_owned(),
            state: match index % 23 {
                0 => ProcessState::Running,
                5 => ProcessState::DiskSleep,
                11 => ProcessState::Zombie,
                _ if kernel => ProcessState::Idle,
                _ => ProcessState::Sleeping,
            }
            .into(),
            threads: (index % 31 != 7).then_some(index % 13 + 1),
            cpu_percent: (index % 31 != 7).then_some(match index {
                40 => 24.8,
                41 => 12.4,
                _ if index.is_multiple_of(5) => f32::from((index % 50) as u8) / 20.0,
                _ => 0.0,
            }),
            resident_bytes: Some(if kernel {
                0
            } else {
                u64::from(index % 97) * 5 * MIB
            }),
            started_boot_ms: Some(u64::from(index) * 3_500_000),
        }
    };
    Processes {
        time: Some(SampleTime {
            unix_ms: 1_777_883_525_000,
            boot_ms: Some(1_055_106_000),
        }),
        processes: (0..count).map(process).collect(),
        total: count,
        window_ms: Some(2000),
        others_hidden: false,
    }
}

pub(crate) fn details(process: Process) -> ProcessDetails {
    let thread = |tid: u32| Thread {
        tid: process.pid + tid,
        name: if tid == 0 {
            "node".to_owned()
        } else {
            format!("libuv-worker-{tid}")
        },
        state: ProcessState::Sleeping.into(),
        cpu_user_us: Some(u64::from(tid) * 17_340_000),
        cpu_system_us: Some(420_000),
    };
    let child = Process {
        pid: 9001,
        name: "esbuild".to_owned(),
        state: ProcessState::Running.into(),
        cpu_percent: Some(3.1),
        resident_bytes: Some(88 * MIB),
        ..Process::default()
    };
    ProcessDetails {
        time: None,
        group_id: Some(33),
        command: [
            "/usr/bin/node",
            "--max-old-space-size=512",
            "/srv/www/app/server.js",
            "--listen=127.0.0.1:8080",
            "--log-format=json",
        ]
        .map(str::to_owned)
        .to_vec(),
        executable: Some("/usr/bin/node".to_owned()),
        working_directory: Some("/srv/www/app".to_owned()),
        virtual_bytes: Some(11 * GIB + 300 * MIB),
        shared_bytes: Some(38 * MIB),
        started_unix_ms: Some(1_776_998_418_000),
        cpu_user_us: Some(4_384_000_000),
        cpu_system_us: Some(184_500_000),
        disk_read_bytes: Some(812 * MIB),
        disk_written_bytes: None,
        descriptors: Some(47),
        threads: (0..12).map(thread).collect(),
        children: vec![ProcessDetails {
            process: Some(child),
            ..ProcessDetails::default()
        }],
        children_total: Some(1),
        command_cut: false,
        unanswered_ms: None,
        process: Some(process),
    }
}

pub(crate) fn journal() -> Journal {
    let entry = |index: u64| {
        JournalEntry {
        unix_us: 1_777_883_520_000_000 - index * 61_000_000,
        priority: Some([6, 6, 4, 6, 3][(index % 5) as usize]),
        message: match index % 5 {
            2 => "slow query: 1804 ms for SELECT * FROM measurements WHERE station = $1 ORDER BY taken_at DESC LIMIT 500".to_owned(),
            4 => "upstream closed the connection while reading the response header".to_owned(),
            _ => format!("GET /api/stations/{index} 200 12 ms"),
        },
        unit: Some("app.service".to_owned()),
        ..JournalEntry::default()
    }
    };
    Journal {
        time: None,
        entries: (0..40).map(entry).collect(),
        truncated: true,
        notice: None,
    }
}
