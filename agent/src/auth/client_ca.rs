//! Client certificates: the authority that must have issued them, and the rights that they grant.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use serde::Deserialize;

/// What a client has to show where `client_ca` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Require {
    /// A certificate; clients without one need what is required without `client_ca`, most often a token.
    #[default]
    Either,
    /// A certificate; tokens give no access.
    Certificate,
    /// A certificate and a token.
    Both,
}

/// Authorities that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientCaError {
    /// The file cannot be read.
    #[error(
        "reading client_ca {path}: {source}; the agent is not root, so others must be able to read it"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It holds no certificate.
    #[error("client_ca {path} holds no usable certificate in PEM format: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The authorities for client certificates.
#[derive(Clone)]
pub struct ClientCa {
    path: PathBuf,
    require: Require,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl ClientCa {
    /// The authorities in the PEM file at `path`.
    ///
    /// # Errors
    /// Where it cannot be read, or holds no usable certificate.
    pub fn read(path: &Path, require: Require) -> Result<Self, ClientCaError> {
        let pem = std::fs::read(path).map_err(|source| ClientCaError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let unusable = |reason: &dyn fmt::Display| ClientCaError::Unusable {
            path: path.to_owned(),
            reason: reason.to_string(),
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| unusable(&error))?;
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
        let provider = Arc::new(ring::default_provider());
        let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        let builder = match require {
            // Clients without a certificate need a token.
            Require::Either => builder.allow_unauthenticated(),
            // Clients without a certificate are refused in the handshake: nothing is read from them.
            Require::Certificate | Require::Both => builder,
        };
        Ok(Self {
            path: path.to_owned(),
            require,
            verifier: builder.build().map_err(|error| unusable(&error))?,
        })
    }

    /// What a client has to show.
    #[must_use]
    pub fn require(&self) -> Require {
        self.require
    }

    /// How TLS judges a client's certificate.
    #[must_use]
    pub fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier)
    }
}

impl fmt::Debug for ClientCa {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ClientCa")
            .field("path", &self.path)
            .field("require", &self.require)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_file_is_named() {
        let fault = |path: &Path| {
            let error = ClientCa::read(path, Require::Both).unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
            error
        };
        assert!(fault(Path::new("/nonexistent/ca.pem")).contains("others must be able to read it"));
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in [
            "",
            "nonsense",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        ] {
            std::fs::write(file.path(), text).unwrap();
            assert!(fault(file.path()).contains("no usable certificate"));
        }
    }
}
