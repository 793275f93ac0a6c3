//! Layered roots (overlays): shown as one row with the sizes of the disk that the upper layer is on.

use super::group::{Group, RootLayers};
use super::sizes::Sizes;
use crate::disks::statvfs::{Answer, SizeOutcome};

/// Where a disk that is listed is the one under a root of layers, leaves that root out and shows the disk in its place.
/// Leaves out a root that is an image.
pub(super) fn merge(rows: &mut Vec<(Group, Answer)>) {
    let Some(root) = rows
        .iter()
        .position(|(group, _)| group.root_layers.is_some())
    else {
        return;
    };
    let of_root = rows.get(root).and_then(|(_, answer)| sizes(answer));
    // Users may claim any size for what they serve.
    let is_under = |(index, (group, answer)): &(usize, &(Group, Answer))| {
        let both = sizes(answer).zip(of_root);
        let may_be = *index != root && group.server.user().is_none();
        may_be && both.is_some_and(|(disk, of_root)| disk.are_of_the_same(&of_root))
    };
    let under = rows
        .iter()
        .enumerate()
        .find(is_under)
        .map(|(index, _)| index);
    if let Some(under) = under {
        // In the place of the root, which is the first.
        let (mut disk, answer) = rows.remove(under);
        disk.is_shown_at_root = true;
        if let Some(row) = rows.get_mut(root) {
            *row = (disk, answer);
        }
    } else if of_root.is_some_and(|sizes| sizes.used_bytes == sizes.total_bytes) {
        let is_image = |group: &Group| group.root_layers == Some(RootLayers::ReadOnly);
        rows.retain(|(group, _)| !is_image(group));
    }
}

fn sizes(answer: &Answer) -> Option<Sizes> {
    match answer.outcome {
        SizeOutcome::Sizes(_, sizes) => Some(sizes),
        SizeOutcome::NoDisk | SizeOutcome::Unreadable | SizeOutcome::Hung => None,
    }
}
