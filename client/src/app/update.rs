//! Message in, new state and effects out.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Rect;
use socktop_proto::Query;
use strum::VariantArray;

use super::message::{Effect, Message, Outcome};
use super::operations::{
    close_details, leave_host, open_details, open_host, refresh, show_list, sort_by,
};
use super::scroll::{Motion, clamp, scroll};
use super::{App, LinkDialog, ShownMut, mouse};
use crate::actions::keymap::action;
use crate::actions::{Action, Context, Tab, View};
use crate::catalog::process::Column;
use crate::link::Event;
use crate::source::HostId;
use crate::state::Moment;
use crate::text::width::clean;
use crate::view::Details;
use crate::view::process_table::placed_columns;

/// Takes a message.
pub fn update(app: &mut App, message: Message, now: Moment) -> Vec<Effect> {
    let before = shown_part(app);
    let effects = match message {
        Message::Key(event) => key(app, event, now),
        Message::Mouse(event) => mouse::update(app, event, now),
        Message::Paste(text) => type_text(app, &text),
        Message::Resize(width, height) => {
            app.area = Rect::new(0, 0, width, height);
            // The size may have been another for a moment, and what did not fit into it is gone.
            vec![Effect::Repaint, Effect::Redraw]
        }
        Message::Link(host, event) => link(app, host, event, now),
        Message::AnswerFailed(host, error) => answer_failed(app, host, error),
        Message::Tick => vec![Effect::Redraw],
        Message::Signal(number) => vec![Effect::Quit(Outcome::Signal(number))],
    };
    raise_dialog(app);
    app.lay_out();
    if before != shown_part(app)
        && let Some(shown) = app.shown_mut()
    {
        shown.screen.shown_since = Some(now.instant);
    }
    if !effects.is_empty() {
        clamp(app, now);
    }
    effects
}

/// The host that is shown, and what of it.
fn shown_part(app: &App) -> Option<(HostId, View, bool)> {
    let screen = app.shown()?.screen;
    Some((app.shown?, screen.view, screen.details.is_some()))
}

fn link(app: &mut App, host: HostId, event: Event, now: Moment) -> Vec<Effect> {
    let is_shown = app.shown == Some(host);
    let is_state = matches!(event, Event::State(_));
    let processes = matches!(
        event,
        Event::Reply {
            query: Query::Processes,
            ..
        }
    );
    let Some(mut shown) = app.screen_of(host) else {
        return Vec::new();
    };
    if processes && shown.screen.list.frozen {
        return Vec::new();
    }
    let dropped = shown.host.apply(event, now);
    if dropped {
        // What was frozen is gone.
        shown.screen.list.frozen = false;
    }
    if processes || dropped {
        refresh(&mut shown);
    }
    // Of another host than the one that is shown, the list of hosts shows the state of its link.
    if is_shown || (app.shown.is_none() && is_state) {
        vec![Effect::Redraw]
    } else {
        Vec::new()
    }
}

/// Opens the dialog for the question of the shown host's link, unless the user is typing or reading something else, and
/// closes it when there is no question any more. While the question stays the same, so does the dialog.
fn raise_dialog(app: &mut App) {
    let question = app.shown().and_then(|shown| shown.host.question());
    let is_current = |dialog: &LinkDialog| Some(dialog.question) == question;
    if app.dialog.as_ref().is_some_and(is_current) {
        return;
    }
    app.dialog = None;
    if app.context() == Context::Host {
        app.dialog = question.map(LinkDialog::new);
    }
}

fn answer_failed(app: &mut App, host: HostId, error: String) -> Vec<Effect> {
    match &mut app.dialog {
        Some(dialog) if app.shown == Some(host) => {
            dialog.fault = Some(error);
            vec![Effect::Redraw]
        }
        _ => Vec::new(),
    }
}

fn key(app: &mut App, event: KeyEvent, now: Moment) -> Vec<Effect> {
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let context = app.context();
    if let Some(action) = action(context, event) {
        return perform(app, context, action, now);
    }
    match event.code {
        KeyCode::Char(character)
            if !event
                .modifiers
                .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) =>
        {
            type_text(app, character.encode_utf8(&mut [0; 4]))
        }
        _ => Vec::new(),
    }
}

/// Appends what is typed or pasted to what is edited.
fn type_text(app: &mut App, text: &str) -> Vec<Effect> {
    match app.context() {
        Context::Dialog => {
            if let Some(dialog) = &mut app.dialog {
                dialog.type_text(text);
            }
        }
        Context::Filter => {
            if let Some(mut shown) = app.shown_mut() {
                shown.screen.list.filter.extend(clean(text).chars());
                refresh(&mut shown);
            }
        }
        Context::Fleet | Context::Host | Context::Details | Context::Help => return Vec::new(),
    }
    vec![Effect::Redraw]
}

fn perform(app: &mut App, context: Context, action: Action, now: Moment) -> Vec<Effect> {
    let scrolled = match action {
        Action::Step(rows) => Some(Motion::Rows(rows)),
        Action::Page(pages) => Some(Motion::Pages(pages)),
        Action::First => Some(Motion::First),
        Action::Last => Some(Motion::Last),
        _ => None,
    };
    if let Some(motion) = scrolled {
        scroll(app, context, &motion);
        return vec![Effect::Redraw];
    }
    match (context, action) {
        (_, Action::Quit) => return vec![Effect::Quit(Outcome::Quit)],
        (_, Action::Repaint) => return vec![Effect::Repaint, Effect::Redraw],
        (_, Action::Help) => app.help = Some(0),
        (Context::Help, Action::Close) => app.help = None,
        (Context::Fleet, action) => return perform_in_list(app, action),
        (Context::Dialog, action) => return perform_in_dialog(app, action),
        (_, Action::Retry) => {
            let retry = app.shown.map(Effect::Retry);
            return retry.into_iter().chain([Effect::Redraw]).collect();
        }
        (Context::Host, Action::Clear)
            if app.has_list && app.shown().is_some_and(|it| !it.screen.is_clearable()) =>
        {
            leave_host(app, now.instant);
        }
        (context, action) => {
            if let Some(mut shown) = app.shown_mut() {
                perform_on_host(&mut shown, context, action);
            }
        }
    }
    vec![Effect::Redraw]
}

fn perform_in_list(app: &mut App, action: Action) -> Vec<Effect> {
    let selected = HostId::new(app.fleet_screen.selected);
    match action {
        Action::Open => open_host(app, selected),
        Action::Retry if app.fleet.get(selected).is_some() => {
            return vec![Effect::Retry(selected), Effect::Redraw];
        }
        _ => {}
    }
    vec![Effect::Redraw]
}

fn perform_in_dialog(app: &mut App, action: Action) -> Vec<Effect> {
    let mut effects = vec![Effect::Redraw];
    if let (Some(dialog), Some(host)) = (&mut app.dialog, app.shown) {
        match action {
            Action::Open => effects.extend(dialog.submit(host)),
            Action::Close => dialog.is_dismissed = true,
            Action::Erase => {
                dialog.input.pop();
            }
            Action::EraseAll => dialog.input.clear(),
            _ => {}
        }
    }
    effects
}

fn perform_on_host(shown: &mut ShownMut<'_>, context: Context, action: Action) {
    match action {
        Action::Close => close_details(shown),
        Action::SortBy(column) => sort_by(shown, column),
        Action::SortNext(steps) => sort_next(shown, steps),
        Action::Invert => sort_by(shown, shown.screen.list.sort.column),
        Action::Filter => {
            shown.screen.list.editing = true;
            show_list(shown);
        }
        Action::KeepFilter => shown.screen.list.editing = false,
        Action::Clear => {
            let list = &mut shown.screen.list;
            if list.editing || !list.filter.is_empty() {
                list.editing = false;
                list.filter.clear();
                refresh(shown);
            } else {
                list.deselect();
            }
        }
        Action::Erase => {
            shown.screen.list.filter.pop();
            refresh(shown);
        }
        Action::EraseAll => {
            shown.screen.list.filter.clear();
            refresh(shown);
        }
        Action::Open => open_details(shown),
        Action::Freeze => shown.screen.list.frozen = !shown.screen.list.frozen,
        Action::Show(view) => shown.screen.view = view,
        Action::Next(steps) if context == Context::Details => {
            let tab = next_tab(shown, steps);
            shown.screen.details = Some(Details { tab, offset: 0 });
        }
        Action::Next(steps) => {
            shown.screen.view = neighbour(View::VARIANTS, shown.screen.view, steps);
        }
        // Those of every screen are done before.
        Action::Quit
        | Action::Help
        | Action::Repaint
        | Action::Retry
        | Action::Step(_)
        | Action::Page(_)
        | Action::First
        | Action::Last => {}
    }
}

/// The element `steps` after `current`, around the ends.
fn neighbour<T: Copy + PartialEq>(each: &[T], current: T, steps: isize) -> T {
    let index = each.iter().position(|one| *one == current).unwrap_or(0);
    let forward = if steps < 0 { each.len() - 1 } else { 1 };
    each.get((index + forward) % each.len().max(1))
        .copied()
        .unwrap_or(current)
}

fn next_tab(shown: &ShownMut<'_>, steps: isize) -> Tab {
    let details = shown.screen.details.unwrap_or_default();
    let tabs = shown.layout.details.map(|area| area.tabs());
    let tabs = tabs.unwrap_or(Tab::VARIANTS);
    neighbour(tabs, shown.layout.tab_in_front(details), steps)
}

fn sort_next(shown: &mut ShownMut<'_>, steps: isize) {
    let columns = placed_columns(shown.layout, shown.host);
    let columns: Vec<Column> = columns.iter().map(|placed| placed.column).collect();
    let current = shown.screen.list.sort.column;
    let column = if columns.contains(&current) {
        neighbour(&columns, current, steps)
    } else {
        columns.first().copied().unwrap_or(Column::Cpu)
    };
    sort_by(shown, column);
}
