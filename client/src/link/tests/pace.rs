//! Which requests are sent, and when.

use std::time::Duration;

use socktop_proto::Query;
use tokio::time::{Instant, sleep, timeout};

use super::agent::listen;
use super::*;

#[tokio::test(start_paused = true)]
async fn host_is_requested_once_and_then_the_subscription() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(metrics_only());
    let mut agent = listener.native().await;
    agent.host().await;
    let start = Instant::now();
    for round in 0..4 {
        let (id, query) = agent.request().await;
        assert_eq!(query, Query::Metrics);
        assert_eq!(
            start.elapsed().as_millis(),
            round * METRICS_EVERY.as_millis()
        );
        agent.answer(id, query).await;
    }
    assert_eq!(state(&mut link).await, LinkState::Connecting);
    assert_eq!(state(&mut link).await, connected(Dialect::Native));
    assert_eq!(reply(&mut link).await.0, Query::Host);
    assert_eq!(reply(&mut link).await.0, Query::Metrics);
}

#[tokio::test(start_paused = true)]
async fn empty_subscription_sends_no_requests() {
    let (endpoint, mut listener) = listen();
    let link = Link::spawn(endpoint);
    let mut agent = listener.native().await;
    agent.host().await;
    let asked = timeout(Duration::from_hours(1), agent.request()).await;
    assert!(asked.is_err(), "{asked:?}");
    drop(link);
}

#[tokio::test(start_paused = true)]
async fn agent_that_answers_no_ping_is_lost_although_nothing_is_asked() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    let mut agent = listener.native().await;
    agent.host().await;
    assert_eq!(state(&mut link).await, LinkState::Connecting);
    assert_eq!(state(&mut link).await, connected(Dialect::Native));
    let quiet = Instant::now();
    // Not read, the ping is not answered.
    let lost = lost(&mut link).await;
    assert!(
        lost.reason.contains("no reply to a ping"),
        "{}",
        lost.reason
    );
    let waited = quiet.elapsed();
    assert!(waited < Duration::from_secs(15), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn new_subscription_is_requested_at_once() {
    let (endpoint, mut listener) = listen();
    let link = Link::spawn(endpoint);
    let mut agent = listener.native().await;
    agent.host().await;
    sleep(Duration::from_secs(5)).await;
    let wanted = Instant::now();
    link.set_subscription(Subscription {
        journal: Some((7, Duration::from_secs(5))),
        ..Subscription::default()
    });
    assert_eq!(agent.request().await.1, Query::Journal { pid: 7 });
    assert_eq!(wanted.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn late_answer_delays_the_next_request_without_catching_up() {
    let (endpoint, mut listener) = listen();
    let link = Link::spawn(endpoint);
    link.set_subscription(metrics_only());
    let mut agent = listener.native().await;
    agent.host().await;
    let (id, query) = agent.request().await;
    sleep(METRICS_EVERY * 3).await;
    let early = timeout(Duration::ZERO, agent.request()).await;
    assert!(
        early.is_err(),
        "a second request while one is owed: {early:?}"
    );
    agent.answer(id, query).await;
    let answered = Instant::now();
    let (id, query) = agent.request().await;
    assert_eq!(answered.elapsed(), Duration::ZERO);
    agent.answer(id, query).await;
    agent.request().await;
    assert_eq!(answered.elapsed(), METRICS_EVERY);
    drop(link);
}

#[tokio::test(start_paused = true)]
async fn requests_of_different_kinds_do_not_wait_for_each_other() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(Subscription {
        metrics: Some(METRICS_EVERY),
        processes: Some(Duration::from_secs(2)),
        disks: Some(Duration::from_secs(5)),
        ..Subscription::default()
    });
    let mut agent = listener.native().await;
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.push(agent.request().await);
    }
    // Answered in the reverse order, each reply still goes to its own request.
    for (id, query) in asked.iter().rev() {
        agent.answer(*id, *query).await;
    }
    assert_eq!(state(&mut link).await, LinkState::Connecting);
    assert_eq!(state(&mut link).await, connected(Dialect::Native));
    for (_, query) in asked.iter().rev() {
        let (answered, body) = reply(&mut link).await;
        assert_eq!(answered, *query);
        assert_eq!(body, agent::body(*query));
    }
}

#[tokio::test(start_paused = true)]
async fn slow_reader_slows_requests_and_loses_nothing() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(metrics_only());
    let server = tokio::spawn(async move {
        let mut agent = listener.native().await;
        let mut asked = 0;
        while let Some((id, query)) = agent.try_request().await {
            asked += 1;
            agent.answer(id, query).await;
        }
        asked
    });
    // Events are not read for an hour, the time of some thousand requests.
    sleep(Duration::from_hours(1)).await;
    let mut read = 0;
    while let Ok(event) = link.events.try_recv() {
        read += usize::from(matches!(event, Event::Reply { .. }));
    }
    assert!(read <= super::super::EVENTS);
    // The agent is not blamed for the hour.
    assert!(matches!(next(&mut link).await, Event::Reply { .. }));
    assert!(matches!(next(&mut link).await, Event::Reply { .. }));
    drop(link);
    let asked = server.await.unwrap();
    assert!(asked <= super::super::EVENTS + 4, "{asked} requests");
}

#[tokio::test(start_paused = true)]
async fn dropped_link_closes_its_connection() {
    let (endpoint, mut listener) = listen();
    let link = Link::spawn(endpoint);
    link.set_subscription(metrics_only());
    let mut agent = listener.native().await;
    agent.host().await;
    agent.request().await;
    drop(link);
    assert!(agent.try_request().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn slow_large_answer_does_not_time_out_while_bytes_arrive() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(Subscription {
        processes: Some(Duration::from_secs(2)),
        ..metrics_only()
    });
    let _server = tokio::spawn(async move {
        let mut agent = listener.native().await;
        let start = Instant::now();
        let mut owed = None;
        while let Some((id, query)) = agent.try_request().await {
            if query == Query::Processes {
                owed = Some(id);
            } else {
                agent.answer(id, query).await;
            }
            if start.elapsed() > Duration::from_secs(6)
                && let Some(id) = owed.take()
            {
                agent.answer(id, Query::Processes).await;
            }
        }
    });
    loop {
        match next(&mut link).await {
            Event::State(LinkState::Lost { reason, .. }) => panic!("{reason}"),
            Event::Reply {
                query: Query::Processes,
                round_trip,
                ..
            } => {
                assert!(round_trip > Duration::from_secs(6), "{round_trip:?}");
                return;
            }
            _ => {}
        }
    }
}
