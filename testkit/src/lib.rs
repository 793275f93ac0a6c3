//! What tests and benchmarks share: made-up hosts, values for property tests, and running agents. It is never shipped.
//!
//! Everything here panics with what it waited for and what it saw instead: it serves tests alone.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "tests panic to fail"
)]

#[cfg(feature = "agent")]
pub mod agent;
pub mod hosts;
#[cfg(feature = "programs")]
pub mod programs;
#[cfg(feature = "strategies")]
pub mod strategies;
#[cfg(feature = "programs")]
pub mod wait;
