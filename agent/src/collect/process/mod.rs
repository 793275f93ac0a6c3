//! One process in detail: everything that `/proc/PID` says of it, its threads and its children.
//!
//! What the list of all processes says too means the same here and is read by the same code.

mod details;
mod kin;
mod redact;
#[cfg(test)]
mod tests;

use std::time::Duration;

use socktop_proto::{Error, model};

use super::online_cpus::OnlineCpus;
use super::processes::{Entry, Facts, Mark, Marks, Reader, Stat, Timer, percent, ticks};
use super::users::Users;
pub(crate) use redact::redact_arguments;

use super::{Collected, MIN_WINDOW, Now, Root, Window};

/// Of how many processes the CPU counters are kept: those looked at last.
const VIEWS: usize = 64;

/// Collects the details of single processes.
pub struct ProcessCollector {
    root: Root,
    users: Users,
    reader: Option<Reader>,
    /// The one looked at last stands last.
    views: Vec<View>,
}

/// A process that is looked at, and its and its children's counters.
struct View {
    pid: u32,
    started_ticks: Option<u64>,
    window: Window<Marks>,
}

/// A process just read, and its counter.
struct Seen {
    facts: Facts,
    mark: Mark,
}

impl ProcessCollector {
    /// A collector that has read nothing yet.
    #[must_use]
    pub fn new(root: Root) -> Self {
        Self {
            users: Users::new(root.clone()),
            root,
            reader: None,
            views: Vec::new(),
        }
    }

    /// Reads a process in detail, with all threads and direct children. CPU shares are taken over at
    /// least [`MIN_WINDOW`], so the first call for a process reads its counter and says when to come
    /// again. A zombie has details too, few of them known.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such process or the number is a thread's; `PERMISSION_DENIED` when
    /// `/proc` hides it (`hidepid=1`); `UNAVAILABLE` when `/proc` or the process cannot be read.
    pub fn collect(
        &mut self,
        pid: u32,
        clock: &dyn Fn() -> Now,
    ) -> Result<Collected<model::ProcessDetails>, Error> {
        let now = clock();
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(Reader::open(&self.root)?),
        };
        kin::check_is_process(&mut reader.proc, pid)?;
        let seen = Seen::read(reader, pid, clock).ok_or_else(|| kin::not_found(pid))?;
        let identity = seen.mark.started_ticks;
        let view = View::of(&mut self.views, pid, identity);
        let wait = view.window.wait(now.boot).unwrap_or_default();
        if view.window.baseline(now.boot).is_none() && !wait.is_zero() {
            return Ok(Collected::Wait(wait));
        }

        let mut family = vec![seen];
        for child in kin::children(&mut reader.proc, pid) {
            // It may have gone, or another process may have got its pid.
            let is_child = |seen: &Seen| seen.facts.parent() == Some(pid);
            family.extend(Seen::read(reader, child, clock).filter(is_child));
        }
        self.users.refresh(now.boot);
        for owner in family.iter().filter_map(|seen| seen.facts.owner) {
            self.users.name(owner.uid, now.boot);
        }
        self.users.ask();

        let sample = view.window.baseline(now.boot).map(|baseline| {
            let cpus = OnlineCpus::new(&self.root).count();
            let mut all = family.iter().map(|seen| {
                let share = cpus.and_then(|cpus| percent(&seen.mark, baseline, cpus));
                let owner = seen.facts.owner;
                let user = owner.map_or("", |owner| self.users.name(owner.uid, now.boot));
                let mut process = model::Process::default();
                seen.facts.tell(&mut process, seen.mark.pid, user, share);
                details::describe(&mut reader.proc, process, &seen.facts, now)
            });
            let mut details = all.next().unwrap_or_default();
            details.children = all.collect();
            details.threads = kin::threads(&mut reader.proc, details.process.as_ref());
            details
        });
        let again = Seen::read(reader, pid, clock);
        if again.is_none_or(|again| again.mark.started_ticks != identity) {
            // What was read after it ended is unknown, or another's.
            return Err(kin::not_found(pid));
        }

        let mut marks: Marks = family.iter().map(|seen| seen.mark).collect();
        marks.sort_unstable_by_key(|mark| mark.pid);
        view.window.record(now.boot, marks);
        Ok(sample.map_or(Collected::Wait(MIN_WINDOW), Collected::Ready))
    }

    /// When process `pid` started (`CLOCK_BOOTTIME`): `proc_pid_stat(5)` field 22. Unknown when there
    /// is no such process, or its `stat` cannot be read.
    pub fn started(&mut self, pid: u32) -> Option<Duration> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(Reader::open(&self.root).ok()?),
        };
        let line = reader.proc.read(pid, "stat").ok()?;
        Some(ticks(Stat::parse(line)?.figures.started_ticks))
    }
}

impl Seen {
    fn read(reader: &mut Reader, pid: u32, clock: &dyn Fn() -> Now) -> Option<Self> {
        let mut entry = Entry::new(pid);
        let mark = reader.visit(&mut entry, &mut Timer::start(clock), None)?;
        let facts = entry.facts;
        Some(Self { facts, mark })
    }
}

impl View {
    /// The view of a process, new if need be, moved to the end.
    fn of(views: &mut Vec<Self>, pid: u32, started_ticks: Option<u64>) -> &mut Self {
        let known = views.iter().position(|view| view.pid == pid);
        let known = known
            .map(|at| views.remove(at))
            .filter(|view| view.started_ticks == started_ticks);
        if views.len() >= VIEWS {
            views.remove(0);
        }
        views.push_mut(known.unwrap_or_else(|| Self {
            pid,
            started_ticks,
            window: Window::default(),
        }))
    }
}
