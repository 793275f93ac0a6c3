//! The window that a rate is taken over.
//!
//! A share of CPU is a difference between two readings of a counter divided by the time between them.
//! All requests share the readings, so the time between the last two may be anything: taken
//! over a millisecond, a counter that steps by 10 ms reads 0 or 1000 %. A [`Window`] therefore keeps
//! two past readings and offers as the baseline the newest that is at least [`MIN_WINDOW`] old.
//!
//! Invariants: `newer` is at least `MIN_WINDOW` after `older`; a baseline's age is between
//! `MIN_WINDOW` and `MAX_WINDOW`.

use std::time::Duration;

/// The shortest window that means something: the kernel's counters step by up to 10 ms, 4 % of it.
pub const MIN_WINDOW: Duration = Duration::from_millis(250);

/// The longest: an average over more than this is not what a live view should open with.
pub const MAX_WINDOW: Duration = Duration::from_mins(1);

/// A counter's value at a time (`CLOCK_BOOTTIME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading<T> {
    /// When it was read.
    pub at: Duration,
    /// What was read.
    pub value: T,
}

/// The past readings of one counter.
#[derive(Debug, Clone)]
pub struct Window<T> {
    older: Option<Reading<T>>,
    newer: Option<Reading<T>>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self {
            older: None,
            newer: None,
        }
    }
}

impl<T> Window<T> {
    /// The reading to take a difference from at `now`, if there is one of the right age.
    #[must_use]
    pub fn baseline(&self, now: Duration) -> Option<&Reading<T>> {
        [&self.newer, &self.older]
            .into_iter()
            .flatten()
            .find(|reading| now.saturating_sub(reading.at) >= MIN_WINDOW)
            .filter(|reading| now.saturating_sub(reading.at) <= MAX_WINDOW)
    }

    /// How long after `now` there will be a baseline, if nothing but time passes. `None` when there
    /// is no reading to become one.
    #[must_use]
    pub fn wait(&self, now: Duration) -> Option<Duration> {
        let newer = self.newer.as_ref()?;
        let age = now.saturating_sub(newer.at);
        (age <= MAX_WINDOW).then(|| MIN_WINDOW.saturating_sub(age))
    }

    /// Remembers a reading. Call it after [`baseline`](Self::baseline).
    pub fn record(&mut self, at: Duration, value: T) {
        let stale = |reading: &Reading<T>| at.saturating_sub(reading.at) > MAX_WINDOW;
        if self.newer.as_ref().is_none_or(stale) {
            self.older = None;
            self.newer = Some(Reading { at, value });
        } else if self
            .newer
            .as_ref()
            .is_some_and(|newer| at.saturating_sub(newer.at) >= MIN_WINDOW)
        {
            self.older = self.newer.replace(Reading { at, value });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn first_reading_becomes_the_baseline_after_the_shortest_window() {
        let mut window = Window::default();
        assert_eq!(window.baseline(ms(1000)), None);
        assert_eq!(window.wait(ms(1000)), None);
        window.record(ms(1000), 1);
        assert_eq!(window.baseline(ms(1249)), None);
        assert_eq!(window.wait(ms(1100)), Some(ms(150)));
        assert_eq!(window.baseline(ms(1250)).map(|r| r.value), Some(1));
    }

    #[test]
    fn frequent_readings_do_not_shorten_the_window() {
        let mut window = Window::default();
        window.record(ms(0), 0);
        for now in 1..10_000 {
            if let Some(baseline) = window.baseline(ms(now)) {
                let age = now - u64::try_from(baseline.at.as_millis()).unwrap();
                assert!((250..=500).contains(&age), "{age} ms at {now} ms");
            } else {
                assert!(now < 250, "no baseline at {now} ms");
            }
            window.record(ms(now), now);
        }
    }

    #[test]
    fn stale_reading_is_not_a_baseline() {
        let mut window = Window::default();
        window.record(ms(0), 1);
        window.record(ms(61_000), 2);
        assert_eq!(window.baseline(ms(61_100)), None);
        assert_eq!(window.baseline(ms(61_250)).map(|r| r.value), Some(2));
    }
}
