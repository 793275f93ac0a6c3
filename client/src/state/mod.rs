//! The state of a host: the last samples, when they came, and what follows from their sequence.
//!
//! Nothing here reads a clock: time is passed in. A sample that comes twice (agents cache) is one point
//! of the histories. After the link was lost, histories have a gap and rates start anew; where another agent, boot or host
//! answers then, what the last one said is dropped.

mod changed;
mod fleet;
mod impossible;
mod part;
mod traffic;

use std::sync::Arc;
use std::time::{Duration, Instant};

use socktop_proto::model::{self, Disks, Host, Metrics, Processes, body};
use socktop_proto::{Body, Query};

use crate::link::{Dialect, Event, Intervals, LinkState, Question};
use changed::Changed;
pub use fleet::Fleet;
pub use history::{HISTORY, History};
pub use impossible::Impossible;
pub use part::{AnswerKind, Part, Sample, Timed};
pub use process_watch::{Identity, Watch};
pub use traffic::{Interfaces, Rate, Traffic, seconds_between};

/// One reading of both clocks of the machine that this program runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// For durations.
    pub instant: Instant,
    /// For people: milliseconds since the Unix epoch.
    pub unix_ms: u64,
}

impl Moment {
    /// Time since `earlier`; nothing where that is in the future.
    #[must_use]
    pub fn since(&self, earlier: Instant) -> Duration {
        self.instant.saturating_duration_since(earlier)
    }
}

/// What a host is called, and how it is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostConfig {
    /// Its name until it tells its own: a profile's name or the address.
    pub name: String,
    /// Where the agent is: a URL without its token, or words.
    pub endpoint: String,
    /// How often it is asked.
    pub intervals: Intervals,
}

/// What is known of a host.
#[derive(Debug, Clone)]
pub struct HostState {
    /// What it is called, and how it is asked.
    pub config: HostConfig,
    /// Whether the agent can be reached.
    pub link: LinkState,
    /// How the agent was last spoken to.
    pub dialect: Option<Dialect>,
    /// How long the last answer took.
    pub round_trip: Option<Duration>,
    /// Facts.
    pub host: Part<Host>,
    /// What changes fast.
    pub metrics: Part<Metrics>,
    /// Mounted file systems.
    pub disks: Part<Disks>,
    /// Every process.
    pub processes: Part<Processes>,
    /// When each point of the two series below arrived.
    pub times: History<Instant>,
    /// CPU of the whole machine, percent; `None` is a gap.
    pub cpu: History<Option<f32>>,
    /// Memory in use, percent; `None` is a gap.
    pub memory: History<Option<f32>>,
    /// Traffic of the network interfaces.
    pub interfaces: Interfaces,
    /// The process that is looked at in detail.
    pub watch: Option<Watch>,
    fresh: Fresh,
}

/// Which parts came over this connection; the others are the last one's.
#[derive(Debug, Clone, Copy, Default)]
struct Fresh {
    metrics: bool,
    disks: bool,
    processes: bool,
}

impl Default for HostState {
    fn default() -> Self {
        Self {
            config: HostConfig::default(),
            link: LinkState::Connecting,
            dialect: None,
            round_trip: None,
            host: Part::default(),
            metrics: Part::default(),
            disks: Part::default(),
            processes: Part::default(),
            times: History::default(),
            cpu: History::default(),
            memory: History::default(),
            interfaces: Interfaces::default(),
            watch: None,
            fresh: Fresh::default(),
        }
    }
}

/// `part` of `whole` in percent, 0 to 100; unknown where the whole is nothing, or less than the part.
#[must_use]
pub fn percent(part: u64, whole: u64) -> Option<f32> {
    if whole == 0 || part > whole {
        return None;
    }
    // A percentage needs no more than the 24 bits of an f32.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    let percent = (part as f64 / whole as f64 * 100.0) as f32;
    Some(percent)
}

/// Memory in use, percent.
#[must_use]
pub fn memory_percent(memory: Option<&model::Memory>) -> Option<f32> {
    let memory = memory?;
    percent(memory.used_bytes?, memory.total_bytes?)
}

impl HostState {
    /// A host of which nothing is known yet.
    #[must_use]
    pub fn new(config: HostConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }

    /// The host's own name, else what the user calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        let names = [
            self.host.value().map(|host| &host.hostname),
            self.metrics.value().map(|metrics| &metrics.hostname),
        ];
        let known = names.into_iter().flatten().find(|name| !name.is_empty());
        known.unwrap_or(&self.config.name)
    }

    /// What its link cannot decide without the user.
    #[must_use]
    pub fn question(&self) -> Option<Question> {
        match &self.link {
            LinkState::Lost { question, .. } => *question,
            LinkState::Connecting | LinkState::Connected { .. } => None,
        }
    }

    /// Whether the agent is `socktop_agent` 1.60, which cannot tell everything.
    #[must_use]
    pub fn is_published_agent(&self) -> bool {
        self.dialect == Some(Dialect::Text)
    }

    /// What of the last samples cannot be, in words.
    #[must_use]
    pub fn impossible_words(&self) -> Option<String> {
        let watched = self.watch.as_ref();
        [
            Some(&self.metrics.impossible),
            Some(&self.processes.impossible),
            Some(&self.disks.impossible),
            Some(&self.host.impossible),
            watched.map(|watch| &watch.details.impossible),
            watched.map(|watch| &watch.journal.impossible),
        ]
        .into_iter()
        .flatten()
        .find_map(Impossible::words)
    }

    /// When the newest sample came.
    #[must_use]
    pub fn newest(&self) -> Option<Moment> {
        [
            self.metrics.arrived(),
            self.processes.arrived(),
            self.disks.arrived(),
        ]
        .into_iter()
        .flatten()
        .max_by_key(|moment| moment.instant)
    }

    /// Takes what the link says; `now` is when it is taken. Says whether what was known before is dropped, because another
    /// agent answers.
    pub fn apply(&mut self, event: Event, now: Moment) -> bool {
        match event {
            Event::State(link) => self.set_link(link, now),
            Event::Reply {
                query,
                body,
                at,
                round_trip,
            } => {
                self.round_trip = Some(round_trip);
                let waited = u64::try_from(now.since(at).as_millis()).unwrap_or(0);
                let arrived = Moment {
                    instant: at,
                    unix_ms: now.unix_ms.saturating_sub(waited),
                };
                self.reply(query, body, arrived)
            }
        }
    }

    fn set_link(&mut self, link: LinkState, now: Moment) -> bool {
        let mut dropped = false;
        match &link {
            LinkState::Connected { dialect, .. } => {
                self.fresh = Fresh::default();
                if self.dialect.is_some_and(|last| last != *dialect) {
                    self.host = Part::default();
                    self.drop_last(Changed::Agent, now);
                    dropped = true;
                }
                self.dialect = Some(*dialect);
            }
            LinkState::Connecting | LinkState::Lost { .. } => {
                if matches!(self.link, LinkState::Connected { .. }) {
                    self.interrupt(now.instant);
                }
                self.round_trip = None;
            }
        }
        self.link = link;
        dropped
    }

    /// Makes a gap in the histories: nothing is known of the time from `at` on, until the next sample. Rates start anew.
    pub fn interrupt(&mut self, at: Instant) {
        self.times.push(at);
        self.cpu.push(None);
        self.memory.push(None);
        self.interfaces.interrupt();
    }

    /// Drops what the last agent said. What this one has said already stays.
    fn drop_last(&mut self, changed: Changed, at: Moment) {
        if !self.fresh.metrics {
            self.metrics = Part::default();
        }
        if !self.fresh.disks {
            self.disks = Part::default();
        }
        if !self.fresh.processes {
            self.processes = Part::default();
        }
        self.times = History::default();
        self.cpu = History::default();
        self.memory = History::default();
        self.interfaces = Interfaces::default();
        if let Some(watch) = &mut self.watch {
            match changed {
                Changed::Agent => *watch = Watch::new(watch.identity, watch.name.clone()),
                Changed::Host => {
                    watch.ended.get_or_insert(at);
                }
            }
        }
    }

    /// Takes an answer; says whether it shows that another agent answers than the last time.
    fn reply(&mut self, query: Query, mut body: Arc<Body>, at: Moment) -> bool {
        let impossible = impossible::check(&mut body);
        match (query, &body.kind) {
            (Query::Host, Some(body::Kind::Host(host))) => {
                let last = self.host.value();
                let changed = last.and_then(|last| changed::by_facts(last, host));
                if let Some(changed) = changed {
                    self.drop_last(changed, at);
                }
                let is_changed = changed.is_some();
                self.host.take(body, impossible, at);
                return is_changed;
            }
            (Query::Metrics, Some(body::Kind::Metrics(_))) => {
                return self.take_metrics(body, impossible, at);
            }
            (Query::Disks, Some(body::Kind::Disks(_))) => {
                self.fresh.disks = true;
                self.disks.take(body, impossible, at);
            }
            (Query::Processes, Some(body::Kind::Processes(list))) => {
                if let Some(watch) = &mut self.watch {
                    watch.take_list(list, at);
                }
                self.fresh.processes = true;
                self.processes.take(body, impossible, at);
            }
            (Query::Process { pid }, kind) => {
                let watch = self.watch.as_mut();
                let Some(watch) = watch.filter(|watch| watch.identity.pid == pid) else {
                    return false;
                };
                match kind {
                    Some(body::Kind::Process(_)) => watch.take_details(body, impossible, at),
                    Some(body::Kind::Error(error)) => watch.take_error(error, at),
                    _ => {}
                }
            }
            (Query::Journal { pid }, kind) => {
                let watch = self.watch.as_mut();
                let Some(watch) = watch.filter(|watch| watch.identity.pid == pid) else {
                    return false;
                };
                match kind {
                    Some(body::Kind::Journal(_)) => watch.journal.take(body, impossible, at),
                    Some(body::Kind::Error(error)) => {
                        watch.journal.error = Some(error.message.clone());
                    }
                    _ => {}
                }
            }
            (query, Some(body::Kind::Error(error))) => {
                let error = Some(error.message.clone());
                match query {
                    Query::Host => self.host.error = error,
                    Query::Metrics => self.metrics.error = error,
                    Query::Disks => self.disks.error = error,
                    Query::Processes => self.processes.error = error,
                    // No screen asks for sensors; what is asked of one process is above.
                    Query::Sensors | Query::Process { .. } | Query::Journal { .. } => {}
                }
            }
            // An answer of another kind than the question is no answer.
            _ => {}
        }
        false
    }

    fn take_metrics(&mut self, body: Arc<Body>, mut impossible: Impossible, at: Moment) -> bool {
        let Some(metrics) = Metrics::of(&body) else {
            return false;
        };
        let last = self.metrics.sample.as_ref().filter(|_| !self.fresh.metrics);
        let changed = last.is_some_and(|last| changed::by_metrics(last, metrics, at));
        if changed {
            self.drop_last(Changed::Host, at);
        }
        self.fresh.metrics = true;
        if self.metrics.is_same_snapshot(metrics.time.as_ref()) {
            // The rates are those of before.
            impossible = self.metrics.impossible;
        } else {
            self.times.push(at.instant);
            self.cpu
                .push(metrics.cpu.as_ref().and_then(|cpu| cpu.total_percent));
            self.memory.push(memory_percent(metrics.memory.as_ref()));
            self.interfaces
                .take(metrics.time, &metrics.interfaces, &mut impossible);
        }
        self.metrics.take(body, impossible, at);
        changed
    }
}

mod history;
mod process_watch;
#[cfg(test)]
mod tests;
