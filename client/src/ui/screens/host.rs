//! The screen of one host: its header, its panes or one process in detail, and the footer.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};

use crate::app::{App, Shown};
use crate::state::Moment;
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
    let fade = |buffer: &mut Buffer, area: Rect, arrived: Option<Moment>, every: Duration| {
        if arrived.is_some_and(|arrived| context.is_old(arrived, every)) {
            dim(buffer, area, regions.density, context);
        }
    };
    let metrics = host.metrics.arrived();
    if let Some(area) = regions.cpu {
        cpu::draw(buffer, area, &regions, context);
        fade(buffer, area, metrics, every.metrics);
    }
    if let Some(area) = regions.memory {
        memory::draw(buffer, area, regions.density, context);
        fade(buffer, area, metrics, every.metrics);
    }
    if let Some(area) = regions.network {
        let offset = screen.network_offset;
        network::draw(buffer, area, regions.density, offset, context);
        fade(buffer, area, metrics, every.metrics);
    }
    if let Some(area) = regions.disks {
        disks::draw(buffer, area, regions.density, screen.disks_offset, context);
        fade(buffer, area, host.disks.arrived(), every.disks);
    }
    if let Some(table) = regions.processes {
        processes::draw(buffer, table, &regions, &screen.list, context);
        if !screen.list.frozen {
            fade(
                buffer,
                table.area,
                host.processes.arrived(),
                every.processes,
            );
        }
    }
    if let (Some(area), Some(details), Some(watch)) = (regions.details, screen.details, &host.watch)
    {
        process::draw(buffer, area, regions.density, details, watch, context);
        if watch.ended.is_some() {
            dim(buffer, area.area, regions.density, context);
        } else {
            fade(buffer, area.area, watch.details.arrived(), every.metrics);
        }
    }
    footer::draw(buffer, regions.footer, app, shown, context.theme);
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
