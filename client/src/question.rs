//! Questions at the terminal, before there is a screen.

use std::io::{self, BufRead, Write};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

/// Does what asks the user, which may wait for long, until a signal ends it.
///
/// # Errors
/// `Interrupted` where SIGINT, SIGTERM or SIGHUP came; else where the terminal fails, or what `asking` says.
pub async fn at_terminal<T: Send + 'static>(
    asking: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let before = tcgetattr(io::stdin())?;
    // Once they are watched, signals no longer end the program by themselves.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        asked = spawn_blocking(asking) => asked.map_err(io::Error::other)?,
        _ = interrupt.recv() => interrupted(&before),
        _ = terminate.recv() => interrupted(&before),
        _ = hang_up.recv() => interrupted(&before),
    }
}

/// The thread that reads goes on waiting, so the echo is turned on again for it.
fn interrupted<T>(before: &Termios) -> io::Result<T> {
    tcsetattr(io::stdin(), OptionalActions::Now, before)?;
    Err(io::ErrorKind::Interrupted.into())
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
