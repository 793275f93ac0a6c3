//! Disks: how many rows each gets.

use ratatui::layout::Rect;
use socktop_proto::model::Disk;

use super::regions::Density;
use crate::state::HostState;

/// From this width on, a disk is one row with all that is known of it.
pub const WIDE: u16 = 66;

/// Rows that so many disks want in a pane of that width.
#[must_use]
pub fn rows_wanted(count: u16, width: u16) -> u16 {
    count.saturating_mul(if width >= WIDE + 4 { 1 } else { 2 })
}

/// The disks.
#[must_use]
pub fn disks(host: &HostState) -> &[Disk] {
    host.disks.value().map_or(&[], |sample| &sample.disks)
}

/// Rows that each disk gets.
#[must_use]
pub fn rows_each(rows: usize, width: u16, count: usize) -> usize {
    if width < WIDE && count * 2 <= rows {
        2
    } else {
        1
    }
}

/// Rows and columns inside the pane.
#[must_use]
pub fn inner(area: Rect, density: Density) -> (usize, u16) {
    let border = if density == Density::Boxed { 2 } else { 0 };
    (
        usize::from(area.height.saturating_sub(border)),
        area.width.saturating_sub(border * 2),
    )
}

/// The largest scroll position.
#[must_use]
pub fn last_offset(host: &HostState, area: Rect, density: Density) -> usize {
    let count = disks(host).len();
    if density == Density::Brief && area.height <= 1 {
        return 0;
    }
    let (rows, width) = inner(area, density);
    let each = if density == Density::Brief {
        1
    } else {
        rows_each(rows, width, count)
    };
    count.saturating_sub(rows / each)
}
