//! How many disks are read and listed: a host's own before those that users without root have mounted.

use super::group::Lines;

/// How many disks are listed.
pub(super) const MAX_DISKS: usize = 256;

/// How many of them are one user's. fusermount(1) lets each user mount a thousand.
pub(super) const MAX_OF_ONE_USER: usize = 16;

/// Keeps as many as are listed, in no order. The host's own come first: the root, those on block devices, pools and
/// shares; then of each user the first, the second, and so on. Near the root goes before deep below it.
pub(super) fn keep(mut groups: Vec<Lines<'_>>) -> Vec<Lines<'_>> {
    groups.sort_by(|a, b| {
        a.server
            .user()
            .cmp(&b.server.user())
            .then_with(|| importance(a).cmp(&importance(b)))
    });
    let (mut user, mut rank) = (None, 0);
    let mut ranked: Vec<_> = groups
        .into_iter()
        .map(|group| {
            rank = match group.server.user() {
                None => 0,
                current if current == user => rank + 1,
                _ => 1,
            };
            user = group.server.user();
            (rank, group)
        })
        .filter(|(rank, _)| *rank <= MAX_OF_ONE_USER)
        .collect();
    // It is stable: what was sorted before stays so within a rank.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.truncate(MAX_DISKS);
    ranked.into_iter().map(|(_, group)| group).collect()
}

fn importance<'a>(group: &Lines<'a>) -> (bool, bool, usize, &'a [u8]) {
    let (point, major) = group.mounts.first().map_or((&b""[..], 0), |shown| {
        (shown.mount_point, shown.device.major)
    });
    let depth = point.split(|&byte| byte == b'/').count();
    (point != b"/", major == 0, depth, point)
}
