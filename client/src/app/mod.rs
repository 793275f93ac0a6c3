//! The application: messages change its state, the screen is drawn from its state.
//!
//! [`update()`] is the only thing that changes an [`App`]; [`crate::ui::draw`] only reads it. Both are pure:
//! they are told the time. What is shown decides what the agent is asked for ([`App::plan`]). The loop
//! that feeds messages in is in [`crate::run`].

mod message;
mod mouse;
mod operations;
mod update;

use std::time::{Duration, Instant};

use ratatui::layout::Rect;

use crate::actions::{Context, Tab};
use crate::config::theme::Theme;
use crate::link::{LinkState, Subscription};
use crate::state::{HostState, Moment};
use crate::view::layout::{Screen, regions};
use crate::view::process_table::placed_columns;
use crate::view::regions::Regions;
use crate::view::{RenderContext, Settings, help, old_at};
pub use message::{Effect, Message, Outcome};
pub use screens::host::HostScreen;
pub use screens::process_list::ProcessList;
pub use update::update;

/// The state of the whole program.
#[derive(Debug, Clone)]
pub struct App {
    /// What it was told when it started.
    pub settings: Settings,
    /// What is known of the host.
    pub host: HostState,
    /// The terminal's size.
    pub area: Rect,
    /// Where everything is, since the last message.
    layout: Regions,
    /// What the user chose on the host's screen.
    pub screen: HostScreen,
    /// The help's first line that is seen, while it is open.
    pub help: Option<usize>,
    mouse: mouse::Memory,
}

impl App {
    /// An application that knows nothing of its host yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            host: HostState::default(),
            area: Rect::default(),
            layout: Regions::default(),
            screen: HostScreen::default(),
            help: None,
            mouse: mouse::Memory::default(),
        }
    }

    /// Where everything is since the last message.
    #[must_use]
    pub fn layout(&self) -> &Regions {
        &self.layout
    }

    /// Computes where everything is now. [`update()`] does so after each message.
    pub(crate) fn lay_out(&mut self) {
        let screen = Screen {
            host: &self.host,
            settings: &self.settings,
            view: self.screen.view,
            has_details: self.screen.details.is_some(),
        };
        self.layout = regions(screen, self.area);
    }

    /// What everything is drawn from.
    #[must_use]
    pub fn render_context(&self, now: Moment) -> RenderContext<'_> {
        RenderContext {
            host: &self.host,
            settings: &self.settings,
            shown_since: self.screen.shown_since,
            now,
            theme: Theme::new(self.settings.color),
        }
    }

    /// What keys act on.
    #[must_use]
    pub fn context(&self) -> Context {
        if self.help.is_some() {
            Context::Help
        } else if self.screen.details.is_some() {
            Context::Details
        } else if self.screen.list.editing {
            Context::Filter
        } else {
            Context::Host
        }
    }

    /// What to ask the agent for: what is shown, and nothing else.
    #[must_use]
    pub fn plan(&self) -> Subscription {
        let regions = self.layout;
        let every = &self.settings.intervals;
        let watched = self
            .host
            .watch
            .as_ref()
            .filter(|watch| self.screen.details.is_some() && watch.ended.is_none())
            .map(|watch| watch.identity.pid);
        let journal = self
            .screen
            .details
            .is_some_and(|details| regions.shows_tab(details, Tab::Journal));
        // The published agent's details tell neither the CPU share nor the end of a process: its list does.
        let listed = watched.is_some() && self.host.is_published_agent();
        let is_seen = |area: Rect| self.help.is_none() || !help::hides(self.area, area);
        let shows_list = regions
            .processes
            .is_some_and(|table| !self.screen.list.frozen && is_seen(table.rows));
        Subscription {
            metrics: Some(every.metrics),
            processes: (shows_list || listed).then_some(every.processes),
            fields: placed_columns(&regions, &self.host)
                .into_iter()
                .fold(self.screen.list.fields(), |fields, placed| {
                    fields | placed.column.row().fields
                }),
            disks: regions
                .disks
                .filter(|&area| is_seen(area))
                .map(|_| every.disks),
            process: watched.map(|pid| (pid, every.metrics)),
            journal: watched.filter(|_| journal).map(|pid| (pid, every.disks)),
        }
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
            .filter_map(|(every, arrived)| Some(old_at(self.screen.shown_since, arrived?, every?)))
            // What is old already says for how long.
            .map(|old_at| if old_at > now { old_at } else { now + SECOND })
            .min()
    }
}

fn arrival<T>(part: &crate::state::Part<T>) -> Option<Instant> {
    part.sample.as_ref().map(|sample| sample.arrived.instant)
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
pub(crate) mod mouse_tests;
pub mod screens;
#[cfg(test)]
mod tests;
