//! Errors of dialling: what was attempted, on what, why it failed and what to do.

use std::io;
use std::time::Duration;

use super::Question;
use crate::text::sanitize::one_line;
use crate::trust::Refusal;
use http::StatusCode;

/// Most characters of an agent's own words in a message: two lines on a screen.
const MOST_SAID: usize = 240;

/// Any error, for people to read.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A dial that failed. No message holds a token.
#[derive(Debug, thiserror::Error)]
#[error("{agent}: {fault}")]
pub struct DialError {
    pub(super) agent: String,
    pub(super) fault: Fault,
}

impl DialError {
    /// What the user can answer so that the next attempt may succeed.
    #[must_use]
    pub fn question(&self) -> Option<Question> {
        match &self.fault {
            Fault::Certificate(refusal) => refusal.unknown.map(Question::Key),
            Fault::AnothersToken(_)
            | Fault::Refused {
                status: StatusCode::UNAUTHORIZED,
                ..
            } => Some(Question::Token),
            _ => None,
        }
    }

    /// The stored token that was not sent because it is for another agent.
    pub(super) fn withheld_token(&self) -> Option<&AnothersToken> {
        match &self.fault {
            Fault::AnothersToken(withheld) => Some(withheld),
            _ => None,
        }
    }

    /// Whether retrying hardly helps: the user or an admin has to act.
    pub(super) fn is_lasting(&self) -> bool {
        match &self.fault {
            Fault::Certificate(_)
            | Fault::ClientCertificate(_)
            | Fault::Name(_)
            | Fault::AnothersToken(_) => true,
            Fault::Refused { status, .. } => {
                matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            }
            _ => false,
        }
    }
}

/// A stored token that is for another agent, so that it was not sent.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "the stored token is for {recipient} and was not sent to {peer}. Give the one of this agent: the line of 'sudo \
     socktop-agent pair' to socktop add, or --token-file FILE"
)]
pub(super) struct AnothersToken {
    pub(super) recipient: String,
    pub(super) peer: String,
}

/// What failed, one variant a stage.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(
        "looking up the address of {host} failed ({source}); check the name, or give an address"
    )]
    Lookup { host: String, source: io::Error },
    #[error("looking up the address of {host} took longer than {} s; is the name server reachable?", limit.as_secs())]
    LookupSilent { host: String, limit: Duration },
    #[error(
        "this machine has no network interface {zone:?} ({source}); 'ip link' lists those that there are"
    )]
    Zone { zone: String, source: io::Error },
    #[error("connecting failed: {causes}; {advice}")]
    Connect { causes: String, advice: String },
    #[error("{0:?} cannot be checked against a certificate; use the host's DNS name or address")]
    Name(String),
    #[error("{}", .0.message)]
    Certificate(Refusal),
    #[error("{0}")]
    ClientCertificate(&'static str),
    #[error(transparent)]
    AnothersToken(AnothersToken),
    #[error(
        "what answers there does not speak TLS; if it is an agent without TLS, use: socktop {plain}"
    )]
    NoTls { plain: String },
    #[error(
        "the TLS handshake failed ({cause}); if the agent serves without TLS, use: socktop {plain}"
    )]
    Tls { cause: io::Error, plain: String },
    #[error("connected, but {stage} took longer than {} s; is it an agent?", limit.as_secs())]
    Silent {
        stage: &'static str,
        limit: Duration,
    },
    #[error("{reason}")]
    Refused { status: StatusCode, reason: String },
    #[error("this is not a WebSocket: {fault}; check host, port and path")]
    NotWebSocket { fault: &'static str },
    #[error("the WebSocket upgrade failed ({detail}); {advice}")]
    Http { detail: String, advice: String },
    #[error("opening a connection failed ({0})")]
    InProcess(io::Error),
}

/// What a refusal by HTTP status means. `said` is the answer's own text, from an agent and not from a web server in
/// between; it knows the cause, so it goes before what the status lets one guess.
pub(super) fn refusal(status: StatusCode, said: &str, has_token: bool) -> Fault {
    let said = one_line(said, MOST_SAID);
    let guessed = match status {
        StatusCode::FORBIDDEN => {
            "the agent refuses this client; check what it allows, and the name it is called by"
        }
        StatusCode::TOO_MANY_REQUESTS => "the agent was asked too often; it is asked again later",
        StatusCode::SERVICE_UNAVAILABLE => "the agent takes no connection now and does not say why",
        _ => "the agent does not take up the conversation",
    };
    // Here this program knows better what its user can do.
    let known = match status {
        StatusCode::UNAUTHORIZED if has_token => {
            Some("the agent refuses the token; check --token-file, SOCKTOP_TOKEN or the URL")
        }
        StatusCode::UNAUTHORIZED => {
            Some("the agent requires a token; pass --token-file FILE or set SOCKTOP_TOKEN")
        }
        StatusCode::NOT_FOUND => Some("no agent at this path; a socktop agent's path is /ws"),
        StatusCode::OK => {
            Some("something answers, but no socktop agent; check host, port and path")
        }
        status if status.is_redirection() => {
            Some("the agent is somewhere else, redirections are not followed; give its own URL")
        }
        _ => None,
    };
    let reason = match (known, said.as_str()) {
        (Some(known), "") => format!("{known} (HTTP status {status})"),
        (Some(known), said) => {
            let said = one_line(said, MOST_SAID / 2);
            format!("{known} (HTTP status {status}: {said})")
        }
        (None, "") => format!("{guessed} (HTTP status {status})"),
        (None, said) => format!("the agent refuses: {said} (HTTP status {status})"),
    };
    Fault::Refused { status, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_suggests_a_remedy() {
        let message = |status, has_token| refusal(status, "", has_token).to_string();
        assert!(
            message(StatusCode::UNAUTHORIZED, false)
                .contains("requires a token; pass --token-file")
        );
        assert!(message(StatusCode::UNAUTHORIZED, true).contains("refuses the token"));
        assert!(message(StatusCode::NOT_FOUND, false).contains("/ws"));
        assert!(message(StatusCode::SERVICE_UNAVAILABLE, false).contains("does not say why"));
    }

    #[test]
    fn refusal_shows_the_agents_reason_without_a_guess() {
        for status in [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::FORBIDDEN,
            StatusCode::TOO_MANY_REQUESTS,
        ] {
            let said = "all clients are refused: access.toml, line 3:\n \u{1b}[2Jno such key; reload socktop-agent";
            let message = refusal(status, said, true).to_string();
            assert_eq!(
                message,
                format!(
                    "the agent refuses: all clients are refused: access.toml, line 3: [2Jno such key; reload socktop-agent \
                     (HTTP status {status})"
                )
            );
        }
        let endless = refusal(StatusCode::SERVICE_UNAVAILABLE, &"x".repeat(1000), true);
        assert!(endless.to_string().chars().count() < 320);
    }
}
