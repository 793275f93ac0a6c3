//! Details of one process: all of `/proc/PID`, its threads and its children.
//!
//! Fields of the process list mean the same here and are read by the same code. Files whose reads may hang are read on
//! helper threads (`slow_files`); the rest is read in slices, between which others are answered (`slices`). The details
//! of a process are bounded, however many children, threads and arguments it has.

mod children;
mod details;
mod redact;
mod slices;
mod slow_files;
#[cfg(test)]
mod tests;
mod text;

use std::time::Duration;

use socktop_proto::{Error, model};
use tokio::sync::Mutex;

use super::deadline::{Call, Helpers, PROCESS_FILES};
use super::online_cpus::OnlineCpus;
use super::processes::{
    CpuReading, CpuReadings, Entry, Folder, ProcessRecord, Reader, Stat, Timer, percent, ticks,
};
use super::users::Users;
use super::{Collected, MAX_WINDOW, MIN_WINDOW, Now, Root, Window};
pub(crate) use redact::redact_arguments;
use slices::Slices;
use slow_files::{CommandLimit, Identity, SlowFiles};

/// Of how many processes the CPU counters are kept: those looked at last.
const VIEWS: usize = 64;

/// How many threads are described.
const THREADS: usize = 1024;

/// How many children are described.
const CHILDREN: usize = 256;

/// How many bytes of text the descriptions of all children may have together.
const CHILDREN_TEXT_BYTES: usize = 512 * 1024;

/// Collects the details of single processes.
pub struct ProcessCollector {
    root: Root,
    slow_files: Helpers<Identity>,
    /// One sample is made at a time: what it needs meanwhile is not needed twice.
    state: Mutex<State>,
}

/// What is kept from one sample to the next.
struct State {
    users: Users,
    reader: Option<Reader>,
    /// The one requested last is the last.
    views: Vec<View>,
}

/// A process that is looked at, and its and its children's counters.
struct View {
    pid: u32,
    started_ticks: Option<u64>,
    /// When it was looked at last.
    at: Duration,
    window: Window<CpuReadings>,
}

/// A process just read, and its counter.
struct Seen {
    facts: ProcessRecord,
    mark: CpuReading,
}

impl ProcessCollector {
    /// A collector that has read nothing yet.
    #[must_use]
    pub fn new(root: Root) -> Self {
        let state = State {
            users: Users::new(root.clone()),
            reader: None,
            views: Vec::new(),
        };
        Self {
            root,
            slow_files: Helpers::new(PROCESS_FILES),
            state: Mutex::new(state),
        }
    }

    /// Reads a process in detail, with its threads and direct children. CPU shares are taken over at
    /// least [`MIN_WINDOW`], so the first call for a process reads its counter and says when to come
    /// again. A zombie has details too, few of them known.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such process or the number is a thread's; `PERMISSION_DENIED` when
    /// `/proc` hides it (`hidepid=1`); `UNAVAILABLE` when `/proc` or the process cannot be read.
    pub async fn collect(
        &self,
        pid: u32,
        clock: &impl Fn() -> Now,
    ) -> Result<Collected<model::ProcessDetails>, Error> {
        let mut state = self.state.lock().await;
        let State {
            users,
            reader,
            views,
        } = &mut *state;
        let now = clock();
        views.retain(|view| now.boot.saturating_sub(view.at) <= MAX_WINDOW);
        let reader = match reader {
            Some(reader) => reader,
            none => none.insert(Reader::open(&self.root)?),
        };
        let folder = reader.proc.folder(pid);
        let folder = folder.map_err(|error| children::failure(pid, &error))?;
        children::check_is_process(&mut reader.proc, &folder, pid)?;
        let seen =
            Seen::read(reader, &folder, pid, clock).ok_or_else(|| children::not_found(pid))?;
        let view = View::of(views, pid, seen.mark.started_ticks, now);
        let wait = view.window.wait(now.boot).unwrap_or_default();
        let baseline = view.window.baseline(now.boot);
        if baseline.is_none() && !wait.is_zero() {
            return Ok(Collected::Wait(wait));
        }

        users.refresh(now.boot);
        let cpus = OnlineCpus::new(&self.root).count();
        let mut describe = |reader: &mut Reader, folder: &Folder, seen: &Seen| {
            let owner = seen.facts.owner;
            let user = owner.map_or("", |owner| users.name(owner.uid, now.boot));
            let baseline = baseline?;
            let share = cpus.and_then(|cpus| percent(&seen.mark, baseline, cpus));
            let mut process = model::Process::default();
            seen.facts
                .write_to(&mut process, seen.mark.pid, user, share);
            let proc = &mut reader.proc;
            Some(details::describe(proc, folder, process, &seen.facts, now))
        };
        let mut details = describe(reader, &folder, &seen);
        let mut calls = Vec::new();
        calls.push(seen.call(reader, CommandLimit::WHOLE));
        let mut marks = vec![seen.mark];
        let mut slices = Slices::default();
        let pids = children::children(&mut reader.proc, &folder, pid, &mut slices).await;
        let total = u32::try_from(pids.len()).unwrap_or(u32::MAX);
        let mut children = Vec::new();
        for child in pids.into_iter().take(CHILDREN) {
            slices.step().await;
            let Ok(folder) = reader.proc.folder(child) else {
                continue;
            };
            // It may have gone, or another process may have got its pid.
            let seen = Seen::read(reader, &folder, child, clock);
            let Some(seen) = seen.filter(|seen| seen.facts.parent() == Some(pid)) else {
                continue;
            };
            marks.push(seen.mark);
            children.extend(describe(reader, &folder, &seen));
            calls.push(seen.call(reader, CommandLimit::CHILD));
        }
        users.ask();
        if let Some(details) = &mut details {
            let process = details.process.clone().unwrap_or_default();
            details.threads =
                children::threads(&mut reader.proc, &folder, &process, &mut slices).await;
        }
        if reader.proc.read_in(&folder, "stat").is_err() {
            // What was read after it ended is unknown.
            return Err(children::not_found(pid));
        }
        marks.sort_unstable_by_key(|mark| mark.pid);
        view.window.record(now.boot, marks);

        let Some(mut details) = details else {
            return Ok(Collected::Wait(MIN_WINDOW));
        };
        let mut outcomes = self.slow_files.run(calls).await.into_iter();
        for process in std::iter::once(&mut details).chain(&mut children) {
            if let Some(outcome) = outcomes.next() {
                SlowFiles::add(outcome, process);
            }
        }
        children.truncate(fitting(&children));
        details.children = children;
        details.children_total = Some(total);
        Ok(Collected::Ready(details))
    }

    /// When a process started, `CLOCK_BOOTTIME`: of the lines of a pid in the journal, its are those since. `None` where
    /// there is no such process, or its `stat` cannot be read.
    #[must_use]
    pub fn started(&self, pid: u32) -> Option<Duration> {
        let path = self.root.path(format!("proc/{pid}/stat"));
        let line = std::fs::read(path).ok()?;
        Some(ticks(Stat::parse(&line)?.figures.started_ticks))
    }

    /// Releases what is kept from one sample to the next, unless a sample is being made.
    pub fn release(&self) {
        if let Ok(mut state) = self.state.try_lock() {
            state.views = Vec::new();
        }
    }
}

/// How many of the children have no more text than all may have.
fn fitting(children: &[model::ProcessDetails]) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let mut bytes = 0;
    let fit = children.iter().take_while(|child| {
        bytes += length(&child.executable) + length(&child.working_directory);
        bytes += child.command.iter().map(String::len).sum::<usize>();
        bytes <= CHILDREN_TEXT_BYTES
    });
    fit.count()
}

impl Seen {
    fn read(
        reader: &mut Reader,
        folder: &Folder,
        pid: u32,
        clock: &dyn Fn() -> Now,
    ) -> Option<Self> {
        let mut entry = Entry::new(pid);
        let mark = reader.visit_anew(folder, &mut entry, &mut Timer::start(clock))?;
        let facts = entry.facts;
        Some(Self { facts, mark })
    }

    /// The call that reads the files that may hang.
    fn call(&self, reader: &Reader, limit: CommandLimit) -> Call<Identity, SlowFiles> {
        // A process whose start is not known cannot be distinguished from another with its pid: nothing is read of it.
        let started_ticks = self.mark.started_ticks.unwrap_or_default();
        let user = self.facts.owner.map(|owner| owner.uid);
        slow_files::call(
            reader.proc.dir(),
            (self.mark.pid, started_ticks),
            user,
            limit,
        )
    }
}

impl View {
    /// The view of a process, new if need be, moved to the end.
    fn of(views: &mut Vec<Self>, pid: u32, started_ticks: Option<u64>, now: Now) -> &mut Self {
        let known = views.iter().position(|view| view.pid == pid);
        let known = known
            .map(|at| views.remove(at))
            .filter(|view| view.started_ticks == started_ticks);
        if views.len() >= VIEWS {
            views.remove(0);
        }
        let window = known.map(|view| view.window).unwrap_or_default();
        views.push_mut(Self {
            pid,
            started_ticks,
            at: now.boot,
            window,
        })
    }
}
