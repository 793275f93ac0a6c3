//! What socktop-agent and socktop share: the model of a host, and the dialects that carry it.
//!
//! The [`model`] is one set of types, generated from `socktop.proto`. A client asks a [`Query`]
//! and gets a [`Body`]; a dialect turns both into WebSocket [`Frame`]s and back:
//!
//! | dialect | chosen by | requests | replies |
//! |---|---|---|---|
//! | [`dialect::native`] | subprotocol [`dialect::native::SUBPROTOCOL`] | protobuf with an id | protobuf with the id, gzip when large |
//! | [`dialect::text`] | a text frame that is not JSON | `get_metrics` … as socktop 1.60 | JSON or gzip JSON, processes as protobuf |
//! | [`dialect::json`] | a text frame that opens with `{` | `{"type":"metrics"}` … | JSON, processes as protobuf |
//!
//! A [`pairing::Pairing`] is the line by which a client learns the address and the key of an agent.
//!
//! Nothing here does I/O.

mod decode_limits;
pub mod delta;
#[cfg(test)]
mod descriptors;
pub mod dialect;
pub mod field_ids;
pub mod legacy;
pub mod limits;
pub mod model;
pub mod pairing;
pub mod percent;
mod process_fields;
mod query;

pub use dialect::frame::Frame;
pub use dialect::gzip::GunzipError;
pub use model::{Body, Error, ErrorCode, Reply};
pub use process_fields::Fields;
pub use query::Query;
