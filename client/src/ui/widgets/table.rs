//! A table: headings with the mark of what it is sorted by, cells that keep to their columns, the selected row.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::paint::put;
use crate::catalog::process::Align;
use crate::config::theme::Theme;
use crate::text::width;

/// Where a cell's column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its left end on the screen.
    pub x: u16,
    /// Its width.
    pub width: u16,
    /// The side that its text stands at.
    pub align: Align,
}

/// Draws a column's heading in the row `area`. `descending` is the direction if the table is sorted by this column.
pub fn heading(
    buffer: &mut Buffer,
    area: Rect,
    column: Column,
    title: &str,
    descending: Option<bool>,
    style: Style,
) {
    let text = match (descending, column.align) {
        (Some(true), _) => format!("{title}▼"),
        (Some(false), _) => format!("{title}▲"),
        (None, Align::Left) => title.to_owned(),
        (None, Align::Right) => format!("{title} "),
    };
    // The arrow may stand in the gap beside the column.
    let wide = Column {
        width: column.width.saturating_add(1),
        ..column
    };
    cell(buffer, area, 0, wide, &text, style);
}

/// Draws a cell on the `row`th row of `area`.
pub fn cell(buffer: &mut Buffer, area: Rect, row: usize, column: Column, text: &str, style: Style) {
    let place = Rect {
        x: column.x,
        width: column.width,
        ..area
    };
    let width = usize::from(column.width);
    let text = match column.align {
        Align::Left => width::left(text, width),
        Align::Right => width::right(text, width),
    };
    put(
        buffer,
        place.intersection(area),
        row,
        Span::styled(text, style),
    );
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
