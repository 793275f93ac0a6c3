//! Saved agents: `$XDG_CONFIG_HOME/socktop/profiles.json`, else `~/.config/socktop/profiles.json`.
//!
//! The file is the published client's, and both may use it by turns:
//!
//! - What this version does not know, of the file or of a profile, is kept when it is saved.
//! - A file that cannot be read is an error and never written over.
//! - Saving puts a new file (mode 0600, a URL may hold a token) in the old one's place, whole or not at all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use socktop_proto::pairing::Pin;

use crate::config::agent_url::AgentUrl;
use crate::secrets::private_file::{Lock, write_private};
use crate::secrets::recipient::Recipient;
use crate::text::sanitize::clean;

/// The profile that every installation has: this machine, sampled in this process.
pub const DEMO: &str = "demo";

/// One saved agent.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// Its URL, `ws://…` or `wss://…`; it may hold a token.
    pub url: String,
    /// The file of certificates to trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_ca: Option<PathBuf>,
    /// How often to ask for metrics, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_interval_ms: Option<u64>,
    /// How often to ask for the process list, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes_interval_ms: Option<u64>,
    /// How often to ask for disks, in milliseconds. The published client does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disks_interval_ms: Option<u64>,
    /// Whether a certificate must also be for the host's name, as by `--verify-hostname`. The published client does not
    /// know it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verify_hostname: bool,
    /// A file that holds the token. The published client does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Whom the token is for, of that file or in the URL; unknown until it has been sent for the first time.
    /// The published client does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_for: Option<Recipient>,
    /// The client's own certificate, for an agent that asks for one. The published client does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_cert: Option<PathBuf>,
    /// Its key. The published client does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key: Option<PathBuf>,
    /// What other versions wrote.
    #[serde(flatten)]
    pub(crate) other: Map<String, Value>,
}

impl Profile {
    /// A profile of an agent at `url`.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self {
            url,
            ..Self::default()
        }
    }
}

impl Profile {
    /// Whether it has a token, in a file or in its URL.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.token_file.is_some()
            || self
                .url
                .parse::<AgentUrl>()
                .is_ok_and(|target| target.token().is_some())
    }

    /// Host and port, where it is spoken to over TLS.
    #[must_use]
    pub fn tls_authority(&self) -> Option<String> {
        let target: AgentUrl = self.url.parse().ok()?;
        target.is_tls().then(|| target.authority())
    }
}

/// Without the URL's query and what other versions wrote: either may hold a token.
impl std::fmt::Debug for Profile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.url.split('?').next().unwrap_or_default();
        formatter
            .debug_struct("Profile")
            .field("url", &url)
            .field("tls_ca", &self.tls_ca)
            .finish_non_exhaustive()
    }
}

/// All saved agents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profiles {
    /// By name.
    #[serde(default)]
    pub profiles: BTreeMap<String, Profile>,
    #[serde(default)]
    version: u64,
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// A file of profiles that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfilesError {
    /// It cannot be read.
    #[error("reading the profiles from {} failed: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It is not what it should be. Line and column stand in the source's message.
    #[error("{}: {source}; repair it or move it away; it is not overwritten", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What, and where in the file.
        source: serde_json::Error,
    },
    /// It cannot be written.
    #[error("saving the profiles to {} failed: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// There is no home to look in.
    #[error("no place for profiles: neither XDG_CONFIG_HOME nor HOME is set")]
    NoHome,
}

/// Where the profiles are, by the environment's `XDG_CONFIG_HOME` and `HOME`.
///
/// # Errors
/// Where neither is set.
pub fn path(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, ProfilesError> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let folder = set("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".config")))
        .ok_or(ProfilesError::NoHome)?;
    Ok(folder.join("socktop").join("profiles.json"))
}

impl Profiles {
    /// Whether a URL among them holds a token: then the file is a secret.
    #[must_use]
    pub fn hold_token(&self) -> bool {
        self.profiles
            .values()
            .any(|profile| profile.url.contains("token="))
    }

    /// Reads the profiles; none where there is no file.
    ///
    /// # Errors
    /// Where the file cannot be read, or is not JSON of this form.
    pub fn load(path: &Path) -> Result<Self, ProfilesError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(ProfilesError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        serde_json::from_slice(&text).map_err(|source| ProfilesError::Parse {
            path: path.to_owned(),
            source,
        })
    }

    /// Writes the profiles, and makes the folder they live in. A symbolic link at `path` stays one.
    ///
    /// # Errors
    /// Where that fails; the old file is then as it was.
    pub fn save(&self, path: &Path) -> Result<(), ProfilesError> {
        self.try_save(path).map_err(|source| ProfilesError::Write {
            path: path.to_owned(),
            source,
        })
    }

    fn try_save(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        write_private(path, &text)
    }

    /// Changes the file of profiles at `path`, under a lock: two socktops do not lose each other's changes.
    ///
    /// # Errors
    /// Where it cannot be read or written, or what `change` says; the file is then as it was.
    pub fn update<T, E: From<ProfilesError>>(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let _lock = Lock::hold(path).map_err(|source| ProfilesError::Write {
            path: path.to_owned(),
            source,
        })?;
        let mut profiles = Self::load(path)?;
        let before = profiles.clone();
        let changed = change(&mut profiles)?;
        if profiles != before {
            profiles.save(path)?;
        }
        Ok(changed)
    }

    /// Notes that the token of the profile `name`, if it still is the one of an agent at `authority`, is for `recipient`.
    ///
    /// # Errors
    /// Where the file cannot be read or written.
    pub fn bind_token(
        path: &Path,
        name: &str,
        authority: &str,
        recipient: &Recipient,
    ) -> Result<(), ProfilesError> {
        Self::update(path, |profiles| {
            if let Some(profile) = profiles.profiles.get_mut(name)
                && profile.has_token()
                && profile.tls_authority().as_deref() == Some(authority)
            {
                profile.token_for = Some(recipient.clone());
            }
            Ok(())
        })
    }

    /// Notes that all tokens for the agent at `authority`, whose recipient is not known yet, are for
    /// `key`. Done before that key is forgotten or replaced: they must not go to the next one.
    ///
    /// # Errors
    /// Where the file cannot be read or written.
    pub fn bind_tokens(path: &Path, authority: &str, key: Pin) -> Result<(), ProfilesError> {
        Self::update(path, |profiles| {
            for profile in profiles.profiles.values_mut() {
                if profile.token_for.is_none()
                    && profile.has_token()
                    && profile.tls_authority().as_deref() == Some(authority)
                {
                    profile.token_for = Some(Recipient::Key(key));
                }
            }
            Ok(())
        })
    }
}

/// The names of the profiles that there are, in words.
pub(crate) fn known_profiles(profiles: &Profiles) -> String {
    let names: Vec<_> = profiles.profiles.keys().map(String::as_str).collect();
    match names.as_slice() {
        [] => "none is saved yet".to_owned(),
        names => format!("there are: {}", clean(&names.join(", "))),
    }
}

#[cfg(test)]
mod tests;
