//! Scrolling: where a list goes, and how far it can.

use ratatui::layout::Rect;

use super::{App, ShownMut};
use crate::actions::{Context, View};
use crate::state::Moment;
use crate::view;

/// Where to scroll.
#[derive(Debug)]
pub(super) enum Motion {
    Rows(isize),
    Pages(isize),
    First,
    Last,
}

impl Motion {
    /// Where a list goes that is at `offset` and shows `visible` rows. The end is found by [`clamp`].
    pub(super) fn apply(&self, offset: usize, visible: usize) -> usize {
        match self {
            Self::Rows(rows) => offset.saturating_add_signed(*rows),
            Self::Pages(pages) => offset.saturating_add_signed(pages * page(visible)),
            Self::First => 0,
            Self::Last => usize::MAX / 2,
        }
    }
}

/// One row less than what is seen, to keep the eye on it.
fn page(visible: usize) -> isize {
    isize::try_from(visible.saturating_sub(1).max(1)).unwrap_or(1)
}

/// Scrolls what keys act on in `context`.
pub(super) fn scroll(app: &mut App, context: Context, motion: &Motion) {
    match context {
        Context::Help => {
            let offset = app.help.unwrap_or(0);
            app.help = Some(motion.apply(offset, usize::from(app.area.height)));
        }
        Context::Fleet => {
            let visible = usize::from(app.fleet_layout.rows.height);
            app.fleet_screen.step(motion, visible);
        }
        Context::Dialog => {}
        Context::Details => {
            if let Some(ShownMut { screen, layout, .. }) = app.shown_mut()
                && let (Some(details), Some(area)) = (&mut screen.details, layout.details)
            {
                details.offset = motion.apply(details.offset, usize::from(area.body.height));
            }
        }
        Context::Host | Context::Filter => {
            if let Some(shown) = app.shown_mut() {
                scroll_host(shown, motion);
            }
        }
    }
}

fn scroll_host(shown: ShownMut<'_>, motion: &Motion) {
    let ShownMut {
        host,
        screen,
        layout,
    } = shown;
    let height = |area: Option<Rect>| area.map_or(1, |area| usize::from(area.height));
    match screen.view {
        View::Network => {
            screen.network_offset = motion.apply(screen.network_offset, height(layout.network) / 4);
        }
        View::Disks => {
            screen.disks_offset = motion.apply(screen.disks_offset, height(layout.disks));
        }
        View::All | View::Cpu | View::Processes => {
            let visible = height(layout.processes.map(|table| table.rows));
            let processes = host.processes.value();
            let processes = processes.map_or(&[][..], |sample| &sample.processes);
            match *motion {
                Motion::Rows(rows) => screen.list.step(rows, visible, processes),
                Motion::Pages(pages) => {
                    let rows = pages * page(visible);
                    screen.list.step(rows, visible, processes);
                }
                Motion::First => screen.list.select(0, processes),
                Motion::Last => screen.list.select(usize::MAX, processes),
            }
        }
    }
}

/// Keeps scroll positions and selections within what there is.
pub(super) fn clamp(app: &mut App, now: Moment) {
    if let Some(offset) = app.help {
        app.help = Some(offset.min(view::help::last_offset(app.area)));
    }
    let visible = usize::from(app.fleet_layout.rows.height);
    app.fleet_screen.clamp(app.fleet.len(), visible);
    let details_end = details_end(app, now);
    let Some(ShownMut {
        host,
        screen,
        layout,
    }) = app.shown_mut()
    else {
        return;
    };
    if let Some(table) = layout.processes {
        screen.list.clamp_offset(usize::from(table.rows.height));
    }
    if let Some(area) = layout.network {
        let end = view::network::last_offset(host, area, layout.density);
        screen.network_offset = screen.network_offset.min(end);
    }
    if let Some(area) = layout.disks {
        let end = view::disks::last_offset(host, area, layout.density);
        screen.disks_offset = screen.disks_offset.min(end);
    }
    if let (Some(details), Some(end)) = (&mut screen.details, details_end) {
        details.offset = details.offset.min(end);
    }
}

/// The last scroll position of the process in detail.
fn details_end(app: &App, now: Moment) -> Option<usize> {
    let shown = app.shown()?;
    let (details, area) = (shown.screen.details?, app.layout.details?);
    let context = app.render_context(shown, now);
    Some(view::process_details::last_offset(details, area, context))
}
