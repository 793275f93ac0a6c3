//! The facts of one process.

use std::time::Duration;

use ratatui::text::{Line, Span};
use socktop_proto::model::{Process, ProcessDetails, ProcessState};

use crate::config::theme::Level;
use crate::state::Watch;
use crate::text::{format, width};
use crate::view::{NOT_TOLD, RenderContext, sparkline};

/// Columns of a fact's name.
const NAME: usize = 12;

fn fact(name: &str, value: impl Into<String>, context: RenderContext<'_>) -> Line<'static> {
    Line::from(vec![
        Span::styled(width::left(name, NAME), context.theme.quiet()),
        Span::raw(value.into()),
    ])
}

/// A fact of several parts, as many in a line as fit.
fn parted_fact(
    name: &str,
    parts: &[(&str, String)],
    width: u16,
    context: RenderContext<'_>,
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
    rows.map(|(index, row)| fact(if index == 0 { name } else { "" }, row, context))
        .collect()
}

/// A fact whose value may take several lines.
fn long_fact(
    name: &str,
    value: &str,
    width: u16,
    context: RenderContext<'_>,
) -> Vec<Line<'static>> {
    let room = usize::from(width).saturating_sub(NAME);
    let wrapped = width::wrap(value, room).into_iter();
    wrapped
        .enumerate()
        .map(|(index, line)| fact(if index == 0 { name } else { "" }, line, context))
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

pub(super) fn facts(
    details: &ProcessDetails,
    watch: &Watch,
    width: u16,
    context: RenderContext<'_>,
) -> Vec<Line<'static>> {
    let unknown = Process::default();
    let process = details.process.as_ref().unwrap_or(&unknown);
    let number = |value: Option<u32>| {
        value.map_or_else(|| format::UNKNOWN.to_owned(), |value| value.to_string())
    };
    let cpu = watch.cpu_percent();
    let mut lines = vec![Line::from(vec![
        Span::styled(width::left("CPU", NAME), context.theme.quiet()),
        Span::styled(
            width::left(&format::exact_percent(cpu), 7),
            context.theme.value(Level::cpu(cpu)),
        ),
        Span::styled(
            cpu_history(watch, width),
            context.theme.mark(Level::cpu(cpu)),
        ),
    ])];
    let times = [
        ("user", format::cpu_time(details.cpu_user_us)),
        ("system", format::cpu_time(details.cpu_system_us)),
    ];
    lines.extend(parted_fact("CPU time", &times, width, context));
    let sizes = [
        ("resident", format::bytes_or_unknown(process.resident_bytes)),
        ("shared", format::bytes_or_unknown(details.shared_bytes)),
        ("virtual", format::bytes_or_unknown(details.virtual_bytes)),
    ];
    lines.extend(parted_fact("Memory", &sizes, width, context));
    // The published agent counts what goes through pipes and sockets too.
    let io = if context.host.is_published_agent() {
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
    lines.extend(parted_fact(io, &carried, width, context));
    let threads = if process.threads.is_none() && context.host.is_published_agent() {
        NOT_TOLD.to_owned()
    } else {
        number(process.threads)
    };
    lines.push(fact("Threads", threads, context));
    lines.push(fact("Open files", number(details.descriptors), context));
    lines.push(fact("State", state_words(process.state()), context));
    let started = details.started_unix_ms.map_or_else(
        || format::UNKNOWN.to_owned(),
        |started| format::date(started, &context.settings.time_zone),
    );
    lines.push(fact("Started", started, context));
    lines.push(fact("Parent", number(process.parent_pid), context));
    lines.push(fact(
        "User",
        format!(
            "{}   group {}",
            identity(&process.user, process.user_id),
            number(details.group_id)
        ),
        context,
    ));
    let path = |path: &Option<String>| path.clone().unwrap_or_else(|| format::UNKNOWN.to_owned());
    lines.extend(long_fact(
        "Program",
        &path(&details.executable),
        width,
        context,
    ));
    lines.extend(long_fact(
        "Directory",
        &path(&details.working_directory),
        width,
        context,
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
    lines.extend(long_fact("Command", &command, width, context));
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
    sparkline::line(shares, room)
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
