//! Disks: mounted file systems that hold data of their own, with their sizes as `df(1)` shows them.
//!
//! `mountinfo` reads what is mounted, `choose` picks the disks, `ask` gets the sizes without waiting for
//! file systems that do not answer.

mod ask;
mod choose;
mod fuse;
mod mountinfo;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, major, minor, stat, statvfs};
use socktop_proto::model::{Disk, DiskState, Disks, Error, ErrorCode};

use super::fields::text;
use super::kept_file::{Buffer, KeptFile};
use super::{Now, Root};
use ask::{Asker, FileSystems, Found, Outcome, Sizes};
use choose::Group;
use mountinfo::{Device, Mount};

/// Collects disks. It remembers which of them have not answered.
pub struct DisksCollector {
    root: Root,
    /// Init's mounts are the host's; the agent's own sandbox has others.
    init: KeptFile,
    own: KeptFile,
    buffer: Buffer,
    asker: Asker,
}

impl DisksCollector {
    /// A collector of what is mounted below `root`.
    #[must_use]
    pub fn new(root: Root) -> Self {
        let file_systems = Arc::new(Kernel { root: root.clone() });
        Self::with(root, file_systems)
    }

    fn with(root: Root, file_systems: Arc<dyn FileSystems>) -> Self {
        Self {
            init: KeptFile::new(root.path("proc/1/mountinfo")),
            own: KeptFile::new(root.path("proc/self/mountinfo")),
            buffer: Buffer::default(),
            root,
            asker: Asker::new(file_systems),
        }
    }

    /// Lists the disks, in the order of their mount points. A file system that does not answer within a second
    /// is listed as hung, and is not waited for again before it has answered.
    ///
    /// # Errors
    /// Where neither init's nor the agent's own `mountinfo` can be read.
    pub async fn collect(&mut self, now: Now) -> Result<Disks, Error> {
        let groups = choose::choose(mountinfo::reachable(self.mounts()?));
        let outcomes = self.asker.ask(groups.clone()).await;
        let shown: Vec<_> = groups
            .iter()
            .zip(&outcomes)
            .filter(|(group, _)| !group.layered)
            .filter_map(|(_, outcome)| match outcome {
                Outcome::Sizes(_, sizes) => Some((sizes.total_bytes, sizes.files)),
                _ => None,
            })
            .collect();
        // Layers pass on the size of the disk under them.
        let shown_already = |sizes: &Sizes| shown.contains(&(sizes.total_bytes, sizes.files));
        let disks = groups
            .iter()
            .zip(outcomes)
            .filter(|(group, outcome)| {
                !matches!(outcome, Outcome::Sizes(_, sizes) if group.layered && shown_already(sizes))
            })
            .filter_map(|(group, outcome)| self.disk(group, outcome))
            .collect();
        Ok(Disks {
            time: Some(now.sample_time()),
            disks,
        })
    }

    fn mounts(&mut self) -> Result<Vec<Mount>, Error> {
        if let Ok(mountinfo) = self.init.read(&mut self.buffer) {
            return Ok(mountinfo::parse(mountinfo));
        }
        let own = self.own.read(&mut self.buffer);
        own.map(mountinfo::parse).map_err(|error| {
            Error::new(
                ErrorCode::Unavailable,
                format!("reading /proc/self/mountinfo for the list of disks failed: {error}; is /proc mounted?"),
            )
        })
    }

    fn disk(&self, group: &Group, outcome: Outcome) -> Option<Disk> {
        let (place, state, sizes) = match outcome {
            Outcome::Sizes(place, sizes) if sizes.total_bytes > 0 => {
                (place, DiskState::Ok, Some(sizes))
            }
            Outcome::Sizes(..) | Outcome::NoDisk => return None,
            Outcome::Unreadable => (0, DiskState::Unreadable, None),
            Outcome::Hung => (0, DiskState::Hung, None),
        };
        let mount = group.mounts.get(place)?;
        Some(Disk {
            name: self.name(mount),
            mount_point: Some(mount.mount_point.to_string_lossy().into_owned()),
            file_system: Some(mount.file_system.clone()),
            total_bytes: sizes.map(|sizes| sizes.total_bytes),
            used_bytes: sizes.map(|sizes| sizes.used_bytes),
            available_bytes: sizes.map(|sizes| sizes.available_bytes),
            state: state.into(),
            read_only: Some(mount.read_only),
        })
    }

    /// The source, but the device's name where the source is an alias: the kernel mounts the root as `/dev/root`
    /// where no initramfs does it.
    fn name(&self, mount: &Mount) -> String {
        let Device { major, minor } = mount.device;
        let alias = mount.source == "/dev/root" || mount.source.starts_with("/dev/disk/by-");
        alias
            .then(|| {
                text(
                    &self
                        .root
                        .path(format!("sys/dev/block/{major}:{minor}/uevent")),
                )
            })
            .flatten()
            .and_then(|uevent| {
                let name = uevent
                    .lines()
                    .find_map(|line| line.strip_prefix("DEVNAME="))?;
                Some(format!("/dev/{name}"))
            })
            .unwrap_or_else(|| mount.source.clone())
    }
}

/// Asks the kernel by `stat(2)` and `statvfs(3)`.
struct Kernel {
    root: Root,
}

impl Kernel {
    fn path(&self, mount_point: &Path) -> PathBuf {
        self.root
            .path(mount_point.strip_prefix("/").unwrap_or(mount_point))
    }
}

impl FileSystems for Kernel {
    fn ask(&self, mount: &Mount) -> io::Result<Found> {
        let path = self.path(&mount.mount_point);
        if fuse::is_fuse(&mount.file_system) {
            return fuse::ask(&path);
        }
        let place = stat(&path)?;
        if FileType::from_raw_mode(place.st_mode) != FileType::Directory {
            return Ok(Found::File);
        }
        // A sandbox may have something else there. Without a device number of their own file systems give what they
        // like: each subvolume another.
        let found = Device {
            major: major(place.st_dev),
            minor: minor(place.st_dev),
        };
        if mount.device.major != 0 && mount.device != found {
            return Err(io::Error::other(
                "another file system is mounted there for the agent",
            ));
        }
        let sizes = statvfs(&path)?;
        Ok(Found::Sizes(Sizes::of_blocks(
            sizes.f_frsize,
            sizes.f_blocks,
            sizes.f_bfree,
            sizes.f_bavail,
            sizes.f_files,
        )))
    }
}

#[cfg(test)]
mod tests;
