//! Agent URLs, as the user may write them: `HOST`, `HOST:PORT`, `[IPV6]:PORT`, `ws://…` or `wss://…`.
//!
//! A link-local IPv6 address has the zone, the interface that it is reached by, after it: `fe80::1%eth0`, and in a URL
//! also `[fe80::1%25eth0]` (RFC 6874).
//!
//! A host without a scheme is spoken to over TLS, on port [`DEFAULT_PORT`] unless another is given.
//! Plain `ws` must be asked for: nothing falls back to it. (The name of a profile can stand in the
//! same place and wins over a host of that name; see [`crate::cli`].)

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use socktop_proto::pairing;
use url::{Host, Url, form_urlencoded};

use crate::secrets::recipient::Recipient;
use crate::secrets::token::{InvalidToken, Token};

/// The agent's TLS port.
pub const DEFAULT_PORT: u16 = 8443;

/// The default port without TLS, of socktop 1.60 and of ours.
pub const DEFAULT_PLAIN_PORT: u16 = 3000;

const DEFAULT_PATH: &str = "/ws";

/// An agent's address.
///
/// `Display` gives its URL without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentUrl {
    tls: bool,
    host: Host,
    zone: Option<String>,
    port: u16,
    path: String,
    /// The query as it goes into the request, less the token; may be empty.
    query: String,
    token: Option<Token>,
    token_in_url: bool,
    /// The recipient that the token was stored for, if any.
    token_for: Option<Recipient>,
}

impl AgentUrl {
    /// Whether TLS protects the conversation.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host's name or address.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The interface by which a link-local address is reached: its name, or its number on this machine.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// The host as a user would write it: an IPv6 address in brackets, its zone after it.
    #[must_use]
    pub fn shown_host(&self) -> String {
        self.host_with("%")
    }

    /// The host, its zone after `separator`.
    fn host_with(&self, separator: &str) -> String {
        match (&self.host, &self.zone) {
            (Host::Ipv6(address), Some(zone)) => format!("[{address}{separator}{zone}]"),
            (host, _) => host.to_string(),
        }
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The token to be shown to the agent.
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// The only recipient that the token is sent to. `None` where it was given for the agent at this address.
    #[must_use]
    pub fn token_for(&self) -> Option<&Recipient> {
        self.token_for.as_ref().filter(|_| self.token.is_some())
    }

    /// Limits the token to `recipient`.
    pub fn bind_token(&mut self, recipient: Recipient) {
        self.token_for = Some(recipient);
    }

    /// Whether the URL itself carried a token, so that the request's must.
    #[must_use]
    pub fn has_token_in_url(&self) -> bool {
        self.token_in_url
    }

    /// The same address without any token.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self {
            token: None,
            token_in_url: false,
            token_for: None,
            ..self.clone()
        }
    }

    /// Sends `token` to the agent at this address, in place of any other token.
    pub fn set_token(&mut self, token: Token) {
        self.token = Some(token);
        self.token_for = None;
    }

    /// `HOST:PORT`, an IPv6 address in brackets with its zone: what identifies an agent.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", self.shown_host(), self.port)
    }

    /// The request's `Host`. A zone means nothing to the other end, so it is left out (RFC 6874).
    #[must_use]
    pub(crate) fn host_header(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Path and query of the request, with the token when `with_token` asks for it or the URL had it.
    #[must_use]
    pub(crate) fn path_and_query(&self, with_token: bool) -> String {
        let mut query = self.query.clone();
        if let Some(token) = &self.token
            && (with_token || self.token_in_url)
        {
            let pair: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("token", token.expose())
                .finish();
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(&pair);
        }
        if query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{query}", self.path)
        }
    }

    /// The URL as it is saved in a profile: complete, and with the token if the user's had one.
    #[must_use]
    pub fn to_url(&self) -> String {
        format!(
            "{}://{}:{}{}",
            self.scheme(),
            self.host_with("%25"),
            self.port,
            self.path_and_query(false)
        )
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "wss" } else { "ws" }
    }
}

impl fmt::Display for AgentUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}://{}{}",
            self.scheme(),
            self.authority(),
            self.path
        )
    }
}

/// Text that names no agent. The message shows it without what follows a `?`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{shown:?} names no agent: {fault}; give HOST, HOST:PORT, ws://HOST:PORT, wss://HOST:PORT or a profile's name"
)]
pub struct AgentUrlError {
    shown: String,
    fault: Fault,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("it is empty")]
    Empty,
    #[error("the scheme {0:?} is neither ws nor wss")]
    Scheme(String),
    #[error("it is a pairing line, which goes into: socktop add")]
    Pairing,
    #[error("{0}")]
    Url(url::ParseError),
    #[error("it has no host")]
    NoHost,
    #[error(
        "the zone {0:?} is no interface's name, as after a link-local IPv6 address: fe80::1%eth0"
    )]
    Zone(String),
    #[error("the port {0:?} is not a number from 1 to 65535")]
    Port(String),
    #[error("a path or query needs ws:// or wss:// before the host")]
    PathWithoutScheme,
    #[error(
        "a user name or password in it is not used; a token goes into --token-file or SOCKTOP_TOKEN"
    )]
    Credentials,
    #[error("a #fragment has no meaning for a WebSocket")]
    Fragment,
    #[error("{0}")]
    Token(InvalidToken),
}

impl FromStr for AgentUrl {
    type Err = AgentUrlError;

    fn from_str(text: &str) -> Result<Self, AgentUrlError> {
        let text = text.trim();
        let parsed = if text.is_empty() {
            Err(Fault::Empty)
        } else if text.contains("://") {
            from_url(text)
        } else {
            from_host(text)
        };
        parsed.map_err(|fault| AgentUrlError {
            shown: shown(text),
            fault,
        })
    }
}

/// The part of what was typed that cannot hold a secret.
fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        (None, Some((_, host))) => format!("…@{host}"),
        _ => text.to_owned(),
    }
}

fn from_url(text: &str) -> Result<AgentUrl, Fault> {
    if text.starts_with(pairing::SCHEME) {
        return Err(Fault::Pairing);
    }
    let (text, zone) = without_zone(text);
    let url = Url::parse(&text).map_err(Fault::Url)?;
    let tls = match url.scheme() {
        "ws" => false,
        "wss" => true,
        other => return Err(Fault::Scheme(other.to_owned())),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::Credentials);
    }
    if url.fragment().is_some() {
        return Err(Fault::Fragment);
    }
    let host = url.host().ok_or(Fault::NoHost)?.to_owned();
    let port = url
        .port_or_known_default()
        .filter(|port| *port != 0)
        .ok_or_else(|| Fault::Port("0".to_owned()))?;
    let mut token = None;
    let mut rest = form_urlencoded::Serializer::new(String::new());
    for (key, value) in url.query_pairs() {
        if key == "token" {
            token = Some(Token::new(&value).map_err(Fault::Token)?);
        } else {
            rest.append_pair(&key, &value);
        }
    }
    Ok(AgentUrl {
        tls,
        zone: zone.map(|zone| zone_of(zone, &host)).transpose()?,
        host,
        port,
        path: match url.path() {
            "" | "/" => DEFAULT_PATH.to_owned(),
            path => path.to_owned(),
        },
        query: rest.finish(),
        token_in_url: token.is_some(),
        token,
        token_for: None,
    })
}

fn from_host(text: &str) -> Result<AgentUrl, Fault> {
    if text.contains(['/', '?', '#']) {
        return Err(Fault::PathWithoutScheme);
    }
    if text.contains('@') {
        return Err(Fault::Credentials);
    }
    let (host, port) = split_port(text)?;
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| Fault::Port(port.to_owned()))?,
    };
    let (host, zone) = without_zone(&host);
    let host = Host::parse(&host).map_err(Fault::Url)?;
    Ok(AgentUrl {
        tls: true,
        zone: zone.map(|zone| zone_of(zone, &host)).transpose()?,
        host,
        port,
        path: DEFAULT_PATH.to_owned(),
        query: String::new(),
        token: None,
        token_in_url: false,
        token_for: None,
    })
}

/// `text`, a URL or a host, without the zone of the address in brackets; and that zone. The parser of URLs knows none.
fn without_zone(text: &str) -> (Cow<'_, str>, Option<&str>) {
    let start = text.find("://").map_or(0, |at| at + "://".len());
    let (before, rest) = text.split_at(start);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let zoned = rest
        .get(..end)
        .filter(|authority| authority.starts_with('['))
        .and_then(|authority| authority.split_once(']'))
        .and_then(|(address, _)| address.split_once('%'));
    let Some((address, zone)) = zoned else {
        return (Cow::Borrowed(text), None);
    };
    let after = rest
        .get(address.len() + 1 + zone.len()..)
        .unwrap_or_default();
    (Cow::Owned(format!("{before}{address}{after}")), Some(zone))
}

/// The zone as the system knows it, of one that was written after `%` or `%25`.
fn zone_of(text: &str, host: &Host) -> Result<String, Fault> {
    let zone = match text.strip_prefix("25") {
        Some(zone) if !zone.is_empty() => zone,
        _ => text,
    };
    let is_link_local = matches!(host, Host::Ipv6(address) if address.is_unicast_link_local());
    if is_link_local && pairing::is_zone(zone) {
        Ok(zone.to_owned())
    } else {
        Err(Fault::Zone(zone.to_owned()))
    }
}

/// Splits `HOST:PORT`; an IPv6 address comes back in brackets, whether it had them or not.
fn split_port(text: &str) -> Result<(String, Option<&str>), Fault> {
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let port = match rest {
            "" => None,
            _ => Some(
                rest.strip_prefix(':')
                    .ok_or_else(|| Fault::Port(rest.to_owned()))?,
            ),
        };
        return Ok((format!("[{address}]"), port));
    }
    Ok(match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => (format!("[{text}]"), None),
        Some((host, port)) => (host.to_owned(), Some(port)),
        None => (text.to_owned(), None),
    })
}

#[cfg(test)]
mod tests;
