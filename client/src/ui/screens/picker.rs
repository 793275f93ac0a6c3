//! The choice of a host.
//!
//! ```text
//!  socktop · choose a host
//!
//!  > pi4           wss://pi4.lan:8443/ws
//!    this machine  without an agent and without a port
//!
//!  Enter connect  q quit
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::actions::Context;
use crate::app::screens::picker::Picker;
use crate::config::theme::Theme;
use crate::text::width;
use crate::ui::footer;
use crate::ui::widgets::paint::{put, scrollbar};
use crate::view::picker::rows;

/// What is said to who has no profiles yet.
const NO_PROFILES: [&str; 3] = [
    "There are no saved profiles. To watch another machine, run socktop-agent there, and here:",
    "  ssh HOST sudo socktop-agent pair | socktop add  saves it: socktop NAME",
    "  socktop HOST                                    wss://HOST:8443/ws",
];

/// Draws the screen.
pub fn draw(buffer: &mut Buffer, picker: &Picker, color: bool) {
    let theme = Theme::new(color);
    let area = buffer.area;
    let rows = rows(area);
    if rows.y > area.y {
        let title = vec![
            Span::styled(" socktop", theme.strong()),
            Span::styled(" · choose a host", theme.quiet()),
        ];
        put(buffer, area, 0, title);
        let last = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        };
        put(
            buffer,
            last,
            0,
            footer::keys(Context::Picker, last.width, false, theme),
        );
    }
    let names = picker
        .entries
        .iter()
        .map(|entry| width::width(&width::clean(&entry.name)));
    let width = names.max().unwrap_or(0).min(usize::from(area.width) / 2);
    let visible = usize::from(rows.height);
    let shown = picker.entries.iter().enumerate().skip(picker.offset);
    for (row, (index, entry)) in shown.take(visible).enumerate() {
        let line = vec![
            Span::styled(
                format!("  {}  ", width::left(&entry.name, width)),
                theme.strong(),
            ),
            Span::styled(width::clean(&entry.detail).into_owned(), theme.quiet()),
        ];
        put(buffer, rows, row, line);
        if index == picker.selected {
            let place = Rect {
                y: rows.y + u16::try_from(row).unwrap_or(0),
                height: 1,
                ..rows
            };
            buffer.set_style(place.intersection(buffer.area), theme.selected());
        }
    }
    if !picker.entries.iter().any(|entry| entry.saved) {
        let mut row = picker.entries.len() + 1;
        for note in NO_PROFILES {
            for line in width::wrap(note, usize::from(rows.width.saturating_sub(4))) {
                put(
                    buffer,
                    rows,
                    row,
                    Span::styled(format!("  {line}"), theme.quiet()),
                );
                row += 1;
            }
        }
    }
    let track = Rect {
        x: rows.right().saturating_sub(1),
        width: rows.width.min(1),
        ..rows
    };
    let total = picker.entries.len();
    scrollbar(buffer, track, total, visible, picker.offset, theme);
}
