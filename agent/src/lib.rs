//! socktop-agent: a system monitor's daemon that costs nothing while nobody looks.
//!
//! Data flows one way: kernel -> [`collect`] -> sampler -> dialect -> session -> socket.

pub mod collect;
