//! Logging: to the journal under systemd, else to standard error, one line per event.
//!
//! A message says all; fields repeat it for programs. In the journal these are `EVENT`, `PEER` and `ERROR`.
//! Only the agent's own events are logged: hyper's, at the finer levels, would show the headers and addresses that
//! tokens come in.

use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::OnceLock;

use rustix::fs::fstat;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, fmt, reload};

use crate::config::LogLevel;

/// Fields that the message has already.
const IN_MESSAGE: [&str; 3] = ["event", "peer", "error"];

static FILTER: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Starts logging at `level`. Later calls change nothing.
pub fn start(level: LogLevel) {
    let (filter, handle) = reload::Layer::new(filter(level));
    let journal = is_journal().then(journal).flatten();
    let subscriber = Registry::default()
        .with(filter)
        .with(journal.is_none().then(stderr))
        .with(journal);
    // Fails only where a subscriber is set already, as in a test or inside another program.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        let _ = FILTER.set(handle);
    }
}

/// Changes what is logged.
pub fn set_level(level: LogLevel) {
    if let Some(handle) = FILTER.get() {
        // Fails only where the subscriber is gone, and then nothing is logged anyway.
        let _ = handle.reload(filter(level));
    }
}

/// Whether standard error leads to the journal: `$JOURNAL_STREAM` names its device and inode
/// (`systemd.exec(5)`).
#[must_use]
pub fn is_journal() -> bool {
    let Ok(stat) = fstat(std::io::stderr().as_fd()) else {
        return false;
    };
    std::env::var("JOURNAL_STREAM")
        .is_ok_and(|stream| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

fn filter(level: LogLevel) -> Targets {
    Targets::new().with_target(env!("CARGO_CRATE_NAME"), level.0)
}

/// The journal, where it can be reached.
fn journal() -> Option<tracing_journald::Layer> {
    let layer = tracing_journald::layer().ok()?;
    Some(
        layer
            .with_field_prefix(None)
            .with_syslog_identifier(env!("CARGO_PKG_NAME").to_owned())
            .with_priority_mappings(PriorityMappings {
                info: Priority::Informational,
                debug: Priority::Debug,
                ..PriorityMappings::new()
            }),
    )
}

fn stderr<S>() -> impl Layer<S>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
{
    let fields = debug_fn(|writer, field, value| match field.name() {
        "message" => write!(writer, "{value:?}"),
        name if IN_MESSAGE.contains(&name) => Ok(()),
        name => write!(writer, " {name}={value:?}"),
    });
    fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .fmt_fields(fields)
}
