//! Text for the terminal: sanitize, width, format.

pub mod format;
pub mod sanitize;
pub mod width;
