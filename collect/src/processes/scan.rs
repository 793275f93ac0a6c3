//! One scan of `/proc`, and the state kept from one to the next.

use std::io;
use std::time::Duration;

use socktop_proto::Error;
use socktop_proto::model::ProcessState;

use super::folder::Folder;
use super::proc_fs::{ProcFs, is_gone};
use crate::Root;
use crate::processes::cpu_time::{CpuClock, CpuReading, Timer, kernel_clock, ticks_ns};
use crate::processes::fd_cache::{Budget, FdPolicy};
use crate::processes::record::ProcessRecord;

/// How long a row may be kept of a process that does not run. What is shown of it can meanwhile be old by what the
/// kernel has reclaimed of its memory; to read a process costs several times what its clock does.
pub(super) const TURN: Duration = Duration::from_mins(1);

/// What is opened with the first reading.
pub(crate) struct Reader {
    /// The processes.
    pub(crate) proc: ProcFs,
    /// `None`: CPU time comes from `stat`, which is then read every time.
    pub(crate) cpu_clock: Option<CpuClock>,
    /// For the files of those that run all the time.
    pub(super) budget: Budget,
}

/// A process and when it was read.
pub(crate) struct Entry {
    pub(super) pid: u32,
    pub(crate) facts: ProcessRecord,
    habit: FdPolicy,
    cpu_ns: u64,
    read_at: Duration,
}

impl Reader {
    /// Opens `proc` below the root.
    ///
    /// # Errors
    /// When there is no such folder or it may not be read.
    pub(crate) fn open(root: &Root) -> Result<Self, Error> {
        let proc = ProcFs::open(root)?;
        let cpu_clock = kernel_clock(&proc);
        Ok(Self {
            proc,
            cpu_clock,
            budget: Budget::default(),
        })
    }

    /// Reads a process's counter and, if it may have changed, the process. `None` when it is gone.
    ///
    /// `no_births_since`: since when it is known that no process was created.
    pub(crate) fn visit(
        &mut self,
        entry: &mut Entry,
        timer: &mut Timer<'_>,
        no_births_since: Option<Duration>,
    ) -> Option<CpuReading> {
        let pid = entry.pid;
        if let (true, Some(cpu_clock)) = (entry.is_known(), &self.cpu_clock) {
            let (at, cpu_ns) = timer.read(|| cpu_clock(pid))?;
            if entry.is_as_before(at, cpu_ns, no_births_since) {
                entry.habit.rested();
                return Some(entry.mark(at));
            }
            if cpu_ns != entry.cpu_ns {
                entry.habit.ran(&self.proc, pid, &self.budget);
            }
            let before = entry.facts.started_ticks();
            match entry.read(&mut self.proc) {
                Err(error) if is_gone(&error) => return None,
                Err(_) => return Some(entry.unreadable(timer)),
                Ok(()) => timer.resume(),
            };
            if entry.facts.started_ticks() == before {
                return Some(entry.counted(at, cpu_ns));
            }
            // Another process has the pid, and whose clock it was is not known.
        }
        let folder = self.proc.folder(pid);
        match folder {
            Ok(folder) => self.visit_anew(&folder, entry, timer),
            Err(error) if is_gone(&error) => None,
            Err(_) => Some(entry.unreadable(timer)),
        }
    }

    /// Reads a process of which nothing is known, and its counter: the one whose folder it is, for that is read last.
    /// `None` when it is gone.
    pub(crate) fn visit_anew(
        &mut self,
        folder: &Folder,
        entry: &mut Entry,
        timer: &mut Timer<'_>,
    ) -> Option<CpuReading> {
        let pid = entry.pid;
        let counted = match &self.cpu_clock {
            Some(cpu_clock) => Some(timer.read(|| cpu_clock(pid))?),
            None => None,
        };
        entry.habit.forget();
        entry.facts.read(&mut self.proc, folder, None).ok()?;
        let after = timer.resume();
        let (at, cpu_ns) = counted.unwrap_or_else(|| {
            let cpu_ns = entry.facts.figures.as_ref().map_or(0, ticks_ns);
            (after, cpu_ns)
        });
        Some(entry.counted(at, cpu_ns))
    }

    /// Reads the processes whose parent has ended once more, for the new parent.
    pub(super) fn revisit_orphans(&mut self, entries: &mut [Entry]) {
        for index in 0..entries.len() {
            if entries
                .get(index)
                .is_some_and(|entry| is_orphan(entry, entries))
                && let Some(entry) = entries.get_mut(index)
            {
                // One that is gone by now stays in this sample as it was.
                let _ = entry.read(&mut self.proc);
            }
        }
    }
}

/// Leaves the entries of `pids`, of those known as they are. Both ascend. Whether there were others.
pub(super) fn follow(entries: &mut Vec<Entry>, pids: &[u32]) -> bool {
    let known = entries.len();
    let mut pids = pids.iter().copied().peekable();
    let mut new = Vec::new();
    entries.retain(|entry| {
        while let Some(pid) = pids.next_if(|&pid| pid < entry.pid) {
            new.push(Entry::new(pid));
        }
        pids.next_if_eq(&entry.pid).is_some()
    });
    let someone_ended = entries.len() < known;
    new.extend(pids.map(Entry::new));
    if !new.is_empty() {
        entries.append(&mut new);
        // Mostly they are the last already.
        entries.sort_by_key(|entry| entry.pid);
    }
    someone_ended
}

/// Whether the parent of one of the entries has ended.
fn is_orphan(child: &Entry, entries: &[Entry]) -> bool {
    let Some(figures) = child.facts.figures.filter(|figures| figures.parent != 0) else {
        return false;
    };
    let parent = entries
        .binary_search_by_key(&figures.parent, |entry| entry.pid)
        .ok()
        .and_then(|index| entries.get(index));
    parent.is_none_or(|parent| {
        // A parent is older; a younger process has got a dead one's pid.
        let is_younger = parent.facts.started_ticks() > Some(figures.started_ticks);
        parent.facts.has_ended() || is_younger
    })
}

impl Entry {
    /// Of a process that has not been read.
    pub(crate) fn new(pid: u32) -> Self {
        Self {
            pid,
            facts: ProcessRecord::default(),
            habit: FdPolicy::default(),
            cpu_ns: 0,
            read_at: Duration::ZERO,
        }
    }

    /// Whether it has been read before.
    pub(super) fn is_known(&self) -> bool {
        !self.read_at.is_zero()
    }

    /// Reads the process anew.
    fn read(&mut self, proc: &mut ProcFs) -> io::Result<()> {
        if let Some(kept) = self.habit.open_files() {
            let (folder, stat) = kept.files();
            if self.facts.read(proc, folder, Some(stat)).is_ok() {
                return Ok(());
            }
            // Another process may have got its pid.
            self.habit.forget();
        }
        let folder = proc.folder(self.pid)?;
        self.facts.read(proc, &folder, None)
    }

    /// Remembers its counter, read at a time.
    fn counted(&mut self, at: Duration, cpu_ns: u64) -> CpuReading {
        self.cpu_ns = cpu_ns;
        self.read_at = at;
        self.mark(at)
    }

    /// It is there, but cannot be read now: the agent is out of descriptors, say. Nothing is known of it.
    fn unreadable(&mut self, timer: &mut Timer<'_>) -> CpuReading {
        self.facts = ProcessRecord::default();
        self.counted(timer.resume(), 0)
    }

    /// What changes when a process ends or another gets its pid.
    pub(super) fn identity_and_end(&self) -> (Option<u64>, bool) {
        (self.facts.started_ticks(), self.facts.has_ended())
    }

    /// Whether the process itself was read with this counter.
    pub(super) fn was_read(&self, mark: &CpuReading) -> bool {
        self.read_at == mark.at
    }

    /// Whether the process is as it was when it was last read, and need not be read now.
    fn is_as_before(&self, at: Duration, cpu_ns: u64, no_births_since: Option<Duration>) -> bool {
        // A clock at 0, which many kernel threads have for ever, does not distinguish a new process from an old one with the
        // same pid. One that is on a CPU has a clock that stands still until the next tick.
        let has_not_run = cpu_ns == self.cpu_ns;
        let is_the_same = cpu_ns != 0 || no_births_since.is_some_and(|since| self.read_at >= since);
        let figures = self.facts.figures;
        has_not_run
            && is_the_same
            && figures.is_some_and(|figures| figures.state != ProcessState::Running)
            && self.read_at >= turn(self.pid, at)
    }

    fn mark(&self, at: Duration) -> CpuReading {
        CpuReading {
            pid: self.pid,
            started_ticks: self.facts.started_ticks(),
            at,
            cpu_ns: self.cpu_ns,
        }
    }
}

/// When it was last this pid's turn: everyone's comes once in [`TURN`], one after the other.
fn turn(pid: u32, now: Duration) -> Duration {
    let seconds = TURN.as_secs();
    let phase = u64::from(pid) % seconds;
    let since = (now.as_secs() + seconds - phase) % seconds;
    Duration::from_secs(now.as_secs().saturating_sub(since))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(pids: &[u32]) -> Vec<Entry> {
        let known = |&pid: &u32| Entry {
            cpu_ns: 1,
            ..Entry::new(pid)
        };
        pids.iter().map(known).collect()
    }

    proptest! {
        #[test]
        fn entries_match_the_pid_list(
            old in proptest::collection::btree_set(0..50_u32, 0..30),
            new in proptest::collection::btree_set(0..50_u32, 0..30),
        ) {
            let [old, new] = [old, new].map(Vec::from_iter);
            let mut entries = entries(&old);
            let someone_ended = follow(&mut entries, &new);
            prop_assert_eq!(someone_ended, old.iter().any(|pid| !new.contains(pid)));
            let pids: Vec<_> = entries.iter().map(|entry| entry.pid).collect();
            prop_assert_eq!(&pids, &new);
            for entry in entries {
                prop_assert_eq!(entry.cpu_ns == 1, old.contains(&entry.pid));
            }
        }
    }
}
