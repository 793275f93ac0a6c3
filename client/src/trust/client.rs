//! The client certificate that is presented to an agent that requests one.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::TrustError;

/// A client's certificate with its chain, and its key. `Debug` shows neither.
#[derive(Clone)]
pub struct ClientIdentity(Arc<CertifiedKey>);

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ClientIdentity(hidden)")
    }
}

impl ClientIdentity {
    /// Reads the certificate, its chain after it, from the PEM file `certificate`, and its key from `key`.
    ///
    /// # Errors
    /// Where a file cannot be read, holds no such thing, or the two do not belong together.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TrustError> {
        let wrong_certificate = |detail| TrustError::Client {
            option: "--cert",
            path: certificate.to_owned(),
            detail,
        };
        let wrong_key = |detail| TrustError::Client {
            option: "--key",
            path: key.to_owned(),
            detail,
        };
        let chain = read(certificate)
            .and_then(|pem| {
                CertificateDer::pem_slice_iter(&pem)
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| format!("{error}; expected certificates in PEM format"))
            })
            .map_err(wrong_certificate)?;
        if chain.is_empty() {
            return Err(wrong_certificate(
                "no certificate in PEM format in it; give the one that the agent's client_ca issued".to_owned(),
            ));
        }
        let secret = read(key)
            .and_then(|pem| PrivateKeyDer::from_pem_slice(&pem).map_err(|error| no_key(&error)))
            .map_err(wrong_key)?;
        let pair = CertifiedKey::from_der(chain, secret, &ring::default_provider()).map_err(
            |error| match error {
                rustls::Error::InconsistentKeys(_) => wrong_key(format!(
                    "this is not the key of the certificate in {}; give the two that were made together",
                    certificate.display()
                )),
                rustls::Error::InvalidCertificate(error) => {
                    wrong_certificate(format!("not an X.509 certificate ({error})"))
                }
                error => wrong_key(format!(
                    "this key cannot be used ({error}); expected an EC (P-256, P-384), Ed25519 or RSA key"
                )),
            },
        )?;
        Ok(Self(Arc::new(pair)))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("reading it failed: {error}; it has to be readable by you")
        }
        _ => format!("reading it failed: {error}"),
    })
}

fn no_key(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => {
            "no private key in PEM format in it; a key with a passphrase has to be stored \
                                     without it (openssl pkey -in … -out …)"
                .to_owned()
        }
        error => format!("{error}; expected a private key in PEM format"),
    }
}

/// Shows the certificate, where there is one, to an agent that asks; and remembers that it asked.
#[derive(Debug)]
pub(super) struct Presenter {
    identity: Option<ClientIdentity>,
    asked: AtomicBool,
}

impl Presenter {
    pub(super) fn new(identity: Option<ClientIdentity>) -> Self {
        Self {
            identity,
            asked: AtomicBool::new(false),
        }
    }

    /// Whether the agent asked for a certificate and there was none to show.
    pub(super) fn had_none(&self) -> bool {
        self.identity.is_none() && self.asked.load(Ordering::Relaxed)
    }

    /// Whether the agent asked for a certificate and got one.
    pub(super) fn showed_one(&self) -> bool {
        self.identity.is_some() && self.asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Presenter {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.identity.as_ref().map(|identity| identity.0.clone())
    }

    fn has_certs(&self) -> bool {
        // Also without one: the question is worth knowing of.
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(certificate: &str, key: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let [cert_file, key_file] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
        std::fs::write(&cert_file, certificate).unwrap();
        std::fs::write(&key_file, key).unwrap();
        match ClientIdentity::from_files(&cert_file, &key_file) {
            Ok(identity) => format!("{identity:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn invalid_client_certificate_files_are_named() {
        let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let (one, other) = (made("one"), made("other"));
        let (cert, key) = (one.cert.pem(), one.signing_key.serialize_pem());
        assert_eq!(message(&cert, &key), "ClientIdentity(hidden)");
        for (cert, key, part) in [
            ("", key.as_str(), "--cert"),
            (
                key.as_str(),
                key.as_str(),
                "cert.pem: no certificate in PEM",
            ),
            (cert.as_str(), "", "key.pem: no private key in PEM format"),
            (cert.as_str(), cert.as_str(), "--key"),
            (
                cert.as_str(),
                other.signing_key.serialize_pem().as_str(),
                "is not the key of the certificate in",
            ),
        ] {
            let message = message(cert, key);
            assert!(message.contains(part), "{part}: {message}");
        }
        let nowhere = Path::new("/nowhere/cert.pem");
        let message = ClientIdentity::from_files(nowhere, nowhere).unwrap_err();
        assert!(
            message
                .to_string()
                .contains("--cert /nowhere/cert.pem: reading it failed"),
            "{message}"
        );
    }
}
