//! `/ws`: the WebSocket handshake, and the conversation after it.

use std::io::ErrorKind;
use std::sync::Arc;

use futures_util::FutureExt;
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use socktop_proto::dialect::native;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use warp::Filter;
use warp::Reply;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::authorize::{Caller, caller, is_logged, log_refusal};
use super::explained;
use crate::auth::gate::{Grant, Peer};
use crate::server::log_limits::Line;
use crate::server::message_budget::BudgetedStream;
use crate::server::pending_connection::PendingConnection;
use crate::server::shared::Agent;
use crate::session::{self, Subprotocol, websocket_config};

/// A request for `/ws` that is no WebSocket handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum NotWebSocket {
    #[error("/ws is a WebSocket endpoint: connect with socktop or another WebSocket client")]
    Upgrade,
    #[error("/ws supports only version 13 of WebSocket")]
    Version,
    #[error("the WebSocket handshake has no usable Sec-WebSocket-Key")]
    Key,
}

/// The handshake that a client offers.
#[derive(Debug)]
struct Handshake {
    accept: HeaderValue,
    subprotocol: Subprotocol,
}

/// Answers `GET /ws`.
pub(super) fn route(agent: Arc<Agent>) -> BoxedFilter<(Response,)> {
    warp::path!("ws")
        .and(warp::get())
        .and(caller())
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::ext::optional::<Arc<PendingConnection>>())
        .map(move |caller: Caller, upgrade: Option<OnUpgrade>, pending| {
            let grant = match caller.authorize(&agent) {
                Ok(grant) => grant,
                Err(refusal) => return *refusal,
            };
            match (handshake(&caller.headers), upgrade) {
                (Ok(handshake), Some(upgrade)) => {
                    accept(&agent, caller.peer, grant, &handshake, upgrade, pending)
                }
                (Ok(_), None) => not_websocket(NotWebSocket::Upgrade),
                (Err(error), _) => not_websocket(error),
            }
        })
        .boxed()
}

/// Reads the offer of RFC 6455, 4.2.1.
fn handshake(headers: &HeaderMap) -> Result<Handshake, NotWebSocket> {
    if !has_token(headers, &CONNECTION, "upgrade") || !has_token(headers, &UPGRADE, "websocket") {
        return Err(NotWebSocket::Upgrade);
    }
    if !has_token(headers, &SEC_WEBSOCKET_VERSION, "13") {
        return Err(NotWebSocket::Version);
    }
    let accept = headers
        .get(SEC_WEBSOCKET_KEY)
        .filter(|key| !key.is_empty())
        .and_then(|key| derive_accept_key(key.as_bytes()).parse().ok())
        .ok_or(NotWebSocket::Key)?;
    let native = has_token(headers, &SEC_WEBSOCKET_PROTOCOL, native::SUBPROTOCOL);
    Ok(Handshake {
        accept,
        subprotocol: if native {
            Subprotocol::Native
        } else {
            Subprotocol::Plain
        },
    })
}

/// Whether one of a header's comma-separated tokens is `wanted`.
fn has_token(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case(wanted))
}

/// Answers 101 and holds the conversation in a task of its own.
///
/// warp's own upgrade would give each connection a read buffer of 128 KiB.
fn accept(
    agent: &Arc<Agent>,
    peer: Peer,
    grant: Grant,
    handshake: &Handshake,
    upgrade: OnUpgrade,
    pending: Option<Arc<PendingConnection>>,
) -> Response {
    if let Some(Err(full)) = pending.as_ref().map(|pending| pending.promote()) {
        log_refusal(agent, peer, &full);
        return explained(StatusCode::SERVICE_UNAVAILABLE, &full);
    }
    let subprotocol = handshake.subprotocol;
    let agent = Arc::clone(agent);
    let session = agent.clients().session();
    tokio::spawn(async move {
        let _session = session;
        let upgraded = match upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => {
                tracing::debug!(%peer, %error, "{peer} left during the upgrade: {error}");
                return;
            }
        };
        let limits = agent.limits();
        let logged = is_logged(&agent, Line::Connected, peer);
        if logged {
            tracing::info!(event = "connected", %peer, "{peer} connected {grant}");
        }
        let inbound = BudgetedStream::new(upgraded, agent.large_messages(), limits.message_bytes);
        let config = Some(websocket_config(&limits));
        let mut socket = WebSocketStream::from_raw_socket(inbound, Role::Server, config).await;
        let ended = session::run(
            &mut socket,
            subprotocol,
            grant.rights,
            agent.sampler(),
            agent.stopping(),
            &limits,
            agent.rate_limits().requests(peer, &grant),
        )
        // Boxed: its state is large, and would be part of every connection's task.
        .boxed()
        .await;
        match &ended {
            _ if !logged => {}
            Ok(()) => tracing::info!(event = "disconnected", %peer, "{peer} disconnected"),
            // A client that ends the connection without the goodbyes of WebSocket and TLS; most do.
            Err(WsError::Io(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                tracing::info!(event = "disconnected", %peer, "{peer} disconnected");
            }
            Err(error) => {
                tracing::info!(event = "disconnected", %peer, %error, "{peer} lost: {error}");
            }
        }
        if let Some(pending) = pending
            && (matches!(ended, Err(WsError::Io(_)))
                || session::wait_for_end(&mut socket, limits.send_time, agent.stopping()).await)
        {
            pending.forget();
        }
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, handshake.accept.clone());
    if subprotocol == Subprotocol::Native {
        let name = HeaderValue::from_static(native::SUBPROTOCOL);
        headers.insert(SEC_WEBSOCKET_PROTOCOL, name);
    }
    response
}

fn not_websocket(error: NotWebSocket) -> Response {
    let status = match error {
        NotWebSocket::Upgrade | NotWebSocket::Version => StatusCode::UPGRADE_REQUIRED,
        NotWebSocket::Key => StatusCode::BAD_REQUEST,
    };
    let mut response = explained(status, &error);
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}
