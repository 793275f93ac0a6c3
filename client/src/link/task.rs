//! A link's task: dial, converse, and retry after a backoff.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::backoff::Backoff;
use super::conversation::{Ended, converse};
use super::dial::Dialer;
use super::{Endpoint, Event, LinkState, Subscription, TaskEnd};
use crate::link::disconnect::Disconnect;
use crate::link::memory_budget::MemoryBudget;

/// Keeps one agent connected until the [`Link`](super::Link) is dropped.
pub(super) async fn run(endpoint: Endpoint, end: TaskEnd) {
    let TaskEnd {
        subscription: mut plan,
        mut retry,
        events,
    } = end;
    let closed = events.clone();
    tokio::select! {
        _ = keep_connected(endpoint, &mut plan, &mut retry, &events) => {}
        () = closed.closed() => {}
    }
}

/// The [`Link`](super::Link) was dropped.
struct LinkDropped;

async fn keep_connected(
    endpoint: Endpoint,
    plan: &mut watch::Receiver<Subscription>,
    retry: &mut mpsc::Receiver<()>,
    events: &mpsc::Sender<Event>,
) -> Result<(), LinkDropped> {
    let security = endpoint.security();
    let mut dialer = Dialer::new(endpoint);
    let mut backoff = Backoff::new();
    let mut budget = MemoryBudget::default();
    let mut since = Instant::now();
    send_state(events, LinkState::Connecting).await?;
    loop {
        let (reason, wait) = match dialer.dial().await {
            Err(error) => lost_dial(&error.to_string(), error.is_lasting(), &mut backoff),
            Ok((socket, dialect)) => {
                send_state(events, LinkState::Connected { dialect, security }).await?;
                let Ended { cause, last_answer } =
                    converse(socket, dialect, plan, events, &mut budget).await;
                // What was said while the link stood is not about what comes now.
                while retry.try_recv().is_ok() {}
                since = last_answer.unwrap_or(since);
                match cause {
                    Disconnect::Dropped => return Ok(()),
                    // An agent that answers nonsense will do so again: no reason to hurry back.
                    Disconnect::Malformed(_) => {}
                    _ if last_answer.is_some() => backoff = Backoff::new(),
                    _ => {}
                }
                (format!("{}: {cause}", dialer.endpoint()), backoff.next())
            }
        };
        let retry_at = Instant::now() + wait;
        let lost = LinkState::Lost {
            since: since.into_std(),
            reason,
            retry_at: retry_at.into_std(),
        };
        send_state(events, lost).await?;
        tokio::select! {
            () = sleep_until(retry_at) => {}
            asked = retry.recv() => {
                asked.ok_or(LinkDropped)?;
                send_state(events, LinkState::Connecting).await?;
            }
        }
    }
}

/// The reason to show, and how long to wait.
fn lost_dial(error: &str, lasting: bool, backoff: &mut Backoff) -> (String, Duration) {
    if lasting {
        let reason = format!("{error}; retrying every 15 s");
        (reason, Backoff::longest())
    } else {
        (error.to_owned(), backoff.next())
    }
}

async fn send_state(events: &mpsc::Sender<Event>, state: LinkState) -> Result<(), LinkDropped> {
    events
        .send(Event::State(state))
        .await
        .map_err(|_| LinkDropped)
}
