//! Token buckets: a rate and a burst.

use std::time::Duration;

use tokio::time::Instant;

/// How many seconds' worth may come at a stretch.
const BURST_SECONDS: u32 = 2;

/// A token bucket, kept as the time at which it will be full again.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    interval: Duration,
    burst: Duration,
    full_at: Instant,
}

impl TokenBucket {
    /// A full bucket for `per_second` a second.
    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self {
            interval,
            burst: interval * (per_second.max(1) * BURST_SECONDS),
            full_at: now,
        }
    }

    /// When the next one may be taken: now, or later.
    pub(crate) fn ready_at(&self) -> Instant {
        self.full_at + self.interval - self.burst
    }

    /// Takes one.
    pub(crate) fn take(&mut self, now: Instant) {
        self.full_at = self.full_at.max(now) + self.interval;
    }

    /// Takes one that may be used later, and says when: now, or after all that were taken before.
    pub(crate) fn reserve(&mut self, now: Instant) -> Instant {
        self.take(now);
        (self.full_at - self.burst).max(now)
    }

    /// Takes back one that was reserved and not used.
    pub(crate) fn give_back(&mut self) {
        self.full_at -= self.interval;
    }

    /// When nothing is missing any more.
    pub(crate) fn full_at(&self) -> Instant {
        self.full_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_is_two_seconds_worth_of_tokens() {
        let start = Instant::now() + Duration::from_mins(1);
        let mut bucket = TokenBucket::new(100, start);
        for _ in 0..200 {
            assert!(bucket.ready_at() <= start);
            bucket.take(start);
        }
        let interval = Duration::from_millis(10);
        assert_eq!(bucket.ready_at(), start + interval);
        let mut now = start;
        for _ in 0..1000 {
            now = now.max(bucket.ready_at());
            bucket.take(now);
        }
        assert_eq!(now - start, interval * 1000);
        // After a pause there is no more than one burst.
        let later = now + Duration::from_hours(1);
        for _ in 0..200 {
            assert!(bucket.ready_at() <= later);
            bucket.take(later);
        }
        assert!(bucket.ready_at() > later);
    }

    #[test]
    fn reservations_are_in_order_and_unused_ones_are_returned() {
        let start = Instant::now() + Duration::from_mins(1);
        let mut bucket = TokenBucket::new(10, start);
        for _ in 0..20 {
            assert_eq!(bucket.reserve(start), start);
        }
        let interval = Duration::from_millis(100);
        assert_eq!(bucket.reserve(start), start + interval);
        assert_eq!(bucket.reserve(start), start + 2 * interval);
        bucket.give_back();
        bucket.give_back();
        assert_eq!(bucket.reserve(start), start + interval);
    }
}
