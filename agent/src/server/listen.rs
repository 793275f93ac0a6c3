//! Listening sockets: those that the agent binds, and those that systemd passes.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::net::sockopt::{ipv6_v6only, set_ipv6_v6only};
use rustix::net::{SocketFlags, accept_with};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How many connections the kernel queues for us before it turns new ones away.
const BACKLOG: u32 = 1024;

/// A socket that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program serves there.
    #[error(
        "{address} is taken by another program: stop it, or choose another port with --port or --listen"
    )]
    Taken {
        /// The address.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("listening on {address}: {source}")]
    Failed {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
}

/// Binds every address, in their order.
///
/// Addresses that the user chose must all work. Of the default ones a family that this host does not
/// have (most often IPv6) is left out, as long as one is left.
///
/// # Errors
/// Names the address that cannot be had.
pub fn bind(addresses: &[SocketAddr], explicit: bool) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::new();
    let mut missing = None;
    for &address in addresses {
        match bind_one(address) {
            Ok(listener) => listeners.push(listener),
            Err(source) if !explicit && is_missing_family(&source) => {
                tracing::info!(error = %source, "not listening on {address}: {source}");
                missing = Some(ListenError::Failed { address, source });
            }
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
                return Err(ListenError::Taken { address });
            }
            Err(source) => return Err(ListenError::Failed { address, source }),
        }
    }
    match missing {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

/// Where `listeners` listen.
#[must_use]
pub fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .collect()
}

/// Takes over sockets that systemd listens on.
///
/// # Errors
/// Where one cannot be watched: too many files are open.
pub fn take_over(passed: Vec<std::net::TcpListener>) -> io::Result<Vec<TcpListener>> {
    passed.into_iter().map(TcpListener::from_std).collect()
}

/// Whether `listeners` listen at other addresses than `configured`.
#[must_use]
pub fn differ(listeners: &[TcpListener], configured: &[SocketAddr]) -> bool {
    let mut actual = BTreeSet::new();
    for listener in listeners {
        let Ok(address) = listener.local_addr() else {
            continue;
        };
        actual.insert(address);
        // [::] takes IPv4 too, unless IPV6_V6ONLY is set.
        if address.ip() == Ipv6Addr::UNSPECIFIED && !ipv6_v6only(listener).unwrap_or(true) {
            actual.insert((Ipv4Addr::UNSPECIFIED, address.port()).into());
        }
    }
    actual != configured.iter().copied().collect()
}

/// Accepts a connection that the kernel has queued.
///
/// # Errors
/// `WouldBlock` where there is none.
pub fn accept_now(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let stream = TcpStream::from_std(accept_with(listener, flags)?.into())?;
    let address = stream.peer_addr()?;
    Ok((stream, address))
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => {
            let socket = TcpSocket::new_v6()?;
            // One socket a family: whether [::] takes IPv4 too would else depend on a sysctl.
            set_ipv6_v6only(&socket, true)?;
            socket
        }
    };
    // Without it a restart has to wait out the connections of the last run.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn is_missing_family(error: &io::Error) -> bool {
    use rustix::io::Errno;
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn port_in_use_is_named() {
        let first = bind(&["127.0.0.1:0".parse().unwrap()], true).unwrap();
        let address = first[0].local_addr().unwrap();
        let error = bind(&[address], true).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
        assert!(error.contains("taken"), "{error}");
    }

    #[tokio::test]
    async fn configured_address_of_another_host_is_an_error() {
        let address: SocketAddr = "192.0.2.1:0".parse().unwrap();
        assert!(bind(&[address], true).is_err());
        assert!(bind(&[address], false).is_err(), "none is left");
        let both = ["127.0.0.1:0".parse().unwrap(), address];
        assert_eq!(bind(&both, false).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn systemd_sockets_are_compared_with_the_settings() {
        let bound = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        bound.set_nonblocking(true).unwrap();
        let address = bound.local_addr().unwrap();
        let listeners = take_over(vec![bound]).unwrap();
        assert!(!differ(&listeners, &[address]));
        assert!(differ(&listeners, &[]));
        let everywhere = SocketAddr::new([0, 0, 0, 0].into(), address.port());
        assert!(differ(&listeners, &[everywhere]));
    }

    #[tokio::test]
    async fn dual_stack_socket_counts_as_two_addresses() {
        let socket = TcpSocket::new_v6().unwrap();
        set_ipv6_v6only(&socket, false).unwrap();
        if socket.bind("[::]:0".parse().unwrap()).is_err() {
            return; // A host without IPv6.
        }
        let listeners = [socket.listen(1).unwrap()];
        let v6 = listeners[0].local_addr().unwrap();
        let v4 = SocketAddr::new([0, 0, 0, 0].into(), v6.port());
        assert!(!differ(&listeners, &[v4, v6]));
        assert!(differ(&listeners, &[v6]));
    }

    #[tokio::test]
    async fn waiting_connection_is_accepted_at_once() {
        let listener = bind(&["127.0.0.1:0".parse().unwrap()], true).unwrap();
        let nobody = accept_now(&listener[0]).unwrap_err();
        assert_eq!(nobody.kind(), io::ErrorKind::WouldBlock);
        let client = std::net::TcpStream::connect(listener[0].local_addr().unwrap()).unwrap();
        let (_stream, address) = accept_now(&listener[0]).unwrap();
        assert_eq!(address, client.local_addr().unwrap());
    }

    #[tokio::test]
    async fn both_families_share_a_port() {
        let Ok(v6) = bind(&["[::]:0".parse().unwrap()], true) else {
            return; // A host without IPv6 has nothing to share.
        };
        let port = v6[0].local_addr().unwrap().port();
        bind(&[SocketAddr::new([0, 0, 0, 0].into(), port)], true).unwrap();
    }
}
