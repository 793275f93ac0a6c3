//! Rate limits that throttle requests and connections: token buckets that all connections of one address share, and
//! all sessions of one token.
//!
//! They outlive connections, so that a new connection brings no new burst. What comes too fast is not refused but
//! waits, unread. There is no timer: a bucket fills by the clock.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep_until};

use crate::address::client_network::ClientNetwork;
use crate::auth::gate::{Grant, GrantedBy, Peer};
use crate::config::Limits;
use crate::server::token_bucket::TokenBucket;

/// Of one token, from all addresses together, as many times the requests of one address.
const ADDRESSES_PER_TOKEN: u32 = 4;
/// Below this number of buckets none is removed.
const FEW_BUCKETS: usize = 64;
/// Above this number unused buckets are removed although they are not full.
const MOST_UNUSED: usize = 1024;

/// What a bucket is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    ConnectionsOf(ClientNetwork),
    RequestsOf(ClientNetwork),
    RequestsBy(GrantedBy),
}

type Shared = Arc<Mutex<TokenBucket>>;

/// The buckets of all clients.
#[derive(Debug)]
pub(crate) struct RateLimits(Mutex<Table>);

#[derive(Debug)]
struct Table {
    requests_per_second: u32,
    connections_per_second: u32,
    buckets: HashMap<Key, Shared>,
    /// With so many buckets, those that are full and unused are dropped.
    sweep_at: usize,
}

impl RateLimits {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self(Mutex::new(Table::new(limits)))
    }

    /// Applies changed limits. Connected clients keep their buckets.
    pub(crate) fn apply(&self, limits: &Limits) {
        *self.table() = Table::new(limits);
    }

    /// Reserves the next turn of a connection of `source`.
    pub(crate) fn connection(&self, source: ClientNetwork) -> Turn {
        let now = Instant::now();
        let bucket = {
            let mut table = self.table();
            let per_second = table.connections_per_second;
            table.bucket(Key::ConnectionsOf(source), per_second, now)
        };
        let at = bucket.lock().reserve(now);
        Turn {
            bucket,
            at,
            waits: at > now,
            is_used: false,
        }
    }

    /// The request limit of a session of `peer`, admitted by `pass`. A client in this process has none.
    pub(crate) fn requests(&self, peer: Peer, pass: &Grant) -> Allowance {
        let Peer::Network(address) = peer else {
            return Allowance::new(Vec::new());
        };
        let now = Instant::now();
        let mut table = self.table();
        let per_second = table.requests_per_second;
        let by_token = per_second.saturating_mul(ADDRESSES_PER_TOKEN);
        Allowance::new(vec![
            table.bucket(Key::RequestsOf(address.ip().into()), per_second, now),
            table.bucket(Key::RequestsBy(pass.by().clone()), by_token, now),
        ])
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock()
    }
}

impl Table {
    fn new(limits: &Limits) -> Self {
        Self {
            requests_per_second: limits.requests_per_second,
            connections_per_second: limits.connections_per_second,
            buckets: HashMap::new(),
            sweep_at: FEW_BUCKETS,
        }
    }

    fn bucket(&mut self, key: Key, per_second: u32, now: Instant) -> Shared {
        if let Some(bucket) = self.buckets.get(&key) {
            return Arc::clone(bucket);
        }
        if self.buckets.len() >= self.sweep_at {
            self.sweep(now);
        }
        let bucket = Arc::new(Mutex::new(TokenBucket::new(per_second, now)));
        self.buckets.insert(key, Arc::clone(&bucket));
        bucket
    }

    /// Drops the unused buckets that are full; and where there are too many others, the fullest of them.
    fn sweep(&mut self, now: Instant) {
        let is_used = |bucket: &Shared| Arc::strong_count(bucket) > 1;
        self.buckets
            .retain(|_, bucket| is_used(bucket) || bucket.lock().full_at() > now);
        let mut unused: Vec<_> = self
            .buckets
            .values()
            .filter(|bucket| !is_used(bucket))
            .map(|bucket| bucket.lock().full_at())
            .collect();
        if unused.len() > MOST_UNUSED {
            unused.sort_unstable();
            let middle = unused.get(unused.len() / 2).copied().unwrap_or(now);
            self.buckets
                .retain(|_, bucket| is_used(bucket) || bucket.lock().full_at() > middle);
        }
        self.sweep_at = FEW_BUCKETS.max(2 * self.buckets.len());
    }
}

/// A connection's turn. If it is dropped before the turn comes, the turn is given back.
#[derive(Debug)]
pub(crate) struct Turn {
    bucket: Shared,
    at: Instant,
    waits: bool,
    is_used: bool,
}

impl Turn {
    /// Whether the turn does not come at once.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// Waits for it.
    pub(crate) async fn wait(mut self) {
        if self.waits {
            sleep_until(self.at).await;
        }
        self.is_used = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_used {
            self.bucket.lock().give_back();
        }
    }
}

/// The request limit of one session, which it shares with others of its address and of its token.
#[derive(Debug)]
pub(crate) struct Allowance {
    buckets: Vec<Shared>,
    /// Whether the next request may have to wait, as it was after the last one: a session that keeps below the rate
    /// looks at its buckets once for each request.
    may_wait: bool,
}

impl Allowance {
    fn new(buckets: Vec<Shared>) -> Self {
        Self {
            buckets,
            may_wait: true,
        }
    }

    /// Waits until another request may be read.
    ///
    /// Of several sessions that wait each reads one then: at one time there are so many more than the burst, and all
    /// wait the longer afterwards.
    pub(crate) async fn ready(&self) {
        if !self.may_wait {
            return;
        }
        let ready_at = self.buckets.iter().map(|bucket| bucket.lock().ready_at());
        if let Some(ready_at) = ready_at.max()
            && ready_at > Instant::now()
        {
            sleep_until(ready_at).await;
        }
    }

    /// Notes a request that was read `now`.
    pub(crate) fn take(&mut self, now: Instant) {
        let mut may_wait = false;
        for bucket in &self.buckets {
            let mut bucket = bucket.lock();
            bucket.take(now);
            may_wait |= bucket.ready_at() > now;
        }
        self.may_wait = may_wait;
    }
}

#[cfg(test)]
mod tests;
