//! The application: messages change its state, the screen is drawn from its state.
//!
//! [`update()`] is the only thing that changes an [`App`]; [`crate::ui::draw`] only reads it. Both are pure: time is passed
//! in. Either the list of hosts is shown or one of them, and what is shown decides what that host's agent is asked for
//! ([`App::subscription`]). The loop that feeds messages in is in [`crate::run`].

mod message;
mod mouse;
mod operations;
mod scroll;
mod update;

use std::time::{Duration, Instant};

use ratatui::layout::Rect;

use crate::actions::{Context, Tab};
use crate::link::{LinkState, Subscription};
use crate::source::HostId;
use crate::state::{Fleet, HostState, Moment};
use crate::view::fleet::FleetRegions;
use crate::view::layout::{Screen, regions};
use crate::view::process_table::placed_columns;
use crate::view::regions::Regions;
use crate::view::{RenderContext, Settings, fleet, help, old_at};
pub use message::{Effect, Message, Outcome};
pub use screens::fleet::FleetScreen;
pub use screens::host::HostScreen;
pub use screens::link_dialog::LinkDialog;
pub use screens::process_list::ProcessList;
pub use update::update;

/// The state of the whole program.
#[derive(Debug, Clone)]
pub struct App {
    /// What holds for every screen.
    pub settings: Settings,
    /// What is known of every host.
    pub fleet: Fleet,
    /// The terminal's size.
    pub area: Rect,
    /// Whether there is a list of hosts to go back to.
    has_list: bool,
    /// The host that is shown; none while the list is.
    shown: Option<HostId>,
    /// What the user chose in the list.
    pub fleet_screen: FleetScreen,
    /// What the user chose on the screen of each host.
    screens: Vec<HostScreen>,
    /// The regions of the host's screen, since the last message.
    layout: Regions,
    /// The regions of the list, since the last message.
    fleet_layout: FleetRegions,
    /// The help's first line that is seen, while it is open.
    pub help: Option<usize>,
    /// The question of the shown host's link.
    pub dialog: Option<LinkDialog>,
    mouse: mouse::Memory,
}

/// A host's screen: what is known of the host, and what the user chose.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// What is known of the host.
    pub host: &'a HostState,
    /// What the user chose.
    pub screen: &'a HostScreen,
}

/// As [`Shown`], to change it.
#[derive(Debug)]
pub(crate) struct ShownMut<'a> {
    pub(crate) host: &'a mut HostState,
    pub(crate) screen: &'a mut HostScreen,
    pub(crate) layout: &'a Regions,
}

impl App {
    /// An application that shows the list of `hosts`, of which it knows nothing yet.
    #[must_use]
    pub fn with_list(settings: Settings, hosts: Vec<HostState>) -> Self {
        Self {
            settings,
            screens: vec![HostScreen::default(); hosts.len()],
            fleet: Fleet::new(hosts),
            area: Rect::default(),
            has_list: true,
            shown: None,
            fleet_screen: FleetScreen::default(),
            layout: Regions::default(),
            fleet_layout: FleetRegions::default(),
            help: None,
            dialog: None,
            mouse: mouse::Memory::default(),
        }
    }

    /// An application that shows one host alone.
    #[must_use]
    pub fn with_host(settings: Settings, host: HostState) -> Self {
        Self {
            has_list: false,
            shown: Some(HostId::FIRST),
            ..Self::with_list(settings, vec![host])
        }
    }

    /// The host that is shown; none while the list of hosts is.
    #[must_use]
    pub fn shown_host(&self) -> Option<HostId> {
        self.shown
    }

    /// The host's screen, unless the list of hosts is shown.
    #[must_use]
    pub fn shown(&self) -> Option<Shown<'_>> {
        let host = self.shown?;
        Some(Shown {
            host: self.fleet.get(host)?,
            screen: self.screens.get(host.index())?,
        })
    }

    /// As [`App::shown`], to change it.
    pub(crate) fn shown_mut(&mut self) -> Option<ShownMut<'_>> {
        self.screen_of(self.shown?)
    }

    /// The screen of `host`, whether it is shown or not.
    fn screen_of(&mut self, host: HostId) -> Option<ShownMut<'_>> {
        Some(ShownMut {
            host: self.fleet.get_mut(host)?,
            screen: self.screens.get_mut(host.index())?,
            layout: &self.layout,
        })
    }

    /// Whether Esc goes back from a host to the list.
    #[must_use]
    pub fn has_list(&self) -> bool {
        self.has_list
    }

    /// The regions of the host's screen since the last message.
    #[must_use]
    pub fn layout(&self) -> &Regions {
        &self.layout
    }

    /// The regions of the list of hosts since the last message.
    #[must_use]
    pub fn fleet_layout(&self) -> FleetRegions {
        self.fleet_layout
    }

    /// Computes the regions anew. [`update()`] does so after each message.
    pub(crate) fn lay_out(&mut self) {
        self.fleet_layout = fleet::regions(self.area);
        self.layout = match self.shown() {
            Some(shown) => regions(
                Screen {
                    host: shown.host,
                    settings: &self.settings,
                    view: shown.screen.view,
                    has_details: shown.screen.details.is_some(),
                },
                self.area,
            ),
            None => Regions::default(),
        };
    }

    /// What a host's screen is drawn from.
    #[must_use]
    pub fn render_context<'a>(&'a self, shown: Shown<'a>, now: Moment) -> RenderContext<'a> {
        RenderContext {
            host: shown.host,
            settings: &self.settings,
            shown_since: shown.screen.shown_since,
            now,
            theme: self.settings.theme,
        }
    }

    /// What keys act on.
    #[must_use]
    pub fn context(&self) -> Context {
        if self.help.is_some() {
            return Context::Help;
        }
        match self.shown() {
            None => Context::Fleet,
            Some(_) if self.open_dialog().is_some() => Context::Dialog,
            Some(shown) => shown.screen.context(),
        }
    }

    /// The dialog that is open.
    #[must_use]
    pub fn open_dialog(&self) -> Option<&LinkDialog> {
        self.dialog.as_ref().filter(|dialog| !dialog.is_dismissed)
    }

    /// The host that is asked for more than its facts, and what for: what is shown of it, and nothing else.
    #[must_use]
    pub fn subscription(&self) -> Option<(HostId, Subscription)> {
        Some((self.shown?, self.subscription_of(self.shown()?)))
    }

    fn subscription_of(&self, Shown { host, screen }: Shown<'_>) -> Subscription {
        let regions = self.layout;
        let every = &host.config.intervals;
        let watched = host
            .watch
            .as_ref()
            .filter(|watch| screen.details.is_some() && watch.ended.is_none())
            .map(|watch| watch.identity.pid);
        let journal = screen
            .details
            .is_some_and(|details| regions.shows_tab(details, Tab::Journal));
        // The published agent's details tell neither the CPU share nor the end of a process: its list does.
        let listed = watched.is_some() && host.is_published_agent();
        let is_seen = |area: Rect| self.help.is_none() || !help::hides(self.area, area);
        let shows_list = regions
            .processes
            .is_some_and(|table| !screen.list.frozen && is_seen(table.rows));
        Subscription {
            metrics: Some(every.metrics),
            processes: (shows_list || listed).then_some(every.processes),
            fields: placed_columns(&regions, host)
                .into_iter()
                .fold(screen.list.fields(), |fields, placed| {
                    fields | placed.column.row().fields()
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
        let next_second = |since: Instant| {
            let elapsed = now.saturating_duration_since(since);
            now + SECOND.saturating_sub(Duration::from_nanos(elapsed.subsec_nanos().into()))
        };
        let Some(Shown { host, screen }) = self.shown() else {
            let lost = self.fleet.iter().filter_map(|(_, host)| match host.link {
                LinkState::Lost { since, .. } => Some(next_second(since)),
                LinkState::Connecting | LinkState::Connected { .. } => None,
            });
            return lost.min();
        };
        if let LinkState::Lost { since, .. } = host.link {
            return Some(next_second(since));
        }
        let (_, subscription) = self.subscription()?;
        let watch = host.watch.as_ref();
        let arrivals = [
            (subscription.metrics, host.metrics.arrived()),
            (subscription.processes, host.processes.arrived()),
            (subscription.disks, host.disks.arrived()),
            (
                subscription.process.map(|(_, every)| every),
                watch.and_then(|watch| watch.details.arrived()),
            ),
        ];
        arrivals
            .into_iter()
            .filter_map(|(every, arrived)| {
                Some(old_at(screen.shown_since, arrived?.instant, every?))
            })
            // What is old already says for how long.
            .map(|old_at| if old_at > now { old_at } else { now + SECOND })
            .min()
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod fleet_tests;
#[cfg(test)]
pub(crate) mod mouse_tests;
pub mod screens;
#[cfg(test)]
mod tests;
