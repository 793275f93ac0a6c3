//! The dialects as seen from outside: golden bytes, the messages of socktop 1.60, and properties
//! that hold of any model value and any bytes.

#![cfg(test)]

mod hostile;
mod json;
mod legacy_client;
mod legacy_processes;
mod limits;
mod native;
mod text;
mod text_carries;
