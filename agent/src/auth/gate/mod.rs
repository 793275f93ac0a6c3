//! The gate: decides once, before the upgrade, whether a client is admitted and with what rights.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use socktop_proto::pairing::Pin;

use crate::auth::access::Access;
use crate::auth::client_ca::{ClientCa, Require};
use crate::auth::token::{Token, TokenError};
use crate::auth::token_file::{NamedToken, Rights, TokenName};

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A client on the network, this machine's own loopback included.
    Network(SocketAddr),
    /// A client in this very process.
    InProcess,
}

impl Peer {
    fn is_loopback(self) -> bool {
        match self {
            // A dual-stack socket shows IPv4 peers as ::ffff:127.0.0.1.
            Self::Network(address) => address.ip().to_canonical().is_loopback(),
            Self::InProcess => true,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => match address.ip().to_canonical() {
                ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()).fmt(formatter),
                // With the zone that it may have.
                IpAddr::V6(_) => address.fmt(formatter),
            },
            Self::InProcess => formatter.write_str("in-process"),
        }
    }
}

/// The key of the certificate that a client has shown and the handshake found good, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientCertificate(pub Option<Pin>);

/// What a client was admitted by, and its rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What it opens.
    pub rights: Rights,
    by: GrantedBy,
}

/// What let a client in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum GrantedBy {
    Loopback,
    Nothing,
    Token(TokenName),
    Certificate(Pin),
    Both(Pin, TokenName),
}

impl Grant {
    fn full(by: GrantedBy) -> Self {
        Self {
            rights: Rights::Full,
            by,
        }
    }

    /// What it was admitted by.
    pub(crate) fn by(&self) -> &GrantedBy {
        &self.by
    }

    #[cfg(test)]
    pub(crate) fn of_token(name: &str) -> Self {
        Self::full(GrantedBy::Token(name.parse().unwrap_or_default()))
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            GrantedBy::Loopback => formatter.write_str("as this machine"),
            GrantedBy::Nothing => formatter.write_str("without a token"),
            GrantedBy::Token(name) => write!(formatter, "by the token {name}"),
            GrantedBy::Certificate(key) => {
                write!(formatter, "by the certificate over the key {key}")
            }
            GrantedBy::Both(key, name) => write!(
                formatter,
                "by the certificate over the key {key} and the token {name}"
            ),
        }?;
        match self.rights {
            Rights::Full => Ok(()),
            Rights::Metrics => formatter.write_str(", for metrics alone"),
        }
    }
}

/// Why a request was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The access rules are invalid.
    #[error("all clients are refused: {reason}; repair it, then reload socktop-agent")]
    Broken {
        /// What is broken.
        reason: String,
    },
    /// No token, or a wrong one.
    #[error(
        "wrong or missing token: send it as the header 'Authorization: Bearer TOKEN' or as '?token=TOKEN' \
         (socktop: --token-file FILE or SOCKTOP_TOKEN)"
    )]
    Token,
    /// No client certificate.
    #[error(
        "this agent requires a client certificate that is issued by its client_ca (socktop: --cert FILE --key FILE)"
    )]
    Certificate,
    /// A web page of an origin that is not allowed.
    #[error("this Origin may not connect: name it in allowed_origins in access.toml if it should")]
    Origin,
    /// On loopback, a Host that some other name was made to resolve to, and no token.
    #[error(
        "on loopback the host must be localhost, 127.0.0.1 or [::1]: connect to one of these, or show a token, also \
         where a reverse proxy passes another host on"
    )]
    Host,
}

impl Refusal {
    /// The status to answer with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Broken { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Certificate | Self::Origin | Self::Host => StatusCode::FORBIDDEN,
        }
    }
}

/// Decides which clients are admitted, and with what rights.
#[derive(Debug)]
pub struct Gate {
    access: Access,
    /// Generated at the start for remote clients, where no token is set.
    made: Option<NamedToken>,
}

impl Gate {
    /// A gate for sockets at `addresses`. Where one of them can be reached from outside and no token is
    /// set, it makes one.
    ///
    /// # Errors
    /// Where a token must be made and the kernel gives no random numbers.
    pub fn new(access: Access, addresses: &[SocketAddr]) -> Result<Self, TokenError> {
        let outside = addresses.iter().any(|address| !address.ip().is_loopback());
        let made = if outside && access.asks_for_tokens() && access.tokens.is_empty() {
            Some(NamedToken {
                name: TokenName::default(),
                rights: Rights::Full,
                token: Token::generate()?,
            })
        } else {
            None
        };
        Ok(Self { access, made })
    }

    /// This gate with other rules of access. The token that was made stays.
    #[must_use]
    pub fn with(&self, access: Access) -> Self {
        Self {
            access,
            made: self.made.clone(),
        }
    }

    /// The token that was made, to be shown to the user.
    #[must_use]
    pub fn made_token(&self) -> Option<&Token> {
        self.made.as_ref().map(|named| &named.token)
    }

    /// Decides about one request of a client.
    ///
    /// It compares every token that the request carries: `request` has refused those that carry more than two.
    ///
    /// # Errors
    /// Says why it is refused.
    pub fn check(
        &self,
        peer: Peer,
        ClientCertificate(certificate): ClientCertificate,
        headers: &HeaderMap,
        query: &str,
    ) -> Result<Grant, Refusal> {
        if let Some(reason) = &self.access.broken {
            return Err(Refusal::Broken {
                reason: reason.clone(),
            });
        }
        if let Some(origin) = headers.get(ORIGIN)
            && !self.is_allowed(origin)
        {
            return Err(Refusal::Origin);
        }
        if matches!(peer, Peer::Network(_)) && peer.is_loopback() && !is_local_name(headers) {
            // A reverse proxy may keep the name of the host that its clients connect to. A web page has no token.
            if tokens_presented(headers, query) == 0 {
                return Err(Refusal::Host);
            }
            self.check_presented(headers, query)?;
        }
        let require = self.access.client_ca.as_ref().map(ClientCa::require);
        match (require, certificate) {
            (None, _) | (Some(Require::Either), None) => self.check_token(peer, headers, query),
            (Some(Require::Either | Require::Certificate), Some(key)) => {
                Ok(Grant::full(GrantedBy::Certificate(key)))
            }
            (Some(Require::Certificate | Require::Both), None) => Err(Refusal::Certificate),
            (Some(Require::Both), Some(key)) => {
                let mut pass = self.check_token(peer, headers, query)?;
                pass.by = match pass.by {
                    GrantedBy::Token(name) => GrantedBy::Both(key, name),
                    _ => GrantedBy::Certificate(key),
                };
                Ok(pass)
            }
        }
    }

    fn check_token(&self, peer: Peer, headers: &HeaderMap, query: &str) -> Result<Grant, Refusal> {
        if self.access.no_token {
            return Ok(Grant::full(GrantedBy::Nothing));
        }
        if self.access.tokens.is_empty() && peer.is_loopback() {
            return Ok(Grant::full(GrantedBy::Loopback));
        }
        self.check_presented(headers, query)
    }

    /// Lets in by a token that the request carries.
    fn check_presented(&self, headers: &HeaderMap, query: &str) -> Result<Grant, Refusal> {
        let presented: Vec<_> = presented(headers, query).collect();
        let made = self.made.as_ref().filter(|_| self.access.tokens.is_empty());
        // All are compared, so that the time does not reveal which one matched.
        self.access
            .tokens
            .iter()
            .chain(made)
            .filter(|named| {
                let matches = presented.iter().filter(|token| named.token.matches(token));
                matches.count() > 0
            })
            .fold(None, |found, named| found.or(Some(named)))
            .map(|named| Grant {
                rights: named.rights,
                by: GrantedBy::Token(named.name.clone()),
            })
            .ok_or(Refusal::Token)
    }

    fn is_allowed(&self, origin: &HeaderValue) -> bool {
        self.access
            .allowed_origins
            .iter()
            .any(|allowed| origin.as_bytes().eq_ignore_ascii_case(allowed.as_bytes()))
    }
}

/// A web page can make any name resolve to 127.0.0.1, but not change the name it sends.
fn is_local_name(headers: &HeaderMap) -> bool {
    headers
        .get(HOST)
        .and_then(|host| Authority::try_from(host.as_bytes()).ok())
        .is_some_and(|authority| {
            ["localhost", "127.0.0.1", "[::1]"]
                .iter()
                .any(|local| authority.host().eq_ignore_ascii_case(local))
        })
}

/// How many tokens a request carries.
pub(crate) fn tokens_presented(headers: &HeaderMap, query: &str) -> usize {
    presented(headers, query)
        .filter(|token| !token.is_empty())
        .count()
}

/// The tokens that a request carries.
fn presented(headers: &HeaderMap, query: &str) -> impl Iterator<Item = String> {
    let bearer = headers
        .get_all(AUTHORIZATION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.trim().to_owned())
        });
    let parameter = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("token="))
        .map(|token| percent_decode_str(token).decode_utf8_lossy().into_owned());
    bearer.chain(parameter)
}

#[cfg(test)]
mod tests;
