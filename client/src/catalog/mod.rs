//! The fields that tables show.

pub(crate) mod process;
