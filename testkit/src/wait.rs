//! Waiting for a condition instead of for a time.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up: far longer than it ever should, so that a
/// busy machine fails no test.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// Between two looks at a condition that cannot wake us.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `probe` gives a value.
///
/// # Panics
/// When it gave none within [`DEADLINE`]; `what` says what was waited for.
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(
            started.elapsed() < DEADLINE,
            "waited {DEADLINE:?} in vain for {what}"
        );
        thread::sleep(PAUSE);
    }
}
