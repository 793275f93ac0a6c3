//! The machine that socktop runs on, for `--demo`: its samples come from the collectors in this process. No agent runs, and
//! no port is opened.

use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};
use socktop_collect::Root;
use socktop_collect::sampler::{Sampler, Sampling};
use socktop_proto::Query;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::link::schedule::{Schedule, kind};
use crate::link::{Dialect, Event, Link, LinkState, Security, TaskEnd};

/// What a link to this machine is called.
pub const NAME: &str = "this process";

/// Starts a task on the current tokio runtime that samples this machine.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn spawn() -> Link {
    let (link, end) = Link::new();
    let sampler = Arc::new(Sampler::new(&Root::default(), &Sampling::default()));
    tokio::spawn(async move {
        let closed = end.events.clone();
        tokio::select! {
            () = run(&sampler, end) => {}
            () = closed.closed() => {}
        }
    });
    link
}

/// Samples what is due until nobody listens any more.
async fn run(sampler: &Arc<Sampler>, end: TaskEnd) {
    let TaskEnd {
        mut subscription,
        // There is no connection that could be made anew.
        retry: _retry,
        events,
    } = end;
    let connected = LinkState::Connected {
        dialect: Dialect::Native,
        security: Security::InProcess,
    };
    if events.send(Event::State(connected)).await.is_err() {
        return;
    }
    let _conversation = sampler.conversation();
    let mut schedule = Schedule::default();
    schedule.once(Query::Host, Instant::now());
    schedule.set_subscription(&subscription.borrow_and_update(), Instant::now());
    let mut in_flight = FuturesUnordered::new();
    let mut asked: Vec<Query> = Vec::new();
    loop {
        // One of a kind at a time, as an agent is asked.
        let is_asked = |asked: &[Query], query| asked.iter().any(|it| kind(*it) == kind(query));
        let now = Instant::now();
        while let Some(query) = schedule.due(now, |query| is_asked(&asked, query)) {
            schedule.sent(query, now);
            asked.push(query);
            in_flight.push(async move { (query, now, sampler.sample(query).await) });
        }
        let next_due = schedule.next_due(|query| is_asked(&asked, query));
        tokio::select! {
            changed = subscription.changed() => {
                if changed.is_err() {
                    return;
                }
                schedule.set_subscription(&subscription.borrow_and_update(), Instant::now());
            }
            Some((query, sent, sample)) = in_flight.next() => {
                asked.retain(|it| *it != query);
                if answer(&events, query, sent, &sample).await.is_err() {
                    return;
                }
            }
            () = async { sleep_until(next_due.unwrap_or(now)).await }, if next_due.is_some() => {}
        }
    }
}

async fn answer(
    events: &mpsc::Sender<Event>,
    query: Query,
    sent: Instant,
    sample: &socktop_collect::sampler::Sample,
) -> Result<(), mpsc::error::SendError<Event>> {
    let now = Instant::now();
    let event = Event::Reply {
        query,
        body: Arc::clone(sample.body()),
        at: now.into_std(),
        round_trip: now.duration_since(sent),
    };
    events.send(event).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use socktop_proto::model::body;
    use tokio::time::timeout;

    use super::*;
    use crate::link::Subscription;

    /// The next answer to `query`.
    async fn next(link: &mut Link, query: Query) -> body::Kind {
        loop {
            let event = timeout(Duration::from_mins(1), link.events.recv()).await;
            match event.unwrap().unwrap() {
                Event::Reply {
                    query: asked, body, ..
                } if asked == query => return body.kind.clone().unwrap(),
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn this_machine_is_sampled_as_often_as_is_asked_and_ends_with_its_listener() {
        let mut link = spawn();
        let state = link.events.recv().await;
        assert!(matches!(
            state,
            Some(Event::State(LinkState::Connected {
                security: Security::InProcess,
                ..
            }))
        ));
        assert!(matches!(
            next(&mut link, Query::Host).await,
            body::Kind::Host(_)
        ));
        link.set_subscription(Subscription {
            metrics: Some(Duration::from_millis(300)),
            process: Some((std::process::id(), Duration::from_millis(300))),
            ..Subscription::default()
        });
        for _ in 0..2 {
            assert!(matches!(
                next(&mut link, Query::Metrics).await,
                body::Kind::Metrics(_)
            ));
        }
        let pid = std::process::id();
        assert!(matches!(
            next(&mut link, Query::Process { pid }).await,
            body::Kind::Process(_)
        ));
        // A process that there cannot be is an error in its own words, and ends nothing.
        let pid = u32::MAX;
        link.set_subscription(Subscription {
            process: Some((pid, Duration::from_millis(300))),
            ..Subscription::default()
        });
        assert!(matches!(
            next(&mut link, Query::Process { pid }).await,
            body::Kind::Error(_)
        ));
    }
}
