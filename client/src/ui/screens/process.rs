//! One process in detail: facts, threads, children, lines in the journal.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use socktop_proto::model::{JournalEntry, Process, ProcessDetails, ProcessState};

use crate::app::{App, Details, Tab};
use crate::config::theme::{Level, Theme};
use crate::state::{Moment, Watch};
use crate::text::{format, width};
use crate::ui::header::NOT_TOLD;
use crate::ui::panes::processes::state_letter;
use crate::ui::widgets::graph;
use crate::ui::widgets::paint::{pane, put, scrollbar};
use crate::ui::{Scene, nothing_yet, remark};
use crate::view::layout::{DetailsArea, Form};

/// Columns of a fact's name.
const NAME: usize = 12;

fn tab_title(tab: Tab, watch: Option<&Watch>) -> String {
    let details = watch.and_then(|watch| watch.details.value());
    let count = |count: Option<usize>| count.map_or_else(String::new, |count| format!(" {count}"));
    match tab {
        Tab::Facts => "Facts".to_owned(),
        Tab::Threads => format!("Threads{}", count(details.map(all_threads))),
        Tab::Children => format!("Children{}", count(details.map(all_children))),
        Tab::Journal => "Journal".to_owned(),
    }
}

/// How many threads there are, told or not.
fn all_threads(details: &ProcessDetails) -> usize {
    let counted = details.process.as_ref().and_then(|it| it.threads);
    all(counted, details.threads.len())
}

/// How many children there are, told or not.
fn all_children(details: &ProcessDetails) -> usize {
    all(details.children_total, details.children.len())
}

fn all(counted: Option<u32>, told: usize) -> usize {
    let counted = counted.and_then(|count| usize::try_from(count).ok());
    counted.unwrap_or_default().max(told)
}

/// Says how many there are beside those that were told, where there are some.
fn more(all: usize, told: usize, scene: Scene<'_>) -> Option<Line<'static>> {
    let more = all.checked_sub(told).filter(|&more| more > 0)?;
    let words = format!("and {more} more");
    Some(Line::styled(words, scene.theme.quiet()))
}

/// Where the tabs' names are. Each has room for a count of four digits, so that they stand still.
#[must_use]
pub fn tab_names(area: DetailsArea) -> Vec<(Tab, Rect)> {
    let mut x = area.tabs.x;
    area.tabs()
        .iter()
        .map(|&tab| {
            let width = match tab {
                Tab::Facts => 7,
                Tab::Threads => 14,
                Tab::Children => 15,
                Tab::Journal => 9,
            };
            let place = Rect {
                x,
                width,
                ..area.tabs
            };
            x = x.saturating_add(width);
            (tab, place.intersection(area.tabs))
        })
        .collect()
}

/// The largest scroll position.
#[must_use]
pub fn last_offset(app: &App, shown: Details, area: DetailsArea, now: Moment) -> usize {
    let Some(watch) = &app.host.watch else {
        return 0;
    };
    let theme = Theme::new(false);
    let scene = Scene { app, now, theme };
    let lines = lines(area.front(shown.tab), area.body.width, watch, scene).len();
    lines.saturating_sub(usize::from(area.body.height))
}

/// Rows that the facts need in a pane of that width.
#[must_use]
pub fn facts_rows(app: &App, width: u16) -> usize {
    let watch = app.host.watch.as_ref();
    let Some((watch, sample)) = watch.and_then(|it| Some((it, it.details.sample.as_ref()?))) else {
        return 0;
    };
    // Neither colours nor the time have a part in it.
    let (theme, now) = (Theme::new(false), sample.arrived);
    facts(&sample.value, watch, width, Scene { app, now, theme }).len()
}

/// Draws the dialog.
pub fn draw(
    buffer: &mut Buffer,
    area: DetailsArea,
    form: Form,
    shown: Details,
    watch: &Watch,
    scene: Scene<'_>,
) {
    let title = title(watch, scene);
    let note = remark(scene, &watch.details, scene.app.options.intervals.metrics);
    let boxed = form == Form::Boxed;
    pane(buffer, area.area, boxed, title, note, scene.theme);
    if let Some(facts) = area.facts {
        let lines = lines(Tab::Facts, facts.width, watch, scene);
        for (row, line) in lines.into_iter().enumerate() {
            put(buffer, facts, row, line);
        }
        let rule = Rect {
            x: facts.right() + 1,
            width: 1,
            ..facts
        };
        for row in 0..usize::from(rule.height) {
            put(buffer, rule, row, Span::styled("│", scene.theme.quiet()));
        }
    }
    let front = area.front(shown.tab);
    for (tab, place) in tab_names(area) {
        let title = format!(" {} ", tab_title(tab, Some(watch)));
        let style = if tab == front {
            scene.theme.selected()
        } else {
            scene.theme.quiet()
        };
        put(buffer, place, 0, Span::styled(title, style));
    }
    let lines = lines(front, area.body.width, watch, scene);
    let (total, visible) = (lines.len(), usize::from(area.body.height));
    let offset = shown.offset.min(total.saturating_sub(visible));
    for (row, line) in lines.into_iter().skip(offset).take(visible).enumerate() {
        put(buffer, area.body, row, line);
    }
    scrollbar(buffer, area.scrollbar, total, visible, offset, scene.theme);
}

fn title(watch: &Watch, scene: Scene<'_>) -> Vec<Span<'static>> {
    let details = watch.details.value();
    let process = details.and_then(|details| details.process.as_ref());
    let name = process.map_or(&watch.name, |process| &process.name);
    let mut title = vec![
        Span::styled(width::fit(name, 40), scene.theme.strong()),
        Span::raw(format!(" {}", watch.identity.pid)),
    ];
    if let Some(ended) = watch.ended {
        let time = format::clock(ended.unix_ms, &scene.app.options.time_zone);
        let words = format!(" · ended by {time}, these are its last numbers");
        title.push(Span::styled(words, scene.theme.bad()));
    }
    title
}

fn lines(tab: Tab, width: u16, watch: &Watch, scene: Scene<'_>) -> Vec<Line<'static>> {
    let Some(details) = watch.details.value() else {
        if tab == Tab::Journal {
            return journal(watch, width, scene);
        }
        let words = if watch.ended.is_some() {
            "the process ended before it told anything".to_owned()
        } else {
            nothing_yet(&watch.details)
        };
        return vec![Line::styled(words, scene.theme.quiet())];
    };
    match tab {
        Tab::Facts => facts(details, watch, width, scene),
        Tab::Threads => threads(details, width, scene),
        Tab::Children => children(details, width, scene),
        Tab::Journal => journal(watch, width, scene),
    }
}

fn state_words(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Unspecified => format::UNKNOWN,
        ProcessState::Running => "running",
        ProcessState::Sleeping => "sleeping",
        ProcessState::DiskSleep => "waiting for a disk",
        ProcessState::Stopped => "stopped",
        ProcessState::Traced => "stopped by a debugger",
        ProcessState::Zombie => "zombie: ended, not yet collected by its parent",
        ProcessState::Dead => "dead",
        ProcessState::Idle => "idle",
    }
}

fn fact(name: &str, value: impl Into<String>, scene: Scene<'_>) -> Line<'static> {
    Line::from(vec![
        Span::styled(width::left(name, NAME), scene.theme.quiet()),
        Span::raw(value.into()),
    ])
}

/// A fact of several parts, as many in a line as fit.
fn parted_fact(
    name: &str,
    parts: &[(&str, String)],
    width: u16,
    scene: Scene<'_>,
) -> Vec<Line<'static>> {
    let room = usize::from(width).saturating_sub(NAME);
    let mut rows: Vec<String> = Vec::new();
    for (part, value) in parts {
        let words = format!("{part} {value}");
        match rows.last_mut() {
            Some(row) if width::width(row) + width::width(&words) + 3 <= room => {
                row.push_str("   ");
                row.push_str(&words);
            }
            _ => rows.push(words),
        }
    }
    let rows = rows.into_iter().enumerate();
    rows.map(|(index, row)| fact(if index == 0 { name } else { "" }, row, scene))
        .collect()
}

/// A fact whose value may take several lines.
fn long_fact(name: &str, value: &str, width: u16, scene: Scene<'_>) -> Vec<Line<'static>> {
    let room = usize::from(width).saturating_sub(NAME);
    let wrapped = width::wrap(value, room).into_iter();
    wrapped
        .enumerate()
        .map(|(index, line)| fact(if index == 0 { name } else { "" }, line, scene))
        .collect()
}

fn identity(name: &str, id: Option<u32>) -> String {
    match id {
        Some(id) if name.is_empty() => id.to_string(),
        Some(id) => format!("{} ({id})", width::clean(name)),
        None if name.is_empty() => format::UNKNOWN.to_owned(),
        None => width::clean(name).into_owned(),
    }
}

fn facts(
    details: &ProcessDetails,
    watch: &Watch,
    width: u16,
    scene: Scene<'_>,
) -> Vec<Line<'static>> {
    let unknown = Process::default();
    let process = details.process.as_ref().unwrap_or(&unknown);
    let number = |value: Option<u32>| {
        value.map_or_else(|| format::UNKNOWN.to_owned(), |value| value.to_string())
    };
    let cpu = watch.cpu_percent();
    let mut lines = vec![Line::from(vec![
        Span::styled(width::left("CPU", NAME), scene.theme.quiet()),
        Span::styled(
            width::left(&format::exact_percent(cpu), 7),
            scene.theme.value(Level::cpu(cpu)),
        ),
        Span::styled(cpu_history(watch, width), scene.theme.mark(Level::cpu(cpu))),
    ])];
    let times = [
        ("user", format::cpu_time(details.cpu_user_us)),
        ("system", format::cpu_time(details.cpu_system_us)),
    ];
    lines.extend(parted_fact("CPU time", &times, width, scene));
    let sizes = [
        ("resident", format::bytes_or_unknown(process.resident_bytes)),
        ("shared", format::bytes_or_unknown(details.shared_bytes)),
        ("virtual", format::bytes_or_unknown(details.virtual_bytes)),
    ];
    lines.extend(parted_fact("Memory", &sizes, width, scene));
    // The published agent counts what goes through pipes and sockets too.
    let io = if scene.app.host.is_published_agent() {
        "I/O"
    } else {
        "Disk I/O"
    };
    let carried = [
        ("read", format::bytes_or_unknown(details.disk_read_bytes)),
        (
            "written",
            format::bytes_or_unknown(details.disk_written_bytes),
        ),
    ];
    lines.extend(parted_fact(io, &carried, width, scene));
    let threads = if process.threads.is_none() && scene.app.host.is_published_agent() {
        NOT_TOLD.to_owned()
    } else {
        number(process.threads)
    };
    lines.push(fact("Threads", threads, scene));
    lines.push(fact("Open files", number(details.descriptors), scene));
    lines.push(fact("State", state_words(process.state()), scene));
    let started = details.started_unix_ms.map_or_else(
        || format::UNKNOWN.to_owned(),
        |started| format::date(started, &scene.app.options.time_zone),
    );
    lines.push(fact("Started", started, scene));
    lines.push(fact("Parent", number(process.parent_pid), scene));
    lines.push(fact(
        "User",
        format!(
            "{}   group {}",
            identity(&process.user, process.user_id),
            number(details.group_id)
        ),
        scene,
    ));
    let path = |path: &Option<String>| path.clone().unwrap_or_else(|| format::UNKNOWN.to_owned());
    lines.extend(long_fact(
        "Program",
        &path(&details.executable),
        width,
        scene,
    ));
    lines.extend(long_fact(
        "Directory",
        &path(&details.working_directory),
        width,
        scene,
    ));
    let command = match details.unanswered_ms {
        Some(0) => "not read: too many processes do not answer".to_owned(),
        Some(ms) => {
            let time = format::span(Duration::from_millis(u64::from(ms)));
            format!("no answer for {time}: the process holds a lock on its memory")
        }
        None if details.command.is_empty() => format!("[{}]", process.name),
        None if details.command_cut => format!("{} … (cut)", details.command.join(" ")),
        None => details.command.join(" "),
    };
    lines.extend(long_fact("Command", &command, width, scene));
    lines
}

fn cpu_history(watch: &Watch, width: u16) -> String {
    let room = usize::from(width).saturating_sub(NAME + 8).min(60);
    let points = watch.cpu.newest(room);
    let points: Vec<Option<f32>> = points.collect();
    let known = points.iter().flatten().filter(|point| !point.is_nan());
    // A history of a share of a percent is one too.
    let highest = known.copied().fold(1.0_f32, f32::max);
    let shares = points
        .into_iter()
        .map(|point| point.map(|point| point / highest));
    graph::line(shares, room)
}

fn threads(details: &ProcessDetails, width: u16, scene: Scene<'_>) -> Vec<Line<'static>> {
    let name = usize::from(width).saturating_sub(36).clamp(8, 40);
    let mut lines = vec![Line::styled(
        format!(
            "{} {} {} {} {}",
            width::right("TID", 7),
            width::left("NAME", name),
            "S",
            width::right("USER", 11),
            width::right("SYSTEM", 11)
        ),
        scene.theme.quiet(),
    )];
    if details.threads.is_empty() {
        lines.push(Line::styled("none known", scene.theme.quiet()));
    }
    lines.extend(details.threads.iter().map(|thread| {
        Line::from(format!(
            "{} {} {} {} {}",
            width::right(&thread.tid.to_string(), 7),
            width::left(&thread.name, name),
            state_letter(thread.state()),
            width::right(&format::cpu_time(thread.cpu_user_us), 11),
            width::right(&format::cpu_time(thread.cpu_system_us), 11)
        ))
    }));
    let told = details.threads.len();
    lines.extend(
        (told > 0)
            .then(|| more(all_threads(details), told, scene))
            .flatten(),
    );
    lines
}

fn children(details: &ProcessDetails, width: u16, scene: Scene<'_>) -> Vec<Line<'static>> {
    let name = usize::from(width).saturating_sub(32).clamp(8, 40);
    let mut lines = vec![Line::styled(
        format!(
            "{} {} {} {} {}",
            width::right("PID", 7),
            width::left("NAME", name),
            "S",
            width::right("CPU%", 5),
            width::right("MEM", 8)
        ),
        scene.theme.quiet(),
    )];
    if all_children(details) == 0 {
        lines.push(Line::styled("no children", scene.theme.quiet()));
    }
    let processes = details.children.iter().filter_map(|it| it.process.as_ref());
    lines.extend(processes.map(|child| {
        Line::from(format!(
            "{} {} {} {} {}",
            width::right(&child.pid.to_string(), 7),
            width::left(&child.name, name),
            state_letter(child.state()),
            width::right(&format::percent(child.cpu_percent), 5),
            width::right(&format::bytes_or_unknown(child.resident_bytes), 8)
        ))
    }));
    lines.extend(more(all_children(details), details.children.len(), scene));
    lines
}

fn journal(watch: &Watch, width: u16, scene: Scene<'_>) -> Vec<Line<'static>> {
    let quiet = scene.theme.quiet();
    let mut lines = Vec::new();
    if let Some(error) = &watch.journal.error {
        lines.extend(paragraph(error, width, scene.theme.bad()));
    }
    let Some(journal) = watch.journal.value() else {
        if lines.is_empty() {
            lines.push(Line::styled("waiting for the journal", quiet));
        }
        return lines;
    };
    if let Some(notice) = &journal.notice {
        lines.extend(paragraph(notice, width, quiet));
    }
    if journal.entries.is_empty() && journal.notice.is_none() {
        lines.push(Line::styled("no lines of this process", quiet));
    }
    for entry in &journal.entries {
        lines.extend(journal_entry(entry, width, scene));
    }
    if journal.truncated {
        lines.push(Line::styled("there are older lines", quiet));
    }
    lines
}

fn paragraph(words: &str, width: u16, style: ratatui::style::Style) -> Vec<Line<'static>> {
    let wrapped = width::wrap(words, usize::from(width)).into_iter();
    wrapped.map(|line| Line::styled(line, style)).collect()
}

fn journal_entry(entry: &JournalEntry, width: u16, scene: Scene<'_>) -> Vec<Line<'static>> {
    let time = format::short_date(entry.unix_us / 1000, &scene.app.options.time_zone);
    let level = match entry.priority {
        Some(0..=3) => Level::Critical,
        Some(4) => Level::High,
        _ => Level::Normal,
    };
    let indent = width::width(&time) + 1;
    let room = usize::from(width).saturating_sub(indent);
    if room < 20 {
        let words = format!("{time} {}", entry.message);
        return paragraph(&words, width, scene.theme.value(level));
    }
    let wrapped = width::wrap(&entry.message, room).into_iter();
    wrapped
        .enumerate()
        .map(|(index, line)| {
            let margin = if index == 0 {
                format!("{time} ")
            } else {
                " ".repeat(indent)
            };
            Line::from(vec![
                Span::styled(margin, scene.theme.quiet()),
                Span::styled(line, scene.theme.value(level)),
            ])
        })
        .collect()
}
