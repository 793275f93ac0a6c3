//! One connection, from its first byte to its upgrade or its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use socktop_proto::pairing::Pin;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::address::client_network::ClientNetwork;
use crate::auth::gate::Peer;
use crate::config::Limits;
use crate::http::Routes;
use crate::http::serve::serve_http;
use crate::server::admission::Ticket;
use crate::server::idle_exit::ClientMark;
use crate::server::keepalive;
use crate::server::log_limits::{Line, Silent};
use crate::server::pending_connection::PendingConnection;
use crate::server::shared::Agent;
use crate::server::write_timeout::{WriteTimeout, bound_buffers};
use crate::tls::identity::pin_of;

/// The first byte of a TLS record that opens a handshake (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// What a browser or a plain client on the TLS port gets to read.
const PLAIN_ON_TLS: &str = "this port speaks TLS: connect with wss:// instead of ws://\n";

/// What rustls keeps of what a client does not take: one TLS record. Its own default is 64 KiB.
const TLS_QUEUED_BYTES: usize = 16 * 1024;

/// One connection on the network.
pub(crate) struct Connection {
    pub(crate) agent: Arc<Agent>,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) routes: Routes,
    pub(crate) client_mark: ClientMark,
}

impl Connection {
    /// Serves it until it is upgraded, ended or displaced by a new connection.
    pub(crate) async fn serve(self, stream: TcpStream, ticket: Ticket) {
        // Not before it says something: some only look whether the port is open.
        self.client_mark.clear();
        let pending = Arc::new(PendingConnection::new(ticket, self.client_mark.clone()));
        tokio::select! {
            biased;
            () = pending.displaced() => {}
            () = self.enter(stream, &pending) => {}
        }
    }

    fn peer(&self) -> Peer {
        Peer::Network(self.address)
    }

    fn source(&self) -> ClientNetwork {
        self.address.ip().into()
    }

    async fn enter(&self, stream: TcpStream, pending: &Arc<PendingConnection>) {
        let limits = self.agent.limits();
        let peer = self.peer();
        if let Err(error) = prepare(&stream, &limits)
            && self.agent.log_limits().is_fault_logged()
        {
            tracing::warn!(%peer, %error, "bounding the connection of {peer} failed: {error}");
        }
        // A silent connection costs only its socket.
        let mut first = [0];
        match timeout(limits.handshake_time, stream.peek(&mut first)).await {
            Ok(Ok(1..)) => self.client_mark.set(),
            Ok(_) => return,
            Err(_) => return self.refuse(&"it said nothing in time"),
        }
        let turn = self.agent.rate_limits().connection(self.source());
        let waits = usize::from(turn.waits());
        self.agent.log_limits().count(Silent::Waited, waits);
        turn.wait().await;
        let (slot, cut) = self.agent.handshakes().acquire(self.source()).await;
        pending.hold(Some(slot));
        let stream = WriteTimeout::new(stream, limits.send_time, pending.forgets());
        tokio::select! {
            biased;
            () = cut.off() => self.agent.log_limits().count(Silent::CutOff, 1),
            // Boxed: its state is large, and silent connections need not have it.
            () = Box::pin(self.shake_hands(stream, first, &limits, pending)) => {}
        }
    }

    async fn shake_hands(
        &self,
        stream: WriteTimeout,
        first: [u8; 1],
        limits: &Limits,
        pending: &Arc<PendingConnection>,
    ) {
        let Some(acceptor) = &self.tls else {
            return self.serve_http(stream, None, pending).await;
        };
        match timeout(limits.handshake_time, accept_tls(stream, first, acceptor)).await {
            Ok(Ok(stream)) => {
                // The handshake has found it good, and that the client has its key.
                let certificate = stream.get_ref().1.peer_certificates();
                let certificate = certificate.and_then(<[_]>::first).and_then(pin_of);
                self.serve_http(stream, certificate, pending).await;
            }
            Ok(Err(error)) => self.refuse(&format_args!("no TLS: {error}")),
            Err(_) => self.refuse(&"no TLS in time"),
        }
    }

    async fn serve_http<S>(
        &self,
        stream: S,
        certificate: Option<Pin>,
        pending: &Arc<PendingConnection>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let pending = Some(Arc::clone(pending));
        let peer = self.peer();
        serve_http(
            &self.agent,
            stream,
            peer,
            certificate,
            &self.routes,
            pending,
        )
        .await;
    }

    fn refuse(&self, reason: &dyn std::fmt::Display) {
        if self
            .agent
            .log_limits()
            .is_logged(Line::Refused, self.source())
        {
            let peer = self.peer();
            tracing::info!(event = "refused", %peer, error = %reason, "{peer} refused: {reason}");
        }
    }
}

/// Bounds what the kernel does for a connection.
fn prepare(stream: &TcpStream, limits: &Limits) -> io::Result<()> {
    // Replies are whole when they are written: waiting to fill a segment only delays them.
    let nodelay = stream.set_nodelay(true);
    let watched = keepalive::watch(stream);
    let bounded = bound_buffers(stream, limits.queued_bytes);
    // One that fails keeps none of the others from being set.
    nodelay?;
    watched?;
    Ok(bounded?)
}

async fn accept_tls(
    mut stream: WriteTimeout,
    first: [u8; 1],
    acceptor: &TlsAcceptor,
) -> io::Result<TlsStream<WriteTimeout>> {
    if first != [TLS_HANDSHAKE] {
        let reply = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{PLAIN_ON_TLS}",
            PLAIN_ON_TLS.len()
        );
        stream.write_all(reply.as_bytes()).await?;
        stream.shutdown().await?;
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the client uses plain HTTP: it has to use wss:// instead of ws://",
        ));
    }
    acceptor
        .accept_with(stream, |connection| {
            connection.set_buffer_limit(Some(TLS_QUEUED_BYTES));
        })
        .await
}
