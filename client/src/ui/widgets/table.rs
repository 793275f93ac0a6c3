//! The rows of tables: cells that keep to their columns, headings with the mark of what a table is sorted by, and the
//! selected row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::paint::put;
use crate::catalog::Align;
use crate::config::theme::Theme;
use crate::text::width;

/// The content of a column in one row.
#[derive(Debug, Clone)]
pub struct Cell<'a> {
    gap: u16,
    width: u16,
    content: Line<'a>,
}

impl<'a> Cell<'a> {
    /// A text, shortened where it does not fit in `width`.
    #[must_use]
    pub fn text(width: u16, align: Align, text: &str, style: Style) -> Self {
        let columns = usize::from(width);
        let text = match align {
            Align::Left => width::left(text, columns),
            Align::Right => width::right(text, columns),
        };
        Self::spans(width, [Span::styled(text, style)])
    }

    /// Parts of several styles, cut off where they do not fit in `width`.
    #[must_use]
    pub fn spans(width: u16, spans: impl IntoIterator<Item = Span<'a>>) -> Self {
        Self {
            gap: 0,
            width,
            content: spans.into_iter().collect(),
        }
    }

    /// A heading, with an arrow if the table is sorted by this column; `descending` is the direction.
    #[must_use]
    pub fn heading(
        width: u16,
        align: Align,
        title: &str,
        descending: Option<bool>,
        style: Style,
    ) -> Self {
        let text = match (descending, align) {
            (Some(true), _) => format!("{title}▼"),
            (Some(false), _) => format!("{title}▲"),
            (None, Align::Left) => title.to_owned(),
            (None, Align::Right) => format!("{title} "),
        };
        // The arrow may stand in the gap beside the column.
        Self::text(width.saturating_add(1), align, &text, style)
    }

    /// The cell with so many blank columns in front.
    #[must_use]
    pub fn after(self, gap: u16) -> Self {
        Self { gap, ..self }
    }
}

/// Draws cells from left to right in the `row`th row of `area`.
pub fn row<'a>(
    buffer: &mut Buffer,
    area: Rect,
    row: usize,
    cells: impl IntoIterator<Item = Cell<'a>>,
) {
    let mut x = area.x;
    for cell in cells {
        x = x.saturating_add(cell.gap);
        let place = Rect {
            x,
            width: cell.width,
            ..area
        };
        put(buffer, place.intersection(area), row, cell.content);
        x = x.saturating_add(cell.width);
    }
}

/// Marks the `row`th row of `area` as the selected one.
pub fn select(buffer: &mut Buffer, area: Rect, row: usize, theme: Theme) {
    let line = Rect {
        y: area
            .y
            .saturating_add(u16::try_from(row).unwrap_or(u16::MAX)),
        height: 1,
        ..area
    };
    let style = theme.selected().remove_modifier(Modifier::DIM);
    buffer.set_style(line.intersection(area).intersection(buffer.area), style);
}
