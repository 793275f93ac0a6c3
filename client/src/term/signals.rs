//! The signals that end, stop and continue the program, for whatever has changed the terminal: it puts that back first.

use std::io;
use std::time::Duration;

use futures_util::FutureExt;
use rustix::process::{Signal as Number, getpid, kill_process};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, timeout_at};

/// SIGHUP of signal(7): what a terminal's end is as a signal.
pub const SIGHUP: u8 = 1;
/// SIGINT of signal(7).
pub const SIGINT: u8 = 2;
const SIGQUIT: u8 = 3;
const SIGTERM: u8 = 15;
const SIGCONT: i32 = 18;
const SIGTSTP: i32 = 20;

/// How long after the program went on a signal that ends it is waited for, before the terminal is touched.
///
/// Whoever ends a stopped program sends both that signal and SIGCONT, and threads of the program may take them in either
/// order. In the background the terminal's modes cannot be set: trying to would stop the program again, unended.
pub const CONTINUE_WAIT: Duration = Duration::from_millis(50);

/// The signals that end the program by default.
#[derive(Debug)]
pub struct EndSignals {
    hangup: Signal,
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
}

impl EndSignals {
    /// Begins to listen. From now on these signals do not end the program by themselves.
    ///
    /// # Errors
    /// Where the kernel refuses it.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one, and gives its number. Nothing is lost when this is cancelled.
    pub async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => SIGTERM,
            _ = self.interrupt.recv() => SIGINT,
            _ = self.quit.recv() => SIGQUIT,
            _ = self.hangup.recv() => SIGHUP,
        }
    }
}

/// SIGTSTP, which asks the program to stop, and SIGCONT, which says that it was continued.
#[derive(Debug)]
pub struct StopSignals {
    request: Signal,
    continued: Signal,
    /// When [`Self::wait_until_continued`] has waited long enough.
    resume_at: Option<Instant>,
}

/// What [`StopSignals`] tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopEvent {
    /// The program should stop: put the terminal back, call [`stop`], then [`StopSignals::wait_until_continued`].
    Requested,
    /// The program was stopped by SIGSTOP, which cannot be caught, and was continued: others have used the terminal.
    Continued,
}

impl StopSignals {
    /// Begins to listen. From now on SIGTSTP does not stop the program by itself.
    ///
    /// # Errors
    /// Where the kernel refuses it.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            request: signal(SignalKind::from_raw(SIGTSTP))?,
            continued: signal(SignalKind::from_raw(SIGCONT))?,
            resume_at: None,
        })
    }

    /// Waits for the next one. Nothing is lost when this is cancelled.
    pub async fn next(&mut self) -> StopEvent {
        tokio::select! {
            _ = self.request.recv() => StopEvent::Requested,
            _ = self.continued.recv() => StopEvent::Continued,
        }
    }

    /// Waits [`CONTINUE_WAIT`] after the program went on, be it after [`stop`] or after [`StopEvent::Continued`]. Gives the
    /// signal that ends it instead. When this is cancelled and called again, it goes on waiting.
    pub async fn wait_until_continued(&mut self, end: &mut EndSignals) -> Option<u8> {
        let resume_at = *self
            .resume_at
            .get_or_insert_with(|| Instant::now() + CONTINUE_WAIT);
        let number = timeout_at(resume_at, end.next()).await.ok();
        self.resume_at = None;
        // That it went on is known by now.
        let _ = self.continued.recv().now_or_never();
        number
    }
}

/// Stops the program as SIGTSTP does where it is not caught: not where nobody could continue it, as SIGSTOP would.
pub fn stop() {
    // A process may always signal itself.
    let _ = kill_process(getpid(), Number::TTOU);
}
