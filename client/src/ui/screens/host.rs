//! The screen of one host: its header, its panes or one process in detail, and the footer.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};

use crate::app::{App, Shown};
use crate::state::{Moment, Part};
use crate::ui::panes::{cpu, disks, memory, network, processes};
use crate::ui::screens::process;
use crate::ui::{footer, header};
use crate::view::RenderContext;
use crate::view::regions::Density;

/// Draws the screen of a host.
pub fn draw(buffer: &mut Buffer, app: &App, shown: Shown<'_>, now: Moment) {
    let Shown { host, screen } = shown;
    let context = app.render_context(shown, now);
    let regions = *app.layout();
    let every = &host.config.intervals;
    header::draw(buffer, &regions, context);
    if let Some(area) = regions.cpu {
        cpu::draw(buffer, area, &regions, context);
        fade(
            buffer,
            area,
            regions.density,
            context,
            &host.metrics,
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
            &host.metrics,
            every.metrics,
        );
    }
    if let Some(area) = regions.network {
        network::draw(
            buffer,
            area,
            regions.density,
            screen.network_offset,
            context,
        );
        fade(
            buffer,
            area,
            regions.density,
            context,
            &host.metrics,
            every.metrics,
        );
    }
    if let Some(area) = regions.disks {
        disks::draw(buffer, area, regions.density, screen.disks_offset, context);
        fade(
            buffer,
            area,
            regions.density,
            context,
            &host.disks,
            every.disks,
        );
    }
    if let Some(table) = regions.processes {
        processes::draw(buffer, table, &regions, &screen.list, context);
        if !screen.list.frozen {
            let area = table.area;
            fade(
                buffer,
                area,
                regions.density,
                context,
                &host.processes,
                every.processes,
            );
        }
    }
    if let (Some(area), Some(shown), Some(watch)) = (regions.details, screen.details, &host.watch) {
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
    footer::draw(buffer, regions.footer, app, shown, context.theme);
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
