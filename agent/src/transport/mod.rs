//! Transport: from a listening socket to one HTTP connection, over TCP and TLS.

pub mod accept;
pub(crate) mod connection;
