//! Memory, swap, load averages and GPUs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use socktop_proto::model::{Gpu, Metrics};

use crate::config::theme::Level;
use crate::state::{memory_percent, percent};
use crate::text::{format, width};
use crate::ui::widgets::graph;
use crate::ui::widgets::label::label;
use crate::ui::widgets::paint::{bar, padded, pane, put};
use crate::view::regions::Density;
use crate::view::{NOT_TOLD, NOT_TOLD_SHORT, RenderContext, nothing_yet, remark};

/// Columns in front of a bar.
const LABEL: usize = 6;

/// Draws the pane.
pub fn draw(buffer: &mut Buffer, area: Rect, density: Density, context: RenderContext<'_>) {
    let part = &context.host.metrics;
    let metrics = part.value();
    if density == Density::Brief {
        brief(buffer, area, metrics, context);
        return;
    }
    let used = memory_percent(metrics.and_then(|it| it.memory.as_ref()));
    let title = vec![
        Span::styled("Memory ", context.theme.strong()),
        Span::styled(
            format::exact_percent(used),
            context.theme.value(Level::memory(used)),
        ),
    ];
    let remark = remark(context, part, context.host.config.intervals.metrics);
    let boxed = density == Density::Boxed;
    let inner = padded(
        pane(buffer, area, boxed, title, remark, context.theme),
        boxed,
    );
    let Some(metrics) = metrics else {
        let words = nothing_yet(part);
        put(buffer, inner, 0, Span::styled(words, context.theme.quiet()));
        return;
    };
    let mut lines = vec![memory_line(metrics, usize::from(inner.width), context)];
    if inner.height >= 6 {
        lines.push(cache_line(metrics, context));
    }
    lines.push(swap_line(metrics, usize::from(inner.width), context));
    let mut line = vec![Span::styled(
        width::left("Load", LABEL),
        context.theme.quiet(),
    )];
    line.extend(load_averages(
        context,
        usize::from(inner.width).saturating_sub(LABEL),
    ));
    lines.push(line);
    for gpu in &metrics.gpus {
        lines.extend(gpu_lines(gpu, usize::from(inner.width), context));
    }
    let taken = lines.len();
    for (row, line) in lines.into_iter().enumerate() {
        put(buffer, inner, row, line);
    }
    let taken = u16::try_from(taken).unwrap_or(u16::MAX);
    if inner.height > taken.saturating_add(1) {
        let history = Rect {
            y: inner.y + taken,
            height: inner.height - taken,
            ..inner
        };
        let points = context.host.memory.newest_pairs(history.width.into());
        graph::area(
            buffer,
            history,
            points.map(|percent| percent.map(|percent| percent / 100.0)),
            graph::by_level(Level::memory, context.theme),
        );
    }
}

/// A label, a bar, a percentage and words, in `width` columns.
fn gauge(
    name: &str,
    percent: Option<f32>,
    level: Level,
    words: &str,
    width: usize,
    context: RenderContext<'_>,
) -> Vec<Span<'static>> {
    let room = width.saturating_sub(LABEL + 5 + 2 + WORDS);
    let mut line = vec![Span::styled(
        width::left(name, LABEL),
        context.theme.quiet(),
    )];
    if room >= 4 {
        line.extend(bar(percent, level, room, context.theme));
    }
    line.push(Span::styled(
        width::right(&format::whole_percent(percent), 5),
        context.theme.value(level),
    ));
    line.push(Span::raw(format!("  {words}")));
    line
}

/// Columns of the words behind a bar: `1023 MiB / 1.00 GiB`.
const WORDS: usize = 19;

fn memory_line(metrics: &Metrics, width: usize, context: RenderContext<'_>) -> Vec<Span<'static>> {
    let memory = metrics.memory.unwrap_or_default();
    let used = memory_percent(Some(&memory));
    let words = format::share(memory.used_bytes, memory.total_bytes);
    gauge("Mem", used, Level::memory(used), &words, width, context)
}

fn cache_line(metrics: &Metrics, context: RenderContext<'_>) -> Vec<Span<'static>> {
    let memory = metrics.memory.unwrap_or_default();
    let words = format!(
        "{}   cache {}",
        format::bytes_or_unknown(memory.available_bytes),
        format::bytes_or_unknown(memory.cache_bytes),
    );
    let label = Span::styled(width::left("Avail", LABEL), context.theme.quiet());
    vec![label, Span::raw(words)]
}

fn swap_line(metrics: &Metrics, width: usize, context: RenderContext<'_>) -> Vec<Span<'static>> {
    let swap = metrics.swap.unwrap_or_default();
    if swap.total_bytes == Some(0) {
        return vec![
            Span::styled(width::left("Swap", LABEL), context.theme.quiet()),
            Span::raw("none"),
        ];
    }
    let used = swap_percent(metrics);
    let words = format::share(swap.used_bytes, swap.total_bytes);
    gauge("Swap", used, Level::memory(used), &words, width, context)
}

fn swap_percent(metrics: &Metrics) -> Option<f32> {
    let swap = metrics.swap?;
    percent(swap.used_bytes?, swap.total_bytes?)
}

fn gpu_lines(gpu: &Gpu, width: usize, context: RenderContext<'_>) -> [Vec<Span<'static>>; 2] {
    let level = Level::cpu(gpu.usage_percent);
    let used = gpu_memory_percent(gpu);
    let celsius = gpu.temperature_celsius;
    let first = gauge(
        "GPU",
        gpu.usage_percent,
        level,
        &width::fit(&gpu.name, WORDS),
        width,
        context,
    );
    let words = format::share(gpu.memory_used_bytes, gpu.memory_total_bytes);
    let mut second = gauge("", used, Level::memory(used), &words, width, context);
    if celsius.is_some()
        && let Some(name) = second.first_mut()
    {
        let text = width::left(&format::temperature(celsius), LABEL);
        *name = Span::styled(text, context.theme.value(Level::temperature(celsius)));
    }
    [first, second]
}

fn gpu_memory_percent(gpu: &Gpu) -> Option<f32> {
    percent(gpu.memory_used_bytes?, gpu.memory_total_bytes?)
}

fn load_averages(context: RenderContext<'_>, room: usize) -> Vec<Span<'static>> {
    let state = &context.host;
    let metrics = state.metrics.value();
    let Some(load) = metrics.and_then(|metrics| metrics.load) else {
        let words = match state.is_published_agent() {
            true if width::width(NOT_TOLD) <= room => NOT_TOLD,
            true => NOT_TOLD_SHORT,
            false => format::UNKNOWN,
        };
        return vec![Span::styled(words, context.theme.quiet())];
    };
    let cores = metrics
        .and_then(|metrics| metrics.cpu.as_ref())
        .map_or(0, |cpu| cpu.cores.len());
    [load.one, load.five, load.fifteen]
        .into_iter()
        .map(|average| {
            // More processes want to run than there are CPUs.
            #[allow(clippy::cast_precision_loss)]
            let waiting = cores > 0 && average > cores as f32;
            let level = if waiting { Level::High } else { Level::Normal };
            let text = if average.is_finite() {
                format!("{:.2} ", average.clamp(0.0, 99_999.0) + 0.0)
            } else {
                format!("{} ", format::UNKNOWN)
            };
            Span::styled(text, context.theme.value(level))
        })
        .collect()
}

/// The load averages with their name; nothing where they are unknown.
#[must_use]
pub fn load(context: RenderContext<'_>) -> Vec<Span<'static>> {
    let metrics = context.host.metrics.value();
    if metrics.and_then(|metrics| metrics.load).is_none() {
        return Vec::new();
    }
    let mut spans = vec![Span::styled("load ", context.theme.quiet())];
    spans.extend(load_averages(context, usize::MAX));
    spans
}

/// Memory use in a word.
#[must_use]
pub fn gist(context: RenderContext<'_>) -> [Span<'static>; 2] {
    let metrics = context.host.metrics.value();
    let used = memory_percent(metrics.and_then(|it| it.memory.as_ref()));
    [
        Span::styled(" Mem ", context.theme.quiet()),
        Span::styled(
            format::whole_percent(used),
            context.theme.value(Level::memory(used)),
        ),
    ]
}

fn brief(buffer: &mut Buffer, area: Rect, metrics: Option<&Metrics>, context: RenderContext<'_>) {
    let width = usize::from(area.width);
    let Some(metrics) = metrics else {
        put(buffer, area, 0, label("Mem", context));
        return;
    };
    let memory = metrics.memory.unwrap_or_default();
    let used = memory_percent(Some(&memory));
    let swap = metrics.swap.unwrap_or_default();
    let swapped = swap_percent(metrics);
    let swap_words = if swap.total_bytes == Some(0) {
        "  Swap none".to_owned()
    } else {
        format!(
            "  Swap {} {}",
            format::whole_percent(swapped),
            format::share(swap.used_bytes, swap.total_bytes)
        )
    };
    let words = format!("  {}", format::share(memory.used_bytes, memory.total_bytes));
    let mut tail = vec![Span::raw(words)];
    if width >= 70 {
        tail.push(Span::styled(
            swap_words,
            context.theme.value(Level::memory(swapped)),
        ));
    }
    let first = [
        label("Mem", context),
        Span::styled(
            width::right(&format::exact_percent(used), 6),
            context.theme.value(Level::memory(used)),
        ),
        Span::raw(" "),
    ];
    brief_line(
        buffer,
        area,
        0,
        first,
        used,
        Level::memory(used),
        tail,
        context,
    );
    if let Some(gpu) = metrics.gpus.first() {
        let level = Level::cpu(gpu.usage_percent);
        let celsius = gpu.temperature_celsius;
        let mut tail = vec![Span::raw(format!(
            "  {}",
            format::share(gpu.memory_used_bytes, gpu.memory_total_bytes)
        ))];
        if celsius.is_some() {
            tail.push(Span::styled(
                format!("  {}", format::temperature(celsius)),
                context.theme.value(Level::temperature(celsius)),
            ));
        }
        let more = match metrics.gpus.len() {
            1 => String::new(),
            count => format!("  +{} more", count - 1),
        };
        tail.push(Span::styled(
            format!("  {}{more}", width::fit(&gpu.name, 24)),
            context.theme.quiet(),
        ));
        let first = [
            label("GPU", context),
            Span::styled(
                width::right(&format::exact_percent(gpu.usage_percent), 6),
                context.theme.value(level),
            ),
            Span::raw(" "),
        ];
        brief_line(
            buffer,
            area,
            1,
            first,
            gpu.usage_percent,
            level,
            tail,
            context,
        );
    }
}

/// A line with a bar that takes what its ends leave.
#[allow(clippy::too_many_arguments)]
fn brief_line(
    buffer: &mut Buffer,
    area: Rect,
    row: usize,
    first: [Span<'static>; 3],
    percent: Option<f32>,
    level: Level,
    tail: Vec<Span<'static>>,
    context: RenderContext<'_>,
) {
    let taken: usize = first
        .iter()
        .chain(&tail)
        .map(|span| width::width(&span.content))
        .sum();
    let room = usize::from(area.width).saturating_sub(taken + 1);
    let mut line = Vec::from(first);
    if room >= 4 {
        line.extend(bar(percent, level, room, context.theme));
    }
    line.extend(tail);
    put(buffer, area, row, line);
}
