//! The settings: defaults, then `agent.toml`, `agent.toml.d/*.toml`, the environment and the command line; and
//! `access.toml`, which decides who may connect.
//!
//! Each source is one `Settings`, in which everything is optional; [`Config`] is what they add up to.

mod files;
mod limits;
mod overrides;
mod settings;
mod values;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socktop_collect::sampler::Sampling;

use crate::auth::access::Access;
use crate::auth::token::TokenError;
use crate::auth::token_file::Tokens;
use crate::tls::credentials::Credentials;
use files::AccessFile;
pub use limits::Limits;
pub use overrides::Overrides;
use settings::Settings;
use values::IdleExit;
pub use values::{ListenAddress, LogLevel};

/// The settings' file, where no other is named.
pub const DEFAULT_FILE: &str = "/etc/socktop/agent.toml";

/// The port without TLS.
pub const PLAIN_PORT: u16 = 3000;
/// The port with TLS.
pub const TLS_PORT: u16 = 8443;

/// How long an agent that systemd can start again stays without a client.
const ACTIVATED_IDLE_EXIT: Duration = Duration::from_mins(1);

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was asked for, or is there, cannot be read.
    #[error("reading the settings {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file that is not what it should be.
    #[error("in the settings {path}, line {line}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in it, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
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
    /// A link-local address of an interface that is not there.
    #[error(
        "listening on {address}: finding the network interface {zone}: {source}; 'ip link' shows those that there are"
    )]
    Zone {
        /// The address.
        address: String,
        /// The interface.
        zone: String,
        /// Why it was not found.
        source: std::io::Error,
    },
    /// A token that cannot be had.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl ConfigError {
    fn is_missing_file(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.kind() == ErrorKind::NotFound)
    }
}

/// What the agent runs with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses to serve on.
    pub listen: Vec<SocketAddr>,
    /// Whether the addresses were chosen by the user: then each of them must work.
    pub listen_is_explicit: bool,
    /// Whether neither an address nor a port was chosen.
    pub listen_is_default: bool,
    /// Serve wss instead of ws.
    pub tls: bool,
    /// Names and addresses for the certificate that is made on first use, beside the host's own.
    pub extra_names: Vec<String>,
    /// The access rules: which clients may connect.
    pub access: Access,
    /// What to collect and for how long to share it.
    pub sampling: Sampling,
    /// What clients may take of this host.
    pub limits: Limits,
    /// What to log.
    pub log_level: LogLevel,
    /// How long the agent stays without clients before it exits. `None`: for ever.
    pub idle_exit: Option<Duration>,
    /// What systemd hands over.
    pub credentials: Credentials,
    /// What was skipped because it cannot be used, each with file, line and reason.
    pub problems: Vec<String>,
}

impl Config {
    /// Puts all sources together: the files, the environment, and the command line's `overrides`. `variable` reads the environment; `activated` says that systemd passed the
    /// sockets. TLS is on then unless it is switched off, and the agent exits when idle.
    ///
    /// An activated agent skips a settings' file that it cannot use, and says so in [`problems`](Self::problems):
    /// a slip in a file must not take a remote host off the network.
    ///
    /// # Errors
    /// Names the file, variable or token that cannot be used, and why.
    pub fn load(
        overrides: &Overrides,
        activated: bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let explicit = overrides.config_file.as_deref();
        let (mut settings, unusable) = files::settings(explicit);
        let mut problems: Vec<_> = unusable.iter().map(ToString::to_string).collect();
        if let Some(error) = unusable.into_iter().next()
            && !activated
        {
            return Err(error);
        }
        // Invalid access rules deny all clients, however the agent was started.
        let (access, broken) = match files::access(explicit) {
            Ok(access) => (access, None),
            Err(error) => (AccessFile::default(), Some(error.to_string())),
        };
        let credentials = Credentials::from_environment(&variable);
        let handed_over = credentials.tokens();
        settings.overlay(Settings {
            tokens: handed_over.as_ref().ok().cloned().flatten(),
            ..Settings::default()
        });
        settings.overlay(Settings {
            no_token: access.no_token.then_some(true),
            ..Settings::default()
        });
        settings.overlay(Settings::from_environment(variable)?);
        settings.overlay(Settings::from(overrides));

        let (tokens, broken) = match handed_over.and_then(|_| settings.tokens()) {
            Ok(tokens) => (tokens, broken),
            Err(error) if activated => (None, broken.or(Some(error.to_string()))),
            Err(error) => return Err(error.into()),
        };
        let (client_ca, broken) = match access.client_ca(settings.has_tls(activated)) {
            Ok(client_ca) => (client_ca, broken),
            Err(reason) => (None, broken.or(Some(reason))),
        };
        let tokens = tokens.map_or_else(Vec::new, |tokens| tokens.iter().cloned().collect());
        let access = Access {
            tokens,
            no_token: settings.no_token.unwrap_or(false),
            allowed_origins: access.allowed_origins,
            client_ca,
            broken,
        };
        problems.extend(access.broken.clone());
        let tls = settings.has_tls(activated);
        let listen = match addresses(settings.listen.as_deref(), settings.port, tls) {
            Ok(listen) => listen,
            // systemd's sockets are where it listens.
            Err(error) if activated => {
                problems.push(error.to_string());
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let mut config = settings.resolve(activated, access, listen);
        config.credentials = credentials;
        config.problems = problems;
        Ok(config)
    }
}

impl Settings {
    /// The tokens that were chosen, if any were.
    fn tokens(&mut self) -> Result<Option<Tokens>, TokenError> {
        match (self.tokens.take(), &self.token_file) {
            (Some(tokens), _) => Ok(Some(tokens)),
            (None, Some(path)) => Tokens::read(path).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Whether TLS is spoken. Where systemd passed the sockets it is by default.
    fn has_tls(&self, activated: bool) -> bool {
        self.tls.enabled.unwrap_or(activated)
    }

    fn resolve(self, activated: bool, access: Access, listen: Vec<SocketAddr>) -> Config {
        let tls = self.has_tls(activated);
        let defaults = Sampling::default();
        let ttl = |ms: Option<u64>, default| ms.map_or(default, Duration::from_millis);
        let idle_exit = match self.idle_exit_seconds {
            Some(IdleExit(time)) => time,
            None => activated.then_some(ACTIVATED_IDLE_EXIT),
        };
        Config {
            listen_is_explicit: self.listen.is_some(),
            listen_is_default: self.listen.is_none() && self.port.is_none(),
            listen,
            tls,
            extra_names: self.tls.extra_names.unwrap_or_default(),
            access,
            sampling: Sampling {
                gpu: self.collect.gpu.unwrap_or(defaults.gpu),
                temperature: self.collect.temperature.unwrap_or(defaults.temperature),
                redact_arguments: self
                    .collect
                    .redact_arguments
                    .unwrap_or(defaults.redact_arguments),
                metrics_ttl: ttl(self.cache.metrics_ms, defaults.metrics_ttl),
                processes_ttl: ttl(self.cache.processes_ms, defaults.processes_ttl),
                disks_ttl: ttl(self.cache.disks_ms, defaults.disks_ttl),
            },
            limits: self.limits.resolve(),
            log_level: self.log_level.unwrap_or_default(),
            idle_exit,
            credentials: Credentials::default(),
            problems: Vec::new(),
        }
    }
}

/// Settings that matter while no agent runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct HostSettings {
    /// The host's further names for its certificate.
    pub(crate) extra_names: Vec<String>,
    /// Whether the service uses TLS.
    pub(crate) tls: bool,
}

/// Those of the file `main`, its folder of parts and the environment; and what is wrong with what cannot be used.
pub(crate) fn of_host(
    main: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> (HostSettings, Vec<String>) {
    let (mut settings, mut errors) = files::settings(Some(main));
    errors.retain(|error| !error.is_missing_file());
    match Settings::from_environment(variable) {
        Ok(environment) => settings.overlay(environment),
        Err(error) => errors.push(error),
    }
    let problems = errors.iter().map(ToString::to_string).collect();
    let settings = HostSettings {
        tls: settings.has_tls(true),
        extra_names: settings.tls.extra_names.unwrap_or_default(),
    };
    (settings, problems)
}

/// Where to serve. A port or TLS alone means all interfaces, as the published agent has it.
fn addresses(
    listen: Option<&[ListenAddress]>,
    port: Option<u16>,
    tls: bool,
) -> Result<Vec<SocketAddr>, ConfigError> {
    let default_port = port.unwrap_or(if tls { TLS_PORT } else { PLAIN_PORT });
    if let Some(listen) = listen {
        return listen
            .iter()
            .map(|address| address.resolve(default_port))
            .collect();
    }
    let (v4, v6) = if port.is_some() || tls {
        (Ipv4Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED)
    } else {
        (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST)
    };
    Ok(vec![
        SocketAddr::new(v4.into(), default_port),
        SocketAddr::new(v6.into(), default_port),
    ])
}

#[cfg(test)]
mod tests;
