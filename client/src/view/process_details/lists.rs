//! Threads and children of one process.

use ratatui::text::Line;
use socktop_proto::model::ProcessDetails;

use crate::catalog::process::state_letter;
use crate::text::{format, width};
use crate::view::RenderContext;

pub(super) fn threads(
    details: &ProcessDetails,
    width: u16,
    context: RenderContext<'_>,
) -> Vec<Line<'static>> {
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
        context.theme.quiet(),
    )];
    if details.threads.is_empty() {
        lines.push(Line::styled("none known", context.theme.quiet()));
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
            .then(|| more(all_threads(details), told, context))
            .flatten(),
    );
    lines
}

pub(super) fn children(
    details: &ProcessDetails,
    width: u16,
    context: RenderContext<'_>,
) -> Vec<Line<'static>> {
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
        context.theme.quiet(),
    )];
    if all_children(details) == 0 {
        lines.push(Line::styled("no children", context.theme.quiet()));
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
    lines.extend(more(all_children(details), details.children.len(), context));
    lines
}

/// Says how many there are beside those that were told, where there are some.
fn more(all: usize, told: usize, context: RenderContext<'_>) -> Option<Line<'static>> {
    let more = all.checked_sub(told).filter(|&more| more > 0)?;
    let words = format!("and {more} more");
    Some(Line::styled(words, context.theme.quiet()))
}

/// How many threads there are, told or not.
pub(super) fn all_threads(details: &ProcessDetails) -> usize {
    let counted = details.process.as_ref().and_then(|it| it.threads);
    all(counted, details.threads.len())
}

/// How many children there are, told or not.
pub(super) fn all_children(details: &ProcessDetails) -> usize {
    all(details.children_total, details.children.len())
}

fn all(counted: Option<u32>, told: usize) -> usize {
    let counted = counted.and_then(|count| usize::try_from(count).ok());
    counted.unwrap_or_default().max(told)
}
