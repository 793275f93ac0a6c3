//! The sockets that the agent serves on.

use std::io;
use std::net::SocketAddr;

use rustix::net::sockopt::set_ipv6_v6only;
use tokio::net::{TcpListener, TcpSocket};

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
        /// Why.
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
                tracing::info!(%address, error = %source, "not listening there");
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
    async fn a_taken_port_is_named() {
        let first = bind(&["127.0.0.1:0".parse().unwrap()], true).unwrap();
        let address = first[0].local_addr().unwrap();
        let error = bind(&[address], true).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
        assert!(error.contains("taken"), "{error}");
    }

    #[tokio::test]
    async fn an_address_of_another_host_is_an_error_if_chosen() {
        let address: SocketAddr = "192.0.2.1:0".parse().unwrap();
        assert!(bind(&[address], true).is_err());
        assert!(bind(&[address], false).is_err(), "none is left");
        let both = ["127.0.0.1:0".parse().unwrap(), address];
        assert_eq!(bind(&both, false).unwrap().len(), 1);
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
