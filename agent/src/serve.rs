//! The accept loop and the life of a connection up to its upgrade.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::access::{Gate, Peer};
use crate::collect::Root;
use crate::config::{Access, Config, Sampling};
use crate::listen::{self, ListenError};
use crate::routes::routes;
use crate::sampler::Sampler;
use crate::token::TokenError;

/// How long a client may take for its TLS handshake, and again for its HTTP request.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// How long sessions may take to say goodbye when the agent stops.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// How long to wait after an accept that failed: most often too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The largest request head. hyper's own default is 400 KiB.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The first byte of a TLS record that opens a handshake (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// What a browser or a plain client on the TLS port gets to read.
const PLAIN_ON_TLS: &str = "this port speaks TLS: connect with wss:// instead of ws://\n";

/// What all connections share.
pub struct Agent {
    sampler: Arc<Sampler>,
    gate: Gate,
    stopping: watch::Sender<bool>,
    sessions: mpsc::Sender<()>,
}

/// Held by each session; draining waits until all are dropped.
pub(crate) type SessionGuard = mpsc::Sender<()>;

impl Agent {
    fn new(sampling: &Sampling, gate: Gate) -> (Arc<Self>, mpsc::Receiver<()>) {
        let (sessions, drained) = mpsc::channel(1);
        let agent = Self {
            sampler: Arc::new(Sampler::new(&Root::default(), sampling)),
            gate,
            stopping: watch::Sender::new(false),
            sessions,
        };
        (Arc::new(agent), drained)
    }

    /// An agent for this process alone, without a port.
    ///
    /// # Errors
    /// Never for loopback, which needs no token made.
    pub fn in_process(sampling: &Sampling) -> Result<Arc<Self>, TokenError> {
        let gate = Gate::new(Access::default(), &[])?;
        Ok(Self::new(sampling, gate).0)
    }

    /// Connects to an [in-process](Self::in_process) agent. Wants a tokio runtime.
    #[must_use]
    pub fn connect(self: &Arc<Self>) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let routes = routes(Arc::clone(self));
        tokio::spawn(serve_http(ours, Peer::InProcess, routes));
        theirs
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn sampler(&self) -> Arc<Sampler> {
        Arc::clone(&self.sampler)
    }

    pub(crate) fn session(&self) -> (watch::Receiver<bool>, SessionGuard) {
        (self.stopping.subscribe(), self.sessions.clone())
    }
}

/// A server with its sockets bound.
pub struct Server {
    agent: Arc<Agent>,
    drained: mpsc::Receiver<()>,
    listeners: Vec<TcpListener>,
    tls: Option<TlsAcceptor>,
}

/// A server that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl Server {
    /// Binds the sockets.
    ///
    /// # Errors
    /// Names the address or the token that cannot be had.
    pub fn bind(
        config: &Config,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Result<Self, ServeError> {
        let listeners = listen::bind(&config.listen, config.listen_is_explicit)?;
        let gate = Gate::new(config.access.clone(), &addresses(&listeners))?;
        let (agent, drained) = Agent::new(&config.sampling, gate);
        Ok(Self {
            agent,
            drained,
            listeners,
            tls: tls.map(TlsAcceptor::from),
        })
    }

    /// Where it serves.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        addresses(&self.listeners)
    }

    /// Decides who gets in.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        self.agent.gate()
    }

    /// Serves until `stop` is done, then lets the sessions say goodbye.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let routes = routes(Arc::clone(&self.agent));
        for listener in self.listeners {
            tokio::spawn(accept_loop(
                listener,
                self.tls.clone(),
                routes.clone(),
                self.agent.stopping.subscribe(),
            ));
        }
        stop.await;
        self.agent.stopping.send_replace(true);
        drop((routes, self.agent));
        // The channel closes when the last session has dropped its end.
        if timeout(DRAIN_TIME, self.drained.recv()).await.is_err() {
            tracing::info!("some clients did not say goodbye in time");
        }
    }
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .collect()
}

type Routes = BoxedFilter<(Response,)>;

async fn accept_loop(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    routes: Routes,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told_to_stop(&mut stopping) => return,
        };
        match accepted {
            Ok((stream, address)) => {
                let peer = Peer::Network(address);
                tokio::spawn(serve_socket(stream, peer, tls.clone(), routes.clone()));
            }
            // The client gave up before we came to it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::error!(%error, "accepting a connection failed");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Waits until the agent stops.
pub(crate) async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    // An error says that nothing is left which could tell: the agent is gone.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

async fn serve_socket(stream: TcpStream, peer: Peer, tls: Option<TlsAcceptor>, routes: Routes) {
    // Replies are whole when they are written: waiting to fill a segment only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "TCP_NODELAY");
    }
    let Some(acceptor) = tls else {
        return serve_http(stream, peer, routes).await;
    };
    match timeout(HANDSHAKE_TIME, accept_tls(stream, &acceptor)).await {
        Ok(Ok(stream)) => serve_http(stream, peer, routes).await,
        Ok(Err(error)) => tracing::info!(%peer, %error, "no TLS handshake"),
        Err(_) => tracing::info!(%peer, "no TLS handshake in time"),
    }
}

async fn accept_tls(
    mut stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static> {
    let mut first = [0];
    if stream.peek(&mut first).await? > 0 && first != [TLS_HANDSHAKE] {
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
    acceptor.accept(stream).await
}

/// Serves HTTP until the connection is upgraded or closed.
async fn serve_http<S>(stream: S, peer: Peer, routes: Routes)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = TowerToHyperService::new(warp::service(routes));
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        routes.call(request)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE_TIME)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "HTTP");
    }
}
