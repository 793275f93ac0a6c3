//! Pairing: an agent's pin, and the line that carries it to a client with an address and a token.
//!
//! ```text
//! socktop://192.0.2.7:8443/?pin=sha256:6ad9…&token=61f1…&name=pi4
//! ```
//!
//! `socktop-agent pair` prints such a line, `socktop add` reads it. It holds a secret: anyone who has it can connect.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What a pairing line begins with.
pub const SCHEME: &str = "socktop://";

/// Longest line that is read, in bytes: a token has 4096 at most, and each may be escaped by three.
pub const MAX_BYTES: usize = 16 * 1024;

/// The characters that are not escaped in a query value: RFC 3986's unreserved ones, and the colon of a pin.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

/// The SHA-256 of an agent's public key (its DER `SubjectPublicKeyInfo`): the agent's identity, whatever certificate
/// stands over the key.
///
/// It is written `sha256:` and 64 hexadecimal digits, as `sha256sum(1)` would print them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The pin whose digest this is.
    #[must_use]
    pub const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Its beginning, 16 digits: enough to distinguish it from others on a narrow screen, but not to verify it.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate("sha256:".len() + 16);
        text.push('…');
        text
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("sha256:")?;
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Text that is not a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a fingerprint: it must be sha256: and 64 hexadecimal digits, as 'socktop-agent fingerprint' prints it"
)]
pub struct InvalidPin;

impl FromStr for Pin {
    type Err = InvalidPin;

    fn from_str(text: &str) -> Result<Self, InvalidPin> {
        let digits = text.strip_prefix("sha256:").ok_or(InvalidPin)?.as_bytes();
        let mut digest = [0; 32];
        let (pairs, rest) = digits.as_chunks::<2>();
        if pairs.len() != digest.len() || !rest.is_empty() {
            return Err(InvalidPin);
        }
        for (byte, pair) in digest.iter_mut().zip(pairs) {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            let value = high.zip(low).ok_or(InvalidPin)?;
            *byte = u8::try_from(value.0 * 16 + value.1).map_err(|_| InvalidPin)?;
        }
        Ok(Self(digest))
    }
}

/// What a client needs to connect to an agent. Its `Debug` does not show the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Pairing {
    /// The host's name or address. An IPv6 address is in brackets, where it is link-local with its zone as a user would
    /// write it: `[fe80::1%eth0]`.
    pub host: String,
    /// The TLS port.
    pub port: u16,
    /// The pin that the agent's key must have.
    pub pin: Pin,
    /// The token to send, where the agent asks for one.
    pub token: Option<String>,
    /// What the host calls itself.
    pub name: Option<String>,
}

impl fmt::Display for Pairing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{SCHEME}{}:{}/?pin={}",
            escaped_host(&self.host),
            self.port,
            self.pin
        )?;
        for (key, value) in [("token", &self.token), ("name", &self.name)] {
            if let Some(value) = value {
                write!(formatter, "&{key}={}", utf8_percent_encode(value, ESCAPED))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Pairing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pairing")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("pin", &self.pin)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Why a text is not a pairing line. No message shows what may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairingError {
    /// It does not begin with [`SCHEME`].
    #[error(
        "this is not a pairing line: it must be the output of 'sudo socktop-agent pair', {SCHEME}…"
    )]
    Scheme,
    /// It is longer than [`MAX_BYTES`].
    #[error("the pairing line is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Host or port cannot be read.
    #[error("the pairing line has no usable host and port: was it copied completely?")]
    Authority,
    /// The pin is missing or damaged.
    #[error("the pairing line has no usable pin: was it copied completely?")]
    Pin,
    /// A value that is no UTF-8, or has control characters.
    #[error("the {key} in the pairing line is damaged: was it copied completely?")]
    Value {
        /// The value's key.
        key: &'static str,
    },
}

impl FromStr for Pairing {
    type Err = PairingError;

    /// Reads a line. Keys that this version does not know are left out.
    fn from_str(text: &str) -> Result<Self, PairingError> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.len() > MAX_BYTES {
            return Err(PairingError::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(PairingError::Scheme)?;
        let (authority, query) = rest.split_once('?').ok_or(PairingError::Pin)?;
        let (host, port) = authority
            .trim_end_matches('/')
            .rsplit_once(':')
            .ok_or(PairingError::Authority)?;
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or(PairingError::Authority)?;
        let host = unescaped_host(host).ok_or(PairingError::Authority)?;
        let value = |key: &'static str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(name, _)| *name == key)
                .map(|(_, value)| {
                    percent_decode_str(value)
                        .decode_utf8()
                        .ok()
                        .filter(|value| !value.is_empty() && !value.chars().any(char::is_control))
                        .map(String::from)
                        .ok_or(PairingError::Value { key })
                })
                .transpose()
        };
        Ok(Self {
            host,
            port,
            pin: value("pin")?
                .and_then(|pin| pin.parse().ok())
                .ok_or(PairingError::Pin)?,
            token: value("token")?,
            name: value("name")?,
        })
    }
}

/// The pairing lines in the output of a terminal or a pipe, without what is around them: prompts, escape sequences, a byte
/// order mark, or what `ssh -t` says at the end.
pub fn find(text: &str) -> impl Iterator<Item = &str> {
    // What a line has of these is escaped.
    let ends = |character: char| {
        character.is_whitespace() || character.is_control() || "\"'<>`".contains(character)
    };
    text.match_indices(SCHEME).filter_map(move |(at, _)| {
        let line = text.get(at..)?;
        line.get(..line.find(ends).unwrap_or(line.len()))
    })
}

/// Whether `text` may be the zone of a link-local address: an interface's name (at most 15 bytes, netdevice(7)) or its
/// number.
#[must_use]
pub fn is_zone(text: &str) -> bool {
    (1..=15).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"%/?#@[]\\\"'<>`".contains(&byte))
}

/// `host` in the form that it has before a port.
fn escaped_host(host: &str) -> String {
    let address = host
        .strip_prefix('[')
        .map_or(host, |rest| rest.strip_suffix(']').unwrap_or(rest));
    match address.split_once('%') {
        Some((address, zone)) if address.parse::<Ipv6Addr>().is_ok() => {
            format!("[{address}%25{}]", utf8_percent_encode(zone, ESCAPED))
        }
        None if address.parse::<Ipv6Addr>().is_ok() => format!("[{address}]"),
        _ => utf8_percent_encode(host, ESCAPED).to_string(),
    }
}

/// The host that stands before the port: a name, an IPv4 address, or an IPv6 address in brackets. A name need not be one
/// of DNS, for hosts call themselves as they like; but it has no character that has a meaning in a URL.
fn unescaped_host(host: &str) -> Option<String> {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        let (address, zone) = match inner.split_once('%') {
            Some((address, zone)) => (address, Some(zone)),
            None => (inner, None),
        };
        let address: Ipv6Addr = address.parse().ok()?;
        let Some(zone) = zone else {
            return Some(format!("[{address}]"));
        };
        // Written by hand, the sign before it may stand as it is.
        let zone = match zone.strip_prefix("25") {
            Some(escaped) if !escaped.is_empty() => {
                percent_decode_str(escaped).decode_utf8().ok()?
            }
            _ => zone.into(),
        };
        return (address.is_unicast_link_local() && is_zone(&zone))
            .then(|| format!("[{address}%{zone}]"));
    }
    let host = percent_decode_str(host).decode_utf8().ok()?;
    let is_name = !host.is_empty()
        && host.chars().all(|character| {
            !character.is_control() && !"%/?#@:[]\\\"'<>`|^{}".contains(character)
        });
    is_name.then(|| host.into_owned())
}

#[cfg(test)]
mod tests;
