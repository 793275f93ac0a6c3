//! What the user chose on each screen: which rows, which one is selected, what is typed.

pub mod fleet;
pub mod host;
pub mod link_dialog;
pub(crate) mod process_list;
