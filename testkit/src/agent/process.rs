//! The real binary, on a free port of loopback.

use std::ops::{Deref, DerefMut};
use std::process::Command;

use crate::programs::Background;

/// The arguments that make an agent listen on a free port of loopback.
const ANY_PORT: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// A listening agent. Dropping it kills it.
pub struct AgentProcess {
    program: Background,
    address: String,
}

impl AgentProcess {
    /// Starts `command`, which ends in an agent that listens on a free port, and waits until it does.
    ///
    /// # Panics
    /// When it ends, or does not listen in time.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let mut program = Background::start(command.args(ANY_PORT));
        program.wait_for_log("the agent to listen", |log| address(log).is_some());
        let address = address(&program.log()).expect("the address that was there");
        Self { program, address }
    }

    /// Where it listens: IP address and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// The address in the line `socktop-agent VERSION listens on wss://ADDRESS/ws`.
fn address(log: &str) -> Option<String> {
    let (_, listens) = log.split_once(" listens on ")?;
    let (_, url) = listens.split_once("://")?;
    let (address, _) = url.split_once('/')?;
    Some(address.to_owned())
}

impl Deref for AgentProcess {
    type Target = Background;

    fn deref(&self) -> &Background {
        &self.program
    }
}

impl DerefMut for AgentProcess {
    fn deref_mut(&mut self) -> &mut Background {
        &mut self.program
    }
}
