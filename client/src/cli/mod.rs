//! The command line, resolved with the saved profiles and the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::commands::Command;
use crate::config::agent_url::{AgentUrl, AgentUrlError};
use crate::config::profiles::{DEMO, Profile, Profiles, known_profiles};
use crate::config::save_profile::Save;
use crate::link::Intervals;
use crate::secrets::token::{InvalidToken, Token};
use crate::source::remote::{ClientFiles, Connect};

/// A terminal monitor for Linux hosts, fed by socktop-agent.
// Each is a flag.
#[allow(clippy::struct_excessive_bools)]
#[derive(Parser)]
#[command(
    name = "socktop",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    subcommand_value_name = "COMMAND",
    after_help = "The token is taken from --token-file, the variable SOCKTOP_TOKEN, ?token= in the URL or the \
                  profile's token_file, whichever comes first; if the agent refuses it, you are asked for one. \
                  The option and the variable are for the one agent that is named.\n\
                  An agent is trusted by --tls-ca, else by the key remembered for it, else by the system's authorities; \
                  you are asked once about any other key.\n\
                  To connect to a host with the name of a command, write wss://list:8443; to such a profile, use --profile.\n\
                  Profiles are kept in $XDG_CONFIG_HOME/socktop/profiles.json, else ~/.config/socktop/profiles.json."
)]
pub struct Cli {
    /// What to do instead of showing a host.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The agent: HOST or HOST:PORT (with TLS, port 8443 if none is given), ws://HOST:PORT, wss://HOST:PORT, or a
    /// profile's name, which takes precedence over a host of that name. Without one, the saved profiles and this machine are listed
    #[arg(value_name = "HOST|URL|PROFILE")]
    pub agent: Option<String>,

    /// Trust the certificates in this PEM file: the agent's own, or its authority's
    #[arg(short = 't', long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,

    /// Also check that a certificate given by --tls-ca, or for a remembered key, is for the host's name
    #[arg(long)]
    pub verify_hostname: bool,

    /// Present this client certificate (PEM) to an agent that requests one
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,

    /// The key of the certificate given by --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,

    /// Connect to a saved profile; if an agent is given too, save it under this name
    #[arg(short = 'P', long, value_name = "NAME")]
    pub profile: Option<String>,

    /// Overwrite an existing profile without asking
    #[arg(long, requires = "profile")]
    pub save: bool,

    /// Read the token from this file
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Show this machine, without an agent and without a port
    #[arg(long)]
    pub demo: bool,

    /// Use the layout for small windows at any size
    #[arg(long)]
    pub compact: bool,

    /// Time between two requests for metrics, in milliseconds [default: 500, at least 100]
    #[arg(long, value_name = "N")]
    pub metrics_interval_ms: Option<u64>,

    /// Time between two requests for the process list, in milliseconds [default: 2000, at least 200]
    #[arg(long, value_name = "N")]
    pub processes_interval_ms: Option<u64>,

    /// Time between two requests for disks, in milliseconds [default: 5000, at least 500]
    #[arg(long, value_name = "N")]
    pub disks_interval_ms: Option<u64>,

    /// Do all but connect
    #[arg(long, hide = true)]
    pub dry_run: bool,
}

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Show this machine.
    Demo(Intervals),
    /// Show the list of hosts: each saved one, by [`from_profile`], and this machine.
    List,
    /// Connect.
    Connect(Box<Connect>),
}

/// What of the process's surroundings matters.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `SOCKTOP_TOKEN`.
    pub token: Option<OsString>,
    /// The working directory: saved paths have to hold from anywhere.
    pub folder: PathBuf,
}

impl Environment {
    /// The same without the token: it was given for one agent, and is not shown to every one that is saved.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self {
            token: None,
            folder: self.folder.clone(),
        }
    }
}

/// A command line that asks for what cannot be done.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No such agent.
    #[error(transparent)]
    AgentUrl(#[from] AgentUrlError),
    /// A profile's URL.
    #[error("profile {name:?}: {source}")]
    ProfileTarget {
        /// Its name.
        name: String,
        /// What is wrong with its URL.
        source: AgentUrlError,
    },
    /// No such profile.
    #[error("there is no profile {name:?} ({known}); make it with: socktop --profile {name:?} URL")]
    UnknownProfile {
        /// Its name.
        name: String,
        /// Those that there are, in words.
        known: String,
    },
    /// The demo's name is taken.
    #[error("{DEMO:?} is the demo's name: choose another for the profile")]
    DemoName,
    /// A token or certificate, and no agent that it is for.
    #[error(
        "{0} is for one agent: name it, or save it with the agent: socktop --profile NAME {0} … URL"
    )]
    NoAgent(&'static str),
    /// `SOCKTOP_TOKEN`.
    #[error("SOCKTOP_TOKEN: {0}")]
    Token(InvalidToken),
}

/// What `cli` asks for. It reads no file and nothing of the process.
///
/// # Errors
/// Where it names no agent, or a profile that does not exist.
pub fn resolve(
    cli: &Cli,
    profiles: &Profiles,
    environment: &Environment,
) -> Result<Action, ResolveError> {
    let named_demo = cli.profile.as_deref() == Some(DEMO);
    if named_demo && cli.agent.is_some() {
        return Err(ResolveError::DemoName);
    }
    if cli.demo || named_demo {
        return Ok(Action::Demo(intervals(cli, None)));
    }
    let connect = match (&cli.agent, &cli.profile) {
        (None, None) => {
            return match credential_option(cli) {
                Some(option) => Err(ResolveError::NoAgent(option)),
                None => Ok(Action::List),
            };
        }
        (None, Some(name)) => from_profile(name, cli, profiles, environment)?,
        (Some(agent), None) if profiles.profiles.contains_key(agent) => {
            from_profile(agent, cli, profiles, environment)?
        }
        (Some(agent), None) if agent == DEMO => return Ok(Action::Demo(intervals(cli, None))),
        (Some(agent), name) => {
            let target: AgentUrl = agent.parse()?;
            let save = name
                .as_ref()
                .and_then(|name| save(name, &target, cli, profiles, environment));
            let mut connect = connect(target, None, cli, environment)?;
            connect.profile.clone_from(name);
            connect.save = save;
            connect
        }
    };
    Ok(Action::Connect(Box::new(connect)))
}

/// The option of `cli` by which one agent is to know this user.
fn credential_option(cli: &Cli) -> Option<&'static str> {
    if cli.token_file.is_some() {
        Some("--token-file")
    } else if cli.cert.is_some() {
        Some("--cert")
    } else {
        None
    }
}

/// The saved agent `name`. What the command line gives goes before what the profile has.
///
/// # Errors
/// If there is no such profile, or its URL is invalid.
pub fn from_profile(
    name: &str,
    cli: &Cli,
    profiles: &Profiles,
    environment: &Environment,
) -> Result<Connect, ResolveError> {
    let profile = profiles
        .profiles
        .get(name)
        .ok_or_else(|| ResolveError::UnknownProfile {
            name: name.to_owned(),
            known: known_profiles(profiles),
        })?;
    let target = profile
        .url
        .parse()
        .map_err(|source| ResolveError::ProfileTarget {
            name: name.to_owned(),
            source,
        })?;
    let mut connect = connect(target, Some(profile), cli, environment)?;
    connect.profile = Some(name.to_owned());
    Ok(connect)
}

fn connect(
    mut target: AgentUrl,
    profile: Option<&Profile>,
    cli: &Cli,
    environment: &Environment,
) -> Result<Connect, ResolveError> {
    let is_saved = profile.is_some();
    let intervals = intervals(cli, profile);
    // Without `..`: what a profile has more one day has to be used here, or said not to be.
    let Profile {
        url: _,
        tls_ca,
        verify_hostname,
        client_cert,
        client_key,
        token_file: stored_token_file,
        token_for,
        // In the intervals.
        metrics_interval_ms: _,
        processes_interval_ms: _,
        disks_interval_ms: _,
        other: _,
    } = profile.cloned().unwrap_or_default();
    let mut token_file = cli.token_file.clone();
    let mut token_is_stored = false;
    if token_file.is_none() {
        let given = environment
            .token
            .as_ref()
            .filter(|token| !token.is_empty())
            .map(|token| Token::new(&token.to_string_lossy()))
            .transpose()
            .map_err(ResolveError::Token)?;
        if let Some(token) = given {
            target.set_token(token);
        } else {
            // A profile's URL may have one.
            token_is_stored = is_saved;
            if target.token().is_none() {
                token_file = stored_token_file;
            }
        }
    }
    let of_cli = cli.cert.clone().zip(cli.key.clone());
    let client = of_cli
        .or(client_cert.zip(client_key))
        .map(|(certificate, key)| ClientFiles { certificate, key });
    Ok(Connect {
        profile: None,
        target,
        tls_ca: cli.tls_ca.clone().or(tls_ca),
        verify_hostname: cli.verify_hostname || verify_hostname,
        client,
        token_file,
        token_is_stored,
        token_for: token_for.filter(|_| token_is_stored),
        intervals,
        save: None,
    })
}

/// How often to ask: what the command line says, else the profile, else the defaults.
#[must_use]
pub fn intervals(cli: &Cli, profile: Option<&Profile>) -> Intervals {
    let metrics_ms = || profile.and_then(|profile| profile.metrics_interval_ms);
    let processes_ms = || profile.and_then(|profile| profile.processes_interval_ms);
    let disks_ms = || profile.and_then(|profile| profile.disks_interval_ms);
    Intervals::from_ms(
        cli.metrics_interval_ms.or_else(metrics_ms),
        cli.processes_interval_ms.or_else(processes_ms),
        cli.disks_interval_ms.or_else(disks_ms),
    )
}

/// The profile to save under `name`, unless it is there already. Address, certificates and token are the command
/// line's; what else an existing profile has, it keeps.
fn save(
    name: &str,
    target: &AgentUrl,
    cli: &Cli,
    profiles: &Profiles,
    environment: &Environment,
) -> Option<Save> {
    // Without `..`: an option that is added has to be saved here, or said not to be.
    let Cli {
        tls_ca,
        verify_hostname,
        cert,
        key,
        token_file,
        metrics_interval_ms,
        processes_interval_ms,
        disks_interval_ms,
        // What is done now, not how this host is reached.
        command: _,
        agent: _,
        profile: _,
        save: overwrite,
        demo: _,
        dry_run: _,
        // Of this terminal, not of the host.
        compact: _,
    } = cli;
    let absolute = |path: &Option<PathBuf>| {
        path.as_deref()
            .map(|path: &Path| environment.folder.join(path))
    };
    let existing = profiles.profiles.get(name);
    let mut profile = existing.cloned().unwrap_or_default();
    // An address that is written otherwise is the same address.
    if profile.url.parse::<AgentUrl>().ok().as_ref() != Some(target) {
        profile.url = target.to_url();
    }
    profile.tls_ca = absolute(tls_ca);
    profile.verify_hostname = *verify_hostname;
    profile.client_cert = absolute(cert);
    profile.client_key = absolute(key);
    profile.token_file = absolute(token_file);
    // It is given anew, for the agent that is trusted there now.
    profile.token_for = None;
    profile.metrics_interval_ms = metrics_interval_ms.or(profile.metrics_interval_ms);
    profile.processes_interval_ms = processes_interval_ms.or(profile.processes_interval_ms);
    profile.disks_interval_ms = disks_interval_ms.or(profile.disks_interval_ms);
    (existing != Some(&profile)).then(|| Save {
        name: name.to_owned(),
        profile,
        ask: existing.is_some() && !overwrite,
    })
}

#[cfg(test)]
mod tests;
