//! Errors of setting up trust.

use std::io;
use std::path::PathBuf;

/// Trust that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("reading the certificates of --tls-ca {} failed: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
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
    /// The client's own certificate or key.
    #[error("{option} {}: {detail}", path.display())]
    Client {
        /// `--cert` or `--key`.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        detail: String,
    },
    /// The TLS library refused its setup.
    #[error("setting up TLS failed: {0}")]
    Setup(String),
}
