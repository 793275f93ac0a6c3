//! The mouse: it sorts, selects, opens, scrolls what is under it and drags scrollbars.

use std::time::{Duration, Instant};

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::App;
use super::message::Effect;
use super::operations::{open_details, sort_by};
use crate::actions::Context;
use crate::state::{Identity, Moment};
use crate::view::process_details;
use crate::view::process_table::placed_columns;
use crate::view::regions::Regions;
use crate::view::scroll::{offset_of_thumb, thumb};

/// Two clicks within this time are one double click.
pub(super) const DOUBLE_CLICK: Duration = Duration::from_millis(400);

/// Rows that one notch of the wheel scrolls.
const NOTCH: isize = 3;

/// What the next event's meaning depends on.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// How far below its upper end the thumb of a scrollbar was taken.
    grip: Option<usize>,
    /// The process that was clicked last, and when.
    clicked: Option<(Identity, Instant)>,
}

/// A scrollbar on the screen.
struct Bar {
    area: Rect,
    total: usize,
    visible: usize,
    offset: usize,
}

/// Takes an event.
pub(super) fn update(app: &mut App, event: MouseEvent, now: Moment) -> Vec<Effect> {
    let place = Position::new(event.column, event.row);
    let regions = app.layout;
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => press(app, &regions, place, now),
        MouseEventKind::Drag(MouseButton::Left) => match app.mouse.grip {
            Some(grip) => drag(app, &regions, place, grip, now),
            None => Vec::new(),
        },
        MouseEventKind::Up(MouseButton::Left) => {
            app.mouse.grip = None;
            Vec::new()
        }
        MouseEventKind::ScrollUp => wheel(app, &regions, place, -NOTCH),
        MouseEventKind::ScrollDown => wheel(app, &regions, place, NOTCH),
        _ => Vec::new(),
    }
}

/// The scrollbar of what is in front.
fn bar(app: &App, regions: &Regions, now: Moment) -> Option<Bar> {
    match app.context() {
        Context::Help | Context::Picker => None,
        Context::Details => {
            let (details, region) = (app.screen.details?, regions.details?);
            let visible = usize::from(region.body.height);
            Some(Bar {
                area: region.scrollbar,
                total: process_details::last_offset(details, region, app.render_context(now))
                    + visible,
                visible,
                offset: details.offset,
            })
        }
        Context::Host | Context::Filter => {
            let table = regions.processes?;
            Some(Bar {
                area: table.scrollbar,
                total: app.screen.list.len(),
                visible: usize::from(table.rows.height),
                offset: app.screen.list.offset,
            })
        }
    }
}

fn drag(
    app: &mut App,
    regions: &Regions,
    place: Position,
    grip: usize,
    now: Moment,
) -> Vec<Effect> {
    let Some(bar) = bar(app, regions, now) else {
        return Vec::new();
    };
    let row = usize::from(place.y.saturating_sub(bar.area.y)).saturating_sub(grip);
    let offset = offset_of_thumb(usize::from(bar.area.height), bar.total, bar.visible, row);
    match &mut app.screen.details {
        Some(details) => details.offset = offset,
        None => app.screen.list.scroll_to(offset),
    }
    vec![Effect::Redraw]
}

fn press(app: &mut App, regions: &Regions, place: Position, now: Moment) -> Vec<Effect> {
    if let Some(bar) = bar(app, regions, now)
        && bar.area.contains(place)
        && let Some((start, length)) = thumb(
            usize::from(bar.area.height),
            bar.total,
            bar.visible,
            bar.offset,
        )
    {
        let row = usize::from(place.y - bar.area.y);
        let on_thumb = (start..start + length).contains(&row);
        // A click beside the thumb brings its middle there.
        let grip = if on_thumb { row - start } else { length / 2 };
        app.mouse.grip = Some(grip);
        return if on_thumb {
            Vec::new()
        } else {
            drag(app, regions, place, grip, now)
        };
    }
    match app.context() {
        Context::Help | Context::Picker => app.help = None,
        Context::Details => {
            let (Some(details), Some(region)) = (&mut app.screen.details, regions.details) else {
                return Vec::new();
            };
            let Some(tab) = region.tab_at(place) else {
                return Vec::new();
            };
            details.tab = tab;
            details.offset = 0;
        }
        Context::Host | Context::Filter => return press_on_host(app, regions, place, now.instant),
    }
    vec![Effect::Redraw]
}

fn press_on_host(app: &mut App, regions: &Regions, place: Position, now: Instant) -> Vec<Effect> {
    if let Some(view) = regions.view_at(place) {
        app.screen.view = view;
        return vec![Effect::Redraw];
    }
    let Some(table) = regions.processes else {
        return Vec::new();
    };
    if table.head.contains(place) {
        let columns = placed_columns(regions, &app.host);
        let hit = columns.iter().find(|placed| placed.contains(place.x));
        return match hit {
            Some(placed) => {
                sort_by(app, placed.column);
                vec![Effect::Redraw]
            }
            None => Vec::new(),
        };
    }
    if !table.rows.contains(place) {
        return Vec::new();
    }
    let row = app.screen.list.offset + usize::from(place.y - table.rows.y);
    if row >= app.screen.list.len() {
        app.screen.list.deselect();
        return vec![Effect::Redraw];
    }
    let processes = app.host.processes.value();
    app.screen
        .list
        .select(row, processes.map_or(&[][..], |sample| &sample.processes));
    let again = match (app.mouse.clicked, app.screen.list.selected) {
        (Some((process, then)), Some(selected)) => {
            process == selected && now.saturating_duration_since(then) <= DOUBLE_CLICK
        }
        _ => false,
    };
    if again {
        app.mouse.clicked = None;
        open_details(app);
    } else {
        app.mouse.clicked = app.screen.list.selected.map(|process| (process, now));
    }
    vec![Effect::Redraw]
}

fn wheel(app: &mut App, regions: &Regions, place: Position, rows: isize) -> Vec<Effect> {
    let within = |area: Option<Rect>| area.is_some_and(|area| area.contains(place));
    if let Some(offset) = app.help {
        app.help = Some(offset.saturating_add_signed(rows));
    } else if let Some(details) = &mut app.screen.details {
        details.offset = details.offset.saturating_add_signed(rows);
    } else if within(regions.processes.map(|table| table.area)) {
        app.screen.list.scroll(rows);
    } else if within(regions.network) {
        app.screen.network_offset = app
            .screen
            .network_offset
            .saturating_add_signed(rows.signum());
    } else if within(regions.disks) {
        app.screen.disks_offset = app.screen.disks_offset.saturating_add_signed(rows.signum());
    } else {
        return Vec::new();
    }
    vec![Effect::Redraw]
}
