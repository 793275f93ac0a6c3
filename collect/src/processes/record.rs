//! What is kept of a process besides its CPU share.

use std::io;

use rustix::fd::OwnedFd;
use socktop_proto::model::{Process, ProcessState};

use super::folder::{Folder, Owner};
use super::name;
use super::proc_fs::{ProcFs, is_gone};
use super::stat::{Stat, StatFields};
use crate::processes::cpu_time::ticks;

/// A process as last read. Nothing is known of one whose `stat` may not be read (`hidepid=1`) but,
/// perhaps, its owner.
#[derive(Debug, Default)]
pub(crate) struct ProcessRecord {
    /// The fields of `stat`.
    pub(crate) figures: Option<StatFields>,
    /// What they make of the start, in milliseconds since boot.
    started_boot_ms: Option<u64>,
    /// What they make of the resident memory.
    resident_bytes: Option<u64>,
    /// The program's name.
    pub(crate) name: String,
    /// The user that runs it.
    pub(crate) owner: Option<Owner>,
    comm: Vec<u8>,
}

impl ProcessRecord {
    /// Reads everything anew through the process's folder, so that nothing of another process is among it.
    /// `stat`: that file, where it is open already.
    ///
    /// # Errors
    /// When the process has ended, or its open file does not say what it is; then nothing has changed.
    pub(super) fn read(
        &mut self,
        proc: &mut ProcFs,
        folder: &Folder,
        stat: Option<&OwnedFd>,
    ) -> io::Result<()> {
        let owner = folder.owner();
        match self.read_stat(proc, folder, stat) {
            Err(error) if stat.is_some() || is_gone(&error) => return Err(error),
            Err(_) => self.forget(),
            Ok(()) => {}
        }
        self.owner = owner.ok();
        Ok(())
    }

    /// Nothing is known of the process, except perhaps its owner.
    fn forget(&mut self) {
        self.set_figures(None);
        self.comm.clear();
        self.name.clear();
    }

    fn read_stat(
        &mut self,
        proc: &mut ProcFs,
        folder: &Folder,
        stat: Option<&OwnedFd>,
    ) -> io::Result<()> {
        let text = match stat {
            Some(stat) => proc.read_again(stat)?,
            None => proc.read_in(folder, "stat")?,
        };
        let stat = Stat::parse(text).ok_or(io::ErrorKind::InvalidData)?;
        let is_renamed = stat.comm != self.comm;
        let is_cut = name::may_be_cut(&stat);
        let may_be_another = self.figures.is_none_or(|old| {
            let is_new = old.started_ticks != stat.figures.started_ticks;
            // Another program may begin with the same 15 bytes. None begins without page faults.
            is_new || is_cut && old.faults != stat.figures.faults
        });
        self.set_figures(Some(stat.figures));
        if is_renamed {
            self.comm.clear();
            self.comm.extend_from_slice(stat.comm);
        }
        if is_renamed || may_be_another {
            self.name = if is_cut {
                name::whole(folder, &self.comm)
            } else {
                name::lossy(&self.comm)
            };
        }
        Ok(())
    }

    /// With the pid, the process's identity.
    pub(crate) fn started_ticks(&self) -> Option<u64> {
        self.figures.map(|figures| figures.started_ticks)
    }

    /// Its parent process; 0 if it has none.
    pub(crate) fn parent(&self) -> Option<u32> {
        self.figures.map(|figures| figures.parent)
    }

    /// Whether it has ended, and its children have gone to another parent.
    pub(crate) fn has_ended(&self) -> bool {
        self.figures.is_some_and(|figures| {
            matches!(figures.state, ProcessState::Zombie | ProcessState::Dead)
        })
    }

    fn set_figures(&mut self, figures: Option<StatFields>) {
        self.figures = figures;
        self.started_boot_ms = figures
            .and_then(|figures| u64::try_from(ticks(figures.started_ticks).as_millis()).ok());
        let page_bytes = u64::try_from(rustix::param::page_size()).unwrap_or_default();
        self.resident_bytes =
            figures.and_then(|figures| figures.resident_pages.checked_mul(page_bytes));
    }

    /// Makes `process` what is known, as the model has it.
    pub(crate) fn write_to(
        &self,
        process: &mut Process,
        pid: u32,
        user: &str,
        cpu_percent: Option<f32>,
    ) {
        // Every field, by name: nothing may be left of the row's previous process.
        let Process {
            pid: row_pid,
            parent_pid,
            user_id,
            user: row_user,
            name,
            state,
            threads,
            cpu_percent: row_cpu_percent,
            resident_bytes,
            started_boot_ms,
            nice,
        } = process;
        *row_pid = pid;
        *parent_pid = self.parent();
        *user_id = self.owner.map(|owner| owner.uid);
        row_user.clear();
        row_user.push_str(user);
        name.clone_from(&self.name);
        *state = self
            .figures
            .map_or(ProcessState::Unspecified, |figures| figures.state)
            .into();
        *threads = self.figures.map(|figures| figures.threads);
        *row_cpu_percent = cpu_percent;
        *resident_bytes = self.resident_bytes;
        *started_boot_ms = self.started_boot_ms;
        *nice = self.figures.map(|figures| figures.nice);
    }
}
