//! CPU time, memory and context switches of a process, as the kernel counts them.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::time::{ClockId, clock_gettime};

/// CPU time so far of all threads of a process, ended ones included. `None` when there is no such process.
///
/// It is `clock_getcpuclockid(3)`, whose clock id is part of the kernel's interface
/// (`include/linux/posix-timers_types.h`): glibc's function would check the process with a second call.
#[must_use]
pub fn cpu_clock(pid: u32) -> Option<Duration> {
    const CPUCLOCK_SCHED: i32 = 2;
    let pid = i32::try_from(pid).ok()?;
    let clock = ClockId::from_raw(!pid << 3 | CPUCLOCK_SCHED);
    Some(Duration::from(clock_gettime(clock).ok()?))
}

/// CPU time so far of all threads of a process, ended ones included.
///
/// # Errors
/// When there is no such process.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    cpu_clock(pid).with_context(|| format!("process {pid} has ended, or never was"))
}

/// Resident memory, kB: `proc_pid_status(5)`.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// All of it.
    pub resident_kb: u64,
    /// Of which no file holds the same bytes: what the kernel cannot drop.
    pub anonymous_kb: u64,
}

/// A process's resident memory.
///
/// # Errors
/// When there is no such process.
pub fn memory(pid: u32) -> Result<Memory> {
    let status = read(pid, "status")?;
    Ok(Memory {
        resident_kb: field(&status, "VmRSS:")?,
        anonymous_kb: field(&status, "RssAnon:")?,
    })
}

/// How often a process's threads have been taken off a CPU: each time but the last they were put on one, that is
/// woken. `proc_pid_status(5)`, of each thread.
///
/// # Errors
/// When there is no such process.
pub fn switches(pid: u32) -> Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = match fs::read_to_string(thread?.path().join("status")) {
            // It has ended since the list was read.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            status => status?,
        };
        sum += field(&status, "voluntary_ctxt_switches:")?;
        sum += field(&status, "nonvoluntary_ctxt_switches:")?;
    }
    Ok(sum)
}

/// How many processes there are.
///
/// # Errors
/// When `/proc` cannot be listed.
pub fn count() -> Result<usize> {
    let is_pid = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let entries = fs::read_dir("/proc")?.flatten();
    Ok(entries
        .filter(|entry| entry.file_name().to_str().is_some_and(is_pid))
        .count())
}

fn read(pid: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{pid}/{file}");
    fs::read_to_string(&path).with_context(|| format!("reading {path}"))
}

fn field(status: &str, name: &str) -> Result<u64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("no {name} in a status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_and_memory_of_this_process_are_read() {
        let pid = std::process::id();
        let before = cpu_time(pid).unwrap();
        while cpu_time(pid).unwrap() == before {}
        let memory = memory(pid).unwrap();
        assert!(memory.anonymous_kb > 0 && memory.resident_kb > memory.anonymous_kb);
        switches(pid).unwrap();
        assert!(count().unwrap() > 0);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let status = "voluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t5\n";
        assert_eq!(field(status, "nonvoluntary_ctxt_switches:").unwrap(), 5);
        assert_eq!(field(status, "voluntary_ctxt_switches:").unwrap(), 7);
    }
}
