//! Screens.

pub mod picker;
pub mod process;
