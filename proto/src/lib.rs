//! What socktop-agent and socktop share: the model of a host, and the dialects that carry it.
//!
//! The [`model`] is one set of types, generated from `socktop.proto`. A client asks a [`Query`]
//! and gets a [`Body`]; a dialect turns both into WebSocket [`Frame`]s and back:
//!
//! | dialect | chosen by | requests | replies |
//! |---|---|---|---|
//! | [`native`] | subprotocol [`native::SUBPROTOCOL`] | protobuf with an id | protobuf with the id, gzip when large |
//! | [`text`] | a text frame that is not JSON | `get_metrics` … as socktop 1.60 | JSON or gzip JSON, processes as protobuf |
//! | [`json`] | a text frame that opens with `{` | `{"type":"metrics"}` … | JSON, processes as protobuf |
//!
//! A [`pairing::Pairing`] is the line by which a client comes to know an agent.
//!
//! Nothing here does I/O.

pub mod changes;
mod decode_limits;
mod fields;
mod frame;
mod gzip;
pub mod json;
pub mod limits;
pub mod model;
pub mod native;
pub mod pairing;
pub mod percent;
pub mod published;
mod query;
pub mod text;

pub use decode_limits::TooManyParts;
pub use fields::Fields;
pub use frame::Frame;
pub use gzip::GunzipError;
pub use model::{Body, Error, ErrorCode, Reply};
pub use query::Query;
