//! The fields that tables show: one row for each.

pub mod process;
pub mod process_row;
pub mod sort;

/// The alignment of a column's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}
