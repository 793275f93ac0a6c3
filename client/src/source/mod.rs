//! Where a host's samples come from: an agent elsewhere, or this machine.

pub mod local;
pub mod remote;
