//! The mount table: reads which disks are mounted, on the serving thread only where that is little work.

use std::io;
use std::time::Duration;

use socktop_proto::model::{Error, ErrorCode};

use super::file_systems::{MAX_MOUNTINFO_BYTES, read};
use super::filter::choose;
use super::group::Chosen;
use crate::Root;
use crate::deadline::{Bounds, Call, FILE_SYSTEMS, Helpers, Outcome};
use crate::proc_file::{Buffer, ProcFile};

/// Some 500 mounts, which take about a millisecond. Of more a helper thread makes the list.
const SMALL_BYTES: usize = 64 * 1024;

/// One list is made at a time. It does not hang, but takes long where there are very many and the machine is slow.
const TABLE: Bounds = Bounds {
    name: "mountinfo",
    deadline: Duration::from_secs(10),
    threads: 1,
    ..FILE_SYSTEMS
};

/// The mounts of the host: init's, or the agent's own where those cannot be read.
pub(super) struct MountTable {
    root: Root,
    init: ProcFile,
    own: ProcFile,
    buffer: Buffer,
    helpers: Helpers<()>,
    /// The last one was more than a little work.
    was_large: bool,
}

/// The list, and how many bytes it was made of.
type Listed = io::Result<(Chosen, usize)>;

impl MountTable {
    /// What is mounted below `root`.
    pub(super) fn new(root: Root) -> Self {
        Self {
            init: ProcFile::new(root.path("proc/1/mountinfo")),
            own: ProcFile::new(root.path("proc/self/mountinfo")),
            buffer: Buffer::bounded(SMALL_BYTES),
            helpers: Helpers::new(TABLE),
            was_large: false,
            root,
        }
    }

    /// The disks that are mounted now.
    ///
    /// # Errors
    /// Where neither init's nor the agent's own `mountinfo` can be read in time.
    pub(super) async fn disks(&mut self) -> Result<Chosen, Error> {
        if !self.was_large {
            for file in [&mut self.init, &mut self.own] {
                match file.read(&mut self.buffer) {
                    Ok(mountinfo) => return Ok(choose(mountinfo)),
                    Err(error) if error.kind() == io::ErrorKind::FileTooLarge => break,
                    Err(_) => {}
                }
            }
        }
        let paths = ["proc/1/mountinfo", "proc/self/mountinfo"].map(|path| self.root.path(path));
        let make = Box::new(move || {
            let [init, own] = &paths;
            read(init).or_else(|_| read(own)).map(list)
        });
        let call = Call {
            key: (),
            user: None,
            make,
        };
        let outcome: Option<Outcome<Listed>> = self.helpers.run(vec![call]).await.pop();
        let reason = match outcome {
            Some(Outcome::Returned(Ok((chosen, bytes)))) => {
                self.was_large = bytes > SMALL_BYTES;
                return Ok(chosen);
            }
            Some(Outcome::Returned(Err(error))) => format!("{error}; is /proc mounted?"),
            Some(Outcome::Hung(_) | Outcome::NotMade) | None => {
                "it takes too long; are there too many mounts?".to_owned()
            }
        };
        Err(Error::new(
            ErrorCode::Unavailable,
            format!("reading /proc/self/mountinfo for the list of disks failed: {reason}"),
        ))
    }
}

/// Makes the list of a mountinfo. Of one that is too long the end is left out: its beginning is what was mounted first,
/// which is the host's own.
fn list(mut mountinfo: Vec<u8>) -> (Chosen, usize) {
    let bytes = mountinfo.len();
    let is_cut = bytes > MAX_MOUNTINFO_BYTES;
    if is_cut {
        let end = mountinfo.iter().rposition(|&byte| byte == b'\n');
        mountinfo.truncate(end.unwrap_or_default());
    }
    let mut chosen = choose(&mountinfo);
    chosen.not_listed += usize::from(is_cut);
    (chosen, bytes)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn overlong_mount_table_is_cut_and_marked() {
        let mut mountinfo = String::from("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
        let path = "/x".repeat(2000);
        let mut id = 1;
        while mountinfo.len() <= MAX_MOUNTINFO_BYTES {
            id += 1;
            writeln!(mountinfo, "{id} 1 0:{id} / {path}{id} rw - tmpfs x rw").unwrap();
        }
        let (chosen, _) = list(mountinfo.into_bytes());
        assert_eq!((chosen.groups.len(), chosen.not_listed), (1, 1));
    }
}
