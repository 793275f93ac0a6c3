//! Lines of one process in the journal.

use ratatui::text::{Line, Span};
use socktop_proto::model::JournalEntry;

use crate::config::theme::Level;
use crate::state::Watch;
use crate::text::{format, width};
use crate::view::RenderContext;

pub(super) fn journal(watch: &Watch, width: u16, context: RenderContext<'_>) -> Vec<Line<'static>> {
    let quiet = context.theme.quiet();
    let mut lines = Vec::new();
    if let Some(error) = &watch.journal.error {
        lines.extend(paragraph(error, width, context.theme.bad()));
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
        lines.extend(journal_entry(entry, width, context));
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

fn journal_entry(
    entry: &JournalEntry,
    width: u16,
    context: RenderContext<'_>,
) -> Vec<Line<'static>> {
    let time = format::short_date(entry.unix_us / 1000, &context.settings.time_zone);
    let level = match entry.priority {
        Some(0..=3) => Level::Critical,
        Some(4) => Level::High,
        _ => Level::Normal,
    };
    let indent = width::width(&time) + 1;
    let room = usize::from(width).saturating_sub(indent);
    if room < 20 {
        let words = format!("{time} {}", entry.message);
        return paragraph(&words, width, context.theme.value(level));
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
                Span::styled(margin, context.theme.quiet()),
                Span::styled(line, context.theme.value(level)),
            ])
        })
        .collect()
}
