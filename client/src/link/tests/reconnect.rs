//! Detection of a lost agent, and reconnecting to it.

use std::time::Duration;

use http::StatusCode;
use socktop_proto::Query;
use tokio::time::{Instant, sleep};

use super::agent::listen;
use super::*;

#[tokio::test(start_paused = true)]
async fn silent_agent_is_lost_within_three_seconds() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(metrics_only());
    let mut agent = listener.native().await;
    agent.host().await;
    let (id, query) = agent.request().await;
    agent.answer(id, query).await;
    let last_word = Instant::now();
    // The connection stays open, and nothing comes any more.
    let lost = lost(&mut link).await;
    assert_eq!(last_word.elapsed(), Duration::from_millis(500 + 2200));
    assert_eq!(lost.since, last_word);
    assert!(
        lost.reason.contains("no reply to metrics for 2.2 s"),
        "{}",
        lost.reason
    );
    drop(agent);
}

#[tokio::test(start_paused = true)]
async fn closed_connection_is_lost_at_once_and_redialled() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(metrics_only());
    let mut agent = listener.native().await;
    agent.host().await;
    drop(agent);
    let before = Instant::now();
    let lost = lost(&mut link).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert!(
        lost.reason.contains("closed the connection"),
        "{}",
        lost.reason
    );
    assert!(
        lost.wait() >= Duration::from_millis(500),
        "{:?}",
        lost.wait()
    );
    assert!(
        lost.wait() <= Duration::from_millis(625),
        "{:?}",
        lost.wait()
    );
    let mut agent = listener.native().await;
    // From lost straight to connected: dialling again does not flicker.
    assert_eq!(state(&mut link).await, connected(Dialect::Native));
    agent.host().await;
    assert_eq!(agent.request().await.1, Query::Metrics);
}

#[tokio::test(start_paused = true)]
async fn reason_of_the_agents_close_frame_is_shown() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    let mut agent = listener.native().await;
    agent.host().await;
    let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code: 1001.into(),
        reason: "restarting\u{1b}[2J".into(),
    };
    agent.socket.close(Some(frame)).await.unwrap();
    let lost = lost(&mut link).await;
    assert!(
        lost.reason
            .ends_with("closed the connection: 1001 restarting[2J"),
        "{}",
        lost.reason
    );
}

#[tokio::test(start_paused = true)]
async fn reconnect_delay_grows_to_fifteen_seconds_and_time_of_loss_is_kept() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    let mut agent = listener.native().await;
    agent.host().await;
    drop(agent);
    drop(listener);
    let since = lost(&mut link).await.since;
    let mut waits = Vec::new();
    for _ in 0..6 {
        let lost = lost(&mut link).await;
        assert_eq!(lost.since, since);
        assert!(
            lost.reason.contains("connection refused"),
            "{}",
            lost.reason
        );
        waits.push(lost.wait());
    }
    for (wait, base_s) in waits.iter().zip([1, 2, 4, 8, 12, 12]) {
        let base = Duration::from_secs(base_s);
        assert!(*wait >= base && *wait <= base * 5 / 4, "{waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn answered_connection_resets_the_reconnect_delay() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    for _ in 0..5 {
        listener.refuse(StatusCode::SERVICE_UNAVAILABLE).await;
        lost(&mut link).await;
    }
    let mut agent = listener.native().await;
    agent.host().await;
    drop(agent);
    let lost = lost(&mut link).await;
    assert!(
        lost.wait() <= Duration::from_millis(625),
        "{:?}",
        lost.wait()
    );
}

#[tokio::test(start_paused = true)]
async fn unanswered_connection_does_not_reset_the_reconnect_delay() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    let mut last = Duration::ZERO;
    for _ in 0..4 {
        drop(listener.native().await);
        let wait = lost(&mut link).await.wait();
        assert!(wait > last, "{wait:?} after {last:?}");
        last = wait;
    }
}

#[tokio::test(start_paused = true)]
async fn the_user_can_retry_now() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    for _ in 0..6 {
        listener.refuse(StatusCode::SERVICE_UNAVAILABLE).await;
        lost(&mut link).await;
    }
    let asked = Instant::now();
    link.retry_now();
    link.retry_now();
    assert_eq!(state(&mut link).await, LinkState::Connecting);
    let mut agent = listener.native().await;
    assert_eq!(state(&mut link).await, connected(Dialect::Native));
    assert_eq!(asked.elapsed(), Duration::ZERO);
    // The second press was about the same dial: it does not cut the next wait short.
    agent.host().await;
    sleep(Duration::from_secs(1)).await;
    drop(agent);
    let lost = lost(&mut link).await;
    assert!(lost.wait() >= Duration::from_millis(500));
    listener.native().await;
    assert_eq!(state(&mut link).await, connected(Dialect::Native));
    assert!(Instant::now() >= lost.retry_at);
}

#[tokio::test(start_paused = true)]
async fn refused_token_is_retried_at_the_longest_delay() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    listener.refuse(StatusCode::UNAUTHORIZED).await;
    let lost = lost(&mut link).await;
    assert!(
        lost.reason.contains("requires a token; pass --token-file"),
        "{}",
        lost.reason
    );
    assert!(
        lost.reason.contains("401 Unauthorized: go away"),
        "{}",
        lost.reason
    );
    assert!(lost.reason.contains("every 15 s"), "{}", lost.reason);
    assert!(lost.wait() >= Duration::from_secs(12), "{:?}", lost.wait());
    assert!(lost.wait() <= Duration::from_secs(15), "{:?}", lost.wait());
}

#[tokio::test(start_paused = true)]
async fn unanswered_upgrade_times_out() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    let dialled = Instant::now();
    let _held = listener.stream().await;
    let lost = lost(&mut link).await;
    assert_eq!(dialled.elapsed(), Duration::from_secs(5));
    assert!(
        lost.reason.contains("took longer than 5 s"),
        "{}",
        lost.reason
    );
}
