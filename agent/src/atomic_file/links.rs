//! Symbolic links: resolves where one leads, and refuses those that another user could redirect.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// As many links are followed one after the other as the kernel follows (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// The file that `path` stands for: itself, unless it is a symbolic link.
///
/// A link is followed here, one folder after the other, instead of by the kernel: where another user may change a
/// folder or a link on the way, they would choose what root writes to.
///
/// # Errors
/// Names the folder that others may change.
pub(super) fn target(path: &Path) -> io::Result<PathBuf> {
    if !path.is_symlink() {
        return Ok(path.to_owned());
    }
    let mut left = names(&std::path::absolute(path)?);
    let mut at = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = left.pop() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&name);
        let entry = match fs::symlink_metadata(&next) {
            // The file itself may be made.
            Err(error) if error.kind() == ErrorKind::NotFound && left.is_empty() => None,
            entry => Some(entry?),
        };
        if !is_ours(&fs::symlink_metadata(&at)?, entry.as_ref()) {
            return Err(io::Error::new(
                ErrorKind::PermissionDenied,
                format!(
                    "it is a symbolic link by way of {}, which others may change: close that folder to them, or put \
                     the file itself in the link's place",
                    at.display()
                ),
            ));
        }
        if !entry.is_some_and(|entry| entry.is_symlink()) {
            at = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(io::Error::other("too many symbolic links"));
        }
        let target = fs::read_link(&next)?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        left.extend(names(&target));
    }
    Ok(at)
}

/// The names in a path, the first one last.
fn names(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir))
        .map(|component| component.as_os_str().to_owned())
        .collect()
}

/// Whether only root and this user can replace `entry` in `folder`. In a sticky one
/// others can replace only what is theirs.
fn is_ours(folder: &Metadata, entry: Option<&Metadata>) -> bool {
    let own = rustix::process::geteuid().as_raw();
    let is_ours = |metadata: &Metadata| metadata.uid() == 0 || metadata.uid() == own;
    let others_write = folder.mode() & 0o022 != 0;
    let is_sticky = folder.mode() & 0o1000 != 0;
    is_ours(folder) && (!others_write || (is_sticky && entry.is_some_and(is_ours)))
}
