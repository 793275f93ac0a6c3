//! Detects whether processes have been created since a moment, by the last pid that the kernel assigned.
//!
//! Listing `/proc` costs more than reading all CPU-time clocks. Pids are assigned in turn, so while the last one is the
//! same, no process has been created: the known pids are complete, and those that have ended are noticed by their
//! clocks. It also means that no pid was reused.
//!
//! The kernel gives a process its pid a moment before the process can be seen. So a list is taken to be complete
//! only where no pid was assigned in the time [`SETTLED`] before it. It is also made anew once in
//! [`TURN`], for what this does not detect: a pid chosen when a process is restored
//! (`clone3(2)` `set_tid`), and processes that `hidepid` hides or shows since they have changed their user.

use std::time::Duration;

use rustix::fd::AsFd as _;
use rustix::fs::{Mode, OFlags};

use super::proc_fs::{ProcFs, is_procfs};
use super::scan::TURN;
use crate::parse::{number, words};

/// How long before a list the last pid must have been given. To create a process takes the kernel microseconds.
pub(super) const SETTLED: Duration = Duration::from_millis(250);

/// The line is some 30 bytes long, and its numbers have bounds.
const LINE_BYTES: usize = 128;

/// Reads the pid given last.
pub(crate) type LastPid = Box<dyn Fn() -> Option<u32> + Send>;

/// Field 5 of `proc_loadavg(5)`, if it counts the processes in `proc`, which must be those of the agent's own PID
/// namespace.
///
/// Some containers have another file in its place (lxcfs), and some kernels that are none show a constant, so it is
/// tried: a thread has a pid, too.
pub(crate) fn last_pid(proc: &ProcFs) -> Option<LastPid> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(proc.dir(), "loadavg", flags, Mode::empty()).ok()?;
    if !is_procfs(&file) {
        return None;
    }
    let last_pid = move || {
        let mut line = [0; LINE_BYTES];
        let length = rustix::io::pread(file.as_fd(), &mut line, 0).ok()?;
        number::<u32>(words(line.get(..length)?).nth(4)?)
    };
    let before = last_pid()?;
    let thread = std::thread::Builder::new().spawn(|| ()).ok()?;
    thread.join().ok()?;
    (last_pid()? != before).then(|| Box::new(last_pid) as LastPid)
}

/// Watches the pid given last.
pub(super) struct NewPids {
    last_pid: Option<LastPid>,
    /// The last one, and when it was first seen.
    seen: Option<(u32, Duration)>,
    /// When processes were listed.
    listed_at: Option<Duration>,
}

impl NewPids {
    /// Watches by `last_pid`; without it, new processes are not detected.
    pub(super) fn new(last_pid: Option<LastPid>) -> Self {
        Self {
            last_pid,
            seen: None,
            listed_at: None,
        }
    }

    /// Since when no process has been created.
    pub(super) fn none_since(&mut self, now: Duration) -> Option<Duration> {
        let last = self.last_pid.as_ref().and_then(|last_pid| last_pid());
        self.seen = match (last, self.seen) {
            (Some(last), Some((known, since))) if last == known => Some((known, since)),
            (last, _) => last.map(|last| (last, now)),
        };
        self.seen.map(|(_, since)| since)
    }

    /// Whether a list made now would be the last one without those that have ended.
    pub(super) fn list_stands(&self, now: Duration) -> bool {
        let Some(((_, since), listed_at)) = self.seen.zip(self.listed_at) else {
            return false;
        };
        listed_at >= since + SETTLED && now.saturating_sub(listed_at) < TURN
    }

    /// Remembers that processes were listed after [`none_since`](Self::none_since) was asked at `now`.
    pub(super) fn listed(&mut self, now: Duration) {
        self.listed_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Root;

    #[test]
    fn last_pid_changes_when_a_process_is_created() {
        let proc = ProcFs::open(&Root::default()).unwrap();
        let last_pid = last_pid(&proc).expect("a procfs of this PID namespace");
        let before = last_pid().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        // Others may be created meanwhile, but hardly as many as there are pids.
        assert_ne!(last_pid().unwrap(), before);
        child.wait().unwrap();
    }

    #[test]
    fn folder_without_procfs_lists_no_process() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path());
        std::fs::create_dir(root.path("proc")).unwrap();
        std::fs::write(root.path("proc/loadavg"), "0.1 0.2 0.3 1/80 4711\n").unwrap();
        assert!(last_pid(&ProcFs::open(&root).unwrap()).is_none());
    }

    #[test]
    fn new_pids_are_unknown_without_a_last_pid() {
        let mut births = NewPids::new(None);
        for second in 0..3 {
            let now = Duration::from_secs(second);
            assert_eq!(births.none_since(now), None);
            assert!(!births.list_stands(now));
            births.listed(now);
        }
    }
}
