//! socktop-agent: a system monitoring daemon that samples on request and costs nothing while idle.
//!
//! Data flows one way: kernel -> [`socktop_collect`] and its sampler -> dialect -> [`session`] -> socket.
//! Nothing samples, ticks or wakes unless a client asks.

pub mod address;
pub mod admin;
pub(crate) mod atomic_file;
pub mod auth;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod http;
pub mod server;
pub mod session;
pub mod systemd;
pub mod tls;
pub mod transport;
