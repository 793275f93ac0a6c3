//! The fields that tables show: one row for each.

pub mod process;
pub mod sort;

/// The side of a column that its content stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}
