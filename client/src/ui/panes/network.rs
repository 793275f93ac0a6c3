//! Network interfaces: what they carry now, their history and their peak. Those that never carried anything
//! come after the others, the loopback last.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use socktop_proto::model::Interface;

use crate::catalog::Align;
use crate::state::{Rate, Traffic};
use crate::text::{format, width};
use crate::ui::widgets::graph;
use crate::ui::widgets::label::{LABEL, label};
use crate::ui::widgets::paint::{padded, pane, put, put_apart};
use crate::ui::widgets::table::{self, Cell};
use crate::view::network::{inner_rows, interfaces, rows_each};
use crate::view::regions::Density;
use crate::view::{RenderContext, nothing_yet, remark, sparkline};

/// Columns of a rate: `1023 KiB/s`.
const RATE: usize = 10;
/// Columns of an arrow and a rate.
const CURRENT: u16 = 12;
/// Below this rate a history does not fill its height: noise should look like noise.
const LEAST_SCALE: f64 = 1024.0;

/// Draws the pane.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    density: Density,
    offset: usize,
    context: RenderContext<'_>,
) {
    let part = &context.host.metrics;
    let interfaces = interfaces(context.host);
    if density == Density::Brief {
        brief(buffer, area, &interfaces, offset, context);
        return;
    }
    let rows = inner_rows(area, density);
    let each = rows_each(rows, interfaces.len());
    let shown = rows / each;
    let mut remark = remark(context, part, context.host.config.intervals.metrics);
    let hidden = interfaces.len().saturating_sub(shown);
    if hidden > 0 && remark.is_none() {
        let words = format!("+{hidden} more");
        remark = Some(Span::styled(words, context.theme.quiet()));
    }
    let title = vec![Span::styled("Network", context.theme.strong())];
    let boxed = density == Density::Boxed;
    let inner = padded(
        pane(buffer, area, boxed, title, remark, context.theme),
        boxed,
    );
    if interfaces.is_empty() {
        let words = match part.value() {
            Some(_) => "no interfaces".to_owned(),
            None => nothing_yet(part),
        };
        put(buffer, inner, 0, Span::styled(words, context.theme.quiet()));
    }
    for (index, interface) in interfaces.iter().skip(offset).take(shown).enumerate() {
        let skipped = u16::try_from(index * each).unwrap_or(u16::MAX);
        let place = Rect {
            y: inner.y.saturating_add(skipped),
            height: u16::try_from(each).unwrap_or(1),
            ..inner
        };
        draw_one(buffer, place.intersection(inner), interface, context);
    }
}

/// One direction of an interface's traffic.
struct Direction {
    arrow: &'static str,
    style: Style,
    of: fn(Rate) -> f64,
}

fn directions(context: RenderContext<'_>) -> [Direction; 2] {
    [
        Direction {
            arrow: "↓",
            style: context.theme.received(),
            of: |rate| rate.received,
        },
        Direction {
            arrow: "↑",
            style: context.theme.transmitted(),
            of: |rate| rate.transmitted,
        },
    ]
}

impl Direction {
    fn now(&self, traffic: Option<&Traffic>) -> Option<f64> {
        traffic?.rates.last().flatten().map(self.of)
    }

    fn peak(&self, traffic: Option<&Traffic>) -> Option<f64> {
        traffic?.peak.map(self.of)
    }

    /// Points as shares of the highest of them.
    fn shares(&self, rates: impl Iterator<Item = Option<Rate>>) -> Vec<Option<f32>> {
        let rates: Vec<Option<f64>> = rates.map(|rate| rate.map(self.of)).collect();
        let highest = rates.iter().flatten().copied().fold(LEAST_SCALE, f64::max);
        rates
            .into_iter()
            // A share needs few digits.
            .map(|rate| {
                #[allow(clippy::cast_possible_truncation)]
                rate.map(|rate| (rate / highest) as f32)
            })
            .collect()
    }
}

fn draw_one(buffer: &mut Buffer, area: Rect, interface: &Interface, context: RenderContext<'_>) {
    let traffic = context.host.interfaces.get(&interface.name);
    let name_width = if area.width >= 60 { 16 } else { 9 };
    let style = context.theme.strong();
    let name = |name: &str, style| Cell::text(name_width, Align::Left, name, style);
    let [down, up] = directions(context);
    if area.height < 2 {
        let [received, sent] = [current(&down, traffic), current(&up, traffic)];
        let cells = [name(&interface.name, style), received, sent.after(2)];
        table::row(buffer, area, 0, cells);
        return;
    }
    let each = area.height / 2;
    for (direction, first) in [(&down, true), (&up, false)] {
        let place = Rect {
            y: area.y + if first { 0 } else { each },
            height: each,
            ..area
        };
        let name = if first {
            name(&interface.name, style)
        } else {
            name("", Style::new())
        };
        table::row(buffer, place, 0, [name, current(direction, traffic)]);
        let peak = format!(
            "peak {}",
            width::right(&format::rate(direction.peak(traffic)), RATE)
        );
        let text_width = usize::from(name_width) + 2 + RATE;
        let mut graph_x = text_width + 2;
        let mut graph_width = usize::from(area.width).saturating_sub(graph_x);
        if each > 1 {
            let below = format!(
                "{}{peak}",
                " ".repeat(text_width.saturating_sub(width::width(&peak)))
            );
            put(buffer, place, 1, Span::styled(below, context.theme.quiet()));
        } else if graph_width >= 24 {
            graph_width -= 17;
            let span = Span::styled(peak, context.theme.quiet());
            put_apart(buffer, place, 0, Vec::new(), vec![span]);
        }
        graph_x = graph_x.min(usize::from(area.width));
        let history = Rect {
            x: area.x + u16::try_from(graph_x).unwrap_or(0),
            width: u16::try_from(graph_width).unwrap_or(0),
            ..place
        };
        let rates = traffic.into_iter().map(|it| &it.rates);
        if each > 1 {
            let points = direction.shares(rates.flat_map(|it| it.newest_pairs(graph_width)));
            graph::area(buffer, history, points.into_iter(), |_| direction.style);
        } else {
            let points = direction.shares(rates.flat_map(|it| it.newest(graph_width)));
            let line = sparkline::line(points.into_iter(), graph_width);
            put(buffer, history, 0, Span::styled(line, direction.style));
        }
    }
}

/// An arrow and a rate.
fn current(direction: &Direction, traffic: Option<&Traffic>) -> Cell<'static> {
    let rate = width::right(&format::rate(direction.now(traffic)), RATE);
    let arrow = Span::styled(format!("{} ", direction.arrow), direction.style);
    Cell::spans(CURRENT, [arrow, Span::raw(rate)])
}

fn brief(
    buffer: &mut Buffer,
    area: Rect,
    interfaces: &[&Interface],
    offset: usize,
    context: RenderContext<'_>,
) {
    put(buffer, area, 0, label("Net", context));
    let shift = LABEL.min(area.width);
    let room = Rect {
        x: area.x + shift,
        width: area.width - shift,
        ..area
    };
    if area.height > 1 {
        let rows = usize::from(area.height);
        for (row, interface) in interfaces.iter().skip(offset).take(rows).enumerate() {
            let mut place = room;
            place.y += u16::try_from(row).unwrap_or(0);
            place.height = 1;
            draw_one(buffer, place, interface, context);
        }
        let hidden = interfaces.len().saturating_sub(rows);
        if hidden > 0 {
            let words = format!("+{hidden} more ");
            let words = vec![Span::styled(words, context.theme.quiet())];
            let last = Rect {
                y: area.bottom() - 1,
                height: 1,
                x: area.right().saturating_sub(12).max(area.x),
                width: area.width.min(12),
            };
            put_apart(buffer, last, 0, Vec::new(), words);
        }
        return;
    }
    let items = interfaces.iter().map(|interface| {
        let traffic = context.host.interfaces.get(&interface.name);
        let [down, up] = directions(context);
        let rate = |direction: &Direction| format::rate(direction.now(traffic));
        vec![
            Span::styled(width::fit(&interface.name, 12), context.theme.strong()),
            Span::styled(" ↓ ", down.style),
            Span::raw(rate(&down)),
            Span::styled(" ↑ ", up.style),
            Span::raw(rate(&up)),
        ]
    });
    put(buffer, room, 0, in_a_row(items, room.width, context));
}

/// As many items as fit in one row, and how many do not.
pub fn in_a_row(
    items: impl ExactSizeIterator<Item = Vec<Span<'static>>>,
    width: u16,
    context: RenderContext<'_>,
) -> Vec<Span<'static>> {
    let count = items.len();
    let mut room = usize::from(width);
    let mut line = Vec::new();
    for (index, item) in items.enumerate() {
        let needed: usize = item.iter().map(|span| width::width(&span.content)).sum();
        let left = count - index - 1;
        let more = if left == 0 { 0 } else { 8 };
        if index > 0 && needed + more > room {
            line.push(Span::styled(
                format!("+{} more", left + 1),
                context.theme.quiet(),
            ));
            break;
        }
        room = room.saturating_sub(needed + 3);
        line.extend(item);
        line.push(Span::raw("   "));
    }
    line
}
