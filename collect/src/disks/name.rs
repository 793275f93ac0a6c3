//! Device names of mounts whose source is an alias.

use super::mountinfo::{Device, Mount};
use crate::Root;
use crate::parse::text;

/// The device's name where the source is an alias: the kernel mounts the root as `/dev/root` where no initramfs does it.
/// To be called on a helper thread: some kernels read `uevent` under the device's lock.
pub(super) fn device_name(root: &Root, mount: &Mount) -> Option<String> {
    let Device { major, minor } = mount.device;
    if mount.source != "/dev/root" && !mount.source.starts_with("/dev/disk/by-") {
        return None;
    }
    let uevent = text(&root.path(format!("sys/dev/block/{major}:{minor}/uevent")))?;
    let name = uevent
        .lines()
        .find_map(|line| line.strip_prefix("DEVNAME="))?;
    Some(format!("/dev/{name}"))
}
