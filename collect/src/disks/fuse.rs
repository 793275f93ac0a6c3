//! Sizes of FUSE file systems, read by a helper process that can be killed when it hangs.
//!
//! A request that a FUSE server has read and does not answer cannot be broken off, not even by SIGKILL: a process
//! that has a thread in it is not gone before the server is, and keeps its sockets. So `stat(1)` asks. One that has no
//! answer after [`PATIENCE`] is killed, which ends it where the server has not read the request; the others are left
//! behind when the agent ends. A thread waits for each, so that none becomes a zombie.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::mountinfo::Line;
use super::sizes::{Blocks, Found, Sizes};
use crate::parse::number;

/// How long stat(1) may take. Much longer than a sample waits for it: so often a server that is dead is asked again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a file system of this type, as `mountinfo` has it, is FUSE.
pub(super) fn is_fuse(file_system: &str) -> bool {
    matches!(file_system, "fuse" | "fuseblk") || file_system.starts_with("fuse.")
}

/// The user without root who runs the server of a FUSE file system.
pub(super) fn user(mount: &Line<'_>) -> Option<u32> {
    is_fuse(mount.file_system())
        .then(|| number(mount.option("user_id")?))
        .flatten()
        .filter(|&user| user != 0)
}

/// Asks for the size of the file system whose root was opened with `O_PATH`.
///
/// # Errors
/// Where stat(1) cannot be run, or has no answer.
pub(super) fn ask(place: OwnedFd) -> io::Result<Found> {
    let mut command = Command::new("stat");
    command
        .args(["-f", "-c", "%S %b %f %a %c", "--"].map(OsStr::new))
        // What was opened, whatever is mounted over its path meanwhile. A file has no such entry.
        .arg("/proc/self/fd/0/.")
        .env("LC_ALL", "C")
        .stdin(Stdio::from(place));
    let output = run(command, PATIENCE)?;
    if output.status.success() {
        return parse(&String::from_utf8_lossy(&output.stdout))
            .map(Found::Sizes)
            .ok_or_else(|| io::Error::other("stat -f has an answer that cannot be read"));
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    if complaint.contains("Not a directory") {
        return Ok(Found::File);
    }
    Err(io::Error::other(complaint.trim().to_owned()))
}

/// Runs a command to its end, and kills it where it has said nothing for `patience`.
fn run(mut command: Command, patience: Duration) -> io::Result<Output> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // The command holds what it was given to read.
    drop(command);
    if !wait_for_output(&child, patience) {
        child.kill()?;
    }
    child.wait_with_output()
}

/// Waits until a process says something, or ends.
fn wait_for_output(child: &Child, patience: Duration) -> bool {
    let Some(stdout) = &child.stdout else {
        return true;
    };
    let mut wanted = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN)];
    let Ok(patience) = Timespec::try_from(patience) else {
        return true;
    };
    // The signals that the agent expects come to another thread.
    !matches!(poll(&mut wanted, Some(&patience)), Ok(0))
}

/// Reads `stat -f -c '%S %b %f %a %c'`: block size, all blocks, free ones, those free for others than root, files.
fn parse(answer: &str) -> Option<Sizes> {
    let mut numbers = answer.split_whitespace().map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    Some(Sizes::of(Blocks {
        block_bytes: next()?,
        total: next()?,
        free: next()?,
        available: next()?,
        files: next()?,
    }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use rustix::fs::{Mode, OFlags, open};

    use super::super::mountinfo;
    use super::*;

    fn opened(path: &str) -> OwnedFd {
        open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
    }

    #[test]
    fn fuse_types_are_recognized() {
        for fuse in ["fuse", "fuse.sshfs", "fuseblk"] {
            assert!(is_fuse(fuse), "{fuse}");
        }
        for other in ["ext4", "fusectl", "nfs4"] {
            assert!(!is_fuse(other), "{other}");
        }
    }

    #[test]
    fn user_of_a_fuse_server_is_found_unless_root() {
        let mounts = b"1 0 0:50 / /a rw - fuse.sshfs box:/ rw,user_id=1000,group_id=1000\n\
            2 0 0:51 / /b rw - fuse.mergerfs pool rw,user_id=0,group_id=0,allow_other\n\
            3 0 0:52 / /c rw - xfs /dev/sda rw,user_id=7\n";
        let users: Vec<_> = mountinfo::parse(mounts).map(|line| user(&line)).collect();
        assert_eq!(users, [Some(1000), None, None]);
    }

    #[test]
    fn helper_process_returns_the_same_sizes() {
        let Found::Sizes(sizes) = ask(opened("/")).unwrap() else {
            panic!("a directory is taken for a file");
        };
        let own = rustix::fs::statvfs("/").unwrap();
        assert_eq!(sizes.total_bytes, Some(own.f_blocks * own.f_frsize));
        assert_eq!(sizes.files, own.f_files);
        assert!(sizes.used_bytes > Some(0));
    }

    #[test]
    fn regular_file_is_not_a_disk() {
        assert!(matches!(ask(opened("/etc/passwd")), Ok(Found::File)));
    }

    #[test]
    fn silent_helper_process_is_killed_and_reaped() {
        let mut command = Command::new("sleep");
        command.arg("1000").stdin(Stdio::null());
        let output = run(command, Duration::from_millis(10)).unwrap();
        // A child with an exit status has been reaped.
        assert_eq!(output.status.signal(), Some(9));
    }

    #[test]
    fn malformed_helper_answer_is_none() {
        for answer in ["", "1 2 3 4", "1 2 3 4 x"] {
            assert_eq!(parse(answer), None, "{answer:?}");
        }
        let sizes = parse("10 100 30 20 7\n").unwrap();
        assert_eq!(
            (sizes.total_bytes, sizes.used_bytes),
            (Some(1000), Some(700))
        );
        assert_eq!((sizes.available_bytes, sizes.files), (Some(200), 7));
    }
}
