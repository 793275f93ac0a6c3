//! The accept loop and the life of a connection up to its upgrade.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socktop_proto::pairing::Pin;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::access::{Gate, Peer, Shown};
use crate::collect::Root;
use crate::config::{Access, Config, Sampling};
use crate::identity::pin_of;
use crate::idle::{Clients, Connected, idle, nobody};
use crate::keepalive;
use crate::listen;
use crate::routes::routes;
use crate::sampler::Sampler;
use crate::token::TokenError;

/// How long a client may take for its TLS handshake, and again for its HTTP request.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// How long whoever is connected when the agent stops may take to be answered and to say goodbye.
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
    gate: RwLock<Arc<Gate>>,
    tls: RwLock<Option<TlsAcceptor>>,
    stopping: watch::Sender<bool>,
    clients: Clients,
    idle_exit: watch::Sender<Option<Duration>>,
}

impl Agent {
    fn new(
        sampling: &Sampling,
        gate: Gate,
        tls: Option<Arc<rustls::ServerConfig>>,
        idle_exit: Option<Duration>,
    ) -> Arc<Self> {
        Arc::new(Self {
            sampler: Arc::new(Sampler::new(&Root::default(), sampling)),
            gate: RwLock::new(Arc::new(gate)),
            tls: RwLock::new(tls.map(TlsAcceptor::from)),
            stopping: watch::Sender::new(false),
            clients: Clients::default(),
            idle_exit: watch::Sender::new(idle_exit),
        })
    }

    /// An agent for this process alone, without a port.
    ///
    /// # Errors
    /// Never for loopback, which needs no token made.
    pub fn in_process(sampling: &Sampling) -> Result<Arc<Self>, TokenError> {
        let gate = Gate::new(Access::default(), &[])?;
        Ok(Self::new(sampling, gate, None, None))
    }

    /// Connects to an [in-process](Self::in_process) agent. Wants a tokio runtime.
    #[must_use]
    pub fn connect(self: &Arc<Self>) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let routes = routes(Arc::clone(self));
        let stopping = self.stopping.subscribe();
        tokio::spawn(serve_http(ours, Peer::InProcess, None, routes, stopping));
        theirs
    }

    /// Who gets in.
    #[must_use]
    pub fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who is connected.
    #[must_use]
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Takes over what can change while clients are connected: who gets in, how TLS is spoken with them, what is
    /// collected, for how long it is shared, and the time to an idle exit. Whether TLS is spoken cannot change.
    pub fn apply(&self, config: Config, tls: Option<Arc<rustls::ServerConfig>>) {
        let gate = self.gate().with(config.access);
        *self.gate.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(gate);
        let mut acceptor = self.tls.write().unwrap_or_else(PoisonError::into_inner);
        if let (Some(acceptor), Some(tls)) = (acceptor.as_mut(), tls) {
            *acceptor = TlsAcceptor::from(tls);
        }
        drop(acceptor);
        self.idle_exit.send_replace(config.idle_exit);
        self.sampler.apply(&config.sampling);
    }

    fn tls(&self) -> Option<TlsAcceptor> {
        let tls = self.tls.read().unwrap_or_else(PoisonError::into_inner);
        tls.clone()
    }

    pub(crate) fn sampler(&self) -> Arc<Sampler> {
        Arc::clone(&self.sampler)
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}

/// A server on its sockets.
pub struct Server {
    agent: Arc<Agent>,
    listeners: Vec<TcpListener>,
}

/// Why serving came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Told,
    /// Nobody was connected for so long.
    Idle(Duration),
}

impl Server {
    /// A server on `listeners`, speaking TLS where it is given.
    ///
    /// # Errors
    /// Where a token must be made and the kernel gives no random numbers.
    pub fn new(
        config: &Config,
        listeners: Vec<TcpListener>,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Result<Self, TokenError> {
        let gate = Gate::new(config.access.clone(), &listen::addresses(&listeners))?;
        Ok(Self {
            agent: Agent::new(&config.sampling, gate, tls, config.idle_exit),
            listeners,
        })
    }

    /// Where it serves.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        listen::addresses(&self.listeners)
    }

    /// What its connections share.
    #[must_use]
    pub fn agent(&self) -> &Arc<Agent> {
        &self.agent
    }

    /// Serves until `stop` is done, or nobody has been connected for as long as the settings say. After that
    /// nothing is accepted any more: what the kernel has queued by then is for the next who listens there.
    pub async fn serve(&self, stop: impl Future<Output = ()>) -> Ended {
        let routes = routes(Arc::clone(&self.agent));
        let mut stop = pin!(stop);
        loop {
            let accepting = self
                .listeners
                .iter()
                .map(|listener| self.accept_loop(listener, &routes));
            let idle = idle(self.agent.clients.watch(), self.agent.idle_exit.subscribe());
            tokio::select! {
                biased;
                () = &mut stop => return Ended::Told,
                _ = join_all(accepting), if !self.listeners.is_empty() => {}
                time = idle => {
                    self.accept_waiting(&routes);
                    if self.agent.clients.count().is_zero() {
                        return Ended::Idle(time);
                    }
                }
            }
        }
    }

    /// Answers who was accepted and lets the conversations say goodbye, for a second at most.
    pub async fn drain(self) {
        self.agent.stopping.send_replace(true);
        let mut count = self.agent.clients.watch();
        if timeout(DRAIN_TIME, nobody(&mut count)).await.is_err() {
            tracing::info!("some clients did not say goodbye in time");
        }
    }

    async fn accept_loop(&self, listener: &TcpListener, routes: &Routes) -> Infallible {
        loop {
            // Between accepting a connection and counting it nothing may wait: whoever is dropped there is lost.
            match listener.accept().await {
                Ok((stream, address)) => self.serve_connection(stream, address, routes),
                // The client gave up before we came to it.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::error!(%error, "accepting a connection failed: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Accepts what waits already, even where tokio has not heard of it yet.
    fn accept_waiting(&self, routes: &Routes) {
        for listener in &self.listeners {
            while let Ok((stream, address)) = listen::accept_now(listener) {
                self.serve_connection(stream, address, routes);
            }
        }
    }

    fn serve_connection(&self, stream: TcpStream, address: SocketAddr, routes: &Routes) {
        let connected = self.agent.clients.connection();
        let serving = serve_socket(
            stream,
            Peer::Network(address),
            self.agent.tls(),
            routes.clone(),
            self.agent.stopping(),
        );
        tokio::spawn(count(connected, serving));
    }
}

/// Counts a connection as long as it is served.
async fn count(connected: Connected, serving: impl Future<Output = ()>) {
    serving.await;
    drop(connected);
}

type Routes = BoxedFilter<(Response,)>;

/// Waits until the agent stops.
pub(crate) async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    // An error says that nothing is left which could tell: the agent is gone.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

async fn serve_socket(
    stream: TcpStream,
    peer: Peer,
    tls: Option<TlsAcceptor>,
    routes: Routes,
    stopping: watch::Receiver<bool>,
) {
    // Replies are whole when they are written: waiting to fill a segment only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "setting TCP_NODELAY for {peer} failed: {error}");
    }
    if let Err(error) = keepalive::watch(&stream) {
        tracing::warn!(%peer, %error, "setting TCP keepalive for {peer} failed: {error}");
    }
    let Some(acceptor) = tls else {
        return serve_http(stream, peer, None, routes, stopping).await;
    };
    match timeout(HANDSHAKE_TIME, accept_tls(stream, &acceptor)).await {
        Ok(Ok(stream)) => {
            // The handshake has found it good, and that the client has its key.
            let certificate = stream.get_ref().1.peer_certificates();
            let certificate = certificate.and_then(<[_]>::first).and_then(pin_of);
            serve_http(stream, peer, certificate, routes, stopping).await;
        }
        Ok(Err(error)) => {
            tracing::info!(event = "refused", %peer, %error, "{peer} refused, no TLS: {error}");
        }
        Err(_) => tracing::info!(event = "refused", %peer, "{peer} refused, no TLS in time"),
    }
}

async fn accept_tls(
    mut stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> io::Result<TlsStream<TcpStream>> {
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
async fn serve_http<S>(
    stream: S,
    peer: Peer,
    certificate: Option<Pin>,
    routes: Routes,
    mut stopping: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = TowerToHyperService::new(warp::service(routes));
    let (asked, mut was_asked) = watch::channel(false);
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        asked.send_replace(true);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(Shown(certificate));
        routes.call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE_TIME)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let told_after_a_request = async {
        told_to_stop(&mut stopping).await;
        let _ = was_asked.wait_for(|asked| *asked).await;
    };
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = told_after_a_request => {
            // Who was accepted is answered, once; another request is not waited for.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "HTTP with {peer} ended: {error}");
    }
}
