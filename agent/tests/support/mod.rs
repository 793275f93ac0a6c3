//! The real binary, started as systemd starts it.
#![allow(dead_code)] // Each test takes what it needs.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixDatagram};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longer than anything here takes, so that a test ends when the program does not.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A service manager that holds sockets and starts agents on them.
pub(crate) struct Manager {
    folder: tempfile::TempDir,
    notify: UnixDatagram,
}

impl Manager {
    /// A manager with settings for the agent.
    pub(crate) fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notify = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        let manager = Self { folder, notify };
        manager.write("agent.toml", settings);
        manager
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The agent's command line on `sockets`, up to two of them, in plain HTTP.
    pub(crate) fn command(&self, sockets: Vec<OwnedFd>) -> Command {
        let mut command = self.bare_command(
            "exec 3<&0 4<&1 </dev/null >/dev/null; LISTEN_PID=$$ exec \"$@\"",
            &sockets.len().to_string(),
        );
        let mut sockets = sockets.into_iter().map(Stdio::from);
        command.stdin(sockets.next().unwrap_or_else(Stdio::null));
        command.stdout(sockets.next().unwrap_or_else(Stdio::null));
        command
    }

    /// The same by a script of one's own for sh(1), which runs `"$@"`.
    pub(crate) fn bare_command(&self, script: &str, sockets: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "sh", env!("CARGO_BIN_EXE_socktop-agent")])
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

    /// The next thing that the agent tells.
    pub(crate) async fn told(&self) -> String {
        let mut buffer = [0; 4096];
        let length = timeout(PATIENCE, self.notify.recv(&mut buffer))
            .await
            .expect("the agent tells nothing")
            .unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// Waits until the agent tells something that contains `words`.
    pub(crate) async fn hears(&self, words: &str) -> String {
        loop {
            let told = self.told().await;
            if told.contains(words) {
                return told;
            }
        }
    }
}

/// A listening socket as systemd has it, and its address.
pub(crate) fn socket() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Waits for the end of the agent: whether it went well, and what it logged.
pub(crate) async fn end(child: Child) -> (bool, String) {
    let output = timeout(PATIENCE, child.wait_with_output())
        .await
        .expect("the agent does not end")
        .unwrap();
    (
        output.status.success(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Sends the agent a signal.
pub(crate) fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Asks by plain HTTP and returns the whole answer.
pub(crate) async fn get(address: &str, path: &str) -> std::io::Result<String> {
    let asking = async {
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    timeout(PATIENCE, asking).await.expect("no answer")
}
