//! Questions at the terminal, before there is a screen.

pub mod first_contact;
pub mod token;

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::pin::pin;

use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr,
};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::term::signals::{self, CONTINUE_WAIT, EndSignals, StopEvent, StopSignals};

/// The terminal of this session, whatever standard input and output are.
const TERMINAL: &str = "/dev/tty";

/// The signal of this number asked for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signalled(pub u8);

/// Does what may wait for long before there is a screen, a question or an agent that does not answer, until it is done
/// or a signal ends it. The terminal is then as it was, and so it is while the program is stopped.
///
/// Once a signal is watched, it no longer ends the program by itself: what comes after a question has to be done here too.
///
/// # Errors
/// Where the signals cannot be watched.
pub async fn until_signal<T>(doing: impl Future<Output = T>) -> io::Result<Result<T, Signalled>> {
    let before = tcgetattr(io::stdin()).ok();
    let mut end = EndSignals::listen()?;
    let mut stop = StopSignals::listen()?;
    let mut doing = pin!(doing);
    let number = loop {
        let event = tokio::select! {
            biased;
            number = end.next() => break number,
            event = stop.next() => event,
            done = &mut doing => return Ok(Ok(done)),
        };
        if event == StopEvent::Requested {
            let during = tcgetattr(io::stdin()).ok();
            set_modes(before.as_ref());
            signals::stop();
            if let Some(number) = stop.wait_until_continued(&mut end).await {
                break number;
            }
            set_modes(during.as_ref());
        }
    };
    // A thread may go on waiting for a hidden answer, so the echo is turned on again for it.
    set_modes(before.as_ref());
    Ok(Err(Signalled(number)))
}

/// Sets the modes of the terminal that answers come from. One that hung up has none.
fn set_modes(modes: Option<&Termios>) {
    if let Some(modes) = modes {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
    }
}

/// Asks the user, beside everything else that is going on. Signals to end and to stop are for [`until_signal`], in which
/// this is done.
///
/// # Errors
/// Where the terminal fails, or what `asking` says.
pub async fn at_terminal<T: Send + 'static>(
    asking: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let before = tcgetattr(io::stdin())?;
    ask_with(&before.clone(), &before, asking).await
}

/// Asks for a line that is not shown while it is typed. Otherwise the terminal is as it was: its keys end and stop the
/// program.
///
/// # Errors
/// As of [`at_terminal`].
pub async fn at_terminal_hidden(question: String) -> io::Result<String> {
    let before = tcgetattr(io::stdin())?;
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    // The end of the line is shown.
    hidden.local_modes.insert(LocalModes::ECHONL);
    let asking = move || {
        let mut terminal = OpenOptions::new().write(true).open(TERMINAL)?;
        terminal.write_all(question.as_bytes())?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(answer)
    };
    ask_with(&hidden, &before, asking).await
}

/// Asks while the terminal has the modes `during`; then it has those of `before`.
async fn ask_with<T: Send + 'static>(
    during: &Termios,
    before: &Termios,
    asking: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let set = |modes| tcsetattr(io::stdin(), OptionalActions::Now, modes);
    let mut stop = StopSignals::listen()?;
    set(during)?;
    let mut asked = spawn_blocking(asking);
    let answer = loop {
        tokio::select! {
            answer = &mut asked => break answer.map_err(io::Error::other)?,
            // Others may have set other modes meanwhile.
            event = stop.next() => if event == StopEvent::Continued {
                sleep(CONTINUE_WAIT).await;
                set(during)?;
            },
        }
    };
    set(before)?;
    answer
}

/// Asks as [`confirm`] does at the terminal of this session, also where standard input is a pipe. `None` where there is
/// no terminal. What was typed before the question does not answer it.
#[must_use]
pub fn confirm_at_terminal(question: &str) -> Option<bool> {
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open(TERMINAL)
        .ok()?;
    tcflush(&terminal, QueueSelector::IFlush).ok()?;
    confirm(question, &mut BufReader::new(&terminal), &mut &terminal).ok()
}

/// Asks a question that `y` or `yes` agrees to; anything else, and no answer, does not.
///
/// # Errors
/// Where asking or reading fails.
pub fn confirm(
    question: &str,
    answers: &mut impl BufRead,
    screen: &mut impl Write,
) -> io::Result<bool> {
    Ok(is_yes(&ask(question, answers, screen)?))
}

/// Asks a question, and gives the line that answers it.
pub(crate) fn ask(
    question: &str,
    answers: &mut impl BufRead,
    screen: &mut impl Write,
) -> io::Result<String> {
    write!(screen, "{question} [y/N] ")?;
    screen.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

pub(crate) fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (answer, agreed) in [
            ("y\n", true),
            ("YES\n", true),
            ("\n", false),
            ("", false),
            ("no\n", false),
        ] {
            let mut screen = Vec::new();
            assert_eq!(
                confirm("Overwrite?", &mut answer.as_bytes(), &mut screen).unwrap(),
                agreed,
                "{answer:?}"
            );
            assert_eq!(screen, b"Overwrite? [y/N] ");
        }
    }
}
