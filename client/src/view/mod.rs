//! Geometry, and the text whose length decides over scrolling; neither an application nor a terminal.

pub mod disks;
pub mod fleet;
pub mod footer;
pub mod help;
pub mod layout;
pub mod link_dialog;
pub mod network;

pub mod process_details;
pub mod process_table;
pub mod regions;
pub mod scroll;
pub mod sparkline;

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use ratatui::text::Span;

use crate::actions::Tab;
use crate::config::theme::Theme;
use crate::link::LinkState;
use crate::state::{HostState, Moment, Part};
use crate::text::{format, width};

/// What is said of things that `socktop_agent` 1.60 has no words for.
pub const NOT_TOLD: &str = "socktop_agent 1.60 does not tell";

/// The same in fewer columns.
pub const NOT_TOLD_SHORT: &str = "agent 1.60 does not tell";

/// What holds for every screen.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether the layout for small terminals is used on large ones too.
    pub compact: bool,
    /// The styles.
    pub theme: Theme,
    /// The zone that times are shown in.
    pub time_zone: TimeZone,
}

/// The dialog of one process in detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Details {
    /// The section that is shown, beside the facts where there is room.
    pub tab: Tab,
    /// Its first line that is seen.
    pub offset: usize,
}

/// What everything is drawn from: a host, the user's settings, and the time.
#[derive(Debug, Clone, Copy)]
pub struct RenderContext<'a> {
    /// What is known of the host.
    pub host: &'a HostState,
    /// What holds for every screen.
    pub settings: &'a Settings,
    /// When what is shown was last changed: older samples could not be newer.
    pub shown_since: Option<Instant>,
    /// The time.
    pub now: Moment,
    /// Styles.
    pub theme: Theme,
}

impl RenderContext<'_> {
    /// Whether a sample that arrived then, and is asked for `every` so often, is old.
    #[must_use]
    pub fn is_old(&self, arrived: Moment, every: Duration) -> bool {
        matches!(self.host.link, LinkState::Lost { .. })
            || self.now.instant >= old_at(self.shown_since, arrived.instant, every)
    }
}

/// When a sample that arrived then, and is asked for `every` so often, counts as old. `shown_since` as in
/// [`RenderContext`].
#[must_use]
pub fn old_at(shown_since: Option<Instant>, arrived: Instant, every: Duration) -> Instant {
    let newest = shown_since.map_or(arrived, |shown| shown.max(arrived));
    newest + every.saturating_mul(3) + Duration::from_secs(1)
}

/// What a pane's title says beside its name: what went wrong, for how long the numbers are old, or that the host sent some
/// that cannot be.
#[must_use]
pub fn remark<T>(
    context: RenderContext<'_>,
    part: &Part<T>,
    every: Duration,
) -> Option<Span<'static>> {
    if let Some(error) = &part.error {
        let error = width::clean(error).into_owned();
        return Some(Span::styled(error, context.theme.bad()));
    }
    match &part.sample {
        Some(sample) if context.is_old(sample.arrived, every) => {
            let age = format::span(context.now.since(sample.arrived.instant));
            Some(Span::styled(format!("{age} old"), context.theme.bad()))
        }
        Some(_) => {
            let words = part.impossible.words()?;
            Some(Span::styled(words, context.theme.bad()))
        }
        None => None,
    }
}

/// What an empty pane says.
#[must_use]
pub fn nothing_yet<T>(part: &Part<T>) -> String {
    match &part.error {
        Some(error) => width::clean(error).into_owned(),
        None => "waiting for the first sample".to_owned(),
    }
}
