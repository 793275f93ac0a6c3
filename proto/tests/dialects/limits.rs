//! An agent's encoders against a client's decoders at every limit: what is exactly at a limit arrives; what is beyond
//! it arrives as an error that names the limit.

use prost::Message;
use socktop_proto::dialect::native;
use socktop_proto::dialect::native::Payload;
use socktop_proto::dialect::{json, text};
use socktop_proto::limits::{
    self, BODY_BYTES, CHILDREN, CORES, DELTA_NUMBERS, DISKS, GPUS, INTERFACES, JOURNAL_ENTRIES,
    MESSAGE_BYTES, OverLimit, PARTS, SENSORS, THREADS,
};
use socktop_proto::model::{
    Body, Core, Cpu, Delta, Disk, Disks, DisksDelta, Gpu, Host, Interface, Journal, JournalEntry,
    Memory, Metrics, Process, ProcessDetails, Processes, Sensor, Sensors, Swap, Thread, body,
    delta,
};
use socktop_proto::{Frame, Query};

/// What a client makes of the answer `body`, in the native dialect.
fn native_answer(body: &Body) -> Body {
    let frame = native::reply_frame(u64::MAX, &native::encode_body(body, 1));
    assert!(frame.len() <= MESSAGE_BYTES, "{}", frame.len());
    match native::decode_reply(&frame, BODY_BYTES).unwrap().payload {
        Payload::Whole(body) => body,
        Payload::Delta(_) => panic!("a delta to nothing"),
    }
}

/// And in the text dialect.
fn text_answer(query: Query, body: &Body) -> Body {
    let frame = text::encode_reply(query, body);
    assert!(frame.len() <= MESSAGE_BYTES, "{}", frame.len());
    text::decode_reply(query, &frame, BODY_BYTES).unwrap()
}

fn error(body: &Body) -> &str {
    match &body.kind {
        Some(body::Kind::Error(error)) => &error.message,
        _ => panic!("no error: {:.100}", format!("{body:?}")),
    }
}

/// Checks a list's limit: `body` makes an answer of so many entries.
fn assert_limit(most: usize, query: Query, words: &str, body: impl Fn(usize) -> body::Kind) {
    let words = format!("the answer has more than {words}: more than a client takes");
    let (at, beyond): (Body, Body) = (body(most).into(), body(most + 1).into());
    assert_eq!(limits::check(&at), Ok(()));
    assert!(native_answer(&at) == at, "{words}: not as it was");
    assert_eq!(error(&native_answer(&beyond)), words);
    // Its shapes say less, so it comes to no more than that it is no error.
    let arrived = text_answer(query, &at);
    assert!(
        !matches!(arrived.kind, Some(body::Kind::Error(_))),
        "{words}: {}",
        error(&arrived)
    );
    assert_eq!(error(&text_answer(query, &beyond)), words);
    let Frame::Text(refused) = json::encode_reply(query, &beyond) else {
        panic!("an error is text");
    };
    assert!(refused.contains(&words), "{refused}");
}

fn metrics() -> Metrics {
    Metrics {
        cpu: Some(Cpu {
            total_percent: Some(1.0),
            ..Cpu::default()
        }),
        memory: Some(Memory {
            total_bytes: Some(2),
            used_bytes: Some(1),
            ..Memory::default()
        }),
        swap: Some(Swap {
            total_bytes: Some(0),
            used_bytes: Some(0),
        }),
        ..Metrics::default()
    }
}

#[test]
fn cores_at_the_limit() {
    assert_limit(CORES, Query::Metrics, "8192 CPUs", |count| {
        let mut metrics = metrics();
        metrics.cpu.as_mut().unwrap().cores = vec![Core::default(); count];
        body::Kind::Metrics(metrics)
    });
}

#[test]
fn interfaces_at_the_limit() {
    let words = "4096 network interfaces";
    assert_limit(INTERFACES, Query::Metrics, words, |count| {
        body::Kind::Metrics(Metrics {
            interfaces: vec![Interface::default(); count],
            ..metrics()
        })
    });
}

#[test]
fn gpus_at_the_limit() {
    assert_limit(GPUS, Query::Metrics, "256 GPUs", |count| {
        body::Kind::Metrics(Metrics {
            gpus: vec![Gpu::default(); count],
            ..metrics()
        })
    });
}

#[test]
fn disks_at_the_limit() {
    let disk = || Disk {
        total_bytes: Some(2),
        available_bytes: Some(1),
        ..Disk::default()
    };
    assert_limit(DISKS, Query::Disks, "16384 disks", |count| {
        body::Kind::Disks(Disks {
            disks: vec![disk(); count],
            ..Disks::default()
        })
    });
}

#[test]
fn sensors_at_the_limit() {
    // The text dialect has none.
    let list = |count| -> Body {
        body::Kind::Sensors(Sensors {
            sensors: vec![Sensor::default(); count],
            ..Sensors::default()
        })
        .into()
    };
    let (at, beyond) = (list(SENSORS), list(SENSORS + 1));
    assert_eq!(native_answer(&at), at);
    let words = "the answer has more than 256 temperature sensors: more than a client takes";
    assert_eq!(error(&native_answer(&beyond)), words);
    for (body, is_refused) in [(at, false), (beyond, true)] {
        let Frame::Text(text) = json::encode_reply(Query::Sensors, &body) else {
            panic!("JSON is text");
        };
        assert_eq!(text.contains(words), is_refused, "{text}");
    }
}

fn details() -> ProcessDetails {
    ProcessDetails {
        process: Some(Process {
            pid: 7,
            user_id: Some(0),
            threads: Some(1),
            resident_bytes: Some(1),
            ..Process::default()
        }),
        group_id: Some(0),
        virtual_bytes: Some(1),
        started_unix_ms: Some(1),
        cpu_user_us: Some(1),
        cpu_system_us: Some(1),
        ..ProcessDetails::default()
    }
}

#[test]
fn threads_at_the_limit() {
    let query = Query::Process { pid: 7 };
    assert_limit(THREADS, query, "32768 threads", |count| {
        body::Kind::Process(ProcessDetails {
            threads: vec![Thread::default(); count],
            ..details()
        })
    });
}

#[test]
fn children_at_the_limit() {
    let query = Query::Process { pid: 7 };
    assert_limit(CHILDREN, query, "8192 child processes", |count| {
        body::Kind::Process(ProcessDetails {
            children: vec![details(); count],
            ..details()
        })
    });
}

#[test]
fn lines_of_the_journal_at_the_limit() {
    let query = Query::Journal { pid: 7 };
    let words = "8192 lines of the journal";
    assert_limit(JOURNAL_ENTRIES, query, words, |count| {
        body::Kind::Journal(Journal {
            entries: vec![JournalEntry::default(); count],
            ..Journal::default()
        })
    });
}

#[test]
fn parts_at_the_limit() {
    assert_limit(PARTS, Query::Processes, "131072 parts", |count| {
        body::Kind::Processes(Processes {
            processes: vec![Process::default(); count],
            ..Processes::default()
        })
    });
}

/// A body of exactly so many bytes.
fn of_bytes(bytes: usize) -> Body {
    let of = |length| -> Body {
        body::Kind::Host(Host {
            hostname: "x".repeat(length),
            ..Host::default()
        })
        .into()
    };
    let around = of(bytes).encoded_len() - bytes;
    let body = of(bytes - around);
    assert_eq!(body.encoded_len(), bytes);
    body
}

#[test]
fn bytes_of_a_body_at_the_limit() {
    let at = of_bytes(BODY_BYTES);
    assert!(native_answer(&at) == at);
    let beyond = native_answer(&of_bytes(BODY_BYTES + 1));
    assert_eq!(
        error(&beyond),
        "the answer has 8388609 bytes, 8388608 are the limit: more than a client takes"
    );
}

fn journal(message: String) -> Body {
    body::Kind::Journal(Journal {
        entries: vec![JournalEntry {
            message,
            ..JournalEntry::default()
        }],
        ..Journal::default()
    })
    .into()
}

#[test]
fn bytes_of_a_packed_message_at_the_limit() {
    // Six random bits a byte: three quarters of it are left when it is packed.
    let mut state = 1_u64;
    let noise: String = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'0' + u8::try_from(state >> 58).unwrap())
    })
    .take(BODY_BYTES - 1000)
    // JSON takes two bytes for it.
    .map(|letter| if letter == '\\' { '~' } else { letter })
    .collect();
    let query = Query::Journal { pid: 7 };
    for body in [
        native_answer(&journal(noise.clone())),
        text_answer(query, &journal(noise.clone())),
    ] {
        assert!(
            error(&body).contains("makes a message of"),
            "{}",
            error(&body)
        );
    }
    let half: String = noise.chars().take(BODY_BYTES / 2).collect();
    let half = journal(half);
    assert!(native_answer(&half) == half);
}

#[test]
fn bytes_of_a_json_message_at_the_limit() {
    let query = Query::Journal { pid: 7 };
    let length = |length| json::encode_reply(query, &journal("x".repeat(length))).len();
    let around = length(0);
    assert_eq!(length(MESSAGE_BYTES - around), MESSAGE_BYTES);
    // The error is shorter.
    assert!(length(MESSAGE_BYTES - around + 1) < 1000);
}

#[test]
fn numbers_of_a_delta_at_the_limit() {
    let delta = |count| Delta {
        kind: Some(delta::Kind::Disks(DisksDelta {
            used_by: vec![1; count],
            ..DisksDelta::default()
        })),
        ..Delta::default()
    };
    let encoded = native::encode_delta(delta(DELTA_NUMBERS), 1).unwrap();
    let answer = native::decode_reply(&encoded, BODY_BYTES).unwrap();
    assert!(answer.payload == Payload::Delta(delta(DELTA_NUMBERS)));
    assert_eq!(
        native::encode_delta(delta(DELTA_NUMBERS + 1), 1),
        Err(OverLimit::DeltaNumbers)
    );
}

#[test]
fn an_error_in_place_of_an_answer_has_no_revision() {
    let encoded = native::encode_body(&of_bytes(BODY_BYTES + 1), 5);
    assert_eq!(
        native::decode_reply(&encoded, BODY_BYTES).unwrap().revision,
        0
    );
    let encoded = native::encode_body(&of_bytes(100), 5);
    assert_eq!(
        native::decode_reply(&encoded, BODY_BYTES).unwrap().revision,
        5
    );
}

/// In JSON, too, three bytes could ask for an entry of a hundred.
#[test]
fn a_list_of_json_is_not_read_beyond_its_limit() {
    let metrics = |gpus: usize| {
        format!(
            r#"{{"cpu_total":1,"cpu_per_core":[],"mem_total":1,"mem_used":1,"swap_total":0,"swap_used":0,
            "hostname":"","networks":[],"disks":[{{}},7],"top_processes":[[],[]],"gpus":[{}]}}"#,
            vec!["{}"; gpus].join(",")
        )
    };
    let decode = |json| text::decode_reply(Query::Metrics, &Frame::Text(json), BODY_BYTES);
    assert!(decode(metrics(GPUS)).is_ok());
    let error = decode(metrics(GPUS + 1)).unwrap_err().to_string();
    assert!(error.contains("at most 256 entries"), "{error}");
}
