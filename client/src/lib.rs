//! socktop: a terminal monitor for Linux hosts, fed by socktop-agent.

pub mod acquaint;
pub mod app;
pub mod cli;
pub mod commands;
pub mod connect;
pub mod files;
pub mod home;
pub mod known;
pub mod link;
pub mod local;
pub mod plain;
pub mod profiles;
pub mod question;
pub mod recipient;
pub mod runtime;
pub mod save;
pub mod signals;
pub mod start;
pub mod state;
pub mod target;
pub mod token;
pub mod tokens;
pub mod trust;
pub mod ui;
