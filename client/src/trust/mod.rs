//! Trust: decides which agents are trusted, and is the only place that does.
//!
//! Three ways exist, and nothing connects over TLS by none of them:
//!
//! - `--tls-ca FILE`. An agent that presents exactly a certificate of the file is accepted. Its name and its dates are
//!   not looked at, for the certificate itself is known; `--verify-hostname` adds the name. Any other certificate must
//!   be issued by one of the file, be in force, and be for the name that was dialled: whoever else that
//!   authority certified must not pass for this agent.
//! - Otherwise a pin, where one is remembered for this host and port: the agent's key must be that one. Whatever
//!   certificate stands over the key, its name and its dates do not matter; `--verify-hostname` adds the name.
//! - Otherwise the system's authorities, as a browser does it. An agent that they do not vouch for is refused, and the
//!   refusal says what key it presented, so that the user can be asked before there is a screen.
//!
//! The handshake's signatures are always verified: a certificate without its key is worth nothing.

mod client;
mod error;
pub mod known_agents;
mod verifier;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use socktop_proto::pairing::Pin;

use crate::text::sanitize::one_line;
pub use client::ClientIdentity;
use client::Presenter;
pub use error::TrustError;
pub(crate) use verifier::key_of;
use verifier::{Refused, Rule, Verifier, Why};

/// What is trusted, ready to be dialled with.
#[derive(Debug, Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    presenter: Arc<Presenter>,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    Pin { authority: String, pin: Pin },
    System,
}

/// An agent that was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Why, and what to do about it.
    pub(crate) message: String,
    /// The key it presented, where nothing is known that speaks against it: the user may be asked.
    pub(crate) unknown: Option<Pin>,
}

impl Trust {
    /// Trusts what the PEM file `path` holds.
    ///
    /// # Errors
    /// Where it cannot be read or holds no usable certificate.
    pub fn from_file(path: &Path, verify_hostname: bool) -> Result<Self, TrustError> {
        let pem = std::fs::read(path).map_err(|source| TrustError::Read {
            path: path.to_owned(),
            source,
        })?;
        let no_certificate = |detail: String| TrustError::NoCertificate {
            path: path.to_owned(),
            detail,
        };
        let known = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| no_certificate(format!(" ({error})")))?;
        let mut roots = RootCertStore::empty();
        let (usable, _) = roots.add_parsable_certificates(known.iter().cloned());
        if usable == 0 {
            let detail = match known.len() {
                0 => String::new(),
                _ => " (what it holds is no X.509 certificate)".to_owned(),
            };
            return Err(no_certificate(detail));
        }
        let issued = issued_by(roots)?;
        let rule = Rule::File { known, issued };
        Self::by(rule, verify_hostname, Source::File(path.to_owned()))
    }

    /// Trusts the key of `pin` at `authority` (`HOST:PORT`).
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn pinned(authority: &str, pin: Pin, verify_hostname: bool) -> Result<Self, TrustError> {
        let source = Source::Pin {
            authority: authority.to_owned(),
            pin,
        };
        Self::by(Rule::Pin(pin), verify_hostname, source)
    }

    /// Trusts the system's authorities. A system that has none trusts nobody.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn system() -> Result<Self, TrustError> {
        let loaded = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (usable, _) = roots.add_parsable_certificates(loaded.certs);
        if usable == 0 {
            let detail = loaded.errors.first();
            let detail = detail.map_or_else(String::new, |error| format!(" ({error})"));
            return Self::by(Rule::System(Err(detail)), false, Source::System);
        }
        Self::authorities(roots)
    }

    pub(crate) fn authorities(roots: RootCertStore) -> Result<Self, TrustError> {
        Self::by(Rule::System(Ok(issued_by(roots)?)), false, Source::System)
    }

    /// Shows `identity` to an agent that asks for a client's certificate.
    #[must_use]
    pub fn presenting(self, identity: ClientIdentity) -> Self {
        let presenter = Arc::new(Presenter::new(Some(identity)));
        let mut config = ClientConfig::clone(&self.config);
        config.client_auth_cert_resolver = presenter.clone();
        Self {
            config: Arc::new(config),
            presenter,
            source: self.source,
        }
    }

    fn by(rule: Rule, verify_hostname: bool, source: Source) -> Result<Self, TrustError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier {
            rule,
            verify_hostname,
            algorithms: provider.signature_verification_algorithms,
        };
        let presenter = Arc::new(Presenter::new(None));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError::Setup(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(presenter.clone());
        Ok(Self {
            config: Arc::new(config),
            presenter,
            source,
        })
    }

    /// Whether nothing is known of the agent itself, so that the user may be asked about its key.
    pub(crate) fn is_of_strangers(&self) -> bool {
        matches!(self.source, Source::System)
    }

    /// Whether authorities vouch for the agent, and not its remembered key.
    pub(crate) fn is_by_authorities(&self) -> bool {
        matches!(self.source, Source::File(_) | Source::System)
    }

    /// The key that is trusted, where it is remembered.
    pub(crate) fn pin(&self) -> Option<Pin> {
        match self.source {
            Source::Pin { pin, .. } => Some(pin),
            Source::File(_) | Source::System => None,
        }
    }

    /// The configuration to connect with.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }

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

    /// What may be behind a connection that breaks right after the handshake without a word.
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

const WANTS_CERTIFICATE: &str =
    "the agent asks for a client certificate that its client_ca vouches for; pass --cert and --key";

impl Source {
    fn explain(&self, refused: &Refused) -> String {
        let key = refused.presented;
        let Self::File(path) = self else {
            return match (self, &refused.why) {
                (Self::Pin { authority, pin }, Why::OtherKey) => format!(
                    "THE KEY OF THIS AGENT HAS CHANGED: {pin} is remembered for {authority}, it presented {key}. Either \
                     someone intercepts the connection, or the host was installed anew. Compare with what 'sudo \
                     socktop-agent fingerprint' prints on the host; if that is the key it presented, connect again after: \
                     socktop forget {authority}"
                ),
                (Self::Pin { .. }, why) => format!(
                    "{}; leave out --verify-hostname: the key is the right one",
                    reason(why)
                ),
                (_, why) => format!(
                    "its key {key} is not known here, and {}. Compare the key with what 'sudo socktop-agent \
                     fingerprint' prints on the host and start socktop in a terminal to accept it, or give the \
                     line of 'sudo socktop-agent pair' to socktop add, or pass --tls-ca FILE with the agent's \
                     certificate or its authority's",
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
            format!("this system's authorities do not vouch for its certificate ({error})")
        }
        Why::NoAuthorities(detail) => {
            format!("this system has no certificate authorities to ask{detail}")
        }
        Why::OtherKey => "its key is another one".to_owned(),
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

fn issued_by(roots: RootCertStore) -> Result<Arc<WebPkiServerVerifier>, TrustError> {
    WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::new(ring::default_provider()))
        .build()
        .map_err(|error| TrustError::Setup(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, text).unwrap();
        let message = Trust::from_file(&path, false).unwrap_err().to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        message
    }

    #[test]
    fn missing_certificate_file_is_named() {
        let message = Trust::from_file(Path::new("/nowhere/ca.pem"), false).unwrap_err();
        assert!(
            message
                .to_string()
                .contains("--tls-ca /nowhere/ca.pem failed: No such file"),
            "{message}"
        );
    }

    #[test]
    fn file_without_a_certificate_is_named() {
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        for text in [b"".as_slice(), b"notes", &[0x30, 0x82, 1], key.as_bytes()] {
            assert!(fault(text).contains("no certificate in PEM format"));
        }
        let cut_short = "-----BEGIN CERTIFICATE-----\nMIIB\n";
        assert!(fault(cut_short.as_bytes()).contains("no certificate in PEM format in it ("));
        let nonsense = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        assert!(fault(nonsense.as_bytes()).contains("no X.509 certificate"));
    }

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
                "do not vouch",
            ),
            (
                Why::NoAuthorities(" (none)".to_owned()),
                "no certificate authorities to ask (none)",
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
