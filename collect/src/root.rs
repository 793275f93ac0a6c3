//! The root of the kernel's files: `/`, or a fixture tree in a test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The root under which collectors find `proc`, `sys`, `etc` and `run`.
#[derive(Debug, Clone)]
pub struct Root(Arc<Path>);

impl Root {
    /// A root at `path`.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().into())
    }

    /// The path of a file below the root, such as `proc/stat`.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.0.join(relative)
    }

    /// Whether this is the running system, not a fixture.
    #[must_use]
    pub fn is_live(&self) -> bool {
        &*self.0 == Path::new("/")
    }
}

impl Default for Root {
    fn default() -> Self {
        Self::new("/")
    }
}
