//! The process list.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use socktop_proto::model::{Process, ProcessState};

use crate::app::ProcessList;
use crate::catalog::process::{Column, Sort};
use crate::config::theme::Level;
use crate::state::{Identity, percent};
use crate::text::{format, width};
use crate::ui::widgets::paint::{pane, put, scrollbar};
use crate::view::process_table::{columns, is_text, state_letter, title_of};
use crate::view::regions::{Density, Placed, Regions, Table};
use crate::view::{NOT_TOLD, RenderContext, nothing_yet, remark};

/// Draws the pane.
pub fn draw(
    buffer: &mut Buffer,
    table: Table,
    regions: &Regions,
    list: &ProcessList,
    scene: RenderContext<'_>,
) {
    let part = &scene.host.processes;
    let boxed = regions.density == Density::Boxed;
    let title = title(list, scene);
    let mut remark = remark(scene, part, scene.settings.intervals.processes);
    if list.frozen {
        remark = None;
    } else if remark.is_none() && scene.host.is_published_agent() {
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
    let columns = columns(scene.host, table.rows);
    head(buffer, table, &columns, boxed, list.sort, scene);
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
    let memory = scene
        .host
        .metrics
        .value()
        .and_then(|metrics| metrics.memory);
    let machine = Machine {
        memory_bytes: memory.and_then(|memory| memory.total_bytes),
        boot_ms: sample.time.and_then(|time| time.boot_ms),
    };
    let visible = usize::from(table.rows.height);
    for (row, index) in list.rows(list.offset).take(visible).enumerate() {
        let Some(process) = sample.processes.get(index) else {
            continue;
        };
        let selected = list.selected;
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
    if list.is_empty() && !list.filter.is_empty() {
        let words = "no process passes the filter";
        put(
            buffer,
            table.rows,
            0,
            Span::styled(words, scene.theme.quiet()),
        );
    }
    let (total, offset) = (list.len(), list.offset);
    if sample.others_hidden {
        draw_hint(buffer, table.rows, total.saturating_sub(offset) + 1, scene);
    }
    scrollbar(buffer, table.scrollbar, total, visible, offset, scene.theme);
}

/// Says in a row, if the pane has it, how to see the processes that are hidden from the agent.
fn draw_hint(buffer: &mut Buffer, rows: Rect, row: usize, scene: RenderContext<'_>) {
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

fn title(list: &ProcessList, scene: RenderContext<'_>) -> Vec<Span<'static>> {
    let mut title = vec![Span::styled("Processes", scene.theme.strong())];
    let Some(sample) = scene.host.processes.sample.as_ref() else {
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
        let time = format::clock(sample.arrived.unix_ms, &scene.settings.time_zone);
        let words = format!(" · frozen at {time}");
        title.push(Span::styled(words, scene.theme.value(Level::High)));
    }
    title
}

fn head(
    buffer: &mut Buffer,
    table: Table,
    columns: &[Placed],
    boxed: bool,
    sort: Sort,
    scene: RenderContext<'_>,
) {
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

fn state_style(state: ProcessState, scene: RenderContext<'_>) -> Style {
    match state {
        ProcessState::Running => scene.theme.good(),
        ProcessState::DiskSleep | ProcessState::Stopped | ProcessState::Traced => {
            scene.theme.value(Level::High)
        }
        ProcessState::Zombie | ProcessState::Dead => scene.theme.bad(),
        _ => scene.theme.quiet(),
    }
}

fn cell(
    process: &Process,
    column: Column,
    machine: &Machine,
    scene: RenderContext<'_>,
) -> (String, Style) {
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
