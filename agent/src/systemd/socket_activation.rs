//! Socket activation: listening sockets that systemd passes at the start (`sd_listen_fds(3)`).
//!
//! They stay systemd's: what the kernel has queued on them when this process ends is the next one's.

use std::io;
use std::net::TcpListener;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;
use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};

/// Sockets from systemd that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ActivationError {
    /// `LISTEN_FDS` and its companions say what is not so.
    #[error(
        "taking the sockets that LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES announce: {0}; \
         start the agent by systemd's socket unit, or unset the three"
    )]
    Announced(io::Error),
    /// A descriptor that is no listening TCP socket.
    #[error(
        "descriptor {descriptor} ({name}) from systemd is {what}: the socket unit needs ListenStream= \
         with a port or an IP address and port, and Accept=no"
    )]
    Unsuitable {
        /// Its number.
        descriptor: i32,
        /// Its name, `FileDescriptorName=` of the socket unit.
        name: String,
        /// What it is instead.
        what: String,
    },
}

/// Takes the sockets that systemd passed to this process: none if it passed none, or passed them to another
/// process whose environment this one inherited. They are closed on exec. A second call gets none.
///
/// # Errors
/// Where what was passed is not a listening TCP socket.
pub fn take() -> Result<Vec<TcpListener>, ActivationError> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    sd_notify::listen_fds_with_names()
        .map_err(ActivationError::Announced)?
        .map(|(descriptor, name)| {
            // SAFETY: systemd opened the descriptor for this process (LISTEN_PID is ours) before it began, and
            // setting its close-on-exec flag has just proved it open. Nothing else here knows of it: it is taken
            // once, as `TAKEN` sees to.
            #[allow(unsafe_code)]
            let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
            listener(socket).map_err(|what| ActivationError::Unsuitable {
                descriptor,
                name,
                what,
            })
        })
        .collect()
}

/// The listener that `socket` is, or what it is instead.
fn listener(socket: OwnedFd) -> Result<TcpListener, String> {
    let failed = |error: Errno| match error {
        Errno::NOTSOCK => "not a socket".to_owned(),
        error => format!("a socket that cannot be examined: {error}"),
    };
    let kind = socket_type(&socket).map_err(failed)?;
    let family = socket_domain(&socket).map_err(failed)?;
    if !matches!(family, AddressFamily::INET | AddressFamily::INET6) {
        return Err("a socket of another family than IPv4 and IPv6".to_owned());
    }
    if kind != SocketType::STREAM {
        return Err("a socket that is not TCP".to_owned());
    }
    if !socket_acceptconn(&socket).map_err(failed)? {
        return Err("a connection or an unused socket, not a listening one".to_owned());
    }
    let listener = TcpListener::from(socket);
    listener
        .set_nonblocking(true)
        .map_err(|error| format!("a socket that cannot be made non-blocking: {error}"))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpStream, UdpSocket};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn listening_tcp_socket_of_either_family_is_accepted() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(bound) = TcpListener::bind(address) else {
                continue; // A host without IPv6.
            };
            let address = bound.local_addr().unwrap();
            let taken = listener(bound.into()).unwrap();
            assert_eq!(taken.local_addr().unwrap(), address);
            let error = taken.accept().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        }
    }

    #[test]
    fn socket_of_another_kind_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let bound = TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = TcpStream::connect(bound.local_addr().unwrap()).unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(folder.path().join("socket")).unwrap();
        let file = tempfile::tempfile().unwrap();
        let named: [(OwnedFd, &str); 4] = [
            (connection.into(), "not a listening one"),
            (udp.into(), "not TCP"),
            (unix.into(), "another family"),
            (file.into(), "not a socket"),
        ];
        for (socket, words) in named {
            let what = listener(socket).unwrap_err();
            assert!(what.contains(words), "{what}");
        }
    }
}
