//! The first meeting with an agent: whether the user trusts its key, asked before there is a screen.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use socktop_proto::pairing::Pin;
use tokio::time::timeout;

use crate::link::{self, DialError, Endpoint};
use crate::prompt::{ask, at_terminal, is_yes};
use crate::source::remote::Connect;
use crate::trust::known_agents::{KnownAgents, KnownError};
use crate::trust::{Trust, TrustError};

/// How long the screen waits for the handshake of an agent that is known: if that answers later, the link checks it.
const PATIENCE: Duration = Duration::from_secs(3);

/// An agent that is not connected to.
#[derive(Debug, thiserror::Error)]
pub enum FirstContactError {
    /// It is not trusted.
    #[error(transparent)]
    Untrusted(#[from] DialError),
    /// The user does not trust it.
    #[error(
        "{agent}: its key {presented} was not accepted; nothing was remembered and no token was sent. A key is also made \
         known by giving the line of 'sudo socktop-agent pair' to socktop add, or by --tls-ca FILE"
    )]
    Declined {
        /// Its address.
        agent: String,
        /// Its key.
        presented: Pin,
    },
    /// The user has another fingerprint.
    #[error(
        "{agent}: its key is {presented}, and you were told another one. Someone may be intercepting the connection; \
         nothing was remembered and no token was sent"
    )]
    OtherKey {
        /// Its address.
        agent: String,
        /// Its key.
        presented: Pin,
    },
    /// There is no place to remember the key.
    #[error("there is no place to remember a key in: neither XDG_DATA_HOME nor HOME is set")]
    NoHome,
    /// The key cannot be remembered.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The question failed.
    #[error("asking whether to trust the key: {0}")]
    Asking(#[from] io::Error),
}

/// What the user says to an unknown key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is the right one.
    Yes,
    /// It is not, or nobody knows.
    No,
    /// It should be another one.
    OtherKey,
}

/// How a first meeting ended, where nobody is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum FirstContact {
    /// The agent is the trusted one, or there is nothing to check.
    Trusted,
    /// The agent is the trusted one, but the stored token is for another, as this says.
    NotItsToken(String),
    /// It cannot be reached now: the link will check it.
    Unreached,
}

/// Sees to it that `endpoint`'s agent is trusted before anything is said to it. Where nothing is known of its key, and
/// there is a terminal, the user is asked, and the key remembered in `known`. An agent that cannot be reached now is left
/// for the link.
///
/// # Errors
/// Where the agent is not trusted.
pub async fn establish_trust(
    endpoint: &mut Endpoint,
    connect: &Connect,
    known: Option<&KnownAgents>,
) -> Result<FirstContact, FirstContactError> {
    loop {
        let shaken = match endpoint {
            Endpoint::Tls(_, trust) if !trust.is_of_strangers() => {
                match timeout(PATIENCE, link::shake_hands(endpoint)).await {
                    Ok(shaken) => shaken,
                    Err(_) => return Ok(FirstContact::Unreached),
                }
            }
            _ => link::shake_hands(endpoint).await,
        };
        let refused = match shaken {
            Ok(()) => return Ok(FirstContact::Trusted),
            Err(refused) if refused.is_of_anothers_token() => {
                return Ok(FirstContact::NotItsToken(refused.to_string()));
            }
            Err(refused) if !refused.is_untrusted() => return Ok(FirstContact::Unreached),
            Err(refused) => refused,
        };
        // Once it is accepted, this is no stranger any more.
        let trust = accept_key(refused, endpoint.to_string(), connect, known).await?;
        if let Endpoint::Tls(_, of_endpoint) = endpoint {
            *of_endpoint = trust;
        }
    }
}

/// Asks the user about the key of an agent that was refused, and remembers it.
async fn accept_key(
    refused: DialError,
    agent: String,
    connect: &Connect,
    known: Option<&KnownAgents>,
) -> Result<Trust, FirstContactError> {
    let Some(presented) = refused.unknown_key() else {
        return Err(refused.into());
    };
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(refused.into());
    }
    let asked = agent.clone();
    let answer = at_terminal(move || {
        ask_about(
            &asked,
            presented,
            &mut io::stdin().lock(),
            &mut io::stderr(),
        )
    });
    match answer.await? {
        Answer::Yes => {}
        Answer::No => return Err(FirstContactError::Declined { agent, presented }),
        Answer::OtherKey => return Err(FirstContactError::OtherKey { agent, presented }),
    }
    let known = known.ok_or(FirstContactError::NoHome)?;
    known.remember(&connect.target.authority(), presented)?;
    Ok(connect.pinned(presented)?)
}

/// Asks whether `presented` is the key of `agent`. The fingerprint itself, pasted, is a yes; another one is none.
///
/// # Errors
/// Where asking or reading fails.
pub fn ask_about(
    agent: &str,
    presented: Pin,
    answers: &mut impl BufRead,
    screen: &mut impl Write,
) -> io::Result<Answer> {
    writeln!(
        screen,
        "{agent} is not known here, and this system's authorities do not vouch for it.\n\
         Its key is {presented}\n\
         On that host 'sudo socktop-agent fingerprint' prints its key: compare the two, or paste that one here."
    )?;
    let answer = ask("Trust this key and remember it?", answers, screen)?;
    Ok(match answer.parse::<Pin>() {
        Ok(pin) if pin == presented => Answer::Yes,
        Ok(_) => Answer::OtherKey,
        Err(_) if is_yes(&answer) => Answer::Yes,
        Err(_) => Answer::No,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_accepted_by_yes_or_by_itself() {
        let presented = Pin::from_digest([0xa5; 32]);
        let other = Pin::from_digest([0x5a; 32]);
        for (answer, meaning) in [
            ("y\n".to_owned(), Answer::Yes),
            ("Yes\n".to_owned(), Answer::Yes),
            (format!("  {presented} \n"), Answer::Yes),
            (
                presented
                    .to_string()
                    .to_ascii_uppercase()
                    .replace("SHA", "sha"),
                Answer::Yes,
            ),
            (format!("{other}\n"), Answer::OtherKey),
            ("n\n".to_owned(), Answer::No),
            ("\n".to_owned(), Answer::No),
            (String::new(), Answer::No),
            ("sha256:a5\n".to_owned(), Answer::No),
        ] {
            let mut screen = Vec::new();
            let said = ask_about(
                "wss://pi4:8443/ws",
                presented,
                &mut answer.as_bytes(),
                &mut screen,
            );
            assert_eq!(said.unwrap(), meaning, "{answer:?}");
            let screen = String::from_utf8(screen).unwrap();
            for part in [
                "wss://pi4:8443/ws is not known",
                &presented.to_string(),
                "sudo socktop-agent fingerprint",
            ] {
                assert!(screen.contains(part), "{screen}");
            }
            assert!(
                screen.ends_with("Trust this key and remember it? [y/N] "),
                "{screen}"
            );
        }
    }
}
