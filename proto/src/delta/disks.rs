//! Deltas of the disks.

use super::{DeltaError, add, by_known};
use crate::delta::index_deltas::{IndexDeltas, change};
use crate::model::{Disk, Disks, DisksDelta};

pub(super) fn between(old: &Disks, new: &Disks) -> Option<DisksDelta> {
    // Every kind of delta has it.
    let Disks {
        time: _,
        disks,
        not_listed,
    } = old;
    if disks.len() != new.disks.len() || *not_listed != new.not_listed {
        return None;
    }
    let (mut used_by, mut available_by) = (Vec::new(), Vec::new());
    let mut indices = IndexDeltas::default();
    for (index, (old, new)) in std::iter::zip(disks, &new.disks).enumerate() {
        if old == new {
            continue;
        }
        if !is_same(old, new) {
            return None;
        }
        indices.push(index)?;
        used_by.push(by_known(old.used_bytes, new.used_bytes)?);
        available_by.push(by_known(old.available_bytes, new.available_bytes)?);
    }
    Some(DisksDelta {
        disk_at: indices.into_vec(),
        used_by,
        available_by,
    })
}

/// Whether nothing has changed that a delta has no number for.
fn is_same(old: &Disk, new: &Disk) -> bool {
    let Disk {
        name,
        mount_point,
        file_system,
        total_bytes,
        // A delta has numbers for them.
        used_bytes: _,
        available_bytes: _,
        state,
        read_only,
        sizes_boot_ms,
    } = old;
    *name == new.name
        && *mount_point == new.mount_point
        && *file_system == new.file_system
        && *total_bytes == new.total_bytes
        && *state == new.state
        && *read_only == new.read_only
        && *sizes_boot_ms == new.sizes_boot_ms
}

pub(super) fn apply(disks: &mut Disks, delta: &DisksDelta) -> Result<(), DeltaError> {
    let DisksDelta {
        disk_at,
        used_by,
        available_by,
    } = delta;
    let Disks {
        // Every kind of delta has it.
        time: _,
        disks: known,
        not_listed: _,
    } = disks;
    change(known, disk_at, used_by, |disk, by| {
        add(&mut disk.used_bytes, by);
    })?;
    change(known, disk_at, available_by, |disk, by| {
        add(&mut disk.available_bytes, by);
    })
}
