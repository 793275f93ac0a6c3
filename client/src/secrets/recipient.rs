//! The recipient of a stored token, which is sent to no other agent.

use std::fmt;

use serde::{Deserialize, Serialize};
use socktop_proto::pairing::Pin;

/// What a token that was vouched for by authorities begins with in a profile.
const VOUCHED: &str = "vouched:";

/// Whom a stored token is for.
///
/// An agent that is known by its key is that key, whatever address it has. One that certificate authorities vouch for
/// (the system's, or those of `--tls-ca`) changes its key whenever its certificate is renewed: it is its host and port,
/// and that they vouch for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Recipient {
    /// The agent with this key.
    Key(Pin),
    /// The agent that authorities vouch for at this `HOST:PORT`.
    Vouched(String),
    /// Written by a later version in an unknown form: matches no agent.
    Unknown(String),
}

/// The identity of an agent, as the TLS handshake has proved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The `HOST:PORT` that was dialled.
    pub(crate) authority: String,
    /// Its key.
    pub(crate) key: Pin,
    /// Whether authorities vouch for it, and not its remembered key.
    pub(crate) vouched: bool,
}

impl Recipient {
    /// Whether `peer` may have the token. Without TLS the peer is not authenticated.
    pub(crate) fn is(&self, peer: Option<&Peer>) -> bool {
        let Some(peer) = peer else {
            return false;
        };
        match self {
            Self::Key(key) => *key == peer.key,
            Self::Vouched(authority) => {
                peer.vouched && authority.eq_ignore_ascii_case(&peer.authority)
            }
            Self::Unknown(_) => false,
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(formatter),
            Self::Vouched(authority) => write!(formatter, "{VOUCHED}{authority}"),
            Self::Unknown(text) => formatter.write_str(text),
        }
    }
}

impl From<String> for Recipient {
    fn from(text: String) -> Self {
        match (text.parse(), text.strip_prefix(VOUCHED)) {
            (Ok(key), _) => Self::Key(key),
            (_, Some(authority)) => Self::Vouched(authority.to_owned()),
            _ => Self::Unknown(text),
        }
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> Self {
        recipient.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Pin = Pin::from_digest([0xa5; 32]);
    const OTHER: Pin = Pin::from_digest([0x5a; 32]);

    fn peer(authority: &str, key: Pin, vouched: bool) -> Peer {
        Peer {
            authority: authority.to_owned(),
            key,
            vouched,
        }
    }

    #[test]
    fn token_recipient_is_one_key_or_one_verified_host() {
        let of_key = Recipient::Key(KEY);
        let of_host = Recipient::Vouched("pi4:8443".to_owned());
        for (peer, has_key, is_host) in [
            (peer("pi4:8443", KEY, false), true, false),
            (peer("PI4:8443", OTHER, true), false, true),
            (peer("pi5:8443", KEY, true), true, false),
            (peer("pi4:8443", OTHER, false), false, false),
        ] {
            assert_eq!(of_key.is(Some(&peer)), has_key, "{peer:?}");
            assert_eq!(of_host.is(Some(&peer)), is_host, "{peer:?}");
            assert!(!Recipient::Unknown(String::new()).is(Some(&peer)));
        }
        assert!(!of_key.is(None) && !of_host.is(None));
    }

    #[test]
    fn recipient_is_the_same_after_writing_and_reading() {
        for (recipient, text) in [
            (Recipient::Key(KEY), KEY.to_string()),
            (
                Recipient::Vouched("[::1]:1".to_owned()),
                "vouched:[::1]:1".to_owned(),
            ),
            (Recipient::Unknown("tpm:7".to_owned()), "tpm:7".to_owned()),
        ] {
            assert_eq!(String::from(recipient.clone()), text);
            assert_eq!(Recipient::from(text), recipient);
        }
    }
}
