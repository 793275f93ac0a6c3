//! The fleet: what is known of every host.

use super::{HostState, Moment};
use crate::link::Event;
use crate::source::HostId;

/// Every host that is watched, in the order in which they are listed.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    hosts: Vec<HostState>,
}

impl Fleet {
    /// These hosts.
    #[must_use]
    pub fn new(hosts: Vec<HostState>) -> Self {
        Self { hosts }
    }

    /// What is known of `host`.
    #[must_use]
    pub fn get(&self, host: HostId) -> Option<&HostState> {
        self.hosts.get(host.index())
    }

    /// As [`Fleet::get`], to change it.
    pub fn get_mut(&mut self, host: HostId) -> Option<&mut HostState> {
        self.hosts.get_mut(host.index())
    }

    /// How many hosts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Each host, in their order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (HostId, &HostState)> {
        let numbered = self.hosts.iter().enumerate();
        numbered.map(|(index, state)| (HostId::new(index), state))
    }

    /// Takes what `host` says; says whether what was known of it before is dropped, because another agent answers.
    pub fn apply(&mut self, host: HostId, event: Event, now: Moment) -> bool {
        self.get_mut(host)
            .is_some_and(|state| state.apply(event, now))
    }
}
