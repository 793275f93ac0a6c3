//! A limit on concurrent handshakes, fair by address: a handshake costs computing time and memory before the client is
//! authenticated.
//!
//! A handshake ends when the request is answered. Of the waiting connections, the one whose address has fewest
//! handshakes is next. While connections wait, a handshake that has taken a quarter of a second may be cut off: the
//! oldest of the address that has most.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::address::client_network::ClientNetwork;

/// How long a handshake is safe from being cut off while others wait.
const SAFE_TIME: Duration = Duration::from_millis(250);

/// All handshakes, and the connections that wait for one.
#[derive(Debug, Clone)]
pub(crate) struct Handshakes(Arc<Mutex<Queue>>);

#[derive(Debug)]
struct Queue {
    limit: usize,
    next: u64,
    holders: BTreeMap<u64, Holder>,
    /// In the order of arrival.
    waiting: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Holder {
    entry: Entry,
    since: Instant,
}

#[derive(Debug)]
struct Entry {
    source: ClientNetwork,
    signals: Arc<Signals>,
}

#[derive(Debug, Default)]
struct Signals {
    granted: Notify,
    cut: Notify,
}

/// Signals that a place was taken away.
#[derive(Debug)]
pub(crate) struct Cut(Arc<Signals>);

impl Cut {
    /// Waits until the place is taken away; for ever where it was given back. Only one may wait.
    pub(crate) async fn off(self) {
        self.0.cut.notified().await;
    }
}

/// A place among the handshakes, or a wait for one, until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    queue: Arc<Mutex<Queue>>,
    id: u64,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut queue = self.queue.lock();
        queue.waiting.remove(&self.id);
        if queue.holders.remove(&self.id).is_some() {
            queue.grant();
        }
    }
}

impl Handshakes {
    pub(crate) fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue {
            limit,
            next: 0,
            holders: BTreeMap::new(),
            waiting: BTreeMap::new(),
        })))
    }

    /// Applies a changed limit. Handshakes under way keep their places.
    pub(crate) fn apply(&self, limit: usize) {
        let mut queue = self.0.lock();
        queue.limit = limit;
        queue.grant();
    }

    /// Waits for a place.
    pub(crate) async fn acquire(&self, source: ClientNetwork) -> (Slot, Cut) {
        let (slot, signals) = self.line_up(source);
        while let Some(until) = self.wait_of(slot.id) {
            tokio::select! {
                () = signals.granted.notified() => {}
                () = sleep_until(until) => {}
            }
        }
        (slot, Cut(signals))
    }

    fn line_up(&self, source: ClientNetwork) -> (Slot, Arc<Signals>) {
        let mut queue = self.0.lock();
        let id = queue.next;
        queue.next += 1;
        let signals = Arc::<Signals>::default();
        let entry = Entry {
            source,
            signals: Arc::clone(&signals),
        };
        queue.waiting.insert(id, entry);
        queue.grant();
        let slot = Slot {
            queue: Arc::clone(&self.0),
            id,
        };
        (slot, signals)
    }

    /// When `id` should check again whether it has a place; `None` if it has one. Cuts off a handshake whose time is over.
    fn wait_of(&self, id: u64) -> Option<Instant> {
        let mut queue = self.0.lock();
        let now = Instant::now();
        loop {
            if !queue.waiting.contains_key(&id) {
                return None;
            }
            match queue.victim() {
                Some((victim, since)) if since + SAFE_TIME <= now => queue.cut_off(victim),
                Some((_, since)) => return Some(since + SAFE_TIME),
                // Not while there is a place at all.
                None => return Some(now + SAFE_TIME),
            }
        }
    }
}

impl Queue {
    fn count_by_address(&self) -> HashMap<ClientNetwork, usize> {
        let mut held = HashMap::new();
        for holder in self.holders.values() {
            *held.entry(holder.entry.source).or_default() += 1;
        }
        held
    }

    /// Gives free places to waiting connections.
    fn grant(&mut self) {
        while self.holders.len() < self.limit {
            let held = self.count_by_address();
            let next = self
                .waiting
                .iter()
                .min_by_key(|(id, entry)| (held.get(&entry.source).copied().unwrap_or(0), **id))
                .map(|(&id, _)| id);
            let Some((id, entry)) = next.and_then(|id| self.waiting.remove_entry(&id)) else {
                return;
            };
            entry.signals.granted.notify_one();
            let since = Instant::now();
            self.holders.insert(id, Holder { entry, since });
        }
    }

    /// The handshake that is cut off next: the oldest of the address that has most; of several such, the oldest of all.
    fn victim(&self) -> Option<(u64, Instant)> {
        let held = self.count_by_address();
        let most = held.values().max()?;
        self.holders
            .iter()
            .filter(|(_, holder)| held.get(&holder.entry.source) == Some(most))
            .min_by_key(|(id, holder)| (holder.since, **id))
            .map(|(&id, holder)| (id, holder.since))
    }

    fn cut_off(&mut self, id: u64) {
        if let Some(holder) = self.holders.remove(&id) {
            holder.entry.signals.cut.notify_one();
        }
        self.grant();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::FutureExt;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tokio::time::advance;

    use super::*;

    fn source(number: u8) -> ClientNetwork {
        ClientNetwork::V4(Ipv4Addr::new(192, 0, 2, number))
    }

    fn holds(handshakes: &Handshakes, slot: &Slot) -> bool {
        handshakes.0.lock().holders.contains_key(&slot.id)
    }

    #[tokio::test(start_paused = true)]
    async fn address_with_fewest_handshakes_is_next() {
        let handshakes = Handshakes::new(2);
        let line_up = |number| handshakes.line_up(source(number)).0;
        let (first, _second) = (line_up(1), line_up(1));
        let (third, other) = (line_up(1), line_up(2));
        drop(first);
        assert!(!holds(&handshakes, &third));
        assert!(holds(&handshakes, &other));
        drop(other);
        assert!(holds(&handshakes, &third));
    }

    #[tokio::test(start_paused = true)]
    async fn handshake_is_not_cut_off_while_no_client_waits() {
        let handshakes = Handshakes::new(2);
        let (_first, first_cut) = handshakes.acquire(source(1)).await;
        let _second = handshakes.acquire(source(1)).await;
        advance(Duration::from_secs(4)).await;
        assert!(first_cut.off().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_client_cuts_off_the_oldest_handshake_of_the_address_with_most() {
        let handshakes = Handshakes::new(3);
        let (_alone, alone_cut) = handshakes.acquire(source(2)).await;
        let (_first, first_cut) = handshakes.acquire(source(1)).await;
        advance(Duration::from_millis(10)).await;
        let (_second, second_cut) = handshakes.acquire(source(1)).await;
        let start = Instant::now();
        let (good, _) = handshakes.acquire(source(3)).await;
        assert!(holds(&handshakes, &good));
        // Timers tick in milliseconds.
        assert!(start.elapsed() <= SAFE_TIME);
        assert!(first_cut.off().now_or_never().is_some());
        assert!(alone_cut.off().now_or_never().is_none());
        assert!(second_cut.off().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_leaves_the_queue_is_forgotten() {
        let handshakes = Handshakes::new(1);
        let (slot, _cut) = handshakes.acquire(source(1)).await;
        assert!(handshakes.acquire(source(2)).now_or_never().is_none());
        drop(slot);
        let queue = handshakes.0.lock();
        assert!(queue.waiting.is_empty() && queue.holders.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn raised_limit_applies_at_once() {
        let handshakes = Handshakes::new(1);
        let _first = handshakes.line_up(source(1)).0;
        let second = handshakes.line_up(source(1)).0;
        assert!(!holds(&handshakes, &second));
        handshakes.apply(2);
        assert!(holds(&handshakes, &second));
    }

    proptest! {
        #[test]
        fn handshakes_reach_the_limit_and_do_not_exceed_it(
            limit in 1..5_usize,
            steps in vec((0..4_u8, any::<bool>(), any::<usize>()), 1..80),
        ) {
            let handshakes = Handshakes::new(limit);
            let mut slots = Vec::new();
            for (number, comes, which) in steps {
                if comes || slots.is_empty() {
                    slots.push(handshakes.line_up(source(number)).0);
                } else {
                    drop(slots.swap_remove(which % slots.len()));
                }
                let queue = handshakes.0.lock();
                prop_assert!(queue.holders.len() <= limit);
                prop_assert!(queue.waiting.is_empty() || queue.holders.len() == limit);
                prop_assert_eq!(queue.holders.len() + queue.waiting.len(), slots.len());
            }
        }

        #[test]
        fn every_address_has_a_handshake_when_the_limit_allows(sources in vec(0..4_u8, 1..40)) {
            let handshakes = Handshakes::new(4);
            let first: Vec<_> = (0..4).map(|_| handshakes.line_up(source(9)).0).collect();
            let slots: Vec<_> = sources
                .iter()
                .map(|&number| (number, handshakes.line_up(source(number)).0))
                .collect();
            drop(first);
            for &(number, _) in &slots {
                prop_assert!(slots.iter().any(|(other, slot)| *other == number && holds(&handshakes, slot)));
            }
        }
    }
}
