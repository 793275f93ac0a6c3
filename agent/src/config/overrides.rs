//! Settings from the command line, which override all other sources.

use std::path::PathBuf;

use super::settings::{Settings, TlsSettings};
use super::values::{ListenAddress, LogLevel};

/// Settings of the command line. What is absent is left to the other sources.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The settings' file, instead of [`DEFAULT_FILE`](super::DEFAULT_FILE).
    pub config_file: Option<PathBuf>,
    /// Addresses to serve on.
    pub listen: Option<Vec<ListenAddress>>,
    /// The port of those addresses that have none of their own; alone, of all interfaces.
    pub port: Option<u16>,
    /// Whether to serve wss.
    pub tls: Option<bool>,
    /// A file with the tokens.
    pub token_file: Option<PathBuf>,
    /// Whether to let everyone in without a token.
    pub no_token: Option<bool>,
    /// What to log.
    pub log_level: Option<LogLevel>,
}

impl From<&Overrides> for Settings {
    fn from(overrides: &Overrides) -> Self {
        let Overrides {
            // It names the settings file and is not a setting itself.
            config_file: _,
            listen,
            port,
            tls,
            token_file,
            no_token,
            log_level,
        } = overrides.clone();
        Self {
            listen,
            port,
            token_file,
            no_token,
            log_level,
            tls: TlsSettings {
                enabled: tls,
                extra_names: None,
            },
            ..Self::default()
        }
    }
}
