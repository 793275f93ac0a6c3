//! The process list.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use socktop_proto::model::{Process, ProcessState};

use crate::app::{App, Column};
use crate::config::theme::Level;
use crate::state::{Identity, percent};
use crate::text::{format, width};
use crate::ui::header::NOT_TOLD;
use crate::ui::widgets::paint::{pane, put, scrollbar};
use crate::ui::{Scene, nothing_yet, remark};
use crate::view::layout::{Form, Placed, Regions, Table};

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

fn title_of(column: Column) -> &'static str {
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

fn is_text(column: Column) -> bool {
    matches!(column, Column::User | Column::Name | Column::State)
}

/// What the agent tells.
fn is_told(column: Column, app: &App) -> bool {
    !app.host.is_published_agent()
        || matches!(
            column,
            Column::Pid | Column::Name | Column::Cpu | Column::Memory | Column::MemoryShare
        )
}

/// The columns that fit in `rows`, and where they are.
#[must_use]
pub fn columns(app: &App, rows: Rect) -> Vec<Placed> {
    let mut chosen: Vec<(Column, u16)> = COLUMNS
        .into_iter()
        .filter(|(column, _)| is_told(*column, app))
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

/// Draws the pane.
pub fn draw(buffer: &mut Buffer, table: Table, regions: &Regions, scene: Scene<'_>) {
    let app = scene.app;
    let part = &app.host.processes;
    let boxed = regions.form == Form::Boxed;
    let title = title(scene);
    let mut remark = remark(scene, part, app.options.intervals.processes);
    if app.list.frozen {
        remark = None;
    } else if remark.is_none() && app.host.is_published_agent() {
        let words = format!("users, states, threads: {NOT_TOLD}");
        remark = Some(Span::styled(words, scene.theme.quiet()));
    }
    if boxed {
        pane(buffer, table.area, true, title, remark, scene.theme);
    } else if table.title.height > 0 {
        let rule = "─".repeat(usize::from(table.title.width));
        put(
            buffer,
            table.title,
            0,
            Span::styled(rule, scene.theme.quiet()),
        );
        let mut line = vec![Span::raw(" ")];
        line.extend(title);
        if let Some(remark) = remark {
            line.push(Span::raw(" · "));
            line.push(remark);
        }
        line.push(Span::raw(" "));
        let place = Rect {
            x: table.title.x.saturating_add(2),
            width: table.title.width.saturating_sub(2),
            ..table.title
        };
        let line = Line::from(line);
        let width = u16::try_from(line.width()).unwrap_or(u16::MAX);
        let covered = Rect {
            width: width.min(place.width),
            ..place
        };
        buffer.set_style(covered.intersection(buffer.area), Style::reset());
        put(buffer, place, 0, line);
    }
    let columns = columns(app, table.rows);
    head(buffer, table, &columns, boxed, scene);
    let Some(sample) = part.value() else {
        let words = nothing_yet(part);
        put(
            buffer,
            table.rows,
            0,
            Span::styled(words, scene.theme.quiet()),
        );
        return;
    };
    let memory = app.host.metrics.value().and_then(|metrics| metrics.memory);
    let machine = Machine {
        memory_bytes: memory.and_then(|memory| memory.total_bytes),
        boot_ms: sample.time.and_then(|time| time.boot_ms),
    };
    let visible = usize::from(table.rows.height);
    for (row, index) in app.list.rows(app.list.offset).take(visible).enumerate() {
        let Some(process) = sample.processes.get(index) else {
            continue;
        };
        let selected = app.list.selected;
        let selected = selected.is_some_and(|it| it.matches(&Identity::from(process)));
        for placed in &columns {
            let (words, style) = cell(process, placed.column, &machine, scene);
            put_cell(buffer, table.rows, row, *placed, &words, style);
        }
        if selected {
            let line = Rect {
                y: table.rows.y + u16::try_from(row).unwrap_or(0),
                height: 1,
                ..table.rows
            };
            let style = scene.theme.selected().remove_modifier(Modifier::DIM);
            buffer.set_style(line.intersection(buffer.area), style);
        }
    }
    if app.list.is_empty() && !app.list.filter.is_empty() {
        let words = "no process passes the filter";
        put(
            buffer,
            table.rows,
            0,
            Span::styled(words, scene.theme.quiet()),
        );
    }
    let (total, offset) = (app.list.len(), app.list.offset);
    if sample.others_hidden {
        draw_hint(buffer, table.rows, total.saturating_sub(offset) + 1, scene);
    }
    scrollbar(buffer, table.scrollbar, total, visible, offset, scene.theme);
}

/// Says in a row, if the pane has it, how to see the processes that are hidden from the agent.
fn draw_hint(buffer: &mut Buffer, rows: Rect, row: usize, scene: Scene<'_>) {
    if row < usize::from(rows.height) {
        let words = "to see all, give the agent CAP_SYS_PTRACE or the group of /proc's gid= option";
        put(buffer, rows, row, Span::styled(words, scene.theme.quiet()));
    }
}

/// What cells need beside the process.
struct Machine {
    memory_bytes: Option<u64>,
    boot_ms: Option<u64>,
}

fn title(scene: Scene<'_>) -> Vec<Span<'static>> {
    let list = &scene.app.list;
    let mut title = vec![Span::styled("Processes", scene.theme.strong())];
    let Some(sample) = scene.app.host.processes.sample.as_ref() else {
        return title;
    };
    let listed = sample.value.processes.len();
    let total = usize::try_from(sample.value.total).unwrap_or(0).max(listed);
    if list.filter.is_empty() {
        title.push(Span::raw(format!(" {total}")));
    } else {
        title.push(Span::raw(format!(" {} of {total}", list.len())));
        let words = format!(" with “{}”", width::fit(&list.filter, 20));
        title.push(Span::styled(words, scene.theme.accent()));
    }
    if sample.value.others_hidden {
        let words = " · others are hidden (hidepid)";
        title.push(Span::styled(words, scene.theme.value(Level::High)));
    }
    if list.frozen {
        let time = format::clock(sample.arrived.unix_ms, &scene.app.options.time_zone);
        let words = format!(" · frozen at {time}");
        title.push(Span::styled(words, scene.theme.value(Level::High)));
    }
    title
}

fn head(buffer: &mut Buffer, table: Table, columns: &[Placed], boxed: bool, scene: Scene<'_>) {
    let sort = scene.app.list.sort;
    for placed in columns {
        let title = title_of(placed.column);
        let sorted = sort.column == placed.column;
        let arrow = match (sorted, sort.descending) {
            (false, _) => "",
            (true, true) => "▼",
            (true, false) => "▲",
        };
        let style = if sorted {
            scene.theme.accent()
        } else if boxed {
            scene.theme.quiet()
        } else {
            Style::new().add_modifier(Modifier::DIM)
        };
        // The arrow may stand in the gap beside the column.
        let mut wide = *placed;
        let words = if is_text(placed.column) {
            wide.width = wide.width.saturating_add(1);
            format!("{title}{arrow}")
        } else {
            wide.width = wide.width.saturating_add(1);
            if sorted {
                format!("{title}{arrow}")
            } else {
                format!("{title} ")
            }
        };
        put_cell(buffer, table.head, 0, wide, &words, style);
    }
}

fn put_cell(
    buffer: &mut Buffer,
    area: Rect,
    row: usize,
    placed: Placed,
    words: &str,
    style: Style,
) {
    let place = Rect {
        x: placed.x,
        width: placed.width,
        ..area
    };
    let width = usize::from(placed.width);
    let words = if is_text(placed.column) {
        width::left(words, width)
    } else {
        width::right(words, width)
    };
    put(
        buffer,
        place.intersection(area),
        row,
        Span::styled(words, style),
    );
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

fn state_style(state: ProcessState, scene: Scene<'_>) -> Style {
    match state {
        ProcessState::Running => scene.theme.good(),
        ProcessState::DiskSleep | ProcessState::Stopped | ProcessState::Traced => {
            scene.theme.value(Level::High)
        }
        ProcessState::Zombie | ProcessState::Dead => scene.theme.bad(),
        _ => scene.theme.quiet(),
    }
}

fn cell(process: &Process, column: Column, machine: &Machine, scene: Scene<'_>) -> (String, Style) {
    let plain = Style::new();
    let quiet = scene.theme.quiet();
    let unknown = || format::UNKNOWN.to_owned();
    let number = |value: Option<u32>| value.map_or_else(unknown, |value| value.to_string());
    match column {
        Column::Pid => (process.pid.to_string(), plain),
        Column::Parent => (number(process.parent_pid), quiet),
        Column::User => {
            let words = match process.user_id {
                _ if !process.user.is_empty() => process.user.clone(),
                Some(id) => id.to_string(),
                None => unknown(),
            };
            (words, quiet)
        }
        Column::Name if process.name.is_empty() => (unknown(), quiet),
        Column::Name => (process.name.clone(), plain),
        Column::State => (
            state_letter(process.state()).to_owned(),
            state_style(process.state(), scene),
        ),
        Column::Threads => (number(process.threads), quiet),
        Column::Age => {
            let age = machine
                .boot_ms
                .zip(process.started_boot_ms)
                .map(|(now, started)| now.saturating_sub(started));
            (age.map_or_else(unknown, format::uptime), quiet)
        }
        Column::Cpu => {
            let words = format::percent(process.cpu_percent);
            // What does nothing steps back behind what does something.
            let style = if words == "0.0" || words == format::UNKNOWN {
                quiet
            } else {
                scene.theme.value(Level::cpu(process.cpu_percent))
            };
            (words, style)
        }
        Column::Memory => {
            let style = if process.resident_bytes.unwrap_or(0) == 0 {
                quiet
            } else {
                plain
            };
            (format::bytes_or_unknown(process.resident_bytes), style)
        }
        Column::MemoryShare => {
            let share = process
                .resident_bytes
                .zip(machine.memory_bytes)
                .and_then(|(resident, total)| percent(resident, total));
            let words = format::percent(share);
            let style = if words == "0.0" { quiet } else { plain };
            (words, style)
        }
    }
}
