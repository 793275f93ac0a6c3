//! The terminal: taken over while the program draws, and given back as it was, whatever ends the program.

use std::io::{self, IsTerminal, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{Command, cursor, execute, terminal};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::encode;

/// Why the screen cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// Output goes to a file or a pipe.
    #[error("standard output is not a terminal: start socktop in one")]
    NotATerminal,
    /// The terminal did not obey.
    #[error("taking over the terminal failed: {0}")]
    Enter(#[source] io::Error),
    /// Keys cannot be read.
    #[error("reading keys from the terminal failed: {0}")]
    Input(#[source] io::Error),
    /// The screen cannot be drawn.
    #[error("drawing on the terminal failed: {0}")]
    Draw(#[source] io::Error),
    /// Signals cannot be waited for.
    #[error("preparing for signals failed: {0}")]
    Signals(#[source] io::Error),
    /// The link's task is gone without a word: a bug.
    #[error("the task that talks to the agent ended unexpectedly")]
    LinkEnded,
}

/// Whether this program has the terminal.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Reports of presses, releases, the wheel and motion while a button is held. crossterm's own command
/// asks for all motion too, which nothing here needs.
struct ReportMouse(bool);

impl Command for ReportMouse {
    fn write_ansi(&self, out: &mut impl std::fmt::Write) -> std::fmt::Result {
        out.write_str(if self.0 {
            "\x1b[?1002h\x1b[?1006h"
        } else {
            "\x1b[?1006l\x1b[?1002l"
        })
    }
}

/// Around a frame: terminals that know these show it at once.
const BEGIN_FRAME: &str = "\x1b[?2026h";
const END_FRAME: &str = "\x1b[?2026l";

/// Clears the screen. Some terminals fill it with the colour that they last wrote on.
const CLEAR: &str = "\x1b[m\x1b[2J";

/// The terminal, taken over until this is dropped.
///
/// Not a `ratatui::Terminal`: that one writes to a terminal that has hung up when it is dropped, and panics
/// because it cannot.
#[derive(Debug)]
pub(super) struct Screen {
    /// What is on the screen.
    shown: Buffer,
    /// What will be; kept for its memory.
    next: Buffer,
    /// What is written; kept for its memory.
    frame: String,
}

impl Screen {
    /// Takes the terminal over.
    pub(super) fn enter() -> Result<Self, ScreenError> {
        static HOOK: Once = Once::new();
        if !io::stdout().is_terminal() {
            return Err(ScreenError::NotATerminal);
        }
        HOOK.call_once(|| {
            let report = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore();
                report(panic);
            }));
        });
        TAKEN.store(true, Ordering::SeqCst);
        Self::take().map_err(|error| {
            restore();
            ScreenError::Enter(error)
        })
    }

    fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            cursor::Hide,
            ReportMouse(true),
            EnableBracketedPaste
        )?;
        Ok(Self {
            shown: Buffer::default(),
            next: Buffer::default(),
            frame: String::new(),
        })
    }

    /// The terminal's size, columns and rows.
    pub(super) fn size() -> io::Result<(u16, u16)> {
        terminal::size()
    }

    /// Makes the next frame a whole one.
    pub(super) fn forget(&mut self) {
        self.shown = Buffer::default();
    }

    /// Draws a frame on a terminal of the size of `area`; only what changed is written.
    pub(super) fn draw(&mut self, area: Rect, draw: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            // Another task panicked. Its message stands on the screen now.
            return Err(io::Error::other("it was given back after a panic"));
        }
        self.frame.clear();
        self.frame.push_str(BEGIN_FRAME);
        if self.shown.area != area {
            self.shown = Buffer::empty(area);
            self.next = Buffer::empty(area);
            self.frame.push_str(CLEAR);
        }
        draw(&mut self.next);
        encode::changes(&mut self.shown, &self.next, &mut self.frame);
        if self.frame.len() > BEGIN_FRAME.len() {
            self.frame.push_str(END_FRAME);
            let mut stdout = io::stdout().lock();
            stdout.write_all(self.frame.as_bytes())?;
            stdout.flush()?;
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        self.next.reset();
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, once. There is nobody to tell when that fails.
fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            io::stdout(),
            ResetColor,
            DisableBracketedPaste,
            ReportMouse(false),
            cursor::Show,
            LeaveAlternateScreen
        );
        let _ = disable_raw_mode();
    }
}

/// Whether an error means that there is no terminal any more.
pub(super) fn is_gone(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof
    ) || error.raw_os_error() == Some(EIO)
}
