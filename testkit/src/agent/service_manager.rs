//! The real binary, started as systemd starts it.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::wait::DEADLINE;

/// A service manager that holds sockets and starts agents on them.
pub struct ServiceManager {
    program: PathBuf,
    folder: tempfile::TempDir,
    notify: UnixDatagram,
}

impl ServiceManager {
    /// A manager with settings for the agent `program`.
    #[must_use]
    pub fn new(program: &str, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notify = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        let manager = Self {
            program: program.into(),
            folder,
            notify,
        };
        manager.write("agent.toml", settings);
        manager
    }

    /// A file beside the settings.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file beside the settings.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The agent's command line on `sockets`, up to two of them, in plain HTTP.
    #[must_use]
    pub fn command(&self, sockets: Vec<OwnedFd>) -> Command {
        let mut command = self.bare_command(
            "exec 3<&0 4<&1 </dev/null >/dev/null; LISTEN_PID=$$ exec \"$@\"",
            &sockets.len().to_string(),
        );
        let mut sockets = sockets.into_iter().map(Stdio::from);
        command.stdin(sockets.next().unwrap_or_else(Stdio::null));
        command.stdout(sockets.next().unwrap_or_else(Stdio::null));
        command
    }

    /// The same by a script for sh(1) that runs `"$@"`, and the number of sockets that it passes.
    #[must_use]
    pub fn bare_command(&self, script: &str, sockets: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "sh"])
            .arg(&self.program)
            .arg("--config")
            .arg(self.path("agent.toml"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("SOCKTOP_ENABLE_SSL", "0")
            .env("LISTEN_FDS", sockets)
            .env("NOTIFY_SOCKET", self.path("notify"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// The next notification of the agent.
    pub async fn next_notification(&self) -> String {
        let mut buffer = [0; 4096];
        let length = timeout(DEADLINE, self.notify.recv(&mut buffer))
            .await
            .expect("a notification of the agent")
            .unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// Waits for a notification that contains `words`.
    pub async fn wait_for(&self, words: &str) -> String {
        loop {
            let notification = self.next_notification().await;
            if notification.contains(words) {
                return notification;
            }
        }
    }
}

/// A listening socket as systemd has it, and its address.
#[must_use]
pub fn listening_socket() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Waits for the end of the agent: whether it went well, and what it logged.
pub async fn end(child: Child) -> (bool, String) {
    let output = timeout(DEADLINE, child.wait_with_output())
        .await
        .expect("the agent's end")
        .unwrap();
    (
        output.status.success(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Sends the agent a signal.
pub fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}
