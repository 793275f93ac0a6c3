//! A session: one client's WebSocket conversation, requests in and samples out.
//!
//! The native dialect has ids, so several of its requests may be answered at once; the others are
//! matched by order alone, so they are answered one after the other. Nothing is sent unasked: published
//! clients fail on any frame that is not a reply, a Ping included.
//!
//! A client that reads slowly costs one encoded reply, the one that is being sent: samples that are collected meanwhile
//! are dropped, and requested again. The samples are shared, so they cannot wait for it either.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt};
use socktop_collect::sampler::{Sample, Sampler, message};
use socktop_proto::dialect::native::{self, DecodedRequest, ReplyOptions, RequestError};
use socktop_proto::dialect::{json, text};
use socktop_proto::{Body, Error, ErrorCode, Query};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

use crate::auth::token_file::Rights;
use crate::config::Limits;
use crate::server::message_budget::{self, BudgetedStream};
use crate::server::rate_limit::Allowance;
use crate::server::shared::stop_requested;

/// How long a stopping agent waits for the first request of a new client. Shorter than the whole drain time.
const FIRST_REQUEST_TIME: Duration = Duration::from_millis(500);

/// The dialect of a conversation, chosen at the upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subprotocol {
    /// `socktop.v2`.
    Native,
    /// No subprotocol: text or json, each request for itself.
    Plain,
}

/// Buffers as small as requests are, which have 20 bytes or 30, and bounds on what a client can send. A larger one is read in
/// pieces.
#[must_use]
pub fn websocket_config(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(256)
        .write_buffer_size(0)
        .max_message_size(Some(limits.message_bytes))
        .max_frame_size(Some(limits.message_bytes))
}

/// A valid request, and how to answer it.
#[derive(Debug, Clone, Copy)]
struct Request {
    query: Query,
    dialect: Dialect,
}

#[derive(Debug, Clone, Copy)]
enum Dialect {
    Native { id: u64, options: ReplyOptions },
    Text,
    Json,
}

impl Request {
    async fn sample(self, rights: Rights, sampler: Arc<Sampler>) -> (Self, Arc<Sample>) {
        let sample = if rights.allow(self.query) {
            sampler.sample(self.query).await
        } else {
            Arc::new(Sample::new(self.query, refusal().into()))
        };
        (self, sample)
    }
}

fn encode((request, sample): (Request, Arc<Sample>)) -> Message {
    match request.dialect {
        Dialect::Native { id, options } => sample.native(id, options),
        Dialect::Text => sample.text(),
        Dialect::Json => sample.json(),
    }
}

/// Serves a conversation until the client leaves, breaks the protocol, sends no request for too long, or `shutdown` is
/// set: then pending requests are answered, and a new client may send one.
///
/// # Errors
/// Where the conversation ended otherwise than by a close.
pub(crate) async fn run<S>(
    socket: &mut WebSocketStream<BudgetedStream<S>>,
    speech: Subprotocol,
    rights: Rights,
    sampler: Arc<Sampler>,
    mut shutdown: watch::Receiver<bool>,
    limits: &Limits,
    mut allowance: Allowance,
) -> Result<(), WsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let _conversation = sampler.conversation();
    let limit = match speech {
        Subprotocol::Native => limits.in_flight,
        Subprotocol::Plain => 1,
    };
    let ask = |request: Request| request.sample(rights, Arc::clone(&sampler));
    let mut in_flight = FuturesUnordered::new();
    let mut answered = false;
    let mut active = Instant::now();
    loop {
        let listens = in_flight.len() < limit && !(answered && *shutdown.borrow());
        let incoming = tokio::select! {
            Some(answer) = in_flight.next(), if !in_flight.is_empty() => {
                send(socket, encode(answer), &mut in_flight, &ask).await?;
                answered = true;
                active = Instant::now();
                continue;
            }
            incoming = next(socket, &allowance), if listens => incoming,
            () = stop_after(&mut shutdown, answered), if in_flight.is_empty() => {
                return close(socket, CloseCode::Away, "the agent stops").await;
            }
            time = idle_since(active, limits.idle_session), if in_flight.is_empty() => {
                let seconds = time.as_secs_f64();
                let reason = format!("no request for {seconds} s (limits.idle_session_seconds)");
                return close(socket, CloseCode::Policy, reason).await;
            }
        };
        let frame = match incoming {
            None => return Ok(()),
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return refuse(socket, error).await,
        };
        message_budget::whole(socket);
        let now = Instant::now();
        // Of whatever kind it is: pings are answered, too.
        allowance.take(now);
        let decoded = match (speech, frame) {
            (Subprotocol::Native, Message::Binary(bytes)) => decode_native(&bytes),
            (Subprotocol::Native, Message::Text(_)) => Err(native_error(
                0,
                "a text frame: requests of socktop.v2 are protobuf in binary frames",
            )),
            (Subprotocol::Plain, Message::Text(text)) => decode_plain(&text),
            (Subprotocol::Plain, Message::Binary(_)) => Err(message(text::refusal(
                "a binary frame: requests are text frames; protobuf needs the subprotocol socktop.v2",
            ))),
            // tungstenite answers pings and closes by itself.
            (_, Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {
                continue;
            }
        };
        active = now;
        match decoded {
            Ok(request) => in_flight.push(ask(request)),
            Err(refusal) => {
                send(socket, refusal, &mut in_flight, &ask).await?;
                answered = true;
            }
        }
    }
}

/// Waits until the client has closed the connection, too, and so received all that was sent; for `limit` at most. Until
/// then the connection counts: the kernel may keep much memory for it. A stopping agent does not wait. Returns whether
/// it has waited.
pub(crate) async fn wait_for_end<S>(
    socket: &mut WebSocketStream<S>,
    limit: Duration,
    mut shutdown: watch::Receiver<bool>,
) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let stream = socket.get_mut();
    let end = async {
        stream.shutdown().await?;
        while stream.read(&mut [0; 512]).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    tokio::select! {
        biased;
        () = stop_requested(&mut shutdown) => false,
        // Whatever came of it, there is nothing more to wait for.
        _ = timeout(limit, end) => true,
    }
}

/// Sends a reply. Collections under way are dropped meanwhile, and their requests repeated by `ask` afterwards: the
/// sampler's locks must not wait for a client, nor its memory hold samples that several clients have not read.
async fn send<S, F>(
    socket: &mut WebSocketStream<S>,
    reply: Message,
    in_flight: &mut FuturesUnordered<F>,
    ask: &impl Fn(Request) -> F,
) -> Result<(), WsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = (Request, Arc<Sample>)>,
{
    let mut sending = pin!(socket.send(reply));
    let mut again = Vec::new();
    let sent = loop {
        tokio::select! {
            biased;
            sent = sending.as_mut() => break sent,
            Some((request, _)) = in_flight.next(), if !in_flight.is_empty() => again.push(request),
        }
    };
    in_flight.extend(again.into_iter().map(ask));
    sent
}

/// The next frame, once another request may be read: what comes too fast waits in the socket.
async fn next<S>(
    socket: &mut WebSocketStream<S>,
    allowance: &Allowance,
) -> Option<Result<Message, WsError>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    allowance.ready().await;
    socket.next().await
}

/// Waits until nothing was asked for as long as `limit` says since `active`.
async fn idle_since(active: Instant, limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => {
            sleep_until(active + limit).await;
            limit
        }
        None => std::future::pending().await,
    }
}

/// Waits until the agent stops, and then for the first request of a new client.
async fn stop_after(shutdown: &mut watch::Receiver<bool>, answered: bool) {
    stop_requested(shutdown).await;
    if !answered {
        sleep(FIRST_REQUEST_TIME).await;
    }
}

/// The answer to a request that the token's rights do not allow.
fn refusal() -> Error {
    Error::new(
        ErrorCode::PermissionDenied,
        "this token is for metrics alone; for a process's details and journal use one with full rights \
         (on the host: socktop-agent token add NAME)",
    )
}

fn decode_native(bytes: &Bytes) -> Result<Request, Message> {
    match native::decode_request(bytes) {
        Ok(DecodedRequest { id, query, options }) => Ok(Request {
            query,
            dialect: Dialect::Native { id, options },
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
    Message::binary(native::reply_frame(id, &native::encode_body(&body, 0)))
}

/// Sends the reason to a client that broke the protocol, before the connection is closed.
async fn refuse<S>(socket: &mut WebSocketStream<S>, error: WsError) -> Result<(), WsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (code, reason) = match &error {
        WsError::Capacity(CapacityError::MessageTooLong { max_size, .. }) => (
            CloseCode::Size,
            format!("requests may have {max_size} bytes at most (limits.message_bytes)"),
        ),
        WsError::Utf8(_) => (
            CloseCode::Invalid,
            "a text frame that is not UTF-8".to_owned(),
        ),
        WsError::Protocol(_) => (CloseCode::Protocol, "not a WebSocket frame".to_owned()),
        _ => return Err(error),
    };
    // It may have hung up itself, which is what it broke the protocol by.
    let _ = close(socket, code, reason).await;
    Err(error)
}

async fn close<S>(
    socket: &mut WebSocketStream<S>,
    code: CloseCode,
    reason: impl Into<Utf8Bytes>,
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::io::duplex;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;
    use socktop_collect::Root;
    use socktop_collect::sampler::Sampling;

    const HOST: Request = Request {
        query: Query::Host,
        dialect: Dialect::Text,
    };

    #[tokio::test(start_paused = true)]
    async fn collection_stops_and_restarts_during_a_slow_send() {
        let sampler = Arc::new(Sampler::new(&Root::default(), &Sampling::default()));
        let ended = Cell::new(0);
        let ask = |request: Request| {
            let (sampler, ended) = (Arc::clone(&sampler), &ended);
            async move {
                sleep(Duration::from_secs(1)).await;
                ended.set(ended.get() + 1);
                request.sample(Rights::Full, sampler).await
            }
        };
        let mut in_flight: FuturesUnordered<_> = [ask(HOST), ask(HOST)].into_iter().collect();
        let (ours, mut theirs) = duplex(16);
        let mut socket = WebSocketStream::from_raw_socket(ours, Role::Server, None).await;
        let reply = Message::text("x".repeat(1000));
        {
            let mut sending = pin!(send(&mut socket, reply, &mut in_flight, &ask));
            let slow = timeout(Duration::from_mins(1), sending.as_mut()).await;
            assert!(slow.is_err());
            assert_eq!(ended.get(), 2);
            let taken = async {
                theirs.read_exact(&mut [0; 1004]).await.unwrap();
            };
            tokio::join!(sending, taken).0.unwrap();
        }
        assert_eq!(ended.get(), 2);
        let answers: Vec<_> = in_flight.collect().await;
        assert_eq!((answers.len(), ended.get()), (2, 4));
    }
}
