//! Unusable answers: each is reported as an error, and the connection continues.

use futures_util::SinkExt;
use socktop_proto::dialect::native::{self, Payload};
use socktop_proto::limits::{DISKS, MESSAGE_BYTES};
use socktop_proto::model::{Disks, Metrics, body};
use tokio_tungstenite::tungstenite::Message;

use super::agent::{listen, unchecked_reply};
use super::limits::{bodies_shown, error, plan};
use super::*;

#[tokio::test(start_paused = true)]
async fn answer_of_another_kind_does_not_close_the_connection() {
    let disks = || body::Kind::Disks(Disks::default()).into();
    let shown = bodies_shown(
        Query::Metrics,
        vec![
            Box::new(move |id| unchecked_reply(id, disks())),
            Box::new(|id| unchecked_reply(id, body::Kind::Metrics(Metrics::default()).into())),
        ],
    )
    .await;
    assert!(
        error(&shown[0]).contains("an answer of another kind for metrics"),
        "{shown:?}"
    );
    assert!(matches!(shown[1].kind, Some(body::Kind::Metrics(_))));
}

#[tokio::test(start_paused = true)]
async fn undecodable_answer_does_not_close_the_connection() {
    // An id, and an invalid body.
    let broken = |id: u64| {
        let mut frame = native::reply_frame(id, &[]);
        frame.extend([0x12, 0x03, 0xff, 0xff, 0xff]);
        Message::binary(frame)
    };
    let shown = bodies_shown(
        Query::Metrics,
        vec![
            Box::new(broken),
            Box::new(|id| unchecked_reply(id, body::Kind::Metrics(Metrics::default()).into())),
        ],
    )
    .await;
    assert!(error(&shown[0]).contains("malformed reply"), "{shown:?}");
    assert!(matches!(shown[1].kind, Some(body::Kind::Metrics(_))));
}

/// Replies have no id there: they are matched by their order.
#[tokio::test(start_paused = true)]
async fn invalid_text_answer_does_not_close_the_connection() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(plan(Query::Disks));
    let mut agent = listener.text().await;
    assert_eq!(state(&mut link).await, LinkState::Connecting);
    assert_eq!(state(&mut link).await, connected(Dialect::Text));
    let disk = r#"{"name":"","total":2,"available":1}"#;
    let list = |count: usize| format!("[{}]", vec![disk; count].join(","));
    for (answer, words) in [
        (list(DISKS), None),
        (list(DISKS + 1), Some("a list of at most 16384 entries")),
        ("nonsense".to_owned(), Some("malformed reply")),
        (" ".repeat(MESSAGE_BYTES + 1), Some("makes a message of")),
        (list(1), None),
    ] {
        assert_eq!(agent.word().await, "get_disks");
        let sending = agent.socket.send(Message::text(answer));
        let (result, (query, body)) = tokio::join!(sending, reply(&mut link));
        result.unwrap();
        assert_eq!(query, Query::Disks);
        match words {
            Some(words) => assert!(error(&body).contains(words), "{}", error(&body)),
            None => assert!(matches!(body.kind, Some(body::Kind::Disks(_)))),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn error_is_not_a_base_for_deltas() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(plan(Query::Metrics));
    let mut agent = listener.native().await;
    agent.host().await;
    let asked = agent.asked().await;
    let refused = socktop_proto::Error::new(socktop_proto::ErrorCode::Unavailable, "too much");
    agent
        .reply(asked.id, 5, Payload::Whole(refused.into()))
        .await;
    assert_eq!(agent.asked().await.options.since, None);
    drop(link.events.recv().await);
}
