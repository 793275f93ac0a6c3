//! The cache of open files of processes that ran lately, which are likely to run again.
//!
//! To read an open `stat` in place costs half of what it costs to open, read and close it. In return the kernel keeps
//! some 5 kB for each, which no resident size shows; hence the [`LIMIT`]: it is the few that run between most samples
//! that are worth it.

use std::sync::Arc;

use rustix::fd::OwnedFd;

use super::folder::Folder;
use super::proc_fs::ProcFs;

/// The number of processes whose files may be open at once.
const LIMIT: usize = 16;

/// In how many scans in a row a process may not have run before its files are closed.
const PATIENCE: u8 = 4;

/// The budget of open files, shared by all processes.
#[derive(Debug, Default)]
pub(super) struct Budget(Arc<()>);

/// The open files of a process. They stay its own: where another process gets its pid, reading them fails.
#[derive(Debug)]
pub(super) struct OpenFiles {
    folder: Folder,
    stat: OwnedFd,
    _share: Arc<()>,
}

/// Decides whether a process's files stay open, by the scans in which it ran.
#[derive(Debug, Default)]
pub(super) struct FdPolicy {
    rested: u8,
    kept: Option<OpenFiles>,
}

impl FdPolicy {
    /// The process has run since the scan before: opens its files, which will be needed again.
    pub(super) fn ran(&mut self, proc: &ProcFs, pid: u32, budget: &Budget) {
        self.rested = 0;
        if self.kept.is_none() {
            self.kept = budget.keep(proc, pid);
        }
    }

    /// The process has not run since the scan before. Closes its files after [`PATIENCE`] such scans in a row.
    pub(super) fn rested(&mut self) {
        self.rested = self.rested.saturating_add(1);
        if self.rested >= PATIENCE {
            self.kept = None;
        }
    }

    /// Its files, where they are open.
    pub(super) fn open_files(&self) -> Option<&OpenFiles> {
        self.kept.as_ref()
    }

    /// Closes the files, which belong to a process that has ended.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Budget {
    /// How many further processes may have open files.
    fn left(&self) -> usize {
        // One reference is the budget's own.
        (LIMIT + 1).saturating_sub(Arc::strong_count(&self.0))
    }

    /// The files of a process, where the budget and the process allow it.
    fn keep(&self, proc: &ProcFs, pid: u32) -> Option<OpenFiles> {
        if self.left() == 0 {
            return None;
        }
        let folder = proc.folder(pid).ok()?;
        let stat = folder.file("stat").ok()?;
        Some(OpenFiles {
            folder,
            stat,
            _share: Arc::clone(&self.0),
        })
    }
}

impl OpenFiles {
    /// The folder, and `stat` in it.
    pub(super) fn files(&self) -> (&Folder, &OwnedFd) {
        (&self.folder, &self.stat)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, Machine};
    use super::*;

    /// A machine with `count` processes, and habits for each.
    fn crowd(count: u32) -> (Machine, ProcFs, Vec<(u32, FdPolicy)>) {
        let machine = Machine::new();
        let pids = 70..70 + count;
        pids.clone()
            .for_each(|pid| machine.put(&Fake::new(pid, "worker")));
        let proc = ProcFs::open(&machine.root()).unwrap();
        let habits = pids.map(|pid| (pid, FdPolicy::default())).collect();
        (machine, proc, habits)
    }

    #[test]
    fn files_of_a_running_process_stay_open_until_it_is_idle() {
        let (_machine, mut proc, mut habits) = crowd(1);
        let budget = Budget::default();
        let (pid, habit) = &mut habits[0];
        assert!(habit.open_files().is_none());
        for _ in 0..3 {
            habit.ran(&proc, *pid, &budget);
            for _ in 1..PATIENCE {
                habit.rested();
                let kept = habit.open_files().expect("it has run");
                let stat = Fake::new(*pid, "worker").stat();
                let (folder, file) = kept.files();
                assert_eq!(proc.read_again(file).unwrap(), stat);
                let owner = proc.folder(*pid).unwrap().owner().unwrap();
                assert_eq!(folder.owner().unwrap(), owner);
                assert_eq!(budget.left(), LIMIT - 1);
            }
        }
        habit.rested();
        assert!(habit.open_files().is_none());
        assert_eq!(budget.left(), LIMIT);
    }

    #[test]
    fn open_files_stay_within_the_budget_and_ended_processes_return_theirs() {
        let (_machine, proc, mut habits) = crowd(30);
        let budget = Budget::default();
        let run_all = |habits: &mut Vec<(u32, FdPolicy)>| {
            for (pid, habit) in &mut *habits {
                habit.ran(&proc, *pid, &budget);
            }
            let kept = habits
                .iter()
                .filter(|(_, habit)| habit.open_files().is_some())
                .count();
            (kept, budget.left())
        };
        assert_eq!(run_all(&mut habits), (LIMIT, 0));
        habits.drain(..10);
        assert_eq!(run_all(&mut habits), (LIMIT, 0));
        habits.truncate(5);
        assert_eq!(run_all(&mut habits), (5, LIMIT - 5));
    }

    #[test]
    fn kept_file_of_an_ended_process_reads_nothing() {
        let mut child = std::process::Command::new("sleep")
            .arg("infinity")
            .spawn()
            .unwrap();
        let mut proc = ProcFs::open(&crate::Root::default()).unwrap();
        let kept = Budget::default().keep(&proc, child.id()).unwrap();
        let before = proc.read_again(kept.files().1).map(<[u8]>::to_vec);
        let owner = kept.files().0.owner();
        child.kill().unwrap();
        child.wait().unwrap();
        let own = rustix::process::geteuid().as_raw();
        assert_eq!(owner.unwrap().uid, own);
        assert!(before.unwrap().ends_with(b"\n"));
        let error = proc.read_again(kept.files().1).unwrap_err();
        assert!(super::super::is_gone(&error), "{error}");
    }
}
