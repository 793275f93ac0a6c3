//! What comes from outside: keys, the mouse, the terminal's size, signals, and the terminal's end.
//!
//! crossterm reads the terminal in a loop that never ends once the terminal has hung up. So it is read on
//! a thread of its own, and the terminal is watched for a hang-up here.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use super::terminal::{ScreenError, is_gone};
use super::update::Message;

/// What a terminal's end is as a signal.
pub(super) const SIGHUP: u8 = 1;
const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;

/// Keys that may wait to be taken.
const QUEUE: usize = 64;

/// The source of messages that do not come from a link. Dropping it stops the reading.
#[derive(Debug)]
pub(super) struct Input {
    events: mpsc::Receiver<io::Result<Event>>,
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
    /// Absent where the terminal cannot be watched.
    terminal: Option<AsyncFd<OwnedFd>>,
    _stop: oneshot::Sender<()>,
}

impl Input {
    /// Begins to read.
    pub(super) fn start() -> Result<Self, ScreenError> {
        let listen = |kind| signal(kind).map_err(ScreenError::Signals);
        let (sender, events) = mpsc::channel(QUEUE);
        let (stop, stopped) = oneshot::channel();
        thread::Builder::new()
            .name("terminal".to_owned())
            .spawn(move || read(&sender, stopped))
            .map_err(ScreenError::Input)?;
        Ok(Self {
            events,
            hangup: listen(SignalKind::hangup())?,
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            terminal: watched_terminal(),
            _stop: stop,
        })
    }

    /// The next message. Nothing is lost when this is cancelled.
    pub(super) async fn next(&mut self) -> Result<Message, ScreenError> {
        loop {
            let event = tokio::select! {
                _ = self.terminate.recv() => return Ok(Message::Signal(SIGTERM)),
                _ = self.interrupt.recv() => return Ok(Message::Signal(SIGINT)),
                _ = self.hangup.recv() => return Ok(Message::Signal(SIGHUP)),
                () = hung_up(self.terminal.as_ref()) => return Ok(Message::Signal(SIGHUP)),
                event = self.events.recv() => event,
            };
            match event {
                Some(Ok(event)) => {
                    if let Some(message) = message(event) {
                        return Ok(message);
                    }
                }
                Some(Err(error)) if !is_gone(&error) => return Err(ScreenError::Input(error)),
                Some(Err(_)) | None => return Ok(Message::Signal(SIGHUP)),
            }
        }
    }
}

fn message(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) => Some(Message::Key(key)),
        Event::Mouse(mouse) => Some(Message::Mouse(mouse)),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(width, height) => Some(Message::Resize(width, height)),
        Event::FocusGained | Event::FocusLost => None,
    }
}

/// Reads until it is told to stop, or nobody listens.
fn read(sender: &mpsc::Sender<io::Result<Event>>, mut stopped: oneshot::Receiver<()>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = sender.blocking_send(Err(error));
            return;
        }
    };
    runtime.block_on(async {
        let mut stream = EventStream::new();
        loop {
            let event = tokio::select! {
                event = stream.next() => event,
                _ = &mut stopped => return,
            };
            let Some(event) = event else { return };
            if sender.send(event).await.is_err() {
                return;
            }
        }
    });
}

/// The terminal that keys come from, for nothing but its hang-up.
fn watched_terminal() -> Option<AsyncFd<OwnedFd>> {
    let stdin = io::stdin();
    let terminal = if stdin.is_terminal() {
        stdin.as_fd().try_clone_to_owned()
    } else {
        File::open("/dev/tty").map(OwnedFd::from)
    };
    // Deprecated in favour of an unsafe function, for types that may lie about their descriptor. An
    // `OwnedFd` cannot.
    #[allow(deprecated)]
    AsyncFd::with_interest(terminal.ok()?, Interest::PRIORITY).ok()
}

async fn hung_up(terminal: Option<&AsyncFd<OwnedFd>>) {
    if let Some(terminal) = terminal {
        while let Ok(mut guard) = terminal.ready(Interest::PRIORITY).await {
            if guard.ready().is_read_closed() {
                return;
            }
            guard.clear_ready();
        }
    }
    std::future::pending::<()>().await;
}
