//! Trust: decides which agents are trusted, and is the only place that does.
//!
//! Three ways exist, and nothing connects over TLS by none of them:
//!
//! - `--tls-ca FILE`. An agent that presents exactly a certificate of the file is accepted. Its name and its dates are
//!   not looked at, for the certificate itself is known; `--verify-hostname` adds the name. Any other certificate must
//!   be issued by one of the file, be in force, and be for the name that was dialled: other certificates of that
//!   authority must not pass for this agent's.
//! - Otherwise a pin, where one is remembered for this host and port: the agent's key must be that one. Whatever
//!   certificate stands over the key, its name and its dates do not matter; `--verify-hostname` adds the name.
//! - Otherwise the system's authorities, as a browser does it. An agent that they do not vouch for is refused, and the
//!   refusal says what key it presented, so that the user can be asked.
//!
//! The handshake's signatures are always verified: a certificate without its key is worth nothing.

mod client;
mod error;
mod explain;
pub mod known_agents;
mod verifier;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use socktop_proto::pairing::Pin;

pub use client::ClientIdentity;
use client::Presenter;
pub use error::TrustError;
pub(crate) use explain::Refusal;
pub(crate) use verifier::key_of;
use verifier::{Rule, Verifier};

/// A kind of trust, with the TLS configuration for it.
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

    /// Trusts the system's authorities. A system without any trusts no agent.
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
}
