//! What a key or a click can do, and where.

pub mod keymap;

use strum::VariantArray;

use crate::catalog::process::Column;

/// What a key acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// The host's screen.
    Host,
    /// The filter, while it is typed.
    Filter,
    /// One process in detail.
    Details,
    /// The help.
    Help,
    /// The list of hosts.
    Fleet,
    /// The question of a link.
    Dialog,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Ends the program.
    Quit,
    /// Closes the dialog that is in front.
    Close,
    /// Opens the help.
    Help,
    /// Dials now.
    Retry,
    /// Moves up or down by this many rows.
    Step(isize),
    /// Moves up or down by this many screens.
    Page(isize),
    /// Goes to the first row.
    First,
    /// Goes to the last row.
    Last,
    /// Sorts by this column.
    SortBy(Column),
    /// Sorts by a neighbouring column.
    SortNext(isize),
    /// Sorts in the other direction.
    Invert,
    /// Begins to type a filter.
    Filter,
    /// Ends typing the filter and keeps it.
    KeepFilter,
    /// Ends typing the filter and drops it; in the list, drops filter or selection. Where there is none, goes back to the
    /// list of hosts.
    Clear,
    /// Takes the last character away that was typed.
    Erase,
    /// Takes all away that was typed.
    EraseAll,
    /// Opens what is selected: a host, a process in detail. In a dialog, gives the answer.
    Open,
    /// Stops and continues the list.
    Freeze,
    /// Draws everything anew.
    Repaint,
    /// Shows this view.
    Show(View),
    /// Shows the next view or tab.
    Next(isize),
}

/// What fills the screen. The variants are in the order of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, VariantArray)]
pub enum View {
    /// Everything.
    #[default]
    All,
    /// CPU, memory and GPUs.
    Cpu,
    /// Network interfaces.
    Network,
    /// Disks.
    Disks,
    /// Processes.
    Processes,
}

/// A section of a process's details. The variants are in their order on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, VariantArray)]
pub enum Tab {
    /// Numbers, command line, files.
    #[default]
    Facts,
    /// Threads.
    Threads,
    /// Children.
    Children,
    /// Lines in the journal.
    Journal,
}
