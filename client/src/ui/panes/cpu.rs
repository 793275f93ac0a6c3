//! CPU: the whole machine's history, and each core.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use socktop_proto::model::{Core, Cpu};

use crate::config::theme::Level;
use crate::text::{format, width};
use crate::ui::widgets::graph;
use crate::ui::widgets::label::{LABEL, label};
use crate::ui::widgets::paint::{bar, padded, pane, put};
use crate::view::regions::{Density, Regions};
use crate::view::{RenderContext, nothing_yet, remark, sparkline};

/// Columns of a core with a bar, at least and at most, the gap included.
const BAR_CELL: (usize, usize) = (17, 27);
/// Columns of a core with a block and a number, the gap included.
const BLOCK_CELL: usize = 10;

/// Draws the pane.
pub fn draw(buffer: &mut Buffer, area: Rect, regions: &Regions, context: RenderContext<'_>) {
    let state = &context.host;
    let every = context.host.config.intervals.metrics;
    let cpu = state.metrics.value().and_then(|it| it.cpu.as_ref());
    let boxed = regions.density == Density::Boxed;
    let title = title(cpu, context);
    let remark = remark(context, &state.metrics, every);
    let inner = padded(
        pane(buffer, area, boxed, title, remark, context.theme),
        boxed,
    );
    let mut body = inner;
    if !boxed {
        put(buffer, inner, 0, headline(cpu, inner, regions, context));
        body.y = body.y.saturating_add(1).min(inner.bottom());
        body.height = body.height.saturating_sub(1);
        if regions.density == Density::Brief {
            let label = LABEL.min(body.width);
            body.x += label;
            body.width -= label;
        }
    }
    let Some(cpu) = cpu else {
        put(
            buffer,
            body,
            0,
            Span::styled(nothing_yet(&state.metrics), context.theme.quiet()),
        );
        return;
    };
    let cores = Cores::fit(cpu.cores.len(), body);
    let cores_width = u16::try_from(cores.width()).unwrap_or(u16::MAX);
    let cores_width = cores_width.min(body.width);
    let gap = u16::from(cores_width > 0) * 2;
    let history = Rect {
        width: body.width.saturating_sub(cores_width + gap),
        ..body
    };
    let points = state.cpu.newest_pairs(history.width.into());
    graph::area(
        buffer,
        history,
        points.map(|percent| percent.map(|percent| percent / 100.0)),
        graph::by_level(Level::cpu, context.theme),
    );
    if boxed {
        let border = Rect {
            y: area.bottom().saturating_sub(1),
            height: 1,
            x: area.x.saturating_add(2),
            width: history.width,
        };
        let label = Span::styled(
            span_of_history(history.width, context),
            context.theme.quiet(),
        );
        put(buffer, border, 0, label);
    }
    let place = Rect {
        x: body.right() - cores_width,
        width: cores_width,
        ..body
    };
    cores.draw(buffer, place, &cpu.cores, context);
}

fn title(cpu: Option<&Cpu>, context: RenderContext<'_>) -> Vec<Span<'static>> {
    let total = cpu.and_then(|cpu| cpu.total_percent);
    // As wide as the next one where words follow: they stay where they are.
    let width = if cpu.is_some() { 5 } else { 0 };
    let mut title = vec![
        Span::styled("CPU ", context.theme.strong()),
        Span::styled(
            format!("{:>width$}", format::exact_percent(total)),
            context.theme.value(Level::cpu(total)),
        ),
    ];
    if let Some(celsius) = cpu.and_then(|cpu| cpu.temperature_celsius) {
        title.push(Span::raw(" · "));
        title.push(Span::styled(
            format::temperature(Some(celsius)),
            context.theme.value(Level::temperature(Some(celsius))),
        ));
    }
    let cores = cpu.map_or(0, |cpu| cpu.cores.len());
    let host = context.host.host.value();
    let model = host.and_then(|host| host.cpu_model.as_deref());
    if cores > 0 {
        let model = width::fit(model.unwrap_or("CPUs"), 48);
        let words = format!(" · {cores} × {model}");
        title.push(Span::styled(words, context.theme.quiet()));
    }
    title
}

/// How long ago the left end of the history is: its first cell's second point, which is always there.
fn span_of_history(width: u16, context: RenderContext<'_>) -> String {
    let points = (usize::from(width) * 2).saturating_sub(1);
    let mut times = context.host.times.newest(points);
    match (times.next(), times.last()) {
        (Some(first), Some(last)) => {
            let span = last.saturating_duration_since(first);
            format!(" {} ", format::span(span))
        }
        _ => String::new(),
    }
}

/// One line with all that is not a history.
fn headline(
    cpu: Option<&Cpu>,
    area: Rect,
    regions: &Regions,
    context: RenderContext<'_>,
) -> Vec<Span<'static>> {
    let total = cpu.and_then(|cpu| cpu.total_percent);
    let level = Level::cpu(total);
    if area.width < 30 {
        let number = Span::styled(format::whole_percent(total), context.theme.value(level));
        let mut line = vec![Span::styled(" CPU ", context.theme.quiet()), number];
        line.extend(super::memory::gist(context));
        return line;
    }
    let mut line = vec![
        label("CPU", context),
        Span::styled(
            width::right(&format::exact_percent(total), 6),
            context.theme.value(level),
        ),
        Span::raw(" "),
    ];
    let mut tail = Vec::new();
    if regions.memory.is_none() && regions.density == Density::Brief {
        tail.extend(super::memory::gist(context));
    }
    let celsius = cpu.and_then(|cpu| cpu.temperature_celsius);
    if celsius.is_some() && area.width >= 40 {
        tail.push(Span::styled(
            format!("  {}", format::temperature(celsius)),
            context.theme.value(Level::temperature(celsius)),
        ));
    }
    if area.width >= 60 {
        tail.push(Span::raw("  "));
        tail.extend(super::memory::load(context));
    }
    let taken = usize::from(LABEL) + 7;
    let tail_width: usize = tail.iter().map(|span| width::width(&span.content)).sum();
    let room = usize::from(area.width).saturating_sub(taken + tail_width + 1);
    if room >= 4 {
        line.extend(bar(total, level, room, context.theme));
    }
    line.extend(tail);
    line
}

/// How the cores are laid out.
enum Cores {
    /// Each with a bar, so many rows and columns, cells so wide.
    Bars {
        rows: usize,
        columns: usize,
        width: usize,
    },
    /// Each with a block and a number.
    Blocks { rows: usize, columns: usize },
    /// One block each, so many in a row, cells so wide.
    Grid {
        columns: usize,
        width: usize,
        labelled: bool,
    },
    /// No room.
    Hidden,
}

/// A core's share as one character.
fn core_block(share: Option<f32>) -> String {
    match share {
        Some(share) => sparkline::block(Some(share)).to_string(),
        None => format::UNKNOWN.to_owned(),
    }
}

impl Cores {
    /// The most telling layout that leaves room for the history.
    fn fit(count: usize, area: Rect) -> Self {
        let rows = usize::from(area.height);
        let most = usize::from(area.width) * 3 / 5;
        if count == 0 || rows == 0 {
            return Self::Hidden;
        }
        let columns = count.div_ceil(rows);
        if columns * BAR_CELL.0 <= most && rows > 1 {
            let width = (usize::from(area.width) / 2 / columns).clamp(BAR_CELL.0, BAR_CELL.1);
            return Self::Bars {
                rows,
                columns,
                width,
            };
        }
        if columns * BLOCK_CELL <= most && rows > 1 {
            return Self::Blocks { rows, columns };
        }
        let labelled = rows > 1;
        let label = if labelled { 4 } else { 0 };
        let columns = [8, 16, 32, 64, 128, 256]
            .into_iter()
            .find(|columns| count.div_ceil(*columns) <= rows)
            .unwrap_or(count);
        let columns = columns.min(count.max(1));
        let width = if labelled && columns * 2 + label <= most {
            2
        } else {
            1
        };
        if columns * width + label <= usize::from(area.width) * 4 / 5 {
            Self::Grid {
                columns,
                width,
                labelled,
            }
        } else {
            Self::Hidden
        }
    }

    fn width(&self) -> usize {
        match self {
            // The last column needs no gap.
            Self::Bars { columns, width, .. } => (columns * width).saturating_sub(1),
            Self::Blocks { columns, .. } => (columns * BLOCK_CELL).saturating_sub(1),
            Self::Grid {
                columns,
                width,
                labelled,
            } => columns * width + if *labelled { 4 } else { 0 },
            Self::Hidden => 0,
        }
    }

    fn draw(&self, buffer: &mut Buffer, area: Rect, cores: &[Core], context: RenderContext<'_>) {
        let cell = |index: usize, core: &Core| -> (usize, Vec<Span<'static>>) {
            let percent = Some(core.percent).filter(|percent| percent.is_finite());
            let level = Level::cpu(percent);
            let name = Span::styled(
                width::right(&core.index.to_string(), 3),
                context.theme.quiet(),
            );
            let number = Span::styled(
                width::right(&format::whole_percent(percent), 5),
                context.theme.value(level),
            );
            match *self {
                Self::Bars { rows, width, .. } => {
                    let mut spans = vec![name, Span::raw(" ")];
                    spans.extend(bar(percent, level, width - 10, context.theme));
                    spans.push(number);
                    (index % rows, spans)
                }
                Self::Blocks { rows, .. } => {
                    let block = core_block(percent.map(|percent| percent / 100.0));
                    let block = Span::styled(block, context.theme.mark(level));
                    (index % rows, vec![name, block, number])
                }
                Self::Grid { columns, .. } => {
                    // Full blocks would run into the row above.
                    let share = percent.map(|percent| percent / 100.0 * 0.85);
                    let block = core_block(share);
                    let block = Span::styled(block, context.theme.mark(level));
                    (index / columns.max(1), vec![block])
                }
                Self::Hidden => (0, Vec::new()),
            }
        };
        for (index, core) in cores.iter().enumerate() {
            let (row, spans) = cell(index, core);
            let column = match *self {
                Self::Bars { rows, width, .. } => index / rows * width,
                Self::Blocks { rows, .. } => index / rows * BLOCK_CELL,
                Self::Grid {
                    columns,
                    width,
                    labelled,
                } => {
                    let column = index % columns.max(1) * width;
                    if labelled && column == 0 {
                        let name = width::right(&core.index.to_string(), 3);
                        put(buffer, area, row, Span::styled(name, context.theme.quiet()));
                    }
                    column + if labelled { 4 } else { 0 }
                }
                Self::Hidden => return,
            };
            let shift = u16::try_from(column).unwrap_or(u16::MAX).min(area.width);
            let place = Rect {
                x: area.x + shift,
                width: area.width - shift,
                ..area
            };
            put(buffer, place, row, spans);
        }
    }
}
