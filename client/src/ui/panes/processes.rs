//! The process list.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::ProcessList;
use crate::catalog::process_row::Machine;
use crate::catalog::sort::Sort;
use crate::config::theme::{Level, Role};
use crate::state::Identity;
use crate::text::{format, width};
use crate::ui::widgets::paint::{pane, put, scrollbar};
use crate::ui::widgets::table::{self, Cell};
use crate::view::process_table::columns;
use crate::view::regions::{Density, Placed, Regions, Table};
use crate::view::{NOT_TOLD, RenderContext, nothing_yet, remark};

/// Draws the pane.
pub fn draw(
    buffer: &mut Buffer,
    table: Table,
    regions: &Regions,
    list: &ProcessList,
    context: RenderContext<'_>,
) {
    let part = &context.host.processes;
    let boxed = regions.density == Density::Boxed;
    let title = title(list, context);
    let mut remark = remark(context, part, context.host.config.intervals.processes);
    if list.frozen {
        remark = None;
    } else if remark.is_none() && context.host.is_published_agent() {
        let words = format!("users, states, threads: {NOT_TOLD}");
        remark = Some(Span::styled(words, context.theme.quiet()));
    }
    if boxed {
        pane(buffer, table.area, true, title, remark, context.theme);
    } else if table.title.height > 0 {
        draw_title(buffer, table.title, title, remark, context);
    }
    let columns = columns(context.host, table.rows);
    head(buffer, table, &columns, list.sort, context);
    let Some(sample) = part.value() else {
        let words = nothing_yet(part);
        put(
            buffer,
            table.rows,
            0,
            Span::styled(words, context.theme.quiet()),
        );
        return;
    };
    let memory = context
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
        let cells = columns.iter().enumerate().map(|(index, placed)| {
            let column = placed.column.row();
            let cell = (column.cell)(process, &machine);
            let style = context.theme.style(cell.role);
            Cell::text(placed.width, column.align, &cell.text, style).after(u16::from(index > 0))
        });
        table::row(buffer, table.rows, row, cells);
        if selected {
            table::select(buffer, table.rows, row, context.theme);
        }
    }
    if list.is_empty() && !list.filter.is_empty() {
        let words = "no process passes the filter";
        put(
            buffer,
            table.rows,
            0,
            Span::styled(words, context.theme.quiet()),
        );
    }
    let (total, offset) = (list.len(), list.offset);
    if sample.others_hidden {
        draw_hint(
            buffer,
            table.rows,
            total.saturating_sub(offset) + 1,
            context,
        );
    }
    scrollbar(
        buffer,
        table.scrollbar,
        total,
        visible,
        offset,
        context.theme,
    );
}

/// Draws the title of a list without a box, with a line through the row.
fn draw_title(
    buffer: &mut Buffer,
    row: Rect,
    title: Vec<Span<'static>>,
    remark: Option<Span<'static>>,
    context: RenderContext<'_>,
) {
    let rule = "─".repeat(usize::from(row.width));
    put(buffer, row, 0, Span::styled(rule, context.theme.quiet()));
    let mut line = vec![Span::raw(" ")];
    line.extend(title);
    if let Some(remark) = remark {
        line.push(Span::raw(" · "));
        line.push(remark);
    }
    line.push(Span::raw(" "));
    let place = Rect {
        x: row.x.saturating_add(2),
        width: row.width.saturating_sub(2),
        ..row
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

/// Says in a row, if the pane has it, how to see the processes that are hidden from the agent.
fn draw_hint(buffer: &mut Buffer, rows: Rect, row: usize, context: RenderContext<'_>) {
    if row < usize::from(rows.height) {
        let words = "to see all, give the agent CAP_SYS_PTRACE or the group of /proc's gid= option";
        put(
            buffer,
            rows,
            row,
            Span::styled(words, context.theme.quiet()),
        );
    }
}

fn title(list: &ProcessList, context: RenderContext<'_>) -> Vec<Span<'static>> {
    let mut title = vec![Span::styled("Processes", context.theme.strong())];
    let sample = context.host.processes.sample.as_ref();
    let Some((sample, all)) = sample.and_then(|sample| Some((sample, sample.value()?))) else {
        return title;
    };
    let listed = all.processes.len();
    let total = usize::try_from(all.total).unwrap_or(0).max(listed);
    if list.filter.is_empty() {
        title.push(Span::raw(format!(" {total}")));
    } else {
        title.push(Span::raw(format!(" {} of {total}", list.len())));
        let words = format!(" with “{}”", width::fit(&list.filter, 20));
        title.push(Span::styled(words, context.theme.accent()));
    }
    if all.others_hidden {
        let words = " · others are hidden (hidepid)";
        title.push(Span::styled(words, context.theme.value(Level::High)));
    }
    if list.frozen {
        let time = format::clock(sample.arrived.unix_ms, &context.settings.time_zone);
        let words = format!(" · frozen at {time}");
        title.push(Span::styled(words, context.theme.value(Level::High)));
    }
    title
}

fn head(
    buffer: &mut Buffer,
    table: Table,
    columns: &[Placed],
    sort: Sort,
    context: RenderContext<'_>,
) {
    let cells = columns.iter().map(|placed| {
        let sorted = (sort.column == placed.column).then_some(sort.descending);
        let style = match sorted {
            Some(_) => context.theme.style(Role::Accent),
            None => context.theme.style(Role::Dim),
        };
        let column = placed.column.row();
        Cell::heading(placed.width, column.align, column.title, sorted, style)
    });
    table::row(buffer, table.head, 0, cells);
}
