//! Reading `/proc/PID`: one open folder, one path and two buffers, reused for every process.

use std::fmt::Write as _;
use std::io;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, SeekFrom};
use socktop_proto::{Error, ErrorCode};

use crate::collect::Root;

/// Room for the names of some 600 processes a system call.
const ENTRIES_BYTES: usize = 16 * 1024;

/// Holds `stat`, `statm`, `status` and `io` whole.
const TEXT_BYTES: usize = 4 * 1024;

/// `f_type` of procfs, `statfs(2)`.
const PROC_SUPER_MAGIC: u64 = 0x9fa0;

/// The `proc` folder of a root.
#[derive(Debug)]
pub(in crate::collect) struct ProcFs {
    dir: OwnedFd,
    is_procfs: bool,
    path: String,
    text: Vec<u8>,
    entries: Vec<u8>,
}

/// The owner of a process, from its folder: `proc_pid(5)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::collect) struct Owner {
    /// Effective user id. The folder shows it for a non-dumpable process too; files in it do not.
    pub(in crate::collect) uid: u32,
    /// Effective group id.
    pub(in crate::collect) gid: u32,
}

impl From<rustix::fs::Stat> for Owner {
    fn from(stat: rustix::fs::Stat) -> Self {
        Self {
            uid: stat.st_uid,
            gid: stat.st_gid,
        }
    }
}

impl ProcFs {
    /// Opens `proc` below the root.
    ///
    /// # Errors
    /// When there is no such folder or it may not be read.
    pub(in crate::collect) fn open(root: &Root) -> Result<Self, Error> {
        let path = root.path("proc");
        let dir = open_dir(CWD, &path).map_err(|error| unreadable(root, error))?;
        Ok(Self {
            is_procfs: is_procfs(&dir),
            dir,
            path: String::new(),
            text: vec![0; TEXT_BYTES],
            entries: Vec::with_capacity(ENTRIES_BYTES),
        })
    }

    /// The folder itself.
    pub(in crate::collect) fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    /// Whether it is the kernel's, not a fixture.
    pub(in crate::collect) fn is_procfs(&self) -> bool {
        self.is_procfs
    }

    /// Puts the pids of all visible processes into `pids`, ascending.
    pub(in crate::collect) fn pids(&mut self, pids: &mut Vec<u32>) -> io::Result<()> {
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

    /// The names in a folder of a process that are numbers, ascending: threads in `task`,
    /// descriptors in `fd`.
    pub(in crate::collect) fn numbers(&mut self, pid: u32, folder: &str) -> io::Result<Vec<u32>> {
        let dir = open_dir(&self.dir, locate(&mut self.path, pid, folder))?;
        let mut numbers = Vec::new();
        let mut entries = RawDir::new(&dir, self.entries.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            numbers.extend(number(entry?.file_name().to_bytes()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Reads a file of a process, at most its first 4 KiB.
    pub(in crate::collect) fn read(&mut self, pid: u32, file: &str) -> io::Result<&[u8]> {
        let fd = open_file(&self.dir, locate(&mut self.path, pid, file))?;
        let count = rustix::io::retry_on_intr(|| rustix::io::read(&fd, &mut *self.text))?;
        Ok(self.text.get(..count).unwrap_or_default())
    }

    /// The folder of a process, to be asked for its owner, and `stat` in it.
    pub(super) fn open_stat(&mut self, pid: u32) -> io::Result<(OwnedFd, OwnedFd)> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = locate(&mut self.path, pid, "");
        let folder = rustix::fs::openat(&self.dir, path, flags, Mode::empty())?;
        let stat = open_file(&folder, "stat")?;
        Ok((folder, stat))
    }

    /// Reads an open file of a process from its beginning, at most its first 4 KiB.
    pub(super) fn read_again(&mut self, file: &OwnedFd) -> io::Result<&[u8]> {
        let count = rustix::io::retry_on_intr(|| rustix::io::pread(file, &mut *self.text, 0))?;
        Ok(self.text.get(..count).unwrap_or_default())
    }

    /// Reads a file of a process that may be long, at most its first `limit` bytes.
    pub(in crate::collect) fn read_long(
        &mut self,
        pid: u32,
        file: &str,
        limit: usize,
    ) -> io::Result<Vec<u8>> {
        use io::Read as _;
        let fd = open_file(&self.dir, locate(&mut self.path, pid, file))?;
        let mut text = Vec::new();
        std::fs::File::from(fd)
            .take(u64::try_from(limit).unwrap_or(u64::MAX))
            .read_to_end(&mut text)?;
        Ok(text)
    }

    /// Where a link of a process leads, such as `exe`.
    pub(in crate::collect) fn link(&mut self, pid: u32, link: &str) -> io::Result<Vec<u8>> {
        let path = locate(&mut self.path, pid, link);
        Ok(rustix::fs::readlinkat(&self.dir, path, Vec::new())?.into_bytes())
    }

    /// Who runs a process.
    pub(in crate::collect) fn owner(&mut self, pid: u32) -> io::Result<Owner> {
        let path = locate(&mut self.path, pid, "");
        Ok(rustix::fs::statat(&self.dir, path, AtFlags::empty())?.into())
    }

    /// How many files a process has open: `fd`, `proc_pid_fd(5)`.
    pub(in crate::collect) fn descriptors(&mut self, pid: u32) -> io::Result<u32> {
        if self.is_procfs {
            // Since Linux 6.2 the folder's size is the number, 0 before.
            let path = locate(&mut self.path, pid, "fd");
            let size = rustix::fs::statat(&self.dir, path, AtFlags::empty())?.st_size;
            if let Some(count) = u32::try_from(size).ok().filter(|&count| count > 0) {
                return Ok(count);
            }
        }
        let count = self.numbers(pid, "fd")?.len();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

/// Whether a file is of the kernel's procfs: not a fixture, nor one that stands in its place.
pub(super) fn is_procfs(file: impl AsFd) -> bool {
    rustix::fs::fstatfs(file).is_ok_and(|stat| u64::try_from(stat.f_type) == Ok(PROC_SUPER_MAGIC))
}

/// The error of a root whose processes cannot be listed.
pub(in crate::collect) fn unreadable(root: &Root, error: impl Into<io::Error>) -> Error {
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
pub(in crate::collect) fn is_gone(error: &io::Error) -> bool {
    let gone = [rustix::io::Errno::NOENT, rustix::io::Errno::SRCH];
    rustix::io::Errno::from_io_error(error).is_some_and(|errno| gone.contains(&errno))
}

fn locate<'a>(path: &'a mut String, pid: u32, file: &str) -> &'a str {
    path.clear();
    // Writing to a String does not fail.
    let _ = write!(path, "{pid}/{file}");
    path
}

fn open_dir(at: impl AsFd, path: impl rustix::path::Arg) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(at, path, flags, Mode::empty())
}

fn open_file(at: impl AsFd, path: &str) -> rustix::io::Result<OwnedFd> {
    // A fixture may hold a fifo by mistake; procfs ignores the flag.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    rustix::fs::openat(at, path, flags, Mode::empty())
}

fn number(name: &[u8]) -> Option<u32> {
    name.first()?.is_ascii_digit().then_some(())?;
    std::str::from_utf8(name).ok()?.parse().ok()
}
