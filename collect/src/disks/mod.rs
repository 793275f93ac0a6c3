//! Disks: mounted file systems that hold data of their own, with their sizes as `df(1)` shows them.
//!
//! | file | does |
//! |---|---|
//! | `mount_table` | reads what is mounted |
//! | `mountinfo`, `reachable` | take it apart, leave out what other mounts lie over |
//! | `choose`, `kinds`, `budget` | pick the disks, and as many as are listed |
//! | `ask`, `kernel`, `fuse` | get the sizes without waiting for file systems that do not answer |
//! | `sizes`, `layers`, `name` | what is shown of the answers |

mod budget;
mod fuse;
mod group;
mod kernel;
mod kinds;
mod layers;
mod mount_table;
mod mountinfo;
mod name;
mod reachable;
mod sizes;

use std::sync::Arc;
use std::time::Duration;

use socktop_proto::model::{Disk, DiskState, Disks, Error};

use super::{Now, Root};
use file_systems::FileSystems;
use group::Group;
use kernel::Kernel;
use mount_table::MountTable;
use statvfs::{Answer, SizeOutcome, SizeReader};

/// Collects disks. It remembers which of them have not answered.
pub struct DisksCollector {
    mounts: MountTable,
    asker: SizeReader,
}

impl DisksCollector {
    /// A collector of what is mounted below `root`: init's mounts, which are the host's; the agent's own sandbox has
    /// others.
    #[must_use]
    pub fn new(root: Root) -> Self {
        let file_systems = Arc::new(Kernel { root: root.clone() });
        Self::with(root, file_systems)
    }

    fn with(root: Root, file_systems: Arc<dyn FileSystems>) -> Self {
        Self {
            mounts: MountTable::new(root.clone()),
            asker: SizeReader::new(root, file_systems),
        }
    }

    /// Lists the disks, in the order of their mount points. A file system that does not answer within a second
    /// is listed as hung, and is not waited for again before it has answered.
    ///
    /// # Errors
    /// Where neither init's nor the agent's own `mountinfo` can be read.
    pub async fn collect(&mut self, now: Now) -> Result<Disks, Error> {
        let chosen = self.mounts.disks().await?;
        let answers = self.asker.ask(&chosen.groups, now.boot).await;
        let mut rows = std::iter::zip(chosen.groups, answers).collect();
        layers::merge(&mut rows);
        let not_listed = u32::try_from(chosen.not_listed).unwrap_or(u32::MAX);
        Ok(Disks {
            time: Some(now.sample_time()),
            disks: rows.into_iter().filter_map(disk).collect(),
            not_listed: (not_listed > 0).then_some(not_listed),
        })
    }
}

fn disk((group, answer): (Group, Answer)) -> Option<Disk> {
    let (place, state, sizes) = match answer.outcome {
        SizeOutcome::Sizes(_, sizes) if sizes.is_empty() => return None,
        SizeOutcome::Sizes(place, sizes) => (place, DiskState::Ok, Some(sizes)),
        SizeOutcome::NoDisk => return None,
        SizeOutcome::Unreadable => (0, DiskState::Unreadable, None),
        SizeOutcome::Hung => (0, DiskState::Hung, None),
    };
    let mount = group.mounts.get(place)?;
    let mount_point = group.mount_point(place)?;
    Some(Disk {
        name: answer.name.unwrap_or_else(|| mount.source.clone()),
        mount_point: Some(mount_point.to_string_lossy().into_owned()),
        file_system: Some(mount.file_system.clone()),
        total_bytes: sizes.and_then(|sizes| sizes.total_bytes),
        used_bytes: sizes.and_then(|sizes| sizes.used_bytes),
        available_bytes: sizes.and_then(|sizes| sizes.available_bytes),
        state: state.into(),
        read_only: Some(mount.read_only),
        sizes_boot_ms: answer.repeated_from.map(milliseconds),
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

mod file_systems;
mod filter;
mod statvfs;
#[cfg(test)]
mod tests;
