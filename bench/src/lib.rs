//! Benchmarks of both programs beside comparable ones.
//!
//! Everything is measured from outside, by the kernel's own account of each process, except for the
//! [`baseline_scan`], which is a program of its own in here.

pub mod agents;
pub mod baseline_scan;
pub mod clients;
pub mod connections;
pub mod instructions;
pub mod machine;
pub mod process;
pub mod process_load;
pub mod proxy;
pub mod report;
pub mod requests;
pub mod results;
pub mod scan;
pub mod screen;
pub mod sizes;
pub mod targets;
pub mod wakeups;
