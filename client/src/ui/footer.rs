//! The last row: what keys do here, and the views. While the filter is typed, the filter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::app::{Action, App, Context, Key, View, bindings};
use crate::config::theme::Theme;
use crate::text::width;
use crate::ui::widgets::paint::put;

/// A view's name in the line of hints.
#[derive(Debug)]
pub struct ViewName {
    /// Which view.
    pub view: View,
    /// Where it is.
    pub area: Rect,
    key: String,
    name: &'static str,
}

/// The views' names, at the right end of the line as far as they leave half of it.
#[must_use]
pub fn views(line: Rect) -> Vec<ViewName> {
    let named: Vec<(View, String, &'static str)> = bindings(Context::Host)
        .filter_map(|binding| match binding.action {
            Action::Show(view) => Some((view, binding.keys.first().map(Key::name)?, binding.hint)),
            _ => None,
        })
        .collect();
    let width_of = |key: &str, name: &str| {
        u16::try_from(width::width(key) + width::width(name) + 3).unwrap_or(u16::MAX)
    };
    let whole: u16 = named.iter().map(|(_, key, name)| width_of(key, name)).sum();
    if line.height == 0 || whole > line.width / 5 * 3 {
        return Vec::new();
    }
    let mut x = line.right() - whole;
    named
        .into_iter()
        .map(|(view, key, name)| {
            let width = width_of(&key, name);
            let area = Rect { x, width, ..line };
            x += width;
            ViewName {
                view,
                area,
                key,
                name,
            }
        })
        .collect()
}

/// Draws the row.
pub fn draw(buffer: &mut Buffer, line: Rect, app: &App, theme: Theme) {
    let context = app.context();
    let mut room = line;
    if matches!(context, Context::Host | Context::Filter) {
        for name in views(line) {
            let shown = app.view == name.view;
            let style = if shown {
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
                        if shown { style } else { theme.accent() },
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
            Span::raw(width::clean(&app.list.filter)),
            Span::styled(" ", theme.selected()),
        ];
        let width: usize = typed.iter().map(|span| width::width(&span.content)).sum();
        put(buffer, room, 0, typed);
        let width = u16::try_from(width).unwrap_or(u16::MAX).min(room.width);
        room.x += width;
        room.width -= width;
    }
    let clearable = !app.list.filter.is_empty() || app.list.selected.is_some();
    put(buffer, room, 0, keys(context, room.width, clearable, theme));
}

/// What keys do in `context`, as many as fit in `room`; what would clear nothing is left out.
#[must_use]
pub fn keys(context: Context, room: u16, clearable: bool, theme: Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut width = 0;
    for binding in bindings(context) {
        let idle = binding.action == Action::Clear && context == Context::Host && !clearable;
        if binding.hint.is_empty() || idle || matches!(binding.action, Action::Show(_)) {
            continue;
        }
        let Some(key) = binding.keys.first().map(Key::name) else {
            continue;
        };
        width += width::width(&key) + width::width(binding.hint) + 3;
        if width > usize::from(room) {
            break;
        }
        spans.push(Span::styled(format!(" {key}"), theme.accent()));
        spans.push(Span::styled(format!(" {} ", binding.hint), theme.quiet()));
    }
    spans
}
