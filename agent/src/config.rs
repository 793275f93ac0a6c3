//! The settings: defaults, then `agent.toml`, `agent.toml.d/*.toml`, the environment and the command line.
//!
//! Each source is a [`Settings`], in which everything is optional; [`Config`] is what they add up to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::cli::Args;
use crate::token::Token;

/// The settings' file, where no other is named.
pub const DEFAULT_FILE: &str = "/etc/socktop/agent.toml";

/// The port without TLS.
pub const PLAIN_PORT: u16 = 3000;
/// The port with TLS.
pub const TLS_PORT: u16 = 8443;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was asked for, or is there, cannot be read.
    #[error("reading the settings {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is not what it should be.
    #[error("in the settings {path}: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in it, and what is wrong.
        message: String,
    },
    /// An environment variable that is not what it should be.
    #[error("{name} is {value:?}: {expected}")]
    Environment {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// A token that cannot be had.
    #[error(transparent)]
    Token(#[from] crate::token::TokenError),
}

/// One source of settings: a file, the environment or the command line.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Addresses to serve on.
    listen: Option<Vec<ListenAddress>>,
    /// The port of those addresses that have none of their own; alone, of all interfaces.
    port: Option<u16>,
    /// A file with the token that everyone is asked for.
    token_file: Option<PathBuf>,
    /// Let anyone in without a token.
    no_token: Option<bool>,
    /// Web origins whose pages may connect, such as `https://dashboard.example`.
    allowed_origins: Option<Vec<String>>,
    /// What to log.
    log_level: Option<LogLevel>,
    /// `[tls]`
    tls: TlsSettings,
    /// `[collect]`
    collect: CollectSettings,
    /// `[cache]`
    cache: CacheSettings,
    /// The token itself: from the environment alone, never from a file that others may read.
    #[serde(skip)]
    token: Option<Token>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TlsSettings {
    enabled: Option<bool>,
    /// More names and addresses for the certificate that is made on first use.
    extra_names: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CollectSettings {
    gpu: Option<bool>,
    temperature: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_field_names,
    reason = "the unit belongs to the names in the file"
)]
struct CacheSettings {
    metrics_ms: Option<u64>,
    processes_ms: Option<u64>,
    disks_ms: Option<u64>,
}

/// What the agent runs with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses to serve on.
    pub listen: Vec<SocketAddr>,
    /// Whether the addresses were chosen by the user: then each of them must work.
    pub listen_is_explicit: bool,
    /// Serve wss instead of ws.
    pub tls: bool,
    /// Names and addresses for the certificate that is made on first use, beside the host's own.
    pub extra_names: Vec<String>,
    /// Who may connect.
    pub access: Access,
    /// What to collect and for how long to share it.
    pub sampling: Sampling,
    /// What to log.
    pub log_level: LogLevel,
}

/// Who may connect.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The token that everyone is asked for.
    pub token: Option<Token>,
    /// Let anyone in without a token. Without it and without a token, only loopback gets in.
    pub no_token: bool,
    /// Origins whose pages may connect.
    pub allowed_origins: Vec<String>,
}

/// What to collect and for how long to share it.
#[derive(Debug, Clone)]
pub struct Sampling {
    /// Read GPUs.
    pub gpu: bool,
    /// Read temperatures.
    pub temperature: bool,
    /// How long a sample of metrics, and of one process, is shared.
    pub metrics_ttl: Duration,
    /// How long a process list is shared.
    pub processes_ttl: Duration,
    /// How long a list of disks is shared.
    pub disks_ttl: Duration,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            gpu: true,
            temperature: true,
            metrics_ttl: Duration::from_millis(250),
            processes_ttl: Duration::from_secs(1),
            disks_ttl: Duration::from_secs(1),
        }
    }
}

impl Config {
    /// Puts all sources together. `variable` reads the environment.
    ///
    /// # Errors
    /// Names the file, variable or token that cannot be used, and why.
    pub fn load(
        args: &Args,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Settings::default();
        for source in files(args.config.as_deref())? {
            settings.overlay(source);
        }
        settings.overlay(Settings::from_environment(variable)?);
        settings.overlay(Settings::from_args(args));
        settings.resolve()
    }
}

/// The settings' files that are there, in the order in which they apply.
fn files(explicit: Option<&Path>) -> Result<Vec<Settings>, ConfigError> {
    let main = explicit.unwrap_or(Path::new(DEFAULT_FILE));
    let mut paths = Vec::new();
    if explicit.is_some() || main.exists() {
        paths.push(main.to_owned());
    }
    let mut folder = main.as_os_str().to_owned();
    folder.push(".d");
    if let Ok(entries) = std::fs::read_dir(&folder) {
        let mut parts: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "toml")
            })
            .collect();
        parts.sort();
        paths.append(&mut parts);
    }
    paths.iter().map(|path| Settings::from_file(path)).collect()
}

impl Settings {
    fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| ConfigError::Malformed {
            path: path.to_owned(),
            message: error.to_string(),
        })
    }

    fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let number =
            |name: &'static str| parsed(name, variable(name), "want a number of milliseconds");
        let switch = |name: &'static str| {
            let value = variable(name);
            match value.as_deref().map(str::trim) {
                None | Some("") => Ok(None),
                Some("1" | "true" | "yes" | "on") => Ok(Some(true)),
                Some("0" | "false" | "no" | "off") => Ok(Some(false)),
                Some(_) => Err(ConfigError::Environment {
                    name,
                    value: value.unwrap_or_default(),
                    expected: "want 1 or 0".to_owned(),
                }),
            }
        };
        Ok(Self {
            port: parsed(
                "SOCKTOP_PORT",
                variable("SOCKTOP_PORT"),
                "want a port, 0 to 65535",
            )?,
            token: variable("SOCKTOP_TOKEN")
                .filter(|token| !token.is_empty())
                .map(|token| Token::new(token, "SOCKTOP_TOKEN"))
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
            },
            cache: CacheSettings {
                metrics_ms: number("SOCKTOP_AGENT_METRICS_TTL_MS")?,
                processes_ms: number("SOCKTOP_AGENT_PROCESSES_TTL_MS")?,
                disks_ms: number("SOCKTOP_AGENT_DISKS_TTL_MS")?,
            },
            ..Self::default()
        })
    }

    fn from_args(args: &Args) -> Self {
        Self {
            listen: (!args.listen.is_empty()).then(|| args.listen.clone()),
            port: args.port,
            token_file: args.token_file.clone(),
            no_token: args.no_token.then_some(true),
            log_level: args.log_level,
            tls: TlsSettings {
                enabled: args.enable_ssl.then_some(true),
                extra_names: None,
            },
            ..Self::default()
        }
    }

    /// Applies a stronger source over this one.
    fn overlay(&mut self, stronger: Self) {
        fn set<T>(weaker: &mut Option<T>, stronger: Option<T>) {
            if stronger.is_some() {
                *weaker = stronger;
            }
        }
        // Three ways to say one thing: the strongest source that says anything decides.
        if stronger.token.is_some() || stronger.token_file.is_some() || stronger.no_token.is_some()
        {
            self.token = stronger.token;
            self.token_file = stronger.token_file;
            self.no_token = stronger.no_token;
        }
        set(&mut self.listen, stronger.listen);
        set(&mut self.port, stronger.port);
        set(&mut self.allowed_origins, stronger.allowed_origins);
        set(&mut self.log_level, stronger.log_level);
        set(&mut self.tls.enabled, stronger.tls.enabled);
        set(&mut self.tls.extra_names, stronger.tls.extra_names);
        set(&mut self.collect.gpu, stronger.collect.gpu);
        set(&mut self.collect.temperature, stronger.collect.temperature);
        set(&mut self.cache.metrics_ms, stronger.cache.metrics_ms);
        set(&mut self.cache.processes_ms, stronger.cache.processes_ms);
        set(&mut self.cache.disks_ms, stronger.cache.disks_ms);
    }

    fn resolve(self) -> Result<Config, ConfigError> {
        let tls = self.tls.enabled.unwrap_or(false);
        let defaults = Sampling::default();
        let ttl = |ms: Option<u64>, default| ms.map_or(default, Duration::from_millis);
        let token = match (self.token, self.token_file) {
            (Some(token), _) => Some(token),
            (None, Some(path)) => Some(Token::read(&path)?),
            (None, None) => None,
        };
        Ok(Config {
            listen_is_explicit: self.listen.is_some(),
            listen: addresses(self.listen.as_deref(), self.port, tls),
            tls,
            extra_names: self.tls.extra_names.unwrap_or_default(),
            access: Access {
                token,
                no_token: self.no_token.unwrap_or(false),
                allowed_origins: self.allowed_origins.unwrap_or_default(),
            },
            sampling: Sampling {
                gpu: self.collect.gpu.unwrap_or(defaults.gpu),
                temperature: self.collect.temperature.unwrap_or(defaults.temperature),
                metrics_ttl: ttl(self.cache.metrics_ms, defaults.metrics_ttl),
                processes_ttl: ttl(self.cache.processes_ms, defaults.processes_ttl),
                disks_ttl: ttl(self.cache.disks_ms, defaults.disks_ttl),
            },
            log_level: self.log_level.unwrap_or_default(),
        })
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

/// Where to serve. A port or TLS alone means all interfaces, as the published agent has it.
fn addresses(listen: Option<&[ListenAddress]>, port: Option<u16>, tls: bool) -> Vec<SocketAddr> {
    let default_port = port.unwrap_or(if tls { TLS_PORT } else { PLAIN_PORT });
    if let Some(listen) = listen {
        return listen
            .iter()
            .map(|address| SocketAddr::new(address.ip, address.port.unwrap_or(default_port)))
            .collect();
    }
    let (v4, v6) = if port.is_some() || tls {
        (Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED)
    } else {
        (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST)
    };
    vec![
        SocketAddr::new(v4.into(), default_port),
        SocketAddr::new(v6.into(), default_port),
    ]
}

/// An address to serve on, its port optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddress {
    ip: IpAddr,
    port: Option<u16>,
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self {
                ip: address.ip(),
                port: Some(address.port()),
            });
        }
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        match bare.parse() {
            Ok(ip) => Ok(Self { ip, port: None }),
            Err(_) => {
                Err("want an address such as 192.0.2.1, 0.0.0.0:3000 or [::]:3000".to_owned())
            }
        }
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_str(deserializer)
    }
}

/// How much to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLevel(pub tracing::Level);

impl Default for LogLevel {
    fn default() -> Self {
        Self(tracing::Level::INFO)
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| "want error, warn, info, debug or trace".to_owned())
    }
}

impl<'de> Deserialize<'de> for LogLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_str(deserializer)
    }
}

fn deserialize_str<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|error: T::Err| serde::de::Error::custom(format!("{text:?}: {error}")))
}

#[cfg(test)]
mod tests;
