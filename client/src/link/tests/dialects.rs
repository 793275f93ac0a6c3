//! Our agents and those of socktop 1.60: which dialect is chosen, and how each is queried.

use std::sync::Arc;
use std::time::Duration;

use socktop_proto::delta;
use socktop_proto::dialect::native::{Payload, ReplyOptions};
use socktop_proto::dialect::text;
use socktop_proto::model::body::Kind;
use socktop_proto::model::{Process, Processes, SampleTime};
use socktop_proto::{Fields, Frame, Query};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::agent::{body, listen};
use super::*;

fn text_plan() -> Subscription {
    Subscription {
        disks: Some(Duration::from_secs(5)),
        journal: Some((7, Duration::from_secs(5))),
        ..metrics_only()
    }
}

fn text_reply(query: Query) -> Message {
    match text::encode_reply(query, &body(query)) {
        Frame::Text(text) => Message::text(text),
        Frame::Binary(bytes) => Message::binary(bytes),
    }
}

#[tokio::test(start_paused = true)]
async fn agent_without_our_subprotocol_gets_one_text_request_at_a_time() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(text_plan());
    let mut agent = listener.text().await;
    assert_eq!(state(&mut link).await, LinkState::Connecting);
    assert_eq!(state(&mut link).await, connected(Dialect::Text));
    let mut words = Vec::new();
    for query in [Query::Metrics, Query::Disks, Query::Journal { pid: 7 }] {
        words.push(agent.word().await);
        let early = timeout(Duration::ZERO, agent.word()).await;
        assert!(early.is_err(), "two requests at once: {early:?}");
        // The smallest disks and journal are what their collectors make; metrics need their numbers.
        let message = match query {
            Query::Metrics => Message::text(METRICS),
            query => text_reply(query),
        };
        agent.send(message).await;
        assert_eq!(reply(&mut link).await.0, query);
    }
    assert_eq!(words, ["get_metrics", "get_disks", "get_journal_entries:7"]);
    assert_eq!(agent.word().await, "get_metrics");
}

const METRICS: &str = r#"{"cpu_total":12.5,"cpu_per_core":[25.0,0.0],"mem_total":8,"mem_used":4,"swap_total":0,"swap_used":0,
    "hostname":"pi4","cpu_temp_c":null,"disks":[],"networks":[],"top_processes":[],"gpus":null}"#;

#[tokio::test(start_paused = true)]
async fn error_of_a_legacy_agent_is_an_answer() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(Subscription {
        process: Some((9, METRICS_EVERY)),
        ..Subscription::default()
    });
    let mut agent = listener.text().await;
    assert_eq!(agent.word().await, "get_process_metrics:9");
    let error = r#"{"error":"Process 9 not found","pid":9,"request":"get_process_metrics"}"#;
    agent.send(Message::text(error)).await;
    state(&mut link).await;
    state(&mut link).await;
    let (query, body) = reply(&mut link).await;
    assert_eq!(query, Query::Process { pid: 9 });
    assert!(matches!(body.kind, Some(Kind::Error(_))), "{body:?}");
}

#[tokio::test(start_paused = true)]
async fn legacy_agent_may_take_five_seconds_for_a_journal() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(Subscription {
        journal: Some((7, Duration::from_secs(5))),
        ..Subscription::default()
    });
    let mut agent = listener.text().await;
    agent.word().await;
    sleep(Duration::from_millis(4900)).await;
    agent.send(text_reply(Query::Journal { pid: 7 })).await;
    state(&mut link).await;
    state(&mut link).await;
    assert_eq!(reply(&mut link).await.0, Query::Journal { pid: 7 });
    agent.word().await;
    let asked = Instant::now();
    let lost = lost(&mut link).await;
    assert_eq!(asked.elapsed(), Duration::from_secs(5));
    assert!(
        lost.reason.contains("a process's journal"),
        "{}",
        lost.reason
    );
}

#[tokio::test(start_paused = true)]
async fn our_agent_may_take_ten_seconds_for_a_journal_while_metrics_go_on() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(Subscription {
        // Nothing of these falls due at the journal's deadline.
        metrics: Some(Duration::from_millis(700)),
        journal: Some((7, Duration::from_secs(5))),
        ..Subscription::default()
    });
    let server = tokio::spawn(async move {
        let mut agent = listener.native().await;
        let start = Instant::now();
        while let Some((id, query)) = agent.try_request().await {
            if !matches!(query, Query::Journal { .. }) {
                agent.answer(id, query).await;
            }
        }
        start.elapsed()
    });
    let lost = lost(&mut link).await;
    assert!(
        lost.reason.contains("a process's journal"),
        "{}",
        lost.reason
    );
    assert_eq!(server.await.unwrap(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn legacy_agent_that_closes_at_once_suggests_a_wrong_token() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(metrics_only());
    listener.text().await.socket.close(None).await.unwrap();
    let lost = lost(&mut link).await;
    assert!(
        lost.reason.contains("token is missing or wrong"),
        "{}",
        lost.reason
    );
}

fn of_processes(fields: Fields) -> Subscription {
    Subscription {
        processes: Some(Duration::from_secs(2)),
        fields,
        ..Subscription::default()
    }
}

/// Processes with their threads.
fn list(processes: &[(u32, u32)]) -> Body {
    let process = |&(pid, threads)| Process {
        pid,
        threads: Some(threads),
        ..Process::default()
    };
    Kind::Processes(Processes {
        time: Some(SampleTime {
            unix_ms: 1000,
            boot_ms: Some(1000),
        }),
        total: u32::try_from(processes.len()).unwrap(),
        processes: processes.iter().map(process).collect(),
        window_ms: Some(2000),
        others_hidden: false,
    })
    .into()
}

/// The process lists that the application gets.
async fn shown(link: &mut Link) -> Vec<(u32, Option<u32>)> {
    loop {
        if let Event::Reply { body, .. } = next(link).await
            && let Some(Kind::Processes(list)) = Arc::unwrap_or_clone(body).kind
        {
            let processes = list.processes.iter();
            return processes
                .map(|process| (process.pid, process.threads))
                .collect();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn known_answer_is_requested_as_delta_and_shown_whole() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(of_processes(Fields::THREADS));
    let mut agent = listener.native().await;
    agent.host().await;
    let (old, new) = (list(&[(1, 1), (2, 2)]), list(&[(2, 7), (3, 3)]));
    let fields = Fields::THREADS | Fields::PID;

    let asked = agent.asked().await;
    assert_eq!(asked.query, Query::Processes);
    assert_eq!(
        asked.options,
        ReplyOptions {
            fields,
            since: None
        }
    );
    agent.reply(asked.id, 5, Payload::Whole(old.clone())).await;
    assert_eq!(shown(&mut link).await, [(1, Some(1)), (2, Some(2))]);

    let asked = agent.asked().await;
    assert_eq!(
        asked.options,
        ReplyOptions {
            fields,
            since: Some(5)
        }
    );
    let delta = delta::between(&old, &new, fields).unwrap();
    agent
        .reply(asked.id, 6, Payload::Delta(delta.clone()))
        .await;
    assert_eq!(shown(&mut link).await, [(2, Some(7)), (3, Some(3))]);

    // A whole answer without a name leaves nothing that changes could be to.
    let asked = agent.asked().await;
    assert_eq!(asked.options.since, Some(6));
    agent.reply(asked.id, 0, Payload::Whole(old)).await;
    shown(&mut link).await;
    let asked = agent.asked().await;
    assert_eq!(asked.options.since, None);
    agent.reply(asked.id, 7, Payload::Delta(delta)).await;
    let (_, body) = reply(&mut link).await;
    match body.kind {
        Some(Kind::Error(error)) => assert!(
            error.message.contains("a delta that was not requested"),
            "{error:?}"
        ),
        other => panic!("{other:?}"),
    }
    // The next one is asked for whole, on the same connection.
    assert_eq!(agent.asked().await.options.since, None);
}

/// The next list of processes, as the application has it.
async fn shared(link: &mut Link) -> Arc<Body> {
    loop {
        if let Event::Reply { body, .. } = next(link).await
            && matches!(body.kind, Some(Kind::Processes(_)))
        {
            return body;
        }
    }
}

/// Where the list is in memory.
fn address(body: &Body) -> *const Process {
    match &body.kind {
        Some(Kind::Processes(list)) => list.processes.as_ptr(),
        other => panic!("{other:?}"),
    }
}

/// Five lists, each but the first by a delta, to an application that has the last `kept` of them; gives what it has then,
/// and where each list was in memory.
async fn five_lists(kept: usize) -> (Vec<Arc<Body>>, Vec<*const Process>) {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(of_processes(Fields::THREADS));
    let mut agent = listener.native().await;
    agent.host().await;
    let fields = Fields::THREADS | Fields::PID;
    let (mut old, mut shown, mut addresses) = (None, Vec::new(), Vec::new());
    for step in 1..=5 {
        let new = list(&[(1, step)]);
        let payload = old.as_ref().map_or_else(
            || Payload::Whole(new.clone()),
            |old| Payload::Delta(delta::between(old, &new, fields).unwrap()),
        );
        let asked = agent.asked().await;
        agent.reply(asked.id, step.into(), payload).await;
        let body = shared(&mut link).await;
        assert_eq!(*body, new);
        addresses.push(address(&body));
        shown.insert(0, body);
        shown.truncate(kept);
        old = Some(new);
    }
    (shown, addresses)
}

#[tokio::test(start_paused = true)]
async fn list_dropped_by_the_application_is_reused() {
    let (_, at) = five_lists(1).await;
    assert_eq!(at[2..], [at[0], at[1], at[0]]);
}

#[tokio::test(start_paused = true)]
async fn list_held_by_the_application_does_not_change() {
    let (shown, _) = five_lists(5).await;
    for (body, step) in shown.iter().zip([5, 4, 3, 2, 1]) {
        assert_eq!(**body, list(&[(1, step)]));
    }
}

#[tokio::test(start_paused = true)]
async fn newly_subscribed_fields_are_requested_at_once() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(of_processes(Fields::THREADS));
    let mut agent = listener.native().await;
    agent.host().await;
    let body = list(&[(1, 1)]);
    let asked = agent.asked().await;
    agent.reply(asked.id, 1, Payload::Whole(body.clone())).await;
    shown(&mut link).await;

    let before = Instant::now();
    link.set_subscription(of_processes(Fields::THREADS | Fields::NAME));
    let asked = agent.asked().await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(asked.options.since, None);
    agent.reply(asked.id, 2, Payload::Whole(body.clone())).await;
    assert_eq!(shown(&mut link).await, [(1, Some(1))]);

    link.set_subscription(of_processes(Fields::NAME));
    let asked = agent.asked().await;
    assert_eq!(before.elapsed(), Duration::from_secs(2));
    assert_eq!(asked.options.since, Some(2));
    let delta = delta::between(&body, &list(&[(1, 9)]), Fields::NAME).unwrap();
    agent.reply(asked.id, 3, Payload::Delta(delta)).await;
    assert_eq!(shown(&mut link).await, [(1, None)]);
}

#[tokio::test(start_paused = true)]
async fn metrics_and_disks_are_requested_as_deltas() {
    let (endpoint, mut listener) = listen();
    let link = Link::spawn(endpoint);
    link.set_subscription(Subscription {
        disks: Some(Duration::from_secs(5)),
        ..metrics_only()
    });
    let mut agent = listener.native().await;
    agent.host().await;
    let mut since = Vec::new();
    for revision in 1..=4 {
        let asked = agent.asked().await;
        since.push((asked.query, asked.options.since));
        let payload = Payload::Whole(body(asked.query));
        agent.reply(asked.id, revision, payload).await;
    }
    assert_eq!(
        since,
        [
            (Query::Metrics, None),
            (Query::Disks, None),
            (Query::Metrics, Some(1)),
            (Query::Metrics, Some(3)),
        ]
    );
}
