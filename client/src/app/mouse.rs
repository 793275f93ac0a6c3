//! The mouse: it sorts, selects, opens, scrolls what is under it and drags scrollbars.

use std::time::{Duration, Instant};

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::message::Effect;
use super::operations::{open_details, open_host, sort_by};
use super::scroll::Motion;
use super::{App, ShownMut};
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
        Context::Help | Context::Fleet | Context::Dialog => None,
        Context::Details => {
            let shown = app.shown()?;
            let (details, region) = (shown.screen.details?, regions.details?);
            let visible = usize::from(region.body.height);
            let context = app.render_context(shown, now);
            Some(Bar {
                area: region.scrollbar,
                total: process_details::last_offset(details, region, context) + visible,
                visible,
                offset: details.offset,
            })
        }
        Context::Host | Context::Filter => {
            let (table, list) = (regions.processes?, &app.shown()?.screen.list);
            Some(Bar {
                area: table.scrollbar,
                total: list.len(),
                visible: usize::from(table.rows.height),
                offset: list.offset,
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
    let (Some(bar), Some(shown)) = (bar(app, regions, now), app.shown_mut()) else {
        return Vec::new();
    };
    let row = usize::from(place.y.saturating_sub(bar.area.y)).saturating_sub(grip);
    let offset = offset_of_thumb(usize::from(bar.area.height), bar.total, bar.visible, row);
    match &mut shown.screen.details {
        Some(details) => details.offset = offset,
        None => shown.screen.list.scroll_to(offset),
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
        Context::Help => app.help = None,
        // It is answered by keys.
        Context::Dialog => return Vec::new(),
        Context::Fleet => {
            let (rows, count) = (app.fleet_layout.rows, app.fleet.len());
            if let Some(host) = app.fleet_screen.click(rows, count, place, now.instant) {
                open_host(app, host);
            }
        }
        Context::Details => {
            let Some(shown) = app.shown_mut() else {
                return Vec::new();
            };
            let (Some(details), Some(region)) = (&mut shown.screen.details, regions.details) else {
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
    let last_click = app.mouse.clicked;
    let Some(mut shown) = app.shown_mut() else {
        return Vec::new();
    };
    if let Some(view) = regions.view_at(place) {
        shown.screen.view = view;
        return vec![Effect::Redraw];
    }
    let Some(table) = regions.processes else {
        return Vec::new();
    };
    if table.head.contains(place) {
        let columns = placed_columns(regions, shown.host);
        let hit = columns.iter().find(|placed| placed.contains(place.x));
        return match hit {
            Some(placed) => {
                sort_by(&mut shown, placed.column);
                vec![Effect::Redraw]
            }
            None => Vec::new(),
        };
    }
    if !table.rows.contains(place) {
        return Vec::new();
    }
    let ShownMut { host, screen, .. } = &mut shown;
    let row = screen.list.offset + usize::from(place.y - table.rows.y);
    if row >= screen.list.len() {
        screen.list.deselect();
        return vec![Effect::Redraw];
    }
    let processes = host.processes.value();
    let processes = processes.map_or(&[][..], |sample| &sample.processes);
    screen.list.select(row, processes);
    let selected = screen.list.selected;
    let again = match (last_click, selected) {
        (Some((process, then)), Some(selected)) => {
            process == selected && now.saturating_duration_since(then) <= DOUBLE_CLICK
        }
        _ => false,
    };
    if again {
        open_details(&mut shown);
    }
    app.mouse.clicked = selected.filter(|_| !again).map(|process| (process, now));
    vec![Effect::Redraw]
}

fn wheel(app: &mut App, regions: &Regions, place: Position, rows: isize) -> Vec<Effect> {
    let within = |area: Option<Rect>| area.is_some_and(|area| area.contains(place));
    match app.context() {
        Context::Help => {
            app.help = app.help.map(|offset| offset.saturating_add_signed(rows));
            return vec![Effect::Redraw];
        }
        Context::Fleet => {
            let visible = usize::from(app.fleet_layout.rows.height);
            app.fleet_screen.step(&Motion::Rows(rows.signum()), visible);
            return vec![Effect::Redraw];
        }
        Context::Dialog => return Vec::new(),
        Context::Host | Context::Filter | Context::Details => {}
    }
    let Some(ShownMut { screen, .. }) = app.shown_mut() else {
        return Vec::new();
    };
    if let Some(details) = &mut screen.details {
        details.offset = details.offset.saturating_add_signed(rows);
    } else if within(regions.processes.map(|table| table.area)) {
        screen.list.scroll(rows);
    } else if within(regions.network) {
        screen.network_offset = screen.network_offset.saturating_add_signed(rows.signum());
    } else if within(regions.disks) {
        screen.disks_offset = screen.disks_offset.saturating_add_signed(rows.signum());
    } else {
        return Vec::new();
    }
    vec![Effect::Redraw]
}
