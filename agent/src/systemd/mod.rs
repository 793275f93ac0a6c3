//! systemd: passed sockets, notifications, the journal.

pub mod logging;
pub mod notify;
pub mod socket_activation;
