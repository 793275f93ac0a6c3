//! What both programs cost, measured beside others that do the same.
//!
//! Everything is measured from outside, by the kernel's own account of each process, except for the
//! [`floor`], which is a program of its own in here.

pub mod agents;
pub mod clients;
pub mod connections;
pub mod crowd;
pub mod figures;
pub mod floor;
pub mod instructions;
pub mod machine;
pub mod process;
pub mod proxy;
pub mod report;
pub mod requests;
pub mod samples;
pub mod scan;
pub mod screen;
pub mod sizes;
pub mod targets;
pub mod wakeups;
