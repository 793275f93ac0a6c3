//! The command line of socktop-agent.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::auth::token_file::{Rights, TokenName};
use crate::config::{ListenAddress, LogLevel, Overrides};

/// A system monitor's daemon that samples when asked and costs nothing while nobody looks.
///
/// With no arguments it serves this machine alone, on port 3000 of `127.0.0.1` and `[::1]`.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "socktop-agent", version, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// A command, instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Serve on this port, on all interfaces unless --listen says otherwise
    #[arg(short, long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Serve on this address: IP or IP:PORT, an IPv6 address in brackets (may be given more than once)
    #[arg(short, long, value_name = "ADDR")]
    pub listen: Vec<ListenAddress>,

    /// Serve wss with a certificate made on first use; the port is 8443 then
    #[arg(long = "enableSSL", alias = "enable-ssl")]
    pub enable_ssl: bool,

    /// Read settings from this file instead of /etc/socktop/agent.toml
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Ask everyone for a token of this file
    #[arg(long, value_name = "FILE", conflicts_with = "no_token")]
    pub token_file: Option<PathBuf>,

    /// Let anyone who can reach the port in, without a token
    #[arg(long)]
    pub no_token: bool,

    /// What to log: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
}

impl Args {
    /// What these say of the settings.
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
    /// Make what this host lacks: a token and a TLS identity in /etc/socktop
    ///
    /// The socket's unit runs it as root before it listens. What is there already stays, unless setup made it on
    /// another machine: on a cloned card it is made anew.
    Setup(SetupArgs),

    /// Print the line that 'socktop add' takes: this host's address, port, key and a token
    ///
    /// Anyone who has the line can connect: hand it on as you would a password. For a whole fleet, on the workstation:
    /// for host in pi1 pi2; do ssh $host sudo socktop-agent pair; done | socktop add
    Pair(PairArgs),

    /// Print the SHA-256 of this host's public key, which 'socktop' shows at its first connection
    Fingerprint(RootArg),

    /// Manage access tokens and what each opens
    #[command(subcommand)]
    Token(TokenCommand),
}

/// The arguments of `pair`.
#[derive(Debug, Clone, clap::Args)]
pub struct PairArgs {
    /// What is to stand in the line.
    #[command(flatten)]
    pub line: LineArgs,

    /// Give the token of this name instead of the default one
    #[arg(long, value_name = "NAME")]
    pub token: Option<String>,

    /// Show a QR code of the line, too
    #[arg(long)]
    pub qr: bool,

    /// Where the system is.
    #[command(flatten)]
    pub system: RootArg,
}

/// What a pairing line is to say of the host.
#[derive(Debug, Clone, clap::Args)]
pub struct LineArgs {
    /// The name or address by which clients reach this host, instead of the address that you came by or that of the
    /// default route
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,

    /// The port by which they do, instead of that of socktop-agent.socket
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
}

/// Where the system is.
#[derive(Debug, Clone, clap::Args)]
pub struct RootArg {
    /// The root of the system
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub root: PathBuf,
}

/// What to do with tokens. Each change restarts the service where it runs, which ends its sessions.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenCommand {
    /// Make a token for a person or a machine, and print the line to pair by it
    Add {
        /// What it is called: in the log, and to revoke it
        name: TokenName,

        /// What it opens: full, or metrics (no command lines, no details of a process, no journal)
        #[arg(long, value_name = "RIGHTS", default_value_t = Rights::Full)]
        rights: Rights,

        /// What is to stand in the line.
        #[command(flatten)]
        line: LineArgs,

        /// Where the system is.
        #[command(flatten)]
        system: RootArg,
    },
    /// List the tokens' names and what each opens
    List(RootArg),
    /// Revoke a token, and end its sessions
    Revoke {
        /// Its name
        name: String,

        /// Where the system is.
        #[command(flatten)]
        system: RootArg,
    },
}

/// The arguments of `setup`.
#[derive(Debug, Clone, clap::Args)]
pub struct SetupArgs {
    /// Let the service reach this machine's GPUs, by a drop-in for its unit, and do nothing else
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

Settings: defaults, then agent.toml, agent.toml.d/*.toml, the environment, the command line; the last one wins.
Who may enter is in access.toml beside them. SIGHUP has all of them read again.
Whoever does not come from this machine needs a token; where none is set one is made and shown at the start.";
