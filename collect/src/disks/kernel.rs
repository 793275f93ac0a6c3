//! Reads the sizes of a file system from the kernel, and verifies that it is the one that was meant.
//!
//! The mounts are init's; the agent may have others in its sandbox, or something may have been mounted over the place
//! since. So a mount point is opened once, without anything being read or an automounter triggered (`O_PATH`), and what
//! was opened is held against the line of init's mountinfo:
//!
//! - Where the file system is on a block device of its own, by the device number of stat(2).
//! - Elsewhere (btrfs, ZFS, overlay, shares) a stat's device number is the subvolume's own, and FUSE has to be asked for
//!   one. There the kernel reports which mount was opened (`stx_mnt_id` of statx(2)), and the agent's own mountinfo
//!   which device number the file system of that mount has. It is the number of the superblock (`s_dev`), the same in
//!   every namespace and for every subvolume, and no other mounted file system has it: no machine gives a false alarm,
//!   and a type or a size that happens to be equal does no harm.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, StatxFlags, fstat, fstatvfs, major, minor, open, statx,
};

use super::file_systems::{FileSystems, OwnMounts};
use super::fuse;
use super::mountinfo::{Device, Mount};
use super::sizes::{Blocks, Found, Sizes};
use crate::Root;
use crate::parse::{lines, number};

/// Asks the kernel.
pub(super) struct Kernel {
    pub(super) root: Root,
}

impl FileSystems for Kernel {
    fn ask(&self, mount: &Mount, own_mounts: &OwnMounts) -> io::Result<Found> {
        let relative = mount.mount_point.strip_prefix("/");
        let path = self.root.path(relative.unwrap_or(&mount.mount_point));
        let place = open(
            &path,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let is_fuse = fuse::is_fuse(&mount.file_system);
        if is_fuse || mount.device.major == 0 {
            expect(mount.device, own_mounts.device(mount_id(&place)?)?)?;
        }
        if is_fuse {
            return fuse::ask(place);
        }
        let found = fstat(&place)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Directory {
            return Ok(Found::File);
        }
        if mount.device.major != 0 {
            let (major, minor) = (major(found.st_dev), minor(found.st_dev));
            expect(mount.device, Device { major, minor })?;
        }
        let sizes = fstatvfs(&place)?;
        Ok(Found::Sizes(Sizes::of(Blocks {
            block_bytes: sizes.f_frsize,
            total: sizes.f_blocks,
            free: sizes.f_bfree,
            available: sizes.f_bavail,
            files: sizes.f_files,
        })))
    }
}

fn expect(expected: Device, found: Device) -> io::Result<()> {
    if expected == found {
        return Ok(());
    }
    let another = "another file system is mounted there for the agent";
    Err(io::Error::other(another))
}

/// Which mount was opened; asks no file system.
fn mount_id(file: &OwnedFd) -> io::Result<u32> {
    mount_id_by_statx(file).map_or_else(|| mount_id_by_fdinfo(file), Ok)
}

/// The mount by `statx(2)`, without reading anything else of the file. `None` before Linux 5.8.
fn mount_id_by_statx(file: &OwnedFd) -> Option<u32> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let stat = statx(file, "", flags, StatxFlags::empty()).ok()?;
    let is_known = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::MNT_ID);
    is_known.then(|| u32::try_from(stat.stx_mnt_id).ok())?
}

/// The mount by `/proc/self/fdinfo`. Before Linux 5.14 it is root's alone where a process is not dumpable, as the agent.
fn mount_id_by_fdinfo(file: &OwnedFd) -> io::Result<u32> {
    // Of the agent itself, whatever tree is looked at.
    let info = std::fs::read(format!("/proc/self/fdinfo/{}", file.as_raw_fd()))?;
    lines(&info)
        .find_map(|line| number(line.strip_prefix(b"mnt_id:")?.trim_ascii()))
        .ok_or_else(|| io::Error::other("the kernel does not report which mount it is"))
}

#[cfg(test)]
mod tests {
    use super::super::mountinfo::parse;
    use super::*;
    use crate::disks::filter::choose;
    use crate::fixture::Tree;

    /// A folder `place` that is claimed to be a btrfs on device 0:41, on a mount that is said to be of `device`.
    fn ask(device: &str) -> io::Result<Found> {
        let tree = Tree::new(&[("place/file", "")]);
        let folder = open(tree.path("place"), OFlags::PATH, Mode::empty()).unwrap();
        let id = mount_id(&folder).unwrap();
        tree.write(
            "proc/self/mountinfo",
            &format!("{id} 1 {device} / /place rw - x x rw\n"),
        );
        let chosen = choose(b"7 1 0:41 /@ /place rw - btrfs /dev/sda rw\n");
        let root = tree.root();
        let own_mounts = OwnMounts::new(&root);
        Kernel { root }.ask(&chosen.groups[0].mounts[0], &own_mounts)
    }

    #[test]
    fn file_system_mounted_over_a_disk_does_not_give_its_size() {
        assert!(matches!(ask("0:41"), Ok(Found::Sizes(_))));
        let error = ask("0:77").unwrap_err().to_string();
        assert!(error.contains("another file system"), "{error}");
    }

    #[test]
    fn live_mounts_match_their_devices() {
        let mountinfo = std::fs::read("/proc/self/mountinfo").unwrap();
        let lines: Vec<_> = parse(&mountinfo).collect();
        let own_mounts = OwnMounts::new(&Root::default());
        for (line, is_reached) in std::iter::zip(&lines, super::super::reachable::reachable(&lines))
        {
            let mount = line.mount();
            if let Ok(place) = open(
                &mount.mount_point,
                OFlags::PATH | OFlags::NOFOLLOW,
                Mode::empty(),
            ) && is_reached
            {
                let id = mount_id_by_statx(&place).unwrap();
                assert_eq!(id, mount_id_by_fdinfo(&place).unwrap(), "{mount:?}");
                assert_eq!(own_mounts.device(id).unwrap(), mount.device, "{mount:?}");
            }
        }
    }
}
