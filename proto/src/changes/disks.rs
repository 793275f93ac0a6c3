//! Disks as changes.

use super::places::{Places, change};
use super::{ChangesError, add, by_known};
use crate::model::{Disk, Disks, DisksChanges};

pub(super) fn changes(old: &Disks, new: &Disks) -> Option<DisksChanges> {
    if old.disks.len() != new.disks.len() || old.not_listed != new.not_listed {
        return None;
    }
    let mut changes = DisksChanges::default();
    let mut places = Places::default();
    for (place, (old, new)) in std::iter::zip(&old.disks, &new.disks).enumerate() {
        if old == new {
            continue;
        }
        if !is_same(old, new) {
            return None;
        }
        places.push(place)?;
        let used = by_known(old.used_bytes, new.used_bytes)?;
        changes.used_by.push(used);
        let available = by_known(old.available_bytes, new.available_bytes)?;
        changes.available_by.push(available);
    }
    changes.disk_at = places.into_distances();
    Some(changes)
}

/// Whether nothing but how full it is has changed.
fn is_same(old: &Disk, new: &Disk) -> bool {
    old.name == new.name
        && old.mount_point == new.mount_point
        && old.file_system == new.file_system
        && old.total_bytes == new.total_bytes
        && old.state == new.state
        && old.read_only == new.read_only
        && old.sizes_boot_ms == new.sizes_boot_ms
}

pub(super) fn apply(mut disks: Disks, changes: &DisksChanges) -> Result<Disks, ChangesError> {
    let at = &changes.disk_at;
    change(&mut disks.disks, at, &changes.used_by, |disk, by| {
        add(&mut disk.used_bytes, by);
    })?;
    change(&mut disks.disks, at, &changes.available_by, |disk, by| {
        add(&mut disk.available_bytes, by);
    })?;
    Ok(disks)
}
