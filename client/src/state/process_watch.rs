//! The one process that is looked at in detail.

use std::sync::Arc;

use socktop_proto::Body;
use socktop_proto::model::{Error, ErrorCode, Journal, ProcessDetails, Processes};

use super::{AnswerKind, Impossible, Moment, Part};
use crate::state::history::History;

/// What tells processes apart: pids are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Process id.
    pub pid: u32,
    /// When it started, milliseconds after boot. Unknown when the agent is `socktop_agent` 1.60.
    pub started_boot_ms: Option<u64>,
}

impl Identity {
    /// Whether both can be the same process: same pid, and starts that do not contradict.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.pid == other.pid
            && match (self.started_boot_ms, other.started_boot_ms) {
                (Some(mine), Some(theirs)) => mine == theirs,
                _ => true,
            }
    }
}

impl From<&socktop_proto::model::Process> for Identity {
    fn from(process: &socktop_proto::model::Process) -> Self {
        Self {
            pid: process.pid,
            started_boot_ms: process.started_boot_ms,
        }
    }
}

/// One process in detail. After its end, its last data stay.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Which process.
    pub identity: Identity,
    /// Its name when it was chosen.
    pub name: String,
    /// The last details.
    pub details: Part<ProcessDetails>,
    /// The last lines in the journal.
    pub journal: Part<Journal>,
    /// Since when it is known to have ended.
    pub ended: Option<Moment>,
    /// CPU, share of the whole machine, 0 to 100.
    pub cpu: History<Option<f32>>,
    /// CPU as the process list tells it: some agents' details do not.
    pub listed_cpu: Option<f32>,
}

impl Watch {
    /// A process of which nothing but its identity is known yet.
    #[must_use]
    pub fn new(identity: Identity, name: String) -> Self {
        Self {
            identity,
            name,
            details: Part::default(),
            journal: Part::default(),
            ended: None,
            cpu: History::default(),
            listed_cpu: None,
        }
    }

    /// Its CPU share: from the details, else from the list.
    #[must_use]
    pub fn cpu_percent(&self) -> Option<f32> {
        let details = self.details.value();
        details
            .and_then(|details| details.process.as_ref())
            .and_then(|process| process.cpu_percent)
            .or(self.listed_cpu)
    }

    /// Takes details. Those of another process that has got the same pid mean that this one ended.
    pub(super) fn take_details(&mut self, body: Arc<Body>, impossible: Impossible, at: Moment) {
        let Some(details) = ProcessDetails::of(&body) else {
            return;
        };
        let Some(process) = &details.process else {
            return;
        };
        let identity = Identity::from(process);
        if identity.pid != self.identity.pid || self.ended.is_some() {
            return;
        }
        if !identity.matches(&self.identity) {
            self.ended = Some(at);
            return;
        }
        self.identity.started_boot_ms = self.identity.started_boot_ms.or(identity.started_boot_ms);
        // Where the details have no CPU share, the list's samples make the history.
        if process.cpu_percent.is_some() && !self.details.is_same_snapshot(details.time.as_ref()) {
            self.cpu.push(process.cpu_percent);
        }
        self.details.take(body, impossible, at);
    }

    /// Takes the answer that there are no details.
    pub(super) fn take_error(&mut self, error: &Error, at: Moment) {
        if error.code() == ErrorCode::NotFound {
            self.ended.get_or_insert(at);
        } else {
            self.details.error = Some(error.message.clone());
        }
    }

    /// Looks for the process in the list: it tells the end of one whose details keep coming.
    pub(super) fn take_list(&mut self, list: &Processes, at: Moment) {
        let complete = u32::try_from(list.processes.len()).is_ok_and(|count| count >= list.total);
        let found = list
            .processes
            .iter()
            .find(|process| self.identity.matches(&Identity::from(*process)));
        match found {
            Some(process) => {
                self.listed_cpu = process.cpu_percent;
                let detailed = self.details.value().and_then(|it| it.process.as_ref());
                if detailed.is_none_or(|process| process.cpu_percent.is_none()) {
                    self.cpu.push(process.cpu_percent);
                }
            }
            None if complete => {
                self.ended.get_or_insert(at);
            }
            None => {}
        }
    }
}
