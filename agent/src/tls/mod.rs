//! TLS: the identity, and the verification of client certificates.

pub mod credentials;
pub mod identity;

use std::sync::Arc;

use rustls::ServerConfig;

use crate::auth::client_ca::ClientCa;
use crate::tls::credentials::Credentials;
use crate::tls::identity::{Identity, IdentityError};

/// An identity in use.
pub struct Tls {
    /// How to accept TLS with it.
    pub config: Arc<ServerConfig>,
    /// Where it is kept.
    pub identity: Identity,
    /// Why it is not the one that the admin set up.
    pub problem: Option<String>,
}

/// No identity can be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Of those that systemd hands over.
    #[error(
        "no usable TLS identity among systemd's credentials, which 'socktop-agent setup' would repair: {0}"
    )]
    Credentials(IdentityError),
    /// The one in the user's own folder.
    #[error(transparent)]
    Own(IdentityError),
}

impl Tls {
    /// The identity among systemd's `credentials`, else the one in the user's folder, which is made on first use for
    /// `hostname` and the `extra_names`; and how clients' certificates are judged, where there is a `client_ca`.
    ///
    /// # Errors
    /// Where no identity can be used.
    pub fn load(
        credentials: &Credentials,
        client_ca: Option<&ClientCa>,
        hostname: &str,
        extra_names: &[String],
    ) -> Result<Self, TlsError> {
        if let Some(pairs) = credentials.pairs() {
            let chosen = pairs.choose(client_ca).map_err(TlsError::Credentials)?;
            return Ok(Self {
                config: chosen.config,
                identity: chosen.identity,
                problem: chosen.problem,
            });
        }
        let identity =
            Identity::in_data_folder(|name| std::env::var(name).ok()).map_err(TlsError::Own)?;
        let _lock = identity.lock().map_err(TlsError::Own)?;
        identity
            .ensure(hostname, extra_names)
            .map_err(TlsError::Own)?;
        Ok(Self {
            config: identity.server_config(client_ca).map_err(TlsError::Own)?,
            identity,
            problem: None,
        })
    }
}
