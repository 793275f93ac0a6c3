//! One process in detail.

use serde::{Deserialize, Serialize};

use super::at_most::at_most;
use super::{required, unix_ms};
use crate::limits::{CHILDREN, THREADS};
use crate::model::{self, ProcessState};

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
    #[serde(deserialize_with = "at_most::<CHILDREN, _, _>")]
    pub child_processes: Vec<ProcessDetails>,
    #[serde(deserialize_with = "at_most::<THREADS, _, _>")]
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

/// Process states as the agent of 1.60 names them, and the other name that it gives some of them in
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
                // The count of 1.60's agent leaves the first thread out; its list does not, and is
                // empty where the threads were not read.
                threads: u32::try_from(details.threads.len())
                    .ok()
                    .filter(|&count| count > 0),
                // It gives CPU in shares of a core here: the process list has the right value.
                cpu_percent: None,
                resident_bytes: Some(details.mem_bytes),
                started_boot_ms: None,
                nice: None,
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
            // What the agent of 1.60 calls disk I/O is all I/O, pipes and sockets included.
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
            // It describes every child and gives whole command lines, or waits for ever.
            children_total: None,
            command_cut: false,
            unanswered_ms: None,
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
