//! The text dialect: what socktop 1.60 programs speak on a WebSocket without a subprotocol.
//!
//! A request is a word in a text frame. Replies have no id: they come in the order of the requests.
//! JSON replies of at most [`THRESHOLD`] bytes are text frames, longer ones gzip in a binary frame;
//! process lists are always binary, gzip above the same size.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::decode_limits;
use crate::dialect::frame::Frame;
use crate::dialect::gzip::{GunzipError, gunzip, gzip, is_gzip};
use crate::dialect::native::too_large;
use crate::legacy;
use crate::legacy::ErrorReply;
use crate::limits::{self, OverLimit};
use crate::model::{self, Body, ErrorCode, body};
use crate::query::Query;

/// Replies above this many bytes are packed.
pub const THRESHOLD: usize = 768;

const PROCESS: &str = "get_process_metrics";
const JOURNAL: &str = "get_journal_entries";

/// A reply that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// Neither the JSON that the request calls for nor an error.
    #[error("malformed reply: {0}")]
    Json(#[from] serde_json::Error),
    /// Not a process list.
    #[error("malformed process list: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// It is beyond a limit.
    #[error("the reply {0}")]
    OverLimit(#[from] OverLimit),
    /// A gzip payload that cannot be unpacked.
    #[error(transparent)]
    Gunzip(#[from] GunzipError),
}

/// Encodes a request; `None` where this dialect has none for `query`.
#[must_use]
pub fn encode_request(query: Query) -> Option<String> {
    match query {
        Query::Host | Query::Sensors => None,
        Query::Metrics => Some("get_metrics".to_owned()),
        Query::Disks => Some("get_disks".to_owned()),
        Query::Processes => Some("get_processes".to_owned()),
        Query::Process { pid } => Some(format!("{PROCESS}:{pid}")),
        Query::Journal { pid } => Some(format!("{JOURNAL}:{pid}")),
    }
}

/// Decodes a request.
///
/// # Errors
/// The frame to answer with, where the request is unknown or its pid is not a number.
pub fn decode_request(text: &str) -> Result<Query, Frame> {
    let (word, argument) = match text.split_once(':') {
        Some((word, argument)) => (word, Some(argument)),
        None => (text, None),
    };
    let pid = |argument: &str| {
        argument.parse().map_err(|_| {
            let shown: String = argument.chars().take(40).collect();
            error_frame(&ErrorReply {
                error: format!("{word} needs a process id, a whole number: got {shown:?}"),
                pid: None,
                request: Some(word.to_owned()),
            })
        })
    };
    match (word, argument) {
        ("get_metrics", None) => Ok(Query::Metrics),
        ("get_disks", None) => Ok(Query::Disks),
        ("get_processes", None) => Ok(Query::Processes),
        (PROCESS, Some(argument)) => pid(argument).map(|pid| Query::Process { pid }),
        (JOURNAL, Some(argument)) => pid(argument).map(|pid| Query::Journal { pid }),
        _ => {
            let shown: String = text.chars().take(40).collect();
            Err(error_frame(&ErrorReply {
                error: format!(
                    "unknown request {shown:?}: this agent answers get_metrics, get_disks, get_processes, \
                     {PROCESS}:PID, {JOURNAL}:PID, and JSON such as {{\"type\":\"metrics\"}}"
                ),
                pid: None,
                request: None,
            }))
        }
    }
}

/// Encodes the reply to `query`.
#[must_use]
pub fn encode_reply(query: Query, body: &Body) -> Frame {
    match reply(body) {
        Ok(frame) => frame,
        Err(error) => error_frame(&ErrorReply {
            error: error_message(query, &error),
            pid: match query {
                Query::Process { pid } | Query::Journal { pid } => Some(pid),
                _ => None,
            },
            request: encode_request(query)
                .map(|text| text.split(':').next().unwrap_or_default().to_owned()),
        }),
    }
}

/// Decodes the reply to `query`, unpacking at most `limit` bytes.
///
/// # Errors
/// Where the frame is not a reply to `query`, or unpacks to more than `limit`.
pub fn decode_reply(query: Query, frame: &Frame, limit: usize) -> Result<Body, ReplyError> {
    let unpacked;
    let data = match frame {
        Frame::Text(text) => text.as_bytes(),
        Frame::Binary(bytes) if is_gzip(bytes) => {
            unpacked = gunzip(bytes, limit)?;
            &unpacked
        }
        Frame::Binary(bytes) => bytes,
    };
    // A process list is no JSON, and could look like some by chance: an error in its place is text.
    if (query != Query::Processes || matches!(frame, Frame::Text(_)))
        && let Ok(reply) = json::<ErrorReply>(data)
    {
        return Ok(error_model(query, reply).into());
    }
    let kind = match query {
        Query::Metrics => body::Kind::Metrics(json::<legacy::Metrics>(data)?.into()),
        Query::Disks => body::Kind::Disks(legacy::disks_model(json::<legacy::DiskList>(data)?.0)),
        Query::Processes => {
            decode_limits::check(data, &decode_limits::LIST)?;
            body::Kind::Processes(legacy::decode_processes(data)?)
        }
        Query::Process { .. } => {
            body::Kind::Process(json::<legacy::ProcessReply>(data)?.process.into())
        }
        Query::Journal { .. } => body::Kind::Journal(json::<legacy::Journal>(data)?.into()),
        Query::Host => {
            return Ok(model::Error::new(
                ErrorCode::BadRequest,
                "this agent is socktop_agent 1.60: it has no host facts",
            )
            .into());
        }
        Query::Sensors => {
            return Ok(model::Error::new(
                ErrorCode::BadRequest,
                "this agent is socktop_agent 1.60: it has no list of sensors",
            )
            .into());
        }
    };
    Ok(kind.into())
}

fn json<T: DeserializeOwned>(data: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(data)
}

fn reply(body: &Body) -> Result<Frame, model::Error> {
    limits::check(body).map_err(too_large)?;
    let kind = body.kind.as_ref();
    match kind {
        Some(body::Kind::Metrics(metrics)) => json_frame(&legacy::Metrics::try_from(metrics)?),
        Some(body::Kind::Disks(disks)) => json_frame(&legacy::disks(disks)),
        Some(body::Kind::Processes(list)) => processes_frame(list),
        Some(body::Kind::Process(details)) => json_frame(&details_in_ascii(details.try_into()?)),
        Some(body::Kind::Journal(journal)) => json_frame(&journal_in_ascii(journal.into())),
        Some(body::Kind::Error(error)) => Err(error.clone()),
        Some(body::Kind::Host(_) | body::Kind::Sensors(_)) | None => Err(model::Error::new(
            ErrorCode::BadRequest,
            "this dialect has no such reply",
        )),
    }
}

/// The client of socktop 1.60 cuts messages and paths at a byte, and panics where that is inside a character.
/// It alone speaks this dialect: a text without its accents serves it better than a crash.
fn into_ascii(text: &mut String) {
    if !text.is_ascii() {
        *text = text.replace(|character: char| !character.is_ascii(), "?");
    }
}

fn journal_in_ascii(mut journal: legacy::Journal) -> legacy::Journal {
    for entry in &mut journal.entries {
        into_ascii(&mut entry.message);
    }
    journal
}

fn details_in_ascii(mut reply: legacy::ProcessReply) -> legacy::ProcessReply {
    let details = &mut reply.process;
    let paths = [&mut details.executable_path, &mut details.working_directory];
    paths.into_iter().flatten().for_each(into_ascii);
    reply
}

/// The process list as `processes.proto` has it, gzip above [`THRESHOLD`].
pub(crate) fn processes_frame(list: &model::Processes) -> Result<Frame, model::Error> {
    let encoded = legacy::encode_processes(list);
    packed_frame(&encoded).unwrap_or_else(|| within_limit(Frame::Binary(encoded)))
}

fn json_frame(value: &impl Serialize) -> Result<Frame, model::Error> {
    let text = serialize(value)?;
    packed_frame(text.as_bytes()).unwrap_or_else(|| within_limit(Frame::Text(text)))
}

/// A reply above [`THRESHOLD`] as it is sent; `None` for a shorter one.
fn packed_frame(data: &[u8]) -> Option<Result<Frame, model::Error>> {
    if data.len() <= THRESHOLD {
        return None;
    }
    let within = limits::check_body_bytes(data.len()).map_err(too_large);
    Some(within.and_then(|()| within_limit(Frame::Binary(gzip(data)))))
}

/// A frame that a client takes.
pub(crate) fn within_limit(frame: Frame) -> Result<Frame, model::Error> {
    limits::check_message_bytes(frame.len()).map_err(too_large)?;
    Ok(frame)
}

pub(crate) fn serialize(value: &impl Serialize) -> Result<String, model::Error> {
    serde_json::to_string(value).map_err(|error| {
        model::Error::new(
            ErrorCode::Unavailable,
            format!("encoding the reply as JSON failed: {error}"),
        )
    })
}

/// An answer to what is no request at all.
#[must_use]
pub fn refusal(error: &str) -> Frame {
    error_frame(&ErrorReply {
        error: error.to_owned(),
        pid: None,
        request: None,
    })
}

/// Errors stay text however long they are: they are for people to read.
pub(crate) fn error_frame(reply: &ErrorReply) -> Frame {
    Frame::Text(serialize(reply).unwrap_or_else(|error| error.message))
}

/// The model of an error. Only its words say that a process does not exist: the agent of 1.60 sends no code.
fn error_model(query: Query, reply: ErrorReply) -> model::Error {
    let code = match query {
        Query::Process { pid } if reply.error == not_found(pid) => ErrorCode::NotFound,
        _ => ErrorCode::Unavailable,
    };
    model::Error::new(code, reply.error)
}

fn not_found(pid: u32) -> String {
    format!("Process {pid} not found")
}

fn error_message(query: Query, error: &model::Error) -> String {
    match query {
        Query::Process { pid } if error.code() == ErrorCode::NotFound => not_found(pid),
        _ => error.message.clone(),
    }
}
