//! Protocol violations by the agent: each is reported, and the connection replaced.

use futures_util::SinkExt;
use socktop_proto::Query;
use socktop_proto::dialect::native;
use socktop_proto::limits::MESSAGE_BYTES;
use socktop_proto::model::{self, body};
use tokio::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

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
        let _ = agent.socket.send(message).await;
        agent
    });
    let lost = lost(&mut link).await;
    server.await.unwrap();
    listener.native().await;
    assert_eq!(state(&mut link).await, connected(Dialect::Native));
    lost.reason
}

#[tokio::test(start_paused = true)]
async fn malformed_reply_closes_the_connection() {
    let reason = reason(|_| Message::binary(vec![0xff; 9])).await;
    assert!(
        reason.contains("unusable message: malformed reply"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn text_reply_in_native_dialect_closes_the_connection() {
    let reason = reason(|_| Message::text("hello")).await;
    assert!(reason.contains("text, \"hello\""), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn unrequested_answer_closes_the_connection() {
    let frame =
        |id| native::reply_frame(id + 1, &native::encode_body(&agent::body(Query::Host), 0));
    let reason = reason(|id| Message::binary(frame(id))).await;
    assert!(reason.contains("nothing that was asked"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn oversized_message_closes_the_connection() {
    let reason = reason(|_| Message::binary(vec![0; 2 * MESSAGE_BYTES + 1])).await;
    assert!(reason.contains("too long"), "{reason}");
}

/// What the link says when an agent sends `frame` again and again.
async fn reason_of_a_flood(frame: Frame) -> String {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    let mut agent = listener.native().await;
    agent.request().await;
    // The link hangs up before it has read all of it.
    let mut sent = 0;
    while sent < 100_000
        && agent
            .socket
            .send(Message::Frame(frame.clone()))
            .await
            .is_ok()
    {
        sent += 1;
    }
    assert!((1024..20_000).contains(&sent), "{sent} frames were taken");
    lost(&mut link).await.reason
}

fn empty_fragment(opcode: Data) -> Frame {
    Frame::message(Vec::new(), OpCode::Data(opcode), false)
}

#[tokio::test(start_paused = true)]
async fn flood_of_empty_fragments_closes_the_connection() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    let mut agent = listener.native().await;
    agent.request().await;
    let first = empty_fragment(Data::Binary);
    agent.send(Message::Frame(first)).await;
    let further = empty_fragment(Data::Continue);
    let mut sent = 0;
    while sent < 100_000
        && agent
            .socket
            .send(Message::Frame(further.clone()))
            .await
            .is_ok()
    {
        sent += 1;
    }
    let reason = lost(&mut link).await.reason;
    assert!(reason.contains("more than 1024 frames in 10 s"), "{reason}");
    assert!(sent < 100_000, "all were taken");
}

#[tokio::test(start_paused = true)]
async fn flood_of_pings_closes_the_connection() {
    let ping = Frame::ping(vec![7; 125]);
    let reason = reason_of_a_flood(ping).await;
    assert!(reason.contains("more than 1024 frames in 10 s"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn occasional_pings_do_not_close_the_connection() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    let mut agent = listener.native().await;
    agent.host().await;
    for _ in 0..3000 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        agent.send(Message::Ping(Vec::new().into())).await;
        let pong = futures_util::StreamExt::next(&mut agent.socket).await;
        assert!(matches!(pong, Some(Ok(Message::Pong(_)))), "{pong:?}");
    }
    assert_eq!(state(&mut link).await, LinkState::Connecting);
    assert_eq!(state(&mut link).await, connected(Dialect::Native));
    reply(&mut link).await;
    assert!(link.events.is_empty());
}

#[tokio::test(start_paused = true)]
async fn overlong_text_is_cut() {
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
async fn repeated_malformed_replies_lengthen_the_reconnect_delay() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(metrics_only());
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
