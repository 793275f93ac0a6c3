//! One source of settings, in which everything is optional, and how sources are merged.

use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

use super::ConfigError;
use super::limits::LimitsSettings;
use super::values::{IdleExit, ListenAddress, LogLevel};
use crate::auth::token_file::{NamedToken, Tokens};

/// One source of settings: a file, the environment or the command line.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// Addresses to serve on.
    pub(super) listen: Option<Vec<ListenAddress>>,
    /// The port of those addresses that have none of their own; alone, of all interfaces.
    pub(super) port: Option<u16>,
    /// A file with the tokens.
    pub(super) token_file: Option<PathBuf>,
    /// Admit all clients without a token: from `access.toml` and the command line.
    #[serde(skip)]
    pub(super) no_token: Option<bool>,
    /// What to log.
    pub(super) log_level: Option<LogLevel>,
    /// How long the agent stays without clients before it exits.
    pub(super) idle_exit_seconds: Option<IdleExit>,
    /// `[tls]`
    pub(super) tls: TlsSettings,
    /// `[collect]`
    pub(super) collect: CollectSettings,
    /// `[cache]`
    pub(super) cache: CacheSettings,
    /// `[limits]`
    pub(super) limits: LimitsSettings,
    /// The tokens themselves: from the environment or a credential, never from a file that others may read.
    #[serde(skip)]
    pub(super) tokens: Option<Tokens>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsSettings {
    pub(super) enabled: Option<bool>,
    /// More names and addresses for the certificate that is made on first use.
    pub(super) extra_names: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CollectSettings {
    pub(super) gpu: Option<bool>,
    pub(super) temperature: Option<bool>,
    /// Send only the program of a command line, not its arguments.
    pub(super) redact_arguments: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_field_names,
    reason = "the unit belongs to the names in the file"
)]
pub(super) struct CacheSettings {
    pub(super) metrics_ms: Option<u64>,
    pub(super) processes_ms: Option<u64>,
    pub(super) disks_ms: Option<u64>,
}

impl Settings {
    pub(super) fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let number =
            |name: &'static str| parsed(name, variable(name), "expected a number of milliseconds");
        let switch = |name: &'static str| {
            let value = variable(name);
            match value.as_deref().map(str::trim) {
                None | Some("") => Ok(None),
                Some("1" | "true" | "yes" | "on") => Ok(Some(true)),
                Some("0" | "false" | "no" | "off") => Ok(Some(false)),
                Some(_) => Err(ConfigError::Environment {
                    name,
                    value: value.unwrap_or_default(),
                    expected: "expected 1 or 0".to_owned(),
                }),
            }
        };
        Ok(Self {
            port: parsed(
                "SOCKTOP_PORT",
                variable("SOCKTOP_PORT"),
                "expected a port, 0 to 65535",
            )?,
            tokens: variable("SOCKTOP_TOKEN")
                .filter(|token| !token.is_empty())
                .map(|token| NamedToken::full(token, "SOCKTOP_TOKEN").map(Tokens::from))
                .transpose()?,
            tls: TlsSettings {
                enabled: switch("SOCKTOP_ENABLE_SSL")?,
                extra_names: variable("SOCKTOP_AGENT_EXTRA_SANS").map(|names| {
                    names
                        .split(',')
                        .map(|name| name.trim().to_owned())
                        .filter(|name| !name.is_empty())
                        .collect()
                }),
            },
            collect: CollectSettings {
                gpu: switch("SOCKTOP_AGENT_GPU")?,
                temperature: switch("SOCKTOP_AGENT_TEMP")?,
                redact_arguments: None,
            },
            cache: CacheSettings {
                metrics_ms: number("SOCKTOP_AGENT_METRICS_TTL_MS")?,
                processes_ms: number("SOCKTOP_AGENT_PROCESSES_TTL_MS")?,
                disks_ms: number("SOCKTOP_AGENT_DISKS_TTL_MS")?,
            },
            ..Self::default()
        })
    }

    /// Applies a stronger source over this one.
    pub(super) fn overlay(&mut self, stronger: Self) {
        fn set<T>(weaker: &mut Option<T>, stronger: Option<T>) {
            if stronger.is_some() {
                *weaker = stronger;
            }
        }
        // Three ways to say one thing: the strongest source that says anything decides.
        if stronger.tokens.is_some() || stronger.token_file.is_some() || stronger.no_token.is_some()
        {
            self.tokens = stronger.tokens;
            self.token_file = stronger.token_file;
            self.no_token = stronger.no_token;
        }
        set(&mut self.listen, stronger.listen);
        set(&mut self.port, stronger.port);
        set(&mut self.log_level, stronger.log_level);
        set(&mut self.idle_exit_seconds, stronger.idle_exit_seconds);
        set(&mut self.tls.enabled, stronger.tls.enabled);
        set(&mut self.tls.extra_names, stronger.tls.extra_names);
        set(&mut self.collect.gpu, stronger.collect.gpu);
        set(&mut self.collect.temperature, stronger.collect.temperature);
        set(
            &mut self.collect.redact_arguments,
            stronger.collect.redact_arguments,
        );
        set(&mut self.cache.metrics_ms, stronger.cache.metrics_ms);
        set(&mut self.cache.processes_ms, stronger.cache.processes_ms);
        set(&mut self.cache.disks_ms, stronger.cache.disks_ms);
        self.limits.overlay(&stronger.limits);
    }
}

fn parsed<T: FromStr>(
    name: &'static str,
    value: Option<String>,
    expected: &str,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = value.filter(|value| !value.trim().is_empty()) else {
        return Ok(None);
    };
    match value.trim().parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(ConfigError::Environment {
            name,
            value,
            expected: expected.to_owned(),
        }),
    }
}
