//! Atomic file writes: a file is complete or absent, whenever the power fails; and the folders that hold such files.

mod links;

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// Writes `text` to the file at `path` with `mode`, atomically for its readers. Two writers of one path
/// must keep each other out, see [`lock`]. Where `path` is a symbolic link it stays, and what it leads to is written.
///
/// # Errors
/// Where the folder or the disk does not take it, or another user could have made the link lead where it does. What
/// was there before is there still.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let path = &links::target(path)?;
    let draft = draft_of(path);
    // What an interrupted writer left may have another mode.
    let _ = fs::remove_file(&draft);
    let written = write_draft(&draft, text, mode).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written?;
    match path.parent() {
        // Without it the name may be lost although the contents are on the disk.
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn write_draft(draft: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(draft)?;
    // Whatever the umask says.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Removes what a writer of `path` has left that was killed. Wants the [`lock`] that writers hold.
pub(crate) fn remove_draft(path: &Path) {
    if let Ok(path) = links::target(path) {
        // Where it cannot be removed, it can be written as little.
        let _ = fs::remove_file(draft_of(&path));
    }
}

/// What the file at `path` is called while it is written: always the same, so that none is left over.
fn draft_of(path: &Path) -> PathBuf {
    let mut draft = OsString::from(path);
    draft.push(".part");
    draft.into()
}

/// Locks `folder` with `flock(2)` until it is dropped. `None` if it may not be opened.
pub(crate) fn lock(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    flock(&folder, FlockOperation::LockExclusive).ok()?;
    Some(folder)
}

/// Makes a folder and those above it that are missing, each with `mode`, whatever the umask says.
///
/// # Errors
/// Where one cannot be made.
pub(crate) fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|path| *path != "") {
        make_folder(parent, mode)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)),
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn file_is_replaced_without_leftovers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("self.key");
        fs::write(&path, "old").unwrap();
        fs::write(folder.path().join("self.key.part"), "half").unwrap();
        write(&path, "new", 0o600).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn failed_write_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        // Nothing can be renamed over a folder.
        fs::create_dir(&path).unwrap();
        write(&path, "secret", 0o600).unwrap_err();
        assert_eq!(names(folder.path()), ["token"]);
    }

    #[test]
    fn temporary_file_of_a_killed_writer_can_be_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "old").unwrap();
        fs::write(draft_of(&path), "half a sec").unwrap();
        remove_draft(&path);
        assert_eq!(names(folder.path()), ["token"]);
    }

    #[test]
    fn symbolic_link_is_kept_and_its_target_written() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        fs::create_dir(&real).unwrap();
        fs::write(real.join("token"), "old").unwrap();
        let link = folder.path().join("token");
        symlink("real/../real/token", &link).unwrap();
        fs::write(real.join("token.part"), "half").unwrap();
        remove_draft(&link);
        assert_eq!(names(&real), ["token"]);
        write(&link, "new", 0o600).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(real.join("token")).unwrap(), "new");
        assert_eq!(names(folder.path()), ["real", "token"]);
        assert_eq!(names(&real), ["token"]);

        // Its target may be missing yet.
        fs::remove_file(real.join("token")).unwrap();
        write(&link, "newer", 0o600).unwrap();
        assert_eq!(fs::read_to_string(real.join("token")).unwrap(), "newer");
    }

    #[test]
    fn link_in_a_folder_writable_by_others_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, open.join("way")).unwrap();
        let safe = folder.path().join("token");
        // By way of a folder of everybody's, to a file there, and from there.
        for (link, target) in [
            (&safe, open.join("way")),
            (&safe, open.join("token")),
            (&open.join("token"), victim.clone()),
        ] {
            let _ = fs::remove_file(link);
            symlink(&target, link).unwrap();
            let error = write(link, "secret", 0o600).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(error.to_string().contains("open"), "{error}");
            assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
            assert!(link.is_symlink());
            fs::remove_file(link).unwrap();
        }
    }

    #[test]
    fn link_loop_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("token");
        symlink("token", &link).unwrap();
        let error = write(&link, "secret", 0o600).unwrap_err().to_string();
        assert!(error.contains("links"), "{error}");
    }

    #[test]
    fn folders_are_created_with_the_requested_mode() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        make_folder(&deep, 0o750).unwrap();
        assert_eq!((mode(&deep), mode(deep.parent().unwrap())), (0o750, 0o750));
        make_folder(&deep, 0o700).unwrap();
        assert_eq!(mode(&deep), 0o750, "one that is there stays as it is");
        fs::write(folder.path().join("file"), "").unwrap();
        make_folder(&folder.path().join("file/x"), 0o700).unwrap_err();
    }
}
