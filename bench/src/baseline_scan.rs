//! The baseline for the agent's scan: the cheapest way to read every process and its CPU time that keeps no files open.
//!
//! One pass lists `/proc`, reads everyone's CPU time, and reads `stat` of those alone that have run since the last
//! pass. It parses the numbers that a list shows and keeps them; it makes no list, knows no users and makes no
//! allowance for what changes without a process running.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, RawDir, SeekFrom};

use crate::process::cpu_clock;

/// Holds the names of some 600 processes, and a `stat`.
const BUFFER_BYTES: usize = 16 * 1024;

/// Where CPU time is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The process's clock, `clock_getcpuclockid(3)`: one call, nothing is opened.
    Clock,
    /// `/proc/PID/schedstat`, kept open.
    Schedstat,
}

/// What is kept from one pass to the next.
#[derive(Debug)]
pub struct BaselineScan {
    source: Source,
    proc: OwnedFd,
    pids: Vec<u32>,
    /// Ascending by pid.
    known: Vec<Row>,
    path: String,
    buffer: Vec<u8>,
}

/// One process.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub pid: u32,
    /// CPU time so far.
    pub cpu_ns: u64,
    /// Since the last pass.
    pub used_ns: u64,
    /// Its name, in `proc_pid_comm(5)`.
    pub name: Vec<u8>,
    /// Its state's letter.
    pub state: u8,
    /// Its parent.
    pub parent: u64,
    /// Threads.
    pub threads: u64,
    /// When it began, in clock ticks since boot.
    pub started_ticks: u64,
    /// Resident memory, in pages.
    pub resident_pages: u64,
    schedstat: Option<OwnedFd>,
}

impl BaselineScan {
    /// Opens `/proc`.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn open(source: Source) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            source,
            proc: rustix::fs::openat(CWD, "/proc", flags, Mode::empty())?,
            pids: Vec::new(),
            known: Vec::new(),
            path: String::new(),
            buffer: Vec::with_capacity(BUFFER_BYTES),
        })
    }

    /// One pass.
    ///
    /// # Errors
    /// When `/proc` cannot be listed.
    pub fn scan(&mut self) -> Result<&[Row]> {
        self.list()?;
        let mut old = std::mem::take(&mut self.known).into_iter().peekable();
        let pids = std::mem::take(&mut self.pids);
        for &pid in &pids {
            while old.next_if(|row| row.pid < pid).is_some() {}
            let row = old
                .next_if(|row| row.pid == pid)
                .unwrap_or_else(|| Row::new(pid));
            // Processes that have ended meanwhile are left out.
            if let Some(row) = self.visit(row) {
                self.known.push(row);
            }
        }
        self.pids = pids;
        Ok(&self.known)
    }

    fn list(&mut self) -> Result<()> {
        rustix::fs::seek(&self.proc, SeekFrom::Start(0))?;
        self.pids.clear();
        self.buffer.clear();
        let mut entries = RawDir::new(&self.proc, self.buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.context("listing /proc")?;
            self.pids
                .extend(number::<u32>(entry.file_name().to_bytes()));
        }
        Ok(())
    }

    fn visit(&mut self, mut row: Row) -> Option<Row> {
        let cpu_ns = match self.source {
            Source::Clock => u64::try_from(cpu_clock(row.pid)?.as_nanos()).ok()?,
            Source::Schedstat => self.schedstat(&mut row)?,
        };
        row.used_ns = cpu_ns.saturating_sub(row.cpu_ns);
        if cpu_ns == row.cpu_ns {
            return Some(row);
        }
        row.cpu_ns = cpu_ns;
        let file = self.open_file(row.pid, "stat")?;
        self.buffer.resize(BUFFER_BYTES, 0);
        let length = rustix::io::read(&file, &mut *self.buffer).ok()?;
        row.parse(self.buffer.get(..length)?)?;
        Some(row)
    }

    fn schedstat(&mut self, row: &mut Row) -> Option<u64> {
        let file = match row.schedstat.take() {
            Some(file) => file,
            None => self.open_file(row.pid, "schedstat")?,
        };
        let mut text = [0; 64];
        let length = rustix::io::pread(&file, &mut text, 0).ok()?;
        row.schedstat = Some(file);
        number(text.get(..length)?.split(|byte| *byte == b' ').next()?)
    }

    fn open_file(&mut self, pid: u32, file: &str) -> Option<OwnedFd> {
        self.path.clear();
        // Writing to a String does not fail.
        let _ = write!(self.path, "{pid}/{file}");
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.proc, self.path.as_str(), flags, Mode::empty()).ok()
    }
}

impl Row {
    fn new(pid: u32) -> Self {
        Self {
            pid,
            cpu_ns: 0,
            used_ns: 0,
            name: Vec::new(),
            state: b'?',
            parent: 0,
            threads: 0,
            started_ticks: 0,
            resident_pages: 0,
            schedstat: None,
        }
    }

    /// `proc_pid_stat(5)`.
    fn parse(&mut self, stat: &[u8]) -> Option<()> {
        let open = stat.iter().position(|byte| *byte == b'(')?;
        let close = stat.iter().rposition(|byte| *byte == b')')?;
        self.name.clear();
        self.name.extend_from_slice(stat.get(open + 1..close)?);
        let mut fields = stat.get(close + 2..)?.split(|byte| *byte == b' ');
        self.state = *fields.next()?.first()?;
        self.parent = number(fields.next()?)?;
        // From field 4 on: threads are field 20, the start is 22, resident memory 24.
        self.threads = number(fields.nth(15)?)?;
        self.started_ticks = number(fields.nth(1)?)?;
        self.resident_pages = number(fields.nth(1)?)?;
        Some(())
    }
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    text.first()?.is_ascii_digit().then_some(())?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_baseline_scans_list_this_process() {
        for source in [Source::Clock, Source::Schedstat] {
            let mut floor = BaselineScan::open(source).unwrap();
            floor.scan().unwrap();
            let own = std::process::id();
            let rows = floor.scan().unwrap();
            let row = rows.iter().find(|row| row.pid == own).unwrap();
            assert!(row.threads >= 1 && row.resident_pages > 0, "{row:?}");
            assert_eq!(row.parent, u64::from(std::os::unix::process::parent_id()));
        }
    }

    #[test]
    fn a_stat_is_parsed_from_its_last_bracket() {
        let mut row = Row::new(7);
        row.parse(b"7 (a) b) S 3 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 1234 8192 55 0 1")
            .unwrap();
        assert_eq!((row.name.as_slice(), row.state), (&b"a) b"[..], b'S'));
        assert_eq!((row.parent, row.threads), (3, 9));
        assert_eq!((row.started_ticks, row.resident_pages), (1234, 55));
    }
}
