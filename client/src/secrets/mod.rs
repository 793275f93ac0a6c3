//! Credentials: tokens, and the private files that keep them.

pub mod private_file;
pub mod recipient;
pub mod token;
pub mod token_store;
