//! Text for the terminal: sanitize, width, format; and answers that are typed there.

pub mod answer;
pub mod format;
pub mod sanitize;
pub mod width;
