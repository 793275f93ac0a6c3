//! The native dialect, `socktop.v2`: protobuf in binary frames, matched by id.
//!
//! The agent encodes a [`Body`] once with [`encode_body`] and shares the bytes between all clients;
//! [`reply_frame`] puts each client's id in front of them.

use prost::Message;

use crate::census::{self, TooManyParts};
use crate::gzip::{GunzipError, gunzip, gzip};
use crate::model::{Body, ProcessesRequest, Reply, Request, reply, request};
use crate::query::Query;

/// The WebSocket subprotocol that selects this dialect.
pub const SUBPROTOCOL: &str = "socktop.v2";

/// Bodies above this many bytes are packed: below it, they travel in one segment anyway.
pub const GZIP_THRESHOLD: usize = 1024;

/// A request frame that is not one.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not a protobuf `Request`.
    #[error("malformed request: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// A kind of request that this version does not know.
    #[error("unknown request: this agent (socktop.v2) does not know its kind")]
    Unknown {
        /// The request's id, to answer it by.
        id: u64,
    },
}

/// A reply frame that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// Not a protobuf `Reply`.
    #[error("malformed reply: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// A gzip payload that cannot be unpacked.
    #[error(transparent)]
    Gunzip(#[from] GunzipError),
    /// It unfolds to more than a host has.
    #[error(transparent)]
    TooManyParts(#[from] TooManyParts),
    /// A reply without a payload.
    #[error("the reply is empty")]
    Empty,
}

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// To answer it by.
    pub id: u64,
    /// What is asked.
    pub query: Query,
    /// Of the process list: the revision that the client has, so that changes since will do.
    pub since: Option<u64>,
}

/// Encodes a request for the process list, of which the client has the revision `since`.
#[must_use]
pub fn encode_processes_request(id: u64, since: Option<u64>) -> Vec<u8> {
    Request {
        id,
        kind: Some(request::Kind::Processes(ProcessesRequest { since })),
    }
    .encode_to_vec()
}

/// Encodes a request.
#[must_use]
pub fn encode_request(id: u64, query: Query) -> Vec<u8> {
    Request {
        id,
        kind: Some(query.into()),
    }
    .encode_to_vec()
}

/// Decodes a request.
///
/// # Errors
/// Where the frame is not protobuf, or asks what this version does not know.
pub fn decode_request(frame: &[u8]) -> Result<Asked, RequestError> {
    let Request { id, kind } = Request::decode(frame)?;
    let kind = kind.ok_or(RequestError::Unknown { id })?;
    Ok(Asked {
        id,
        query: (&kind).into(),
        since: match kind {
            request::Kind::Processes(ProcessesRequest { since }) => since,
            _ => None,
        },
    })
}

/// Encodes a body for [`reply_frame`], gzip where that is smaller.
#[must_use]
pub fn encode_body(body: Body) -> Vec<u8> {
    let plain_size = body.encoded_len();
    let packed = (plain_size > GZIP_THRESHOLD)
        .then(|| gzip(&body.encode_to_vec()))
        .filter(|packed| packed.len() < plain_size);
    let payload = match packed {
        Some(packed) => reply::Payload::Gzip(packed),
        None => reply::Payload::Plain(body),
    };
    Reply {
        id: 0,
        payload: Some(payload),
    }
    .encode_to_vec()
}

/// The reply to request `id` with a body of [`encode_body`].
///
/// Protobuf allows a message to be put together from the encodings of its parts, in any order.
#[must_use]
pub fn reply_frame(id: u64, encoded_body: &[u8]) -> Vec<u8> {
    let mut frame = Reply { id, payload: None }.encode_to_vec();
    frame.extend_from_slice(encoded_body);
    frame
}

/// Decodes a reply, unpacking at most `limit` bytes.
///
/// # Errors
/// Where the frame is not a reply, is empty, unpacks to more than `limit` or has more than
/// [`MAX_PARTS`](crate::MAX_PARTS) parts.
pub fn decode_reply(frame: &[u8], limit: usize) -> Result<(u64, Body), ReplyError> {
    census::check(frame, &census::REPLY)?;
    let reply = Reply::decode(frame)?;
    let body = match reply.payload {
        Some(reply::Payload::Plain(body)) => body,
        Some(reply::Payload::Gzip(packed)) => {
            let unpacked = gunzip(&packed, limit)?;
            census::check(&unpacked, &census::BODY)?;
            Body::decode(unpacked.as_slice())?
        }
        None => return Err(ReplyError::Empty),
    };
    Ok((reply.id, body))
}
