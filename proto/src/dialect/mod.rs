//! The dialects: how queries and replies travel in WebSocket frames.

pub(crate) mod frame;
pub(crate) mod gzip;
pub mod json;
pub mod native;
pub mod text;
