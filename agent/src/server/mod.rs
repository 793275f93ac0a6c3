//! What all connections share, whatever they request: admission, handshakes, rate limits, keepalive, timeouts, the idle
//! exit.

pub(crate) mod admission;
pub(crate) mod handshakes;
pub mod idle_exit;
pub(crate) mod keepalive;
pub mod listen;
pub(crate) mod log_limits;
pub(crate) mod message_budget;
pub(crate) mod pending_connection;
pub(crate) mod rate_limit;
pub mod shared;
pub(crate) mod token_bucket;
pub(crate) mod write_timeout;
