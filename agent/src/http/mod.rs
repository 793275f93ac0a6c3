//! HTTP routes: one file for each path, and authorization.

mod authorize;
mod health;
pub(crate) mod serve;
pub(crate) mod validate;
mod websocket;

use std::convert::Infallible;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use crate::server::shared::Agent;

/// The paths that are served.
const PATHS: &str = "/ws and /healthz";

/// The answers to all requests.
pub(crate) type Routes = BoxedFilter<(Response,)>;

/// Routes a request by its path, and refuses every other one.
pub(crate) fn routes(agent: Arc<Agent>) -> Routes {
    health::route()
        .or(websocket::route(agent))
        .unify()
        .recover(async |rejection: Rejection| Ok::<_, Infallible>(unserved(&rejection)))
        .unify()
        .boxed()
}

/// The answer to any other path or method.
fn unserved(rejection: &Rejection) -> Response {
    if rejection.is_not_found() {
        explained(
            StatusCode::NOT_FOUND,
            &format_args!("socktop-agent serves {PATHS}"),
        )
    } else {
        explained(
            StatusCode::METHOD_NOT_ALLOWED,
            &format_args!("{PATHS} take GET"),
        )
    }
}

/// An answer in words.
pub(crate) fn explained(status: StatusCode, reason: &dyn std::fmt::Display) -> Response {
    let mut response = warp::reply::with_status(format!("{reason}\n"), status).into_response();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
