//! From what the user asked for to an endpoint: certificates, token, and the profile to save.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use crate::link::{self, Endpoint, Intervals};
use crate::profiles::{Profile, Profiles, ProfilesError};
use crate::target::Target;
use crate::token::{self, Token, TokenFileError};
use crate::trust::{Trust, TrustError};

/// An agent to connect to, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The profile it comes from or is saved as.
    pub profile: Option<String>,
    /// Its address.
    pub target: Target,
    /// The file of certificates to trust; the system's authorities where there is none.
    pub tls_ca: Option<PathBuf>,
    /// Whether a certificate of that file must also be for the name that is dialled.
    pub verify_hostname: bool,
    /// A file whose token replaces the target's.
    pub token_file: Option<PathBuf>,
    /// How often to ask.
    pub intervals: Intervals,
    /// The profile to save first.
    pub save: Option<Save>,
}

/// A profile to save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    /// Its name.
    pub name: String,
    /// What to save.
    pub profile: Profile,
    /// Whether another profile of that name is lost, so that the user has to agree.
    pub ask: bool,
}

impl Save {
    /// What to ask the user before it is saved.
    #[must_use]
    pub fn question(&self) -> Option<String> {
        self.ask
            .then(|| format!("Overwrite the profile {:?}?", self.name))
    }

    /// Saves it to the file of profiles at `path`.
    ///
    /// # Errors
    /// Where the file cannot be read or written.
    pub fn apply(self, path: &Path) -> Result<(), ProfilesError> {
        let mut profiles = Profiles::load(path)?;
        profiles.profiles.insert(self.name, self.profile);
        profiles.save(path)
    }
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
}

impl Connect {
    /// Reads the token and the certificates.
    ///
    /// # Errors
    /// Where a file cannot be read, or holds neither.
    pub fn endpoint(&self) -> Result<Endpoint, ConnectError> {
        let mut target = self.target.clone();
        if let Some(path) = &self.token_file {
            target.set_token(Token::from_file(path)?);
        }
        if !target.is_tls() {
            return Ok(Endpoint::Plain(target));
        }
        let trust = match &self.tls_ca {
            Some(path) => Trust::from_file(path, self.verify_hostname)?,
            None => Trust::system()?,
        };
        Ok(Endpoint::Tls(target, trust))
    }
}

/// Dials once before there is a screen: where the agent wants a token, and standard input is a terminal, asks the
/// user for it. Any other failure is left for the link to report.
///
/// # Errors
/// `Interrupted` where a signal ended the question; else where the terminal fails, or what was entered is no token.
pub async fn ask_for_token(endpoint: &mut Endpoint) -> io::Result<()> {
    if !io::stdin().is_terminal() {
        return Ok(());
    }
    let Err(error) = link::probe(endpoint).await else {
        return Ok(());
    };
    if error.is_unauthorized()
        && let Some(token) = token::prompt(&endpoint.to_string()).await?
    {
        endpoint.set_token(token);
    }
    Ok(())
}

/// Asks a question that `y` or `yes` agrees to; anything else, and no answer, does not.
///
/// # Errors
/// Where asking or reading fails.
pub fn confirm(
    question: &str,
    answers: &mut impl BufRead,
    screen: &mut impl Write,
) -> io::Result<bool> {
    write!(screen, "{question} [y/N] ")?;
    screen.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (answer, agreed) in [
            ("y\n", true),
            ("YES\n", true),
            ("\n", false),
            ("", false),
            ("no\n", false),
        ] {
            let mut screen = Vec::new();
            assert_eq!(
                confirm("Overwrite?", &mut answer.as_bytes(), &mut screen).unwrap(),
                agreed,
                "{answer:?}"
            );
            assert_eq!(screen, b"Overwrite? [y/N] ");
        }
    }

    #[test]
    fn a_saved_profile_joins_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profiles.json");
        for name in ["one", "two"] {
            let save = Save {
                name: name.to_owned(),
                profile: Profile::new(format!("ws://{name}:3000/ws")),
                ask: false,
            };
            save.apply(&path).unwrap();
        }
        let profiles = Profiles::load(&path).unwrap().profiles;
        assert_eq!(profiles.keys().collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn an_endpoint_takes_its_token_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let connect = Connect {
            profile: None,
            target: "ws://pi4:3000?token=old".parse().unwrap(),
            tls_ca: None,
            verify_hostname: false,
            token_file: Some(path.clone()),
            intervals: Intervals::default(),
            save: None,
        };
        assert!(matches!(connect.endpoint(), Err(ConnectError::Token(_))));
        std::fs::write(&path, "new\n").unwrap();
        let endpoint = connect.endpoint().unwrap();
        assert_eq!(endpoint.target().unwrap().token().unwrap().expose(), "new");
    }
}
