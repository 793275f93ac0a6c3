//! What the screens hold: which rows, which one is selected.

pub mod host;
pub mod picker;
pub(crate) mod process_list;
