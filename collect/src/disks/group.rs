//! A disk: the mounts that lead to one file system.

use std::path::Path;
use std::sync::Arc;

use super::mountinfo::{Device, Line, Mount};

/// One disk: a row, should the file system answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) key: Key,
    /// The places where it is mounted, the one to show first; at least one.
    pub(super) mounts: Arc<[Mount]>,
    /// The user that can make it hang.
    pub(super) server: Server,
    /// It represents a root that is an image.
    pub(super) is_shown_at_root: bool,
    /// What it is of the root, if that is of layers.
    pub(super) root_layers: Option<RootLayers>,
}

/// A root of layers: a row only where no other shows the disk that is under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RootLayers {
    /// It can be written to.
    Written,
    /// It has no upper layer: what an image holds, which is full, or a disk's folder.
    ReadOnly,
}

/// What answers calls on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Server {
    /// The kernel, from a disk of the host.
    Kernel,
    /// Another machine, or a process of root.
    Trusted,
    /// A process of a user without root.
    User(u32),
}

impl Server {
    /// The user without root who runs it.
    pub(super) fn user(self) -> Option<u32> {
        match self {
            Self::User(user) => Some(user),
            Self::Kernel | Self::Trusted => None,
        }
    }
}

/// What makes two mounts the same disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) device: Device,
    /// Shares of one server's file system have one device, but were mounted each for its own sake.
    pub(super) share: Option<String>,
}

/// The disks of a host.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// In the order of the mount points that are to be shown.
    pub(super) groups: Vec<Group>,
    /// How many there are more.
    pub(super) not_listed: usize,
}

/// Mounts of one disk, as they stand in the file.
pub(super) struct Lines<'a> {
    pub(super) mounts: Vec<Line<'a>>,
    pub(super) server: Server,
}

impl Group {
    /// Where it is mounted, to be shown, when it was asked by the mount at `place`.
    pub(super) fn mount_point(&self, place: usize) -> Option<&Path> {
        if self.is_shown_at_root {
            return Some(Path::new("/"));
        }
        Some(self.mounts.get(place)?.mount_point.as_path())
    }
}
