//! Dialling: from an endpoint to a WebSocket, by TCP, TLS and the HTTP upgrade.

use std::io;
use std::time::Duration;

use http::header::{AUTHORIZATION, HOST, HeaderValue};
use rustls::InvalidMessage;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::{AnothersToken, DialError, Fault};
use super::socket::Socket;
use super::{Dialect, Endpoint, Question, tcp, upgrade};
use crate::config::agent_url::AgentUrl;
use crate::secrets::recipient::{Peer, Recipient};
use crate::trust::{Trust, key_of};

/// For the TLS handshake, and again for the answer to the upgrade: an agent that the first connection starts
/// has to load before it answers.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);

/// Dials one endpoint, again and again, and remembers how its agent takes the token.
#[derive(Debug)]
pub(super) struct Dialer {
    endpoint: Endpoint,
    /// The agent is `socktop_agent` 1.60, which looks for the token in the query alone.
    token_in_query: bool,
    /// Why the token is not sent, where it is for another agent.
    withheld: Option<AnothersToken>,
}

impl Dialer {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            token_in_query: false,
            withheld: None,
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Connects and upgrades.
    ///
    /// The token goes into a header, where no log keeps it. An agent of version 1.60 reads only the
    /// query, answers 101 whatever it finds there, and closes when it misses the token. So when an agent turns out to
    /// be one, and the token has not been in the query, it is dialled once more with it.
    ///
    /// A token that is for another agent is not sent. This one may want none, so it is dialled without; where it does
    /// want one, the error tells why it was not sent.
    pub(super) async fn dial(&mut self) -> Result<(Socket, Dialect), DialError> {
        let mut attempted = self.attempt().await;
        if let Err(error) = &attempted
            && let Some(withheld) = error.withheld_token()
        {
            self.withheld = Some(withheld.clone());
            self.endpoint.remove_token();
            attempted = self.attempt().await;
        }
        let (socket, dialect) = attempted.map_err(|error| match &self.withheld {
            Some(withheld) if error.question() == Some(Question::Token) => {
                self.failed(Fault::AnothersToken(withheld.clone()))
            }
            _ => error,
        })?;
        let misses_token = dialect == Dialect::Text
            && !self.token_in_query
            && self
                .endpoint
                .target()
                .is_some_and(|target| target.token().is_some() && !target.has_token_in_url());
        if !misses_token {
            return Ok((socket, dialect));
        }
        drop(socket);
        self.token_in_query = true;
        self.attempt().await
    }

    async fn attempt(&self) -> Result<(Socket, Dialect), DialError> {
        let attempted = self.connect_and_upgrade().await;
        attempted.map_err(|fault| self.failed(fault))
    }

    fn failed(&self, fault: Fault) -> DialError {
        DialError {
            agent: self.endpoint.to_string(),
            fault,
        }
    }

    async fn connect_and_upgrade(&self) -> Result<(Socket, Dialect), Fault> {
        match &self.endpoint {
            Endpoint::InProcess(open) => {
                let stream = open().map_err(Fault::InProcess)?;
                let request = upgrade::request("/ws").header(HOST, "localhost");
                self.upgrade(stream, request).await
            }
            Endpoint::Plain(target) => {
                may_have_token(target, None)?;
                let stream = tcp::connect(target).await?;
                self.upgrade(stream, self.request(target)).await
            }
            Endpoint::Tls(target, trust) => {
                let stream = secure(target, trust, tcp::connect(target).await?).await?;
                self.upgrade(stream, self.request(target)).await
            }
        }
    }

    fn request(&self, target: &AgentUrl) -> http::request::Builder {
        let mut request = upgrade::request(&target.path_and_query(self.token_in_query))
            .header(HOST, target.host_header());
        if let Some(token) = target.token()
            // A token has no control characters, so it makes a value.
            && let Ok(mut value) = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        {
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request
    }

    async fn upgrade<S>(
        &self,
        stream: S,
        request: http::request::Builder,
    ) -> Result<(Socket, Dialect), Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        timeout(
            HANDSHAKE_LIMIT,
            upgrade::upgrade(stream, request, &self.endpoint),
        )
        .await
        .map_err(|_| Fault::Silent {
            stage: "the answer to the WebSocket upgrade",
            limit: HANDSHAKE_LIMIT,
        })?
    }
}

/// Does the TLS handshake with an agent that is trusted, and that the token of `target`, if there is one, is for.
async fn secure(
    target: &AgentUrl,
    trust: &Trust,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Fault> {
    let name = match target.host() {
        url::Host::Ipv4(address) => ServerName::IpAddress((*address).into()),
        url::Host::Ipv6(address) => ServerName::IpAddress((*address).into()),
        url::Host::Domain(name) => {
            ServerName::try_from(name.clone()).map_err(|_| Fault::Name(name.clone()))?
        }
    };
    let handshake = TlsConnector::from(trust.config()).connect(name, stream);
    let stream = timeout(HANDSHAKE_LIMIT, handshake)
        .await
        .map_err(|_| Fault::Silent {
            stage: "the TLS handshake",
            limit: HANDSHAKE_LIMIT,
        })?
        .map_err(|error| tls_fault(target, trust, error))?;
    let certificates = stream.get_ref().1.peer_certificates();
    let peer = certificates
        .and_then(|chain| key_of(chain.first()?))
        .map(|key| Peer {
            authority: target.authority(),
            key,
            vouched: trust.is_by_authorities(),
        });
    may_have_token(target, peer.as_ref())?;
    Ok(stream)
}

/// Whether the agent at the other end, which TLS has proved to be `peer`, may have the token. Nothing has been said to it
/// yet.
fn may_have_token(target: &AgentUrl, peer: Option<&Peer>) -> Result<(), Fault> {
    match target.token_for() {
        Some(recipient) if !recipient.is(peer) => Err(Fault::AnothersToken(AnothersToken {
            recipient: match recipient {
                Recipient::Key(key) => format!("the key {}", key.short()),
                Recipient::Vouched(authority) => {
                    format!("{authority} as certificate authorities vouch for it")
                }
                Recipient::Unknown(_) => "an agent that this version cannot identify".to_owned(),
            },
            peer: match peer {
                Some(peer) => format!("the key {}", peer.key.short()),
                None => "an agent without TLS".to_owned(),
            },
        })),
        _ => Ok(()),
    }
}

fn tls_fault(target: &AgentUrl, trust: &Trust, error: io::Error) -> Fault {
    let plain = format!("ws://{}", target.authority());
    let refusal = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match refusal {
        Some(rustls::Error::InvalidCertificate(refusal)) => {
            Fault::Certificate(trust.explain(refusal))
        }
        Some(rustls::Error::AlertReceived(alert))
            if let Some(advice) = trust.explain_alert(*alert) =>
        {
            Fault::ClientCertificate(advice)
        }
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            Fault::NoTls { plain }
        }
        _ => Fault::Tls {
            cause: error,
            plain,
        },
    }
}
