//! The columns of the process list: one row for each, with its heading, width, sort key and text.

use socktop_proto::field_ids::ProcessField;
use socktop_proto::model::{Process, ProcessState};

use super::Align;
use super::process_row::{Cell, GivesWay, Row, SortKey};
use crate::config::theme::{Level, Role};
use crate::state::percent;
use crate::text::format;

/// The name gets at least this before columns that are rarely looked at find room,
const GOOD_NAME: u16 = 28;
/// this before others do,
const LEAST_NAME: u16 = 18;
/// and this before the last ones do.
const LEAST_NAME_EVER: u16 = 8;
/// Where the name gets more than this, other columns get their spare width.
pub const AMPLE_NAME: u16 = GOOD_NAME + 20;

const fn gives_way(order: u8, least_name_width: u16) -> GivesWay {
    GivesWay {
        order,
        least_name_width,
    }
}

/// Makes of each row a variant of [`Column`] and what [`Column::row`] gives for it, so that no column can lack one.
macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident $row:tt)*) => {
        /// A column of the process list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Column {
            $($(#[$doc])* $name,)*
        }

        impl Column {
            /// Every column, in the order on the screen.
            pub const EACH: &[Self] = &[$(Self::$name),*];

            /// All that is to be known of it.
            #[must_use]
            pub fn row(self) -> &'static Row {
                match self {
                    $(Self::$name => {
                        const ROW: &Row = &Row $row;
                        ROW
                    })*
                }
            }
        }
    };
}

columns! {
    /// Process id.
    Pid {
        id: ProcessField::Pid,
        or_else: None,
        title: "PID",
        help: "process id",
        width: 7,
        spare_width: 0,
        align: Align::Right,
        gives_way: None,
        sent_by_published_agent: true,
        largest_first: false,
        sort_key: SortKey::Number(|process| Some(process.pid.into())),
        cell: |process, _| Cell::new(process.pid.to_string(), Role::Plain),
    }
    /// The parent's process id.
    Parent {
        id: ProcessField::ParentPid,
        or_else: None,
        title: "PPID",
        help: "the parent's process id",
        width: 7,
        spare_width: 0,
        align: Align::Right,
        gives_way: Some(gives_way(2, GOOD_NAME)),
        sent_by_published_agent: false,
        largest_first: false,
        sort_key: SortKey::Number(|process| process.parent_pid.map(u64::from)),
        cell: |process, _| Cell::dim_number(process.parent_pid),
    }
    /// The user's name.
    User {
        id: ProcessField::User,
        or_else: Some(ProcessField::UserId),
        title: "USER",
        help: "user",
        width: 10,
        spare_width: 6,
        align: Align::Left,
        gives_way: Some(gives_way(5, LEAST_NAME_EVER)),
        sent_by_published_agent: false,
        largest_first: false,
        sort_key: SortKey::Text(|process| &process.user),
        cell: |process, _| {
            if process.user.is_empty() {
                Cell::dim_number(process.user_id)
            } else {
                Cell::new(&process.user, Role::Dim)
            }
        },
    }
    /// The program's name.
    Name {
        id: ProcessField::Name,
        or_else: None,
        title: "NAME",
        help: "program",
        width: 0,
        spare_width: 0,
        align: Align::Left,
        gives_way: None,
        sent_by_published_agent: true,
        largest_first: false,
        sort_key: SortKey::Text(|process| &process.name),
        cell: |process, _| {
            if process.name.is_empty() {
                Cell::new(format::UNKNOWN, Role::Dim)
            } else {
                Cell::new(&process.name, Role::Plain)
            }
        },
    }
    /// State.
    State {
        id: ProcessField::State,
        or_else: None,
        title: "S",
        help: "state",
        width: 1,
        spare_width: 0,
        align: Align::Left,
        gives_way: Some(gives_way(6, LEAST_NAME_EVER)),
        sent_by_published_agent: false,
        largest_first: false,
        sort_key: SortKey::Number(state_rank),
        cell: |process, _| Cell::new(state_letter(process.state()), state_role(process.state())),
    }
    /// Threads.
    Threads {
        id: ProcessField::Threads,
        or_else: None,
        title: "THR",
        help: "threads",
        width: 4,
        spare_width: 0,
        align: Align::Right,
        gives_way: Some(gives_way(4, LEAST_NAME)),
        sent_by_published_agent: false,
        largest_first: true,
        sort_key: SortKey::Number(|process| process.threads.map(u64::from)),
        cell: |process, _| Cell::dim_number(process.threads),
    }
    /// Nice value.
    Nice {
        id: ProcessField::Nice,
        or_else: None,
        title: "NI",
        help: "nice value",
        width: 3,
        spare_width: 0,
        align: Align::Right,
        gives_way: Some(gives_way(0, GOOD_NAME)),
        sent_by_published_agent: false,
        largest_first: false,
        // The most favourable first.
        sort_key: SortKey::Number(|process| u64::try_from(i64::from(process.nice?) + 20).ok()),
        cell: |process, _| {
            let role = if process.nice == Some(0) { Role::Dim } else { Role::Plain };
            let text = process.nice.map(|nice| nice.to_string());
            Cell::new(text.unwrap_or_else(|| format::UNKNOWN.to_owned()), role)
        },
    }
    /// Time since it started.
    Age {
        id: ProcessField::AgeSeconds,
        or_else: None,
        title: "AGE",
        help: "time since the start",
        width: 9,
        spare_width: 0,
        align: Align::Right,
        gives_way: Some(gives_way(1, GOOD_NAME)),
        sent_by_published_agent: false,
        largest_first: false,
        // The youngest has started last.
        sort_key: SortKey::Number(|process| process.started_boot_ms.map(|start| u64::MAX - start)),
        cell: |process, machine| {
            let times = machine.boot_ms.zip(process.started_boot_ms);
            let age = times.map(|(now, started)| now.saturating_sub(started));
            let text = age.map_or_else(|| format::UNKNOWN.to_owned(), format::uptime);
            Cell::new(text, Role::Dim)
        },
    }
    /// Share of the whole machine's CPU.
    Cpu {
        id: ProcessField::CpuPercent,
        or_else: None,
        title: "CPU%",
        help: "share of the whole machine's CPU",
        width: 5,
        spare_width: 0,
        align: Align::Right,
        gives_way: None,
        sent_by_published_agent: true,
        largest_first: true,
        sort_key: SortKey::CpuShare(|process| process.cpu_percent),
        cell: |process, _| {
            let text = format::percent(process.cpu_percent);
            // What does nothing steps back behind what does something.
            let role = if text == "0.0" || text == format::UNKNOWN {
                Role::Dim
            } else {
                Role::Value(Level::cpu(process.cpu_percent))
            };
            Cell::new(text, role)
        },
    }
    /// Resident memory.
    Memory {
        id: ProcessField::ResidentBytes,
        or_else: None,
        title: "MEM",
        help: "resident memory",
        width: 8,
        spare_width: 0,
        align: Align::Right,
        gives_way: Some(gives_way(7, LEAST_NAME_EVER)),
        sent_by_published_agent: true,
        largest_first: true,
        sort_key: SortKey::Number(|process| process.resident_bytes),
        cell: |process, _| {
            let is_nothing = process.resident_bytes.unwrap_or(0) == 0;
            let role = if is_nothing { Role::Dim } else { Role::Plain };
            Cell::new(format::bytes_or_unknown(process.resident_bytes), role)
        },
    }
    /// Resident memory as a share of the machine's.
    MemoryShare {
        id: ProcessField::MemoryPercent,
        or_else: None,
        title: "MEM%",
        help: "resident memory as a share of the machine's",
        width: 5,
        spare_width: 0,
        align: Align::Right,
        gives_way: Some(gives_way(3, LEAST_NAME)),
        sent_by_published_agent: true,
        largest_first: true,
        sort_key: SortKey::Number(|process| process.resident_bytes),
        cell: |process, machine| {
            let sizes = process.resident_bytes.zip(machine.memory_bytes);
            let share = sizes.and_then(|(resident, total)| percent(resident, total));
            let text = format::percent(share);
            let role = if text == "0.0" { Role::Dim } else { Role::Plain };
            Cell::new(text, role)
        },
    }
}

/// What runs or is stuck is looked for; what sleeps is not.
fn state_rank(process: &Process) -> Option<u64> {
    match process.state() {
        ProcessState::Unspecified => None,
        ProcessState::Running => Some(0),
        ProcessState::DiskSleep => Some(1),
        ProcessState::Zombie => Some(2),
        ProcessState::Dead => Some(3),
        ProcessState::Stopped => Some(4),
        ProcessState::Traced => Some(5),
        ProcessState::Sleeping => Some(6),
        ProcessState::Idle => Some(7),
    }
}

/// A state's letter, as ps(1) has it.
#[must_use]
pub fn state_letter(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Unspecified => format::UNKNOWN,
        ProcessState::Running => "R",
        ProcessState::Sleeping => "S",
        ProcessState::DiskSleep => "D",
        ProcessState::Stopped => "T",
        ProcessState::Traced => "t",
        ProcessState::Zombie => "Z",
        ProcessState::Dead => "X",
        ProcessState::Idle => "I",
    }
}

fn state_role(state: ProcessState) -> Role {
    match state {
        ProcessState::Running => Role::Good,
        ProcessState::DiskSleep | ProcessState::Stopped | ProcessState::Traced => {
            Role::Value(Level::High)
        }
        ProcessState::Zombie | ProcessState::Dead => Role::Bad,
        _ => Role::Dim,
    }
}

#[cfg(test)]
mod tests {
    use socktop_proto::Fields;

    use super::*;

    #[test]
    fn exactly_one_column_takes_the_remaining_width() {
        let elastic = Column::EACH.iter().filter(|it| it.row().width == 0);
        assert_eq!(elastic.collect::<Vec<_>>(), [&Column::Name]);
    }

    #[test]
    fn every_field_of_a_process_has_a_column() {
        let shown = |all: Fields, column: &Column| all | column.row().fields();
        let shown = Column::EACH.iter().fold(Fields::PID, shown);
        assert_eq!(shown, Fields::ALL);
        let ids: Vec<_> = Column::EACH.iter().map(|it| it.row().id).collect();
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[..index].contains(id), "{id} has two columns");
        }
    }

    #[test]
    fn columns_are_dropped_one_at_a_time() {
        let ways = Column::EACH.iter().filter_map(|it| it.row().gives_way);
        let mut orders: Vec<u8> = ways.map(|it| it.order).collect();
        let count = orders.len();
        orders.sort_unstable();
        orders.dedup();
        assert_eq!(orders.len(), count);
    }
}
