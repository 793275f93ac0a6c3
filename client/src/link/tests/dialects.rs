//! Our agents and the published ones, told apart by their answer.

use std::time::Duration;

use socktop_proto::model::body::Kind;
use socktop_proto::model::{Process, Processes};
use socktop_proto::{Frame, Query, text};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::agent::{body, listen};
use super::*;

fn text_plan() -> Plan {
    Plan {
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
async fn an_agent_without_our_subprotocol_is_spoken_to_in_text_one_at_a_time() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_plan(text_plan());
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
async fn a_published_agents_error_is_an_answer() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_plan(Plan {
        process: Some((9, METRICS_EVERY)),
        ..Plan::default()
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
async fn a_published_agent_may_take_five_seconds_for_a_journal() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_plan(Plan {
        journal: Some((7, Duration::from_secs(5))),
        ..Plan::default()
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
    link.set_plan(Plan {
        // Nothing of these falls due at the journal's deadline.
        metrics: Some(Duration::from_millis(700)),
        journal: Some((7, Duration::from_secs(5))),
        ..Plan::default()
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
async fn a_published_agent_that_hangs_up_unasked_may_miss_its_token() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_plan(metrics_only());
    listener.text().await.socket.close(None).await.unwrap();
    let lost = lost(&mut link).await;
    assert!(
        lost.reason.contains("token is missing or wrong"),
        "{}",
        lost.reason
    );
}

#[tokio::test(start_paused = true)]
async fn a_process_list_is_asked_for_by_its_changes_and_shown_whole() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_plan(Plan {
        processes: Some(Duration::from_secs(2)),
        ..Plan::default()
    });
    let mut agent = listener.native().await;
    agent.host().await;
    let process = |pid| Process {
        pid,
        ..Process::default()
    };
    let whole = Processes {
        processes: vec![process(1), process(2)],
        revision: 5,
        ..Processes::default()
    };
    let changes = Processes {
        processes: vec![process(3)],
        ended: vec![1],
        revision: 6,
        since: Some(5),
        ..Processes::default()
    };
    let mut shown = Vec::new();
    for (since, answer) in [(None, whole), (Some(5), changes)] {
        let asked = agent.asked().await;
        assert_eq!((asked.query, asked.since), (Query::Processes, since));
        agent.give(asked.id, Kind::Processes(answer).into()).await;
        let list = loop {
            if let Event::Reply {
                query: Query::Processes,
                body,
                ..
            } = next(&mut link).await
            {
                break *body;
            }
        };
        let Some(Kind::Processes(list)) = list.kind else {
            panic!("{list:?}");
        };
        shown.push(
            list.processes
                .iter()
                .map(|process| process.pid)
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(shown, [[1, 2], [2, 3]]);

    // To a list that this client does not have.
    let asked = agent.asked().await;
    let stray = Processes {
        since: Some(4),
        ..Processes::default()
    };
    agent.give(asked.id, Kind::Processes(stray).into()).await;
    let reason = lost(&mut link).await.reason;
    assert!(reason.contains("revision 4"), "{reason}");
}
