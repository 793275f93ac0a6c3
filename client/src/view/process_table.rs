//! The process list: which columns fit, and where they are.

use ratatui::layout::Rect;

use super::regions::{Placed, Regions};
use crate::catalog::process::{AMPLE_NAME, Column};
use crate::state::HostState;

/// The columns on the screen, and where they are.
#[must_use]
pub fn placed_columns(regions: &Regions, host: &HostState) -> Vec<Placed> {
    regions
        .processes
        .map(|table| columns(host, table.rows))
        .unwrap_or_default()
}

/// The columns that fit in `rows`, and where they are.
#[must_use]
pub fn columns(host: &HostState, rows: Rect) -> Vec<Placed> {
    let mut chosen: Vec<(Column, u16)> = Column::EACH
        .iter()
        .filter(|it| !host.is_published_agent() || it.row().sent_by_published_agent)
        .map(|&column| (column, column.row().width))
        .collect();
    let needed = |chosen: &[(Column, u16)]| -> u16 {
        chosen.iter().map(|(_, width)| width + 1).sum::<u16>()
    };
    let giving_way = Column::EACH
        .iter()
        .filter_map(|&column| Some((column.row().gives_way?, column)));
    let mut giving_way: Vec<_> = giving_way.collect();
    giving_way.sort_by_key(|(way, _)| way.order);
    for (way, column) in giving_way {
        if needed(&chosen) + way.least_name_width > rows.width {
            chosen.retain(|(other, _)| *other != column);
        }
    }
    let mut name = rows.width.saturating_sub(needed(&chosen));
    for (column, width) in &mut chosen {
        let spare = column.row().spare_width;
        if name > AMPLE_NAME {
            *width += spare;
            name = name.saturating_sub(spare);
        }
    }
    let mut x = rows.x;
    chosen
        .into_iter()
        .map(|(column, width)| {
            let width = if column.row().width == 0 { name } else { width };
            let placed = Placed { column, x, width };
            x = x.saturating_add(width + 1);
            placed
        })
        .collect()
}
