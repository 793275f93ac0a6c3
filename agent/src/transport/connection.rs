//! One connection, from its first byte to its upgrade or its end.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::header::CONNECTION;
use http::{HeaderValue, StatusCode};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socktop_proto::pairing::Pin;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::auth::gate::{Peer, Shown};
use crate::config::Limits;
use crate::http::validate::malformed;
use crate::http::{WrongToken, explained};
use crate::server::admission::{Full, Ticket};
use crate::server::client_network::Source;
use crate::server::handshakes::Slot;
use crate::server::idle_exit::ClientMark;
use crate::server::keepalive;
use crate::server::log_limits::{Line, Silent};
use crate::server::write_timeout::{Paced, bound_buffers};
use crate::tls::identity::pin_of;
use crate::transport::accept::Agent;

/// The first byte of a TLS record that opens a handshake (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// What a browser or a plain client on the TLS port gets to read.
const PLAIN_ON_TLS: &str = "this port speaks TLS: connect with wss:// instead of ws://\n";

/// The most headers of a request. Browsers send some twenty.
const MAX_HEADERS: usize = 64;

/// What rustls keeps of what a client does not take: one TLS record. Its own default is 64 KiB.
const TLS_QUEUED_BYTES: usize = 16 * 1024;

/// What is served.
pub(crate) type Routes = BoxedFilter<(Response,)>;

/// What a connection holds while it is on its way in.
#[derive(Debug)]
pub(crate) struct Entrance {
    ticket: Ticket,
    slot: Mutex<Option<Slot>>,
    forgets: Arc<AtomicBool>,
    client_mark: ClientMark,
}

impl Entrance {
    /// Lets the connection in as a session.
    ///
    /// # Errors
    /// Says which limit is reached.
    pub(crate) fn promote(&self) -> Result<(), Full> {
        self.ticket.promote()
    }

    /// Has the kernel keep nothing for the client after the connection's end.
    pub(crate) fn forget(&self) {
        self.forgets.store(true, Ordering::Relaxed);
    }

    /// Has the connection not count as a client that came, once it is gone.
    pub(crate) fn clear_client_mark(&self) {
        self.client_mark.clear();
    }

    fn hold(&self, slot: Option<Slot>) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = slot;
    }
}

/// One connection on the network.
pub(crate) struct Connection {
    pub(crate) agent: Arc<Agent>,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) routes: Routes,
    pub(crate) client_mark: ClientMark,
}

impl Connection {
    /// Serves it until it is upgraded or ended, or a newcomer takes its place.
    pub(crate) async fn serve(self, stream: TcpStream, ticket: Ticket) {
        // Not before it says something: some only look whether the port is open.
        self.client_mark.clear();
        let entrance = Arc::new(Entrance {
            ticket,
            slot: Mutex::default(),
            forgets: Arc::default(),
            client_mark: self.client_mark.clone(),
        });
        tokio::select! {
            biased;
            () = entrance.ticket.displaced() => {}
            () = self.enter(stream, &entrance) => {}
        }
    }

    fn peer(&self) -> Peer {
        Peer::Network(self.address)
    }

    fn source(&self) -> Source {
        self.address.ip().into()
    }

    async fn enter(&self, stream: TcpStream, entrance: &Arc<Entrance>) {
        let limits = self.agent.limits();
        let peer = self.peer();
        if let Err(error) = prepare(&stream, &limits)
            && self.agent.log_limits().is_fault_told()
        {
            tracing::warn!(%peer, %error, "bounding the connection of {peer} failed: {error}");
        }
        // Who says nothing costs nothing but the socket.
        let mut first = [0];
        match timeout(limits.handshake_time, stream.peek(&mut first)).await {
            Ok(Ok(1..)) => self.client_mark.set(),
            Ok(_) => return,
            Err(_) => return self.refuse(&"it said nothing in time"),
        }
        let turn = self.agent.rates().connection(self.source());
        let waits = usize::from(turn.waits());
        self.agent.log_limits().count(Silent::Waited, waits);
        turn.come().await;
        let (slot, cut) = self.agent.handshakes().acquire(self.source()).await;
        entrance.hold(Some(slot));
        let stream = Paced::new(stream, limits.send_time, Arc::clone(&entrance.forgets));
        tokio::select! {
            biased;
            () = cut.off() => self.agent.log_limits().count(Silent::CutOff, 1),
            // Boxed: its state is large, and would be part of those who say nothing, too.
            () = Box::pin(self.shake_hands(stream, first, &limits, entrance)) => {}
        }
    }

    async fn shake_hands(
        &self,
        stream: Paced,
        first: [u8; 1],
        limits: &Limits,
        entrance: &Arc<Entrance>,
    ) {
        let Some(acceptor) = &self.tls else {
            return self.serve_http(stream, None, entrance).await;
        };
        match timeout(limits.handshake_time, accept_tls(stream, first, acceptor)).await {
            Ok(Ok(stream)) => {
                // The handshake has found it good, and that the client has its key.
                let certificate = stream.get_ref().1.peer_certificates();
                let certificate = certificate.and_then(<[_]>::first).and_then(pin_of);
                self.serve_http(stream, certificate, entrance).await;
            }
            Ok(Err(error)) => self.refuse(&format_args!("no TLS: {error}")),
            Err(_) => self.refuse(&"no TLS in time"),
        }
    }

    async fn serve_http<S>(&self, stream: S, certificate: Option<Pin>, entrance: &Arc<Entrance>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let entrance = Some(Arc::clone(entrance));
        let peer = self.peer();
        serve_http(
            &self.agent,
            stream,
            peer,
            certificate,
            &self.routes,
            entrance,
        )
        .await;
    }

    fn refuse(&self, reason: &dyn std::fmt::Display) {
        if self
            .agent
            .log_limits()
            .is_told(Line::Refused, self.source())
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
    mut stream: Paced,
    first: [u8; 1],
    acceptor: &TlsAcceptor,
) -> io::Result<TlsStream<Paced>> {
    if first != [TLS_HANDSHAKE] {
        let reply = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{PLAIN_ON_TLS}",
            PLAIN_ON_TLS.len()
        );
        stream.write_all(reply.as_bytes()).await?;
        stream.shutdown().await?;
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the client speaks plain HTTP: it wants wss:// instead of ws://",
        ));
    }
    acceptor
        .accept_with(stream, |connection| {
            connection.set_buffer_limit(Some(TLS_QUEUED_BYTES));
        })
        .await
}

/// Serves one HTTP request, until the connection is upgraded or ended.
pub(crate) async fn serve_http<S>(
    agent: &Arc<Agent>,
    stream: S,
    peer: Peer,
    certificate: Option<Pin>,
    routes: &Routes,
    entrance: Option<Arc<Entrance>>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = agent.limits();
    let routes = TowerToHyperService::new(warp::service(routes.clone()));
    let service = service_fn(|mut request: http::Request<Incoming>| {
        let refusal = malformed(&request);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(Shown(certificate));
        if let Some(entrance) = &entrance {
            request.extensions_mut().insert(Arc::clone(entrance));
        }
        let answer = refusal.is_none().then(|| routes.call(request));
        let entrance = entrance.clone();
        async move {
            let response = match (refusal, answer) {
                (Some(refusal), _) => explained(StatusCode::BAD_REQUEST, &refusal),
                (None, Some(answer)) => answer.await.unwrap_or_else(|never| match never {}),
                (None, None) => return Err(Unanswered),
            };
            if let Some(entrance) = entrance {
                entrance.hold(None);
            }
            hold_back(agent, peer, response).await.map(closing)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake_time)
        .max_buf_size(limits.header_bytes)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%peer, %error, "HTTP with {peer} ended: {error}");
    }
}

/// Has the connection end with the answer: what a client sends behind its request is no request of somebody else.
///
/// hyper would do the same where its keep-alive is off, but then tells so in the answer to an upgrade, too, which
/// published clients take for a refusal.
fn closing(mut response: Response) -> Response {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// A guess too many: it is not even told that it was wrong.
#[derive(Debug, thiserror::Error)]
#[error("too many wrong tokens: no answer")]
struct Unanswered;

/// Gives the answer to a wrong token late, or not at all.
async fn hold_back(agent: &Agent, peer: Peer, response: Response) -> Result<Response, Unanswered> {
    if let Peer::Network(address) = peer
        && response.extensions().get::<WrongToken>().is_some()
    {
        let Some(held) = agent.throttle().fail(address.ip().into()) else {
            return Err(Unanswered);
        };
        sleep(held.delay()).await;
    }
    Ok(response)
}
