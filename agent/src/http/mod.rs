//! HTTP: answers `/ws` and `/healthz`, and checks access, once.

pub(crate) mod serve;
pub(crate) mod validate;

use std::convert::Infallible;
use std::io::ErrorKind;
use std::sync::Arc;

use futures_util::FutureExt;
use http::header::{
    CONNECTION, CONTENT_TYPE, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use socktop_proto::dialect::native;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use crate::auth::gate::{ClientCertificate, Grant, Peer, Refusal, tokens_presented};
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
    speech: Subprotocol,
}

/// Marks the answer to a wrong token, which is not hurried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrongToken;

/// The answers to all requests.
pub(crate) type Routes = BoxedFilter<(Response,)>;

/// Answers `/ws` and `/healthz`, and refuses everything else.
pub(crate) fn routes(agent: Arc<Agent>) -> Routes {
    let health = warp::path!("healthz")
        .and(warp::get().or(warp::head()).unify())
        .and(warp::ext::optional::<Arc<PendingConnection>>())
        .map(|pending: Option<Arc<PendingConnection>>| {
            if let Some(pending) = pending {
                pending.clear_client_mark();
            }
            StatusCode::OK.into_response()
        });
    let ws = warp::path!("ws")
        .and(warp::get())
        .and(warp::ext::get::<Peer>())
        .and(warp::ext::get::<ClientCertificate>())
        .and(warp::header::headers_cloned())
        .and(warp::query::raw().or_else(async |_| Ok::<_, Rejection>((String::new(),))))
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::ext::optional::<Arc<PendingConnection>>())
        .map(
            move |peer,
                  shown,
                  headers: HeaderMap,
                  query: String,
                  upgrade: Option<OnUpgrade>,
                  pending| {
                let pass = match agent.gate().check(peer, shown, &headers, &query) {
                    Ok(pass) => pass,
                    Err(refusal) => {
                        log_refusal(&agent, peer, &refusal);
                        let mut response = refused(&refusal);
                        if refusal == Refusal::Token && tokens_presented(&headers, &query) > 0 {
                            response.extensions_mut().insert(WrongToken);
                        }
                        return response;
                    }
                };
                match (handshake(&headers), upgrade) {
                    (Ok(handshake), Some(upgrade)) => {
                        accept(&agent, peer, pass, &handshake, upgrade, pending)
                    }
                    (Ok(_), None) => not_websocket(NotWebSocket::Upgrade),
                    (Err(error), _) => not_websocket(error),
                }
            },
        );
    health
        .or(ws)
        .unify()
        .recover(async |rejection: Rejection| Ok::<_, Infallible>(unserved(&rejection)))
        .unify()
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
        speech: if native {
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
    pass: Grant,
    handshake: &Handshake,
    upgrade: OnUpgrade,
    pending: Option<Arc<PendingConnection>>,
) -> Response {
    if let Some(Err(full)) = pending.as_ref().map(|pending| pending.promote()) {
        log_refusal(agent, peer, &full);
        return explained(StatusCode::SERVICE_UNAVAILABLE, &full);
    }
    let speech = handshake.speech;
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
            tracing::info!(event = "connected", %peer, "{peer} connected {pass}");
        }
        let inbound = BudgetedStream::new(upgraded, agent.large_messages(), limits.message_bytes);
        let config = Some(websocket_config(&limits));
        let mut socket = WebSocketStream::from_raw_socket(inbound, Role::Server, config).await;
        let ended = session::run(
            &mut socket,
            speech,
            pass.rights,
            agent.sampler(),
            agent.stopping(),
            &limits,
            agent.rate_limits().requests(peer, &pass),
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
    if speech == Subprotocol::Native {
        let subprotocol = HeaderValue::from_static(native::SUBPROTOCOL);
        headers.insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    response
}

/// Logs a refusal, unless there are many.
fn log_refusal(agent: &Agent, peer: Peer, reason: &dyn std::fmt::Display) {
    if is_logged(agent, Line::Refused, peer) {
        tracing::warn!(event = "refused", %peer, error = %reason, "{peer} refused: {reason}");
    }
}

/// Whether a line about `peer` is logged.
fn is_logged(agent: &Agent, line: Line, peer: Peer) -> bool {
    match peer {
        Peer::Network(address) => agent.log_limits().is_logged(line, address.ip().into()),
        Peer::InProcess => true,
    }
}

fn refused(refusal: &Refusal) -> Response {
    let mut response = explained(refusal.status(), refusal);
    if *refusal == Refusal::Token {
        let scheme = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
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

/// The answer to any other path or method.
fn unserved(rejection: &Rejection) -> Response {
    if rejection.is_not_found() {
        explained(
            StatusCode::NOT_FOUND,
            &"socktop-agent serves /ws and /healthz",
        )
    } else {
        explained(StatusCode::METHOD_NOT_ALLOWED, &"/ws and /healthz take GET")
    }
}

/// An answer in words.
pub(crate) fn explained(status: StatusCode, reason: &dyn std::fmt::Display) -> Response {
    let mut response = warp::reply::with_status(format!("{reason}\n"), status).into_response();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
