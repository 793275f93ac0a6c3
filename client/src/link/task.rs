//! A link's task: dial, converse, and retry after a backoff.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::backoff::Backoff;
use super::conversation::{Ended, converse};
use super::dial::Dialer;
use super::disconnect::Disconnect;
use super::memory_budget::MemoryBudget;
use super::{
    BoxError, Endpoint, EndpointSource, Event, LinkState, Question, Subscription, TaskEnd,
};

/// Keeps one agent connected until the [`Link`](super::Link)'s events are dropped.
pub(super) async fn run(source: Arc<dyn EndpointSource>, end: TaskEnd) {
    let TaskEnd {
        mut subscription,
        mut retry,
        events,
    } = end;
    let closed = events.clone();
    tokio::select! {
        _ = keep_connected(&source, &mut subscription, &mut retry, &events) => {}
        () = closed.closed() => {}
    }
}

/// The [`Link`](super::Link) was dropped.
struct LinkDropped;

/// Why there is no connection, and how long to wait for the next attempt.
struct Failure {
    reason: String,
    question: Option<Question>,
    wait: Duration,
}

impl Failure {
    /// A failure that waiting hardly helps against: somebody has to do something.
    fn lasting(error: &dyn std::fmt::Display, question: Option<Question>) -> Self {
        Self {
            reason: format!("{error}; retrying every 15 s"),
            question,
            wait: Backoff::longest(),
        }
    }
}

async fn keep_connected(
    source: &Arc<dyn EndpointSource>,
    subscription: &mut watch::Receiver<Subscription>,
    retry: &mut mpsc::Receiver<()>,
    events: &mpsc::Sender<Event>,
) -> Result<(), LinkDropped> {
    let mut dialer = None;
    let mut backoff = Backoff::new();
    let mut budget = MemoryBudget::default();
    let mut since = Instant::now();
    send_state(events, LinkState::Connecting).await?;
    loop {
        let prepared = match dialer.take() {
            Some(dialer) => Ok(dialer),
            None => make_endpoint(source).await.map(Dialer::new),
        };
        let failure = match prepared {
            Err(error) => Failure::lasting(&error, None),
            Ok(made) => {
                let dialer = dialer.insert(made);
                match dialer.dial().await {
                    Err(error) if error.is_lasting() => Failure::lasting(&error, error.question()),
                    Err(error) => Failure {
                        reason: error.to_string(),
                        question: error.question(),
                        wait: backoff.next(),
                    },
                    Ok((socket, dialect)) => {
                        source.connected(dialer.endpoint());
                        let connected = LinkState::Connected {
                            dialect,
                            security: dialer.endpoint().security(),
                        };
                        send_state(events, connected).await?;
                        let Ended { cause, last_heard } =
                            converse(socket, dialect, subscription, events, &mut budget).await;
                        // What was said while the link stood is not about what comes now.
                        while retry.try_recv().is_ok() {}
                        since = last_heard.unwrap_or(since);
                        match cause {
                            Disconnect::Dropped => return Ok(()),
                            // An agent that answers nonsense will do so again: no reason to hurry back.
                            Disconnect::Malformed(_) => {}
                            _ if last_heard.is_some() => backoff = Backoff::new(),
                            _ => {}
                        }
                        Failure {
                            reason: format!("{}: {cause}", dialer.endpoint()),
                            question: None,
                            wait: backoff.next(),
                        }
                    }
                }
            }
        };
        let retry_at = Instant::now() + failure.wait;
        let lost = LinkState::Lost {
            since: since.into_std(),
            reason: failure.reason,
            retry_at: retry_at.into_std(),
            question: failure.question,
        };
        send_state(events, lost).await?;
        tokio::select! {
            () = sleep_until(retry_at) => {}
            asked = retry.recv() => {
                asked.ok_or(LinkDropped)?;
                // The user may have changed what it is made from.
                dialer = None;
                send_state(events, LinkState::Connecting).await?;
            }
        }
    }
}

/// Makes the endpoint beside everything else: it may read files.
async fn make_endpoint(source: &Arc<dyn EndpointSource>) -> Result<Endpoint, BoxError> {
    let source = Arc::clone(source);
    spawn_blocking(move || source.endpoint()).await?
}

async fn send_state(events: &mpsc::Sender<Event>, state: LinkState) -> Result<(), LinkDropped> {
    events
        .send(Event::State(state))
        .await
        .map_err(|_| LinkDropped)
}
