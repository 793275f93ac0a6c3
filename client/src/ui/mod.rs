//! The screen: a pure function of the application's state and the time. One file a pane; where they are
//! is drawn in [`layout`].

pub mod header;
pub mod help;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::text::Span;

use crate::app::App;
use crate::config::theme::Theme;
use crate::state::{Moment, Part};
use crate::text::{format, width};
use crate::ui::panes::{cpu, disks, memory, network, processes};
use crate::ui::screens::process;
use crate::view::layout;

/// What panes are drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The application's state.
    pub app: &'a App,
    /// The time.
    pub now: Moment,
    /// Colours.
    pub theme: Theme,
}

/// Draws the whole screen.
pub fn draw(buffer: &mut Buffer, app: &App, now: Moment) {
    let theme = Theme::new(app.options.color);
    let scene = Scene { app, now, theme };
    let regions = layout::regions(app, buffer.area);
    let every = &app.options.intervals;
    header::draw(buffer, &regions, scene);
    if let Some(area) = regions.cpu {
        cpu::draw(buffer, area, &regions, scene);
        fade(buffer, area, scene, &app.host.metrics, every.metrics);
    }
    if let Some(area) = regions.memory {
        memory::draw(buffer, area, regions.form, scene);
        fade(buffer, area, scene, &app.host.metrics, every.metrics);
    }
    if let Some(area) = regions.network {
        network::draw(buffer, area, regions.form, scene);
        fade(buffer, area, scene, &app.host.metrics, every.metrics);
    }
    if let Some(area) = regions.disks {
        disks::draw(buffer, area, regions.form, scene);
        fade(buffer, area, scene, &app.host.disks, every.disks);
    }
    if let Some(table) = regions.processes {
        processes::draw(buffer, table, &regions, scene);
        if !app.list.frozen {
            let area = table.area;
            fade(buffer, area, scene, &app.host.processes, every.processes);
        }
    }
    if let (Some(area), Some(shown), Some(watch)) = (regions.details, app.details, &app.host.watch)
    {
        process::draw(buffer, area, regions.form, shown, watch, scene);
        if watch.ended.is_some() {
            dim(buffer, area.area, scene);
        } else {
            fade(buffer, area.area, scene, &watch.details, every.metrics);
        }
    }
    footer::draw(buffer, regions.hints, app, theme);
    if let Some(offset) = app.help {
        help::draw(buffer, offset, theme);
    }
}

/// Marks a pane whose numbers are old.
fn fade<T>(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, part: &Part<T>, every: Duration) {
    if let Some(sample) = &part.sample
        && scene.app.is_old(sample.arrived, every, scene.now)
    {
        dim(buffer, area, scene);
    }
}

/// Dims what is in a pane, but not what its border says about it.
fn dim(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let inside = if layout::regions(scene.app, buffer.area).form == layout::Form::Boxed {
        area.inner(Margin::new(1, 1))
    } else {
        area
    };
    buffer.set_style(inside.intersection(buffer.area), scene.theme.old());
}

/// What a pane's title says beside its name: what went wrong, for how long the numbers are old, or that the host sent some
/// that cannot be.
fn remark<T>(scene: Scene<'_>, part: &Part<T>, every: Duration) -> Option<Span<'static>> {
    if let Some(error) = &part.error {
        let error = width::clean(error).into_owned();
        return Some(Span::styled(error, scene.theme.bad()));
    }
    match &part.sample {
        Some(sample) if scene.app.is_old(sample.arrived, every, scene.now) => {
            let age = format::span(scene.now.since(sample.arrived.instant));
            Some(Span::styled(format!("{age} old"), scene.theme.bad()))
        }
        Some(_) => {
            let words = part.impossible.words()?;
            Some(Span::styled(words, scene.theme.bad()))
        }
        None => None,
    }
}

/// What an empty pane says.
fn nothing_yet<T>(part: &Part<T>) -> String {
    match &part.error {
        Some(error) => width::clean(error).into_owned(),
        None => "waiting for the first sample".to_owned(),
    }
}

pub mod footer;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod impossible_tests;
pub mod panes;
pub mod screens;
#[cfg(test)]
mod tests;
pub mod widgets;
