//! What keys and the mouse both do.

use std::time::Instant;

use super::{App, ShownMut};
use crate::actions::View;
use crate::catalog::process::Column;
use crate::source::HostId;
use crate::state::{Identity, Watch};
use crate::view::Details;

/// Shows `host` instead of the list.
pub(super) fn open_host(app: &mut App, host: HostId) {
    if app.fleet.get(host).is_some() {
        app.shown = Some(host);
    }
}

/// Shows the list of hosts. While a host is not shown it is not asked, so its histories get a gap.
pub(super) fn leave_host(app: &mut App, at: Instant) {
    if let Some(shown) = app.shown_mut() {
        shown.host.interrupt(at);
    }
    app.shown = None;
}

/// A view without the process list gives way to one with it.
pub(super) fn show_list(shown: &mut ShownMut<'_>) {
    if shown.layout.processes.is_none() {
        shown.screen.view = View::Processes;
    }
}

/// Sorts by `column`; where that is so already, in the other direction.
pub(super) fn sort_by(shown: &mut ShownMut<'_>, column: Column) {
    shown.screen.list.sort_by(column);
    show_list(shown);
    refresh(shown);
}

/// Opens the selected process, or the first one that is seen.
pub(super) fn open_details(shown: &mut ShownMut<'_>) {
    let Some(sample) = shown.host.processes.value() else {
        return;
    };
    if shown.layout.processes.is_none() {
        return;
    }
    let list = &mut shown.screen.list;
    let row = list.selected_row().unwrap_or(list.offset);
    list.select(row, &sample.processes);
    let index = list.rows(row).next();
    let Some(process) = index.and_then(|index| sample.processes.get(index)) else {
        return;
    };
    let mut watch = Watch::new(Identity::from(process), process.name.clone());
    watch.listed_cpu = process.cpu_percent;
    list.frozen = false;
    shown.screen.details = Some(Details::default());
    shown.host.watch = Some(watch);
}

pub(super) fn close_details(shown: &mut ShownMut<'_>) {
    shown.screen.details = None;
    shown.host.watch = None;
}

/// Brings the list's rows up to date.
pub(super) fn refresh(shown: &mut ShownMut<'_>) {
    let metrics = shown.host.metrics.value();
    let cpus = metrics.and_then(|metrics| metrics.cpu.as_ref());
    let cpus = cpus.map_or(1, |cpu| u16::try_from(cpu.cores.len()).unwrap_or(u16::MAX));
    let processes = shown.host.processes.value();
    let processes = processes.map_or(&[][..], |sample| &sample.processes);
    shown.screen.list.refresh(processes, cpus);
}
