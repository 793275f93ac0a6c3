//! The application: messages change its state, the screen is drawn from its state.
//!
//! [`update()`] is the only thing that changes an [`App`]; [`crate::ui::draw`] only reads it. Both are pure:
//! they are told the time. What is shown decides what the agent is asked for ([`App::plan`]). The loop
//! that feeds messages in is [`run()`].

mod mouse;
pub(crate) mod update;

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use ratatui::layout::Rect;

pub use crate::catalog::process::{Column, Sort};
pub use crate::config::keymap::{Action, BINDINGS, Binding, Context, Key, action, bindings};
use crate::link::{Intervals, LinkState, Plan};
use crate::state::{HostState, Moment};
pub use crate::term::screen::ScreenError;
use crate::ui::help;
use crate::view::layout::{Regions, regions};
pub use event_loop::run;
pub use screens::process_list::ProcessList;
pub use update::{Effect, Message, Outcome, update};

/// What an [`App`] is told when it starts.
#[derive(Debug, Clone)]
pub struct AppOptions {
    /// The host's name until it tells its own: a profile's name or the address.
    pub name: String,
    /// Where the agent is: a URL without its token, or words.
    pub endpoint: String,
    /// How often it is asked.
    pub intervals: Intervals,
    /// Whether the layout for small terminals is used on large ones too.
    pub compact: bool,
    /// Whether colours may be used.
    pub color: bool,
    /// The zone that times are shown in.
    pub time_zone: TimeZone,
}

/// What fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Everything.
    #[default]
    All,
    /// CPU, memory and GPUs.
    Cpu,
    /// Network interfaces.
    Network,
    /// Disks.
    Disks,
    /// Processes.
    Processes,
}

impl View {
    /// All of them, in the order of their keys.
    pub const EACH: [Self; 5] = [
        Self::All,
        Self::Cpu,
        Self::Network,
        Self::Disks,
        Self::Processes,
    ];
}

/// A section of a process's details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// Numbers, command line, files.
    #[default]
    Facts,
    /// Threads.
    Threads,
    /// Children.
    Children,
    /// Lines in the journal.
    Journal,
}

impl Tab {
    /// All of them, in their order.
    pub const EACH: [Self; 4] = [Self::Facts, Self::Threads, Self::Children, Self::Journal];
}

/// The dialog of one process in detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Details {
    /// The section that is shown, beside the facts where there is room.
    pub tab: Tab,
    /// Its first line that is seen.
    pub offset: usize,
}

/// The state of the whole program.
#[derive(Debug, Clone)]
pub struct App {
    /// What it was told when it started.
    pub options: AppOptions,
    /// What is known of the host.
    pub host: HostState,
    /// The terminal's size.
    pub area: Rect,
    /// What fills the screen.
    pub view: View,
    /// The process list.
    pub list: ProcessList,
    /// The first interface that is seen.
    pub network_offset: usize,
    /// The first disk that is seen.
    pub disks_offset: usize,
    /// The dialog of one process.
    pub details: Option<Details>,
    /// The help's first line that is seen, while it is open.
    pub help: Option<usize>,
    /// When what is shown was last changed: older samples could not be newer.
    shown_since: Option<Instant>,
    mouse: mouse::Memory,
}

impl App {
    /// An application that knows nothing of its host yet.
    #[must_use]
    pub fn new(options: AppOptions) -> Self {
        Self {
            options,
            host: HostState::default(),
            area: Rect::default(),
            view: View::default(),
            list: ProcessList::default(),
            network_offset: 0,
            disks_offset: 0,
            details: None,
            help: None,
            shown_since: None,
            mouse: mouse::Memory::default(),
        }
    }

    /// Where everything is on a terminal of the current size.
    #[must_use]
    pub fn regions(&self) -> Regions {
        regions(self, self.area)
    }

    /// What keys act on.
    #[must_use]
    pub fn context(&self) -> Context {
        if self.help.is_some() {
            Context::Help
        } else if self.details.is_some() {
            Context::Details
        } else if self.list.editing {
            Context::Filter
        } else {
            Context::Host
        }
    }

    /// What to ask the agent for: what is shown, and nothing else.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let regions = self.regions();
        let every = &self.options.intervals;
        let watched = self
            .host
            .watch
            .as_ref()
            .filter(|watch| self.details.is_some() && watch.ended.is_none())
            .map(|watch| watch.identity.pid);
        let journal = self
            .details
            .is_some_and(|details| regions.shows_tab(details, Tab::Journal));
        // The published agent's details tell neither the CPU share nor the end of a process: its list does.
        let listed = watched.is_some() && self.host.is_published_agent();
        let is_seen = |area: Rect| self.help.is_none() || !help::hides(self.area, area);
        let shows_list = regions
            .processes
            .is_some_and(|table| !self.list.frozen && is_seen(table.rows));
        Plan {
            metrics: Some(every.metrics),
            processes: (shows_list || listed).then_some(every.processes),
            fields: regions
                .columns(self)
                .into_iter()
                .fold(self.list.fields(), |fields, placed| {
                    fields | placed.column.fields()
                }),
            disks: regions
                .disks
                .filter(|&area| is_seen(area))
                .map(|_| every.disks),
            process: watched.map(|pid| (pid, every.metrics)),
            journal: watched.filter(|_| journal).map(|pid| (pid, every.disks)),
        }
    }

    /// When a sample that arrived then, and is asked for `every` so often, counts as old.
    fn old_at(&self, arrived: Instant, every: Duration) -> Instant {
        let newest = self.shown_since.map_or(arrived, |shown| shown.max(arrived));
        newest + every.saturating_mul(3) + Duration::from_secs(1)
    }

    /// Whether a sample that arrived then, and is asked for `every` so often, is old.
    #[must_use]
    pub fn is_old(&self, arrived: Moment, every: Duration, now: Moment) -> bool {
        matches!(self.host.link, LinkState::Lost { .. })
            || now.instant >= self.old_at(arrived.instant, every)
    }

    /// When the screen changes by the passing of time alone.
    #[must_use]
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        const SECOND: Duration = Duration::from_secs(1);
        if let LinkState::Lost { since, .. } = self.host.link {
            let elapsed = now.saturating_duration_since(since);
            let begun = Duration::from_nanos(elapsed.subsec_nanos().into());
            return Some(now + SECOND.saturating_sub(begun));
        }
        let plan = self.plan();
        let watch = self.host.watch.as_ref();
        let arrivals = [
            (plan.metrics, arrival(&self.host.metrics)),
            (plan.processes, arrival(&self.host.processes)),
            (plan.disks, arrival(&self.host.disks)),
            (
                plan.process.map(|(_, every)| every),
                watch.and_then(|watch| arrival(&watch.details)),
            ),
        ];
        arrivals
            .into_iter()
            .filter_map(|(every, arrived)| Some(self.old_at(arrived?, every?)))
            // What is old already says for how long.
            .map(|old_at| if old_at > now { old_at } else { now + SECOND })
            .min()
    }
}

fn arrival<T>(part: &crate::state::Part<T>) -> Option<Instant> {
    part.sample.as_ref().map(|sample| sample.arrived.instant)
}

mod event_loop;
#[cfg(test)]
pub(crate) mod fixture;
pub mod screens;
#[cfg(test)]
pub(crate) mod tests;
