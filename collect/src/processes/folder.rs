//! The open folder of a process. Reads through it concern that process only: after its end they fail, even where its
//! pid is reused.

use std::fs::File;
use std::io::{self, Read as _};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, RawDir};

/// Room for the names of some 150 threads a system call.
const NAMES_BYTES: usize = 4 * 1024;

/// `/proc/PID`.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    /// Opens the folder of `pid` in an open `proc`.
    ///
    /// # Errors
    /// When there is no such process, or it is hidden.
    pub(crate) fn open(proc: &OwnedFd, pid: u32) -> io::Result<Self> {
        // With `hidepid=1` it can be opened so, and asked for its owner, though nothing in it can.
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = pid.to_string();
        Ok(Self(rustix::fs::openat(proc, path, flags, Mode::empty())?))
    }

    /// The user that runs the process. Read it before `stat`: of one that has ended it is root.
    ///
    /// # Errors
    /// When the process is hidden.
    pub(crate) fn owner(&self) -> io::Result<Owner> {
        Ok(rustix::fs::fstat(&self.0)?.into())
    }

    /// Opens a file, to be read more than once.
    ///
    /// # Errors
    /// When the process has ended, or the file may not be read.
    pub(super) fn file(&self, file: &str) -> io::Result<OwnedFd> {
        Ok(open_file(&self.0, file)?)
    }

    /// Reads a file into `text`, as much as fits.
    ///
    /// # Errors
    /// When the process has ended, or the file may not be read.
    pub(crate) fn read<'a>(&self, file: &str, text: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let file = open_file(&self.0, file)?;
        let count = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut *text))?;
        Ok(text.get(..count).unwrap_or_default())
    }

    /// Reads a file that may be long, at most its first `limit` bytes.
    ///
    /// # Errors
    /// When the process has ended, or the file may not be read.
    pub(crate) fn read_long(&self, file: &str, limit: usize) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        File::from(open_file(&self.0, file)?)
            .take(u64::try_from(limit).unwrap_or(u64::MAX))
            .read_to_end(&mut text)?;
        Ok(text)
    }

    /// Where a link leads, such as `exe`.
    ///
    /// # Errors
    /// When the process has ended or has no such thing, or the agent may not read it.
    pub(crate) fn link(&self, link: &str) -> io::Result<Vec<u8>> {
        Ok(rustix::fs::readlinkat(&self.0, link, Vec::new())?.into_bytes())
    }

    /// The names in a folder that are numbers, ascending: threads in `task`, descriptors in `fd`.
    ///
    /// # Errors
    /// When the process has ended, or the folder may not be read.
    pub(crate) fn numbers(&self, folder: &str) -> io::Result<Vec<u32>> {
        let folder = open_dir(&self.0, folder)?;
        let mut numbers = Vec::new();
        let mut names = Vec::with_capacity(NAMES_BYTES);
        let mut entries = RawDir::new(&folder, names.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            numbers.extend(number(entry?.file_name().to_bytes()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// How many files the process has open: `fd`, `proc_pid_fd(5)`.
    ///
    /// # Errors
    /// When the process has ended, or the agent may not read it.
    pub(crate) fn descriptors(&self, is_procfs: bool) -> io::Result<u32> {
        if is_procfs {
            // Since Linux 6.2 the folder's size is the number, 0 before.
            let size = rustix::fs::statat(&self.0, "fd", AtFlags::empty())?.st_size;
            if let Some(count) = u32::try_from(size).ok().filter(|&count| count > 0) {
                return Ok(count);
            }
        }
        let count = self.numbers("fd")?.len();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

/// The owner of a process, from its folder: `proc_pid(5)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Effective user id. The folder shows it for a non-dumpable process too; files in it do not.
    pub(crate) uid: u32,
    /// Effective group id.
    pub(crate) gid: u32,
}

impl From<rustix::fs::Stat> for Owner {
    fn from(stat: rustix::fs::Stat) -> Self {
        Self {
            uid: stat.st_uid,
            gid: stat.st_gid,
        }
    }
}

pub(super) fn open_dir(at: impl AsFd, path: impl rustix::path::Arg) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(at, path, flags, Mode::empty())
}

pub(super) fn open_file(at: impl AsFd, path: &str) -> rustix::io::Result<OwnedFd> {
    // A fixture may hold a fifo by mistake; procfs ignores the flag.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    rustix::fs::openat(at, path, flags, Mode::empty())
}

pub(super) fn number(name: &[u8]) -> Option<u32> {
    name.first()?.is_ascii_digit().then_some(())?;
    std::str::from_utf8(name).ok()?.parse().ok()
}
