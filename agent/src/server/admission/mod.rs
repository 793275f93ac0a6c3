//! Admission: how many connections there may be, and which one is displaced for a new one.
//!
//! A connection is pending until it is authenticated, then a session. At the limit, a new connection displaces the oldest
//! pending one; a session is never displaced. Where all are sessions, one more connection is accepted, to be answered
//! with the reason of the refusal.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::address::client_network::ClientNetwork;
use crate::config::Limits;

/// Why another session is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    /// There are as many sessions as may be.
    #[error(
        "all {0} connections that limits.connections allows are taken: close some, or raise it in agent.toml and \
         reload socktop-agent"
    )]
    Connections(usize),
    /// There are as many sessions as may be of one address.
    #[error(
        "all {0} connections that limits.per_address allows for one address are taken: close some, or raise it in \
         agent.toml and reload socktop-agent"
    )]
    PerAddress(usize),
}

/// The connections.
#[derive(Debug, Clone)]
pub(crate) struct Admission(Arc<Mutex<Table>>);

#[derive(Debug)]
struct Table {
    connections: usize,
    per_address: usize,
    next: u64,
    /// By age, the oldest first.
    entries: BTreeMap<u64, Entry>,
    tallies: HashMap<ClientNetwork, Tally>,
    sessions: usize,
}

#[derive(Debug)]
struct Entry {
    source: ClientNetwork,
    is_session: bool,
    displaced: Arc<Notify>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    pending: usize,
    sessions: usize,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(Table {
            connections: limits.connections,
            per_address: limits.per_address,
            next: 0,
            entries: BTreeMap::new(),
            tallies: HashMap::new(),
            sessions: 0,
        })))
    }

    /// Applies changed limits. No connection is displaced before the next one arrives.
    pub(crate) fn apply(&self, limits: &Limits) {
        let mut table = self.0.lock();
        table.connections = limits.connections;
        table.per_address = limits.per_address;
    }

    /// Admits a new connection; returns how many it displaced.
    pub(crate) fn admit(&self, source: ClientNetwork) -> (Ticket, usize) {
        let mut table = self.0.lock();
        let displaced = table.make_room(source);
        let id = table.next;
        table.next += 1;
        let notify = Arc::new(Notify::new());
        let entry = Entry {
            source,
            is_session: false,
            displaced: Arc::clone(&notify),
        };
        table.entries.insert(id, entry);
        table.tallies.entry(source).or_default().pending += 1;
        let ticket = Ticket {
            table: Arc::clone(&self.0),
            id,
            displaced: notify,
        };
        (ticket, displaced)
    }
}

impl Table {
    fn tally(&self, source: ClientNetwork) -> Tally {
        self.tallies.get(&source).copied().unwrap_or_default()
    }

    fn make_room(&mut self, source: ClientNetwork) -> usize {
        let mut displaced = 0;
        while {
            let Tally { pending, sessions } = self.tally(source);
            pending > 0 && pending + sessions >= self.per_address
        } {
            self.displace_oldest_of(source);
            displaced += 1;
        }
        while self.entries.len() >= self.connections
            && let Some(source) = self.source_with_most_pending()
        {
            self.displace_oldest_of(source);
            displaced += 1;
        }
        displaced
    }

    /// Of several that have as many, the one whose oldest has waited longest.
    fn source_with_most_pending(&self) -> Option<ClientNetwork> {
        let most = self.tallies.values().map(|tally| tally.pending).max()?;
        self.entries
            .values()
            .filter(|entry| !entry.is_session)
            .map(|entry| entry.source)
            .find(|&source| self.tally(source).pending == most)
    }

    fn displace_oldest_of(&mut self, source: ClientNetwork) {
        let oldest = self
            .entries
            .iter()
            .find(|(_, entry)| !entry.is_session && entry.source == source)
            .map(|(&id, _)| id);
        if let Some(entry) = oldest.and_then(|id| self.remove(id)) {
            entry.displaced.notify_one();
        }
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        if let Some(tally) = self.tallies.get_mut(&entry.source) {
            if entry.is_session {
                tally.sessions -= 1;
                self.sessions -= 1;
            } else {
                tally.pending -= 1;
            }
            if tally.pending + tally.sessions == 0 {
                self.tallies.remove(&entry.source);
            }
        }
        Some(entry)
    }

    fn promote(&mut self, id: u64) -> Result<(), Full> {
        // One that was displaced meanwhile is about to be notified.
        let Some(entry) = self.entries.get_mut(&id) else {
            return Err(Full::Connections(self.connections));
        };
        if entry.is_session {
            return Ok(());
        }
        let tally = self.tallies.entry(entry.source).or_default();
        if tally.sessions >= self.per_address {
            return Err(Full::PerAddress(self.per_address));
        }
        if self.sessions >= self.connections {
            return Err(Full::Connections(self.connections));
        }
        entry.is_session = true;
        tally.pending -= 1;
        tally.sessions += 1;
        self.sessions += 1;
        Ok(())
    }
}

/// One connection's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    table: Arc<Mutex<Table>>,
    id: u64,
    displaced: Arc<Notify>,
}

impl Ticket {
    /// Waits until a new connection takes the place. Only one task may wait.
    pub(crate) async fn displaced(&self) {
        self.displaced.notified().await;
    }

    /// Makes it a session, which new connections do not displace.
    ///
    /// # Errors
    /// Says which limit is reached.
    pub(crate) fn promote(&self) -> Result<(), Full> {
        self.table.lock().promote(self.id)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.table.lock().remove(self.id);
    }
}

#[cfg(test)]
mod tests;
