//! The command line of socktop-agent.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::auth::token_file::{Rights, TokenName};
use crate::config::{ListenAddress, LogLevel, Overrides};

/// A system monitoring daemon that samples on request and costs nothing while idle.
///
/// Without arguments it serves only this machine, on port 3000 of `127.0.0.1` and `[::1]`.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "socktop-agent", version, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// A command, instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Serve on this port, on all interfaces unless --listen is given
    #[arg(short, long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Serve on this address: IP or IP:PORT, an IPv6 address in brackets (may be given more than once)
    #[arg(short, long, value_name = "ADDR")]
    pub listen: Vec<ListenAddress>,

    /// Serve wss with a certificate generated on first use; the default port is 8443 then
    #[arg(long = "enableSSL", alias = "enable-ssl")]
    pub enable_ssl: bool,

    /// Read settings from this file instead of /etc/socktop/agent.toml
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Require a token from this file of all clients
    #[arg(long, value_name = "FILE", conflicts_with = "no_token")]
    pub token_file: Option<PathBuf>,

    /// Admit all clients that can reach the port, without a token
    #[arg(long)]
    pub no_token: bool,

    /// What to log: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
}

impl Args {
    /// The settings that these arguments override.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        Overrides {
            config_file: self.config.clone(),
            listen: (!self.listen.is_empty()).then(|| self.listen.clone()),
            port: self.port,
            tls: self.enable_ssl.then_some(true),
            token_file: self.token_file.clone(),
            no_token: self.no_token.then_some(true),
            log_level: self.log_level,
        }
    }
}

/// A command, instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Create the token and the TLS identity in /etc/socktop if they are missing
    ///
    /// The socket's unit runs it as root before it listens. Existing ones are kept, unless setup created them on
    /// another machine: on a cloned card they are replaced.
    Setup(SetupArgs),

    /// Print the pairing line for 'socktop add': this host's address, port, key and a token
    ///
    /// Anyone who has the line can connect: keep it as secret as a password. For several hosts, on the workstation:
    /// for host in pi1 pi2; do ssh $host sudo socktop-agent pair; done | socktop add
    Pair(PairArgs),

    /// Print the SHA-256 of this host's public key, which 'socktop' shows at its first connection
    Fingerprint(RootArg),

    /// Manage access tokens and their rights
    #[command(subcommand)]
    Token(TokenCommand),
}

/// The arguments of `pair`.
#[derive(Debug, Clone, clap::Args)]
pub struct PairArgs {
    /// The host and port of the line.
    #[command(flatten)]
    pub line: LineArgs,

    /// Print the token of this name instead of the default one
    #[arg(long, value_name = "NAME")]
    pub token: Option<String>,

    /// Also show the line as a QR code
    #[arg(long)]
    pub qr: bool,

    /// The root of the system.
    #[command(flatten)]
    pub system: RootArg,
}

/// The host and port of a pairing line.
#[derive(Debug, Clone, clap::Args)]
pub struct LineArgs {
    /// The name or address by which clients reach this host, instead of the address of your ssh connection or of the
    /// default route
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,

    /// The port that clients connect to, instead of that of socktop-agent.socket
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
}

/// The root of the system.
#[derive(Debug, Clone, clap::Args)]
pub struct RootArg {
    /// The root of the system
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
}

/// Commands on tokens. Each change restarts the service if it is running, which ends its sessions.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenCommand {
    /// Create a token for a person or a machine, and print its pairing line
    Add {
        /// The token's name, in the log and to revoke it
        name: TokenName,

        /// The token's rights: full, or metrics (no command lines, no details of a process, no journal)
        #[arg(long, value_name = "RIGHTS", default_value_t = Rights::Full)]
        rights: Rights,

        /// The host and port of the line.
        #[command(flatten)]
        line: LineArgs,

        /// The root of the system.
        #[command(flatten)]
        system: RootArg,
    },
    /// List the tokens' names and rights
    List(RootArg),
    /// Revoke a token, and end its sessions
    Revoke {
        /// The token's name
        name: String,

        /// The root of the system.
        #[command(flatten)]
        system: RootArg,
    },
}

/// The arguments of `setup`.
#[derive(Debug, Clone, clap::Args)]
pub struct SetupArgs {
    /// Write a drop-in that gives the service access to this machine's GPUs, and do nothing else
    #[arg(long)]
    pub gpu: bool,

    /// The root of the system to set up
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
}

const AFTER_HELP: &str = "\
Environment:
  SOCKTOP_PORT                    as --port
  SOCKTOP_ENABLE_SSL=1            as --enableSSL
  SOCKTOP_TOKEN                   the token itself
  SOCKTOP_AGENT_EXTRA_SANS        more names and addresses for the certificate, separated by commas
  SOCKTOP_AGENT_GPU=0             do not read GPUs
  SOCKTOP_AGENT_TEMP=0            do not read temperatures
  SOCKTOP_AGENT_METRICS_TTL_MS    how long a sample of metrics is shared (default 250, 0 = not at all)
  SOCKTOP_AGENT_PROCESSES_TTL_MS  the same for processes (1000)
  SOCKTOP_AGENT_DISKS_TTL_MS      the same for disks (1000)

Settings: defaults, then agent.toml, agent.toml.d/*.toml, the environment, the command line; later ones override earlier ones.
Access rules are in access.toml beside them. SIGHUP makes the agent read all files again.
Clients on other machines need a token; if none is set, one is generated and shown at the start.";
