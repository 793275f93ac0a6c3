//! What is asked of an agent, and how often.

use std::time::Duration;

use socktop_proto::Query;

/// The intervals at which a host's parts are asked for; `None` is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plan {
    /// CPU, memory, network, temperature, GPUs. Host facts are asked for once a connection.
    pub metrics: Option<Duration>,
    /// The process list.
    pub processes: Option<Duration>,
    /// Disks.
    pub disks: Option<Duration>,
    /// One process in detail.
    pub process: Option<(u32, Duration)>,
    /// One process's journal.
    pub journal: Option<(u32, Duration)>,
}

impl Plan {
    /// Each query that is wanted, with its interval.
    pub fn queries(&self) -> impl Iterator<Item = (Query, Duration)> + use<> {
        [
            self.metrics.map(|every| (Query::Metrics, every)),
            self.processes.map(|every| (Query::Processes, every)),
            self.disks.map(|every| (Query::Disks, every)),
            self.process
                .map(|(pid, every)| (Query::Process { pid }, every)),
            self.journal
                .map(|(pid, every)| (Query::Journal { pid }, every)),
        ]
        .into_iter()
        .flatten()
    }
}
