//! A process's threads and children.

use std::io;

use socktop_proto::model::{Process, Thread};
use socktop_proto::{Error, ErrorCode};

use super::super::processes::{Folder, ProcFs, Stat, is_gone, lossy};
use super::THREADS;
use super::details::microseconds;
use super::slices::Slices;

/// Room for more than 100,000 children.
const CHILDREN_BYTES: usize = 1024 * 1024;

/// The error for a pid without a process.
pub(super) fn not_found(pid: u32) -> Error {
    let message = format!(
        "process {pid} not found: it has ended or there never was one; choose one from the list of processes"
    );
    Error::new(ErrorCode::NotFound, message)
}

/// Whether the number is a process's. `/proc` opens for a thread's too, though it does not list it:
/// `proc_pid_status(5)` says whose thread it is.
pub(super) fn check_is_process(proc: &mut ProcFs, folder: &Folder, pid: u32) -> Result<(), Error> {
    let status = proc
        .read_in(folder, "status")
        .map_err(|error| failure(pid, &error))?;
    match thread_group(status) {
        Some(process) if process != pid => Err(Error::new(
            ErrorCode::NotFound,
            format!(
                "process {pid} not found: {pid} is a thread of process {process}; ask for that"
            ),
        )),
        _ => Ok(()),
    }
}

pub(super) fn failure(pid: u32, error: &io::Error) -> Error {
    if is_gone(error) {
        not_found(pid)
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        let message = format!(
            "cannot read process {pid}: {error}; /proc is mounted with hidepid, give the agent the group of its gid= option or CAP_SYS_PTRACE"
        );
        Error::new(ErrorCode::PermissionDenied, message)
    } else {
        let message = format!("cannot read process {pid}: {error}; try again");
        Error::new(ErrorCode::Unavailable, message)
    }
}

fn thread_group(status: &[u8]) -> Option<u32> {
    status
        .split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(b"Tgid:"))
        .and_then(|id| std::str::from_utf8(id).ok()?.trim().parse().ok())
}

/// The pids of a process's direct children, ascending, whichever of its threads started them:
/// `proc_tid_children(5)`; or where the kernel has no such file, or there are more threads than are described,
/// everyone's parent.
pub(super) async fn children(
    proc: &mut ProcFs,
    folder: &Folder,
    pid: u32,
    slices: &mut Slices,
) -> Vec<u32> {
    let threads = folder.numbers("task").unwrap_or_default();
    let mut children = Vec::new();
    let mut is_listed = false;
    if threads.len() <= THREADS {
        for thread in threads {
            let file = format!("task/{thread}/children");
            if let Ok(list) = folder.read_long(&file, CHILDREN_BYTES) {
                is_listed = true;
                let list = String::from_utf8_lossy(&list);
                let pids = list.split_ascii_whitespace();
                children.extend(pids.filter_map(|pid| pid.parse::<u32>().ok()));
            }
            slices.step().await;
        }
    }
    if !is_listed {
        let mut all = Vec::new();
        // No error says more than an empty list: the process itself was just read.
        let _ = proc.pids(&mut all);
        for other in all {
            if parent(proc, other) == Some(pid) {
                children.push(other);
            }
            slices.step().await;
        }
    }
    children.sort_unstable();
    // Those of a thread that ended meanwhile have gone to another one.
    children.dedup();
    children
}

fn parent(proc: &mut ProcFs, pid: u32) -> Option<u32> {
    Some(Stat::parse(proc.read(pid, "stat").ok()?)?.figures.parent)
}

/// The threads of a process that have the lowest ids, the first one under the process's name.
pub(super) async fn threads(
    proc: &mut ProcFs,
    folder: &Folder,
    process: &Process,
    slices: &mut Slices,
) -> Vec<Thread> {
    let mut ids = folder.numbers("task").unwrap_or_default();
    ids.truncate(THREADS);
    let mut threads = Vec::with_capacity(ids.len());
    for tid in ids {
        let stat = proc.read_in(folder, &format!("task/{tid}/stat"));
        if let Some(stat) = stat.ok().and_then(Stat::parse) {
            let mut thread = Thread {
                tid,
                name: lossy(stat.comm),
                cpu_user_us: Some(microseconds(stat.figures.user_ticks)),
                cpu_system_us: Some(microseconds(stat.figures.system_ticks)),
                ..Thread::default()
            };
            thread.set_state(stat.figures.state);
            if tid == process.pid {
                thread.name.clone_from(&process.name);
            }
            threads.push(thread);
        }
        slices.step().await;
    }
    threads
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thread_group_is_read_from_status() {
        assert_eq!(
            thread_group(b"Name:\tTgid:\t9\nTgid:\t42\nNgid:\t0\n"),
            Some(42)
        );
        assert_eq!(thread_group(b"Tgid:\t-1\n"), None);
        assert_eq!(thread_group(b"Name:\tx\n"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(status in proptest::collection::vec(any::<u8>(), 0..200)) {
            thread_group(&status);
        }
    }
}
