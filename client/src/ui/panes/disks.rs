//! Disks: mount point, what is mounted, and how full it is, in the percentage that df(1) shows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use socktop_proto::model::{Disk, DiskState};

use super::network::in_a_row;
use crate::catalog::Align;
use crate::config::theme::Level;
use crate::state::{HostState, percent};
use crate::text::{format, width};
use crate::ui::widgets::label::{LABEL, label};
use crate::ui::widgets::paint::{bar, padded, pane, put, put_apart};
use crate::ui::widgets::table::{self, Cell};
use crate::view::disks::{WIDE, disks, inner, rows_each};
use crate::view::regions::Density;
use crate::view::{RenderContext, nothing_yet, remark};

/// How many disks the agent has left out, having too many.
fn not_listed(host: &HostState) -> Option<u32> {
    let disks = host.disks.value()?;
    disks.not_listed.filter(|&count| count > 0)
}

/// How old the sizes are, where that is a minute or more: an automounted file system is asked seldom.
fn age(disk: &Disk, host: &HostState) -> Option<String> {
    let sample_ms = host.disks.value()?.time?.boot_ms?;
    let minutes = sample_ms.checked_sub(disk.sizes_boot_ms?)? / 60_000;
    (minutes > 0).then(|| format!("{minutes} min ago"))
}

/// Used space in percent, as df(1) has it: of what is used and what users may still take.
#[must_use]
pub fn used_percent(disk: &Disk) -> Option<f32> {
    let available = disk.available_bytes?;
    let used = disk.used_bytes?;
    percent(used, used.saturating_add(available))
}

/// Draws the pane.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    density: Density,
    offset: usize,
    context: RenderContext<'_>,
) {
    let part = &context.host.disks;
    let disks = disks(context.host);
    if density == Density::Brief {
        brief(buffer, area, disks, offset, context);
        return;
    }
    let (rows, width) = inner(area, density);
    let each = rows_each(rows, width, disks.len());
    let shown = rows / each;
    let mut remark = remark(context, part, context.host.config.intervals.disks);
    let hidden = disks.len().saturating_sub(shown);
    let words = [
        (hidden > 0).then(|| format!("+{hidden} more")),
        not_listed(context.host).map(|count| format!("{count} not listed")),
    ];
    let words: Vec<_> = words.into_iter().flatten().collect();
    if remark.is_none() && !words.is_empty() {
        remark = Some(Span::styled(words.join(", "), context.theme.quiet()));
    } else if remark.is_none() && context.host.is_published_agent() && !disks.is_empty() {
        let words = format!("mounts: {}", crate::view::NOT_TOLD);
        remark = Some(Span::styled(words, context.theme.quiet()));
    }
    let title = vec![Span::styled("Disks", context.theme.strong())];
    let boxed = density == Density::Boxed;
    let inner = padded(
        pane(buffer, area, boxed, title, remark, context.theme),
        boxed,
    );
    if disks.is_empty() {
        let words = match part.value() {
            Some(_) => "no disks".to_owned(),
            None => nothing_yet(part),
        };
        put(buffer, inner, 0, Span::styled(words, context.theme.quiet()));
    }
    for (index, disk) in disks.iter().skip(offset).take(shown).enumerate() {
        draw_one(buffer, inner, index * each, each, disk, context);
    }
}

/// Where it is mounted; an agent that does not tell has only the device's name.
fn place(disk: &Disk) -> &str {
    match &disk.mount_point {
        Some(mount_point) if !mount_point.is_empty() => mount_point,
        _ => &disk.name,
    }
}

/// What is mounted: device, type, whether read-only, and how old its sizes are.
fn source(disk: &Disk, host: &HostState) -> String {
    let device = disk.name.strip_prefix("/dev/").unwrap_or(&disk.name);
    let mut words = vec![if disk.mount_point.is_some() {
        device
    } else {
        ""
    }];
    words.extend(disk.file_system.as_deref());
    if disk.read_only == Some(true) {
        words.push("ro");
    }
    let age = age(disk, host);
    words.extend(age.as_deref());
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// Why there are no sizes.
fn trouble(disk: &Disk) -> Option<&'static str> {
    match disk.state() {
        DiskState::Hung => Some("not answering"),
        DiskState::Unreadable => Some("not readable"),
        DiskState::Ok | DiskState::Unspecified => None,
    }
}

/// What is used of how much; an agent that does not tell what is used tells what is available.
fn sizes(disk: &Disk) -> String {
    match disk.used_bytes {
        Some(_) => format::share(disk.used_bytes, disk.total_bytes),
        None => format!(
            "{} free of {}",
            format::bytes_or_unknown(disk.available_bytes),
            format::bytes_or_unknown(disk.total_bytes)
        ),
    }
}

fn draw_one(
    buffer: &mut Buffer,
    area: Rect,
    row: usize,
    rows: usize,
    disk: &Disk,
    context: RenderContext<'_>,
) {
    let width = usize::from(area.width);
    let used = used_percent(disk);
    let level = Level::disk(used);
    let trouble = trouble(disk);
    let number = Span::styled(
        width::right(&format::whole_percent(used), 5),
        context.theme.value(level),
    );
    if rows == 2 {
        let name = Span::styled(width::fit(place(disk), width / 2), context.theme.strong());
        let mut line = vec![name];
        let words = if let Some(trouble) = trouble {
            vec![Span::styled(trouble, context.theme.bad())]
        } else {
            let mut bar: Vec<_> = bar(used, level, width / 3, context.theme).into();
            bar.push(number);
            bar
        };
        line.push(Span::raw(" "));
        put_apart(buffer, area, row, line, words);
        let sizes = if trouble.is_some() {
            String::new()
        } else {
            sizes(disk)
        };
        let room = width.saturating_sub(width::width(&sizes) + 3);
        let source = width::fit(&source(disk, context.host), room);
        let source = vec![Span::styled(format!("  {source}"), context.theme.quiet())];
        put_apart(buffer, area, row + 1, source, vec![Span::raw(sizes)]);
        return;
    }
    // Mount, source and sizes; the bar takes the rest.
    let (name_width, source_width, sizes_width) = if area.width >= WIDE {
        // "14.8 GiB free of 58.4 GiB" is longer than "43.6 / 58.4 GiB".
        let sizes_width = if used.is_some() { 19 } else { 27 };
        (area.width / 4, area.width / 4, sizes_width)
    } else {
        ((area.width / 3).max(6), 0, 0)
    };
    let style = context.theme.strong();
    let mut cells = vec![Cell::text(name_width, Align::Left, place(disk), style)];
    if source_width > 0 {
        let source = format!(" {}", source(disk, context.host));
        let style = context.theme.quiet();
        cells.push(Cell::text(source_width, Align::Left, &source, style));
    }
    let taken = name_width + source_width;
    if let Some(trouble) = trouble {
        let trouble = Span::styled(trouble, context.theme.bad());
        cells.push(Cell::spans(area.width.saturating_sub(taken + 1), [trouble]).after(1));
    } else {
        let room = area.width.saturating_sub(taken + sizes_width + 6);
        let bar = bar(used, level, usize::from(room), context.theme);
        cells.push(Cell::spans(room, bar).after(1));
        cells.push(Cell::spans(5, [number]));
        if sizes_width > 0 {
            let sizes = sizes(disk);
            cells.push(Cell::text(sizes_width, Align::Right, &sizes, Style::new()));
        }
    }
    table::row(buffer, area, row, cells);
}

fn brief(
    buffer: &mut Buffer,
    area: Rect,
    disks: &[Disk],
    offset: usize,
    context: RenderContext<'_>,
) {
    put(buffer, area, 0, label("Disk", context));
    let shift = LABEL.min(area.width);
    let room = Rect {
        x: area.x + shift,
        width: area.width - shift,
        ..area
    };
    if area.height > 1 {
        let rows = usize::from(area.height);
        for (row, disk) in disks.iter().skip(offset).take(rows).enumerate() {
            draw_one(buffer, room, row, 1, disk, context);
        }
        return;
    }
    let items = disks.iter().map(|disk| {
        let used = used_percent(disk);
        let value = match trouble(disk) {
            Some(trouble) => Span::styled(trouble, context.theme.bad()),
            None if used.is_none() => Span::raw(sizes(disk)),
            None => Span::styled(
                format::whole_percent(used),
                context.theme.value(Level::disk(used)),
            ),
        };
        vec![
            Span::styled(width::fit(place(disk), 24), context.theme.strong()),
            Span::raw(" "),
            value,
        ]
    });
    put(buffer, room, 0, in_a_row(items, room.width, context));
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use socktop_proto::Query;
    use socktop_proto::model::{SampleTime, body};

    use crate::app::Message;
    use crate::app::fixture::{self, Stage};

    #[test]
    fn disks_that_are_not_listed_and_sizes_that_are_old_are_said() {
        let mut stage = Stage::rich(100, 24);
        let mut disks = fixture::disks();
        disks.not_listed = Some(744);
        disks.time = Some(SampleTime {
            unix_ms: 0,
            boot_ms: Some(900_000),
        });
        disks.disks[2].sizes_boot_ms = Some(180_000);
        disks.disks[1].sizes_boot_ms = Some(890_000);
        stage.reply(Query::Disks, body::Kind::Disks(disks));
        let key = KeyEvent::new(KeyCode::Char('4'), KeyModifiers::NONE);
        stage.send(Message::Key(key));
        let text = stage.text();
        assert!(text.contains("744 not listed"), "{text}");
        assert!(text.contains("xfs 12 min ago"), "{text}");
        assert_eq!(text.matches("ago").count(), 1, "{text}");
    }
}
