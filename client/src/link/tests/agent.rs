//! An agent of a few lines, at the other end of an in-memory stream.

// The WebSocket library's callbacks give a whole response for an error.
#![allow(clippy::result_large_err)]

use std::io::{self, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{SinkExt, StreamExt};
use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderValue, StatusCode};
use prost::Message as _;
use socktop_proto::dialect::native::{self, Payload};
use socktop_proto::model::{self, body};
use socktop_proto::{Body, Query};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::super::Endpoint;

/// The agents' side of every connection that the link opens.
pub(super) struct Listener(mpsc::UnboundedReceiver<DuplexStream>);

/// An endpoint inside this process. Connections are refused once the listener is gone.
pub(super) fn listen() -> (Endpoint, Listener) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let open = move || {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        sender
            .send(theirs)
            .map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        Ok(ours)
    };
    (Endpoint::InProcess(Arc::new(open)), Listener(receiver))
}

impl Listener {
    pub(super) async fn stream(&mut self) -> DuplexStream {
        self.0.recv().await.expect("the link dials")
    }

    /// Takes a connection as an agent of ours.
    pub(super) async fn native(&mut self) -> Agent<DuplexStream> {
        accept(self.stream().await, Some("socktop.v2")).await.0
    }

    /// Takes a connection as a published agent.
    pub(super) async fn text(&mut self) -> Agent<DuplexStream> {
        accept(self.stream().await, None).await.0
    }

    /// Refuses a connection with an HTTP status.
    pub(super) async fn refuse(&mut self, status: StatusCode) {
        let refusal = |_: &Request, _: Response| {
            let mut response = ErrorResponse::new(Some("go away".to_owned()));
            *response.status_mut() = status;
            Err(response)
        };
        assert!(
            accept_hdr_async(self.stream().await, refusal)
                .await
                .is_err()
        );
    }
}

/// Upgrades `stream`, choosing `subprotocol`; also gives the request that came.
pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    subprotocol: Option<&'static str>,
) -> (Agent<S>, Request) {
    let mut came = None;
    let choose = |request: &Request, mut response: Response| {
        came = Some(request.clone());
        if let Some(subprotocol) = subprotocol {
            let value = HeaderValue::from_static(subprotocol);
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
        Ok(response)
    };
    let socket = accept_hdr_async(stream, choose).await.expect("an upgrade");
    (Agent { socket }, came.expect("a request"))
}

pub(super) struct Agent<S> {
    pub(super) socket: WebSocketStream<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Agent<S> {
    /// The next native request with all that it says.
    pub(super) async fn asked(&mut self) -> native::DecodedRequest {
        match self.socket.next().await {
            Some(Ok(Message::Binary(frame))) => native::decode_request(&frame).unwrap(),
            other => panic!("a request was expected, not {other:?}"),
        }
    }

    /// Answers a native request.
    pub(super) async fn give(&mut self, id: u64, body: Body) {
        let frame = native::reply_frame(id, &native::encode_body(&body, 0));
        self.send(Message::binary(frame)).await;
    }

    /// Answers a native request by something that has a name.
    pub(super) async fn reply(&mut self, id: u64, revision: u64, payload: Payload) {
        let encoded = match payload {
            Payload::Whole(body) => native::encode_body(&body, revision),
            Payload::Delta(delta) => native::encode_delta(delta, revision).unwrap(),
        };
        self.send(Message::binary(native::reply_frame(id, &encoded)))
            .await;
    }

    /// The next native request; `None` when the client has gone. Pings are answered meanwhile, by the library.
    pub(super) async fn try_request(&mut self) -> Option<(u64, Query)> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(frame))) => {
                    let asked = native::decode_request(&frame).unwrap();
                    return Some((asked.id, asked.query));
                }
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(other)) => panic!("a request was expected, not {other:?}"),
                Some(Err(_)) | None => return None,
            }
        }
    }

    pub(super) async fn request(&mut self) -> (u64, Query) {
        self.try_request().await.expect("a request")
    }

    /// Takes the request for the host's facts that opens every native conversation, and answers it.
    pub(super) async fn host(&mut self) {
        let (id, query) = self.request().await;
        assert_eq!(query, Query::Host);
        self.answer(id, query).await;
    }

    /// Answers a native request with the smallest true answer.
    pub(super) async fn answer(&mut self, id: u64, query: Query) {
        self.give(id, body(query)).await;
    }

    /// The next request in text.
    pub(super) async fn word(&mut self) -> String {
        match self.socket.next().await {
            Some(Ok(Message::Text(word))) => word.as_str().to_owned(),
            other => panic!("a word was expected, not {other:?}"),
        }
    }

    pub(super) async fn send(&mut self, message: Message) {
        self.socket.send(message).await.expect("the link listens");
    }
}

/// The reply to request `id` with `body`, whatever its size, as no agent of ours would send it.
pub(super) fn unchecked_reply(id: u64, body: Body) -> Message {
    let payload = Some(model::reply::Payload::Plain(body));
    reply_with(id, payload)
}

/// The same, packed.
pub(super) fn unchecked_packed_reply(id: u64, body: &Body) -> Message {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&body.encode_to_vec()).unwrap();
    let packed = encoder.finish().unwrap();
    reply_with(id, Some(model::reply::Payload::Gzip(packed)))
}

/// A reply that consists of changes, with no name.
pub(super) fn delta_reply(id: u64, delta: model::Delta) -> Message {
    reply_with(id, Some(model::reply::Payload::Delta(delta)))
}

fn reply_with(id: u64, payload: Option<model::reply::Payload>) -> Message {
    let reply = model::Reply {
        id,
        payload,
        revision: 1,
    };
    Message::binary(reply.encode_to_vec())
}

/// An answer to `query`.
pub(super) fn body(query: Query) -> Body {
    match query {
        Query::Host => body::Kind::Host(model::Host::default()),
        Query::Metrics => body::Kind::Metrics(model::Metrics::default()),
        Query::Disks => body::Kind::Disks(model::Disks::default()),
        Query::Processes => body::Kind::Processes(model::Processes::default()),
        Query::Process { .. } => body::Kind::Process(model::ProcessDetails::default()),
        Query::Journal { .. } => body::Kind::Journal(model::Journal::default()),
        Query::Sensors => body::Kind::Sensors(model::Sensors::default()),
    }
    .into()
}
