//! The process list, from `/proc/PID`: reads as little as accuracy allows, and only files whose reads cannot hang.
//!
//! A scan lists the pids, where processes may have been created since the last one (`new_pids`), and reads
//! each one's CPU-time clock. A process whose clock stands still has not run, so it has done nothing: its
//! row is kept. The others' `stat` is read; the files of processes that have just run stay open (`fd_cache`). The clock
//! comes first, always: what happens between the two readings moves it, and the next scan sees that.
//!
//! Some things change without the process running. Its parent dies: children of a process that ended
//! are read again in the same scan. Its pages are reclaimed, its priority is set, it is woken but has
//! to wait for a CPU: every process is read again in turn, once in [`scan::TURN`].
//!
//! The owner comes from the folder `/proc/PID`, whose owner is the effective user (as top(1) and ps(1)
//! show) of non-dumpable processes too. It is read with `stat`: only the process itself can change it.

mod cpu_time;
#[cfg(test)]
pub(crate) mod fake;
mod fd_cache;
mod folder;
mod name;
mod new_pids;
mod proc_fs;
mod record;
mod scan;
mod stat;
#[cfg(test)]
mod tests;

use socktop_proto::percent::cut;
use socktop_proto::{Error, model};

use super::online_cpus::OnlineCpus;
use super::users::Users;
use super::{Collected, MIN_WINDOW, Now, Reading, Root, Window};
pub(crate) use cpu_time::{CpuReading, CpuReadings, Timer, percent, percents, ticks};
pub(crate) use folder::Folder;
pub(crate) use name::lossy;
use new_pids::{NewPids, last_pid};
use proc_fs::unreadable;
pub(crate) use proc_fs::{ProcFs, is_gone};
pub(crate) use record::ProcessRecord;
pub(crate) use scan::{Entry, Reader};
pub(crate) use stat::Stat;

/// What all shares add up to at most, less than 100 for the rounding of sums of `f32`.
const MOST_PERCENT: f64 = 99.999;

/// Lists of fewer than this keep their memory.
const SHRINKS_FROM: usize = 256;

/// Collects the list of all processes.
pub struct ProcessesCollector {
    root: Root,
    users: Users,
    cpus: OnlineCpus,
    /// Opened with the first scan.
    reader: Option<(Reader, NewPids)>,
    /// Ascending by pid.
    entries: Vec<Entry>,
    /// Those there were when they were last listed.
    pids: Vec<u32>,
    /// Rows of a list that is no longer used.
    rows: Vec<model::Process>,
    /// Whether `/proc` hid others when it was last listed.
    others_hidden: bool,
    window: Window<CpuReadings>,
}

impl ProcessesCollector {
    /// A collector that has read nothing yet.
    #[must_use]
    pub fn new(root: Root) -> Self {
        Self {
            users: Users::new(root.clone()),
            cpus: OnlineCpus::new(&root),
            root,
            reader: None,
            entries: Vec::new(),
            pids: Vec::new(),
            rows: Vec::new(),
            others_hidden: false,
            window: Window::default(),
        }
    }

    /// Takes back a list that is not needed any more. The next one is made of it, so that no memory is asked for, and
    /// given back, for each process.
    pub fn recycle(&mut self, list: model::Processes) {
        self.rows = list.processes;
    }

    /// Reads all processes, ascending by pid, and what share of the machine each has had since a
    /// moment at least [`MIN_WINDOW`] ago, when all were read before. Where there is no such moment
    /// it reads them for the next time and says when that may be.
    ///
    /// A process that may not be read, or whose share is not known yet, has fields that are unknown.
    /// The shares add up to 100 at most. `time` is the beginning of the scan.
    ///
    /// # Errors
    /// When `/proc` cannot be opened or listed, or lists no process, not even the agent.
    pub fn collect(
        &mut self,
        clock: &dyn Fn() -> Now,
    ) -> Result<Collected<model::Processes>, Error> {
        let now = clock();
        let wait = self.window.wait(now.boot).unwrap_or_default();
        if self.window.baseline(now.boot).is_none() && !wait.is_zero() {
            return Ok(Collected::Wait(wait));
        }
        self.users.refresh(now.boot);
        let marks = self.scan(now, clock)?;
        self.users.ask();
        let cpus = self.cpus.count();
        let mut rows = std::mem::take(&mut self.rows);
        rows.truncate(marks.len());
        shrink(&mut rows, marks.len());
        let sample = self.window.baseline(now.boot).map(|baseline| {
            let (entries, users) = (&self.entries, &mut self.users);
            let (processes, window_ms) = list(now, &marks, entries, users, baseline, cpus, rows);
            model::Processes {
                time: Some(now.sample_time()),
                total: u32::try_from(processes.len()).unwrap_or(u32::MAX),
                processes,
                window_ms,
                others_hidden: self.others_hidden,
            }
        });
        self.window.record(now.boot, marks);
        Ok(sample.map_or(Collected::Wait(MIN_WINDOW), Collected::Ready))
    }

    /// Brings the entries up to date and reads everyone's counter.
    fn scan(&mut self, now: Now, clock: &dyn Fn() -> Now) -> Result<CpuReadings, Error> {
        let (reader, births) = match &mut self.reader {
            Some(opened) => opened,
            none => none.insert(open(&self.root)?),
        };
        let no_births_since = births.none_since(now.boot);
        let mut someone_ended = false;
        if !births.list_stands(now.boot) {
            reader
                .proc
                .pids(&mut self.pids)
                .map_err(|error| unreadable(&self.root, error))?;
            if self.pids.is_empty() {
                let error = std::io::Error::other("the folder lists none");
                return Err(unreadable(&self.root, error));
            }
            births.listed(now.boot);
            self.others_hidden = reader.proc.hides_others(&self.pids);
            someone_ended = scan::follow(&mut self.entries, &self.pids);
        }
        let mut marks = CpuReadings::with_capacity(self.entries.len());
        let mut timer = Timer::start(clock);
        let users = &mut self.users;
        self.entries.retain_mut(|entry| {
            let before = entry.is_known().then(|| entry.identity_and_end());
            let mark = reader.visit(entry, &mut timer, no_births_since);
            let after = mark.is_some().then(|| entry.identity_and_end());
            someone_ended |= before.is_some() && before != after;
            let Some(mark) = mark else { return false };
            if let (Some(owner), true) = (entry.facts.owner, entry.was_read(&mark)) {
                users.name(owner.uid, mark.at);
            }
            marks.push(mark);
            true
        });
        shrink(&mut self.entries, marks.len());
        shrink(&mut self.pids, marks.len());
        if someone_ended {
            reader.revisit_orphans(&mut self.entries);
        }
        Ok(marks)
    }
}

/// Opens what a scan reads.
fn open(root: &Root) -> Result<(Reader, NewPids), Error> {
    let reader = Reader::open(root)?;
    // Only of the agent's own PID namespace, as the clocks, is the last pid the last of these.
    let last_pid = reader
        .cpu_clock
        .is_some()
        .then(|| last_pid(&reader.proc))
        .flatten();
    Ok((reader, NewPids::new(last_pid)))
}

/// Gives back the memory of a list that has become much shorter than it was.
fn shrink<T>(list: &mut Vec<T>, count: usize) {
    if list.capacity() / 4 > count.max(SHRINKS_FROM) {
        list.shrink_to(count * 2);
    }
}

/// The rows of `entries`, made of `rows`, and the length of the window in milliseconds.
fn list(
    now: Now,
    marks: &CpuReadings,
    entries: &[Entry],
    users: &mut Users,
    baseline: &Reading<CpuReadings>,
    cpus: Option<u32>,
    mut rows: Vec<model::Process>,
) -> (Vec<model::Process>, Option<u32>) {
    let mut sum = 0.0;
    rows.resize_with(marks.len(), model::Process::default);
    let shares = percents(marks, baseline, cpus);
    for ((row, entry), share) in rows.iter_mut().zip(entries).zip(shares) {
        sum += share.map_or(0.0, f64::from);
        let user = entry
            .facts
            .owner
            .map_or("", |owner| users.name(owner.uid, now.boot));
        entry.facts.write_to(row, entry.pid, user, share);
    }
    // Each counter is read at its own moment and may lag by a tick.
    if sum > MOST_PERCENT {
        let scale = MOST_PERCENT / sum;
        for row in &mut rows {
            let scaled = |share| cut(f64::from(share) * scale);
            row.cpu_percent = row.cpu_percent.map(scaled);
        }
    }
    let window = now.boot.saturating_sub(baseline.at).as_millis();
    (rows, u32::try_from(window).ok())
}
