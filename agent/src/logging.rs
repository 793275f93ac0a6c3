//! What the agent says of itself: to standard error, one line an event.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{Registry, fmt};

use crate::config::LogLevel;

/// Starts logging at `level`. Later calls change nothing.
///
/// Only the agent's own events are logged: hyper's, at the finer levels, would show the headers and
/// addresses that tokens come in.
pub fn start(level: LogLevel) {
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level.0);
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(ours);
    // Fails only where a subscriber is set already, as in a test or inside another program.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(lines));
}
