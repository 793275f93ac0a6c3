//! The certificate verifier that TLS calls during the handshake.

use std::fmt;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use socktop_proto::pairing::Pin;

/// What a certificate has to be.
pub(super) enum Rule {
    /// One of these, or issued by one of these.
    File {
        known: Vec<CertificateDer<'static>>,
        issued: Arc<WebPkiServerVerifier>,
    },
    /// Over the key with this pin.
    Pin(Pin),
    /// Issued by one of the system's authorities; or why there are none.
    System(Result<Arc<WebPkiServerVerifier>, String>),
}

/// Accepts what a rule asks for. The handshake's signatures are verified whatever the rule is.
pub(super) struct Verifier {
    pub(super) rule: Rule,
    pub(super) verify_hostname: bool,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// Why a certificate was refused.
#[derive(Debug)]
pub(super) struct Refused {
    /// The key it was for.
    pub(super) presented: Pin,
    pub(super) why: Why,
}

#[derive(Debug)]
pub(super) enum Why {
    /// What the library says.
    Certificate(CertificateError),
    /// Another key is pinned.
    OtherKey,
    /// There are no authorities to ask.
    NoAuthorities(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the key {} is not trusted", self.presented)
    }
}

impl std::error::Error for Refused {}

impl Refused {
    /// What the handshake ended with, if it was this.
    pub(super) fn of(error: &CertificateError) -> Option<&Self> {
        match error {
            CertificateError::Other(OtherError(error)) => error.downcast_ref(),
            _ => None,
        }
    }

    fn into_error(self) -> rustls::Error {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(self))))
    }
}

impl Verifier {
    fn accepts(
        &self,
        certificate: &ParsedCertificate<'_>,
        end_entity: &CertificateDer<'_>,
        presented: Pin,
        name: &ServerName<'_>,
        issued_by: impl Fn(&WebPkiServerVerifier) -> Result<(), rustls::Error>,
    ) -> Result<(), Fault> {
        match &self.rule {
            Rule::File { known, issued } if !known.contains(end_entity) => {
                return Ok(issued_by(issued)?);
            }
            Rule::Pin(pin) if *pin != presented => return Err(Fault::Why(Why::OtherKey)),
            Rule::File { .. } | Rule::Pin(_) => {}
            Rule::System(Ok(authorities)) => return Ok(issued_by(authorities)?),
            Rule::System(Err(detail)) => {
                return Err(Fault::Why(Why::NoAuthorities(detail.clone())));
            }
        }
        if self.verify_hostname {
            rustls::client::verify_server_name(certificate, name)?;
        }
        Ok(())
    }
}

enum Fault {
    Why(Why),
    Tls(rustls::Error),
}

impl From<rustls::Error> for Fault {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => Self::Why(Why::Certificate(error)),
            error => Self::Tls(error),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let presented = pin_of(&certificate);
        let issued_by = |authorities: &WebPkiServerVerifier| {
            authorities
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .map(drop)
        };
        match self.accepts(&certificate, end_entity, presented, server_name, issued_by) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(Fault::Why(why)) => Err(Refused { presented, why }.into_error()),
            Err(Fault::Tls(error)) => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The pin of the key that the certificate of a connection's other end is for.
pub(crate) fn key_of(certificate: &CertificateDer<'_>) -> Option<Pin> {
    let certificate = ParsedCertificate::try_from(certificate).ok()?;
    Some(pin_of(&certificate))
}

/// The pin of the key that a certificate is for.
fn pin_of(certificate: &ParsedCertificate<'_>) -> Pin {
    let key = certificate.subject_public_key_info();
    let hash = digest(&SHA256, &key);
    let mut bytes = [0; 32];
    for (byte, of_hash) in bytes.iter_mut().zip(hash.as_ref()) {
        *byte = *of_hash;
    }
    Pin::from_digest(bytes)
}

impl fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Verifier")
            .field(
                "rule",
                &match &self.rule {
                    Rule::File { .. } => "file",
                    Rule::Pin(_) => "pin",
                    Rule::System(_) => "system",
                },
            )
            .field("verify_hostname", &self.verify_hostname)
            .finish_non_exhaustive()
    }
}
