//! For tests: the trees of real machines, and trees made on the spot.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Now, Root};

/// The tree of a machine under `tests/fixtures`: Pis 2 to 5, of which `pi2` and `pi4-32bit` have 32-bit kernels, an
/// x86 server and a container.
pub(crate) fn machine(name: &str) -> Root {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    assert!(path.is_dir(), "{} is missing", path.display());
    Root::new(path)
}

/// A time, by seconds since boot.
pub(crate) fn at_seconds(seconds: u64) -> Now {
    Now {
        boot: Duration::from_secs(seconds),
        unix: Duration::from_secs(1_750_000_000 + seconds),
    }
}

/// A temporary tree.
pub(crate) struct Tree(tempfile::TempDir);

impl Tree {
    /// A tree of files: path and content.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for (path, content) in files {
            tree.write(path, content);
        }
        tree
    }

    /// Writes a file, in place where it exists.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Where a file is.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// The tree as collectors take it.
    pub(crate) fn root(&self) -> Root {
        Root::new(self.0.path())
    }
}
