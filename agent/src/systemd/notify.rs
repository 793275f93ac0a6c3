//! Service notifications (`sd_notify(3)`): ready, status with clients and problems, stopping. Without `NOTIFY_SOCKET`
//! nothing is sent.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use rustix::time::ClockId;
use sd_notify::NotifyState;
use socktop_collect::since_zero;
use tokio::sync::watch;

use crate::server::idle_exit::Count;

/// What the status line says besides the number of clients.
#[derive(Debug, Clone)]
pub struct Notes {
    /// The ports that the agent serves on.
    ports: BTreeSet<u16>,
    /// What was skipped or replaced because it cannot be used.
    pub problems: Vec<String>,
}

impl Notes {
    /// Notes about an agent that serves at `addresses`.
    #[must_use]
    pub fn new(addresses: &[SocketAddr], problems: Vec<String>) -> Self {
        Self {
            ports: addresses.iter().map(SocketAddr::port).collect(),
            problems,
        }
    }

    /// The status: one line.
    fn status(&self, clients: usize) -> String {
        let plural = if clients == 1 { "" } else { "s" };
        let ports: Vec<_> = self.ports.iter().map(u16::to_string).collect();
        let mut status = format!("{clients} client{plural} on port {}", ports.join(", "));
        for problem in &self.problems {
            status.push_str("; ");
            status.push_str(&problem.replace('\n', ", "));
        }
        status
    }
}

/// Says that the agent serves.
pub fn ready(notes: &Notes, count: Count) {
    let status = notes.status(count.sessions);
    send(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// Says that the settings are being read anew; [`ready`] follows.
pub fn reloading() {
    // sd_notify's own reading overflows where C's long has 32 bits, 36 minutes after boot.
    let now = since_zero(ClockId::Monotonic).as_micros();
    send(&[
        NotifyState::Reloading,
        NotifyState::Custom(&format!("MONOTONIC_USEC={now}")),
    ]);
}

/// Says that the agent ends.
pub fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// Keeps the status up to date until the agent ends.
pub async fn report(mut count: watch::Receiver<Count>, mut notes: watch::Receiver<Notes>) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let mut sent = String::new();
    loop {
        let clients = count.borrow_and_update().sessions;
        let status = notes.borrow_and_update().status(clients);
        if status != sent {
            if !send(&[NotifyState::Status(&status)]) {
                // Each client that comes or goes would have it logged again.
                return;
            }
            sent = status;
        }
        let changed = tokio::select! {
            changed = count.changed() => changed,
            changed = notes.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Sends `states` to the service manager; returns whether it could.
fn send(states: &[NotifyState]) -> bool {
    let sent = sd_notify::notify(states);
    if let Err(error) = &sent {
        tracing::warn!(%error, "telling systemd by NOTIFY_SOCKET: {error}");
    }
    sent.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_line_has_clients_ports_and_problems() {
        let addresses = ["0.0.0.0:8443", "[::]:8443"].map(|address| address.parse().unwrap());
        let mut notes = Notes::new(&addresses, Vec::new());
        assert_eq!(notes.status(1), "1 client on port 8443");
        notes.problems = vec!["agent.toml, line 2:\nnonsense".to_owned()];
        assert_eq!(
            notes.status(0),
            "0 clients on port 8443; agent.toml, line 2:, nonsense"
        );
        let two = ["127.0.0.1:3000", "[::1]:80"].map(|address| address.parse().unwrap());
        let two = Notes::new(&two, Vec::new());
        assert_eq!(two.status(2), "2 clients on port 80, 3000");
    }
}
