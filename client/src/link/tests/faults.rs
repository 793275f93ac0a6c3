//! Agents that answer what cannot be used. Each is reported, and the connection replaced.

use socktop_proto::limits::{BODY_BYTES, MESSAGE_BYTES, PARTS};
use socktop_proto::model::{self, body};
use socktop_proto::{Query, native};
use tokio::time::Duration;
use tokio_tungstenite::tungstenite::Message;

use super::agent::{self, listen};
use super::*;

/// What the link says when an agent answers the request for the host's facts with `message`.
async fn reason(message: impl FnOnce(u64) -> Message) -> String {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    let mut agent = listener.native().await;
    let (id, _) = agent.request().await;
    let message = message(id);
    // The link may hang up before it has read all of it.
    let server = tokio::spawn(async move {
        let _ = futures_util::SinkExt::send(&mut agent.socket, message).await;
        agent
    });
    let lost = lost(&mut link).await;
    server.await.unwrap();
    listener.native().await;
    assert_eq!(state(&mut link).await, connected(Dialect::Native));
    lost.reason
}

#[tokio::test(start_paused = true)]
async fn a_malformed_reply() {
    let reason = reason(|_| Message::binary(vec![0xff; 9])).await;
    assert!(
        reason.contains("cannot be used: malformed reply"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn text_where_binary_is_due() {
    let reason = reason(|_| Message::text("hello")).await;
    assert!(reason.contains("text, \"hello\""), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_nothing() {
    let frame =
        |id| native::reply_frame(id + 1, &native::encode_body(&agent::body(Query::Host), 0));
    let reason = reason(|id| Message::binary(frame(id))).await;
    assert!(reason.contains("nothing that was asked"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_kind() {
    let frame = |id| native::reply_frame(id, &native::encode_body(&agent::body(Query::Disks), 0));
    let reason = reason(|id| Message::binary(frame(id))).await;
    assert!(
        reason.contains("something else for the host's facts"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_oversized_message() {
    let reason = reason(|_| Message::binary(vec![0; MESSAGE_BYTES + 1])).await;
    assert!(reason.contains("too long"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_gzip_bomb() {
    let host = model::Host {
        hostname: "0".repeat(BODY_BYTES + 1),
        ..model::Host::default()
    };
    let packed = native::encode_body(&body::Kind::Host(host).into(), 0);
    assert!(packed.len() < 1 << 20);
    let reason = reason(|id| Message::binary(native::reply_frame(id, &packed))).await;
    assert!(reason.contains("unpacks to more than"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_unfolds_to_more_than_a_host_has() {
    let details = model::ProcessDetails {
        children: vec![model::ProcessDetails::default(); 2 * PARTS],
        ..model::ProcessDetails::default()
    };
    let packed = native::encode_body(&body::Kind::Process(details).into(), 0);
    assert!(packed.len() < 8 << 10, "{}", packed.len());
    let reason = reason(|id| Message::binary(native::reply_frame(id, &packed))).await;
    assert!(
        reason.contains(&format!("more than {PARTS} parts")),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_longer_than_anyone_reads_is_cut() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    let mut agent = listener.native().await;
    let (id, query) = agent.request().await;
    let host = model::Host {
        hostname: "x".repeat(1 << 20),
        ..model::Host::default()
    };
    let packed = native::encode_body(&body::Kind::Host(host).into(), 0);
    agent
        .send(Message::binary(native::reply_frame(id, &packed)))
        .await;
    assert_eq!(state(&mut link).await, LinkState::Connecting);
    assert_eq!(state(&mut link).await, connected(Dialect::Native));
    let (answered, body) = reply(&mut link).await;
    assert_eq!(answered, query);
    match body.kind {
        Some(body::Kind::Host(host)) => assert_eq!(host.hostname.len(), 255),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_keeps_answering_nonsense_is_not_hurried_back_to() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_plan(metrics_only());
    let mut last = Duration::ZERO;
    for _ in 0..4 {
        let mut agent = listener.native().await;
        agent.host().await;
        agent.request().await;
        agent.send(Message::binary(vec![0xff; 9])).await;
        let wait = lost(&mut link).await.wait();
        assert!(wait > last, "{wait:?} after {last:?}");
        last = wait;
    }
}
