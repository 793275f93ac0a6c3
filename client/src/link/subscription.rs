//! Subscriptions: which queries are sent to an agent, and how often.

use std::time::Duration;

use socktop_proto::{Fields, Query};

/// The intervals at which a host's parts are asked for; `None` is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Subscription {
    /// CPU, memory, network, temperature, GPUs. Host facts are asked for once a connection.
    pub metrics: Option<Duration>,
    /// The process list.
    pub processes: Option<Duration>,
    /// The fields of each process in the list. When fields are added, the list is requested at once.
    pub fields: Fields,
    /// Disks.
    pub disks: Option<Duration>,
    /// One process in detail.
    pub process: Option<(u32, Duration)>,
    /// One process's journal.
    pub journal: Option<(u32, Duration)>,
}

impl Subscription {
    /// Each subscribed query, with its interval.
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

/// How often a host's parts are asked for while they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    /// Metrics; one process in detail is asked for as often.
    pub metrics: Duration,
    /// The process list.
    pub processes: Duration,
    /// Disks; one process's journal is asked for as often.
    pub disks: Duration,
}

impl Intervals {
    /// Shortest interval for metrics.
    pub const MIN_METRICS: Duration = Duration::from_millis(100);
    /// Shortest interval for the process list.
    pub const MIN_PROCESSES: Duration = Duration::from_millis(200);
    /// Shortest interval for disks.
    pub const MIN_DISKS: Duration = Duration::from_millis(500);

    /// Intervals in milliseconds, the default for each that is not given. Shorter ones than the shortest
    /// become that.
    #[must_use]
    pub fn from_ms(
        metrics_ms: Option<u64>,
        processes_ms: Option<u64>,
        disks_ms: Option<u64>,
    ) -> Self {
        let default = Self::default();
        let at_least = |given: Option<u64>, shortest: Duration, default: Duration| {
            given.map_or(default, |ms| Duration::from_millis(ms).max(shortest))
        };
        Self {
            metrics: at_least(metrics_ms, Self::MIN_METRICS, default.metrics),
            processes: at_least(processes_ms, Self::MIN_PROCESSES, default.processes),
            disks: at_least(disks_ms, Self::MIN_DISKS, default.disks),
        }
    }
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            metrics: Duration::from_millis(500),
            processes: Duration::from_secs(2),
            disks: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_defaults_and_minimums() {
        assert_eq!(Intervals::from_ms(None, None, None), Intervals::default());
        let shortest = Intervals::from_ms(Some(0), Some(0), Some(0));
        assert_eq!(shortest.metrics, Intervals::MIN_METRICS);
        assert_eq!(shortest.processes, Intervals::MIN_PROCESSES);
        assert_eq!(shortest.disks, Intervals::MIN_DISKS);
        let given = Intervals::from_ms(Some(1000), None, Some(60_000));
        assert_eq!(given.metrics, Duration::from_secs(1));
        assert_eq!(given.disks, Duration::from_mins(1));
    }
}
