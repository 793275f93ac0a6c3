//! Sources: where hosts' samples come from, agents elsewhere or this machine. The events of all hosts come in one stream.

pub mod local;
pub mod remote;
mod sources;

pub use sources::{LinkEnded, Source, Sources};

/// A host among those that are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(usize);

impl HostId {
    /// The first one.
    pub const FIRST: Self = Self(0);

    /// The host at that place of their list, from 0 on.
    #[must_use]
    pub const fn new(index: usize) -> Self {
        Self(index)
    }

    /// Its place in the list.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}
