//! Backoff: how long to wait before the next retry.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
/// With the jitter on top, 15 s.
const LAST: Duration = Duration::from_secs(12);

/// Waits of 0.5 s doubling to 12 s, each with up to a quarter more by chance, so that many clients of an
/// agent that comes back do not all dial in one moment.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { base: FIRST }
    }

    /// The next wait; the one after will be longer.
    pub(super) fn next(&mut self) -> Duration {
        let wait = jittered(self.base);
        self.base = (self.base * 2).min(LAST);
        wait
    }

    /// The longest wait, for what waiting hardly mends.
    pub(super) fn longest() -> Duration {
        jittered(LAST)
    }
}

fn jittered(base: Duration) -> Duration {
    base.mul_f64(1.0 + fastrand::f64() / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_doubles_from_half_a_second_to_fifteen() {
        for _ in 0..100 {
            let mut backoff = Backoff::new();
            for base_ms in [500, 1000, 2000, 4000, 8000, 12_000, 12_000] {
                let wait_ms = backoff.next().as_millis();
                assert!(wait_ms >= base_ms, "{wait_ms} < {base_ms}");
                assert!(wait_ms <= base_ms * 5 / 4, "{wait_ms} of {base_ms}");
            }
            assert!(Backoff::longest() >= LAST);
            assert!(Backoff::longest() <= Duration::from_secs(15));
        }
    }

    #[test]
    fn delay_has_random_jitter() {
        fastrand::seed(7);
        let first = Backoff::new().next();
        assert!((0..20).any(|_| Backoff::new().next() != first));
    }
}
