//! Where the sizes of file systems come from, and which file system the agent itself sees at a mount point.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::mountinfo::{Device, Mount, parse};
use super::sizes::Found;
use crate::Root;

/// How much of a mountinfo is read. A thousand mounts take 100 kB, with the longest paths 4 MB.
pub(super) const MAX_MOUNTINFO_BYTES: usize = 8 << 20;

/// Where sizes come from; a test has its own.
pub(super) trait FileSystems: Send + Sync {
    /// Asks the file system at a mount. May take for ever.
    ///
    /// # Errors
    /// Where the mount point cannot be reached, another file system is there for the agent, or the file system answers
    /// with an error.
    fn ask(&self, mount: &Mount, own_mounts: &OwnMounts) -> io::Result<Found>;
}

/// The agent's own mounts; read on first use.
pub(super) struct OwnMounts {
    path: PathBuf,
    devices: OnceLock<HashMap<u32, Device>>,
}

impl OwnMounts {
    /// Those of this moment.
    pub(super) fn new(root: &Root) -> Self {
        Self {
            path: root.path("proc/self/mountinfo"),
            devices: OnceLock::new(),
        }
    }

    /// The device number of the file system of a mount.
    pub(super) fn device(&self, mount_id: u32) -> io::Result<Device> {
        let devices = self.devices.get_or_init(|| {
            let mountinfo = read(&self.path).unwrap_or_default();
            parse(&mountinfo)
                .map(|line| (line.id, line.device))
                .collect()
        });
        let unknown = || io::Error::other("it was mounted just now, or not at all");
        devices.get(&mount_id).copied().ok_or_else(unknown)
    }
}

/// Reads a mountinfo, and not much more of it than [`MAX_MOUNTINFO_BYTES`].
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut mountinfo = Vec::new();
    let most = u64::try_from(MAX_MOUNTINFO_BYTES).map_err(io::Error::other)?;
    File::open(path)?
        .take(most + 1)
        .read_to_end(&mut mountinfo)?;
    Ok(mountinfo)
}
