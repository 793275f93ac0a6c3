//! The terminal: taken over while the program draws, and given back as it was by one way, [`restore`], whatever ends
//! or stops the program.
//!
//! Nothing here waits for a terminal that takes no output (an SSH connection that hangs, a stopped multiplexer): it is
//! written to without blocking.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Once;

use parking_lot::{Mutex, MutexGuard};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::fs::{Mode, OFlags};
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetpgrp, tcgetsid,
    tcgetwinsize, tcsetattr,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::term::encoder;

/// Why the screen cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScreenError {
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

/// The terminal while this program has it.
struct Taken {
    output: OwnedFd,
    keys: OwnedFd,
    /// The modes that it had before.
    modes: Termios,
}

static TAKEN: Mutex<Option<Taken>> = Mutex::new(None);

fn taken() -> MutexGuard<'static, Option<Taken>> {
    TAKEN.lock()
}

/// The alternate screen, no cursor, reports of the mouse (presses, releases, the wheel, and motion while a button is
/// held), and marks around pasted text.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?1002h\x1b[?1006h\x1b[?2004h";

/// Undoes that, and what a frame that was cut short leaves behind.
const LEAVE: &str = "\x1b[?2026l\x1b[m\x1b[?2004l\x1b[?1006l\x1b[?1002l\x1b[?25h\x1b[?1049l";

/// Around a frame: terminals that know these show it at once.
const BEGIN_FRAME: &str = "\x1b[?2026h";
const END_FRAME: &str = "\x1b[?2026l";

/// Clears the screen. Some terminals fill it with the colour that they last wrote on.
const CLEAR: &str = "\x1b[m\x1b[2J";

/// The terminal, taken over until this is dropped.
///
/// Not a `ratatui::Terminal`: that one waits for a terminal that takes nothing, and panics in its drop where the
/// terminal has hung up.
#[derive(Debug)]
pub(crate) struct Screen {
    output: AsyncFd<OwnedFd>,
    /// What is on the screen.
    shown: Buffer,
    /// What will be; kept for its memory.
    next: Buffer,
    /// What is written; kept for its memory.
    frame: String,
    /// How many bytes of that have been.
    written: usize,
    /// Whether the terminal was given back, or others have used it.
    is_left: bool,
}

impl Screen {
    /// Takes the terminal over.
    pub(crate) fn enter() -> Result<Self, ScreenError> {
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
        let output = output_without_blocking()
            .and_then(|output| watched(output, Interest::WRITABLE))
            .map_err(ScreenError::Enter)?;
        let mut screen = Self {
            output,
            shown: Buffer::default(),
            next: Buffer::default(),
            frame: String::new(),
            written: 0,
            is_left: false,
        };
        screen.take()?;
        Ok(screen)
    }

    /// Takes the terminal over again, after something else may have used it: everything is set and drawn anew.
    pub(crate) fn take(&mut self) -> Result<(), ScreenError> {
        restore();
        self.take_modes().map_err(ScreenError::Enter)?;
        self.is_left = false;
        self.forget();
        self.frame.clear();
        self.frame.push_str(ENTER);
        self.written = 0;
        self.write().map_err(ScreenError::Draw)
    }

    fn take_modes(&self) -> io::Result<()> {
        let taken_over = Taken {
            output: self.output.get_ref().try_clone()?,
            keys: keys()?,
            modes: tcgetattr(keys()?)?,
        };
        let mut raw = taken_over.modes.clone();
        raw.make_raw();
        // In the background this stops the program until it is in the foreground again.
        tcsetattr(&taken_over.keys, OptionalActions::Now, &raw)?;
        *taken() = Some(taken_over);
        Ok(())
    }

    /// Gives the terminal back until [`Self::take`].
    pub(crate) fn leave(&mut self) {
        self.mark_left();
        restore();
    }

    /// Says that something else has used the terminal: nothing is drawn until [`Self::take`].
    pub(crate) fn mark_left(&mut self) {
        self.frame.clear();
        self.written = 0;
        self.is_left = true;
    }

    /// Whether the terminal was given back, to be taken over again.
    pub(crate) fn is_left(&self) -> bool {
        self.is_left
    }

    /// Whether the next frame may be drawn: the terminal is taken over, and has taken all of the last one.
    pub(crate) fn can_draw(&self) -> bool {
        !self.is_left && !self.is_writing()
    }

    /// The terminal's size, columns and rows.
    pub(crate) fn size() -> io::Result<(u16, u16)> {
        let size = tcgetwinsize(io::stdout())?;
        Ok((size.ws_col, size.ws_row))
    }

    /// Makes the next frame a whole one.
    pub(crate) fn forget(&mut self) {
        self.shown = Buffer::default();
    }

    /// Whether the terminal has not taken all of the last frame yet.
    pub(crate) fn is_writing(&self) -> bool {
        self.written < self.frame.len()
    }

    /// Draws a frame on a terminal of the size of `area`; only what changed is written, and what the terminal does not
    /// take at once is left to [`Self::finish`].
    pub(crate) fn draw(&mut self, area: Rect, draw: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        if taken().is_none() {
            // Another task panicked. Its message stands on the screen now.
            return Err(io::Error::other("it was given back after a panic"));
        }
        self.frame.clear();
        self.written = 0;
        self.frame.push_str(BEGIN_FRAME);
        if self.shown.area != area {
            self.shown = Buffer::empty(area);
            self.next = Buffer::empty(area);
            self.frame.push_str(CLEAR);
        }
        draw(&mut self.next);
        encoder::changes(&mut self.shown, &self.next, &mut self.frame);
        if self.frame.len() > BEGIN_FRAME.len() {
            self.frame.push_str(END_FRAME);
        } else {
            self.frame.clear();
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        self.next.reset();
        self.write()
    }

    /// Writes what the terminal takes now.
    fn write(&mut self) -> io::Result<()> {
        while let Some(rest) = self.frame.as_bytes().get(self.written..)
            && !rest.is_empty()
        {
            match rustix::io::write(self.output.get_ref(), rest).map_err(io::Error::from) {
                Ok(written) => self.written += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the terminal has taken the last frame. Nothing is lost when this is cancelled.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        loop {
            self.write()?;
            if !self.is_writing() {
                return Ok(());
            }
            self.output.writable().await?.clear_ready();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// The terminal that is written to, in a description of its own: that it does not block must not be seen by other
/// programs on the terminal. Where that cannot be had (the terminal is another user's), it is the one that is there.
fn output_without_blocking() -> io::Result<OwnedFd> {
    let path = if tcgetsid(io::stdout()).is_ok() {
        "/dev/tty"
    } else {
        "/proc/self/fd/1"
    };
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(output) => Ok(output),
        Err(_) => io::stdout().as_fd().try_clone_to_owned(),
    }
}

/// A terminal whose readiness can be waited for.
pub(crate) fn watched(terminal: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // Deprecated in favour of an unsafe function, for types that may lie about their descriptor. An `OwnedFd` cannot.
    #[allow(deprecated)]
    AsyncFd::with_interest(terminal, interest)
}

/// The terminal that keys come from.
pub(crate) fn keys() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        stdin.as_fd().try_clone_to_owned()
    } else {
        File::open("/dev/tty").map(OwnedFd::from)
    }
}

/// Gives the terminal back, once. There is nobody to tell when that fails.
fn restore() {
    let Some(Taken {
        output,
        keys,
        modes,
    }) = taken().take()
    else {
        return;
    };
    // What a program in the background does to the modes stops it, as does what it writes where the modes say so.
    let is_in_foreground = tcgetpgrp(&keys).map_or(true, |foreground| foreground == getpgrp());
    let stops_writers =
        || tcgetattr(&keys).is_ok_and(|now| now.local_modes.contains(LocalModes::TOSTOP));
    let write = || rustix::io::write(&output, LEAVE.as_bytes());
    if !is_in_foreground {
        // The modes are those of another program by now.
        if !stops_writers() {
            let _ = write();
        }
        return;
    }
    if write() != Ok(LEAVE.len()) {
        // The terminal takes nothing now. What waits for it is of a screen that ends here.
        let _ = tcflush(&output, QueueSelector::OFlush);
        let _ = write();
    }
    let _ = tcsetattr(&keys, OptionalActions::Now, &modes);
}

/// Whether an error means that there is no terminal any more.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof
    ) || error.raw_os_error() == Some(EIO)
}
