//! The memory limit for all answers of an agent together.

use socktop_proto::dialect::native;
use socktop_proto::limits::{
    CHILDREN, CORES, DISKS, HELD_BYTES, INTERFACES, JOURNAL_ENTRIES, PARTS, SENSORS, THREADS,
    held_bytes,
};
use socktop_proto::model::{
    Core, Cpu, Delta, Disk, Disks, Host, Interface, Journal, JournalEntry, Metrics, Process,
    ProcessDetails, ProcessesDelta, Sensor, Sensors, Thread, body, delta,
};
use tokio_tungstenite::tungstenite::Message;

use super::agent::{delta_reply, listen, unchecked_packed_reply};
use super::limits::{bodies_shown, error, processes};
use super::*;

/// Processes with names as long as the kernel has them.
fn large(pids: std::ops::Range<u32>) -> Vec<Process> {
    let process = |pid| Process {
        pid,
        name: "x".repeat(250),
        ..Process::default()
    };
    pids.map(process).collect()
}

/// Each answer is within its limits, but changes to changes could add up.
#[tokio::test(start_paused = true)]
async fn deltas_do_not_add_up_beyond_the_limits() {
    const STEP: u32 = 15_000;
    let first = processes(large(0..STEP));
    let more = |id, step: u32| {
        let kind = delta::Kind::Processes(ProcessesDelta {
            processes: large(step * STEP..(step + 1) * STEP),
            ..ProcessesDelta::default()
        });
        let delta = Delta {
            kind: Some(kind),
            ..Delta::default()
        };
        delta_reply(id, delta)
    };
    let shown = bodies_shown(
        Query::Processes,
        vec![
            Box::new(move |id| unchecked_packed_reply(id, &first.into())),
            Box::new(move |id| more(id, 1)),
            Box::new(move |id| more(id, 2)),
            Box::new(move |id| more(id, 3)),
        ],
    )
    .await;
    assert!(matches!(shown[1].kind, Some(body::Kind::Processes(_))));
    assert!(
        error(&shown[2]).contains("8388608 are the limit"),
        "{:?}",
        shown[2]
    );
    assert!(error(&shown[3]).contains("not requested"), "{:?}", shown[3]);
}

/// The largest answer of each kind, by what it takes in memory.
fn largest(query: Query) -> body::Kind {
    let text = |bytes| "x".repeat(bytes);
    match query {
        Query::Host => body::Kind::Host(Host {
            hostname: text(255),
            ..Host::default()
        }),
        Query::Metrics => body::Kind::Metrics(Metrics {
            cpu: Some(Cpu {
                cores: vec![Core::default(); CORES],
                ..Cpu::default()
            }),
            interfaces: (0..INTERFACES)
                .map(|number| Interface {
                    name: format!("{number:0>255}"),
                    ..Interface::default()
                })
                .collect(),
            ..Metrics::default()
        }),
        Query::Disks => body::Kind::Disks(Disks {
            disks: (0..DISKS)
                .map(|_| Disk {
                    name: text(500),
                    ..Disk::default()
                })
                .collect(),
            ..Disks::default()
        }),
        Query::Processes => processes(
            (0..PARTS)
                .map(|_| Process {
                    name: text(50),
                    ..Process::default()
                })
                .collect(),
        ),
        Query::Process { .. } => body::Kind::Process(ProcessDetails {
            threads: vec![
                Thread {
                    name: text(100),
                    ..Thread::default()
                };
                THREADS
            ],
            children: vec![
                ProcessDetails {
                    executable: Some(text(500)),
                    ..ProcessDetails::default()
                };
                CHILDREN
            ],
            ..ProcessDetails::default()
        }),
        Query::Journal { .. } => body::Kind::Journal(Journal {
            entries: vec![
                JournalEntry {
                    message: text(1000),
                    ..JournalEntry::default()
                };
                JOURNAL_ENTRIES
            ],
            ..Journal::default()
        }),
        Query::Sensors => body::Kind::Sensors(Sensors {
            time: None,
            sensors: vec![
                Sensor {
                    label: text(255),
                    ..Sensor::default()
                };
                SENSORS
            ],
        }),
    }
}

/// Answers of every kind, each as large as it may be and over several connections, against the memory that all may take.
#[tokio::test(start_paused = true)]
async fn memory_budget_covers_all_answers() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    let every = Duration::from_secs(1);
    link.set_subscription(Subscription {
        metrics: Some(every),
        processes: Some(every),
        disks: Some(every),
        process: Some((7, every)),
        journal: Some((7, every)),
        ..Subscription::default()
    });
    let agent = tokio::spawn(async move {
        for _ in 0..2 {
            let mut agent = listener.native().await;
            for _ in 0..20 {
                let asked = agent.asked().await;
                let encoded = native::encode_body(&largest(asked.query).into(), 1);
                let frame = native::reply_frame(asked.id, &encoded);
                agent.send(Message::binary(frame)).await;
            }
        }
    });
    // What the application has: the last answer of each kind.
    let mut kept: Vec<(std::mem::Discriminant<Query>, usize)> = Vec::new();
    let (mut most, mut refused) = (0, 0);
    while !agent.is_finished() {
        let Ok(event) = timeout(Duration::from_secs(20), link.events.recv()).await else {
            break;
        };
        let Some(Event::Reply { query, body, .. }) = event else {
            continue;
        };
        if let Some(body::Kind::Error(error)) = &body.kind {
            assert!(
                error
                    .message
                    .contains("of this agent larger than 67108864 bytes"),
                "{error:?}"
            );
            refused += 1;
            continue;
        }
        let kind = std::mem::discriminant(&query);
        kept.retain(|(known, _)| *known != kind);
        kept.push((kind, held_bytes(&body)));
        most = most.max(kept.iter().map(|(_, bytes)| bytes).sum());
    }
    agent.await.unwrap();
    assert!(refused > 0, "the answers were too small to reach the limit");
    assert!(most <= HELD_BYTES, "{most} bytes are kept");
    assert!(
        most > HELD_BYTES / 4,
        "{most} bytes are kept of all that may be"
    );
}
