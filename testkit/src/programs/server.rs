//! A program that listens.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::{Deref, DerefMut};
use std::process::Command;

use super::background::Background;
use crate::wait::wait_for;

/// A program that listens on a loopback port.
pub struct Server {
    program: Background,
    port: u16,
}

impl Server {
    /// Starts `command` and waits until `port` accepts connections.
    ///
    /// # Panics
    /// When another program listens there, when the program ends, or when it does not listen in time.
    #[must_use]
    pub fn start(command: &mut Command, port: u16) -> Self {
        let dial = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok();
        assert!(dial().is_none(), "port {port} is taken by another program");
        let mut program = Background::start(command);
        wait_for(&format!("port {port} to accept connections"), || {
            program.assert_running();
            dial()
        });
        Self { program, port }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/ws", self.port)
    }
}

impl Deref for Server {
    type Target = Background;

    fn deref(&self) -> &Background {
        &self.program
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Background {
        &mut self.program
    }
}

/// A port that nothing listens on. Another program could take it before it is used.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("find a free port")
        .port()
}
