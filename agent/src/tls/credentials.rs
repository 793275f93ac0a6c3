//! systemd credentials (`systemd.exec(5)`, `LoadCredential=`): the tokens and the TLS identity, as they were when the
//! service started.
//!
//! `LoadCredential=token:FILE` is the file `token` in `$CREDENTIALS_DIRECTORY`; of `LoadCredential=tls:FOLDER/` each
//! file NAME in the folder is `tls_NAME`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;

use crate::auth::client_ca::ClientCa;
use crate::auth::token::TokenError;
use crate::auth::token_file::Tokens;
use crate::tls::identity::{Identity, IdentityError};

/// Where the credentials are, if systemd gave any.
#[derive(Debug, Clone, Default)]
pub struct Credentials(Option<PathBuf>);

impl Credentials {
    /// Those in `$CREDENTIALS_DIRECTORY`, if it is set. `variable` reads the environment.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self(
            variable("CREDENTIALS_DIRECTORY")
                .map(PathBuf::from)
                .filter(|folder| folder.is_absolute()),
        )
    }

    /// The tokens, if there are any.
    ///
    /// # Errors
    /// Where there are some that cannot be read or used.
    pub fn tokens(&self) -> Result<Option<Tokens>, TokenError> {
        let Some(folder) = &self.0 else {
            return Ok(None);
        };
        match Tokens::read(&folder.join("token")) {
            Err(TokenError::Unreadable { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Ok(None)
            }
            tokens => tokens.map(Some),
        }
    }

    /// The TLS pairs, if there are any.
    #[must_use]
    pub fn pairs(&self) -> Option<Pairs> {
        let pairs = Pairs::in_folder(self.0.as_ref()?, "tls_");
        (pairs.has_own() || pairs.made.key.exists() || pairs.made.certificate.exists())
            .then_some(pairs)
    }
}

/// The two identities that a host may have: the admin's and the one that `setup` made.
#[derive(Debug, Clone)]
pub struct Pairs {
    /// `cert.pem` and `key.pem`: the admin's own.
    pub own: Identity,
    /// `self.pem` and `self.key`: made by `setup`.
    pub made: Identity,
}

/// A pair that can be used.
pub struct Chosen {
    /// Which one it is.
    pub identity: Identity,
    /// How to accept TLS with it.
    pub config: Arc<ServerConfig>,
    /// Why the admin's own pair is not the one, where there is something of it.
    pub problem: Option<String>,
}

impl Pairs {
    /// The pairs in `folder`, each file's name beginning with `prefix`.
    #[must_use]
    pub fn in_folder(folder: &Path, prefix: &str) -> Self {
        let file = |name: &str| folder.join(format!("{prefix}{name}"));
        Self {
            own: Identity {
                certificate: file("cert.pem"),
                key: file("key.pem"),
            },
            made: Identity {
                certificate: file("self.pem"),
                key: file("self.key"),
            },
        }
    }

    /// Whether there is anything of the admin's own pair.
    #[must_use]
    pub fn has_own(&self) -> bool {
        self.own.certificate.exists() || self.own.key.exists()
    }

    /// The admin's own pair where it is whole, else the one that was made; and how clients' certificates are judged.
    ///
    /// # Errors
    /// Where neither can be used: what is wrong with the one that was made.
    pub fn choose(&self, client_ca: Option<&ClientCa>) -> Result<Chosen, IdentityError> {
        let problem = match self.own.server_config(client_ca) {
            Ok(config) => {
                return Ok(Chosen {
                    identity: self.own.clone(),
                    config,
                    problem: None,
                });
            }
            Err(error) => self
                .has_own()
                .then(|| format!("using the self-made certificate, not the one set up: {error}")),
        };
        Ok(Chosen {
            identity: self.made.clone(),
            config: self.made.server_config(client_ca)?,
            problem,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder of credentials with a pair that was made.
    fn handed_over() -> (tempfile::TempDir, Credentials, Pairs) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        let credentials = Credentials::from_environment(|name| {
            (name == "CREDENTIALS_DIRECTORY").then(|| path.clone())
        });
        let pairs = Pairs::in_folder(folder.path(), "tls_");
        pairs.made.ensure("host", &[]).unwrap();
        (folder, credentials, pairs)
    }

    fn problem(credentials: &Credentials) -> Option<String> {
        credentials.pairs().unwrap().choose(None).unwrap().problem
    }

    #[test]
    fn credentials_are_none_without_systemd() {
        for value in [None, Some("relative".to_owned())] {
            let credentials = Credentials::from_environment(|_| value.clone());
            assert!(credentials.tokens().unwrap().is_none());
            assert!(credentials.pairs().is_none());
        }
    }

    #[test]
    fn token_credential_is_read_and_none_if_missing() {
        let (folder, credentials, _) = handed_over();
        assert!(credentials.tokens().unwrap().is_none());
        fs::write(folder.path().join("token"), "secret\n").unwrap();
        let tokens = credentials.tokens().unwrap().unwrap();
        assert!(tokens.get("default").unwrap().token.matches("secret"));
        fs::write(folder.path().join("token"), "\n").unwrap();
        let error = credentials.tokens().unwrap_err().to_string();
        assert!(error.contains("token"), "{error}");
    }

    #[test]
    fn generated_identity_alone_is_no_problem() {
        let (_folder, credentials, _) = handed_over();
        assert_eq!(problem(&credentials), None);
    }

    #[test]
    fn complete_own_certificate_is_used() {
        let (_folder, credentials, pairs) = handed_over();
        pairs.own.ensure("own.example", &[]).unwrap();
        // Only the own pair is left to be used.
        fs::remove_file(&pairs.made.key).unwrap();
        assert_eq!(problem(&credentials), None);
    }

    #[test]
    fn incomplete_or_mismatched_own_certificate_is_reported_and_not_used() {
        let (_folder, credentials, pairs) = handed_over();
        pairs.own.ensure("own.example", &[]).unwrap();
        let certificate = fs::read(&pairs.own.certificate).unwrap();
        fs::copy(&pairs.made.certificate, &pairs.own.certificate).unwrap();
        let unmatched = problem(&credentials).unwrap();
        assert!(unmatched.contains("tls_cert.pem"), "{unmatched}");

        fs::write(&pairs.own.certificate, certificate).unwrap();
        fs::remove_file(&pairs.own.key).unwrap();
        let half = problem(&credentials).unwrap();
        assert!(half.contains("tls_key.pem"), "{half}");

        fs::remove_file(&pairs.made.key).unwrap();
        assert!(credentials.pairs().unwrap().choose(None).is_err());
    }
}
