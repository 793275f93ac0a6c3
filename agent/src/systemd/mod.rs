//! What the service manager gives and takes: sockets, notifications, the journal.

pub mod logging;
pub mod notify;
pub mod socket_activation;
