//! Network interfaces: their order, and how many rows each gets.

use ratatui::layout::Rect;
use socktop_proto::model::Interface;

use super::regions::Density;
use crate::state::HostState;

/// Rows of an interface, at most: more would be blank.
const MOST_ROWS: usize = 8;

/// The interfaces: those that never carried anything after the others, the loopback last.
#[must_use]
pub fn interfaces(host: &HostState) -> Vec<&Interface> {
    let metrics = host.metrics.value();
    let mut interfaces: Vec<&Interface> = metrics
        .into_iter()
        .flat_map(|metrics| &metrics.interfaces)
        .collect();
    interfaces.sort_by_key(|interface| {
        let never_used = interface.received_bytes == 0 && interface.transmitted_bytes == 0;
        (interface.name == "lo", never_used)
    });
    interfaces
}

/// Rows that each interface gets in `rows`, of 1, 2, 4, 6 and 8.
#[must_use]
pub fn rows_each(rows: usize, count: usize) -> usize {
    let room = rows / count.max(1);
    match room {
        0 | 1 => 1,
        2 | 3 => 2,
        _ => (room / 2 * 2).min(MOST_ROWS),
    }
}

/// Rows inside the pane.
#[must_use]
pub fn inner_rows(area: Rect, density: Density) -> usize {
    let border = if density == Density::Boxed { 2 } else { 0 };
    usize::from(area.height.saturating_sub(border))
}

/// The largest scroll position.
#[must_use]
pub fn last_offset(host: &HostState, area: Rect, density: Density) -> usize {
    let count = interfaces(host).len();
    if density == Density::Brief && area.height <= 1 {
        return 0;
    }
    let rows = inner_rows(area, density);
    count.saturating_sub(rows / rows_each(rows, count))
}
