//! The client's memory against a hostile agent.

#![cfg(test)]

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::mem::discriminant;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message as _;
use socktop_proto::dialect::native::{self, SUBPROTOCOL};
use socktop_proto::limits::{
    CHILDREN, CORES, DISKS, INTERFACES, JOURNAL_ENTRIES, PARTS, SENSORS, THREADS,
};
use socktop_proto::model::{
    Core, Cpu, Disk, Disks, Host, Interface, Journal, JournalEntry, Metrics, Process,
    ProcessDetails, Processes, Reply, SampleTime, Sensor, Sensors, Thread, body, reply,
};
use socktop_proto::{Body, Query};
use socktop_tests::{Size, Terminal, clean_command, keys, our_program, wait_for};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Message, accept_hdr};

/// Two and a half times what the answers may take (`HELD_BYTES`, 64 MiB): those on their way to the screen, one that is
/// decoded, the histories, the program itself.
const MOST_RESIDENT_KIB: u64 = 160 << 10;

/// What was asked, in its order.
type Asked = Arc<Mutex<Vec<Query>>>;

/// Serves the largest answers, and then ones beyond the limits, on a free port of loopback, which it returns.
fn serve(asked: &Asked) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::clone(asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let asked = Arc::clone(&asked);
            thread::spawn(move || converse(stream.unwrap(), &asked));
        }
    });
    port
}

fn converse(stream: TcpStream, asked: &Asked) {
    #[expect(
        clippy::result_large_err,
        reason = "the library's callback gives a whole response"
    )]
    let choose = |_: &Request, mut response: Response| {
        let subprotocol = SUBPROTOCOL.parse().unwrap();
        response
            .headers_mut()
            .insert("sec-websocket-protocol", subprotocol);
        Ok(response)
    };
    let mut socket = accept_hdr(stream, choose).unwrap();
    let (mut first, mut encodings) = (HashSet::new(), HashMap::new());
    // Ends when the client hangs up.
    while let Ok(message) = socket.read() {
        let Message::Binary(request) = message else {
            continue;
        };
        let request = native::decode_request(&request).unwrap();
        // Encoded once: the client is what is tested.
        let kind = discriminant(&request.query);
        let is_first = first.insert(kind);
        let encoded = encodings.entry((kind, is_first)).or_insert_with(|| {
            if is_first {
                native::encode_body(&largest(request.query), 1)
            } else {
                unchecked(&beyond(request.query))
            }
        });
        let reply = native::reply_frame(request.id, encoded);
        if socket.send(Message::binary(reply)).is_err() {
            return;
        }
        asked.lock().unwrap().push(request.query);
    }
}

/// A reply as no agent of ours would send it.
fn unchecked(body: &Body) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&body.encode_to_vec()).unwrap();
    let packed = encoder.finish().unwrap();
    Reply {
        id: 0,
        payload: Some(reply::Payload::Gzip(packed)),
        revision: 2,
    }
    .encode_to_vec()
}

/// An answer beyond the limits: 31 MB of texts in as many entries as there may be.
fn beyond(query: Query) -> Body {
    const BYTES: usize = 31_000_000;
    let mut body = largest(query);
    match &mut body.kind {
        Some(body::Kind::Disks(disks)) => {
            disks.disks.truncate(4096);
            for disk in &mut disks.disks {
                (disk.name, disk.mount_point) = (text(3700), Some(text(3700)));
            }
        }
        Some(body::Kind::Processes(list)) => {
            for process in &mut list.processes {
                process.name = text(BYTES / PARTS - 12);
            }
        }
        Some(body::Kind::Process(details)) => {
            for child in &mut details.children {
                child.executable = Some(text(BYTES / CHILDREN - 800));
            }
        }
        Some(body::Kind::Journal(journal)) => {
            for entry in &mut journal.entries {
                entry.message = text(BYTES / JOURNAL_ENTRIES - 10);
            }
        }
        _ => {}
    }
    body
}

fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

/// An answer that takes as much memory as one of its kind may.
fn largest(query: Query) -> Body {
    let time = Some(SampleTime {
        unix_ms: 1_700_000_000_000,
        boot_ms: Some(1_000_000),
    });
    match query {
        Query::Host => body::Kind::Host(Host {
            hostname: "taken-over".to_owned(),
            ..Host::default()
        }),
        Query::Metrics => body::Kind::Metrics(Metrics {
            time,
            cpu: Some(Cpu {
                total_percent: Some(1.0),
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
            time,
            disks: vec![
                Disk {
                    name: text(500),
                    ..Disk::default()
                };
                DISKS
            ],
            not_listed: Some(u32::MAX),
        }),
        Query::Processes => body::Kind::Processes(Processes {
            time,
            processes: (1..)
                .take(PARTS)
                .map(|pid| Process {
                    pid,
                    name: text(40),
                    ..Process::default()
                })
                .collect(),
            total: u32::try_from(PARTS).unwrap(),
            window_ms: None,
            others_hidden: true,
        }),
        Query::Process { pid } => {
            let process = Some(Process {
                pid,
                name: text(255),
                ..Process::default()
            });
            body::Kind::Process(ProcessDetails {
                time,
                process: process.clone(),
                threads: vec![
                    Thread {
                        name: text(100),
                        ..Thread::default()
                    };
                    THREADS
                ],
                children: vec![
                    ProcessDetails {
                        process,
                        executable: Some(text(200)),
                        ..ProcessDetails::default()
                    };
                    CHILDREN
                ],
                ..ProcessDetails::default()
            })
        }
        Query::Journal { .. } => body::Kind::Journal(Journal {
            time,
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
            time,
            sensors: vec![
                Sensor {
                    label: text(1000),
                    ..Sensor::default()
                };
                SENSORS
            ],
        }),
    }
    .into()
}

/// Most memory that a process has had so far, in KiB: `VmHWM` of `proc_pid_status(5)`.
fn peak_resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.unwrap().split_whitespace().nth(1);
    number.unwrap().parse().unwrap()
}

#[test]
fn hostile_agent_cannot_fill_the_clients_memory() {
    let asked = Asked::default();
    let port = serve(&asked);
    let home = tempfile::tempdir().unwrap();
    let mut command = clean_command(&our_program("socktop"), home.path());
    command.arg(format!("ws://127.0.0.1:{port}/ws"));
    let size = Size {
        columns: 120,
        rows: 40,
    };
    let mut terminal = Terminal::start(&command, size);
    terminal.wait_for("the list", |screen| screen.contains("Processes 131072"));
    terminal.send(keys::DOWN);
    terminal.send(keys::ENTER);
    let count = |of: fn(&Query) -> bool| asked.lock().unwrap().iter().filter(|it| of(it)).count();
    wait_for("details", || {
        (count(|it| matches!(it, Query::Process { .. })) >= 2).then_some(())
    });
    // The journal is asked for in its tab.
    terminal.send("\t\t");
    wait_for("the journal", || {
        (count(|it| matches!(it, Query::Journal { .. })) >= 2).then_some(())
    });
    terminal.send(keys::ESC);
    wait_for("the list again", || {
        (count(|it| *it == Query::Processes) >= 2).then_some(())
    });
    let peak = peak_resident_kib(terminal.pid());
    println!("peak of resident memory: {peak} KiB");
    assert!(peak < MOST_RESIDENT_KIB, "{peak} KiB");
    // And it still obeys its user.
    terminal.send("q");
    assert!(terminal.wait_for_end().success());
}
