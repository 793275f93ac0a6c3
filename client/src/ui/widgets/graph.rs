//! Histories: graphs of braille dots over several rows, and lines of blocks.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::config::theme::{Level, Theme};
use crate::view::sparkline::scale;

/// Dots of a braille cell from the bottom up, left and right.
const DOTS: [[u32; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
const BLANK: u32 = 0x2800;

/// Draws points (0 to 1, oldest first; the newest stands at the right end), two in a cell and four dots
/// to a row. A known value has at least one dot; a gap has none.
pub fn area(
    buffer: &mut Buffer,
    area: Rect,
    points: impl ExactSizeIterator<Item = Option<f32>>,
    style: impl Fn(f32) -> Style,
) {
    let area = area.intersection(buffer.area);
    let rows = usize::from(area.height);
    let room = usize::from(area.width) * 2;
    if rows == 0 {
        return;
    }
    let skipped = points.len().saturating_sub(room);
    let start = room.saturating_sub(points.len());
    for (index, point) in points.skip(skipped).enumerate() {
        let Some(point) = point.filter(|point| !point.is_nan()) else {
            continue;
        };
        let column = start + index;
        let dots = scale(point, rows * 4).max(1);
        let x = area.x + u16::try_from(column / 2).unwrap_or(u16::MAX);
        for row in 0..dots.div_ceil(4) {
            let y = area.bottom() - 1 - u16::try_from(row).unwrap_or(0);
            let in_row = (dots - row * 4).min(4);
            let mask = DOTS
                .get(column % 2)
                .into_iter()
                .flatten()
                .take(in_row)
                .sum::<u32>();
            if let Some(cell) = buffer.cell_mut((x, y)) {
                let before = cell
                    .symbol()
                    .chars()
                    .next()
                    .map_or(0, u32::from)
                    .saturating_sub(BLANK);
                if let Some(symbol) = char::from_u32(BLANK + (before | mask)) {
                    cell.set_char(symbol).set_style(style(point));
                }
            }
        }
    }
}

/// The style of a graph of percentages as shares of 1.
pub fn by_level(level: fn(Option<f32>) -> Level, theme: Theme) -> impl Fn(f32) -> Style {
    move |share| theme.mark(level(Some(share * 100.0)))
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Cell;

    use super::*;

    fn drawn(width: u16, height: u16, points: &[Option<f32>]) -> Vec<String> {
        let place = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(place);
        area(&mut buffer, place, points.iter().copied(), |_| Style::new());
        let symbols: Vec<&str> = buffer.content().iter().map(Cell::symbol).collect();
        symbols
            .chunks(usize::from(width).max(1))
            .map(<[&str]>::concat)
            .collect()
    }

    #[test]
    fn two_points_share_a_cell_and_a_gap_stays_blank() {
        let points = [Some(1.0), Some(0.5), None, Some(0.0)];
        assert_eq!(drawn(3, 1, &points), [" ⣧⢀"]);
        assert_eq!(drawn(1, 1, &points), ["⢀"]);
    }

    #[test]
    fn high_points_reach_upper_rows() {
        assert_eq!(drawn(1, 2, &[Some(0.75), Some(0.25)]), ["⡄", "⣧"]);
    }

    #[test]
    fn points_that_are_no_numbers_are_gaps_and_too_large_ones_are_cut() {
        assert_eq!(drawn(1, 1, &[Some(f32::NAN), Some(f32::INFINITY)]), ["⢸"]);
        assert_eq!(drawn(0, 0, &[Some(1.0)]), Vec::<String>::new());
        let mut buffer = Buffer::empty(Rect::new(0, 0, 3, 2));
        let flat = Rect::new(0, 1, 3, 0);
        area(&mut buffer, flat, [Some(1.0)].into_iter(), |_| Style::new());
        assert_eq!(buffer, Buffer::empty(Rect::new(0, 0, 3, 2)));
    }
}
