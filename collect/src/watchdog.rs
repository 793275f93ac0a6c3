//! The watchdog: a kernel timer that ends the process when the serving thread makes no progress.
//!
//! Calls that may hang are made by helper threads (`collect::deadline`). Should one of the others hang all the same, no client
//! is answered any more, not even SIGTERM. So a sample is collected under `alarm(2)`: SIGALRM, which nothing catches, ends
//! the process, and the service manager starts it again. The timer runs only while some sample is being collected: an
//! idle agent is not woken, and a cached answer costs no call. It begins anew with each sample that
//! begins or ends, so that it ends no agent that is merely busy, whatever it is asked.

use std::sync::atomic::{AtomicBool, Ordering};

use nix::unistd::alarm;
use parking_lot::{Mutex, MutexGuard};

/// How long may pass without progress, in seconds. Whatever a sample waits for has a deadline of a few.
const SECONDS: u32 = 30;

/// The one of this process, as the kernel's timer is.
static WATCHDOG: Watchdog = Watchdog::new(|seconds| {
    match seconds {
        0 => alarm::cancel(),
        seconds => alarm::set(seconds),
    };
});

/// From now on, ends the process where collecting a sample hangs. For a process that does nothing but serve.
pub fn turn_on() {
    WATCHDOG.is_on.store(true, Ordering::Relaxed);
}

/// Watches a sample being collected, until what this returns is dropped.
pub(crate) fn watch() -> Watched<'static> {
    WATCHDOG.watch()
}

struct Watchdog {
    is_on: AtomicBool,
    /// How many samples are being collected.
    in_flight: Mutex<u32>,
    /// Has the timer go off after so many seconds; 0: never.
    set: fn(u32),
}

/// A sample that is being collected.
pub(crate) struct Watched<'a>(Option<&'a Watchdog>);

impl Watchdog {
    const fn new(set: fn(u32)) -> Self {
        Self {
            is_on: AtomicBool::new(false),
            in_flight: Mutex::new(0),
            set,
        }
    }

    fn watch(&self) -> Watched<'_> {
        let is_on = self.is_on.load(Ordering::Relaxed);
        if is_on {
            *self.in_flight() += 1;
            (self.set)(SECONDS);
        }
        Watched(is_on.then_some(self))
    }

    fn in_flight(&self) -> MutexGuard<'_, u32> {
        self.in_flight.lock()
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if let Some(watchdog) = self.0 {
            let mut in_flight = watchdog.in_flight();
            *in_flight = in_flight.saturating_sub(1);
            (watchdog.set)(if *in_flight == 0 { 0 } else { SECONDS });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static SET: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    }

    /// How the timer was set since the last question.
    fn settings() -> Vec<u32> {
        SET.take()
    }

    #[test]
    fn timer_runs_during_work_and_restarts_at_each_progress() {
        let watchdog = Watchdog::new(|seconds| SET.with_borrow_mut(|set| set.push(seconds)));
        drop(watchdog.watch());
        assert!(settings().is_empty(), "it is off");
        watchdog.is_on.store(true, Ordering::Relaxed);
        let one = watchdog.watch();
        let other = watchdog.watch();
        assert_eq!(settings(), [SECONDS, SECONDS]);
        drop(one);
        assert_eq!(settings(), [SECONDS]);
        let third = watchdog.watch();
        drop(other);
        drop(third);
        assert_eq!(settings(), [SECONDS, SECONDS, 0]);
    }
}
