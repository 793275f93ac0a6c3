//! One pass over `/proc`, and what is kept from one to the next.

use std::collections::HashMap;
use std::time::Duration;

use socktop_proto::{Error, model::ProcessState};

use super::facts::Facts;
use super::meter::{CpuClock, Mark, Timer, kernel_clock, ticks_ns};
use super::proc_fs::ProcFs;
use crate::collect::Root;

/// How long a row may be kept of a process that does not run.
pub(super) const TURN: Duration = Duration::from_secs(16);

/// What is opened with the first reading.
pub(in crate::collect) struct Reader {
    /// The processes.
    pub(in crate::collect) proc: ProcFs,
    /// `None`: CPU time comes from `stat`, which is then read every time.
    pub(in crate::collect) cpu_clock: Option<CpuClock>,
}

/// A process and when it was read.
#[derive(Default)]
pub(in crate::collect) struct Entry {
    pub(in crate::collect) facts: Facts,
    /// The number of the scan that saw it last.
    pub(super) scan: u64,
    cpu_ns: u64,
    read_at: Duration,
}

impl Reader {
    /// Opens `proc` below the root.
    ///
    /// # Errors
    /// When there is no such folder or it may not be read.
    pub(in crate::collect) fn open(root: &Root) -> Result<Self, Error> {
        let proc = ProcFs::open(root)?;
        let cpu_clock = kernel_clock(&proc);
        Ok(Self { proc, cpu_clock })
    }

    /// Reads a process's counter and, if it may have changed, the process. `None` when it is gone.
    pub(in crate::collect) fn visit(
        &mut self,
        pid: u32,
        entry: &mut Entry,
        timer: &mut Timer<'_>,
    ) -> Option<Mark> {
        let mut counted = None;
        if let Some(cpu_clock) = &self.cpu_clock {
            let (at, cpu_ns) = timer.read(|| cpu_clock(pid))?;
            if entry.is_as_before(pid, at, cpu_ns) {
                return Some(entry.mark(pid, at));
            }
            counted = Some((at, cpu_ns));
        }
        entry.facts.read(&mut self.proc, pid).ok()?;
        let after = timer.resume();
        let (at, cpu_ns) = counted.unwrap_or_else(|| {
            let cpu_ns = entry.facts.figures.as_ref().map_or(0, ticks_ns);
            (after, cpu_ns)
        });
        entry.cpu_ns = cpu_ns;
        entry.read_at = at;
        Some(entry.mark(pid, at))
    }

    /// Reads the processes whose parent has ended once more, for the new parent.
    pub(super) fn revisit_orphans(&mut self, entries: &mut HashMap<u32, Entry>) {
        let is_orphan = |entry: &Entry| {
            let Some(figures) = entry.facts.figures else {
                return false;
            };
            let lives = |parent: &Entry| {
                // A parent is older; a younger process has got a dead one's pid.
                !parent.facts.has_ended()
                    && parent.facts.started_ticks() <= Some(figures.started_ticks)
            };
            figures.parent != 0 && !entries.get(&figures.parent).is_some_and(lives)
        };
        let orphans: Vec<u32> = entries
            .iter()
            .filter(|(_, entry)| is_orphan(entry))
            .map(|(&pid, _)| pid)
            .collect();
        for pid in orphans {
            if let Some(entry) = entries.get_mut(&pid) {
                // One that is gone by now stays in this sample as it was.
                let _ = entry.facts.read(&mut self.proc, pid);
            }
        }
    }
}

impl Entry {
    /// Whether the process is as it was when it was last read, and need not be read now.
    fn is_as_before(&self, pid: u32, at: Duration, cpu_ns: u64) -> bool {
        // A clock at 0 would not tell a new process from an old one with the same pid. One that is
        // on a CPU has a clock that stands still until the next tick.
        let has_not_run = cpu_ns == self.cpu_ns && cpu_ns != 0;
        let figures = self.facts.figures;
        has_not_run
            && figures.is_some_and(|figures| figures.state != ProcessState::Running)
            && self.read_at >= turn(pid, at)
    }

    fn mark(&self, pid: u32, at: Duration) -> Mark {
        Mark {
            pid,
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
