//! The token store: a file for each profile's token, in a folder of their own.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::{fs, io};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::secrets::private_file::{remove_left_draft, write_private};
use crate::secrets::token::Token;

/// What a profile's name may have and a file's may not; the sign of escaping itself, so that no two names share a file.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'/').add(b'%');

/// The folder of stored tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    folder: PathBuf,
}

/// A token's file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("storing the token in {} failed: {source}", path.display())]
pub struct StoreError {
    path: PathBuf,
    source: io::Error,
}

impl Tokens {
    /// Those in `folder`.
    #[must_use]
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The file of the profile called `profile`.
    #[must_use]
    pub fn file_of(&self, profile: &str) -> PathBuf {
        let name = utf8_percent_encode(profile, ESCAPED).to_string();
        // Neither hidden nor a way out of the folder.
        let name = match name.strip_prefix('.') {
            Some(rest) => format!("%2E{rest}"),
            None => name,
        };
        self.folder.join(name)
    }

    /// Whether the file at `path` is one of these.
    #[must_use]
    pub fn owns(&self, path: &Path) -> bool {
        path.parent() == Some(&self.folder)
    }

    /// Stores the token of the profile called `profile`, and gives the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn store(&self, profile: &str, token: &Token) -> Result<PathBuf, StoreError> {
        let path = self.file_of(profile);
        match write_private(&path, format!("{}\n", token.expose()).as_bytes()) {
            Ok(()) => Ok(path),
            Err(source) => Err(StoreError { path, source }),
        }
    }

    /// Copies the file at `from` to the one of the profile called `profile`, and gives that. Where it is a symbolic link
    /// the copy is one to the same file.
    ///
    /// # Errors
    /// Where it cannot be read or written.
    pub fn copy(&self, from: &Path, profile: &str) -> Result<PathBuf, StoreError> {
        let path = self.file_of(profile);
        let copied = match fs::read_link(from) {
            Ok(target) => {
                // A file there belongs to no profile.
                let _ = fs::remove_file(&path);
                symlink(target, &path)
            }
            Err(_) => fs::read(from).and_then(|text| write_private(&path, &text)),
        };
        match copied {
            Ok(()) => Ok(path),
            Err(source) => Err(StoreError { path, source }),
        }
    }

    /// Removes what a killed program left of tokens that it was writing, here and where links from here lead to.
    pub fn remove_left_drafts(&self) {
        remove_left_draft(&self.folder.join("any"));
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries {
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                remove_left_draft(&entry.path());
            }
        }
    }

    /// Removes the file at `path`, if it is one of these; says whether it did.
    #[must_use]
    pub fn remove(&self, path: &Path) -> bool {
        self.owns(path) && fs::remove_file(path).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_own_file() {
        let tokens = Tokens::at(PathBuf::from("/t"));
        for (name, file) in [
            ("pi4", "/t/pi4"),
            ("..", "/t/%2E."),
            (".hidden", "/t/%2Ehidden"),
            ("a/b", "/t/a%2Fb"),
            ("a%2Fb", "/t/a%252Fb"),
            ("two words", "/t/two words"),
        ] {
            assert_eq!(tokens.file_of(name), Path::new(file));
            assert!(tokens.owns(&tokens.file_of(name)));
        }
        assert!(!tokens.owns(Path::new("/t")));
        assert!(!tokens.owns(Path::new("/t/deeper/pi4")));
    }
}
