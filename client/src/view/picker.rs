//! The choice of a host: where its entries are.

use ratatui::layout::Rect;

/// Where the entries are.
#[must_use]
pub fn rows(area: Rect) -> Rect {
    let around = if area.height >= 8 { 4 } else { 0 };
    Rect {
        y: area.y + around / 2,
        height: area.height - around,
        ..area
    }
}
