//! The last row: what keys do here, and the views. While the filter is typed, the filter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::actions::keymap::{Key, bindings};
use crate::actions::{Action, Context};
use crate::app::{App, Shown};
use crate::config::theme::Theme;
use crate::text::width;
use crate::ui::widgets::paint::put;
use crate::view::footer::views;

/// Draws the row.
pub fn draw(buffer: &mut Buffer, line: Rect, app: &App, shown: Shown<'_>, theme: Theme) {
    let context = app.context();
    let screen = shown.screen;
    let mut room = line;
    if matches!(context, Context::Host | Context::Filter) {
        for name in views(line) {
            let is_current = screen.view == name.view;
            let style = if is_current {
                theme.selected()
            } else {
                theme.quiet()
            };
            put(
                buffer,
                name.area,
                0,
                vec![
                    Span::styled(
                        format!(" {}", name.key),
                        if is_current { style } else { theme.accent() },
                    ),
                    Span::styled(format!(" {} ", name.name), style),
                ],
            );
            room.width = room.width.min(name.area.x - line.x);
        }
    }
    if context == Context::Filter {
        let typed = vec![
            Span::styled(" filter: ", theme.accent()),
            Span::raw(width::clean(&screen.list.filter)),
            Span::styled(" ", theme.selected()),
        ];
        let width: usize = typed.iter().map(|span| width::width(&span.content)).sum();
        put(buffer, room, 0, typed);
        let width = u16::try_from(width).unwrap_or(u16::MAX).min(room.width);
        room.x += width;
        room.width -= width;
    }
    let clear = if screen.is_clearable() {
        Some("clear")
    } else {
        app.has_list().then_some("hosts")
    };
    put(buffer, room, 0, keys(context, room.width, clear, theme));
}

/// What keys do in `context`, as many as fit in `room`; `clear` is what [`Action::Clear`] does on a host's screen, if anything.
#[must_use]
pub fn keys(
    context: Context,
    room: u16,
    clear: Option<&'static str>,
    theme: Theme,
) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut width = 0;
    for binding in bindings(context) {
        let hint = match binding.action {
            Action::Show(_) => "",
            Action::Clear if context == Context::Host => clear.unwrap_or_default(),
            _ => binding.hint,
        };
        if hint.is_empty() {
            continue;
        }
        let Some(key) = binding.keys.first().map(Key::name) else {
            continue;
        };
        width += width::width(&key) + width::width(hint) + 3;
        if width > usize::from(room) {
            break;
        }
        spans.push(Span::styled(format!(" {key}"), theme.accent()));
        spans.push(Span::styled(format!(" {hint} "), theme.quiet()));
    }
    spans
}
