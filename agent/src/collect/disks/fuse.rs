//! Sizes of FUSE file systems, asked by another process.
//!
//! A request that a FUSE server has read and does not answer cannot be broken off, not even by SIGKILL: a process
//! that has a thread in it is not gone before the server is, and keeps its sockets. So `stat(1)` asks, which is left
//! behind when the agent ends.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ask::{Found, Sizes};

/// Whether a file system of this type, as `mountinfo` has it, is FUSE.
pub(super) fn is_fuse(file_system: &str) -> bool {
    matches!(file_system, "fuse" | "fuseblk") || file_system.starts_with("fuse.")
}

/// Asks for the size of what is mounted at `path`.
///
/// # Errors
/// Where stat(1) cannot be run, or has no answer.
pub(super) fn ask(path: &Path) -> io::Result<Found> {
    // A file has no such entry.
    let directory = path.join(".");
    let output = Command::new("stat")
        .args(["-f", "-c", "%S %b %f %a %c", "--"].map(OsStr::new))
        .arg(directory)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()?;
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

/// Reads `stat -f -c '%S %b %f %a %c'`: block size, all blocks, free ones, those free for others than root, files.
fn parse(answer: &str) -> Option<Sizes> {
    let mut numbers = answer.split_whitespace().map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    let (block, all, free, available) = (next()?, next()?, next()?, next()?);
    Some(Sizes::of_blocks(block, all, free, available, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_apart() {
        for fuse in ["fuse", "fuse.sshfs", "fuseblk"] {
            assert!(is_fuse(fuse), "{fuse}");
        }
        for other in ["ext4", "fusectl", "nfs4"] {
            assert!(!is_fuse(other), "{other}");
        }
    }

    #[test]
    fn another_process_gives_the_same_sizes() {
        let Found::Sizes(sizes) = ask(Path::new("/")).unwrap() else {
            panic!("a directory is taken for a file");
        };
        let own = rustix::fs::statvfs("/").unwrap();
        assert_eq!(sizes.total_bytes, own.f_blocks * own.f_frsize);
        assert_eq!(sizes.files, own.f_files);
        assert!(sizes.used_bytes > 0);
    }

    #[test]
    fn a_file_is_no_disk_and_nothing_is_an_error() {
        assert!(matches!(ask(Path::new("/etc/passwd")), Ok(Found::File)));
        let error = ask(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.contains("No such file"), "{error}");
    }

    #[test]
    fn a_strange_answer_is_none() {
        for answer in ["", "1 2 3 4", "1 2 3 4 x"] {
            assert_eq!(parse(answer), None, "{answer:?}");
        }
        let sizes = parse("10 100 30 20 7\n").unwrap();
        assert_eq!((sizes.total_bytes, sizes.used_bytes), (1000, 700));
        assert_eq!((sizes.available_bytes, sizes.files), (200, 7));
    }
}
