//! socktop: a terminal monitor for Linux hosts, fed by socktop-agent.

pub mod actions;
pub mod app;
pub mod catalog;
pub mod cli;
pub mod commands;
pub mod config;
pub mod link;
pub mod prompt;
pub mod run;
pub mod runtime;
pub mod secrets;
pub mod source;
pub mod state;
pub mod term;
pub mod text;
pub mod trust;
pub mod ui;
pub mod view;
