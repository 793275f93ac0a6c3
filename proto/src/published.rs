//! The shapes that the published programs (socktop 1.60) put on the wire, and how the model maps to
//! them: shared by the [`text`](crate::text) and [`json`](crate::json) dialects.
//!
//! These shapes require numbers that the model may not know. Where a required number is unknown the
//! whole reply becomes an error: a reader of these dialects cannot tell a made-up 0 from a real one.

#![allow(missing_docs, clippy::pedantic)] // The fields are described in wire documents and by their names.

use prost::Message;
use serde::{Deserialize, Serialize};

use crate::model::{self, ErrorCode, ProcessState, SampleTime};

/// `ProcessList` and `Process` of `processes.proto`.
pub mod processes {
    include!(concat!(env!("OUT_DIR"), "/_.rs"));
}

/// The reply to anything that went wrong.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErrorReply {
    pub error: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The request's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Metrics {
    #[serde(default)]
    pub sampled_at_ms: Option<u64>,
    pub cpu_total: f32,
    pub cpu_per_core: Vec<f32>,
    pub mem_total: u64,
    pub mem_used: u64,
    pub swap_total: u64,
    pub swap_used: u64,
    pub hostname: String,
    #[serde(default)]
    pub cpu_temp_c: Option<f32>,
    // Neither list was ever filled in this reply, and the published client insists on both.
    #[serde(default)]
    pub disks: Vec<Disk>,
    pub networks: Vec<Network>,
    #[serde(default)]
    pub top_processes: Vec<serde_json::Value>,
    #[serde(default)]
    pub gpus: Option<Vec<Gpu>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Network {
    pub name: String,
    pub received: u64,
    pub transmitted: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Gpu {
    pub name: Option<String>,
    #[serde(rename = "utilization_gpu_pct", alias = "utilization", default)]
    pub usage: Option<f32>,
    #[serde(rename = "mem_used_bytes", alias = "mem_used", default)]
    pub memory_used: Option<u64>,
    #[serde(rename = "mem_total_bytes", alias = "mem_total", default)]
    pub memory_total: Option<u64>,
    #[serde(rename = "temp_c", alias = "temp", default)]
    pub temperature: Option<f32>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Disk {
    pub name: String,
    pub total: u64,
    pub available: u64,
    #[serde(default)]
    pub temperature: Option<f32>,
    #[serde(default)]
    pub is_partition: bool,
    // Ours alone; the published programs ignore keys they do not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_point: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_system: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ProcessReply {
    pub process: ProcessDetails,
    /// Seconds since the Unix epoch.
    pub cached_at: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ProcessDetails {
    pub pid: u32,
    pub name: String,
    pub command: String,
    pub cpu_usage: f32,
    pub mem_bytes: u64,
    pub virtual_mem_bytes: u64,
    pub shared_mem_bytes: Option<u64>,
    pub thread_count: u32,
    pub fd_count: Option<u32>,
    pub status: String,
    pub parent_pid: Option<u32>,
    pub user_id: u32,
    pub group_id: u32,
    /// Seconds since the Unix epoch.
    pub start_time: u64,
    /// Microseconds.
    pub cpu_time_user: u64,
    /// Microseconds.
    pub cpu_time_system: u64,
    pub read_bytes: Option<u64>,
    pub write_bytes: Option<u64>,
    pub working_directory: Option<String>,
    pub executable_path: Option<String>,
    pub child_processes: Vec<ProcessDetails>,
    pub threads: Vec<Thread>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Thread {
    pub tid: u32,
    pub name: String,
    /// Microseconds.
    pub cpu_time_user: u64,
    /// Microseconds.
    pub cpu_time_system: u64,
    pub status: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Journal {
    pub entries: Vec<JournalEntry>,
    pub total_count: u32,
    pub truncated: bool,
    #[serde(default)]
    pub notice: Option<String>,
    /// Seconds since the Unix epoch.
    pub cached_at: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct JournalEntry {
    /// RFC 3339.
    pub timestamp: String,
    #[serde(default)]
    pub timestamp_us: Option<u64>,
    pub priority: String,
    pub message: String,
    pub unit: Option<String>,
    pub pid: Option<u32>,
    pub comm: Option<String>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
}

/// Names of the journal's priorities, 0 to 7.
const PRIORITIES: [&str; 8] = [
    "Emergency",
    "Alert",
    "Critical",
    "Error",
    "Warning",
    "Notice",
    "Info",
    "Debug",
];

/// Process states by the published agent's name, and by the other name that it gives some of them in
/// the details of a process but not in its lists of threads and children.
const STATES: [(ProcessState, &str, &str); 9] = [
    (ProcessState::Unspecified, "Unknown", "Unknown"),
    (ProcessState::Running, "Running", "Run"),
    (ProcessState::Sleeping, "Sleeping", "Sleep"),
    (
        ProcessState::DiskSleep,
        "Disk Sleep",
        "UninterruptibleDiskSleep",
    ),
    (ProcessState::Stopped, "Stopped", "Stop"),
    (ProcessState::Traced, "Tracing Stop", "Tracing"),
    (ProcessState::Zombie, "Zombie", "Zombie"),
    (ProcessState::Dead, "Dead", "Dead"),
    (ProcessState::Idle, "Idle", "Idle"),
];

fn state_name(state: ProcessState) -> String {
    STATES
        .iter()
        .find(|(known, ..)| *known == state)
        .map_or("Unknown", |(_, name, _)| name)
        .to_owned()
}

fn state_of_name(name: &str) -> ProcessState {
    STATES
        .iter()
        .find(|(_, one, other)| *one == name || *other == name)
        .map_or(ProcessState::Unspecified, |(state, ..)| *state)
}

fn required<T>(value: Option<T>, what: &str) -> Result<T, model::Error> {
    value.ok_or_else(|| {
        model::Error::new(
            ErrorCode::Unavailable,
            format!("{what} is unknown on this host, and this dialect cannot say so"),
        )
    })
}

fn unix_ms(time: Option<SampleTime>) -> u64 {
    time.map_or(0, |time| time.unix_ms)
}

impl TryFrom<&model::Metrics> for Metrics {
    type Error = model::Error;

    fn try_from(metrics: &model::Metrics) -> Result<Self, model::Error> {
        let cpu = required(metrics.cpu.as_ref(), "CPU usage")?;
        let memory = required(metrics.memory, "memory")?;
        let swap = required(metrics.swap, "swap")?;
        let mem_total = required(memory.total_bytes, "memory size")?;
        let swap_total = required(swap.total_bytes, "swap size")?;
        Ok(Self {
            sampled_at_ms: Some(unix_ms(metrics.time)),
            cpu_total: required(cpu.total_percent, "CPU usage")?,
            cpu_per_core: cpu.cores.iter().map(|core| core.percent).collect(),
            mem_total,
            // The published client panics where more is used than there is.
            mem_used: required(memory.used_bytes, "memory use")?.min(mem_total),
            swap_total,
            swap_used: required(swap.used_bytes, "swap use")?.min(swap_total),
            hostname: metrics.hostname.clone(),
            cpu_temp_c: cpu.temperature_celsius,
            disks: Vec::new(),
            networks: metrics
                .interfaces
                .iter()
                .map(|interface| Network {
                    name: interface.name.clone(),
                    received: interface.received_bytes,
                    transmitted: interface.transmitted_bytes,
                })
                .collect(),
            top_processes: Vec::new(),
            gpus: (!metrics.gpus.is_empty()).then(|| metrics.gpus.iter().map(Gpu::from).collect()),
        })
    }
}

impl From<Metrics> for model::Metrics {
    fn from(metrics: Metrics) -> Self {
        let cores = metrics.cpu_per_core.iter().zip(0..);
        Self {
            time: metrics.sampled_at_ms.map(|unix_ms| SampleTime {
                unix_ms,
                boot_ms: None,
            }),
            hostname: metrics.hostname,
            cpu: Some(model::Cpu {
                total_percent: Some(metrics.cpu_total),
                cores: cores
                    .map(|(&percent, index)| model::Core { index, percent })
                    .collect(),
                window_ms: None,
                temperature_celsius: metrics.cpu_temp_c,
            }),
            memory: Some(model::Memory {
                total_bytes: Some(metrics.mem_total),
                used_bytes: Some(metrics.mem_used),
                available_bytes: metrics.mem_total.checked_sub(metrics.mem_used),
                cache_bytes: None,
            }),
            swap: Some(model::Swap {
                total_bytes: Some(metrics.swap_total),
                used_bytes: Some(metrics.swap_used),
            }),
            load: None,
            interfaces: metrics
                .networks
                .into_iter()
                .map(|network| model::Interface {
                    name: network.name,
                    received_bytes: network.received,
                    transmitted_bytes: network.transmitted,
                })
                .collect(),
            gpus: metrics
                .gpus
                .into_iter()
                .flatten()
                .map(model::Gpu::from)
                .collect(),
        }
    }
}

impl From<&model::Gpu> for Gpu {
    fn from(gpu: &model::Gpu) -> Self {
        // The published client panics at a GPU without memory and at one that uses more than it has.
        let memory_total = gpu.memory_total_bytes.filter(|&total| total > 0);
        Self {
            name: Some(gpu.name.clone()),
            usage: gpu.usage_percent,
            memory_used: memory_total
                .and_then(|total| gpu.memory_used_bytes.map(|used| used.min(total))),
            memory_total,
            temperature: gpu.temperature_celsius,
        }
    }
}

impl From<Gpu> for model::Gpu {
    fn from(gpu: Gpu) -> Self {
        Self {
            name: gpu.name.unwrap_or_default(),
            usage_percent: gpu.usage,
            memory_used_bytes: gpu.memory_used,
            memory_total_bytes: gpu.memory_total,
            temperature_celsius: gpu.temperature,
        }
    }
}

/// The disks whose sizes are known: these shapes have no way to name the others.
#[must_use]
pub fn disks(disks: &model::Disks) -> Vec<Disk> {
    disks
        .disks
        .iter()
        .filter_map(|disk| {
            Some(Disk {
                name: disk
                    .name
                    .strip_prefix("/dev/")
                    .unwrap_or(&disk.name)
                    .to_owned(),
                total: disk.total_bytes?,
                available: disk.available_bytes?,
                temperature: None,
                is_partition: false,
                mount_point: disk.mount_point.clone(),
                file_system: disk.file_system.clone(),
                used: disk.used_bytes,
            })
        })
        .collect()
}

/// The model of a list of disks.
#[must_use]
pub fn disks_model(disks: Vec<Disk>) -> model::Disks {
    model::Disks {
        time: None,
        disks: disks
            .into_iter()
            .map(|disk| model::Disk {
                name: disk.name,
                mount_point: disk.mount_point,
                file_system: disk.file_system,
                total_bytes: Some(disk.total),
                used_bytes: disk.used,
                available_bytes: Some(disk.available),
                state: model::DiskState::Ok.into(),
                read_only: None,
            })
            .collect(),
    }
}

/// Encodes a process list as `processes.proto` has it. Its format knows no "unknown": such a
/// number is left out, which readers see as 0.
#[must_use]
pub fn encode_processes(list: &model::Processes) -> Vec<u8> {
    processes::ProcessList {
        process_count: list.total,
        processes: list
            .processes
            .iter()
            .map(|process| processes::Process {
                pid: process.pid,
                name: process.name.clone(),
                cpu_usage: process.cpu_percent.unwrap_or_default(),
                mem_bytes: process.resident_bytes.unwrap_or_default(),
            })
            .collect(),
    }
    .encode_to_vec()
}

/// Decodes a process list.
///
/// # Errors
/// Where `data` is not a `ProcessList`.
pub fn decode_processes(data: &[u8]) -> Result<model::Processes, prost::DecodeError> {
    let list = processes::ProcessList::decode(data)?;
    Ok(model::Processes {
        time: None,
        processes: list
            .processes
            .into_iter()
            .map(|process| model::Process {
                pid: process.pid,
                name: process.name,
                cpu_percent: Some(process.cpu_usage),
                resident_bytes: Some(process.mem_bytes),
                ..model::Process::default()
            })
            .collect(),
        total: list.process_count,
        window_ms: None,
    })
}

impl TryFrom<&model::ProcessDetails> for ProcessDetails {
    type Error = model::Error;

    fn try_from(details: &model::ProcessDetails) -> Result<Self, model::Error> {
        let process = required(details.process.as_ref(), "the process")?;
        let command = if details.command.is_empty() {
            format!("[{}]", process.name)
        } else {
            details.command.join(" ")
        };
        Ok(Self {
            pid: process.pid,
            name: process.name.clone(),
            command,
            cpu_usage: process.cpu_percent.unwrap_or_default(),
            mem_bytes: required(process.resident_bytes, "resident memory")?,
            virtual_mem_bytes: required(details.virtual_bytes, "virtual memory")?,
            shared_mem_bytes: details.shared_bytes,
            thread_count: required(process.threads, "the number of threads")?,
            fd_count: details.descriptors,
            status: state_name(process.state()),
            parent_pid: process.parent_pid.filter(|&pid| pid != 0),
            user_id: required(process.user_id, "the user")?,
            group_id: required(details.group_id, "the group")?,
            start_time: required(details.started_unix_ms, "the start time")? / 1000,
            cpu_time_user: required(details.cpu_user_us, "CPU time")?,
            cpu_time_system: required(details.cpu_system_us, "CPU time")?,
            read_bytes: details.disk_read_bytes,
            write_bytes: details.disk_written_bytes,
            working_directory: details.working_directory.clone(),
            executable_path: details.executable.clone(),
            // A child that ended while it was read has no numbers any more.
            child_processes: details
                .children
                .iter()
                .filter_map(|child| Self::try_from(child).ok())
                .collect(),
            threads: details
                .threads
                .iter()
                .map(|thread| Thread {
                    tid: thread.tid,
                    name: thread.name.clone(),
                    cpu_time_user: thread.cpu_user_us.unwrap_or_default(),
                    cpu_time_system: thread.cpu_system_us.unwrap_or_default(),
                    status: state_name(thread.state()),
                })
                .collect(),
        })
    }
}

impl From<ProcessDetails> for model::ProcessDetails {
    fn from(details: ProcessDetails) -> Self {
        Self {
            time: None,
            process: Some(model::Process {
                pid: details.pid,
                parent_pid: details.parent_pid,
                user_id: Some(details.user_id),
                user: String::new(),
                name: details.name,
                state: state_of_name(&details.status).into(),
                // The published agent's count leaves the first thread out; its list does not, and is
                // empty where the threads were not read.
                threads: u32::try_from(details.threads.len())
                    .ok()
                    .filter(|&count| count > 0),
                // It gives CPU in shares of a core here: the process list tells it truly.
                cpu_percent: None,
                resident_bytes: Some(details.mem_bytes),
                started_boot_ms: None,
            }),
            group_id: Some(details.group_id),
            command: vec![details.command],
            executable: details.executable_path,
            working_directory: details.working_directory,
            virtual_bytes: Some(details.virtual_mem_bytes),
            shared_bytes: details.shared_mem_bytes,
            started_unix_ms: details.start_time.checked_mul(1000),
            cpu_user_us: Some(details.cpu_time_user),
            cpu_system_us: Some(details.cpu_time_system),
            // What the published agent calls disk I/O is all I/O, pipes and sockets included.
            disk_read_bytes: None,
            disk_written_bytes: None,
            descriptors: details.fd_count,
            threads: details
                .threads
                .into_iter()
                .map(|thread| model::Thread {
                    tid: thread.tid,
                    name: thread.name,
                    state: state_of_name(&thread.status).into(),
                    cpu_user_us: Some(thread.cpu_time_user),
                    cpu_system_us: Some(thread.cpu_time_system),
                })
                .collect(),
            children: details
                .child_processes
                .into_iter()
                .map(Self::from)
                .collect(),
        }
    }
}

impl TryFrom<&model::ProcessDetails> for ProcessReply {
    type Error = model::Error;

    fn try_from(details: &model::ProcessDetails) -> Result<Self, model::Error> {
        Ok(Self {
            process: details.try_into()?,
            cached_at: unix_ms(details.time) / 1000,
        })
    }
}

impl From<&model::Journal> for Journal {
    fn from(journal: &model::Journal) -> Self {
        Self {
            entries: journal.entries.iter().map(JournalEntry::from).collect(),
            total_count: u32::try_from(journal.entries.len()).unwrap_or(u32::MAX),
            truncated: journal.truncated,
            notice: journal.notice.clone(),
            cached_at: unix_ms(journal.time) / 1000,
        }
    }
}

impl From<Journal> for model::Journal {
    fn from(journal: Journal) -> Self {
        Self {
            time: None,
            entries: journal
                .entries
                .into_iter()
                .map(model::JournalEntry::from)
                .collect(),
            truncated: journal.truncated,
            notice: journal.notice,
        }
    }
}

impl From<&model::JournalEntry> for JournalEntry {
    fn from(entry: &model::JournalEntry) -> Self {
        let timestamp = i64::try_from(entry.unix_us)
            .ok()
            .and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
            .unwrap_or_default();
        let priority = entry
            .priority
            .and_then(|level| PRIORITIES.get(level as usize));
        Self {
            timestamp: timestamp.to_string(),
            timestamp_us: Some(entry.unix_us),
            // journald's own default for lines without one.
            priority: (*priority.unwrap_or(&"Info")).to_owned(),
            message: entry.message.clone(),
            unit: entry.unit.clone(),
            pid: entry.pid,
            comm: entry.command.clone(),
            uid: entry.user_id,
            gid: entry.group_id,
        }
    }
}

impl From<JournalEntry> for model::JournalEntry {
    fn from(entry: JournalEntry) -> Self {
        let parsed = || {
            let timestamp: jiff::Timestamp = entry.timestamp.parse().ok()?;
            u64::try_from(timestamp.as_microsecond()).ok()
        };
        Self {
            unix_us: entry.timestamp_us.or_else(parsed).unwrap_or_default(),
            priority: PRIORITIES
                .iter()
                .zip(0..)
                .find(|(name, _)| **name == entry.priority)
                .map(|(_, level)| level),
            message: entry.message,
            unit: entry.unit,
            pid: entry.pid,
            command: entry.comm,
            user_id: entry.uid,
            group_id: entry.gid,
        }
    }
}
