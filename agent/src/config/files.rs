//! The files that settings are read from.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::settings::Settings;
use super::{ConfigError, DEFAULT_FILE};
use crate::auth::client_ca::{ClientCa, Require};

/// `access.toml`: the access rules, in a file of their own, so that a mistake in another setting gives no access.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AccessFile {
    /// Web origins whose pages may connect, such as `https://dashboard.example`.
    pub(super) allowed_origins: Vec<String>,
    /// Admit all clients without a token.
    pub(super) no_token: bool,
    /// The authorities that vouch for clients' certificates, in PEM format.
    client_ca: Option<PathBuf>,
    /// What a client has to show then.
    require: Option<Require>,
}

impl AccessFile {
    /// The authorities for client certificates, if set.
    ///
    /// # Errors
    /// Says what is wrong with that.
    pub(super) fn client_ca(&self, tls: bool) -> Result<Option<ClientCa>, String> {
        match (&self.client_ca, self.require) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(
                "require in access.toml needs client_ca, the file with the authorities for client certificates"
                    .to_owned(),
            ),
            (Some(_), _) if !tls => {
                Err("client_ca in access.toml needs TLS, which is off".to_owned())
            }
            (Some(path), require) => ClientCa::read(path, require.unwrap_or_default())
                .map(Some)
                .map_err(|error| error.to_string()),
        }
    }
}

/// What `agent.toml` and then the files in `agent.toml.d` say, in the order of their names; and why those that
/// cannot be used are left out.
pub(super) fn settings(explicit: Option<&Path>) -> (Settings, Vec<ConfigError>) {
    let main = main_file(explicit);
    let mut paths = Vec::new();
    if explicit.is_some() || main.exists() {
        paths.push(main.to_owned());
    }
    let mut folder = main.as_os_str().to_owned();
    folder.push(".d");
    let mut errors = Vec::new();
    match parts(Path::new(&folder)) {
        Ok(mut parts) => paths.append(&mut parts),
        Err(error) => errors.push(error),
    }
    let mut settings = Settings::default();
    for path in paths {
        match read(&path) {
            Ok(source) => settings.overlay(source),
            Err(error) => errors.push(error),
        }
    }
    (settings, errors)
}

fn parts(folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut parts = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            parts.push(path);
        }
    }
    parts.sort();
    Ok(parts)
}

/// Reads `access.toml`, which lies beside `agent.toml`. Without it nothing is allowed that is not by default.
pub(super) fn access(explicit: Option<&Path>) -> Result<AccessFile, ConfigError> {
    match read(&main_file(explicit).with_file_name("access.toml")) {
        Err(error) if error.is_missing_file() => Ok(AccessFile::default()),
        read => read,
    }
}

/// Reads one file whole.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        ConfigError::Malformed {
            path: path.to_owned(),
            line: before.unwrap_or_default().matches('\n').count() + 1,
            // One line, for the log and the service's status.
            reason: error.message().replace('\n', ", "),
        }
    })
}

fn main_file(explicit: Option<&Path>) -> &Path {
    explicit.unwrap_or(Path::new(DEFAULT_FILE))
}
