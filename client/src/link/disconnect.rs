//! Disconnects: why a conversation ended.

use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
use std::time::Duration;

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError::{
    ResetWithoutClosingHandshake, SendAfterClosing,
};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::frame_limit::TooManyFrames;
use crate::text::sanitize::one_line;

/// Why a conversation ended: what was attempted, and what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum Disconnect {
    /// The link was dropped.
    #[error("the link was dropped")]
    Dropped,
    #[error("no reply to {asked} for {:.1} s; is the host up?", waited.as_secs_f32())]
    Silent {
        asked: &'static str,
        waited: Duration,
    },
    #[error("the agent closed the connection{said}")]
    Closed { said: String },
    /// How `socktop_agent` 1.60 refuses a token.
    #[error(
        "the agent closed the connection before it answered anything; a socktop_agent 1.60 does so when its token \
         is missing or wrong: check --token-file, SOCKTOP_TOKEN or the URL"
    )]
    ClosedUnanswered,
    #[error("the connection broke ({0})")]
    Broken(Error),
    #[error("the agent sent an unusable message: {0}; is it an agent, and of a supported version?")]
    Malformed(String),
}

impl Disconnect {
    /// What an agent sent that cannot be used: `fault` may hold words of its own.
    pub(super) fn malformed(fault: &str) -> Self {
        Self::Malformed(one_line(fault, 300))
    }

    /// A connection that ended without a close frame.
    pub(super) fn closed() -> Self {
        Self::Closed {
            said: String::new(),
        }
    }

    /// A connection that the agent closed, perhaps with a reason.
    pub(super) fn closed_with(frame: Option<CloseFrame>) -> Self {
        frame.map_or_else(Self::closed, |frame| Self::Closed {
            said: format!(": {} {}", frame.code, one_line(&frame.reason, 120)),
        })
    }
}

fn is_flood(error: &std::io::Error) -> bool {
    let inner = error.get_ref();
    inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooManyFrames>)
}

impl From<Error> for Disconnect {
    fn from(error: Error) -> Self {
        match error {
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(ResetWithoutClosingHandshake | SendAfterClosing) => Self::closed(),
            Error::Io(error) if is_flood(&error) => Self::malformed(&error.to_string()),
            Error::Io(error)
                if matches!(
                    error.kind(),
                    BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
                ) =>
            {
                Self::closed()
            }
            Error::Capacity(error) => Self::malformed(&error.to_string()),
            Error::Protocol(error) => Self::malformed(&error.to_string()),
            Error::Utf8(error) => Self::Malformed(format!("text that is not UTF-8 ({error})")),
            other => Self::Broken(other),
        }
    }
}
