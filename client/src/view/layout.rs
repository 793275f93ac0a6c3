//! Where everything is: the one answer for drawing, for the mouse and for what the agent is asked for.
//!
//! Large terminals, view "all":
//!
//! ```text
//!  host · system · model                       uptime   ● link · TLS · 1.2 ms    header
//!  LOST 12 s · reason · retry in 3 s · numbers are from 10:32:05                 notice
//! ╭ CPU 37% ───────────────────────────────╮╭ Memory 42% ────────────────────╮
//! │ history                     each core  ││ memory, swap, load, GPUs       │
//! ╰────────────────────────────────────────╯╰────────────────────────────────╯
//! ╭ Network ────────────╮╭ Processes 312 ────────────────────────────────────╮
//! │ each interface      ││ PID USER NAME …                                   ┃
//! ╰─────────────────────╯│                                                   ┃
//! ╭ Disks ──────────────╮│                                                   │
//! │ each disk           ││                                                   │
//! ╰─────────────────────╯╰───────────────────────────────────────────────────╯
//!  q quit  ? help …                          1 all  2 cpu  3 net  4 disks  5 procs
//! ```
//!
//! Small terminals have the same in lines, without boxes; what does not fit is a view of its own.
//! Other views and the details of a process take the whole body between header and footer.

use ratatui::layout::{Margin, Rect};

use super::regions::{Density, DetailsArea, Regions, Table};
use super::{Settings, disks, process_details};
use crate::actions::View;
use crate::link::LinkState;
use crate::state::HostState;
use crate::text::width;

/// Takes `height` rows off the upper end of `area`, as far as there are.
fn take(area: &mut Rect, height: u16) -> Rect {
    let height = height.min(area.height);
    let taken = Rect { height, ..*area };
    area.y += height;
    area.height -= height;
    taken
}

/// `area` in two, the left one `width` wide.
fn beside(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    let left = Rect { width, ..area };
    let right = Rect {
        x: area.x + width,
        width: area.width - width,
        ..area
    };
    (left, right)
}

fn share(whole: u16, percent: u16) -> u16 {
    u16::try_from(u32::from(whole) * u32::from(percent) / 100).unwrap_or(whole)
}

/// What the layout depends on beside the size.
#[derive(Debug, Clone, Copy)]
pub struct Screen<'a> {
    /// What is known of the host.
    pub host: &'a HostState,
    /// What holds for every screen.
    pub settings: &'a Settings,
    /// What fills the screen.
    pub view: View,
    /// Whether a process is shown in detail instead.
    pub has_details: bool,
}

/// Where everything is on a screen of that area.
#[must_use]
pub fn regions(screen: Screen<'_>, area: Rect) -> Regions {
    let mut body = area;
    let footer = if area.height >= 4 {
        body.height -= 1;
        Rect {
            y: body.bottom(),
            height: 1,
            ..area
        }
    } else {
        Rect { height: 0, ..area }
    };
    let header = take(&mut body, 1);
    let notice = take(&mut body, notice_rows(screen, area));
    let roomy = body.width >= 40 && body.height >= 8;
    let mut regions = Regions {
        header,
        notice,
        body,
        footer,
        density: if roomy {
            Density::Boxed
        } else {
            Density::Plain
        },
        cpu: None,
        memory: None,
        network: None,
        disks: None,
        processes: None,
        details: None,
    };
    if screen.has_details {
        regions.details = Some(details(screen, body, regions.density));
        return regions;
    }
    match screen.view {
        View::All if !screen.settings.compact && area.width >= 100 && area.height >= 28 => {
            large(screen, &mut regions);
        }
        View::All => small(screen, &mut regions),
        View::Cpu if body.width >= 100 => {
            let (cpu, memory) = beside(body, share(body.width, 66));
            regions.cpu = Some(cpu);
            regions.memory = Some(memory);
        }
        View::Cpu => {
            let memory = (body.height * 2 / 5).min(12);
            let cpu = body.height - memory;
            regions.cpu = Some(take(&mut body, cpu));
            regions.memory = Some(body);
        }
        View::Network => regions.network = Some(body),
        View::Disks => regions.disks = Some(body),
        View::Processes => regions.processes = Some(table(body, regions.density)),
    }
    regions
}

/// Columns that what stands before a lost link's reason may need.
const TIMES: usize = 72;

/// Rows that the notice of a lost link needs: its reason gets a row of its own where one is too short.
fn notice_rows(screen: Screen<'_>, area: Rect) -> u16 {
    let LinkState::Lost { reason, .. } = &screen.host.link else {
        return 0;
    };
    let width = usize::from(area.width);
    match area.height {
        0..4 => 0,
        12.. if TIMES + width::width(reason) > width => {
            let rows = width::wrap(reason, width.saturating_sub(2)).len();
            u16::try_from(1 + rows.min(usize::from(area.height / 4))).unwrap_or(1)
        }
        _ => 1,
    }
}

fn count<T>(part: Option<&Vec<T>>) -> u16 {
    u16::try_from(part.map_or(0, Vec::len)).unwrap_or(u16::MAX)
}

fn interface_count(screen: Screen<'_>) -> u16 {
    count(
        screen
            .host
            .metrics
            .value()
            .map(|metrics| &metrics.interfaces),
    )
}

fn disk_count(screen: Screen<'_>) -> u16 {
    count(screen.host.disks.value().map(|disks| &disks.disks))
}

fn large(screen: Screen<'_>, regions: &mut Regions) {
    let mut rest = regions.body;
    let top = take(&mut rest, share(regions.body.height, 28).clamp(9, 18));
    let (cpu, memory) = beside(top, share(top.width, 64));
    regions.cpu = Some(cpu);
    regions.memory = Some(memory);
    let (mut side, list) = beside(rest, share(rest.width, 38).clamp(44, 76));
    regions.processes = Some(table(list, Density::Boxed));
    // Disks get what they need, up to half; interfaces what makes good graphs; disks what is left.
    let disk_rows = disks::rows_wanted(disk_count(screen), side.width);
    let disks_least = (disk_rows + 2).clamp(4, (side.height / 2).max(4));
    let network_most = interface_count(screen)
        .max(1)
        .saturating_mul(8)
        .saturating_add(2);
    let network = network_most.min(side.height.saturating_sub(disks_least));
    regions.network = Some(take(&mut side, network));
    regions.disks = Some(side);
}

fn small(screen: Screen<'_>, regions: &mut Regions) {
    regions.density = Density::Brief;
    let mut rest = regions.body;
    let height = rest.height;
    let metrics = screen.host.metrics.value();
    let gpus = u16::from(metrics.is_some_and(|metrics| !metrics.gpus.is_empty()));
    let cores = metrics.and_then(|metrics| metrics.cpu.as_ref());
    let many = u16::from(cores.is_some_and(|cpu| cpu.cores.len() > 48));
    let (cpu, memory, network, disks) = match height {
        0..2 => (0, 0, 0, 0),
        2..5 => (1, 0, 0, 0),
        5..9 => (1, 1, 0, 0),
        9..14 => (1, 1, 1, 1),
        14..30 => (2 + many, 1 + gpus, 1, 1),
        _ => (
            share(height, 12),
            1 + gpus,
            interface_count(screen).clamp(1, 4),
            disk_count(screen).clamp(1, 5),
        ),
    };
    let mut part = |height: u16| (height > 0).then(|| take(&mut rest, height));
    regions.cpu = part(cpu);
    regions.memory = part(memory);
    regions.network = part(network);
    regions.disks = part(disks);
    regions.processes = (rest.height > 0).then(|| table(rest, Density::Brief));
}

fn table(area: Rect, density: Density) -> Table {
    let mut rest = area;
    let mut title = Rect { height: 0, ..area };
    if density == Density::Boxed {
        rest = area.inner(Margin::new(1, 1));
    } else if area.height >= 8 {
        title = take(&mut rest, 1);
    }
    let least = u16::from(rest.height > 1);
    let head = take(&mut rest, least);
    let (rows, scrollbar) = if density == Density::Boxed {
        let border = Rect {
            x: rest.right(),
            width: 1,
            ..rest
        };
        (rest, border)
    } else {
        beside(rest, rest.width.saturating_sub(1))
    };
    let head = Rect {
        width: rows.width,
        ..head
    };
    Table {
        area,
        title,
        head,
        rows,
        scrollbar,
    }
}

fn details(screen: Screen<'_>, area: Rect, density: Density) -> DetailsArea {
    let mut rest = area;
    let mut facts = None;
    if density == Density::Boxed {
        rest = area.inner(Margin::new(2, 1));
        let (left, right) = beside(rest, share(rest.width, 42).min(76));
        let needed = process_details::facts_rows(screen.host, screen.settings, left.width);
        if area.width >= 110 && needed <= usize::from(left.height) {
            facts = Some(left);
            // One column for a rule between them, and one on each side of it.
            rest = Rect {
                x: right.x + 3,
                width: right.width - 3,
                ..right
            };
        }
    }
    let least = u16::from(rest.height > 1);
    let tabs = take(&mut rest, least);
    let (body, scrollbar) = if density == Density::Boxed {
        let border = Rect {
            x: area.right() - 1,
            width: 1,
            ..rest
        };
        (rest, border)
    } else {
        beside(rest, rest.width.saturating_sub(1))
    };
    DetailsArea {
        area,
        facts,
        tabs,
        body,
        scrollbar,
    }
}
