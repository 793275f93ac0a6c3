//! One WebSocket conversation: requests in, samples out.
//!
//! The native dialect has ids, so several of its requests may be answered at once; the others are
//! matched by order alone, so they are answered one after the other. Nothing is sent unasked: published
//! clients fail on any frame that is not a reply, a Ping included.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use socktop_proto::native::RequestError;
use socktop_proto::{Body, Error, ErrorCode, Query, json, native, text};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::sampler::{Sample, Sampler, message};
use crate::serve::told_to_stop;
use crate::tokens::Rights;

/// Native requests that are answered at once; more wait in the socket.
const NATIVE_IN_FLIGHT: usize = 8;

/// How long an agent that stops waits for the first request of who has just come. Shorter than it waits for all.
const FIRST_REQUEST_TIME: Duration = Duration::from_millis(500);

/// The largest message and frame from a client: requests are tens of bytes.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// How a conversation is held, settled at the upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// `socktop.v2`.
    Native,
    /// No subprotocol: text or json, each request for itself.
    Plain,
}

/// Buffers as small as requests are, and bounds on what a client can send.
#[must_use]
pub fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
}

/// A request that was understood, and how to answer it.
#[derive(Debug, Clone, Copy)]
struct Request {
    query: Query,
    dialect: Dialect,
}

#[derive(Debug, Clone, Copy)]
enum Dialect {
    Native { id: u64 },
    Text,
    Json,
}

impl Request {
    async fn answer(self, rights: Rights, sampler: Arc<Sampler>) -> Message {
        let sample = if rights.allow(self.query) {
            sampler.sample(self.query).await
        } else {
            Arc::new(Sample::new(self.query, refusal().into()))
        };
        match self.dialect {
            Dialect::Native { id } => sample.native(id),
            Dialect::Text => sample.text(),
            Dialect::Json => sample.json(),
        }
    }
}

/// Holds a conversation until the client leaves, breaks the protocol, or `shutdown` says so: then what was asked is
/// answered, and who has just come may ask once.
///
/// # Errors
/// Where the conversation ended otherwise than by a close.
pub async fn run<S>(
    mut socket: WebSocketStream<S>,
    speech: Speech,
    rights: Rights,
    sampler: Arc<Sampler>,
    mut shutdown: watch::Receiver<bool>,
) -> Result<(), WsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let limit = match speech {
        Speech::Native => NATIVE_IN_FLIGHT,
        Speech::Plain => 1,
    };
    let mut in_flight = FuturesUnordered::new();
    let mut answered = false;
    loop {
        let listens = in_flight.len() < limit && !(answered && *shutdown.borrow());
        let incoming = tokio::select! {
            Some(reply) = in_flight.next(), if !in_flight.is_empty() => {
                socket.send(reply).await?;
                answered = true;
                continue;
            }
            incoming = socket.next(), if listens => incoming,
            () = stop_after(&mut shutdown, answered), if in_flight.is_empty() => {
                return close(&mut socket, CloseCode::Away, "the agent stops").await;
            }
        };
        let frame = match incoming {
            None => return Ok(()),
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return refuse(&mut socket, error).await,
        };
        let decoded = match (speech, frame) {
            (Speech::Native, Message::Binary(bytes)) => decode_native(&bytes),
            (Speech::Native, Message::Text(_)) => Err(native_error(
                0,
                "a text frame: requests of socktop.v2 are protobuf in binary frames",
            )),
            (Speech::Plain, Message::Text(text)) => decode_plain(&text),
            (Speech::Plain, Message::Binary(_)) => Err(message(text::refusal(
                "a binary frame: requests are text frames; protobuf wants the subprotocol socktop.v2",
            ))),
            // tungstenite answers pings and closes by itself.
            (_, Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {
                continue;
            }
        };
        match decoded {
            Ok(request) => in_flight.push(request.answer(rights, Arc::clone(&sampler))),
            Err(refusal) => {
                socket.send(refusal).await?;
                answered = true;
            }
        }
    }
}

/// Waits until the agent stops, and then for a first request of who has just come.
async fn stop_after(shutdown: &mut watch::Receiver<bool>, answered: bool) {
    told_to_stop(shutdown).await;
    if !answered {
        sleep(FIRST_REQUEST_TIME).await;
    }
}

/// The answer to what a token's rights do not allow.
fn refusal() -> Error {
    Error::new(
        ErrorCode::PermissionDenied,
        "this token is for metrics alone; for a process's details and journal use one with full rights \
         (on the host: socktop-agent token add NAME)",
    )
}

fn decode_native(bytes: &Bytes) -> Result<Request, Message> {
    match native::decode_request(bytes) {
        Ok((id, query)) => Ok(Request {
            query,
            dialect: Dialect::Native { id },
        }),
        Err(error) => {
            let id = match error {
                RequestError::Unknown { id } => id,
                RequestError::Malformed(_) => 0,
            };
            Err(native_error(id, &error.to_string()))
        }
    }
}

fn decode_plain(request: &str) -> Result<Request, Message> {
    let (query, dialect) = if json::is_request(request) {
        (json::decode_request(request), Dialect::Json)
    } else {
        (text::decode_request(request), Dialect::Text)
    };
    query
        .map(|query| Request { query, dialect })
        .map_err(message)
}

fn native_error(id: u64, text: &str) -> Message {
    let body: Body = Error::new(ErrorCode::BadRequest, text).into();
    Message::binary(native::reply_frame(id, &native::encode_body(body)))
}

/// Says why before hanging up on a client that broke the protocol.
async fn refuse<S>(socket: &mut WebSocketStream<S>, error: WsError) -> Result<(), WsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (code, reason) = match &error {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
            (CloseCode::Size, "requests may have 65536 bytes at most")
        }
        WsError::Utf8(_) => (CloseCode::Invalid, "a text frame that is not UTF-8"),
        WsError::Protocol(_) => (CloseCode::Protocol, "not a WebSocket frame"),
        _ => return Err(error),
    };
    // It may have hung up itself, which is what it broke the protocol by.
    let _ = close(socket, code, reason).await;
    Err(error)
}

async fn close<S>(
    socket: &mut WebSocketStream<S>,
    code: CloseCode,
    reason: &'static str,
) -> Result<(), WsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    match socket.close(Some(frame)).await {
        Err(WsError::ConnectionClosed) => Ok(()),
        closed => closed,
    }
}
