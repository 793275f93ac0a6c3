//! The client's `--demo` in a terminal: start, and wait for its end.

use std::path::Path;

use portable_pty::ExitStatus;
use socktop_proto::pairing::Pin;

use crate::hostname;
use crate::programs::{clean_command, our_program};
use crate::terminal::{Size, Terminal, keys};

/// A terminal's usual size.
pub const USUAL_SIZE: Size = Size {
    columns: 120,
    rows: 40,
};

/// Whether the screen shows this host, all of it.
#[must_use]
pub fn shows_this_host(screen: &str) -> bool {
    screen.contains(&hostname()) && screen.contains("CPU%") && !screen.contains("waiting")
}

/// The demonstration, once it shows this host.
///
/// # Panics
/// When it does not.
#[must_use]
pub fn demonstration(home: &Path) -> Terminal {
    let terminal = Terminal::start(
        clean_command(&our_program("socktop"), home).arg("--demo"),
        USUAL_SIZE,
    );
    terminal.wait_for("this host", shows_this_host);
    assert!(!terminal.is_cooked(), "keys are read one by one");
    terminal
}

/// Waits until the program ends, and sees to it that the terminal is as it was.
///
/// # Panics
/// When it does not end, or the terminal is not.
#[must_use]
pub fn wait_until_left(mut terminal: Terminal) -> ExitStatus {
    let status = terminal.wait_for_end();
    terminal.wait_until_given_back();
    assert!(
        terminal.is_cooked(),
        "the terminal echoes and collects lines again"
    );
    status
}

/// The key that the agent at `url` presents, as a client shows it that does not know the key.
///
/// # Panics
/// When there is no question about it.
#[must_use]
pub fn presented_key(url: &str) -> Pin {
    let home = tempfile::tempdir().expect("make a home");
    let mut command = clean_command(&our_program("socktop"), home.path());
    let mut terminal = Terminal::start(command.arg(url), USUAL_SIZE);
    terminal.wait_for("the question about the key", |screen| {
        screen.contains("Trust this key")
    });
    let screen = terminal.contents();
    let key = screen.split_whitespace().find_map(|word| word.parse().ok());
    terminal.send(keys::CTRL_C);
    terminal.wait_for_end();
    key.unwrap_or_else(|| panic!("no key in {screen}"))
}
