//! Backoff after wrong tokens: each further guess of an address is answered later.
//!
//! Only the answer to a wrong token is delayed: a client with the right one is admitted at once, whatever others of the
//! same address do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::address::client_network::ClientNetwork;

/// How long the answer to a first wrong token waits; to each further one twice as long.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// How long at most.
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// As many failures make the longest delay; more are not counted.
const MOST_FAILURES: u32 = 7;
/// After this time without a failure half of them are forgotten: all within ten minutes.
const HALVING_TIME: Duration = Duration::from_mins(3);
/// How many addresses are remembered.
const ADDRESSES: usize = 1024;
/// How many answers wait at once, of one address and in all. Further guesses get none.
const HELD_PER_ADDRESS: u32 = 4;
const HELD: u32 = 32;

/// The addresses that guessed, and how often.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backoff(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    failures: HashMap<ClientNetwork, Failures>,
    held: u32,
}

#[derive(Debug)]
struct Failures {
    count: u32,
    last: Instant,
    held: u32,
}

impl Failures {
    fn count_at(&self, now: Instant) -> u32 {
        let halvings = (now - self.last).as_secs() / HALVING_TIME.as_secs();
        let halvings = u32::try_from(halvings).unwrap_or(u32::MAX);
        self.count.checked_shr(halvings).unwrap_or(0)
    }
}

/// A place among the delayed answers, until it is dropped.
#[derive(Debug)]
pub(crate) struct DelayedAnswer {
    table: Arc<Mutex<Table>>,
    source: ClientNetwork,
    delay: Duration,
}

impl DelayedAnswer {
    /// How long the answer is delayed.
    pub(crate) fn delay(&self) -> Duration {
        self.delay
    }
}

impl Drop for DelayedAnswer {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        table.held -= 1;
        if let Some(failures) = table.failures.get_mut(&self.source) {
            failures.held -= 1;
        }
    }
}

impl Backoff {
    /// Notes a wrong token. `None`: so many answers wait that this one is not given at all.
    pub(crate) fn fail(&self, source: ClientNetwork) -> Option<DelayedAnswer> {
        let now = Instant::now();
        let mut table = self.0.lock();
        table.make_room(source);
        let failures = table.failures.entry(source).or_insert(Failures {
            count: 0,
            last: now,
            held: 0,
        });
        failures.count = (failures.count_at(now) + 1).min(MOST_FAILURES);
        failures.last = now;
        let delay = (FIRST_DELAY * (1 << (failures.count - 1))).min(LONGEST_DELAY);
        let held_of_it = failures.held;
        if held_of_it >= HELD_PER_ADDRESS || table.held >= HELD {
            return None;
        }
        table.held += 1;
        if let Some(failures) = table.failures.get_mut(&source) {
            failures.held += 1;
        }
        Some(DelayedAnswer {
            table: Arc::clone(&self.0),
            source,
            delay,
        })
    }
}

impl Table {
    /// Forgets the address that failed longest ago, where too many are remembered; never one whose answer is delayed.
    fn make_room(&mut self, source: ClientNetwork) {
        if self.failures.len() < ADDRESSES || self.failures.contains_key(&source) {
            return;
        }
        let oldest = self
            .failures
            .iter()
            .filter(|(_, failures)| failures.held == 0)
            .min_by_key(|(_, failures)| failures.last)
            .map(|(&source, _)| source);
        if let Some(oldest) = oldest {
            self.failures.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tokio::time::advance;

    use super::*;

    fn source(number: u64) -> ClientNetwork {
        ClientNetwork::V6(number)
    }

    fn delay_ms(backoff: &Backoff, number: u64) -> u128 {
        backoff.fail(source(number)).unwrap().delay().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn delay_doubles_with_each_failure_up_to_five_seconds() {
        let backoff = Backoff::default();
        for wanted in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            assert_eq!(delay_ms(&backoff, 1), wanted);
        }
        assert_eq!(delay_ms(&backoff, 2), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn failure_count_decays_by_half_within_ten_minutes() {
        let backoff = Backoff::default();
        for _ in 0..20 {
            delay_ms(&backoff, 1);
        }
        advance(HALVING_TIME).await;
        assert_eq!(delay_ms(&backoff, 1), 800, "three of seven are left");
        advance(Duration::from_mins(10)).await;
        assert_eq!(delay_ms(&backoff, 1), 100);
        advance(Duration::from_hours(24 * 365 * 100)).await;
        assert_eq!(delay_ms(&backoff, 1), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn delayed_answers_are_limited_to_four_per_address_and_32_in_total() {
        let backoff = Backoff::default();
        let mut held: Vec<_> = (0..4).map(|_| backoff.fail(source(0)).unwrap()).collect();
        assert!(backoff.fail(source(0)).is_none());
        for number in 1..=7 {
            held.extend((0..4).filter_map(|_| backoff.fail(source(number))));
        }
        assert_eq!(held.len(), 32);
        assert!(backoff.fail(source(99)).is_none());
        held.pop();
        assert!(backoff.fail(source(99)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn thousand_addresses_are_remembered_and_the_oldest_evicted() {
        let backoff = Backoff::default();
        for number in 0..2000 {
            advance(Duration::from_millis(1)).await;
            delay_ms(&backoff, number);
        }
        assert_eq!(backoff.0.lock().failures.len(), ADDRESSES);
        assert_eq!(delay_ms(&backoff, 1999), 200);
        assert_eq!(delay_ms(&backoff, 0), 100);
    }

    proptest! {
        #[test]
        fn delayed_answers_never_exceed_the_limits(steps in vec((0..12_u64, any::<bool>()), 1..200)) {
            let backoff = Backoff::default();
            let mut held = Vec::new();
            for (number, leaves) in steps {
                if leaves && !held.is_empty() {
                    let _: DelayedAnswer = held.swap_remove(usize::try_from(number).unwrap() % held.len());
                } else {
                    held.extend(backoff.fail(source(number)));
                }
                prop_assert!(held.len() <= 32);
                for number in 0..12 {
                    let of_it = held.iter().filter(|held| held.source == source(number)).count();
                    prop_assert!(of_it <= 4);
                }
            }
        }
    }
}
