//! Who gets in. Asked once, before the upgrade, for every conversation.

use std::fmt;
use std::net::SocketAddr;

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;

use crate::config::Access;
use crate::token::{Token, TokenError};

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
            Self::Network(address) => {
                SocketAddr::new(address.ip().to_canonical(), address.port()).fmt(formatter)
            }
            Self::InProcess => formatter.write_str("in-process"),
        }
    }
}

/// Why a request was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not known who may enter.
    #[error("nobody may enter: {reason}; once it is repaired, reload socktop-agent")]
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
    /// A web page of an origin that is not allowed.
    #[error("this Origin may not connect: name it in allowed_origins in access.toml if it should")]
    Origin,
    /// On loopback, a Host that some other name was made to resolve to.
    #[error("on loopback the host must be localhost, 127.0.0.1 or [::1]: connect to one of these")]
    Host,
}

impl Refusal {
    /// The status to answer with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Broken { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Origin | Self::Host => StatusCode::FORBIDDEN,
        }
    }
}

/// Decides who gets in.
#[derive(Debug)]
pub struct Gate {
    access: Access,
    /// Made at the start, for those who do not come from loopback, where no token is set.
    made: Option<Token>,
}

impl Gate {
    /// A gate for sockets at `addresses`. Where one of them can be reached from outside and no token is
    /// set, it makes one.
    ///
    /// # Errors
    /// Where a token must be made and the kernel gives no random numbers.
    pub fn new(access: Access, addresses: &[SocketAddr]) -> Result<Self, TokenError> {
        let outside = addresses.iter().any(|address| !address.ip().is_loopback());
        let made = (outside && access.token.is_none() && !access.no_token)
            .then(Token::generate)
            .transpose()?;
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
        self.made.as_ref()
    }

    /// Decides about one request.
    ///
    /// # Errors
    /// Says why it is refused.
    pub fn check(&self, peer: Peer, headers: &HeaderMap, query: &str) -> Result<(), Refusal> {
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
            return Err(Refusal::Host);
        }
        let wanted = match &self.access.token {
            Some(token) => token,
            None if peer.is_loopback() || self.access.no_token => return Ok(()),
            None => self.made.as_ref().ok_or(Refusal::Token)?,
        };
        // Each of them is compared, so that the time tells nothing of which one was right.
        let matches = presented(headers, query)
            .filter(|token| wanted.matches(token))
            .count();
        if matches > 0 {
            Ok(())
        } else {
            Err(Refusal::Token)
        }
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
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    fn access(token: Option<&str>) -> Access {
        Access {
            token: token.map(|token| Token::new(token.to_owned(), "a test").unwrap()),
            ..Access::default()
        }
    }

    fn gate(access: Access) -> Gate {
        Gate::new(access, &["0.0.0.0:3000".parse().unwrap()]).unwrap()
    }

    fn peer(address: &str) -> Peer {
        Peer::Network(address.parse().unwrap())
    }

    const LOCAL: &[(&str, &str)] = &[("host", "localhost:3000")];

    #[test]
    fn loopback_needs_no_token_unless_one_is_set() {
        for address in ["127.0.0.1:9", "[::1]:9", "[::ffff:127.0.0.1]:9"] {
            let open = gate(access(None));
            assert_eq!(open.check(peer(address), &headers(LOCAL), ""), Ok(()));
            let closed = gate(access(Some("secret")));
            let check = |query| closed.check(peer(address), &headers(LOCAL), query);
            assert_eq!(check(""), Err(Refusal::Token));
            assert_eq!(check("token=secret"), Ok(()));
        }
    }

    #[test]
    fn everyone_else_needs_the_token_that_was_made() {
        let gate = gate(access(None));
        let made = gate.made_token().unwrap().reveal().to_owned();
        let stranger = peer("192.0.2.1:9");
        let check = |query: &str| gate.check(stranger, &HeaderMap::new(), query);
        assert_eq!(check(""), Err(Refusal::Token));
        assert_eq!(check(&format!("token={made}")), Ok(()));
        let bearer = headers(&[("authorization", &format!("bearer {made}"))]);
        assert_eq!(gate.check(stranger, &bearer, ""), Ok(()));
    }

    #[test]
    fn no_token_is_made_where_nobody_could_use_it() {
        let loopback = [
            "127.0.0.1:3000".parse().unwrap(),
            "[::1]:3000".parse().unwrap(),
        ];
        let gate = Gate::new(access(None), &loopback).unwrap();
        assert!(gate.made_token().is_none());
        let stranger = peer("192.0.2.1:9");
        assert_eq!(
            gate.check(stranger, &HeaderMap::new(), ""),
            Err(Refusal::Token)
        );
    }

    #[test]
    fn no_token_lets_everyone_in() {
        let gate = gate(Access {
            no_token: true,
            ..Access::default()
        });
        assert!(gate.made_token().is_none());
        assert_eq!(
            gate.check(peer("192.0.2.1:9"), &HeaderMap::new(), ""),
            Ok(())
        );
    }

    #[test]
    fn nobody_enters_while_it_is_not_known_who_may() {
        let broken = Access {
            no_token: true,
            broken: Some("access.toml, line 2: nonsense".to_owned()),
            ..access(Some("secret"))
        };
        let gate = gate(broken);
        for address in ["127.0.0.1:9", "192.0.2.1:9"] {
            let refusal = gate.check(peer(address), &headers(LOCAL), "token=secret");
            let refusal = refusal.unwrap_err();
            assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(refusal.to_string().contains("line 2"), "{refusal}");
        }
        let repaired = gate.with(access(Some("secret")));
        let check = |query| repaired.check(peer("192.0.2.1:9"), &HeaderMap::new(), query);
        assert_eq!(check("token=secret"), Ok(()));
        assert_eq!(check(""), Err(Refusal::Token));
    }

    #[test]
    fn a_token_in_the_query_is_percent_decoded() {
        let gate = gate(access(Some("a&b=c+d%")));
        let check = |query| gate.check(peer("192.0.2.1:9"), &HeaderMap::new(), query);
        assert_eq!(check("x=1&token=a%26b%3Dc%2Bd%25"), Ok(()));
        assert_eq!(check("token=a"), Err(Refusal::Token));
        assert_eq!(check("nottoken=a%26b%3Dc%2Bd%25"), Err(Refusal::Token));
    }

    #[test]
    fn a_foreign_origin_is_refused_token_or_not() {
        let gate = gate(Access {
            allowed_origins: vec!["https://good.example".to_owned()],
            ..access(Some("secret"))
        });
        let check = |origin| {
            let headers = headers(&[("host", "localhost"), ("origin", origin)]);
            gate.check(peer("127.0.0.1:9"), &headers, "token=secret")
        };
        assert_eq!(check("https://good.example"), Ok(()));
        assert_eq!(check("https://evil.example"), Err(Refusal::Origin));
        assert_eq!(check("null"), Err(Refusal::Origin));
    }

    #[test]
    fn a_rebound_name_is_refused_on_loopback() {
        let gate = gate(access(None));
        let check = |host| gate.check(peer("127.0.0.1:9"), &headers(&[("host", host)]), "");
        for good in [
            "localhost",
            "LOCALHOST:3000",
            "127.0.0.1:3000",
            "[::1]:3000",
            "[::1]",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "evil.example",
            "localhost.evil.example:3000",
            "127.0.0.1.nip.io",
            "",
            "a b",
        ] {
            assert_eq!(check(bad), Err(Refusal::Host), "{bad:?}");
        }
        let none = gate.check(peer("127.0.0.1:9"), &HeaderMap::new(), "");
        assert_eq!(none, Err(Refusal::Host));
    }
}
