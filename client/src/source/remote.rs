//! From what the user asked for to an endpoint: certificates, token, and the profile to save.

use std::path::PathBuf;

use socktop_proto::pairing::Pin;

use crate::config::agent_url::AgentUrl;
use crate::config::save_profile::Save;
use crate::link::{Endpoint, Intervals};
use crate::secrets::recipient::Recipient;
use crate::secrets::token::{Token, TokenFileError};
use crate::trust::known_agents::{KnownAgents, KnownError};
use crate::trust::{ClientIdentity, Trust, TrustError};

/// An agent to connect to, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The profile it comes from or is saved as.
    pub profile: Option<String>,
    /// Its address.
    pub target: AgentUrl,
    /// The file of certificates to trust; the agent's remembered key or the system's authorities where there is none.
    pub tls_ca: Option<PathBuf>,
    /// Whether a certificate that is trusted as such, or by its key, must also be for the name that is dialled.
    pub verify_hostname: bool,
    /// The client's own certificate and its key, for an agent that asks for one.
    pub client: Option<ClientFiles>,
    /// A file whose token replaces the target's.
    pub token_file: Option<PathBuf>,
    /// Whether the token is the one that the profile has, and not given for this connection.
    pub token_is_stored: bool,
    /// Whom the stored token is for.
    pub token_for: Option<Recipient>,
    /// How often to ask.
    pub intervals: Intervals,
    /// The profile to save first.
    pub save: Option<Save>,
}

/// The files of a client's own certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFiles {
    /// The certificate, its chain after it.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// An endpoint that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The token's file.
    #[error(transparent)]
    Token(#[from] TokenFileError),
    /// The certificates.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The remembered keys.
    #[error(transparent)]
    Known(#[from] KnownError),
}

impl Connect {
    /// Reads the token, the certificates, and what is known of the agent's key.
    ///
    /// # Errors
    /// Where a file cannot be read, or does not hold what it should.
    pub fn endpoint(&self, known: Option<&KnownAgents>) -> Result<Endpoint, ConnectError> {
        let mut target = self.target.clone();
        if let Some(path) = &self.token_file {
            target.set_token(Token::from_file(path)?);
        }
        if let Some(recipient) = &self.token_for {
            target.bind_token(recipient.clone());
        }
        if !target.is_tls() {
            return Ok(Endpoint::Plain(target));
        }
        if let Some(path) = &self.tls_ca {
            let trust = Trust::from_file(path, self.verify_hostname)?;
            return Ok(Endpoint::Tls(target, self.presenting(trust)?));
        }
        let pin = match known {
            Some(known) => known.pin_of(&target.authority())?,
            None => None,
        };
        let trust = match pin {
            Some(pin) => self.pinned(pin)?,
            None => self.presenting(Trust::system()?)?,
        };
        Ok(Endpoint::Tls(target, trust))
    }

    /// Trust in the key of `pin` at the agent's address.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn pinned(&self, pin: Pin) -> Result<Trust, TrustError> {
        self.presenting(Trust::pinned(
            &self.target.authority(),
            pin,
            self.verify_hostname,
        )?)
    }

    fn presenting(&self, trust: Trust) -> Result<Trust, TrustError> {
        match &self.client {
            None => Ok(trust),
            Some(files) => ClientIdentity::from_files(&files.certificate, &files.key)
                .map(|identity| trust.presenting(identity)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_takes_its_token_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let connect = Connect {
            profile: None,
            target: "ws://pi4:3000?token=old".parse().unwrap(),
            tls_ca: None,
            verify_hostname: false,
            client: None,
            token_file: Some(path.clone()),
            token_is_stored: false,
            token_for: None,
            intervals: Intervals::default(),
            save: None,
        };
        assert!(matches!(
            connect.endpoint(None),
            Err(ConnectError::Token(_))
        ));
        std::fs::write(&path, "new\n").unwrap();
        let endpoint = connect.endpoint(None).unwrap();
        assert_eq!(endpoint.target().unwrap().token().unwrap().expose(), "new");
    }
}
