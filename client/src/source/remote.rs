//! Agents: from what the user asked for to an endpoint, by certificates, remembered keys and tokens.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use socktop_proto::pairing::Pin;

use crate::config::agent_url::AgentUrl;
use crate::config::paths::Home;
use crate::config::profiles::{Profiles, ProfilesError};
use crate::config::save_profile::Save;
use crate::link::{BoxError, Endpoint, EndpointSource, Intervals};
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
    /// What the user calls it: the profile, or the address.
    #[must_use]
    pub fn name(&self) -> String {
        let profile = self.profile.clone();
        profile.unwrap_or_else(|| self.target.shown_host())
    }

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

/// An agent that a link connects to. Its clones are the same agent.
#[derive(Debug, Clone)]
pub struct Agent(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connect: Result<Connect, String>,
    home: Option<Home>,
    /// Whether its profile was saved with what was given now.
    is_saved: bool,
    session: Mutex<Session>,
}

/// What this run of the program knows of an agent.
#[derive(Debug, Default)]
struct Session {
    /// The token that the user entered.
    token: Option<Token>,
    /// Whom the token is for: the agent that has taken it.
    recipient: Option<Recipient>,
}

/// An answer of the user that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// There is no place to remember the key.
    #[error("there is no place to remember a key in: neither XDG_DATA_HOME nor HOME is set")]
    NoHome,
    /// The key cannot be remembered.
    #[error(transparent)]
    Known(#[from] KnownError),
}

impl Agent {
    /// The agent of `connect`, or what is wrong with it; its key is remembered in `home`. `is_saved` tells that its
    /// profile was saved with what was given now.
    #[must_use]
    pub fn new(connect: Result<Connect, String>, home: Option<&Home>, is_saved: bool) -> Self {
        Self(Arc::new(Inner {
            connect,
            home: home.cloned(),
            is_saved,
            session: Mutex::default(),
        }))
    }

    /// Remembers `key` as this agent's.
    ///
    /// # Errors
    /// Where it cannot be remembered.
    pub fn trust_key(&self, key: Pin) -> Result<(), AnswerError> {
        let home = self.0.home.as_ref().ok_or(AnswerError::NoHome)?;
        if let Ok(connect) = &self.0.connect {
            let authority = connect.target.authority();
            home.known_agents().remember(&authority, key)?;
        }
        Ok(())
    }

    /// Shows `token` to the agent from now on, for this run of the program.
    pub fn use_token(&self, token: Token) {
        *self.0.session.lock() = Session {
            token: Some(token),
            recipient: None,
        };
    }

    /// Notes in the profile that its token is for `recipient`, unless the profile says already whom it is for.
    fn bind_token(&self, connect: &Connect, recipient: &Recipient) -> Result<(), ProfilesError> {
        let is_new = self.0.is_saved || connect.token_is_stored && connect.token_for.is_none();
        match (&self.0.home, &connect.profile) {
            (Some(home), Some(profile)) if is_new => Profiles::bind_token(
                &home.profiles,
                profile,
                &connect.target.authority(),
                recipient,
            ),
            _ => Ok(()),
        }
    }
}

impl EndpointSource for Agent {
    fn endpoint(&self) -> Result<Endpoint, BoxError> {
        let connect = self.0.connect.as_ref().map_err(Clone::clone)?;
        let known = self.0.home.as_ref().map(Home::known_agents);
        let mut endpoint = connect.endpoint(known.as_ref())?;
        let session = self.0.session.lock();
        if let Some(token) = &session.token {
            endpoint.set_token(token.clone());
        }
        if let Some(recipient) = &session.recipient {
            endpoint.bind_token(recipient.clone());
        }
        Ok(endpoint)
    }

    fn connected(&self, endpoint: &Endpoint) {
        let Some(recipient) = endpoint.recipient().filter(|_| endpoint.has_token()) else {
            return;
        };
        let mut session = self.0.session.lock();
        if session.recipient.is_some() {
            return;
        }
        // Where the profile cannot be written, the token is bound for this run alone, and again in the next one.
        if session.token.is_none()
            && let Ok(connect) = &self.0.connect
        {
            let _ = self.bind_token(connect, &recipient);
        }
        session.recipient = Some(recipient);
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
