//! socktop-agent: a system monitor's daemon that costs nothing while nobody looks.
//!
//! Data flows one way: kernel -> [`collect`] -> [`sampler`] -> dialect -> [`session`] -> socket.
//! Nothing samples, ticks or wakes unless a client asks.

pub mod access;
pub mod cli;
pub mod collect;
pub mod config;
pub mod identity;
pub mod listen;
pub mod logging;
pub mod routes;
pub mod run;
pub mod sampler;
pub mod serve;
pub mod session;
pub mod token;
