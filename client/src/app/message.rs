//! What happens to the application, and what comes of it.

use crossterm::event::{KeyEvent, MouseEvent};
use socktop_proto::pairing::Pin;

use crate::link::Event;
use crate::secrets::token::Token;
use crate::source::HostId;

/// What happens to the program.
#[derive(Debug)]
pub enum Message {
    /// A key.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseEvent),
    /// Text that was pasted.
    Paste(String),
    /// The terminal has a new size, columns and rows.
    Resize(u16, u16),
    /// The link of a host says something.
    Link(HostId, Event),
    /// The user's answer to the link of a host could not be used, as this says.
    AnswerFailed(HostId, String),
    /// Time has passed.
    Tick,
    /// The signal of that number asks the program to end, or the terminal is gone as if by one.
    Signal(u8),
}

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The user quit.
    Quit,
    /// The signal of that number asked for it.
    Signal(u8),
}

impl Outcome {
    /// The program's exit code: 0, or 128 and the signal's number as a shell has it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Quit => 0,
            Self::Signal(number) => number.saturating_add(128),
        }
    }
}

/// What is to be done outside the application's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Draw the screen.
    Redraw,
    /// Draw all of it, not only what changed: something else wrote on the terminal.
    Repaint,
    /// Connect to the host now.
    Retry(HostId),
    /// Remember the key as that of the host, and connect.
    TrustKey(HostId, Pin),
    /// Show the token to the host from now on, and connect.
    UseToken(HostId, Token),
    /// End.
    Quit(Outcome),
}
