//! Reachable mounts: those that no other mount covers.
//!
//! The order of the lines has no meaning (`/` may come after what was moved into it); the parents have: a mount lies over
//! another on the same parent that is mounted at or below its own mount point, and over whatever is mounted on such a
//! one.
//!
//! It takes a sort and one pass for each of the three steps: a user who has a thousand mounts costs a thousand, not a
//! million.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::mountinfo::Line;

/// Whether each of the mounts is reached.
pub(super) fn reachable(mounts: &[Line<'_>]) -> Vec<bool> {
    let mut on_parent: HashMap<u32, Vec<usize>> = HashMap::new();
    for (index, mount) in mounts.iter().enumerate() {
        // The first mount may name itself as its parent.
        if mount.parent != mount.id {
            on_parent.entry(mount.parent).or_default().push(index);
        }
    }
    let mut hidden = vec![false; mounts.len()];
    for siblings in on_parent.values() {
        hide_below_siblings(mounts, siblings, &mut hidden);
    }
    hide_descendants(mounts, &on_parent, &mut hidden);
    // Reached, but covered: something is mounted on its own mount point.
    let covered = |mount: &Line<'_>| {
        on_parent
            .get(&mount.id)
            .into_iter()
            .flatten()
            .filter_map(|&child| mounts.get(child))
            .any(|child| child.mount_point == mount.mount_point)
    };
    mounts
        .iter()
        .zip(hidden)
        .map(|(mount, hidden)| !hidden && !covered(mount))
        .collect()
}

/// Of mounts on one parent hides those that lie at or below the mount point of another; of several in one place the
/// last stays.
fn hide_below_siblings(mounts: &[Line<'_>], siblings: &[usize], hidden: &mut [bool]) {
    let point = |index: usize| mounts.get(index).map(mount_point);
    let mut in_order: Vec<_> = siblings
        .iter()
        .filter_map(|&index| Some((point(index)?, index)))
        .collect();
    // Whatever is below a path follows it without a gap; of the same path the last comes first.
    in_order.sort_unstable_by(|a, b| a.0.cmp(b.0).then(b.1.cmp(&a.1)));
    let mut above: Option<&Path> = None;
    for (path, index) in in_order {
        if above.is_some_and(|above| path.starts_with(above)) {
            if let Some(hidden) = hidden.get_mut(index) {
                *hidden = true;
            }
        } else {
            above = Some(path);
        }
    }
}

/// Hides what is mounted on hidden mounts.
fn hide_descendants(
    mounts: &[Line<'_>],
    on_parent: &HashMap<u32, Vec<usize>>,
    hidden: &mut [bool],
) {
    let mut to_visit: Vec<usize> = (0..mounts.len())
        .filter(|&index| hidden.get(index) == Some(&true))
        .collect();
    while let Some(index) = to_visit.pop() {
        let children = mounts.get(index).and_then(|mount| on_parent.get(&mount.id));
        for &child in children.into_iter().flatten() {
            if let Some(hidden) = hidden.get_mut(child)
                && !*hidden
            {
                *hidden = true;
                to_visit.push(child);
            }
        }
    }
}

fn mount_point<'a>(mount: &Line<'a>) -> &'a Path {
    Path::new(OsStr::from_bytes(mount.mount_point))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::mountinfo::parse;
    use super::*;

    fn reached(text: &str) -> Vec<String> {
        let lines: Vec<_> = parse(text.as_bytes()).collect();
        let reachable = reachable(&lines);
        std::iter::zip(lines, reachable)
            .filter(|(_, reached)| *reached)
            .map(|(line, _)| line.mount().source)
            .collect()
    }

    /// Says the same by comparing all with all: what it replaces.
    fn reachable_by_comparing_all(mounts: &[Line<'_>]) -> Vec<bool> {
        let is_child =
            |child: &Line<'_>, parent: u32| child.parent == parent && child.parent != child.id;
        let mut hidden: Vec<bool> = mounts
            .iter()
            .enumerate()
            .map(|(index, mount)| {
                mounts.iter().enumerate().any(|(other, sibling)| {
                    other != index
                        && is_child(sibling, mount.parent)
                        && mount_point(mount).starts_with(mount_point(sibling))
                        && (mount_point(mount) != mount_point(sibling) || other > index)
                }) && mount.parent != mount.id
            })
            .collect();
        loop {
            let before = hidden.clone();
            for (parent, is_hidden) in mounts.iter().zip(&before) {
                for (child, hidden) in mounts.iter().zip(&mut hidden) {
                    *hidden |= *is_hidden && is_child(child, parent.id);
                }
            }
            if hidden == before {
                break;
            }
        }
        let covered = |mount: &Line<'_>| {
            mounts
                .iter()
                .any(|child| is_child(child, mount.id) && mount_point(child) == mount_point(mount))
        };
        mounts
            .iter()
            .zip(hidden)
            .map(|(mount, hidden)| !hidden && !covered(mount))
            .collect()
    }

    #[test]
    fn mount_hides_the_mount_below_it() {
        let text = "1 0 8:1 / / rw - ext4 root rw\n\
            2 1 8:2 / /mnt rw - ext4 covered rw\n\
            3 2 8:3 / /mnt/below rw - ext4 below rw\n\
            4 2 8:4 / /mnt rw - ext4 cover rw\n\
            5 4 8:5 / /mnt/below rw - ext4 on-cover rw\n";
        assert_eq!(reached(text), ["root", "cover", "on-cover"]);
    }

    #[test]
    fn mount_on_a_parent_folder_hides_mounts_below_in_any_order() {
        let text = "3 1 8:3 / /mnt/disk/deep rw - ext4 deep rw\n\
            2 1 8:2 / /mnt rw - ext4 above rw\n\
            4 3 8:4 / /mnt/disk/deep/er rw - ext4 deeper rw\n\
            5 1 8:5 / /mnt2 rw - ext4 beside rw\n\
            6 1 8:6 / /mnt-3 rw - ext4 beside-too rw\n\
            1 0 8:1 / / rw - ext4 root rw\n";
        assert_eq!(reached(text), ["above", "beside", "beside-too", "root"]);
    }

    #[test]
    fn later_of_two_mounts_on_one_folder_is_visible() {
        let text = "1 1 8:1 / / rw - ext4 root rw\n2 1 8:2 / /a rw - ext4 first rw\n3 1 8:3 / /a rw - ext4 second rw\n";
        assert_eq!(reached(text), ["root", "second"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
            let lines: Vec<_> = parse(&bytes).collect();
            prop_assert_eq!(reachable(&lines).len(), lines.len());
        }

        #[test]
        fn reachable_mounts_equal_a_pairwise_comparison(
            edges in prop::collection::vec((0..24_u8, 0..24_u8, "(/[ab!]|/a\\\\040b){0,4}"), 0..40),
        ) {
            let lines: Vec<_> = edges
                .iter()
                .map(|(id, parent, point)| {
                    let point = if point.is_empty() { "/" } else { point };
                    format!("{id} {parent} 8:1 / {point} rw - ext4 x rw")
                })
                .collect();
            let text = lines.join("\n");
            let lines: Vec<_> = parse(text.as_bytes()).collect();
            prop_assert_eq!(lines.len(), edges.len());
            prop_assert_eq!(reachable(&lines), reachable_by_comparing_all(&lines));
        }
    }
}
