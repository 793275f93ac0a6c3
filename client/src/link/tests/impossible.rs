//! Impossible numbers from an agent are detected in whole answers and in those completed from deltas.

use socktop_proto::delta;
use socktop_proto::dialect::native::Payload;
use socktop_proto::model::{Disk, Disks, Memory, Metrics, Process, Processes, SampleTime, body};
use socktop_proto::{Fields, Query};
use tokio_tungstenite::tungstenite::Message;

use super::agent::{Agent, listen};
use super::*;
use crate::state::{HostState, Moment};

const GIB: u64 = 1 << 30;

fn time(boot_ms: u64) -> SampleTime {
    SampleTime {
        unix_ms: 1_700_000_000_000,
        boot_ms: Some(boot_ms),
    }
}

fn memory(boot_ms: u64, used: u64) -> Body {
    body::Kind::Metrics(Metrics {
        time: Some(time(boot_ms)),
        memory: Some(Memory {
            total_bytes: Some(8 * GIB),
            used_bytes: Some(used),
            available_bytes: Some((8 * GIB).wrapping_sub(used)),
            cache_bytes: None,
        }),
        ..Metrics::default()
    })
    .into()
}

fn disks(boot_ms: u64, used: u64) -> Body {
    body::Kind::Disks(Disks {
        time: Some(time(boot_ms)),
        disks: vec![Disk {
            total_bytes: Some(8 * GIB),
            used_bytes: Some(used),
            available_bytes: Some(0),
            ..Disk::default()
        }],
        not_listed: None,
    })
    .into()
}

fn processes(boot_ms: u64, resident: u64) -> Body {
    body::Kind::Processes(Processes {
        time: Some(time(boot_ms)),
        processes: vec![Process {
            pid: 7,
            resident_bytes: Some(resident),
            ..Process::default()
        }],
        total: 1,
        window_ms: None,
        others_hidden: false,
    })
    .into()
}

/// Makes a body of a time and a number.
type MakeBody = fn(u64, u64) -> Body;

/// What the state has of the number that the bodies above differ in, and its words on what cannot be.
fn known(state: &HostState, query: Query) -> (Option<u64>, Option<String>) {
    let number = match query {
        Query::Metrics => {
            let metrics = state.metrics.value().unwrap();
            metrics.memory.unwrap().used_bytes
        }
        Query::Disks => state.disks.value().unwrap().disks[0].used_bytes,
        _ => state.processes.value().unwrap().processes[0].resident_bytes,
    };
    (number, state.impossible_words())
}

async fn take_reply(link: &mut Link, state: &mut HostState, wanted: Query) {
    loop {
        let event = next(link).await;
        let is_it = matches!(&event, Event::Reply { query, .. } if *query == wanted);
        let now = Moment {
            instant: std::time::Instant::now(),
            unix_ms: 1,
        };
        state.apply(event, now);
        if is_it {
            return;
        }
    }
}

async fn reply_with_step(
    agent: &mut Agent<tokio::io::DuplexStream>,
    revision: u64,
    (old, new): (Option<&Body>, &Body),
) {
    let asked = agent.asked().await;
    let payload = match old {
        Some(old) => {
            assert_eq!(asked.options.since, Some(revision - 1));
            Payload::Delta(delta::between(old, new, Fields::ALL).unwrap())
        }
        None => Payload::Whole(new.clone()),
    };
    agent.reply(asked.id, revision, payload).await;
}

/// A number that changes make impossible is unknown, and known again when they make it possible.
#[tokio::test(start_paused = true)]
async fn deltas_are_checked_for_impossible_numbers() {
    let every = Some(Duration::from_secs(1));
    let of: [(Query, MakeBody, &str); 3] = [
        (Query::Metrics, memory, "memory in use, 1 more"),
        (Query::Disks, disks, "disk space in use"),
        (Query::Processes, processes, "memory of a process"),
    ];
    for (query, body, words) in of {
        let (endpoint, mut listener) = listen();
        let mut link = Link::spawn(endpoint);
        let wants = |asked| every.filter(|_| query == asked);
        link.set_subscription(Subscription {
            metrics: wants(Query::Metrics),
            disks: wants(Query::Disks),
            processes: wants(Query::Processes),
            ..Subscription::default()
        });
        let mut agent = listener.native().await;
        agent.host().await;
        let mut state = HostState::default();
        let impossible = Some(format!("! impossible: {words}"));
        let steps = [
            (body(1000, GIB), (Some(GIB), None)),
            (body(2000, u64::MAX - 5), (None, impossible.clone())),
            (body(3000, u64::MAX - 6), (None, impossible.clone())),
            (body(4000, 2 * GIB), (Some(2 * GIB), None)),
        ];
        let mut old = None;
        for (revision, (new, expected)) in (1..).zip(&steps) {
            reply_with_step(&mut agent, revision, (old, new)).await;
            take_reply(&mut link, &mut state, query).await;
            assert_eq!(&known(&state, query), expected, "{words}, step {revision}");
            old = Some(new);
        }
    }
}

/// As agents of version 1.60 send them.
#[tokio::test(start_paused = true)]
async fn text_replies_are_checked_for_impossible_numbers() {
    let (endpoint, mut listener) = listen();
    let mut link = Link::spawn(endpoint);
    link.set_subscription(metrics_only());
    let mut agent = listener.text().await;
    let mut state = HostState::default();
    assert_eq!(agent.word().await, "get_metrics");
    let metrics = r#"{"cpu_total":250.0,"cpu_per_core":[1e39,-1],"mem_total":8589934592,
        "mem_used":18446744073709551615,"swap_total":1,"swap_used":2,"hostname":"h","networks":[],
        "cpu_temp_c":1e9,"gpus":[{"mem_total":5,"mem_used":6,"temp":-999,"utilization":1000}]}"#;
    agent.send(Message::text(metrics)).await;
    take_reply(&mut link, &mut state, Query::Metrics).await;
    let metrics = state.metrics.value().unwrap();
    let cpu = metrics.cpu.as_ref().unwrap();
    assert_eq!((cpu.total_percent, cpu.temperature_celsius), (None, None));
    assert!(cpu.cores.iter().all(|core| core.percent.is_nan()));
    assert_eq!(metrics.memory.unwrap().used_bytes, None);
    assert_eq!(metrics.swap.unwrap().used_bytes, None);
    let gpu = &metrics.gpus[0];
    assert_eq!((gpu.usage_percent, gpu.temperature_celsius), (None, None));
    assert_eq!(gpu.memory_used_bytes, None);
    assert_eq!(
        state.impossible_words().as_deref(),
        Some("! impossible: CPU use, 8 more")
    );
}
