//! Access rules from the settings: who may connect, and by token, certificate or both.

use crate::auth::client_ca::{ClientCa, Require};
use crate::auth::token_file::NamedToken;

/// The access rules: which clients may connect.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The tokens that let a client in. Where there is one, everyone is asked.
    pub tokens: Vec<NamedToken>,
    /// Whether all clients are admitted without a token. If not, and without a token, only loopback clients are.
    pub no_token: bool,
    /// Origins whose pages may connect.
    pub allowed_origins: Vec<String>,
    /// The authorities for client certificates, where these are accepted.
    pub client_ca: Option<ClientCa>,
    /// Why the access rules are invalid; then all clients are denied.
    pub broken: Option<String>,
}

impl Access {
    /// Whether a token is a way in.
    #[must_use]
    pub fn asks_for_tokens(&self) -> bool {
        let require = self.client_ca.as_ref().map(ClientCa::require);
        !self.no_token && require != Some(Require::Certificate)
    }
}
