//! socktop: a terminal monitor for Linux hosts, fed by socktop-agent.

pub mod cli;
pub mod connect;
pub mod app;
pub mod link;
pub mod profiles;
pub mod target;
pub mod token;
pub mod trust;
pub mod state;
pub mod ui;
