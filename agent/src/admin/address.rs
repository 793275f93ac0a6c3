//! The host's address for pairing: the one by which other hosts of the network reach it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

/// How far up the processes are followed: sudo, a shell or two, sshd.
const ANCESTORS: usize = 16;

/// Documentation addresses, which no host has (RFC 5737, RFC 3849). Nothing is sent to them.
const NOBODY: [(IpAddr, IpAddr); 2] = [
    (
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    ),
    (
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    ),
];

/// The address by which the admin came, where that was by ssh; else the one of the default route. Below `proc` are the
/// processes.
pub(super) fn reachable(proc: &Path) -> Option<IpAddr> {
    by_ssh(proc).or_else(by_route)
}

/// The server's end of the connection that the nearest ancestor with `SSH_CONNECTION` knows of: sudo(8) takes it from
/// the environment of what it runs.
fn by_ssh(proc: &Path) -> Option<IpAddr> {
    let mut folder = proc.join("self");
    for _ in 0..ANCESTORS {
        if let Ok(environment) = std::fs::read(folder.join("environ"))
            && let Some(address) = server_end(&environment)
        {
            return Some(address);
        }
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        // proc_pid_stat(5): the name may hold anything, then come the state and the parent.
        let parent = stat
            .rsplit_once(')')?
            .1
            .split_ascii_whitespace()
            .nth(1)
            .filter(|parent| *parent != "0")?;
        folder = proc.join(parent);
    }
    None
}

/// `SSH_CONNECTION=CLIENT PORT SERVER PORT` (`ssh(1)`) in `proc_pid_environ(5)`.
fn server_end(environment: &[u8]) -> Option<IpAddr> {
    let value = environment
        .split(|&byte| byte == 0)
        .find_map(|variable| variable.strip_prefix(b"SSH_CONNECTION="))?;
    let address: IpAddr = std::str::from_utf8(value)
        .ok()?
        .split(' ')
        .nth(2)?
        .parse()
        .ok()?;
    Some(address.to_canonical()).filter(is_usable)
}

/// The address that packets to the rest of the world would come from.
fn by_route() -> Option<IpAddr> {
    NOBODY.into_iter().find_map(|(unspecified, nobody)| {
        let socket = UdpSocket::bind(SocketAddr::new(unspecified, 0)).ok()?;
        // Of a datagram socket this chooses the route alone (connect(2)).
        socket.connect(SocketAddr::new(nobody, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(is_usable)
    })
}

/// Whether another machine can use it: link-local addresses need an interface, too.
fn is_usable(address: &IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(link_local || address.is_loopback() || address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Processes, each with its parent and its environment.
    fn proc(processes: &[(&str, &str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (pid, parent, environment) in processes {
            let folder = folder.path().join(pid);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("stat"), format!("1 (a) b) S {parent} 1 1")).unwrap();
            fs::write(folder.join("environ"), environment).unwrap();
        }
        folder
    }

    #[test]
    fn ssh_connection_is_found_in_the_parents_environment_under_sudo() {
        let ssh = "A=1\0SSH_CONNECTION=192.0.2.9 50000 192.0.2.7 22\0B=2\0";
        let proc = proc(&[
            ("self", "20", "PATH=/bin\0"),
            ("20", "10", ""),
            ("10", "1", ssh),
        ]);
        assert_eq!(by_ssh(proc.path()), Some("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn addresses_unreachable_from_other_hosts_are_left_out() {
        for connection in [
            "::1 5 ::1 22",
            "fe80::2%eth0 5 fe80::1%eth0 22",
            "169.254.0.1 5 169.254.0.2 22",
            "nonsense",
            "",
        ] {
            let environment = format!("SSH_CONNECTION={connection}\0");
            let proc = proc(&[("self", "0", &environment)]);
            assert_eq!(by_ssh(proc.path()), None, "{connection}");
        }
        assert_eq!(by_ssh(Path::new("/nonexistent")), None);
    }

    #[test]
    fn a_loop_of_parents_ends() {
        let proc = proc(&[("self", "2", ""), ("2", "3", ""), ("3", "2", "")]);
        assert_eq!(by_ssh(proc.path()), None);
    }
}
