//! A rate and a burst: a token bucket.

use std::time::Duration;

use tokio::time::Instant;

/// For how many seconds' worth of requests may come at a stretch.
const BURST_SECONDS: u32 = 2;

/// A token bucket, kept as the time at which it will be full again.
#[derive(Debug)]
pub(crate) struct Bucket {
    interval: Duration,
    burst: Duration,
    full_at: Instant,
}

impl Bucket {
    /// A full bucket for `per_second` requests a second.
    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self {
            interval,
            burst: interval * (per_second.max(1) * BURST_SECONDS),
            full_at: now,
        }
    }

    /// When the next request may be read: now, or later.
    pub(crate) fn ready_at(&self) -> Instant {
        self.full_at + self.interval - self.burst
    }

    /// Notes a request.
    pub(crate) fn take(&mut self, now: Instant) {
        self.full_at = self.full_at.max(now) + self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seconds_worth_may_come_at_once_and_then_the_rate_holds() {
        let start = Instant::now() + Duration::from_mins(1);
        let mut bucket = Bucket::new(100, start);
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
}
