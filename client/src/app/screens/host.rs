//! A host's screen: what the user chose there. What is known of the host itself is in [`crate::state`].

use std::time::Instant;

use super::process_list::ProcessList;
use crate::actions::{Context, View};
use crate::view::Details;

/// The choices of the user on a host's screen.
#[derive(Debug, Clone, Default)]
pub struct HostScreen {
    /// The panes that are shown.
    pub view: View,
    /// The process list.
    pub list: ProcessList,
    /// The first interface that is seen.
    pub network_offset: usize,
    /// The first disk that is seen.
    pub disks_offset: usize,
    /// The dialog of one process.
    pub details: Option<Details>,
    /// When what is shown was last changed: older samples could not be newer.
    pub(crate) shown_since: Option<Instant>,
}

impl HostScreen {
    /// What keys act on.
    #[must_use]
    pub fn context(&self) -> Context {
        if self.details.is_some() {
            Context::Details
        } else if self.list.editing {
            Context::Filter
        } else {
            Context::Host
        }
    }

    /// Whether there is a filter or a selection that can be dropped.
    #[must_use]
    pub fn is_clearable(&self) -> bool {
        self.list.editing || !self.list.filter.is_empty() || self.list.selected.is_some()
    }
}
