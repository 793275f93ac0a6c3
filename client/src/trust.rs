//! Which agents' certificates are accepted.
//!
//! Two ways exist, and nothing connects over TLS by neither:
//!
//! - `--tls-ca FILE`. An agent that presents exactly a certificate of the file is accepted: that is
//!   how self-signed agents are trusted. Its name and its dates are not looked at, for the
//!   certificate itself is known; `--verify-hostname` adds the name. Any other certificate must
//!   be issued by one of the file, be in force, and be for the name that was dialled: whoever else that
//!   authority certified must not pass for this agent.
//! - Otherwise the system's authorities, as a browser does it.
//!
//! The handshake's signatures are always verified.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

/// What is trusted, ready to be dialled with.
#[derive(Debug, Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    System,
}

/// Trust that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("reading the certificates of --tls-ca {} failed: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds no certificate.
    #[error(
        "--tls-ca {}: no certificate in PEM format in it{detail}; give the agent's certificate (its tls/cert.pem) \
         or its authority's",
        path.display()
    )]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What was wrong with it, if it was nearly one.
        detail: String,
    },
    /// The system has no authorities.
    #[error(
        "this system has no certificate authorities to check a wss agent by{detail}; pass --tls-ca FILE with the \
         agent's certificate (its tls/cert.pem), or install the package ca-certificates"
    )]
    NoAuthorities {
        /// What failed to load.
        detail: String,
    },
    /// The TLS library refused its setup.
    #[error("setting up TLS failed: {0}")]
    Setup(String),
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
        let provider = Arc::new(ring::default_provider());
        let issued = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
            .build()
            .map_err(|error| TrustError::Setup(error.to_string()))?;
        let verifier = FileVerifier {
            known,
            verify_hostname,
            issued,
        };
        let config = builder(provider)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
            source: Source::File(path.to_owned()),
        })
    }

    /// Trusts the system's authorities.
    ///
    /// # Errors
    /// Where it has none.
    pub fn system() -> Result<Self, TrustError> {
        let loaded = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (usable, _) = roots.add_parsable_certificates(loaded.certs);
        if usable == 0 {
            let detail = loaded.errors.first();
            return Err(TrustError::NoAuthorities {
                detail: detail.map_or_else(String::new, |error| format!(" ({error})")),
            });
        }
        let config = builder(Arc::new(ring::default_provider()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
            source: Source::System,
        })
    }

    /// The configuration to connect with.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }

    /// Why a certificate was refused, and what to do about it.
    pub(crate) fn explain(&self, refusal: &CertificateError) -> String {
        self.source.explain(refusal)
    }
}

impl Source {
    fn explain(&self, refusal: &CertificateError) -> String {
        match (refusal, self) {
            (CertificateError::NotValidForNameContext { presented, .. }, source) => {
                let names = names(presented);
                match source {
                    Self::System => format!(
                        "its certificate is not for this name but for {names}; use one of these names, or pass \
                         --tls-ca FILE with the agent's certificate"
                    ),
                    Self::File(path) => format!(
                        "its certificate is not for this name but for {names}; use one of these names, or put \
                         that certificate itself into {} and leave out --verify-hostname",
                        path.display()
                    ),
                }
            }
            (
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
                _,
            ) => format!("{refusal}; compare the clocks of both machines, or renew it"),
            // Unknown issuers, and what else a self-signed certificate looks like to the checker.
            (_, Self::System) => format!(
                "its certificate is not one that this system's authorities vouch for ({refusal}); pass --tls-ca \
                 FILE with the agent's certificate (on its machine: …/tls/cert.pem)"
            ),
            (_, Self::File(path)) => format!(
                "its certificate is neither in {path} nor issued by one in it ({refusal}); if the agent has \
                 a new one, copy it (on its machine: …/tls/cert.pem) to {path}",
                path = path.display()
            ),
        }
    }
}

/// The names in a certificate, which the library gives as `DnsName("pi4")`, as a user would write them.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest);
        inner.trim_end_matches(')').trim_matches('"').to_owned()
    };
    let names: Vec<_> = presented.iter().map(bare).collect();
    if names.is_empty() {
        "no name at all".to_owned()
    } else {
        names.join(", ")
    }
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, TrustError> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TrustError::Setup(error.to_string()))
}

/// Accepts what a file of certificates vouches for.
struct FileVerifier {
    known: Vec<CertificateDer<'static>>,
    verify_hostname: bool,
    issued: Arc<WebPkiServerVerifier>,
}

impl fmt::Debug for FileVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FileVerifier")
            .field("certificates", &self.known.len())
            .field("verify_hostname", &self.verify_hostname)
            .finish_non_exhaustive()
    }
}

impl ServerCertVerifier for FileVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if !self.known.contains(end_entity) {
            return self.issued.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            );
        }
        if self.verify_hostname {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            rustls::client::verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.issued
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.issued
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.issued.supported_verify_schemes()
    }
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
    fn a_file_that_is_not_there() {
        let message = Trust::from_file(Path::new("/nowhere/ca.pem"), false).unwrap_err();
        assert!(
            message
                .to_string()
                .contains("--tls-ca /nowhere/ca.pem failed: No such file"),
            "{message}"
        );
    }

    #[test]
    fn files_without_a_certificate() {
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
    fn names_are_written_plainly() {
        let presented = ["DnsName(\"pi4.lan\")", "IpAddress(127.0.0.1)"].map(String::from);
        assert_eq!(names(&presented), "pi4.lan, 127.0.0.1");
        assert_eq!(names(&[]), "no name at all");
    }

    #[test]
    fn without_a_file_the_advice_is_to_pass_one() {
        let advice = Source::System.explain(&CertificateError::UnknownIssuer);
        assert!(advice.contains("pass --tls-ca FILE"), "{advice}");
    }
}
