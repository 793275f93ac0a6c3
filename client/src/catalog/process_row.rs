//! What the catalogue says of a column of the process list.

use socktop_proto::Fields;
use socktop_proto::field_ids::ProcessField;
use socktop_proto::model::Process;

use super::Align;
use crate::config::theme::Role;
use crate::text::format;

/// All that is to be known of a column.
#[derive(Debug)]
pub struct Row {
    /// The field that it shows.
    pub id: ProcessField,
    /// The field that it shows where that one is unknown.
    pub or_else: Option<ProcessField>,
    /// The heading.
    pub title: &'static str,
    /// What it shows, for the help.
    pub help: &'static str,
    /// Columns of the screen; 0 takes what the others leave.
    pub width: u16,
    /// Columns that are added where the list is wide.
    pub spare_width: u16,
    /// The alignment of its text.
    pub align: Align,
    /// Which of the columns it is that give way where the list is narrow, and for how wide a name; some never do.
    pub gives_way: Option<GivesWay>,
    /// Whether `socktop_agent` 1.60 sends it.
    pub sent_by_published_agent: bool,
    /// Whether the largest values come first when one begins to sort by it.
    pub largest_first: bool,
    /// What it is sorted by.
    pub sort_key: SortKey,
    /// What it shows of a process.
    pub cell: fn(&Process, &Machine) -> Cell,
}

impl Row {
    /// What of a process it has to be asked for.
    #[must_use]
    pub fn fields(&self) -> Fields {
        let or_else = self.or_else.map_or(Fields::PID, Fields::of);
        Fields::of(self.id) | or_else
    }
}

/// When a column gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivesWay {
    /// The lowest goes first.
    pub order: u8,
    /// It goes where the name would be narrower than this.
    pub least_name_width: u16,
}

/// What a column is sorted by.
#[derive(Debug, Clone, Copy)]
pub enum SortKey {
    /// A text, without regard to case; an empty one is unknown.
    Text(fn(&Process) -> &str),
    /// A number.
    Number(fn(&Process) -> Option<u64>),
    /// A share of the machine's CPU in percent, of which small differences do not count.
    CpuShare(fn(&Process) -> Option<f32>),
}

/// What cells need beside the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// All of its memory.
    pub memory_bytes: Option<u64>,
    /// The time of the sample since the boot.
    pub boot_ms: Option<u64>,
}

/// A text and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// How it looks.
    pub role: Role,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, role: Role) -> Self {
        Self {
            text: text.into(),
            role,
        }
    }

    pub(super) fn dim_number(number: Option<u32>) -> Self {
        let text = number.map_or_else(|| format::UNKNOWN.to_owned(), |number| number.to_string());
        Self::new(text, Role::Dim)
    }
}
