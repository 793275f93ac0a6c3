//! Made-up hosts, the same on every machine and in every run.

pub mod pi4;
pub mod small;
