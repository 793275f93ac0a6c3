//! Draws one process in detail: facts, threads, children, lines in the journal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::actions::Tab;
use crate::state::Watch;
use crate::text::{format, width};
use crate::ui::widgets::paint::{pane, put, scrollbar};
use crate::view::process_details::{lines, tab_title};
use crate::view::regions::{Density, DetailsArea};
use crate::view::{Details, RenderContext, remark};

/// Draws the dialog.
pub fn draw(
    buffer: &mut Buffer,
    area: DetailsArea,
    density: Density,
    shown: Details,
    watch: &Watch,
    context: RenderContext<'_>,
) {
    let title = title(watch, context);
    let note = remark(
        context,
        &watch.details,
        context.host.config.intervals.metrics,
    );
    let boxed = density == Density::Boxed;
    pane(buffer, area.area, boxed, title, note, context.theme);
    if let Some(facts) = area.facts {
        let lines = lines(Tab::Facts, facts.width, watch, context);
        for (row, line) in lines.into_iter().enumerate() {
            put(buffer, facts, row, line);
        }
        let rule = Rect {
            x: facts.right() + 1,
            width: 1,
            ..facts
        };
        for row in 0..usize::from(rule.height) {
            put(buffer, rule, row, Span::styled("│", context.theme.quiet()));
        }
    }
    let front = area.front(shown.tab);
    for (tab, place) in area.tab_names() {
        let title = format!(" {} ", tab_title(tab, Some(watch)));
        let style = if tab == front {
            context.theme.selected()
        } else {
            context.theme.quiet()
        };
        put(buffer, place, 0, Span::styled(title, style));
    }
    let lines = lines(front, area.body.width, watch, context);
    let (total, visible) = (lines.len(), usize::from(area.body.height));
    let offset = shown.offset.min(total.saturating_sub(visible));
    for (row, line) in lines.into_iter().skip(offset).take(visible).enumerate() {
        put(buffer, area.body, row, line);
    }
    scrollbar(
        buffer,
        area.scrollbar,
        total,
        visible,
        offset,
        context.theme,
    );
}

fn title(watch: &Watch, context: RenderContext<'_>) -> Vec<Span<'static>> {
    let details = watch.details.value();
    let process = details.and_then(|details| details.process.as_ref());
    let name = process.map_or(&watch.name, |process| &process.name);
    let mut title = vec![
        Span::styled(width::fit(name, 40), context.theme.strong()),
        Span::raw(format!(" {}", watch.identity.pid)),
    ];
    if let Some(ended) = watch.ended {
        let time = format::clock(ended.unix_ms, &context.settings.time_zone);
        let words = format!(" · ended by {time}, these are its last numbers");
        title.push(Span::styled(words, context.theme.bad()));
    }
    title
}
