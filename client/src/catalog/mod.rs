//! The fields that tables show: one row for each.

pub mod process;
pub mod sort;
