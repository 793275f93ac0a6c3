//! The accept loop: takes connections until the agent stops or its idle limit has passed.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::auth::gate::{Gate, Peer};
use crate::auth::token::TokenError;
use crate::config::Config;
use crate::http::serve::serve_http;
use crate::http::{Routes, routes};
use crate::server::idle_exit::{Connected, all_disconnected};
use crate::server::listen;
use crate::server::log_limits::Silent;
use crate::server::shared::Agent;
use crate::server::write_timeout::bound_buffers;
use crate::transport::connection::Connection;

/// How long clients of a stopping agent may take to be answered and to close the connection.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// How long to wait after an accept that failed: most often too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server on its sockets.
pub struct Server {
    agent: Arc<Agent>,
    listeners: Vec<TcpListener>,
}

/// Why serving came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A signal stopped it.
    Told,
    /// It was idle for this long.
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
            // For connections that wait to be accepted.
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

    /// Serves until `stop` is done, or the agent has been idle for as long as the settings say. After that
    /// nothing is accepted any more: connections that the kernel has queued by then are for the next agent that listens there.
    pub async fn serve(&self, stop: impl Future<Output = ()>) -> Ended {
        let routes = routes(Arc::clone(&self.agent));
        let mut stop = pin!(stop);
        let mut idle = self.agent.idle();
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
                    if self.agent.clients().count().is_zero() {
                        return Ended::Idle(time);
                    }
                }
            }
        }
    }

    /// Answers accepted connections and lets sessions send their close frames, for a second at most.
    pub async fn drain(self) {
        self.agent.stop();
        let mut count = self.agent.clients().watch();
        if timeout(DRAIN_TIME, all_disconnected(&mut count))
            .await
            .is_err()
        {
            tracing::info!("some clients did not say goodbye in time");
        }
        self.agent.log_limits().flush();
    }

    async fn accept_loop(&self, listener: &TcpListener, routes: &Routes) -> Infallible {
        loop {
            // Between accepting a connection and counting it nothing may wait: a connection dropped there would be
            // lost.
            match listener.accept().await {
                Ok((stream, address)) => {
                    self.serve_connection(stream, address, routes);
                    // The displaced connection is closed before the next one is accepted: else a flood of
                    // connections would have many more than may be at once.
                    yield_now().await;
                }
                // The client gave up before we came to it.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    if self.agent.log_limits().is_fault_logged() {
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

    /// Accepts a connection that waits already, even if tokio has not noticed it yet; others are accepted as usual.
    fn accept_waiting(&self, routes: &Routes) {
        for listener in &self.listeners {
            if let Ok((stream, address)) = listen::accept_now(listener) {
                return self.serve_connection(stream, address, routes);
            }
        }
    }

    fn serve_connection(&self, stream: TcpStream, address: SocketAddr, routes: &Routes) {
        let connected = self.agent.clients().connection();
        let (ticket, displaced) = self.agent.admission().admit(address.ip().into());
        self.agent.log_limits().count(Silent::Displaced, displaced);
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

/// Connects to an [in-process](Agent::in_process) agent. Wants a tokio runtime.
#[must_use]
pub fn connect_in_process(agent: &Arc<Agent>) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let agent = Arc::clone(agent);
    tokio::spawn(async move {
        let routes = routes(Arc::clone(&agent));
        serve_http(&agent, ours, Peer::InProcess, None, &routes, None).await;
    });
    theirs
}
