//! From a listening socket to one HTTP connection: accept, TLS.

pub mod accept;
pub(crate) mod connection;
