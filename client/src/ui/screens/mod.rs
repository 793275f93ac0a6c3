//! Screens and dialogs.

pub mod fleet;
pub mod host;
pub mod link_dialog;
pub mod process;
