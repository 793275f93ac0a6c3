//! Private files: readable only by this user, written atomically, by one program at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What a file is called while it is written, one in a folder: after a crash it is found again.
///
/// No stored token has this name: theirs do not begin with a dot.
const DRAFT: &str = ".socktop-draft";

/// How often a draft is begun anew because another program removed it as left over.
const MOST_TRIES: usize = 100;

/// Symbolic links that are followed to a file, as the kernel does.
const MOST_LINKS: usize = 40;

/// Puts a new file of mode 0600 in the place of the old one, whole or not at all, and makes the folder it lives in.
/// A symbolic link at `path` stays one, also where what it names is not there yet.
///
/// # Errors
/// Where that fails; the old file is then as it was.
pub fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = &followed(path)?;
    let folder = folder_of(path);
    make_folder(folder)?;
    let draft = Draft::begin(folder)?;
    let written = draft.fill(text).and_then(|()| draft.put(path));
    if written.is_err() {
        // What is left of the draft is of no use; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&draft.path);
    }
    written?;
    // The name has to reach the disk too.
    File::open(folder)?.sync_all()
}

/// Removes the draft that a killed program left beside the file at `path`, or beside what it links to. One that is
/// being written is left alone.
pub fn remove_left_draft(path: &Path) {
    // Nothing to remove, or it cannot be removed: the next write there reports that.
    let Ok(path) = followed(path) else {
        return;
    };
    let draft = folder_of(&path).join(DRAFT);
    if let Ok(file) = open_draft(&draft)
        && file.try_lock().is_ok()
        && is_at(&draft, &file)
    {
        let _ = fs::remove_file(&draft);
    }
}

/// The path that the symbolic links at `path` lead to; nothing need be there.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            // A relative link is relative to the folder that it is in.
            Ok(target) => path = folder_of(&path).join(target),
            // No link, or nothing there yet.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::NotFound
                ) =>
            {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!(
        "more than {MOST_LINKS} symbolic links lead on from {}",
        path.display()
    )))
}

/// A file that is being written. Its lock distinguishes it from one that a killed program left.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    /// Begins the draft of `folder`. Waits for another program that writes there.
    fn begin(folder: &Path) -> io::Result<Self> {
        let path = folder.join(DRAFT);
        for _ in 0..MOST_TRIES {
            let made = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            match made {
                Ok(file) => {
                    file.lock()?;
                    if is_at(&path, &file) {
                        return Ok(Self { path, file });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let left = match open_draft(&path) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                        left => left?,
                    };
                    left.lock()?;
                    if is_at(&path, &left) {
                        fs::remove_file(&path)?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("other programs keep taking {}", path.display()),
        ))
    }

    fn fill(&self, text: &[u8]) -> io::Result<()> {
        // Whatever the umask left of the mode.
        self.file.set_permissions(Permissions::from_mode(0o600))?;
        (&self.file).write_all(text)?;
        self.file.sync_all()
    }

    fn put(&self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)
    }
}

/// Opens a draft that is there. One of another user, or what is no file, is an error: it is neither locked nor waited for.
fn open_draft(path: &Path) -> io::Result<File> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!(
                "{} stands in the way and is not this user's file; remove it",
                path.display()
            ),
        ));
    }
    OpenOptions::new().write(true).open(path)
}

/// Whether `file` is the one that is called `path` now.
fn is_at(path: &Path, file: &File) -> bool {
    let (Ok(named), Ok(open)) = (fs::symlink_metadata(path), file.metadata()) else {
        return false;
    };
    (named.dev(), named.ino()) == (open.dev(), open.ino())
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

/// A lock against changes of `path` by other programs, until it is dropped. The lock is a file of its own beside
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

/// Makes the secret in the file at `path` private: removes others' permissions where the file is
/// ours. Gives a warning to show where others had, or have, some.
#[must_use]
pub fn keep_private(path: &Path) -> Option<String> {
    // The next read reports why it cannot be opened. Opening a pipe would wait for its other end.
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
    fn written_file_and_its_folder_are_private() {
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

    fn names(folder: &Path) -> Vec<std::ffi::OsString> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn link_to_a_missing_file_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let dotfiles = folder.path().join("dotfiles");
        let data = folder.path().join("data");
        fs::create_dir(&dotfiles).unwrap();
        fs::create_dir(&data).unwrap();
        let path = data.join("token");
        std::os::unix::fs::symlink("../dotfiles/first", &path).unwrap();
        std::os::unix::fs::symlink("token", dotfiles.join("first")).unwrap();
        for text in [b"one", b"two"] {
            write_private(&path, text).unwrap();
            assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
            assert!(
                fs::symlink_metadata(dotfiles.join("first"))
                    .unwrap()
                    .is_symlink()
            );
            assert_eq!(fs::read(dotfiles.join("token")).unwrap(), text);
            assert_eq!(mode(&dotfiles.join("token")), 0o600);
        }
        assert_eq!(names(&data), ["token"]);
        assert_eq!(names(&dotfiles).len(), 2);
    }

    #[test]
    fn link_into_a_missing_folder_is_an_error_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::os::unix::fs::symlink("token", &path).unwrap();
        assert!(write_private(&path, b"s3cret").is_err());
        assert_eq!(names(folder.path()), ["token"]);
    }

    /// A draft as a program leaves it that is killed while it writes: its lock is free.
    #[test]
    fn temporary_file_of_a_killed_program_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let draft = folder.path().join(DRAFT);
        let path = folder.path().join("token");
        fs::write(&draft, "s3cret").unwrap();
        remove_left_draft(&path);
        assert!(!draft.exists());
        fs::write(&draft, "s3cret and much more").unwrap();
        write_private(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["token"]);
    }

    #[test]
    fn temporary_file_in_use_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let draft = Draft::begin(folder.path()).unwrap();
        remove_left_draft(&path);
        draft.fill(b"s3cret").unwrap();
        draft.put(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"s3cret");
    }

    #[test]
    fn writers_in_one_folder_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4_u8 {
                let folder = folder.path();
                scope.spawn(move || {
                    for _ in 0..8 {
                        let path = folder.join(format!("token{writer}"));
                        write_private(&path, &[writer; 99]).unwrap();
                        remove_left_draft(&path);
                        assert_eq!(fs::read(&path).unwrap(), [writer; 99]);
                    }
                });
            }
        });
        assert_eq!(names(folder.path()).len(), 4);
    }

    #[test]
    fn foreign_file_is_not_taken_for_a_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "kept").unwrap();
        std::os::unix::fs::symlink(&elsewhere, folder.path().join(DRAFT)).unwrap();
        let path = folder.path().join("token");
        let error = write_private(&path, b"s3cret").unwrap_err().to_string();
        assert!(error.contains("stands in the way"), "{error}");
        remove_left_draft(&path);
        assert_eq!(fs::read(&elsewhere).unwrap(), b"kept");
    }

    #[test]
    fn lock_has_one_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guarded");
        let lock = Lock::hold(&path).unwrap();
        let file = File::open(folder.path().join("guarded.lock")).unwrap();
        assert!(file.try_lock().is_err());
        drop(lock);
        assert!(file.try_lock().is_ok());
    }

    #[test]
    fn secret_file_is_made_private() {
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
