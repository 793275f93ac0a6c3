//! What keys and the mouse both do.

use super::App;
use crate::actions::View;
use crate::catalog::process::Column;
use crate::state::{Identity, Watch};
use crate::view::Details;

/// A view without the list gives way to one with it.
pub(super) fn show_list(app: &mut App) {
    if app.layout.processes.is_none() {
        app.screen.view = View::Processes;
    }
}

/// Sorts by `column`; where that is so already, in the other direction.
pub(super) fn sort_by(app: &mut App, column: Column) {
    app.screen.list.sort_by(column);
    show_list(app);
    refresh(app);
}

/// Opens the selected process, or the first one that is seen.
pub(super) fn open_details(app: &mut App) {
    let Some(sample) = app.host.processes.value() else {
        return;
    };
    if app.layout.processes.is_none() {
        return;
    }
    let row = app
        .screen
        .list
        .selected_row()
        .unwrap_or(app.screen.list.offset);
    app.screen.list.select(row, &sample.processes);
    let index = app.screen.list.rows(row).next();
    let Some(process) = index.and_then(|index| sample.processes.get(index)) else {
        return;
    };
    let mut watch = Watch::new(Identity::from(process), process.name.clone());
    watch.listed_cpu = process.cpu_percent;
    app.host.watch = Some(watch);
    app.screen.details = Some(Details::default());
    app.screen.list.frozen = false;
}

pub(super) fn close_details(app: &mut App) {
    app.screen.details = None;
    app.host.watch = None;
}

/// Brings the list's rows up to date.
pub(super) fn refresh(app: &mut App) {
    let metrics = app.host.metrics.value();
    let cpus = metrics.and_then(|metrics| metrics.cpu.as_ref());
    let cpus = cpus.map_or(1, |cpu| u16::try_from(cpu.cores.len()).unwrap_or(u16::MAX));
    let processes = app.host.processes.value();
    let processes = processes.map_or(&[][..], |sample| &sample.processes);
    app.screen.list.refresh(processes, cpus);
}
