//! How TLS is spoken: by which identity, and how clients' certificates are judged.

pub mod credentials;
pub mod identity;

use std::sync::Arc;

use rustls::ServerConfig;

use crate::config::Config;
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
    /// The identity that systemd hands over, else the one in the user's folder, which is made on first use, for
    /// `hostname`. Nothing where `config` says that TLS is not spoken.
    ///
    /// # Errors
    /// Where no identity can be used.
    pub fn load(config: &Config, hostname: &str) -> Result<Option<Self>, TlsError> {
        if !config.tls {
            return Ok(None);
        }
        // Where it is not known who may enter, nobody is asked for a certificate: each is told by HTTP.
        let client_ca = config.access.client_ca.as_ref();
        if let Some(pairs) = config.credentials.pairs() {
            let chosen = pairs.choose(client_ca).map_err(TlsError::Credentials)?;
            return Ok(Some(Self {
                config: chosen.config,
                identity: chosen.identity,
                problem: chosen.problem,
            }));
        }
        let identity =
            Identity::in_data_folder(|name| std::env::var(name).ok()).map_err(TlsError::Own)?;
        let _lock = identity.lock().map_err(TlsError::Own)?;
        identity
            .ensure(hostname, &config.extra_names)
            .map_err(TlsError::Own)?;
        Ok(Some(Self {
            config: identity.server_config(client_ca).map_err(TlsError::Own)?,
            identity,
            problem: None,
        }))
    }
}
