//! What the process list is sorted by.

use std::cmp::Ordering;

use socktop_proto::Fields;
use socktop_proto::model::Process;

/// A column of the process list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// Process id.
    Pid,
    /// The parent's process id.
    Parent,
    /// The user's name.
    User,
    /// The program's name.
    Name,
    /// State.
    State,
    /// Threads.
    Threads,
    /// Time since it started.
    Age,
    /// Share of the whole machine's CPU.
    Cpu,
    /// Resident memory.
    Memory,
    /// Resident memory as a share of the machine's.
    MemoryShare,
}

impl Column {
    /// What of a process it shows.
    #[must_use]
    pub fn fields(self) -> Fields {
        match self {
            Self::Pid => Fields::PID,
            Self::Parent => Fields::PARENT,
            Self::User => Fields::USER,
            Self::Name => Fields::NAME,
            Self::State => Fields::STATE,
            Self::Threads => Fields::THREADS,
            Self::Age => Fields::STARTED,
            Self::Cpu => Fields::CPU,
            Self::Memory | Self::MemoryShare => Fields::RESIDENT,
        }
    }

    /// Whether the largest values come first when one begins to sort by this column.
    fn begins_descending(self) -> bool {
        matches!(
            self,
            Self::Threads | Self::Cpu | Self::Memory | Self::MemoryShare
        )
    }
}

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
    /// Sorting by `column`, in the direction that one wants most often.
    #[must_use]
    pub fn by(column: Column) -> Self {
        Self {
            column,
            descending: column.begins_descending(),
        }
    }

    /// The text that a process is sorted by, in lower case: made once, for there may be many comparisons.
    pub(crate) fn text(self, process: &Process) -> String {
        let text = match self.column {
            Column::User => &process.user,
            Column::Name => &process.name,
            _ => return String::new(),
        };
        text.chars().flat_map(char::to_lowercase).collect()
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
        match self.column {
            Column::Pid => direct(one.pid.cmp(&other.pid)),
            Column::Parent => known(
                one.parent_pid.map(u64::from),
                other.parent_pid.map(u64::from),
            ),
            Column::User | Column::Name => by_text(),
            Column::State => known(state_rank(one), state_rank(other)),
            Column::Threads => known(one.threads.map(u64::from), other.threads.map(u64::from)),
            // The youngest has started last.
            Column::Age => known(
                one.started_boot_ms.map(|started| u64::MAX - started),
                other.started_boot_ms.map(|started| u64::MAX - started),
            ),
            Column::Cpu => {
                let step = SHOWN_STEP.min(CPU_STEP / f32::from(cpus.max(1)));
                let number = |process: &Process| {
                    let percent = process.cpu_percent.filter(|it| !it.is_nan())?;
                    Some((percent / step).round())
                };
                match (number(one), number(other)) {
                    (Some(one), Some(other)) => direct(one.total_cmp(&other)),
                    (one, other) => other.is_some().cmp(&one.is_some()),
                }
            }
            Column::Memory | Column::MemoryShare => known(one.resident_bytes, other.resident_bytes),
        }
    }
}

/// What runs or is stuck is looked for; what sleeps is not.
fn state_rank(process: &Process) -> Option<u64> {
    use socktop_proto::model::ProcessState as State;
    match process.state() {
        State::Unspecified => None,
        State::Running => Some(0),
        State::DiskSleep => Some(1),
        State::Zombie => Some(2),
        State::Dead => Some(3),
        State::Stopped => Some(4),
        State::Traced => Some(5),
        State::Sleeping => Some(6),
        State::Idle => Some(7),
    }
}
