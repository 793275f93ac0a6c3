//! The first row: which host, and how it is reached. Below it, while the link is lost, since when and why.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::config::theme::Level;
use crate::link::{Dialect, LinkState, Security};
use crate::state::memory_percent;
use crate::text::{format, width};
use crate::ui::widgets::paint::{put, put_apart};
use crate::view::regions::Regions;
use crate::view::{NOT_TOLD, RenderContext};

/// Draws header and notice.
pub fn draw(buffer: &mut Buffer, regions: &Regions, context: RenderContext<'_>) {
    let area = regions.header;
    let name = width::fit(
        &width::clean(context.host.name()),
        usize::from(area.width).max(9) - 8,
    );
    let room = usize::from(area.width).saturating_sub(width::width(&name) + 3);
    let link = link(context, room);
    let taken: usize = link.iter().map(|span| width::width(&span.content)).sum();
    let mut room = room.saturating_sub(taken);
    let mut left = vec![Span::styled(format!(" {name}"), context.theme.strong())];
    if regions.cpu.is_none() {
        for (value, level) in gist(context) {
            append(&mut left, &mut room, &value, context.theme.value(level));
        }
    }
    if let Some(words) = context.host.impossible_words() {
        append(&mut left, &mut room, &words, context.theme.bad());
    }
    for fact in facts(context) {
        append(&mut left, &mut room, &fact, context.theme.quiet());
    }
    put_apart(buffer, area, 0, left, link);
    notice(buffer, regions.notice, context);
}

/// Appends a fact while there is room; what follows one that does not fit is left out too.
fn append(
    spans: &mut Vec<Span<'static>>,
    room: &mut usize,
    fact: &str,
    style: ratatui::style::Style,
) {
    let needed = width::width(fact) + 3;
    if *room < needed {
        *room = 0;
        return;
    }
    *room -= needed;
    spans.push(Span::styled(format!("   {fact}"), style));
}

/// CPU and memory, where their panes are not shown.
fn gist(context: RenderContext<'_>) -> [(String, Level); 2] {
    let metrics = context.host.metrics.value();
    let cpu = metrics
        .and_then(|metrics| metrics.cpu.as_ref())
        .and_then(|cpu| cpu.total_percent);
    let memory = memory_percent(metrics.and_then(|metrics| metrics.memory.as_ref()));
    [
        (
            format!("CPU {}", format::whole_percent(cpu)),
            Level::cpu(cpu),
        ),
        (
            format!("Mem {}", format::whole_percent(memory)),
            Level::memory(memory),
        ),
    ]
}

fn facts(context: RenderContext<'_>) -> Vec<String> {
    let state = &context.host;
    let mut facts = Vec::new();
    let boot_ms = state
        .metrics
        .value()
        .and_then(|metrics| metrics.time?.boot_ms);
    let booted_ms = state
        .host
        .value()
        .and_then(|host| host.started_boot_ms)
        .unwrap_or_default();
    // A sample from before the container booted is none of its.
    if let Some(uptime_ms) = boot_ms.and_then(|boot_ms| boot_ms.checked_sub(booted_ms)) {
        facts.push(format!("up {}", format::uptime(uptime_ms)));
    }
    if state.is_published_agent() {
        facts.push(format!("system and uptime: {NOT_TOLD}"));
    }
    if let Some(host) = state.host.value() {
        let kernel = host.kernel.as_ref().map(|kernel| format!("Linux {kernel}"));
        let known = [&host.os, &kernel, &host.model, &host.architecture];
        let known = known.into_iter().flatten().filter(|fact| !fact.is_empty());
        facts.extend(known.map(|fact| width::fit(fact, 40)));
    }
    facts
}

/// The link's state in at most `room` columns.
fn link(context: RenderContext<'_>, room: usize) -> Vec<Span<'static>> {
    let (sign, style, words) = match &context.host.link {
        LinkState::Connecting => {
            let target = width::clean(&context.host.config.endpoint);
            let words = vec![format!("connecting to {target}"), "connecting".to_owned()];
            ("○", context.theme.quiet(), words)
        }
        LinkState::Lost { .. } => ("✗", context.theme.bad(), vec!["lost".to_owned()]),
        LinkState::Connected { dialect, security } => {
            let agent = context.host.host.value();
            let version = agent.map_or("", |host| host.agent_version.as_str());
            let dialect = match dialect {
                Dialect::Native if version.is_empty() => "native".to_owned(),
                Dialect::Native => format!("native, agent {}", width::fit(version, 20)),
                Dialect::Text => "text, agent 1.60".to_owned(),
            };
            let security = match security {
                Security::InProcess => "in this process",
                Security::Plain => "not encrypted",
                Security::Tls => "TLS",
            };
            let latency = context.host.round_trip.map(format::latency);
            // As wide as the next one: the words before it stand at the right end, too.
            let latency = latency.map_or_else(|| "connected".to_owned(), |it| format!("{it:>6}"));
            let words = vec![
                format!("{dialect} · {security} · {latency}"),
                format!("{security} · {latency}"),
                latency,
            ];
            ("●", context.theme.good(), words)
        }
    };
    let fitting = words
        .into_iter()
        .find(|words| width::width(words) + 3 <= room);
    vec![
        Span::styled(sign, style),
        Span::raw(fitting.map_or_else(String::new, |words| format!(" {words} "))),
    ]
}

fn notice(buffer: &mut Buffer, area: Rect, context: RenderContext<'_>) {
    let LinkState::Lost {
        since,
        reason,
        retry_at,
        ..
    } = &context.host.link
    else {
        return;
    };
    let lost = format::span(context.now.since(*since));
    let wait = retry_at.saturating_duration_since(context.now.instant);
    let retry = if wait.is_zero() {
        "trying again".to_owned()
    } else {
        // The last moment before the attempt still counts as a second.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        format!("retry in {seconds} s, r: now")
    };
    let mut words = match context.host.newest() {
        Some(newest) => {
            let time = format::clock(newest.unix_ms, &context.settings.time_zone);
            format!(" LOST {lost} · numbers are from {time} · {retry}")
        }
        None => format!(" NO CONNECTION for {lost} · {retry}"),
    };
    let reason = width::clean(reason);
    if area.height > 1 {
        let columns = usize::from(area.width.saturating_sub(2));
        let lines = width::wrap(&reason, columns);
        let room = usize::from(area.height) - 1;
        let is_cut = lines.len() > room;
        for (row, line) in lines.into_iter().enumerate().take(room) {
            let line = if is_cut && row + 1 == room {
                width::fit(&format!("{line} …"), columns)
            } else {
                line
            };
            put(buffer, area, row + 1, format!(" {line}"));
        }
    } else {
        words = format!("{words} · {reason}");
    }
    put(buffer, area, 0, width::fit(&words, usize::from(area.width)));
    buffer.set_style(area.intersection(buffer.area), context.theme.alarm());
}
