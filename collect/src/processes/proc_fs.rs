//! Reading `/proc/PID`: one open folder, one path and two buffers, reused for every process.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, RawDir, SeekFrom};
use socktop_proto::{Error, ErrorCode};

use super::folder::{Folder, number, open_dir, open_file};
use crate::Root;

/// Room for the names of some 600 processes a system call.
const ENTRIES_BYTES: usize = 16 * 1024;

/// Holds `stat`, `statm`, `status` and `io` whole.
const TEXT_BYTES: usize = 4 * 1024;

/// `f_type` of procfs, `statfs(2)`.
const PROC_SUPER_MAGIC: u64 = 0x9fa0;

/// The `proc` folder of a root.
#[derive(Debug)]
pub(crate) struct ProcFs {
    dir: Arc<OwnedFd>,
    is_procfs: bool,
    path: String,
    text: Vec<u8>,
    entries: Vec<u8>,
}

impl ProcFs {
    /// Opens `proc` below the root.
    ///
    /// # Errors
    /// When there is no such folder or it may not be read.
    pub(crate) fn open(root: &Root) -> Result<Self, Error> {
        let path = root.path("proc");
        let dir = open_dir(CWD, &path).map_err(|error| unreadable(root, error))?;
        Ok(Self {
            is_procfs: is_procfs(&dir),
            dir: Arc::new(dir),
            path: String::new(),
            text: vec![0; TEXT_BYTES],
            entries: Vec::with_capacity(ENTRIES_BYTES),
        })
    }

    /// The folder itself.
    pub(crate) fn dir(&self) -> &Arc<OwnedFd> {
        &self.dir
    }

    /// Whether it is the kernel's, not a fixture.
    pub(crate) fn is_procfs(&self) -> bool {
        self.is_procfs
    }

    /// Puts the pids of all visible processes into `pids`, ascending.
    pub(crate) fn pids(&mut self, pids: &mut Vec<u32>) -> io::Result<()> {
        rustix::fs::seek(&self.dir, SeekFrom::Start(0))?;
        pids.clear();
        let mut entries = RawDir::new(&self.dir, self.entries.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            pids.extend(number(entry?.file_name().to_bytes()));
        }
        // The kernel lists them in this order; other file systems, which hold fixtures, do not.
        if !pids.is_sorted() {
            pids.sort_unstable();
        }
        Ok(())
    }

    /// Reads a file of a process, at most its first 4 KiB.
    pub(crate) fn read(&mut self, pid: u32, file: &str) -> io::Result<&[u8]> {
        let fd = open_file(&self.dir, locate(&mut self.path, pid, file))?;
        let count = rustix::io::retry_on_intr(|| rustix::io::read(&fd, &mut *self.text))?;
        Ok(self.text.get(..count).unwrap_or_default())
    }

    /// Opens the folder of a process.
    ///
    /// # Errors
    /// When there is no such process, or it is hidden.
    pub(crate) fn folder(&self, pid: u32) -> io::Result<Folder> {
        Folder::open(&self.dir, pid)
    }

    /// Reads a file in the folder of a process, at most its first 4 KiB.
    pub(crate) fn read_in(&mut self, folder: &Folder, file: &str) -> io::Result<&[u8]> {
        folder.read(file, &mut self.text)
    }

    /// Reads an open file of a process from its beginning, at most its first 4 KiB.
    pub(super) fn read_again(&mut self, file: &OwnedFd) -> io::Result<&[u8]> {
        let count = rustix::io::retry_on_intr(|| rustix::io::pread(file, &mut *self.text, 0))?;
        Ok(self.text.get(..count).unwrap_or_default())
    }

    /// Whether processes of others are hidden from the agent, by those it sees, ascending: the first process is always
    /// there, and it is hidden (`proc(5)`, `hidepid`) with all that the agent may not trace.
    pub(super) fn hides_others(&self, pids: &[u32]) -> bool {
        self.is_procfs && pids.first() != Some(&1)
    }
}

/// Whether a file is of the kernel's procfs: not a fixture, nor one that stands in its place.
pub(super) fn is_procfs(file: impl AsFd) -> bool {
    rustix::fs::fstatfs(file).is_ok_and(|stat| u64::try_from(stat.f_type) == Ok(PROC_SUPER_MAGIC))
}

/// The error of a root whose processes cannot be listed.
pub(crate) fn unreadable(root: &Root, error: impl Into<io::Error>) -> Error {
    let error = error.into();
    let code = if error.kind() == io::ErrorKind::PermissionDenied {
        ErrorCode::PermissionDenied
    } else {
        ErrorCode::Unavailable
    };
    let path = root.path("proc");
    Error::new(
        code,
        format!(
            "cannot list the processes in {}: {error}; check that procfs is mounted there and that the agent may read it",
            path.display()
        ),
    )
}

/// Whether an error says that the process has ended.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    let gone = [rustix::io::Errno::NOENT, rustix::io::Errno::SRCH];
    rustix::io::Errno::from_io_error(error).is_some_and(|errno| gone.contains(&errno))
}

fn locate<'a>(path: &'a mut String, pid: u32, file: &str) -> &'a str {
    path.clear();
    // Writing to a String does not fail.
    let _ = write!(path, "{pid}/{file}");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_without_pid_1_is_mounted_with_hidepid() {
        let live = ProcFs::open(&Root::default()).unwrap();
        assert!(!live.hides_others(&[1, 7]));
        assert!(live.hides_others(&[7, 8]));
        // A fixture need not have one.
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("proc")).unwrap();
        let fixture = ProcFs::open(&Root::new(folder.path())).unwrap();
        assert!(!fixture.hides_others(&[7, 8]));
    }
}
