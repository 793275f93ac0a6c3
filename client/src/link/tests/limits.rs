//! The client's limits: an answer exactly at a limit is accepted; one beyond it is replaced by an error that names the
//! limit, and the connection continues.

use futures_util::SinkExt;
use socktop_proto::limits::{
    BODY_BYTES, CHILDREN, CORES, DELTA_NUMBERS, DISKS, GPUS, INTERFACES, JOURNAL_ENTRIES,
    MESSAGE_BYTES, PARTS, THREADS,
};
use socktop_proto::model::{
    Core, Cpu, Delta, Disk, Disks, DisksDelta, Gpu, Host, Interface, Journal, JournalEntry,
    Metrics, Process, ProcessDetails, Processes, Thread, body, delta,
};
use tokio_tungstenite::tungstenite::Message;

use super::agent::{delta_reply, listen, unchecked_packed_reply, unchecked_reply};
use super::*;

/// A plan for nothing but `query`.
pub(super) fn plan(query: Query) -> Subscription {
    let every = Duration::from_secs(1);
    let mut plan = Subscription::default();
    match query {
        // Asked once, and not asked at all.
        Query::Host | Query::Sensors => {}
        Query::Metrics => plan.metrics = Some(every),
        Query::Disks => plan.disks = Some(every),
        Query::Processes => plan.processes = Some(every),
        Query::Process { pid } => plan.process = Some((pid, every)),
        Query::Journal { pid } => plan.journal = Some((pid, every)),
    }
    plan
}

/// The events that the application gets when an agent gives these answers to `query`, one after the other on one
/// connection.
pub(super) async fn bodies_shown(
    query: Query,
    answers: Vec<Box<dyn FnOnce(u64) -> Message>>,
) -> Vec<Body> {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(plan(query));
    let mut agent = listener.native().await;
    agent.host().await;
    assert_eq!(state(&mut link).await, LinkState::Connecting);
    assert_eq!(state(&mut link).await, connected(Dialect::Native));
    assert_eq!(reply(&mut link).await.0, Query::Host);
    let mut shown = Vec::new();
    for answer in answers {
        let asked = agent.asked().await;
        assert_eq!(asked.query, query);
        let message = answer(asked.id);
        let (sent, (answered, body)) = tokio::join!(agent.socket.send(message), reply(&mut link));
        sent.unwrap();
        assert_eq!(answered, query);
        shown.push(body);
    }
    assert_eq!(agent.asked().await.query, query, "the connection goes on");
    shown
}

pub(super) fn error(body: &Body) -> &str {
    match &body.kind {
        Some(body::Kind::Error(error)) => &error.message,
        _ => panic!("no error: {:.100}", format!("{body:?}")),
    }
}

/// Checks that the client takes `at`, that `beyond` ends nothing but its answer, and that it takes `at` again.
async fn assert_limit(query: Query, words: &str, at: body::Kind, beyond: body::Kind) {
    let (at, beyond): (Body, Body) = (at.into(), beyond.into());
    let good = at.clone();
    let again = at.clone();
    let shown = bodies_shown(
        query,
        vec![
            Box::new(move |id| unchecked_packed_reply(id, &good)),
            Box::new(move |id| unchecked_packed_reply(id, &beyond)),
            Box::new(move |id| unchecked_packed_reply(id, &again)),
        ],
    )
    .await;
    let words = format!("the agent's answer cannot be used: the reply {words}");
    assert!(shown[0] == at, "{words}: not as it was");
    assert_eq!(error(&shown[1]), words);
    assert!(shown[2] == at, "{words}: not as it was after an error");
}

/// The same for a list of so many entries.
async fn assert_list_limit(
    most: usize,
    query: Query,
    words: &str,
    body: impl Fn(usize) -> body::Kind,
) {
    let words = format!("has more than {words}");
    assert_limit(query, &words, body(most), body(most + 1)).await;
}

const DETAILS: Query = Query::Process { pid: 7 };

#[tokio::test(start_paused = true)]
async fn cores_at_the_limit() {
    assert_list_limit(CORES, Query::Metrics, "8192 CPUs", |count| {
        body::Kind::Metrics(Metrics {
            cpu: Some(Cpu {
                cores: vec![Core::default(); count],
                ..Cpu::default()
            }),
            ..Metrics::default()
        })
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn interfaces_at_the_limit() {
    let words = "4096 network interfaces";
    assert_list_limit(INTERFACES, Query::Metrics, words, |count| {
        body::Kind::Metrics(Metrics {
            interfaces: vec![Interface::default(); count],
            ..Metrics::default()
        })
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn gpus_at_the_limit() {
    assert_list_limit(GPUS, Query::Metrics, "256 GPUs", |count| {
        body::Kind::Metrics(Metrics {
            gpus: vec![Gpu::default(); count],
            ..Metrics::default()
        })
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn disks_at_the_limit() {
    assert_list_limit(DISKS, Query::Disks, "16384 disks", |count| {
        body::Kind::Disks(Disks {
            disks: vec![Disk::default(); count],
            ..Disks::default()
        })
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn threads_at_the_limit() {
    assert_list_limit(THREADS, DETAILS, "32768 threads", |count| {
        body::Kind::Process(ProcessDetails {
            threads: vec![Thread::default(); count],
            ..ProcessDetails::default()
        })
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn children_at_the_limit() {
    assert_list_limit(CHILDREN, DETAILS, "8192 child processes", |count| {
        body::Kind::Process(ProcessDetails {
            children: vec![ProcessDetails::default(); count],
            ..ProcessDetails::default()
        })
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn lines_of_the_journal_at_the_limit() {
    let query = Query::Journal { pid: 7 };
    let words = "8192 lines of the journal";
    assert_list_limit(JOURNAL_ENTRIES, query, words, |count| {
        body::Kind::Journal(Journal {
            entries: vec![JournalEntry::default(); count],
            ..Journal::default()
        })
    })
    .await;
}

pub(super) fn processes(processes: Vec<Process>) -> body::Kind {
    body::Kind::Processes(Processes {
        total: u32::try_from(processes.len()).unwrap(),
        processes,
        ..Processes::default()
    })
}

#[tokio::test(start_paused = true)]
async fn parts_at_the_limit() {
    assert_list_limit(PARTS, Query::Processes, "131072 parts", |count| {
        processes(vec![Process::default(); count])
    })
    .await;
}

/// Disks that make a body of exactly so many bytes.
pub(super) fn disks_of_bytes(bytes: usize) -> body::Kind {
    use prost::Message;
    const FULL: usize = 2000;
    // Names that are kept whole, and one that fills up.
    let of = |length: usize| {
        let disk = |length| Disk {
            name: "x".repeat(length),
            ..Disk::default()
        };
        let mut disks = vec![disk(4000); FULL];
        disks.extend(vec![disk(3000); 124]);
        disks.push(disk(length));
        body::Kind::Disks(Disks {
            disks,
            ..Disks::default()
        })
    };
    let size = |length| Body::from(of(length)).encoded_len();
    let length = 1000 + bytes - size(1000);
    assert_eq!(size(length), bytes);
    of(length)
}

#[tokio::test(start_paused = true)]
async fn bytes_of_a_body_at_the_limit() {
    let beyond = body::Kind::Host(Host {
        hostname: "x".repeat(BODY_BYTES),
        ..Host::default()
    });
    let words = "unpacks to more than 8388608 bytes";
    assert_limit(Query::Disks, words, disks_of_bytes(BODY_BYTES), beyond).await;
}

/// A reply with a field that is not known, which makes it as long as one likes.
fn padded_reply(id: u64, bytes: usize) -> Message {
    let Message::Binary(reply) = unchecked_reply(id, body::Kind::Disks(Disks::default()).into())
    else {
        panic!("a reply is binary");
    };
    let mut reply = reply.to_vec();
    // Field 99, with a length of four bytes.
    reply.extend([0x9a, 0x06]);
    let mut length = bytes - reply.len() - 4;
    for last in [false, false, false, true] {
        let byte = u8::try_from(length & 0x7f).unwrap();
        reply.push(if last { byte } else { byte | 0x80 });
        length >>= 7;
    }
    reply.resize(bytes, 0);
    Message::binary(reply)
}

#[tokio::test(start_paused = true)]
async fn bytes_of_a_message_at_the_limit() {
    let shown = bodies_shown(
        Query::Disks,
        vec![
            Box::new(|id| padded_reply(id, MESSAGE_BYTES)),
            Box::new(|id| padded_reply(id, MESSAGE_BYTES + 1)),
            Box::new(|id| padded_reply(id, 2 * MESSAGE_BYTES)),
            Box::new(|id| padded_reply(id, 100)),
        ],
    )
    .await;
    assert!(matches!(shown[0].kind, Some(body::Kind::Disks(_))));
    for beyond in &shown[1..3] {
        assert!(error(beyond).contains("makes a message of"), "{beyond:?}");
    }
    assert!(matches!(shown[3].kind, Some(body::Kind::Disks(_))));
}

#[tokio::test(start_paused = true)]
async fn numbers_of_changes_at_the_limit() {
    let disks = || body::Kind::Disks(Disks::default()).into();
    let delta = |id, count: usize| {
        let kind = delta::Kind::Disks(DisksDelta {
            used_by: vec![1; count],
            ..DisksDelta::default()
        });
        let delta = Delta {
            kind: Some(kind),
            ..Delta::default()
        };
        delta_reply(id, delta)
    };
    let shown = bodies_shown(
        Query::Disks,
        vec![
            Box::new(move |id| unchecked_reply(id, disks())),
            Box::new(move |id| delta(id, DELTA_NUMBERS)),
            Box::new(move |id| unchecked_reply(id, disks())),
            Box::new(move |id| delta(id, DELTA_NUMBERS + 1)),
        ],
    )
    .await;
    // These are counted, and then belong to no disk.
    assert!(error(&shown[1]).contains("not of one length"), "{shown:?}");
    assert!(
        error(&shown[3]).contains("changes more than 1179648 numbers"),
        "{shown:?}"
    );
}
