//! socktop-agent: a system monitor's daemon that costs nothing while nobody looks.
//!
//! Data flows one way: kernel -> [`collect`] -> [`sampler`] -> dialect -> [`session`] -> socket.
//! Nothing samples, ticks or wakes unless a client asks.

pub mod access;
pub mod activation;
pub mod admin;
mod admission;
mod allocator;
mod bucket;
pub mod cli;
pub mod client_ca;
pub mod collect;
pub mod config;
mod connection;
pub mod credentials;
mod etc;
mod handshakes;
pub mod identity;
pub mod idle;
mod inbound;
mod keepalive;
pub mod listen;
mod log_limits;
pub mod logging;
pub mod notify;
mod paced;
mod rates;
mod request;
pub mod routes;
pub mod run;
pub mod sampler;
pub mod serve;
pub mod session;
pub mod setup;
mod source;
mod throttle;
pub mod tls;
pub mod token;
pub mod tokens;
mod watchdog;
mod whole_file;
mod zone;
