//! One process in detail: its tabs, and their lines.

mod facts;
mod journal;
mod lists;

use ratatui::text::Line;

use super::regions::DetailsArea;
use super::{Details, RenderContext, Settings, nothing_yet};
use crate::actions::Tab;
use crate::state::{HostState, Watch};
use facts::facts;
use journal::journal;
use lists::{all_children, all_threads, children, threads};

/// The title of a tab.
#[must_use]
pub fn tab_title(tab: Tab, watch: Option<&Watch>) -> String {
    let details = watch.and_then(|watch| watch.details.value());
    let count = |count: Option<usize>| count.map_or_else(String::new, |count| format!(" {count}"));
    match tab {
        Tab::Facts => "Facts".to_owned(),
        Tab::Threads => format!("Threads{}", count(details.map(all_threads))),
        Tab::Children => format!("Children{}", count(details.map(all_children))),
        Tab::Journal => "Journal".to_owned(),
    }
}

/// The largest scroll position.
#[must_use]
pub fn last_offset(shown: Details, area: DetailsArea, context: RenderContext<'_>) -> usize {
    let Some(watch) = &context.host.watch else {
        return 0;
    };
    let lines = lines(area.front(shown.tab), area.body.width, watch, context).len();
    lines.saturating_sub(usize::from(area.body.height))
}

/// Rows that the facts need in a pane of that width.
#[must_use]
pub fn facts_rows(host: &HostState, settings: &Settings, width: u16) -> usize {
    let watch = host.watch.as_ref();
    let Some((watch, sample)) = watch.and_then(|it| Some((it, it.details.sample.as_ref()?))) else {
        return 0;
    };
    // Neither colours nor the time have a part in it.
    let context = RenderContext {
        host,
        settings,
        shown_since: None,
        now: sample.arrived,
        theme: settings.theme,
    };
    let details = sample.value();
    details.map_or(0, |details| facts(details, watch, width, context).len())
}

/// The lines of a tab in a pane of that width.
#[must_use]
pub fn lines(
    tab: Tab,
    width: u16,
    watch: &Watch,
    context: RenderContext<'_>,
) -> Vec<Line<'static>> {
    let Some(details) = watch.details.value() else {
        if tab == Tab::Journal {
            return journal(watch, width, context);
        }
        let words = if watch.ended.is_some() {
            "the process ended before it told anything".to_owned()
        } else {
            nothing_yet(&watch.details)
        };
        return vec![Line::styled(words, context.theme.quiet())];
    };
    match tab {
        Tab::Facts => facts(details, watch, width, context),
        Tab::Threads => threads(details, width, context),
        Tab::Children => children(details, width, context),
        Tab::Journal => journal(watch, width, context),
    }
}
