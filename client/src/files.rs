//! Files that are this user's alone: written whole or not at all, by one program at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Puts a new file of mode 0600 in the place of the old one, whole or not at all, and makes the folder it lives in.
/// A symbolic link at `path` stays one.
///
/// # Errors
/// Where that fails; the old file is then as it was.
pub fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = folder_of(path);
    make_folder(folder)?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = write_new(&draft, text).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // What is left of the draft is of no use; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&draft);
    }
    written?;
    // The name has to reach the disk too.
    File::open(folder)?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let open = || {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
    };
    let mut file = match open() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Left by a process of the same id that was killed.
            fs::remove_file(path)?;
            open()?
        }
        opened => opened?,
    };
    file.write_all(text)?;
    file.sync_all()
}

/// Holds off every other program that wants to change `path` until it is dropped. The lock is a file of its own beside
/// it (flock(2)): what it guards is replaced, not changed.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock of `path`, and makes the folder it lives in.
    ///
    /// # Errors
    /// Where the lock's file cannot be made or locked.
    pub fn hold(path: &Path) -> io::Result<Self> {
        make_folder(folder_of(path))?;
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(name)?;
        file.lock()?;
        Ok(Self { _file: file })
    }
}

/// Sees to it that nobody else can use the secret in the file at `path`: takes their permissions away where the file is
/// ours. Gives a warning to show where others had, or have, some.
#[must_use]
pub fn keep_private(path: &Path) -> Option<String> {
    // Whoever reads it next says why it cannot be opened. To open a pipe would wait for its other end.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let mode = metadata.mode() & 0o777;
    let of_others = mode & 0o077;
    if of_others == 0 {
        return None;
    }
    let shown = path.display();
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if ours
        && file
            .set_permissions(Permissions::from_mode(mode & 0o700))
            .is_ok()
    {
        return Some(format!(
            "warning: {shown} holds a secret and others had access to it (mode {mode:04o}); now they have none ({:04o})",
            mode & 0o700
        ));
    }
    Some(format!(
        "warning: {shown} holds a secret and others have access to it (mode {mode:04o}); mend that with: chmod 600 {shown}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_is_written_is_private_and_so_is_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/secret");
        write_private(&path, b"one").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_lock_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guarded");
        let lock = Lock::hold(&path).unwrap();
        let file = File::open(folder.path().join("guarded.lock")).unwrap();
        assert!(file.try_lock().is_err());
        drop(lock);
        assert!(file.try_lock().is_ok());
    }

    #[test]
    fn others_lose_their_access_to_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "s3cret").unwrap();
        for (before, after) in [(0o644, 0o600), (0o660, 0o600), (0o440, 0o400)] {
            fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
            let warning = keep_private(&path).unwrap();
            assert!(
                warning.contains(path.to_str().unwrap()) && !warning.contains("s3cret"),
                "{warning}"
            );
            assert_eq!(mode(&path), after);
            assert_eq!(keep_private(&path), None);
        }
        assert_eq!(keep_private(&folder.path().join("none")), None);
        assert_eq!(
            keep_private(Path::new("/dev/null")),
            None,
            "a device is no file of ours"
        );
    }
}
