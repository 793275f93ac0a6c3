//! Authorization of requests: the caller's credentials, and the rights that the gate grants. Shared by every path that needs it.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::explained;
use crate::auth::gate::{ClientCertificate, Grant, Peer, Refusal, tokens_presented};
use crate::server::log_limits::Line;
use crate::server::shared::Agent;

/// A request's peer and credentials.
#[derive(Debug)]
pub(super) struct Caller {
    /// The other end of the connection.
    pub(super) peer: Peer,
    /// The request's headers.
    pub(super) headers: HeaderMap,
    certificate: ClientCertificate,
    query: String,
}

/// Marks the answer to a wrong token, which is not hurried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrongToken;

/// Takes the caller out of a request.
pub(super) fn caller() -> impl Filter<Extract = (Caller,), Error = Rejection> + Clone {
    warp::ext::get::<Peer>()
        .and(warp::ext::get::<ClientCertificate>())
        .and(warp::header::headers_cloned())
        .and(warp::query::raw().or_else(async |_| Ok::<_, Rejection>((String::new(),))))
        .map(|peer, certificate, headers, query| Caller {
            peer,
            headers,
            certificate,
            query,
        })
}

impl Caller {
    /// What the caller may do, or the answer that refuses it.
    pub(super) fn authorize(&self, agent: &Agent) -> Result<Grant, Box<Response>> {
        let checked = agent
            .gate()
            .check(self.peer, self.certificate, &self.headers, &self.query);
        checked.map_err(|refusal| {
            log_refusal(agent, self.peer, &refusal);
            let mut response = refused(&refusal);
            if refusal == Refusal::Token && tokens_presented(&self.headers, &self.query) > 0 {
                response.extensions_mut().insert(WrongToken);
            }
            Box::new(response)
        })
    }
}

/// Logs a refusal, unless there are many.
pub(super) fn log_refusal(agent: &Agent, peer: Peer, reason: &dyn std::fmt::Display) {
    if is_logged(agent, Line::Refused, peer) {
        tracing::warn!(event = "refused", %peer, error = %reason, "{peer} refused: {reason}");
    }
}

/// Whether a line about `peer` is logged.
pub(super) fn is_logged(agent: &Agent, line: Line, peer: Peer) -> bool {
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
