//! Filters mounts: which are disks, file systems that hold data of their own, each once.
//!
//! What is mounted at `/` determines where the system's own data is:
//!
//! | at `/` | machines | shown at `/` |
//! |---|---|---|
//! | a file system that holds data | most | that |
//! | an image: squashfs, erofs, or an overlay without an upper layer, as composefs is | Silverblue, Fedora Core OS, bootc | the disk at `/sysroot`, where they keep what changes; without one nothing, or the overlay, if it is not full as images are |
//! | an overlay with an upper layer on a disk that is listed | routers, containers with volumes, live systems with persistence | that disk, and nowhere else |
//! | an overlay whose upper layer is on no disk that is listed | containers, overlayroot, Raspberry Pi OS read-only, live systems in memory | the overlay, with the sizes of its upper layer, as df(1) has it |
//!
//! Which of the last two it is follows from the sizes, once they are known ([`super::layers`]).

use std::collections::HashMap;
use std::time::Duration;

use super::group::{Chosen, Group, Key, Lines, RootLayers, Server};
use super::kinds::{holds_data, is_image, is_layers, is_served};
use super::mountinfo::{Device, Line, Mount, parse};
use super::reachable::reachable;
use super::{budget, fuse};
use crate::parse::number;

/// By how many of its mounts a disk is asked. From one disk a container may have many files bound.
const MAX_PLACES: usize = 32;

/// The timeout of an automounter that gives none.
const USUAL_TIMEOUT: Duration = Duration::from_mins(10);

/// Groups the mounts that are disks.
pub(super) fn choose(mountinfo: &[u8]) -> Chosen {
    let all: Vec<_> = parse(mountinfo).collect();
    let reachable = reachable(&all);
    let mut groups: Vec<Lines<'_>> = Vec::new();
    let mut places: HashMap<(Device, Option<&[u8]>), usize> = HashMap::new();
    let mut has_image_at_root = false;
    for (line, _) in std::iter::zip(&all, reachable).filter(|(_, reached)| *reached) {
        let is_root = line.mount_point == b"/";
        has_image_at_root |= is_root && is_image(line);
        let may_be_shown = holds_data(line) || is_root && is_layers(line);
        if !may_be_shown {
            continue;
        }
        let place = *places.entry((line.device, share(line))).or_insert_with(|| {
            groups.push(Lines {
                mounts: Vec::new(),
                server: server(line),
            });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.mounts.push(*line);
        }
    }
    for group in &mut groups {
        group.mounts.sort_by_key(preference);
    }
    let all_groups = groups.len();
    let groups = budget::keep(groups);
    let not_listed = all_groups - groups.len();
    let automounts = Automounts::of(&all);
    let mut groups: Vec<_> = groups
        .iter()
        .map(|group| own(group, &automounts, has_image_at_root))
        .collect();
    if groups.iter().any(|group| group.is_shown_at_root) {
        groups.retain(|group| group.root_layers.is_none());
    }
    groups.sort_by(|a, b| a.mount_point(0).cmp(&b.mount_point(0)));
    Chosen { groups, not_listed }
}

fn own(lines: &Lines<'_>, automounts: &Automounts<'_>, has_image_at_root: bool) -> Group {
    let first = lines.mounts.first();
    let key = Key {
        device: first.map_or(Device { major: 0, minor: 0 }, |line| line.device),
        share: first.and_then(|line| share(line).map(|_| line.mount().source)),
    };
    let root_layers = first.filter(|line| !holds_data(line)).map(|line| {
        if is_image(line) {
            RootLayers::ReadOnly
        } else {
            RootLayers::Written
        }
    });
    let is_at = |line: &Line<'_>, place: &[u8]| line.mount_point == place;
    let is_shown_at_root =
        has_image_at_root && lines.mounts.iter().any(|line| is_at(line, b"/sysroot"));
    let mounts = lines
        .mounts
        .iter()
        .take(MAX_PLACES)
        .map(|line| Mount {
            expires_after: automounts.expires_after(line),
            ..line.mount()
        })
        .collect();
    Group {
        key,
        mounts,
        server: lines.server,
        is_shown_at_root,
        root_layers,
    }
}

fn share<'a>(line: &Line<'a>) -> Option<&'a [u8]> {
    is_served(line.file_system()).then_some(line.source)
}

fn server(line: &Line<'_>) -> Server {
    let kind = line.file_system();
    match fuse::user(line) {
        Some(user) => Server::User(user),
        None if is_served(kind) || fuse::is_fuse(kind) => Server::Trusted,
        None => Server::Kernel,
    }
}

/// `/` comes first, even if it is a subvolume; then a mount of the whole file system goes before
/// bind mounts of parts; then the shortest path.
fn preference(mount: &Line<'_>) -> (bool, bool, usize) {
    (
        mount.mount_point != b"/",
        mount.root != b"/",
        mount.mount_point.len(),
    )
}

/// The mounts by their ids, where there is an automounter at all.
struct Automounts<'a>(HashMap<u32, &'a Line<'a>>);

impl<'a> Automounts<'a> {
    fn of(all: &'a [Line<'a>]) -> Self {
        let has_any = all.iter().any(|line| line.file_system() == "autofs");
        let by_id = all.iter().map(|line| (line.id, line));
        Self(if has_any {
            by_id.collect()
        } else {
            HashMap::new()
        })
    }

    /// After how long without use a mount is unmounted: the longest time of the automounters that the way to it leads
    /// through.
    fn expires_after(&self, line: &Line<'_>) -> Option<Duration> {
        let mut longest = None;
        let mut id = line.parent;
        // No real tree is deeper; a broken one may go round.
        for _ in 0..64 {
            let Some(parent) = self.0.get(&id) else {
                break;
            };
            if parent.file_system() == "autofs" {
                let seconds = parent.option("timeout").and_then(number);
                let timeout = seconds.map_or(USUAL_TIMEOUT, Duration::from_secs);
                longest = longest.max(Some(timeout));
            }
            id = parent.parent;
        }
        // 0: never.
        longest.filter(|timeout| !timeout.is_zero())
    }
}

#[cfg(test)]
mod tests;
