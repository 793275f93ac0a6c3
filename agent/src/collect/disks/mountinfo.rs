//! Mounts from `/proc/PID/mountinfo` (`proc_pid_mountinfo(5)`), and which of them can be reached.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::collect::fields::{lines, number};

/// A device number; the major one is 0 for file systems that are on no single block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Device {
    pub(super) major: u32,
    pub(super) minor: u32,
}

/// A line of mountinfo.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_field_names)] // "Mount point" is one term.
pub(super) struct Mount {
    id: u32,
    parent: u32,
    pub(super) device: Device,
    /// What of the file system is mounted: `/` for all of it.
    pub(super) root: PathBuf,
    pub(super) mount_point: PathBuf,
    /// The type, a subtype included: `fuse.sshfs`.
    pub(super) file_system: String,
    pub(super) source: String,
    /// Whether the file system itself is read-only. A sandbox sets the flag of every mount; this one it cannot.
    pub(super) read_only: bool,
}

/// Parses the file; lines that are not understood are left out.
pub(super) fn parse(mountinfo: &[u8]) -> Vec<Mount> {
    lines(mountinfo).filter_map(mount).collect()
}

fn mount(line: &[u8]) -> Option<Mount> {
    // One space stands between fields, and a source may be empty.
    let mut fields = line.split(|&byte| byte == b' ');
    let id = number(fields.next()?)?;
    let parent = number(fields.next()?)?;
    let device = device(fields.next()?)?;
    let root = path(fields.next()?);
    let mount_point = path(fields.next()?);
    let _mount_options = fields.next()?;
    // Any number of optional fields ends with a hyphen.
    fields.by_ref().find(|field| *field == b"-")?;
    let file_system = name(fields.next()?);
    let source = name(fields.next()?);
    let mut options = fields.next()?.split(|&byte| byte == b',');
    Some(Mount {
        id,
        parent,
        device,
        root,
        mount_point,
        file_system,
        source,
        read_only: options.any(|option| option == b"ro"),
    })
}

fn device(field: &[u8]) -> Option<Device> {
    let colon = field.iter().position(|&byte| byte == b':')?;
    Some(Device {
        major: number(field.get(..colon)?)?,
        minor: number(field.get(colon + 1..)?)?,
    })
}

fn path(field: &[u8]) -> PathBuf {
    OsString::from_vec(unescape(field)).into()
}

fn name(field: &[u8]) -> String {
    String::from_utf8_lossy(&unescape(field)).into_owned()
}

/// White space, `#` and the backslash are written as a backslash and three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        if let [
            b'\\',
            a @ b'0'..=b'3',
            b @ b'0'..=b'7',
            c @ b'0'..=b'7',
            after @ ..,
        ] = rest
        {
            plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = after;
        } else {
            plain.push(byte);
            rest = after;
        }
    }
    plain
}

/// The mounts that a path leads to: those that no other mount lies over.
///
/// The order of the lines tells nothing (`/` may come after what was moved into it), the parents do:
/// a mount lies over another on the same parent that is mounted at or below its own mount point, and over
/// whatever is mounted on such a one.
pub(super) fn reachable(mounts: Vec<Mount>) -> Vec<Mount> {
    let mut on_parent: HashMap<u32, Vec<usize>> = HashMap::new();
    for (index, mount) in mounts.iter().enumerate() {
        // The first mount may name itself as its parent.
        if mount.parent != mount.id {
            on_parent.entry(mount.parent).or_default().push(index);
        }
    }
    let lies_under_sibling = |index: usize, mount: &Mount| {
        on_parent
            .get(&mount.parent)
            .into_iter()
            .flatten()
            .filter(|&&other| other != index)
            .filter_map(|&other| Some((other, mounts.get(other)?)))
            .any(|(other, sibling)| {
                mount.mount_point.starts_with(&sibling.mount_point)
                    && (mount.mount_point != sibling.mount_point || other > index)
            })
    };
    let mut hidden: Vec<bool> = mounts
        .iter()
        .enumerate()
        .map(|(index, mount)| lies_under_sibling(index, mount))
        .collect();
    let mut to_spread: Vec<usize> = (0..mounts.len())
        .filter(|&index| hidden.get(index) == Some(&true))
        .collect();
    while let Some(index) = to_spread.pop() {
        let children = mounts.get(index).and_then(|mount| on_parent.get(&mount.id));
        for &child in children.into_iter().flatten() {
            if let Some(hidden) = hidden.get_mut(child)
                && !*hidden
            {
                *hidden = true;
                to_spread.push(child);
            }
        }
    }
    // Reached, but covered: something is mounted on its own mount point.
    let covered = |mount: &Mount| {
        on_parent
            .get(&mount.id)
            .into_iter()
            .flatten()
            .filter_map(|&child| mounts.get(child))
            .any(|child| child.mount_point == mount.mount_point)
    };
    let keep: Vec<bool> = mounts
        .iter()
        .zip(hidden)
        .map(|(mount, hidden)| !hidden && !covered(mount))
        .collect();
    mounts
        .into_iter()
        .zip(keep)
        .filter_map(|(mount, keep)| keep.then_some(mount))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    fn reached(text: &str) -> Vec<String> {
        reachable(parse(text.as_bytes()))
            .into_iter()
            .map(|mount| mount.source)
            .collect()
    }

    #[test]
    fn a_line_is_taken_apart() {
        let text = br"36 35 98:0 /mnt1 /mnt\040and\134more/\377 rw,noatime master:1 shared:7 - ext3 /dev/a\040b rw,errors=continue";
        let mounts = parse(text);
        assert_eq!(mounts.len(), 1);
        let mount = &mounts[0];
        assert_eq!(
            mount.device,
            Device {
                major: 98,
                minor: 0
            }
        );
        assert_eq!(mount.root, PathBuf::from("/mnt1"));
        assert_eq!(
            mount.mount_point.as_os_str().as_bytes(),
            b"/mnt and\\more/\xff"
        );
        assert_eq!(mount.source, "/dev/a b");
        assert_eq!(mount.file_system, "ext3");
        assert!(!mount.read_only);
    }

    #[test]
    fn the_file_systems_own_options_say_what_is_read_only() {
        let mounts = parse(
            b"1 0 8:1 / / ro - ext4 /dev/sda1 rw,errors=remount-ro\n2 1 8:2 / /a rw - ext4 /dev/sda2 ro\n\
              3 1 0:9 / /b rw -\n4 1 0:9 / /c rw - tmpfs  rw\n",
        );
        let read: Vec<_> = mounts
            .iter()
            .map(|m| (m.source.as_str(), m.read_only))
            .collect();
        assert_eq!(
            read,
            [("/dev/sda1", false), ("/dev/sda2", true), ("", false)]
        );
    }

    #[test]
    fn a_mount_hides_what_it_was_mounted_over() {
        let text = "1 0 8:1 / / rw - ext4 root rw\n\
            2 1 8:2 / /mnt rw - ext4 covered rw\n\
            3 2 8:3 / /mnt/below rw - ext4 below rw\n\
            4 2 8:4 / /mnt rw - ext4 cover rw\n\
            5 4 8:5 / /mnt/below rw - ext4 on-cover rw\n";
        assert_eq!(reached(text), ["root", "cover", "on-cover"]);
    }

    #[test]
    fn a_mount_on_a_folder_above_hides_too_whatever_the_order() {
        let text = "3 1 8:3 / /mnt/disk/deep rw - ext4 deep rw\n\
            2 1 8:2 / /mnt rw - ext4 above rw\n\
            4 3 8:4 / /mnt/disk/deep/er rw - ext4 deeper rw\n\
            5 1 8:5 / /mnt2 rw - ext4 beside rw\n\
            1 0 8:1 / / rw - ext4 root rw\n";
        assert_eq!(reached(text), ["above", "beside", "root"]);
    }

    #[test]
    fn of_two_in_one_place_the_later_is_seen() {
        let text = "1 1 8:1 / / rw - ext4 root rw\n2 1 8:2 / /a rw - ext4 first rw\n3 1 8:3 / /a rw - ext4 second rw\n";
        assert_eq!(reached(text), ["root", "second"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            reachable(parse(&bytes));
        }

        #[test]
        fn any_tree_of_mounts_is_survived(edges: Vec<(u8, u8, u8)>) {
            let lines: Vec<_> = edges
                .iter()
                .map(|(id, parent, point)| {
                    let point = ["/", "/a", "/a/b", "/a/b/c", "/d"][usize::from(*point) % 5];
                    format!("{} {} 8:1 / {point} rw - ext4 x rw", id % 8, parent % 8)
                })
                .collect();
            let text = lines.join("\n");
            prop_assert!(reached(&text).len() <= edges.len());
        }
    }
}
