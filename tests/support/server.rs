//! A program that listens.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

use crate::wait::wait_for;

/// A program that listens on a loopback port. Dropping it kills the program.
pub struct Server {
    child: Child,
    port: u16,
    log: NamedTempFile,
}

impl Server {
    /// Starts `command` and waits until `port` accepts connections.
    ///
    /// # Panics
    /// When it ends first, or does not listen in time: with what it printed.
    #[must_use]
    pub fn start(command: &mut Command, port: u16) -> Self {
        let log = NamedTempFile::new().expect("make a log file");
        let output = || {
            Stdio::from(
                File::options()
                    .append(true)
                    .open(log.path())
                    .expect("open the log file"),
            )
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(output())
            .stderr(output())
            .spawn()
            .unwrap_or_else(|error| panic!("start {}: {error}", command.get_program().display()));
        let mut server = Self { child, port, log };
        wait_for(&format!("port {port} to accept connections"), || {
            if let Some(status) = server.child.try_wait().expect("wait for the server") {
                panic!("the server ended with {status} and said\n{}", server.log());
            }
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        server
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/ws", self.port)
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    ///
    /// # Panics
    /// When the log file cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.log.path()).expect("read the log file");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Asks it to end, as systemd does, and waits until it has.
    ///
    /// # Panics
    /// When it does not end.
    pub fn terminate(&mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("signal the server");
        let child = &mut self.child;
        wait_for("the server's end", || {
            child.try_wait().expect("wait for the server")
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nothing listens on. Somebody may take it before it is used; nobody tries to.
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
