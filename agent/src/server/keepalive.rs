//! TCP keepalive: detects clients that vanished without closing the connection.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io;
use rustix::net::sockopt::{
    set_socket_keepalive, set_tcp_keepcnt, set_tcp_keepidle, set_tcp_keepintvl,
    set_tcp_user_timeout,
};

/// How long a connection is silent before the kernel asks whether the client is still there.
const IDLE: Duration = Duration::from_secs(30);

/// How long the kernel waits between two such questions.
const INTERVAL: Duration = Duration::from_secs(10);

/// How many of them may stay unanswered before the connection is closed: a minute after the client's last packet.
const PROBES: u32 = 3;

/// After how long without an acknowledgement it is given up where something was sent (`tcp(7)`,
/// `TCP_USER_TIMEOUT`): the same minute. The kernel would else send it again for a quarter of an hour.
const UNACKNOWLEDGED_MS: u32 = 60_000;

/// Has the kernel end the connection `socket` when its client is gone.
///
/// # Errors
/// Where it is no TCP socket.
pub(crate) fn watch(socket: impl AsFd) -> io::Result<()> {
    set_socket_keepalive(&socket, true)?;
    set_tcp_keepidle(&socket, IDLE)?;
    set_tcp_keepintvl(&socket, INTERVAL)?;
    set_tcp_keepcnt(&socket, PROBES)?;
    set_tcp_user_timeout(&socket, UNACKNOWLEDGED_MS)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use rustix::net::sockopt::{
        socket_keepalive, tcp_keepcnt, tcp_keepidle, tcp_keepintvl, tcp_user_timeout,
    };

    use super::*;

    #[test]
    fn vanished_client_is_disconnected_within_three_minutes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        watch(&accepted).unwrap();
        assert!(socket_keepalive(&accepted).unwrap());
        let probes = tcp_keepcnt(&accepted).unwrap();
        let silent = tcp_keepidle(&accepted).unwrap() + tcp_keepintvl(&accepted).unwrap() * probes;
        let unacknowledged = Duration::from_millis(tcp_user_timeout(&accepted).unwrap().into());
        // The timeout rules the probes, too: a shorter one would make them pointless.
        assert_eq!(silent, unacknowledged);
        // A client may vanish just after it has answered.
        assert!(silent + unacknowledged < Duration::from_mins(3));
    }
}
