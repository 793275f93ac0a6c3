//! Known agents: remembered keys in the file `known_agents`, a line for each host and port.
//!
//! ```text
//! # the kitchen
//! pi4.local:8443 sha256:6ad9…
//! [fd99::2]:8443 sha256:61f1…
//! ```
//!
//! Host and port are written as they are dialled. Comments, blank lines and lines that this version does not
//! understand are kept; where two lines are about one agent the first one counts. The file is for its user alone and is
//! changed under a lock: two socktops do not lose each other's lines.

use std::io;
use std::path::{Path, PathBuf};

use socktop_proto::pairing::Pin;

use crate::secrets::private_file::{Lock, write_private};

/// The file of remembered keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAgents {
    path: PathBuf,
}

/// A file of remembered keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    /// It cannot be read.
    #[error("reading the known agents' keys from {} failed: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("saving the known agents' keys to {} failed: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The agent has another key.
    #[error(
        "another key is remembered for {authority}: {}, and not {}. If that host was reinstalled or its key was \
         replaced, as 'sudo socktop-agent fingerprint' on it shows: socktop forget {authority}",
        remembered.short(),
        given.short()
    )]
    Another {
        /// Whose.
        authority: String,
        /// The one that is remembered.
        remembered: Pin,
        /// The one that is not.
        given: Pin,
    },
    /// The agent's line has no key.
    #[error(
        "{}, line {line}: no usable key for {authority}; mend the line, or remove it with: socktop forget {authority}",
        path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Whose.
        authority: String,
    },
}

/// What a line says of an agent.
struct Line<'a> {
    authority: &'a str,
    pin: Option<Pin>,
}

impl<'a> Line<'a> {
    /// `None` where the line is about no agent.
    fn of(line: &'a [u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(line).ok()?.split_whitespace();
        let authority = words.next().filter(|word| !word.starts_with('#'))?;
        Some(Self {
            authority,
            pin: words.next().and_then(|word| word.parse().ok()),
        })
    }

    fn is_about(&self, authority: &str) -> bool {
        self.authority.eq_ignore_ascii_case(authority)
    }
}

impl KnownAgents {
    /// Those in the file at `path`.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key of the agent at `authority` (`HOST:PORT`), where it is remembered.
    ///
    /// # Errors
    /// Where the file cannot be read, or its line for this agent has no key.
    pub fn pin_of(&self, authority: &str) -> Result<Option<Pin>, KnownError> {
        self.find(&self.read()?, authority)
    }

    fn find(&self, text: &[u8], authority: &str) -> Result<Option<Pin>, KnownError> {
        let found = lines(text)
            .enumerate()
            .filter_map(|(at, line)| Some((at, Line::of(line)?)))
            .find(|(_, line)| line.is_about(authority));
        let Some((at, line)) = found else {
            return Ok(None);
        };
        line.pin.map(Some).ok_or_else(|| KnownError::Line {
            path: self.path.clone(),
            line: at + 1,
            authority: authority.to_owned(),
        })
    }

    /// The agents whose keys are remembered, as they stand in the file.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn authorities(&self) -> Result<Vec<String>, KnownError> {
        let text = self.read()?;
        Ok(lines(&text)
            .filter_map(Line::of)
            .filter(|line| line.pin.is_some())
            .map(|line| line.authority.to_owned())
            .collect())
    }

    /// Remembers the key of the agent at `authority`, of which none is remembered yet.
    ///
    /// # Errors
    /// Where another key is remembered, or what stands there cannot be read: neither is replaced. Where the file cannot
    /// be read or written.
    pub fn remember(&self, authority: &str, pin: Pin) -> Result<(), KnownError> {
        self.put(authority, pin, None)
    }

    /// Replaces the remembered key `old` by `pin`, after the user has seen both and confirmed.
    ///
    /// # Errors
    /// Where yet another key is remembered by now. Where the file cannot be read or written.
    pub fn replace(&self, authority: &str, old: Pin, pin: Pin) -> Result<(), KnownError> {
        self.put(authority, pin, Some(old))
    }

    fn put(&self, authority: &str, pin: Pin, agreed: Option<Pin>) -> Result<(), KnownError> {
        self.change(|text| {
            let remembered = self.find(text, authority)?;
            if remembered == Some(pin) {
                return Ok(text.to_vec());
            }
            if let Some(remembered) = remembered
                && agreed != Some(remembered)
            {
                return Err(KnownError::Another {
                    authority: authority.to_owned(),
                    remembered,
                    given: pin,
                });
            }
            let mut new = Vec::with_capacity(text.len() + 128);
            let mut written = false;
            for line in lines(text) {
                if Line::of(line).is_some_and(|known| known.is_about(authority)) {
                    if !written {
                        new.extend_from_slice(format!("{authority} {pin}\n").as_bytes());
                        written = true;
                    }
                } else {
                    new.extend_from_slice(line);
                    new.push(b'\n');
                }
            }
            if !written {
                new.extend_from_slice(format!("{authority} {pin}\n").as_bytes());
            }
            Ok(new)
        })
    }

    /// Forgets the agent at `authority`; says whether it was known.
    ///
    /// # Errors
    /// Where the file cannot be read or written.
    pub fn forget(&self, authority: &str) -> Result<bool, KnownError> {
        let mut known = false;
        self.change(|text| {
            let mut new = Vec::with_capacity(text.len());
            for line in lines(text) {
                if Line::of(line).is_some_and(|line| line.is_about(authority)) {
                    known = true;
                } else {
                    new.extend_from_slice(line);
                    new.push(b'\n');
                }
            }
            Ok(new)
        })?;
        Ok(known)
    }

    fn read(&self) -> Result<Vec<u8>, KnownError> {
        match std::fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            text => text.map_err(|source| KnownError::Read {
                path: self.path.clone(),
                source,
            }),
        }
    }

    /// Writes what `change` makes of the file, where it is anything else.
    fn change(
        &self,
        change: impl FnOnce(&[u8]) -> Result<Vec<u8>, KnownError>,
    ) -> Result<(), KnownError> {
        let failed = |source| KnownError::Write {
            path: self.path.clone(),
            source,
        };
        let _lock = Lock::hold(&self.path).map_err(failed)?;
        let text = self.read()?;
        let new = change(&text)?;
        if new == text {
            return Ok(());
        }
        write_private(&self.path, &new).map_err(failed)
    }
}

/// The lines of `text`. What is written back ends in a line end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n')
        .filter(move |_| !text.is_empty())
}

#[cfg(test)]
mod tests;
