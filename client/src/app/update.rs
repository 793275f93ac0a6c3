//! Message in, new state and effects out.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Rect;
use socktop_proto::Query;

use super::message::{Effect, Message, Outcome};
use super::operations::{close_details, open_details, refresh, show_list, sort_by};
use super::{App, mouse};
use crate::actions::keymap::action;
use crate::actions::{Action, Context, Tab, View};
use crate::catalog::process::Column;
use crate::link::Event;
use crate::state::Moment;
use crate::text::width::clean;
use crate::view::process_table::placed_columns;
use crate::view::{self, Details};

/// Takes a message.
pub fn update(app: &mut App, message: Message, now: Moment) -> Vec<Effect> {
    let before = (app.screen.view, app.screen.details.is_some());
    let effects = match message {
        Message::Key(event) => key(app, event),
        Message::Mouse(event) => mouse::update(app, event, now),
        Message::Paste(text) if app.context() == Context::Filter => {
            app.screen.list.filter.extend(clean(&text).chars());
            refresh(app);
            vec![Effect::Redraw]
        }
        Message::Paste(_) => Vec::new(),
        Message::Resize(width, height) => {
            app.area = Rect::new(0, 0, width, height);
            // The size may have been another for a moment, and what did not fit into it is gone.
            vec![Effect::Repaint, Effect::Redraw]
        }
        Message::Link(event) => link(app, event, now),
        Message::Tick => vec![Effect::Redraw],
        Message::Signal(number) => vec![Effect::Quit(Outcome::Signal(number))],
    };
    app.lay_out();
    if before != (app.screen.view, app.screen.details.is_some()) {
        app.screen.shown_since = Some(now.instant);
    }
    if !effects.is_empty() {
        clamp_offsets(app, now);
    }
    effects
}

fn link(app: &mut App, event: Event, now: Moment) -> Vec<Effect> {
    let processes = matches!(
        event,
        Event::Reply {
            query: Query::Processes,
            ..
        }
    );
    if processes && app.screen.list.frozen {
        return Vec::new();
    }
    let dropped = app.host.apply(event, now);
    if dropped {
        // What was frozen is gone.
        app.screen.list.frozen = false;
    }
    if processes || dropped {
        refresh(app);
    }
    vec![Effect::Redraw]
}

/// Keeps scroll positions within what there is to scroll.
fn clamp_offsets(app: &mut App, now: Moment) {
    let regions = app.layout;
    if let Some(table) = regions.processes {
        app.screen.list.clamp_offset(usize::from(table.rows.height));
    }
    if let Some(area) = regions.network {
        let end = view::network::last_offset(&app.host, area, regions.density);
        app.screen.network_offset = app.screen.network_offset.min(end);
    }
    if let Some(area) = regions.disks {
        let end = view::disks::last_offset(&app.host, area, regions.density);
        app.screen.disks_offset = app.screen.disks_offset.min(end);
    }
    if let (Some(details), Some(area)) = (app.screen.details, regions.details) {
        let end = view::process_details::last_offset(details, area, app.render_context(now));
        app.screen.details = Some(Details {
            offset: details.offset.min(end),
            ..details
        });
    }
    if let Some(offset) = app.help {
        app.help = Some(offset.min(view::help::last_offset(app.area)));
    }
}

fn key(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let context = app.context();
    if let Some(action) = action(context, event) {
        return perform(app, context, action);
    }
    if context == Context::Filter
        && let KeyCode::Char(character) = event.code
        && !event
            .modifiers
            .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
    {
        app.screen.list.filter.push(character);
        refresh(app);
        return vec![Effect::Redraw];
    }
    Vec::new()
}

fn perform(app: &mut App, context: Context, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit => return vec![Effect::Quit(Outcome::Quit)],
        Action::Retry => return vec![Effect::Retry, Effect::Redraw],
        Action::Repaint => return vec![Effect::Repaint, Effect::Redraw],
        Action::Help => app.help = Some(0),
        Action::Close if context == Context::Help => app.help = None,
        Action::Close => close_details(app),
        Action::Step(rows) => scroll(app, context, &Motion::Rows(rows)),
        Action::Page(pages) => scroll(app, context, &Motion::Pages(pages)),
        Action::First => scroll(app, context, &Motion::First),
        Action::Last => scroll(app, context, &Motion::Last),
        Action::SortBy(column) => sort_by(app, column),
        Action::SortNext(steps) => sort_next(app, steps),
        Action::Invert => sort_by(app, app.screen.list.sort.column),
        Action::Filter => {
            app.screen.list.editing = true;
            show_list(app);
        }
        Action::KeepFilter => app.screen.list.editing = false,
        Action::Clear => {
            if app.screen.list.editing || !app.screen.list.filter.is_empty() {
                app.screen.list.editing = false;
                app.screen.list.filter.clear();
                refresh(app);
            } else {
                app.screen.list.deselect();
            }
        }
        Action::Erase => {
            app.screen.list.filter.pop();
            refresh(app);
        }
        Action::EraseAll => {
            app.screen.list.filter.clear();
            refresh(app);
        }
        Action::Open => open_details(app),
        Action::Freeze => app.screen.list.frozen = !app.screen.list.frozen,
        Action::Show(view) => app.screen.view = view,
        Action::Next(steps) if context == Context::Details => {
            let tab = next_tab(app, steps);
            app.screen.details = Some(Details { tab, offset: 0 });
        }
        Action::Next(steps) => app.screen.view = neighbour(&View::EACH, app.screen.view, steps),
    }
    vec![Effect::Redraw]
}

/// The element `steps` after `current`, around the ends.
fn neighbour<T: Copy + PartialEq>(each: &[T], current: T, steps: isize) -> T {
    let index = each.iter().position(|one| *one == current).unwrap_or(0);
    let forward = if steps < 0 { each.len() - 1 } else { 1 };
    each.get((index + forward) % each.len().max(1))
        .copied()
        .unwrap_or(current)
}

fn next_tab(app: &App, steps: isize) -> Tab {
    let details = app.screen.details.unwrap_or_default();
    let tabs = app.layout.details.map(|area| area.tabs());
    let tabs = tabs.unwrap_or(&Tab::EACH);
    let shown = app.layout.tab_in_front(details);
    neighbour(tabs, shown, steps)
}

enum Motion {
    Rows(isize),
    Pages(isize),
    First,
    Last,
}

impl Motion {
    /// Where a list goes that is at `offset` and shows `visible` rows. The end is found by [`clamp_offsets`].
    fn apply(&self, offset: usize, visible: usize) -> usize {
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

fn scroll(app: &mut App, context: Context, motion: &Motion) {
    let regions = app.layout;
    let height = |area: Option<Rect>| area.map_or(1, |area| usize::from(area.height));
    match (context, app.screen.view) {
        (Context::Help, _) => {
            let offset = app.help.unwrap_or(0);
            app.help = Some(motion.apply(offset, usize::from(app.area.height)));
        }
        (Context::Details, _) => {
            if let (Some(details), Some(area)) = (&mut app.screen.details, regions.details) {
                details.offset = motion.apply(details.offset, usize::from(area.body.height));
            }
        }
        (_, View::Network) => {
            app.screen.network_offset =
                motion.apply(app.screen.network_offset, height(regions.network) / 4);
        }
        (_, View::Disks) => {
            app.screen.disks_offset = motion.apply(app.screen.disks_offset, height(regions.disks));
        }
        _ => {
            let visible = regions
                .processes
                .map_or(1, |table| usize::from(table.rows.height));
            let processes = app.host.processes.value();
            let processes = processes.map_or(&[][..], |sample| &sample.processes);
            match *motion {
                Motion::Rows(rows) => app.screen.list.step(rows, visible, processes),
                Motion::Pages(pages) => {
                    app.screen
                        .list
                        .step(pages * page(visible), visible, processes);
                }
                Motion::First => app.screen.list.select(0, processes),
                Motion::Last => app.screen.list.select(usize::MAX, processes),
            }
        }
    }
}

fn sort_next(app: &mut App, steps: isize) {
    let columns = placed_columns(&app.layout, &app.host);
    let columns: Vec<Column> = columns.iter().map(|placed| placed.column).collect();
    let column = if columns.contains(&app.screen.list.sort.column) {
        neighbour(&columns, app.screen.list.sort.column, steps)
    } else {
        columns.first().copied().unwrap_or(Column::Cpu)
    };
    sort_by(app, column);
}
