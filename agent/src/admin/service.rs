//! Control of the agent's systemd units through `systemctl(1)`.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::config::ListenAddress;

const SERVICE: &str = "socktop-agent.service";
const SOCKET: &str = "socktop-agent.socket";

/// Where the socket listens, as its unit says. Nothing where there is no systemd, or no such unit.
pub(super) fn listens() -> Vec<SocketAddr> {
    let shown = Command::new("systemctl")
        .args(["show", "--property=Listen", "--value", SOCKET])
        .stderr(Stdio::null())
        .output();
    shown.map_or_else(
        |_| Vec::new(),
        |shown| addresses(&String::from_utf8_lossy(&shown.stdout)),
    )
}

/// `[::]:8443 (Stream)`, one a line; a link-local address with the name or the number of its interface.
fn addresses(listen: &str) -> Vec<SocketAddr> {
    listen
        .split_whitespace()
        .filter_map(|word| word.parse::<ListenAddress>().ok()?.with_port())
        .collect()
}

/// Whether the port is open.
pub(super) fn is_listening() -> bool {
    is_done(&["is-active", "--quiet", SOCKET])
}

/// Has the service, where it runs, end its sessions and read its credentials anew. Whether systemd took that.
pub(super) fn try_restart() -> bool {
    is_done(&["try-restart", SERVICE])
}

fn is_done(arguments: &[&str]) -> bool {
    let status = Command::new("systemctl")
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_what_systemctl_shows() {
        let shown = "[::]:8443 (Stream)\n192.0.2.7:8444 (Stream)\n/run/x.sock (Stream)\n";
        let wanted: Vec<SocketAddr> = ["[::]:8443", "192.0.2.7:8444"]
            .map(|address| address.parse().unwrap())
            .into();
        assert_eq!(addresses(shown), wanted);
        assert_eq!(addresses(""), []);
        assert_eq!(addresses("8443 192.0.2.7 @abstract"), []);
        let local = addresses("[fe80::1%lo]:8443 (Stream)\n");
        assert_eq!(local, addresses("[fe80::1%1]:8443 (Stream)\n"));
        assert_eq!(local.len(), 1);
    }
}
