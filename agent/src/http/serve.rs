//! One HTTP request of a connection, up to its answer or its upgrade.

use std::sync::Arc;

use http::header::CONNECTION;
use http::{HeaderValue, StatusCode};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socktop_proto::pairing::Pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;
use warp::reply::Response;

use super::authorize::WrongToken;
use super::validate::malformed;
use super::{Routes, explained};
use crate::auth::gate::{ClientCertificate, Peer};
use crate::server::pending_connection::PendingConnection;
use crate::server::shared::Agent;

/// The most headers of a request. Browsers send some twenty.
const MAX_HEADERS: usize = 64;

/// Serves one HTTP request, until the connection is upgraded or ended.
pub(crate) async fn serve_http<S>(
    agent: &Arc<Agent>,
    stream: S,
    peer: Peer,
    certificate: Option<Pin>,
    routes: &Routes,
    pending: Option<Arc<PendingConnection>>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = agent.limits();
    let routes = TowerToHyperService::new(warp::service(routes.clone()));
    let service = service_fn(|mut request: http::Request<Incoming>| {
        let refusal = malformed(&request);
        request.extensions_mut().insert(peer);
        request
            .extensions_mut()
            .insert(ClientCertificate(certificate));
        if let Some(pending) = &pending {
            request.extensions_mut().insert(Arc::clone(pending));
        }
        let answer = refusal.is_none().then(|| routes.call(request));
        let pending = pending.clone();
        async move {
            let response = match (refusal, answer) {
                (Some(refusal), _) => explained(StatusCode::BAD_REQUEST, &refusal),
                (None, Some(answer)) => answer.await.unwrap_or_else(|never| match never {}),
                (None, None) => return Err(Unanswered),
            };
            if let Some(pending) = pending {
                pending.hold(None);
            }
            hold_back(agent, peer, response).await.map(closing)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake_time)
        .max_buf_size(limits.header_bytes)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%peer, %error, "HTTP with {peer} ended: {error}");
    }
}

/// Has the connection end with the answer: bytes behind a client's request must not be taken for another request.
///
/// hyper would do the same where its keep-alive is off, but then sends that in the answer to an upgrade, too, which
/// published clients take for a refusal.
fn closing(mut response: Response) -> Response {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// One guess too many: the connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("too many wrong tokens: no answer")]
struct Unanswered;

/// Gives the answer to a wrong token late, or not at all.
async fn hold_back(agent: &Agent, peer: Peer, response: Response) -> Result<Response, Unanswered> {
    if let Peer::Network(address) = peer
        && response.extensions().get::<WrongToken>().is_some()
    {
        let Some(held) = agent.backoff().fail(address.ip().into()) else {
            return Err(Unanswered);
        };
        sleep(held.delay()).await;
    }
    Ok(response)
}
