//! socktop: a terminal monitor for Linux hosts, fed by socktop-agent.

pub mod link;
