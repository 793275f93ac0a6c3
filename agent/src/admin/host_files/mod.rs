//! The files of `/etc/socktop` that hold secrets, as setup and the admin's commands read and write them.

mod generated;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic_file;
use crate::auth::token::TokenError;
use crate::auth::token_file::Tokens;
use crate::tls::credentials::Pairs;
pub(crate) use generated::GeneratedTokens;

/// The files below `/etc/socktop`, or of another system's.
#[derive(Debug, Clone)]
pub(crate) struct HostFiles {
    /// `agent.toml`
    pub(crate) settings: PathBuf,
    /// The tokens.
    pub(crate) token: PathBuf,
    /// The folder of the TLS identities.
    pub(crate) tls: PathBuf,
}

/// A file of tokens that cannot be had or written.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read or used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It cannot be written.
    #[error("writing {path}: {source}; run it as root, and see whether /etc is read-only")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl HostFiles {
    /// The files of the system whose root is `root`.
    pub(crate) fn below(root: &Path) -> Self {
        let folder = root.join("etc/socktop");
        Self {
            settings: folder.join("agent.toml"),
            token: folder.join("token"),
            tls: folder.join("tls"),
        }
    }

    /// The identities.
    pub(crate) fn pairs(&self) -> Pairs {
        Pairs::in_folder(&self.tls, "")
    }

    /// Locks the files against changes by others until it is dropped, and removes temporary files of killed runs. `None` if
    /// there is no folder yet, or it may not be opened.
    pub(crate) fn lock(&self) -> Option<File> {
        let lock = atomic_file::lock(&self.tls)?;
        let made = self.pairs().made;
        let remembered = GeneratedTokens::in_folder(&self.tls);
        let files = [
            self.token.as_path(),
            &made.key,
            &made.certificate,
            remembered.path(),
            &self.machine_id(),
        ];
        files.into_iter().for_each(atomic_file::remove_draft);
        Some(lock)
    }

    /// The machine on which these files were made.
    pub(crate) fn machine_id(&self) -> PathBuf {
        self.tls.join("self.machine-id")
    }

    /// Writes the file of tokens, whole or not at all.
    pub(crate) fn write_tokens(&self, tokens: &Tokens) -> Result<(), TokenFileError> {
        atomic_file::write(&self.token, &tokens.to_text(), 0o600).map_err(|source| {
            TokenFileError::Write {
                path: self.token.clone(),
                source,
            }
        })
    }

    /// Remembers that `token` was made here. To be done before it is written: a token that is not known to be made
    /// here would live on in a clone.
    pub(crate) fn remember_made(&self, token: &str) -> Result<(), TokenFileError> {
        let made = GeneratedTokens::in_folder(&self.tls);
        made.remember(token)
            .map_err(|source| TokenFileError::Write {
                path: made.path().to_owned(),
                source,
            })
    }
}
