//! `/healthz`: the health check, which needs no authorization.

use std::sync::Arc;

use http::StatusCode;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

use crate::server::pending_connection::PendingConnection;

/// Answers `GET` and `HEAD /healthz`.
pub(super) fn route() -> BoxedFilter<(Response,)> {
    warp::path!("healthz")
        .and(warp::get().or(warp::head()).unify())
        .and(warp::ext::optional::<Arc<PendingConnection>>())
        .map(|pending: Option<Arc<PendingConnection>>| {
            if let Some(pending) = pending {
                pending.clear_client_mark();
            }
            StatusCode::OK.into_response()
        })
        .boxed()
}
