//! What the client of socktop 1.60 requires of each JSON reply: it drops replies in which a field that is not optional
//! here is missing or null.

#![allow(dead_code)] // Being demanded is all these fields are for.

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Metrics {
    pub(crate) cpu_total: f32,
    pub(crate) cpu_per_core: Vec<f32>,
    pub(crate) mem_total: u64,
    pub(crate) mem_used: u64,
    pub(crate) swap_total: u64,
    pub(crate) swap_used: u64,
    pub(crate) hostname: String,
    sampled_at_ms: Option<u64>,
    cpu_temp_c: Option<f32>,
    disks: Vec<Disk>,
    networks: Vec<Network>,
    top_processes: Vec<Process>,
    pub(crate) gpus: Option<Vec<Gpu>>,
}

#[derive(Deserialize)]
struct Network {
    name: String,
    received: u64,
    transmitted: u64,
}

#[derive(Deserialize)]
pub(crate) struct Gpu {
    name: Option<String>,
    vendor: Option<String>,
    #[serde(
        alias = "gpu_utilization",
        alias = "gpu_util_pct",
        alias = "utilization_gpu_pct"
    )]
    utilization: Option<f32>,
    #[serde(alias = "vram_used_bytes", alias = "mem_used_bytes")]
    pub(crate) mem_used: Option<u64>,
    #[serde(alias = "vram_total_bytes", alias = "mem_total_bytes")]
    pub(crate) mem_total: Option<u64>,
    #[serde(alias = "temperature_c", alias = "temp_c")]
    temp: Option<f32>,
}

#[derive(Deserialize)]
struct Process {
    pid: u32,
    name: String,
    cpu_usage: f32,
    mem_bytes: u64,
}

#[derive(Deserialize)]
pub(crate) struct Disk {
    name: String,
    total: u64,
    available: u64,
    temperature: Option<f32>,
    #[serde(default)]
    is_partition: bool,
}

#[derive(Deserialize)]
pub(crate) struct ProcessReply {
    pub(crate) process: Details,
    cached_at: u64,
}

#[derive(Deserialize)]
pub(crate) struct Details {
    pub(crate) pid: u32,
    parent_pid: Option<u32>,
    user_id: u32,
    group_id: u32,
    name: String,
    command: String,
    executable_path: Option<String>,
    working_directory: Option<String>,
    status: String,
    start_time: u64,
    cpu_usage: f32,
    cpu_time_user: u64,
    cpu_time_system: u64,
    mem_bytes: u64,
    virtual_mem_bytes: u64,
    shared_mem_bytes: Option<u64>,
    read_bytes: Option<u64>,
    write_bytes: Option<u64>,
    fd_count: Option<u32>,
    thread_count: u32,
    threads: Vec<Thread>,
    child_processes: Vec<Details>,
}

#[derive(Deserialize)]
struct Thread {
    tid: u32,
    name: String,
    status: String,
    cpu_time_user: u64,
    cpu_time_system: u64,
}

#[derive(Deserialize)]
pub(crate) struct Journal {
    pub(crate) entries: Vec<JournalEntry>,
    total_count: u32,
    truncated: bool,
    notice: Option<String>,
    cached_at: u64,
}

#[derive(Deserialize)]
pub(crate) struct JournalEntry {
    timestamp: String,
    priority: Priority,
    message: String,
    unit: Option<String>,
    comm: Option<String>,
    pid: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
}

#[derive(Deserialize)]
enum Priority {
    Emergency,
    Alert,
    Critical,
    Error,
    Warning,
    Notice,
    Info,
    Debug,
}
