//! State that all connections share: the sampler, the gate, TLS, and the limits with their counters.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use socktop_collect::Root;
use socktop_collect::sampler::{Sampler, Sampling};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::auth::access::Access;
use crate::auth::backoff::Backoff;
use crate::auth::gate::Gate;
use crate::auth::token::TokenError;
use crate::config::{Config, Limits};
use crate::server::admission::Admission;
use crate::server::handshakes::Handshakes;
use crate::server::idle_exit::{Clients, Idle};
use crate::server::log_limits::LogLimits;
use crate::server::message_budget::LargeMessages;
use crate::server::rate_limit::RateLimits;

/// What all connections share.
pub struct Agent {
    sampler: Arc<Sampler>,
    gate: RwLock<Arc<Gate>>,
    tls: RwLock<Option<TlsAcceptor>>,
    limits: RwLock<Arc<Limits>>,
    admission: Admission,
    handshakes: Handshakes,
    rate_limits: RateLimits,
    backoff: Backoff,
    large_messages: LargeMessages,
    log_limits: LogLimits,
    stopping: watch::Sender<bool>,
    clients: Clients,
    idle_exit: watch::Sender<Option<Duration>>,
}

impl Agent {
    pub(crate) fn new(
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
            rate_limits: RateLimits::new(&limits),
            backoff: Backoff::default(),
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

    /// The access rules.
    #[must_use]
    pub fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate.read())
    }

    /// The connections.
    #[must_use]
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Takes over what can change while clients are connected: the access rules, the TLS settings, what is
    /// collected, for how long it is shared, the limits, and the time to an idle exit. Connected clients keep the limits
    /// of one connection. Whether TLS is spoken cannot change.
    pub fn apply(&self, config: Config, tls: Option<Arc<rustls::ServerConfig>>) {
        let gate = self.gate().with(config.access);
        *self.gate.write() = Arc::new(gate);
        let mut acceptor = self.tls.write();
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
        self.rate_limits.apply(&config.limits);
        *self.limits.write() = Arc::new(config.limits);
    }

    /// What clients may take.
    pub(crate) fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.limits.read())
    }

    pub(crate) fn handshakes(&self) -> &Handshakes {
        &self.handshakes
    }

    pub(crate) fn rate_limits(&self) -> &RateLimits {
        &self.rate_limits
    }

    pub(crate) fn backoff(&self) -> &Backoff {
        &self.backoff
    }

    pub(crate) fn large_messages(&self) -> LargeMessages {
        self.large_messages.clone()
    }

    pub(crate) fn log_limits(&self) -> &LogLimits {
        &self.log_limits
    }

    /// How TLS is spoken, where it is.
    pub(crate) fn tls(&self) -> Option<TlsAcceptor> {
        let tls = self.tls.read();
        tls.clone()
    }

    pub(crate) fn sampler(&self) -> Arc<Sampler> {
        Arc::clone(&self.sampler)
    }

    /// The time since the last client left, against the settings' limit.
    pub(crate) fn idle(&self) -> Idle {
        Idle::new(self.clients.watch(), self.idle_exit.subscribe())
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Makes all sessions end.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }
}

/// Waits until the agent stops.
pub(crate) async fn stop_requested(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, and the agent with it.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
