//! Drawing that cannot leave its area: lines, boxes, bars, scrollbars.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

use crate::config::theme::{Level, Theme};
use crate::text::width;
use crate::view::scroll::thumb;
use crate::view::sparkline::scale;

/// Draws `line` on the `row`th row of `area`; nothing where there is no such row.
pub fn put<'a>(buffer: &mut Buffer, area: Rect, row: usize, line: impl Into<Line<'a>>) {
    let area = area.intersection(buffer.area);
    if let Ok(row) = u16::try_from(row)
        && row < area.height
    {
        buffer.set_line(area.x, area.y + row, &line.into(), area.width);
    }
}

/// Draws a line whose second half stands at the right end of the row, where both fit.
pub fn put_apart(
    buffer: &mut Buffer,
    area: Rect,
    row: usize,
    left: Vec<Span<'_>>,
    right: Vec<Span<'_>>,
) {
    let right = Line::from(right).right_aligned();
    let right_width = u16::try_from(right.width()).unwrap_or(u16::MAX);
    let left_area = Rect {
        width: area.width.saturating_sub(right_width),
        ..area
    };
    put(buffer, left_area, row, left);
    let right_area = Rect {
        x: left_area.right(),
        width: area.width - left_area.width,
        ..area
    };
    put(buffer, right_area, row, right);
}

/// Draws a box with a title and a remark, and returns what is inside; without `boxed` it draws nothing
/// and the inside is all of it.
pub fn pane(
    buffer: &mut Buffer,
    area: Rect,
    boxed: bool,
    title: Vec<Span<'_>>,
    remark: Option<Span<'_>>,
    theme: Theme,
) -> Rect {
    if !boxed {
        return area;
    }
    let pad = |spans: Vec<Span<'_>>| {
        let mut padded = vec![Span::raw(" ")];
        padded.extend(spans.into_iter().map(|span| Span {
            content: span.content.into_owned().into(),
            style: span.style,
        }));
        padded.push(Span::raw(" "));
        Line::from(padded)
    };
    let mut block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.quiet());
    // A title takes the border's style as its base: it must not be dim as well.
    let inner = block.inner(area);
    if let Some(remark) = remark {
        let room = usize::from(area.width.saturating_sub(4));
        let remark = Span::styled(width::fit(&remark.content, room), remark.style);
        block = block.title_bottom(pad(vec![remark]).right_aligned());
    }
    block.render(area.intersection(buffer.area), buffer);
    let title_area = Rect {
        x: area.x.saturating_add(1),
        width: area.width.saturating_sub(2),
        height: area.height.min(1),
        ..area
    };
    let title = pad(title);
    let width = u16::try_from(title.width()).unwrap_or(u16::MAX);
    let covered = Rect {
        width: title_area.width.min(width),
        ..title_area
    };
    buffer.set_style(covered.intersection(buffer.area), Style::reset());
    put(buffer, title_area, 0, title);
    inner
}

/// The inside of a box with a blank column at either side.
#[must_use]
pub fn padded(inside: Rect, boxed: bool) -> Rect {
    inside.inner(Margin::new(u16::from(boxed), 0))
}

/// A horizontal bar of `width` columns; a dotted one where the value is unknown.
#[must_use]
pub fn bar(percent: Option<f32>, level: Level, width: usize, theme: Theme) -> [Span<'static>; 2] {
    let Some(percent) = percent.filter(|percent| percent.is_finite()) else {
        return [
            Span::styled("·".repeat(width), theme.quiet()),
            Span::raw(""),
        ];
    };
    let halves = scale(percent / 100.0, width * 2);
    let mut filled = "━".repeat(halves / 2);
    if halves % 2 == 1 {
        filled.push('╸');
    }
    [
        Span::styled(filled, theme.mark(level)),
        Span::styled("─".repeat(width - halves.div_ceil(2)), theme.quiet()),
    ]
}

/// Draws a scrollbar in a column one cell wide.
pub fn scrollbar(
    buffer: &mut Buffer,
    area: Rect,
    total: usize,
    visible: usize,
    offset: usize,
    theme: Theme,
) {
    let Some((start, length)) = thumb(usize::from(area.height), total, visible, offset) else {
        return;
    };
    for row in 0..usize::from(area.height) {
        let cell = if (start..start + length).contains(&row) {
            Span::raw("┃")
        } else {
            Span::styled("│", theme.quiet())
        };
        let place = Rect { width: 1, ..area };
        buffer.set_style(
            Rect {
                y: place.y + u16::try_from(row).unwrap_or(0),
                height: 1,
                ..place
            }
            .intersection(buffer.area),
            Style::reset(),
        );
        put(buffer, place, row, cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(percent: Option<f32>, width: usize) -> String {
        let theme = Theme::new(true);
        bar(percent, Level::Normal, width, theme)
            .iter()
            .map(|span| span.content.as_ref())
            .collect()
    }

    #[test]
    fn bars_show_halves_and_tell_little_from_nothing() {
        assert_eq!(drawn(Some(0.0), 4), "────");
        assert_eq!(drawn(Some(0.1), 4), "╸───");
        assert_eq!(drawn(Some(50.0), 4), "━━──");
        assert_eq!(drawn(Some(62.0), 4), "━━╸─");
        assert_eq!(drawn(Some(250.0), 4), "━━━━");
        assert_eq!(drawn(Some(f32::NAN), 4), "····");
        assert_eq!(drawn(None, 4), "····");
        assert_eq!(drawn(Some(50.0), 0), "");
    }
}
