//! A simple client of the native dialect: one request, one reply, no timers.

use std::net::TcpStream;

use socktop_proto::dialect::native;
use socktop_proto::{Body, Query};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use socktop_testkit::wait::DEADLINE;

/// Far above any reply of a test's host.
const UNPACKED_LIMIT: usize = 64 << 20;

/// A conversation with an agent in the native dialect.
pub struct Conversation {
    socket: WebSocket<TcpStream>,
    last_id: u64,
}

impl Conversation {
    /// Dials `url`, which is `ws://` and names a port.
    ///
    /// # Panics
    /// When there is no agent, or it does not offer the native dialect.
    #[must_use]
    pub fn open(url: &str) -> Self {
        let mut request = url.into_client_request().expect("a WebSocket's URL");
        let address = request
            .uri()
            .authority()
            .expect("a host and port")
            .to_string();
        request.headers_mut().insert(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(native::SUBPROTOCOL),
        );
        let stream = TcpStream::connect(&address)
            .unwrap_or_else(|error| panic!("connect to {address}: {error}"));
        stream
            .set_read_timeout(Some(DEADLINE))
            .expect("bound the wait for answers");
        let (socket, _) =
            client(request, stream).unwrap_or_else(|error| panic!("open {url}: {error}"));
        Self { socket, last_id: 0 }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Panics
    /// When the agent does not answer within [`DEADLINE`], or answers something else.
    pub fn ask(&mut self, query: Query) -> Body {
        self.last_id += 1;
        let request = native::encode_request(self.last_id, query);
        self.socket
            .send(Message::binary(request))
            .unwrap_or_else(|error| panic!("ask {query:?}: {error}"));
        loop {
            match self.socket.read() {
                Ok(Message::Binary(frame)) => {
                    let answer = native::decode_reply(&frame, UNPACKED_LIMIT)
                        .unwrap_or_else(|error| panic!("the reply to {query:?}: {error}"));
                    assert_eq!(answer.id, self.last_id, "the reply to {query:?}");
                    return answer
                        .payload
                        .whole()
                        .unwrap_or_else(|| panic!("a delta that was not requested: {query:?}"));
                }
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("instead of a reply to {query:?}: {other:?}"),
            }
        }
    }
}
