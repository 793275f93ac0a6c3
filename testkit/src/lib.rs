//! What tests and benchmarks share: made-up hosts, and values for property tests. It is never shipped.

pub mod hosts;
#[cfg(feature = "strategies")]
pub mod strategies;
