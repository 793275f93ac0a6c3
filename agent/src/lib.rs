//! socktop-agent: a system monitor's daemon that costs nothing while nobody looks.
//!
//! Data flows one way: kernel -> [`collect`] -> [`sampler`] -> dialect -> [`session`] -> socket.
//! Nothing samples, ticks or wakes unless a client asks.

pub mod access;
pub mod activation;
pub mod cli;
pub mod collect;
pub mod config;
pub mod credentials;
pub mod identity;
pub mod idle;
mod keepalive;
pub mod listen;
pub mod logging;
pub mod notify;
pub mod routes;
pub mod run;
pub mod sampler;
pub mod serve;
pub mod session;
pub mod setup;
pub mod token;
mod whole_file;
