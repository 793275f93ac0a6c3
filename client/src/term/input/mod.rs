//! Input: keys, the mouse, the terminal's size, signals, and the terminal's end.

mod decode;

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal as ProcessSignal, kill_current_process_group};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep_until;

use crate::app::Message;
use crate::term::screen::{Screen, ScreenError, is_gone, keys, watched};
use crate::term::signals::{self, EndSignals, SIGHUP, StopEvent, StopSignals};
use decode::{Decoder, Event};

/// The source of messages that do not come from a link.
#[derive(Debug)]
pub(crate) struct Input {
    keys: AsyncFd<OwnedFd>,
    decoder: Decoder,
    /// When what the decoder has begun is given up.
    give_up_at: Option<Instant>,
    events: VecDeque<Event>,
    end: EndSignals,
    stop: StopSignals,
    resize: Signal,
}

impl Input {
    /// Begins to read.
    pub(crate) fn start() -> Result<Self, ScreenError> {
        let keys = keys()
            .and_then(|keys| watched(keys, Interest::READABLE))
            .map_err(ScreenError::Input)?;
        Ok(Self {
            keys,
            decoder: Decoder::default(),
            give_up_at: None,
            events: VecDeque::new(),
            end: EndSignals::listen().map_err(ScreenError::Signals)?,
            stop: StopSignals::listen().map_err(ScreenError::Signals)?,
            resize: signal(SignalKind::window_change()).map_err(ScreenError::Signals)?,
        })
    }

    /// The next message; `None` once the terminal has taken what was drawn on `screen`. Where the program is stopped
    /// and continued meanwhile, the screen is left and entered. Nothing is lost when this is cancelled.
    pub(crate) async fn next(
        &mut self,
        screen: &mut Screen,
    ) -> Result<Option<Message>, ScreenError> {
        loop {
            if screen.is_left() {
                if let Some(number) = self.stop.wait_until_continued(&mut self.end).await {
                    return Ok(Some(Message::Signal(number)));
                }
                return take(screen).map(Some);
            }
            if let Some(event) = self.events.pop_front() {
                if let Some(message) = message(event) {
                    return Ok(Some(message));
                }
                continue;
            }
            tokio::select! {
                biased;
                number = self.end.next() => return Ok(Some(Message::Signal(number))),
                event = self.stop.next() => match event {
                    StopEvent::Requested => {
                        screen.leave();
                        signals::stop();
                    }
                    StopEvent::Continued => screen.mark_left(),
                },
                _ = self.resize.recv() => return resized().map(Some),
                read = read(&self.keys) => match read {
                    Ok(bytes) if bytes.is_empty() => return Ok(Some(Message::Signal(SIGHUP))),
                    Ok(bytes) => self.take(&bytes),
                    Err(error) if is_gone(&error) => return Ok(Some(Message::Signal(SIGHUP))),
                    Err(error) => return Err(ScreenError::Input(error)),
                },
                () = until(self.give_up_at) => {
                    let mut events = Vec::new();
                    self.decoder.give_up(&mut events);
                    self.give_up_at = None;
                    self.events.extend(events);
                }
                written = screen.finish(), if screen.is_writing() => match written {
                    Ok(()) => return Ok(None),
                    Err(error) if is_gone(&error) => return Ok(Some(Message::Signal(SIGHUP))),
                    Err(error) => return Err(ScreenError::Draw(error)),
                },
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut events = Vec::new();
        self.decoder.feed(bytes, &mut events);
        self.events.extend(events);
        self.give_up_at = self.decoder.wait().map(|wait| Instant::now() + wait);
    }
}

/// Takes the screen over again, which may have another size now.
fn take(screen: &mut Screen) -> Result<Message, ScreenError> {
    screen.take()?;
    resized()
}

fn resized() -> Result<Message, ScreenError> {
    let (width, height) = Screen::size().map_err(ScreenError::Input)?;
    Ok(Message::Resize(width, height))
}

fn message(event: Event) -> Option<Message> {
    let stop = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
    match event {
        Event::Key(key) if key == stop => {
            // As the terminal would, for everything that was started together: a shell waits for all of it.
            let _ = kill_current_process_group(ProcessSignal::TSTP);
            None
        }
        Event::Key(key) => Some(Message::Key(key)),
        Event::Mouse(mouse) => Some(Message::Mouse(mouse)),
        Event::Paste(text) => Some(Message::Paste(text)),
    }
}

/// Bytes from the terminal; none where it has hung up. Nothing is lost when this is cancelled.
///
/// The descriptor is shared with whoever started this program, so it blocks: it is read only where it would not.
async fn read(keys: &AsyncFd<OwnedFd>) -> io::Result<Vec<u8>> {
    const AT_ONCE: &Timespec = &Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    loop {
        let mut ready = keys.readable().await?;
        if poll(&mut [PollFd::new(keys, PollFlags::IN)], Some(AT_ONCE))? == 0 {
            ready.clear_ready();
            continue;
        }
        let mut buffer = [0; 1024];
        let read = rustix::io::read(keys, &mut buffer)?;
        return Ok(buffer.get(..read).unwrap_or_default().to_vec());
    }
}

pub(crate) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
