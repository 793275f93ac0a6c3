//! The HTTP request that turns a connection into a WebSocket (RFC 6455, section 4.1).
//!
//! Done here and not by the WebSocket library, whose client takes an answer without a subprotocol for an
//! error: it is how an agent of version 1.60 answers.

use std::io;
use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_TYPE, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use socktop_proto::dialect::native::SUBPROTOCOL;
use socktop_proto::limits::MESSAGE_BYTES;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::error::{Fault, refusal};
use super::frame_limit::FrameLimited;
use super::socket::Socket;
use super::{Dialect, Endpoint};
use crate::trust::Trust;

/// Of the answer's head. More is not an agent.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// Of a refusal's body: a few lines for people.
const MAX_BODY_BYTES: usize = 4 << 10;

/// The start of a request; `Host` and token are the caller's.
pub(super) fn request(path_and_query: &str) -> http::request::Builder {
    Request::get(path_and_query)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL)
}

/// Sends the request over `stream`, reads the answer and hands the connection to the WebSocket library.
pub(super) async fn upgrade<S>(
    stream: S,
    request: http::request::Builder,
    endpoint: &Endpoint,
) -> Result<(Socket, Dialect), Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| http_fault(&error, endpoint);
    let key = generate_key();
    let request = request
        .header(SEC_WEBSOCKET_KEY, &key)
        .body(Empty::<Bytes>::new())
        .map_err(|error| Fault::Http {
            detail: error.to_string(),
            advice: "check the URL's path and query".to_owned(),
        })?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    // Ends with this function, however that ends: a dial that is given up leaves no connection behind.
    let mut driver = JoinSet::new();
    driver.spawn(connection.with_upgrades());
    let response = sender.send_request(request).await.map_err(failed)?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let status = response.status();
        return Err(refusal(
            status,
            &refusal_text(response).await,
            endpoint.has_token(),
        ));
    }
    let dialect = dialect(response.headers(), &derive_accept_key(key.as_bytes()))
        .map_err(|fault| Fault::NotWebSocket { fault })?;
    let upgraded = hyper::upgrade::on(response).await.map_err(failed)?;
    let stream = FrameLimited::new(TokioIo::new(upgraded));
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(limits())).await;
    Ok((socket, dialect))
}

/// Small buffers, for there may be a fleet of links, and a bound on what an agent can make us hold. A message that is
/// somewhat too large is read, so that it ends one answer; a larger one ends the connection.
fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(8 << 10)
        .write_buffer_size(0)
        .max_write_buffer_size(64 << 10)
        .max_message_size(Some(2 * MESSAGE_BYTES))
        .max_frame_size(Some(2 * MESSAGE_BYTES))
}

/// Checks an answer of status 101, and reads from it how its agent is spoken to.
fn dialect(headers: &HeaderMap, accept: &str) -> Result<Dialect, &'static str> {
    if !has_word(headers, &UPGRADE, "websocket") || !has_word(headers, &CONNECTION, "upgrade") {
        return Err("it switches to some other protocol");
    }
    if headers
        .get(SEC_WEBSOCKET_ACCEPT)
        .is_none_or(|value| value != accept)
    {
        return Err("its Sec-WebSocket-Accept is not the answer to our key");
    }
    if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        return Err("it uses an extension that was not offered");
    }
    match headers.get(SEC_WEBSOCKET_PROTOCOL) {
        None => Ok(Dialect::Text),
        Some(chosen) if chosen == SUBPROTOCOL => Ok(Dialect::Native),
        Some(_) => Err("it chose a subprotocol that was not offered"),
    }
}

fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(word))
}

/// The text of a refusal; nothing where it is too long, or a web server's page instead of an agent's words.
async fn refusal_text(response: Response<Incoming>) -> String {
    let is_text = response.headers().get(CONTENT_TYPE).is_none_or(|kind| {
        kind.to_str()
            .is_ok_and(|kind| kind.to_ascii_lowercase().starts_with("text/plain"))
    });
    if !is_text {
        return String::new();
    }
    let body = Limited::new(response.into_body(), MAX_BODY_BYTES);
    match body.collect().await {
        Ok(body) => String::from_utf8(body.to_bytes().into()).unwrap_or_default(),
        Err(_) => String::new(),
    }
}

fn http_fault(error: &hyper::Error, endpoint: &Endpoint) -> Fault {
    let mut detail = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        // In TLS 1.3 the agent checks the client's certificate after the client took the handshake for done.
        if let Endpoint::Tls(_, trust) = endpoint
            && let Some(advice) = client_certificate(cause, trust)
        {
            return Fault::ClientCertificate(advice);
        }
        detail = format!("{detail}: {cause}");
        source = cause.source();
    }
    if let Endpoint::Tls(_, trust) = endpoint
        && error.is_incomplete_message()
        && let Some(advice) = trust.explain_break()
    {
        return Fault::ClientCertificate(advice);
    }
    let advice = match endpoint {
        Endpoint::Plain(target) => format!(
            "is it an agent? If it serves TLS, use: socktop wss://{}",
            target.authority()
        ),
        Endpoint::Tls(..) | Endpoint::InProcess(_) => "is it an agent?".to_owned(),
    };
    Fault::Http { detail, advice }
}

/// What a TLS alert, or a connection that breaks instead of one, says of the client's certificate.
fn client_certificate(
    cause: &(dyn std::error::Error + 'static),
    trust: &Trust,
) -> Option<&'static str> {
    let error = cause.downcast_ref::<io::Error>()?;
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match (tls, error.kind()) {
        (Some(rustls::Error::AlertReceived(alert)), _) => trust.explain_alert(*alert),
        // The alert can get lost when the agent closes with our request unread.
        (_, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof) => {
            trust.explain_break()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn answer(changes: &[(HeaderName, Option<&'static str>)]) -> Result<Dialect, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(UPGRADE, HeaderValue::from_static("WebSocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, HeaderValue::from_static("right"));
        for (name, value) in changes {
            match value {
                Some(value) => headers.insert(name, HeaderValue::from_static(value)),
                None => headers.remove(name),
            };
        }
        dialect(&headers, "right")
    }

    #[test]
    fn the_subprotocol_chooses_the_dialect() {
        assert_eq!(answer(&[]), Ok(Dialect::Text));
        assert_eq!(
            answer(&[(SEC_WEBSOCKET_PROTOCOL, Some("socktop.v2"))]),
            Ok(Dialect::Native)
        );
    }

    #[test]
    fn upgrade_response_with_a_wrong_accept_key_is_refused() {
        for change in [
            (UPGRADE, None),
            (UPGRADE, Some("h2c")),
            (CONNECTION, Some("close")),
            (SEC_WEBSOCKET_ACCEPT, None),
            (SEC_WEBSOCKET_ACCEPT, Some("wrong")),
            (SEC_WEBSOCKET_EXTENSIONS, Some("permessage-deflate")),
            (SEC_WEBSOCKET_PROTOCOL, Some("socktop.v9")),
        ] {
            assert!(answer(std::slice::from_ref(&change)).is_err(), "{change:?}");
        }
    }
}
