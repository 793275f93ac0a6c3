//! Questions on the bare terminal, where there is no screen.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};

use rustix::termios::{QueueSelector, tcflush};

use crate::text::answer::is_yes;

/// The terminal of this session, whatever standard input and output are.
const TERMINAL: &str = "/dev/tty";

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
    write!(screen, "{question} [y/N] ")?;
    screen.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(is_yes(&answer))
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
