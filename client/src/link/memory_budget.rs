//! The memory budget for the answers of one agent, all kinds together.

use std::mem::Discriminant;

use socktop_proto::Query;
use socktop_proto::limits::{HELD_BYTES, OverLimit};

use super::schedule::kind;

/// The last answer of every kind that was handed on, by its size. The application keeps it when the connection ends, so
/// this outlives connections too.
#[derive(Debug, Default)]
pub(super) struct MemoryBudget(Vec<(Discriminant<Query>, usize)>);

impl MemoryBudget {
    /// Counts an answer of `bytes` in place of the last one of its kind, beside `others` (bytes that are kept for other
    /// purposes).
    ///
    /// # Errors
    /// Where all together would take more than [`HELD_BYTES`]; then the last one counts on.
    pub(super) fn replace(
        &mut self,
        query: Query,
        bytes: usize,
        others: usize,
    ) -> Result<(), OverLimit> {
        let kind = kind(query);
        let kept: usize = self
            .0
            .iter()
            .filter(|(known, _)| *known != kind)
            .map(|(_, bytes)| *bytes)
            .sum();
        if kept + bytes + others > HELD_BYTES {
            return Err(OverLimit::Held);
        }
        self.0.retain(|(known, _)| *known != kind);
        self.0.push((kind, bytes));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_together_have_one_limit() {
        let mut held = MemoryBudget::default();
        let half = HELD_BYTES / 2;
        assert_eq!(held.replace(Query::Processes, half, 0), Ok(()));
        assert_eq!(held.replace(Query::Disks, half, 0), Ok(()));
        assert_eq!(held.replace(Query::Disks, half, 1), Err(OverLimit::Held));
        assert_eq!(held.replace(Query::Metrics, 1, 0), Err(OverLimit::Held));
        // Another process takes the place of the last one.
        assert_eq!(held.replace(Query::Disks, half - 9, 0), Ok(()));
        assert_eq!(held.replace(Query::Process { pid: 1 }, 9, 0), Ok(()));
        assert_eq!(held.replace(Query::Process { pid: 2 }, 9, 0), Ok(()));
    }
}
