//! Explanations of refused certificates: why an agent was refused, and what the user can do.

use rustls::{AlertDescription, CertificateError};
use socktop_proto::pairing::Pin;

use super::verifier::{Refused, Why};
use super::{Source, Trust};
use crate::text::sanitize::one_line;

/// An agent that was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Why, and what to do about it.
    pub(crate) message: String,
    /// The key that it presented, where the user may be asked whether it is the right one: nothing speaks against it
    /// but that it is unknown.
    pub(crate) unknown: Option<Pin>,
}

impl Trust {
    /// Why a certificate was refused, and what to do about it.
    pub(crate) fn explain(&self, error: &CertificateError) -> Refusal {
        let refused = Refused::of(error);
        Refusal {
            message: match refused {
                Some(refused) => self.source.explain(refused),
                None if *error == CertificateError::BadSignature => INTERCEPTED.to_owned(),
                None => format!("its certificate cannot be used ({error}); is it an agent?"),
            },
            unknown: match (refused, &self.source) {
                (Some(refused), Source::System) => Some(refused.presented),
                _ => None,
            },
        }
    }

    /// What an alert of the agent means, where it is about the client's certificate.
    pub(crate) fn explain_alert(&self, alert: AlertDescription) -> Option<&'static str> {
        use AlertDescription::{
            AccessDenied, BadCertificate, CertificateExpired, CertificateRequired,
            CertificateRevoked, CertificateUnknown, DecryptError, HandshakeFailure, UnknownCA,
            UnsupportedCertificate,
        };
        match alert {
            CertificateRequired => Some(WANTS_CERTIFICATE),
            // In TLS 1.2 a missing certificate has no alert of its own.
            HandshakeFailure | AccessDenied | BadCertificate if self.presenter.had_none() => {
                Some(WANTS_CERTIFICATE)
            }
            CertificateExpired if self.presenter.showed_one() => Some(
                "the agent refuses the client certificate as expired or not valid yet; renew it, or compare the clocks \
                 of both machines",
            ),
            UnknownCA
            | AccessDenied
            | BadCertificate
            | CertificateUnknown
            | CertificateRevoked
            | DecryptError
            | UnsupportedCertificate
                if self.presenter.showed_one() =>
            {
                Some(
                    "the agent refuses the client certificate; pass --cert and --key with one that its client_ca \
                     vouches for",
                )
            }
            _ => None,
        }
    }

    /// The probable reason of a connection that is closed right after the handshake.
    pub(crate) fn explain_break(&self) -> Option<&'static str> {
        if self.presenter.had_none() {
            Some(WANTS_CERTIFICATE)
        } else {
            self.presenter.showed_one().then_some(
                "the agent closed the connection when it had seen the client certificate; pass --cert and --key with one \
                 that its client_ca vouches for",
            )
        }
    }
}

const INTERCEPTED: &str = "it presents a certificate without having its key: someone between you and the agent intercepts \
                           the connection";

const WANTS_CERTIFICATE: &str = "the agent requires a client certificate that is issued by its client_ca; pass --cert and --key";

impl Source {
    fn explain(&self, refused: &Refused) -> String {
        let key = refused.presented;
        let Self::File(path) = self else {
            return match (self, &refused.why) {
                (Self::Pin { authority, pin }, Why::OtherKey) => format!(
                    "THE KEY OF THIS AGENT HAS CHANGED: {pin} is remembered for {authority}, it presented {key}. Either \
                     someone intercepts the connection, or the host was reinstalled. Compare with what 'sudo \
                     socktop-agent fingerprint' prints on the host; if that is the key it presented, connect again after: \
                     socktop forget {authority}"
                ),
                (Self::Pin { .. }, why) => format!(
                    "{}; leave out --verify-hostname: the key is the right one",
                    reason(why)
                ),
                (_, why) => format!(
                    "its key {key} is not known here, and {}. Compare the key with what 'sudo socktop-agent \
                     fingerprint' prints on the host and accept it in socktop (r asks again), or give the line of 'sudo \
                     socktop-agent pair' to socktop add, or pass --tls-ca FILE with the agent's certificate or \
                     its authority's",
                    reason(why)
                ),
            };
        };
        let path = path.display();
        match &refused.why {
            why @ Why::Certificate(CertificateError::NotValidForNameContext { .. }) => format!(
                "{}; use one of these names, or put that certificate itself into {path} and leave out \
                 --verify-hostname",
                reason(why)
            ),
            Why::Certificate(
                error @ (CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }),
            ) => format!("{error}; compare the clocks of both machines, or renew it"),
            Why::Certificate(error) => format!(
                "its certificate is neither in {path} nor issued by one in it ({error}); if the agent has \
                 a new one, copy it (on its machine: …/tls/cert.pem) to {path}"
            ),
            Why::OtherKey | Why::NoAuthorities(_) => refused.to_string(),
        }
    }
}

/// Why a certificate was refused, as half a sentence.
fn reason(why: &Why) -> String {
    match why {
        Why::Certificate(CertificateError::NotValidForNameContext { presented, .. }) => format!(
            "its certificate is not for this name but for {}",
            names(presented)
        ),
        Why::Certificate(error) => {
            format!("its certificate is not valid by this system's authorities ({error})")
        }
        Why::NoAuthorities(detail) => {
            format!("this system has no certificate authorities{detail}")
        }
        Why::OtherKey => "its key is a different one".to_owned(),
    }
}

/// The names in a certificate, which the library gives as `DnsName("pi4")`, as a user would write them.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest);
        inner.trim_end_matches(')').trim_matches('"').to_owned()
    };
    let names: Vec<_> = presented.iter().take(8).map(bare).collect();
    if names.is_empty() {
        "no name at all".to_owned()
    } else {
        one_line(&names.join(", "), 200)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_names_are_shown_without_their_type() {
        let presented = ["DnsName(\"pi4.lan\")", "IpAddress(127.0.0.1)"].map(String::from);
        assert_eq!(names(&presented), "pi4.lan, 127.0.0.1");
        assert_eq!(names(&[]), "no name at all");
    }

    #[test]
    fn refusal_by_system_authorities_suggests_remembering_the_key() {
        let refused = |why| Refused {
            presented: Pin::from_digest([0xa5; 32]),
            why,
        };
        for (why, reason) in [
            (
                Why::Certificate(CertificateError::UnknownIssuer),
                "not valid by this system's authorities",
            ),
            (
                Why::NoAuthorities(" (none)".to_owned()),
                "no certificate authorities (none)",
            ),
        ] {
            let advice = Source::System.explain(&refused(why));
            assert!(advice.contains(reason), "{advice}");
            for way in [
                "sha256:a5a5",
                "socktop-agent fingerprint",
                "socktop add",
                "pass --tls-ca FILE",
            ] {
                assert!(advice.contains(way), "{advice}");
            }
        }
    }
}
