//! The client's `--demo` in a terminal: start, and wait for its end.

use std::path::Path;

use portable_pty::ExitStatus;

use crate::hostname;
use crate::programs::{clean_command, our_program};
use crate::terminal::{Size, Terminal};

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
