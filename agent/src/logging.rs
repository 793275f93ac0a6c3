//! What the agent says of itself: to standard error, one line an event.

use std::io::IsTerminal;

use tracing_subscriber::fmt;

use crate::config::LogLevel;

/// Starts logging at `level`. Later calls change nothing.
pub fn start(level: LogLevel) {
    let subscriber = fmt()
        .with_max_level(level.0)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .finish();
    // Fails only where a subscriber is set already, as in a test or inside another program.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
