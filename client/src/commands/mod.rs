//! Commands without a screen: manage the saved agents, their keys and tokens.

mod add;
mod list;
mod manage;

#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal, Write};

use clap::Subcommand;

use crate::config::agent_url::AgentUrlError;
use crate::config::paths::Home;
use crate::config::profiles::{DEMO, Profiles, ProfilesError, known_profiles};
use crate::prompt::confirm_at_terminal;
use crate::secrets::token_store::StoreError;
use crate::text::sanitize::is_junk;
use crate::trust::known_agents::KnownError;

/// What to do instead of showing a host.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Add agents by the pairing lines that 'sudo socktop-agent pair' prints on their hosts
    ///
    /// Remembers the agent's key, stores its token in a file of mode 0600 and saves a profile. Without LINE, any number
    /// of lines is read from standard input, and other text there is ignored. A key that is already known is replaced
    /// only if you confirm it at the terminal.
    #[command(
        after_help = "For example:\n  for h in pi4 pi5; do ssh $h sudo socktop-agent pair; done | socktop add"
    )]
    Add {
        /// The pairing line; it holds a secret, which other users can see in the list of processes
        #[arg(value_name = "LINE")]
        line: Option<String>,

        /// Save the profile under this name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Show the saved profiles, how each is trusted and whether it has a token
    List,
    /// Remove a profile, with its stored token and its remembered key
    Remove {
        /// The profile
        #[arg(value_name = "PROFILE")]
        name: String,
    },
    /// Rename a profile
    Rename {
        /// The profile
        old: String,
        /// Its new name
        new: String,
    },
    /// Forget the key of a host, so that the next connection can accept another one; its profiles are kept
    Forget {
        /// The host, or a profile of it
        #[arg(value_name = "HOST[:PORT]|PROFILE")]
        host: String,
    },
}

/// The words of the commands, which no profile is called: `socktop list` lists.
const WORDS: [&str; 5] = ["add", "list", "remove", "rename", "forget"];

/// A command that failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The profiles.
    #[error(transparent)]
    Profiles(#[from] ProfilesError),
    /// The remembered keys.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// A token's file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such profile.
    #[error("there is no profile {name:?} ({known})")]
    UnknownProfile {
        /// Its name.
        name: String,
        /// Those that there are, in words.
        known: String,
    },
    /// The name is another profile's.
    #[error(
        "there is a profile {0:?} of another agent; choose another name, or first: socktop remove {0:?}"
    )]
    Taken(String),
    /// No profile may have this name.
    #[error("{name:?} cannot be a profile's name: {fault}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// No such host.
    #[error(transparent)]
    AgentUrl(#[from] AgentUrlError),
    /// No key is remembered.
    #[error("no key is remembered for {authority} ({known})")]
    NotRemembered {
        /// The host and port.
        authority: String,
        /// Those that there are, in words.
        known: String,
    },
    /// Some lines were not added. What is wrong with each has been said.
    #[error("{bad} of {total} pairing lines were not added")]
    Lines {
        /// How many were not.
        bad: usize,
        /// How many there were.
        total: usize,
    },
    /// Nothing was added.
    #[error(
        "no pairing line was given; on the host, 'sudo socktop-agent pair' prints it: ssh HOST sudo socktop-agent pair | \
         socktop add"
    )]
    NoLines,
    /// What is said cannot be written, or the lines cannot be read.
    #[error("reading from standard input or writing to standard output failed: {0}")]
    Io(#[from] io::Error),
}

/// Does what `command` says.
///
/// # Errors
/// Says what could not be done.
pub fn run(command: &Command, home: &Home) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    let mut err = io::stderr();
    let asked = confirm_at_terminal;
    match command {
        Command::Add {
            line: Some(line),
            name,
        } => {
            // What was typed is seen already; the next line need not be.
            let _ = writeln!(
                err,
                "socktop: a pairing line as an argument can be seen in the list of processes and in the shell's history; \
                 standard input is better: socktop add < FILE"
            );
            add::add(
                home,
                line.as_bytes(),
                name.as_deref(),
                asked,
                &mut out,
                &mut err,
            )
        }
        Command::Add { line: None, name } => {
            let stdin = io::stdin();
            if stdin.is_terminal() {
                let _ = writeln!(
                    err,
                    "Paste the lines of 'sudo socktop-agent pair', and end with Ctrl-D:"
                );
            }
            add::add(
                home,
                stdin.lock(),
                name.as_deref(),
                asked,
                &mut out,
                &mut err,
            )
        }
        Command::List => list::list(home, &mut out),
        Command::Remove { name } => manage::remove(home, name, &mut out),
        Command::Rename { old, new } => manage::rename(home, old, new, &mut out),
        Command::Forget { host } => manage::forget(home, host, &mut out),
    }
}

/// Whether a profile may be made with this name.
fn usable(name: &str) -> Result<(), CommandError> {
    let fault = if name.trim().is_empty() {
        "it is empty"
    } else if name == DEMO {
        "it is the demo's"
    } else if WORDS.contains(&name) {
        "it is a command"
    } else if name.starts_with('-') {
        "it looks like an option"
    } else if name.contains('/') {
        "it looks like an address or a path"
    } else if name.chars().any(is_junk) {
        "it has characters that cannot be seen"
    } else {
        return Ok(());
    };
    Err(CommandError::Name {
        name: name.to_owned(),
        fault,
    })
}

fn unknown(name: &str, profiles: &Profiles) -> CommandError {
    CommandError::UnknownProfile {
        name: name.to_owned(),
        known: known_profiles(profiles),
    }
}
