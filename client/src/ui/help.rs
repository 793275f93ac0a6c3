//! Draws the help over what is there.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::{Clear, Widget};

use crate::config::theme::Theme;
use crate::ui::widgets::paint::{padded, pane, put, scrollbar};
use crate::view::help::{LEFT, columns, inner, last_offset, place};

/// Draws the box over what is there.
pub fn draw(buffer: &mut Buffer, offset: usize, theme: Theme) {
    let screen = buffer.area;
    let area = place(screen);
    Clear.render(area, buffer);
    let title = vec![Span::styled("Help", theme.strong())];
    let remark = Some(Span::styled("Esc closes", theme.quiet()));
    let within = padded(pane(buffer, area, true, title, remark, theme), true);
    let (width, visible) = inner(screen);
    let last = last_offset(screen);
    let offset = offset.min(last);
    for (column, lines) in columns(width, theme).into_iter().enumerate() {
        let shift = if column == 0 {
            0
        } else {
            LEFT.min(within.width)
        };
        let text = Rect {
            x: within.x + shift,
            width: within.width - shift,
            ..within
        };
        Clear.render(text.intersection(buffer.area), buffer);
        for (row, line) in lines.into_iter().skip(offset).take(visible).enumerate() {
            put(buffer, text, row, line);
        }
    }
    let track = Rect {
        x: area.right().saturating_sub(1),
        width: 1,
        ..within
    };
    scrollbar(buffer, track, last + visible, visible, offset, theme);
}
