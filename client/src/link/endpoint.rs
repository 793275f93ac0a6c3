//! Endpoints: the address of an agent on the network, or an agent inside this process.

use std::sync::Arc;
use std::{fmt, io};

use tokio::io::DuplexStream;

use super::Security;
use super::error::BoxError;
use crate::config::agent_url::AgentUrl;
use crate::secrets::recipient::Recipient;
use crate::secrets::token::Token;
use crate::trust::Trust;

/// Opens one connection to an agent inside this process.
pub type Open = dyn Fn() -> io::Result<DuplexStream> + Send + Sync;

/// Where a link gets its endpoint from: before its first attempt, and again when the user wants to connect now.
pub trait EndpointSource: Send + Sync + 'static {
    /// Makes the endpoint; may read files.
    ///
    /// # Errors
    /// Where a file cannot be read, or does not hold what it should.
    fn endpoint(&self) -> Result<Endpoint, BoxError>;

    /// The agent at `endpoint` has proved to be the trusted one and has taken the token.
    fn connected(&self, endpoint: &Endpoint);
}

/// An endpoint that stays the same.
impl EndpointSource for Endpoint {
    fn endpoint(&self) -> Result<Endpoint, BoxError> {
        Ok(self.clone())
    }

    fn connected(&self, _: &Endpoint) {}
}

/// An agent that can be dialled. `Display` names it for people, without its token.
#[derive(Clone)]
pub enum Endpoint {
    /// An agent without TLS.
    Plain(AgentUrl),
    /// An agent with TLS, and how it is trusted.
    Tls(AgentUrl, Trust),
    /// An agent inside this process.
    InProcess(Arc<Open>),
}

impl Endpoint {
    /// What protects a conversation with it.
    #[must_use]
    pub fn security(&self) -> Security {
        match self {
            Self::Plain(_) => Security::Plain,
            Self::Tls(..) => Security::Tls,
            Self::InProcess(_) => Security::InProcess,
        }
    }

    /// Its address; `None` inside this process.
    #[must_use]
    pub fn target(&self) -> Option<&AgentUrl> {
        match self {
            Self::Plain(target) | Self::Tls(target, _) => Some(target),
            Self::InProcess(_) => None,
        }
    }

    /// Shows `token` to the agent, in place of any other. An agent inside this process asks for none.
    pub fn set_token(&mut self, token: Token) {
        match self {
            Self::Plain(target) | Self::Tls(target, _) => target.set_token(token),
            Self::InProcess(_) => {}
        }
    }

    /// The token is for `recipient` and nobody else.
    pub fn bind_token(&mut self, recipient: Recipient) {
        match self {
            Self::Plain(target) | Self::Tls(target, _) => target.bind_token(recipient),
            Self::InProcess(_) => {}
        }
    }

    /// Whom a token is for that is given for this agent, once the TLS handshake has proved that it is the trusted one.
    #[must_use]
    pub fn recipient(&self) -> Option<Recipient> {
        match self {
            Self::Tls(target, trust) => Some(
                trust
                    .pin()
                    .map_or_else(|| Recipient::Vouched(target.authority()), Recipient::Key),
            ),
            Self::Plain(_) | Self::InProcess(_) => None,
        }
    }

    /// Shows no token to the agent.
    pub fn remove_token(&mut self) {
        match self {
            Self::Plain(target) | Self::Tls(target, _) => *target = target.without_token(),
            Self::InProcess(_) => {}
        }
    }

    /// Whether a token is shown to the agent.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.target().is_some_and(|target| target.token().is_some())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.target() {
            Some(target) => target.fmt(formatter),
            None => formatter.write_str("the agent in this process"),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Endpoint({self})")
    }
}
