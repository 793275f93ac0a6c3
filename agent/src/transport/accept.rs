//! The accept loop and the life of a connection up to its upgrade.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use socktop_collect::Root;
use socktop_collect::sampler::{Sampler, Sampling};
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::auth::backoff::Throttle;
use crate::auth::gate::{Gate, Peer};
use crate::auth::token::TokenError;
use crate::config::{Access, Config, Limits};
use crate::http::routes;
use crate::server::admission::Admission;
use crate::server::handshakes::Handshakes;
use crate::server::idle_exit::{Clients, Connected, Idle, nobody};
use crate::server::listen;
use crate::server::log_limits::{LogLimits, Silent};
use crate::server::message_budget::LargeMessages;
use crate::server::rate_limit::Rates;
use crate::server::write_timeout::bound_buffers;
use crate::transport::connection::{Connection, Routes, serve_http};

/// How long whoever is connected when the agent stops may take to be answered and to say goodbye.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// How long to wait after an accept that failed: most often too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What all connections share.
pub struct Agent {
    sampler: Arc<Sampler>,
    gate: RwLock<Arc<Gate>>,
    tls: RwLock<Option<TlsAcceptor>>,
    limits: RwLock<Arc<Limits>>,
    admission: Admission,
    handshakes: Handshakes,
    rates: Rates,
    throttle: Throttle,
    large_messages: LargeMessages,
    log_limits: LogLimits,
    stopping: watch::Sender<bool>,
    clients: Clients,
    idle_exit: watch::Sender<Option<Duration>>,
}

impl Agent {
    fn new(
        sampling: &Sampling,
        limits: Limits,
        gate: Gate,
        tls: Option<Arc<rustls::ServerConfig>>,
        idle_exit: Option<Duration>,
    ) -> Arc<Self> {
        let sampler = Sampler::new(&Root::default(), sampling);
        sampler.limit_journal_readers(limits.journal_readers);
        Arc::new(Self {
            sampler: Arc::new(sampler),
            gate: RwLock::new(Arc::new(gate)),
            tls: RwLock::new(tls.map(TlsAcceptor::from)),
            admission: Admission::new(&limits),
            handshakes: Handshakes::new(limits.handshakes),
            rates: Rates::new(&limits),
            throttle: Throttle::default(),
            large_messages: LargeMessages::default(),
            log_limits: LogLimits::default(),
            limits: RwLock::new(Arc::new(limits)),
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
        Ok(Self::new(sampling, Limits::default(), gate, None, None))
    }

    /// Connects to an [in-process](Self::in_process) agent. Wants a tokio runtime.
    #[must_use]
    pub fn connect(self: &Arc<Self>) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let agent = Arc::clone(self);
        tokio::spawn(async move {
            let routes = routes(Arc::clone(&agent));
            serve_http(&agent, ours, Peer::InProcess, None, &routes, None).await;
        });
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
    /// collected, for how long it is shared, the limits, and the time to an idle exit. Who is connected keeps the limits
    /// of one connection. Whether TLS is spoken cannot change.
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
        self.sampler
            .limit_journal_readers(config.limits.journal_readers);
        self.admission.apply(&config.limits);
        self.handshakes.apply(config.limits.handshakes);
        self.rates.apply(&config.limits);
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config.limits);
    }

    /// What clients may take.
    pub(crate) fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.limits.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn handshakes(&self) -> &Handshakes {
        &self.handshakes
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.rates
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    pub(crate) fn large_messages(&self) -> LargeMessages {
        self.large_messages.clone()
    }

    pub(crate) fn log_limits(&self) -> &LogLimits {
        &self.log_limits
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
        for listener in &listeners {
            // For those who wait to be accepted.
            if let Err(error) = bound_buffers(listener, config.limits.queued_bytes) {
                tracing::warn!(%error, "bounding the kernel's buffers failed: {error}");
            }
        }
        Ok(Self {
            agent: Agent::new(
                &config.sampling,
                config.limits.clone(),
                gate,
                tls,
                config.idle_exit,
            ),
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
        let mut idle = Idle::new(self.agent.clients.watch(), self.agent.idle_exit.subscribe());
        loop {
            let accepting = self
                .listeners
                .iter()
                .map(|listener| self.accept_loop(listener, &routes));
            tokio::select! {
                biased;
                () = &mut stop => return Ended::Told,
                _ = join_all(accepting), if !self.listeners.is_empty() => {}
                time = idle.passed() => {
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
        self.agent.log_limits.flush();
    }

    async fn accept_loop(&self, listener: &TcpListener, routes: &Routes) -> Infallible {
        loop {
            // Between accepting a connection and counting it nothing may wait: whoever is dropped there is lost.
            match listener.accept().await {
                Ok((stream, address)) => {
                    self.serve_connection(stream, address, routes);
                    // Whoever was displaced for it hangs up before the next one is accepted: else a flood of
                    // connections would have many more than may be at once.
                    yield_now().await;
                }
                // The client gave up before we came to it.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    if self.agent.log_limits.is_fault_told() {
                        tracing::error!(
                            event = "accept-failed",
                            %error,
                            "accepting a connection failed: {error}; trying again until it works"
                        );
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Accepts one who waits already, even where tokio has not heard of it yet: the others are accepted as ever.
    fn accept_waiting(&self, routes: &Routes) {
        for listener in &self.listeners {
            if let Ok((stream, address)) = listen::accept_now(listener) {
                return self.serve_connection(stream, address, routes);
            }
        }
    }

    fn serve_connection(&self, stream: TcpStream, address: SocketAddr, routes: &Routes) {
        let connected = self.agent.clients.connection();
        let (ticket, displaced) = self.agent.admission.admit(address.ip().into());
        self.agent.log_limits.count(Silent::Displaced, displaced);
        let connection = Connection {
            agent: Arc::clone(&self.agent),
            address,
            tls: self.agent.tls(),
            routes: routes.clone(),
            client_mark: connected.client_mark(),
        };
        tokio::spawn(count(connected, connection.serve(stream, ticket)));
    }
}

/// Counts a connection as long as it is served.
async fn count(connected: Connected, serving: impl Future<Output = ()>) {
    serving.await;
    drop(connected);
}

/// Waits until the agent stops.
pub(crate) async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    // An error says that nothing is left which could tell: the agent is gone.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
