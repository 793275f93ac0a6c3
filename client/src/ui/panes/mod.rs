//! The panes of a host's screen.

pub mod cpu;
pub mod disks;
pub mod memory;
pub mod network;
pub mod processes;
