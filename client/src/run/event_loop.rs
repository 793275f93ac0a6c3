//! The loop: messages in, frames out.

use std::time::{Duration, Instant, SystemTime};

use tokio::task::yield_now;

use crate::app::{App, Effect, Message, Outcome, update};
use crate::link::Event;
use crate::source::{HostId, LinkEnded, Sources};
use crate::state::Moment;
use crate::term::input::{Input, until};
use crate::term::screen::{self, Screen, ScreenError, is_gone};
use crate::term::signals::SIGHUP;
use crate::ui;

/// Time between two frames at least.
const FRAME: Duration = Duration::from_millis(33);

/// Reads both clocks.
fn moment() -> Moment {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let unix_ms = unix.map_or(0, |unix| {
        u64::try_from(unix.as_millis()).unwrap_or(u64::MAX)
    });
    Moment {
        instant: Instant::now(),
        unix_ms,
    }
}

/// Shows the hosts of `sources`, in the order in which `app` has them, until the user quits, a signal asks for the end or
/// the terminal is gone. The terminal is then as it was.
///
/// # Errors
/// Where the terminal cannot be used, or a link's task ended by itself.
pub(super) async fn run(mut app: App, mut sources: Sources) -> Result<Outcome, ScreenError> {
    let mut screen = Screen::enter()?;
    let mut input = Input::start()?;
    let (width, height) = Screen::size().map_err(ScreenError::Enter)?;
    update(&mut app, Message::Resize(width, height), moment());
    sources.set_subscription(app.subscription());
    let mut changed = true;
    let mut next_frame = Instant::now();
    loop {
        let now = Instant::now();
        if changed && next_frame <= now && screen.can_draw() {
            let drawn = screen.draw(app.area, |buffer| ui::draw(buffer, &app, moment()));
            if let Some(outcome) = after_drawing(drawn)? {
                return Ok(outcome);
            }
            changed = false;
            next_frame = now + FRAME;
        }
        let wake = if changed {
            // What waits for the terminal goes on when that has taken the last frame.
            screen.can_draw().then_some(next_frame)
        } else {
            app.next_change(now)
        };
        let message = match next(input.next(&mut screen), sources.next(), wake).await? {
            Some(Message::Tick) if changed => continue,
            Some(message) => message,
            None => continue,
        };
        let is_reply = matches!(message, Message::Link(..));
        let now = moment();
        let mut messages = vec![message];
        while let Some(message) = messages.pop() {
            for effect in update(&mut app, message, now) {
                match effect {
                    Effect::Redraw => {
                        // Requests of one moment are answered one after the other: one frame shows all answers.
                        if is_reply && !changed {
                            next_frame = now.instant + FRAME;
                        }
                        changed = true;
                    }
                    Effect::Repaint => screen.forget(),
                    Effect::Retry(host) => sources.retry(host),
                    Effect::TrustKey(host, key) => {
                        if let Err(error) = sources.trust_key(host, key) {
                            messages.push(Message::AnswerFailed(host, error.to_string()));
                        }
                    }
                    Effect::UseToken(host, token) => sources.use_token(host, token),
                    Effect::Quit(outcome) => return Ok(outcome),
                }
            }
        }
        sources.set_subscription(app.subscription());
        if is_reply {
            // Keys and signals are looked for before the next event, however many wait.
            yield_now().await;
        }
    }
}

/// What `input` gives, which goes before anything else; else the next of `events`, else a tick at `wake`.
async fn next(
    input: impl Future<Output = Result<Option<Message>, ScreenError>>,
    events: impl Future<Output = Result<(HostId, Event), LinkEnded>>,
    wake: Option<Instant>,
) -> Result<Option<Message>, ScreenError> {
    tokio::select! {
        biased;
        message = input => message,
        event = events => match event {
            Ok((host, event)) => Ok(Some(Message::Link(host, event))),
            Err(LinkEnded) => Err(ScreenError::LinkEnded),
        },
        () = until(wake) => Ok(Some(Message::Tick)),
    }
}

/// A terminal that is gone ends the program as a hang-up does.
fn after_drawing(drawn: std::io::Result<()>) -> Result<Option<Outcome>, ScreenError> {
    match drawn {
        Ok(()) => Ok(None),
        Err(error) if is_gone(&error) => Ok(Some(Outcome::Signal(SIGHUP))),
        Err(error) => Err(screen::ScreenError::Draw(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;
    use crate::link::LinkState;

    #[tokio::test]
    async fn key_goes_before_what_an_agent_has_said() {
        const SIGTERM: u8 = 15;
        for _ in 0..64 {
            let typed = ready(Ok(Some(Message::Signal(SIGTERM))));
            let event = Event::State(LinkState::Connecting);
            let events = ready(Ok((HostId::FIRST, event)));
            let message = next(typed, events, Some(Instant::now())).await;
            assert!(matches!(message, Ok(Some(Message::Signal(SIGTERM)))));
        }
    }
}
