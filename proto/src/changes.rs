//! The process list as changes since another one, which is most often a tenth of it.

use std::collections::BTreeMap;

use crate::model::{Process, ProcessChange, Processes};

/// Changes that are none to the list at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangesError {
    /// They are to another revision.
    #[error("the changes are to revision {since} of the process list, not to {revision}")]
    Base {
        /// The revision that they are to.
        since: u64,
        /// The one at hand.
        revision: u64,
    },
    /// They change a process that is not in the list.
    #[error("the changes name process {pid}, which is not in the list")]
    Unknown {
        /// The process.
        pid: u32,
    },
}

/// What has changed from `old` to `new`. Both are in the order of their pids.
#[must_use]
pub fn changes(old: &Processes, new: &Processes) -> Processes {
    let mut difference = Processes {
        time: new.time,
        total: new.total,
        window_ms: new.window_ms,
        revision: new.revision,
        since: Some(old.revision),
        ..Processes::default()
    };
    let mut before = old.processes.iter().peekable();
    for process in &new.processes {
        while let Some(gone) = before.next_if(|before| before.pid < process.pid) {
            difference.ended.push(gone.pid);
        }
        match before.next_if(|before| before.pid == process.pid) {
            Some(same) if same == process => {}
            Some(same) => match change(same, process) {
                Some(change) => difference.changes.push(change),
                None => difference.processes.push(process.clone()),
            },
            None => difference.processes.push(process.clone()),
        }
    }
    difference.ended.extend(before.map(|gone| gone.pid));
    difference
}

/// The change from one to the other, if it can say it: it has no word for what is no longer known.
fn change(old: &Process, new: &Process) -> Option<ProcessChange> {
    let change = ProcessChange {
        pid: new.pid,
        cpu_percent: new
            .cpu_percent
            .filter(|percent| old.cpu_percent != Some(*percent)),
        resident_bytes: new
            .resident_bytes
            .filter(|bytes| old.resident_bytes != Some(*bytes)),
    };
    let mut changed = old.clone();
    apply_one(&mut changed, &change);
    (changed == *new).then_some(change)
}

fn apply_one(process: &mut Process, change: &ProcessChange) {
    process.cpu_percent = change.cpu_percent.or(process.cpu_percent);
    process.resident_bytes = change.resident_bytes.or(process.resident_bytes);
}

/// The list that `difference` makes of `old`; `difference` itself where it is a whole list.
///
/// # Errors
/// Where it is the difference to another list.
pub fn apply(old: &Processes, difference: Processes) -> Result<Processes, ChangesError> {
    let Some(since) = difference.since else {
        return Ok(difference);
    };
    if since != old.revision {
        return Err(ChangesError::Base {
            since,
            revision: old.revision,
        });
    }
    let mut processes: BTreeMap<u32, Process> = old
        .processes
        .iter()
        .map(|process| (process.pid, process.clone()))
        .collect();
    for pid in &difference.ended {
        processes.remove(pid);
    }
    for change in &difference.changes {
        let pid = change.pid;
        let process = processes
            .get_mut(&pid)
            .ok_or(ChangesError::Unknown { pid })?;
        apply_one(process, change);
    }
    let new = difference.processes.into_iter();
    processes.extend(new.map(|process| (process.pid, process)));
    Ok(Processes {
        time: difference.time,
        processes: processes.into_values().collect(),
        total: difference.total,
        window_ms: difference.window_ms,
        revision: difference.revision,
        ..Processes::default()
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::option;
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    /// A list in the order of its pids, as an agent makes it.
    fn list(revision: u64) -> impl Strategy<Value = Processes> {
        let process = (
            option::of(0..3_u64),
            option::of(0..3_u8),
            "[ab]",
            option::of(0..2_u32),
        );
        btree_map(1..9_u32, process, 0..8).prop_map(move |rows| Processes {
            revision,
            total: u32::try_from(rows.len()).unwrap(),
            processes: rows
                .into_iter()
                .map(|(pid, (resident_bytes, percent, name, threads))| Process {
                    pid,
                    name,
                    threads,
                    resident_bytes,
                    cpu_percent: percent.map(f32::from),
                    ..Process::default()
                })
                .collect(),
            ..Processes::default()
        })
    }

    proptest! {
        #[test]
        fn changes_lead_from_one_list_to_the_other(old in list(7), new in list(8)) {
            let difference = changes(&old, &new);
            prop_assert_eq!(apply(&old, difference).unwrap(), new);
        }

        #[test]
        fn no_changes_do_harm(old in list(7), difference in list(8), since in 6..9_u64, ended in any::<u32>(), pid in 1..12_u32) {
            let difference = Processes {
                since: Some(since),
                ended: vec![ended],
                changes: vec![ProcessChange { pid, ..ProcessChange::default() }],
                ..difference
            };
            if let Ok(new) = apply(&old, difference) {
                prop_assert!(new.processes.is_sorted_by_key(|process| process.pid));
            }
        }
    }

    fn process(pid: u32, percent: f32) -> Process {
        Process {
            pid,
            name: "a-program-with-a-name".to_owned(),
            user: "somebody".to_owned(),
            cpu_percent: Some(percent),
            ..Process::default()
        }
    }

    #[test]
    fn an_ordinary_change_is_small() {
        let of = |revision, percent| Processes {
            revision,
            processes: (1..=100)
                .map(|pid| process(pid, if pid <= 5 { percent } else { 0.0 }))
                .collect(),
            ..Processes::default()
        };
        let (old, new) = (of(1, 1.0), of(2, 2.0));
        let difference = changes(&old, &new);
        assert_eq!(difference.changes.len(), 5);
        assert!(difference.encoded_len() < new.encoded_len() / 50);
    }

    #[test]
    fn what_is_to_another_list_is_refused() {
        let of = |revision| Processes {
            revision,
            ..Processes::default()
        };
        let difference = changes(&of(1), &of(2));
        let refused = apply(&of(3), difference.clone()).unwrap_err();
        assert_eq!(
            refused,
            ChangesError::Base {
                since: 1,
                revision: 3
            }
        );
        let unknown = Processes {
            changes: vec![ProcessChange {
                pid: 4,
                ..ProcessChange::default()
            }],
            ..difference
        };
        assert_eq!(
            apply(&of(1), unknown),
            Err(ChangesError::Unknown { pid: 4 })
        );
        // A whole list is taken as it is.
        assert_eq!(apply(&of(3), of(5)), Ok(of(5)));
    }
}
