//! The process list: which columns fit, and where they are.

use ratatui::layout::Rect;
use socktop_proto::model::ProcessState;

use super::regions::{Placed, Regions};
use crate::catalog::process::Column;
use crate::state::HostState;
use crate::text::format;

/// Columns in their order, with their widths; the name takes what is left.
const COLUMNS: [(Column, u16); 10] = [
    (Column::Pid, 7),
    (Column::Parent, 7),
    (Column::User, 10),
    (Column::Name, 0),
    (Column::State, 1),
    (Column::Threads, 4),
    (Column::Age, 9),
    (Column::Cpu, 5),
    (Column::Memory, 8),
    (Column::MemoryShare, 5),
];

/// What gives way first where the list is narrow.
const EXPENDABLE: [Column; 7] = [
    Column::Age,
    Column::Parent,
    Column::MemoryShare,
    Column::Threads,
    Column::User,
    Column::State,
    Column::Memory,
];

/// The name gets at least this before columns that are rarely looked at find room,
const GOOD_NAME: u16 = 28;
/// this before others do,
const LEAST_NAME: u16 = 18;
/// and this before the last ones do.
const LEAST_NAME_EVER: u16 = 8;

/// The heading of a column.
#[must_use]
pub fn title_of(column: Column) -> &'static str {
    match column {
        Column::Pid => "PID",
        Column::Parent => "PPID",
        Column::User => "USER",
        Column::Name => "NAME",
        Column::State => "S",
        Column::Threads => "THR",
        Column::Age => "AGE",
        Column::Cpu => "CPU%",
        Column::Memory => "MEM",
        Column::MemoryShare => "MEM%",
    }
}

/// Whether a column stands at the left.
#[must_use]
pub fn is_text(column: Column) -> bool {
    matches!(column, Column::User | Column::Name | Column::State)
}

/// What the agent tells.
fn is_told(column: Column, host: &HostState) -> bool {
    !host.is_published_agent()
        || matches!(
            column,
            Column::Pid | Column::Name | Column::Cpu | Column::Memory | Column::MemoryShare
        )
}

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
    let mut chosen: Vec<(Column, u16)> = COLUMNS
        .into_iter()
        .filter(|(column, _)| is_told(*column, host))
        .collect();
    let needed = |chosen: &[(Column, u16)]| -> u16 {
        chosen.iter().map(|(_, width)| width + 1).sum::<u16>()
    };
    for (index, expendable) in EXPENDABLE.into_iter().enumerate() {
        let name = match index {
            0..2 => GOOD_NAME,
            2..4 => LEAST_NAME,
            _ => LEAST_NAME_EVER,
        };
        if needed(&chosen) + name > rows.width {
            chosen.retain(|(column, _)| *column != expendable);
        }
    }
    let mut name = rows.width.saturating_sub(needed(&chosen));
    if name > GOOD_NAME + 20
        && let Some((_, width)) = chosen
            .iter_mut()
            .find(|(column, _)| *column == Column::User)
    {
        *width += 6;
        name -= 6;
    }
    let mut x = rows.x;
    chosen
        .into_iter()
        .map(|(column, width)| {
            let width = if column == Column::Name { name } else { width };
            let placed = Placed { column, x, width };
            x = x.saturating_add(width + 1);
            placed
        })
        .collect()
}

/// A state's letter, as ps(1) has it.
#[must_use]
pub fn state_letter(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Unspecified => format::UNKNOWN,
        ProcessState::Running => "R",
        ProcessState::Sleeping => "S",
        ProcessState::DiskSleep => "D",
        ProcessState::Stopped => "T",
        ProcessState::Traced => "t",
        ProcessState::Zombie => "Z",
        ProcessState::Dead => "X",
        ProcessState::Idle => "I",
    }
}
