//! The native dialect, `socktop.v2`: protobuf in binary frames, matched by id.
//!
//! The agent encodes a [`Body`] once with [`encode_body`], or its delta to an earlier one with [`encode_delta`], and
//! shares the bytes between all clients; [`reply_frame`] puts each client's id in front of them.

use prost::{Message, encoding};

use crate::decode_limits;
use crate::dialect::gzip::{GunzipError, gunzip, gzip};
use crate::limits::{self, OverLimit};
use crate::model::{
    self, Body, Delta, ErrorCode, ProcessesRequest, Reply, Request, reply, request,
};
use crate::process_fields::Fields;
use crate::query::Query;

/// The WebSocket subprotocol that selects this dialect.
pub const SUBPROTOCOL: &str = "socktop.v2";

/// Bodies above this many bytes are packed: below it, they travel in one segment anyway.
pub const GZIP_THRESHOLD: usize = 1024;

/// Why a frame is not a request that can be answered.
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

/// Why a frame is not a reply that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// Not a protobuf `Reply`.
    #[error("malformed reply: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// A gzip payload that cannot be unpacked.
    #[error(transparent)]
    Gunzip(#[from] GunzipError),
    /// It is beyond a limit.
    #[error("the reply {0}")]
    OverLimit(#[from] OverLimit),
    /// A reply without a payload.
    #[error("the reply is empty")]
    Empty,
}

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodedRequest {
    /// The id, which the reply repeats.
    pub id: u64,
    /// The query.
    pub query: Query,
    /// How it may be answered.
    pub options: ReplyOptions,
}

/// What the reply to a request may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyOptions {
    /// The fields of each process in the list.
    pub fields: Fields,
    /// The revision of the answer that the client has, so that a delta to it will do.
    pub since: Option<u64>,
}

impl Default for ReplyOptions {
    /// All fields, and no delta.
    fn default() -> Self {
        Self {
            fields: Fields::ALL,
            since: None,
        }
    }
}

/// A reply.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedReply {
    /// The id of the request.
    pub id: u64,
    /// The revision that requests for a delta name; 0 where there will be none.
    pub revision: u64,
    /// The answer.
    pub payload: Payload,
}

/// An answer, whole or as a delta.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// The whole answer.
    Whole(Body),
    /// What has changed since the revision that was asked for.
    Delta(Delta),
}

impl Payload {
    /// The body, where the reply has the whole. A request without `since` is always answered so.
    #[must_use]
    pub fn whole(self) -> Option<Body> {
        match self {
            Self::Whole(body) => Some(body),
            Self::Delta(_) => None,
        }
    }
}

/// Encodes a request for all fields, to be answered without a delta.
#[must_use]
pub fn encode_request(id: u64, query: Query) -> Vec<u8> {
    encode_request_for(id, query, ReplyOptions::default())
}

/// Encodes a request.
#[must_use]
pub fn encode_request_for(id: u64, query: Query, options: ReplyOptions) -> Vec<u8> {
    let kind = match query {
        Query::Processes => request::Kind::Processes(ProcessesRequest {
            fields: options.fields.bits(),
        }),
        query => query.into(),
    };
    Request {
        id,
        kind: Some(kind),
        since: options.since,
    }
    .encode_to_vec()
}

/// Decodes a request.
///
/// # Errors
/// Where the frame is not protobuf, or asks what this version does not know.
pub fn decode_request(frame: &[u8]) -> Result<DecodedRequest, RequestError> {
    let Request { id, kind, since } = Request::decode(frame)?;
    let kind = kind.ok_or(RequestError::Unknown { id })?;
    let fields = match kind {
        request::Kind::Processes(ProcessesRequest { fields }) => Fields::from_bits(fields),
        _ => Fields::ALL,
    };
    Ok(DecodedRequest {
        id,
        query: (&kind).into(),
        options: ReplyOptions { fields, since },
    })
}

/// Encodes a body for [`reply_frame`], gzip where that is smaller. A body that no client would take becomes an error that
/// says so.
#[must_use]
pub fn encode_body(body: &Body, revision: u64) -> Vec<u8> {
    // An error has no revision: nothing can be said to have changed since.
    encode_within_limits(body, revision)
        .unwrap_or_else(|over| encode_plain(&too_large(over).into(), 0))
}

/// What is answered instead of an answer that is too large.
pub(crate) fn too_large(over: OverLimit) -> model::Error {
    let message = format!("the answer {over}: more than a client takes");
    model::Error::new(ErrorCode::Unavailable, message)
}

fn encode_within_limits(body: &Body, revision: u64) -> Result<Vec<u8>, OverLimit> {
    limits::check(body)?;
    let size = body.encoded_len();
    limits::check_body_bytes(size)?;
    if size > GZIP_THRESHOLD {
        let packed = gzip(&body.encode_to_vec());
        if packed.len() < size {
            let encoded = encode_payload(revision, Some(reply::Payload::Gzip(packed)));
            limits::check_message_bytes(encoded.len() + ID_BYTES)?;
            return Ok(encoded);
        }
    }
    limits::check_message_bytes(size + 16 + ID_BYTES)?;
    Ok(encode_plain(body, revision))
}

fn encode_plain(body: &Body, revision: u64) -> Vec<u8> {
    // A payload would have to own the body.
    let mut encoded = Vec::with_capacity(body.encoded_len() + 16);
    encoding::message::encode(PLAIN, body, &mut encoded);
    encoded.extend(encode_payload(revision, None));
    encoded
}

/// The number of `Reply.plain`.
const PLAIN: u32 = 2;

/// The number of `Reply.id`.
const ID: u64 = 1;

/// Most bytes of an id with its key.
const ID_BYTES: usize = 11;

/// Encodes a delta for [`reply_frame`]. It is small, so it is not packed.
///
/// # Errors
/// Where it is more than a client takes: then the body has to be sent.
pub fn encode_delta(delta: Delta, revision: u64) -> Result<Vec<u8>, OverLimit> {
    limits::check_delta(&delta)?;
    let encoded = encode_payload(revision, Some(reply::Payload::Delta(delta)));
    limits::check_message_bytes(encoded.len() + ID_BYTES)?;
    Ok(encoded)
}

fn encode_payload(revision: u64, payload: Option<reply::Payload>) -> Vec<u8> {
    Reply {
        id: 0,
        payload,
        revision,
    }
    .encode_to_vec()
}

/// The reply to request `id` with what [`encode_body`] or [`encode_delta`] made.
///
/// Protobuf allows a message to be put together from the encodings of its parts, in any order.
#[must_use]
pub fn reply_frame(id: u64, encoded: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(encoded.len() + ID_BYTES);
    encoding::uint64::encode(1, &id, &mut frame);
    frame.extend_from_slice(encoded);
    frame
}

/// The id of a reply that may not be usable otherwise, as far as it can be read; else 0, which is no request's.
#[must_use]
pub fn reply_id(frame: &[u8]) -> u64 {
    decode_limits::number_in(frame, ID)
}

/// Decodes a reply, unpacking at most `limit` bytes.
///
/// # Errors
/// Where the frame is not a reply, is empty, unpacks to more than `limit` or has more parts than
/// [`PARTS`](limits::PARTS).
pub fn decode_reply(frame: &[u8], limit: usize) -> Result<DecodedReply, ReplyError> {
    decode_limits::check(frame, &decode_limits::REPLY)?;
    let Reply {
        id,
        payload,
        revision,
    } = Reply::decode(frame)?;
    let payload = match payload {
        Some(reply::Payload::Plain(body)) => Payload::Whole(body),
        Some(reply::Payload::Gzip(packed)) => {
            let unpacked = gunzip(&packed, limit)?;
            decode_limits::check(&unpacked, &decode_limits::BODY)?;
            Payload::Whole(Body::decode(unpacked.as_slice())?)
        }
        Some(reply::Payload::Delta(delta)) => Payload::Delta(delta),
        None => return Err(ReplyError::Empty),
    };
    Ok(DecodedReply {
        id,
        revision,
        payload,
    })
}
