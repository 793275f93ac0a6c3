//! Any log lines.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use socktop_proto::model::{Journal, JournalEntry};

use super::{MANY, text, time};

prop_compose! {
    fn journal_entry()(
        unix_us in any::<u64>(),
        priority in of(any::<u32>()),
        message in text(),
        unit in of(text()),
        pid in of(any::<u32>()),
        command in of(text()),
        user_id in of(any::<u32>()),
        group_id in of(any::<u32>()),
    ) -> JournalEntry {
        JournalEntry { unix_us, priority, message, unit, pid, command, user_id, group_id }
    }
}

prop_compose! {
    /// Any log lines of a process.
    pub fn journal()(
        time in of(time()),
        entries in vec(journal_entry(), 0..MANY),
        truncated in any::<bool>(),
        notice in of(text()),
    ) -> Journal {
        Journal { time, entries, truncated, notice }
    }
}
