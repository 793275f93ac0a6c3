//! The dialects as seen from outside: golden bytes, the published programs' shapes, and properties
//! that hold of any model value and any bytes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // Tests panic to fail.

mod hostile;
mod json;
mod limits;
mod native;
mod published;
mod published_client;
mod samples;
mod strategies;
mod text;
mod text_carries;
