//! Parser of `/proc/PID/mountinfo` (`proc_pid_mountinfo(5)`).

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::parse::{lines, number};

/// A device number; the major one is 0 for file systems that are on no single block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Device {
    pub(super) major: u32,
    pub(super) minor: u32,
}

/// A line of the file, borrowed: there may be as many as a hundred thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_field_names)] // "Mount point" is one term.
pub(super) struct Line<'a> {
    pub(super) id: u32,
    pub(super) parent: u32,
    pub(super) device: Device,
    /// What of the file system is mounted, escaped.
    pub(super) root: &'a [u8],
    /// Escaped, which changes neither which path is above which, nor which are equal.
    pub(super) mount_point: &'a [u8],
    file_system: &'a [u8],
    /// Escaped.
    pub(super) source: &'a [u8],
    options: &'a [u8],
}

/// A mount that may be a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_field_names)]
pub(super) struct Mount {
    pub(super) id: u32,
    pub(super) device: Device,
    /// What of the file system is mounted: `/` for all of it.
    pub(super) root: PathBuf,
    pub(super) mount_point: PathBuf,
    /// The type, a subtype included: `fuse.sshfs`.
    pub(super) file_system: String,
    pub(super) source: String,
    /// Whether the file system itself is read-only. A sandbox sets the flag of every mount; this one it cannot.
    pub(super) read_only: bool,
    /// After how long without use an automounter unmounts it.
    pub(super) expires_after: Option<Duration>,
}

/// The lines of the file; those that are not understood are left out.
pub(super) fn parse(mountinfo: &[u8]) -> impl Iterator<Item = Line<'_>> {
    lines(mountinfo).filter_map(line)
}

fn line(line: &[u8]) -> Option<Line<'_>> {
    // Fields are separated by one space, and a source may be empty.
    let mut fields = line.split(|&byte| byte == b' ');
    let id = number(fields.next()?)?;
    let parent = number(fields.next()?)?;
    let device = device(fields.next()?)?;
    let root = fields.next()?;
    let mount_point = fields.next()?;
    let _mount_options = fields.next()?;
    // Any number of optional fields ends with a hyphen.
    fields.by_ref().find(|field| *field == b"-")?;
    Some(Line {
        id,
        parent,
        device,
        root,
        mount_point,
        file_system: fields.next()?,
        source: fields.next()?,
        options: fields.next()?,
    })
}

impl<'a> Line<'a> {
    /// The type, escaped. Empty where it is no text: none that is known.
    pub(super) fn file_system(&self) -> &'a str {
        std::str::from_utf8(self.file_system).unwrap_or_default()
    }

    /// The value of an option of the file system: `timeout=600`.
    pub(super) fn option(&self, name: &str) -> Option<&'a [u8]> {
        self.options
            .split(|&byte| byte == b',')
            .find_map(|option| option.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }

    fn has_option(&self, name: &str) -> bool {
        self.options
            .split(|&byte| byte == b',')
            .any(|option| option == name.as_bytes())
    }

    /// Parses the line, without escapes. Whether the mount expires is known from other lines.
    pub(super) fn mount(&self) -> Mount {
        Mount {
            id: self.id,
            device: self.device,
            root: path(self.root),
            mount_point: path(self.mount_point),
            source: name(self.source),
            read_only: self.has_option("ro"),
            expires_after: None,
            file_system: name(self.file_system),
        }
    }
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

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn mounts(text: &[u8]) -> Vec<Mount> {
        parse(text).map(|line| line.mount()).collect()
    }

    #[test]
    fn mountinfo_line_is_parsed() {
        let text = br"36 35 98:0 /mnt1 /mnt\040and\134more/\377 rw,noatime master:1 shared:7 - ext3 /dev/a\040b rw,errors=continue";
        let mounts = mounts(text);
        assert_eq!(mounts.len(), 1);
        let mount = &mounts[0];
        let device = Device {
            major: 98,
            minor: 0,
        };
        assert_eq!((mount.id, mount.device), (36, device));
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
    fn read_only_is_taken_from_the_super_block_options() {
        let mounts = mounts(
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
}
