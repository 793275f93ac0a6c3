//! A link against small agents over in-memory streams, on tokio's paused clock: time moves only when
//! everything waits, so every time below is exact.

mod agent;
mod bad_answers;
mod dialects;
mod faults;
mod impossible;
mod limits;
mod network;
mod pace;
mod pins;
mod reconnect;
mod tls;
mod total_limits;

use std::sync::Arc;
use std::time::Duration;

use socktop_proto::{Body, Query};
use tokio::time::{Instant, timeout};

use super::{Dialect, Event, Link, LinkState, Security, Subscription};

const METRICS_EVERY: Duration = Duration::from_millis(500);

fn metrics_only() -> Subscription {
    Subscription {
        metrics: Some(METRICS_EVERY),
        ..Subscription::default()
    }
}

/// The next event; a minute without one is a failure.
async fn next(link: &mut Link) -> Event {
    timeout(Duration::from_mins(1), link.events.recv())
        .await
        .expect("an event within a minute")
        .expect("the link lives")
}

/// The next event, which has to be a state.
async fn state(link: &mut Link) -> LinkState {
    match next(link).await {
        Event::State(state) => state,
        other @ Event::Reply { .. } => panic!("a state was expected, not {other:?}"),
    }
}

/// The next event, which has to be a reply.
async fn reply(link: &mut Link) -> (Query, Body) {
    match next(link).await {
        Event::Reply { query, body, .. } => (query, Arc::unwrap_or_clone(body)),
        other @ Event::State(_) => panic!("a reply was expected, not {other:?}"),
    }
}

/// Reads events until the link is lost.
async fn lost(link: &mut Link) -> Lost {
    loop {
        if let Event::State(LinkState::Lost {
            since,
            reason,
            retry_at,
            ..
        }) = next(link).await
        {
            return Lost {
                since: Instant::from_std(since),
                reason,
                retry_at: Instant::from_std(retry_at),
            };
        }
    }
}

struct Lost {
    since: Instant,
    reason: String,
    retry_at: Instant,
}

impl Lost {
    fn wait(&self) -> Duration {
        self.retry_at - Instant::now()
    }
}

fn connected(dialect: Dialect) -> LinkState {
    LinkState::Connected {
        dialect,
        security: Security::InProcess,
    }
}
