//! The screen: a pure function of the application's state and the time. One file a pane; where they are
//! is drawn in [`crate::view::layout`].

pub mod footer;
pub mod header;
pub mod help;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod impossible_tests;
pub mod panes;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod readme_picture;
pub mod screens;
#[cfg(test)]
mod tests;
pub mod widgets;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};

use crate::app::App;
use crate::state::{Moment, Part};
use crate::ui::panes::{cpu, disks, memory, network, processes};
use crate::ui::screens::process;
use crate::view::RenderContext;
use crate::view::regions::Density;

/// Draws the whole screen.
pub fn draw(buffer: &mut Buffer, app: &App, now: Moment) {
    let context = app.render_context(now);
    let theme = context.theme;
    let regions = *app.layout();
    let every = &app.settings.intervals;
    header::draw(buffer, &regions, context);
    if let Some(area) = regions.cpu {
        cpu::draw(buffer, area, &regions, context);
        fade(
            buffer,
            area,
            regions.density,
            context,
            &app.host.metrics,
            every.metrics,
        );
    }
    if let Some(area) = regions.memory {
        memory::draw(buffer, area, regions.density, context);
        fade(
            buffer,
            area,
            regions.density,
            context,
            &app.host.metrics,
            every.metrics,
        );
    }
    if let Some(area) = regions.network {
        network::draw(
            buffer,
            area,
            regions.density,
            app.screen.network_offset,
            context,
        );
        fade(
            buffer,
            area,
            regions.density,
            context,
            &app.host.metrics,
            every.metrics,
        );
    }
    if let Some(area) = regions.disks {
        disks::draw(
            buffer,
            area,
            regions.density,
            app.screen.disks_offset,
            context,
        );
        fade(
            buffer,
            area,
            regions.density,
            context,
            &app.host.disks,
            every.disks,
        );
    }
    if let Some(table) = regions.processes {
        processes::draw(buffer, table, &regions, &app.screen.list, context);
        if !app.screen.list.frozen {
            let area = table.area;
            fade(
                buffer,
                area,
                regions.density,
                context,
                &app.host.processes,
                every.processes,
            );
        }
    }
    if let (Some(area), Some(shown), Some(watch)) =
        (regions.details, app.screen.details, &app.host.watch)
    {
        process::draw(buffer, area, regions.density, shown, watch, context);
        if watch.ended.is_some() {
            dim(buffer, area.area, regions.density, context);
        } else {
            fade(
                buffer,
                area.area,
                regions.density,
                context,
                &watch.details,
                every.metrics,
            );
        }
    }
    footer::draw(buffer, regions.footer, app, theme);
    if let Some(offset) = app.help {
        help::draw(buffer, offset, theme);
    }
}

/// Marks a pane whose numbers are old.
fn fade<T>(
    buffer: &mut Buffer,
    area: Rect,
    density: Density,
    context: RenderContext<'_>,
    part: &Part<T>,
    every: Duration,
) {
    if let Some(sample) = &part.sample
        && context.is_old(sample.arrived, every)
    {
        dim(buffer, area, density, context);
    }
}

/// Dims what is in a pane, but not what its border says about it.
fn dim(buffer: &mut Buffer, area: Rect, density: Density, context: RenderContext<'_>) {
    let inside = if density == Density::Boxed {
        area.inner(Margin::new(1, 1))
    } else {
        area
    };
    buffer.set_style(inside.intersection(buffer.area), context.theme.old());
}
