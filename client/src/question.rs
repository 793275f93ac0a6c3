//! Questions at the terminal, before there is a screen.

use std::io::{self, BufRead, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::task::spawn_blocking;

use crate::signals::{self, EndSignals, StopEvent, StopSignals};

/// Does what asks the user, which may wait for long, until a signal ends it.
///
/// # Errors
/// `Interrupted` where SIGINT, SIGTERM, SIGHUP or SIGQUIT came; else where the terminal fails, or what `asking` says.
pub async fn at_terminal<T: Send + 'static>(
    asking: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let before = tcgetattr(io::stdin())?;
    ask_with(&before.clone(), &before, asking).await
}

/// The same, without showing what is typed.
///
/// # Errors
/// As of [`at_terminal`].
pub async fn at_terminal_hidden<T: Send + 'static>(
    asking: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let before = tcgetattr(io::stdin())?;
    let mut hidden = before.clone();
    hidden
        .local_modes
        .remove(LocalModes::ECHO | LocalModes::ECHONL);
    ask_with(&hidden, &before, asking).await
}

/// Asks while the terminal has the modes `during`. While the program is stopped, and when it ends, it has those of
/// `before`.
async fn ask_with<T: Send + 'static>(
    during: &Termios,
    before: &Termios,
    asking: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let set = |modes| tcsetattr(io::stdin(), OptionalActions::Now, modes);
    let mut end = EndSignals::listen()?;
    let mut stop = StopSignals::listen()?;
    set(during)?;
    let mut asked = spawn_blocking(asking);
    // Where a signal ends it, the thread that reads goes on waiting: the modes are set here.
    let answer = loop {
        tokio::select! {
            answer = &mut asked => break answer.map_err(io::Error::other)?,
            _ = end.next() => break Err(io::ErrorKind::Interrupted.into()),
            event = stop.next() => {
                if event == StopEvent::Requested {
                    set(before)?;
                    signals::stop();
                    if stop.wait_until_continued(&mut end).await.is_some() {
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                }
                set(during)?;
            }
        }
    };
    set(before)?;
    answer
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
