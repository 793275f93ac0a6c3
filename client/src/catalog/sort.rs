//! The order of the process list.

use std::cmp::Ordering;

use socktop_proto::model::Process;

use super::process::Column;
use super::process_row::SortKey;

/// Shares of the machine's CPU that are shown as the same number are the same to the order, too, in percent: smaller
/// differences say nothing.
const SHOWN_STEP: f32 = 0.1;

/// On a machine with many CPUs that is much for one of them: this share of one CPU makes a difference on any.
const CPU_STEP: f32 = 0.2;

/// What the list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: Column,
    /// Whether the largest values come first.
    pub descending: bool,
}

impl Sort {
    /// Sorting by `column`, in its usual direction.
    #[must_use]
    pub fn by(column: Column) -> Self {
        Self {
            column,
            descending: column.row().largest_first,
        }
    }

    /// The text that a process is sorted by, in lower case: made once, for there may be many comparisons.
    pub(crate) fn text(self, process: &Process) -> String {
        let SortKey::Text(text) = self.column.row().sort_key else {
            return String::new();
        };
        text(process).chars().flat_map(char::to_lowercase).collect()
    }

    /// The order of two processes with their texts on a machine of `cpus`. What is unknown comes last in both directions.
    pub(crate) fn compare(
        self,
        (one, text): (&Process, &str),
        (other, others): (&Process, &str),
        cpus: u16,
    ) -> Ordering {
        let direct = |order: Ordering| {
            if self.descending {
                order.reverse()
            } else {
                order
            }
        };
        let known = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => direct(one.cmp(&other)),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        let by_text = || match (text.is_empty(), others.is_empty()) {
            (false, false) => direct(text.cmp(others)),
            (one, other) => one.cmp(&other),
        };
        match self.column.row().sort_key {
            SortKey::Text(_) => by_text(),
            SortKey::Number(number) => known(number(one), number(other)),
            SortKey::CpuShare(percent) => {
                let step = SHOWN_STEP.min(CPU_STEP / f32::from(cpus.max(1)));
                let number = |process: &Process| {
                    let percent = percent(process).filter(|it| !it.is_nan())?;
                    Some((percent / step).round())
                };
                match (number(one), number(other)) {
                    (Some(one), Some(other)) => direct(one.total_cmp(&other)),
                    (one, other) => other.is_some().cmp(&one.is_some()),
                }
            }
        }
    }
}
