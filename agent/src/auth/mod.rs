//! Authentication and authorization: tokens and rights, client certificates, the gate before the upgrade, backoff after
//! wrong tokens.

pub mod access;
pub(crate) mod backoff;
pub mod client_ca;
pub mod gate;
pub mod token;
pub mod token_file;
