//! Which tokens were generated on this machine and not chosen by the admin, recorded by their hashes.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ring::digest::{SHA256, digest};

use crate::atomic_file;

/// A list of tokens that were made here: the SHA-256 of each, one a line.
pub(crate) struct GeneratedTokens(PathBuf);

impl GeneratedTokens {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self(folder.join("self.token-sha256"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether `token` was made here.
    pub(crate) fn include(&self, token: &str) -> bool {
        let hash = hash(token);
        self.read().lines().any(|line| line == hash)
    }

    /// Adds `token`. The others stay: should the power fail now, one of them is still in use.
    pub(crate) fn remember(&self, token: &str) -> io::Result<()> {
        let text = format!("{}{}\n", self.read(), hash(token));
        atomic_file::write(&self.0, &text, 0o600)
    }

    fn read(&self) -> String {
        fs::read_to_string(&self.0).unwrap_or_default()
    }
}

fn hash(token: &str) -> String {
    let mut hash = String::with_capacity(64);
    for byte in digest(&SHA256, token.as_bytes()).as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}
