//! The text dialect, against the JSON that the programs of socktop 1.60 exchange.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use socktop_proto::dialect::text::{
    THRESHOLD, decode_reply, decode_request, encode_reply, encode_request,
};
use socktop_proto::model::{Body, Process, ProcessState, Processes, body};
use socktop_proto::{Error, ErrorCode, Frame, Query};

use socktop_testkit::hosts::small;

pub(crate) const LIMIT: usize = 1 << 20;
pub(crate) const PROCESS: Query = Query::Process { pid: 42 };
pub(crate) const JOURNAL: Query = Query::Journal { pid: 42 };

fn gunzip(data: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    GzDecoder::new(data).read_to_end(&mut unpacked).unwrap();
    unpacked
}

/// The JSON of a reply as a reader of it finds it: text when short, gzip when long.
pub(crate) fn json_of(frame: &Frame) -> String {
    match frame {
        Frame::Text(text) => {
            assert!(text.len() <= THRESHOLD, "{} bytes as text", text.len());
            text.clone()
        }
        Frame::Binary(bytes) => {
            let text = String::from_utf8(gunzip(bytes)).unwrap();
            assert!(text.len() > THRESHOLD, "{} bytes as gzip", text.len());
            text
        }
    }
}

fn value_of(frame: &Frame) -> Value {
    serde_json::from_str(&json_of(frame)).unwrap()
}

fn error_of(body: &Body) -> &Error {
    match &body.kind {
        Some(body::Kind::Error(error)) => error,
        other => panic!("not an error: {other:?}"),
    }
}

#[test]
fn requests_have_the_specified_words() {
    let words = [
        (Query::Metrics, "get_metrics"),
        (Query::Disks, "get_disks"),
        (Query::Processes, "get_processes"),
        (PROCESS, "get_process_metrics:42"),
        (JOURNAL, "get_journal_entries:42"),
    ];
    for (query, word) in words {
        assert_eq!(encode_request(query).as_deref(), Some(word));
        assert_eq!(decode_request(word), Ok(query));
    }
    assert_eq!(encode_request(Query::Host), None);
    assert_eq!(encode_request(Query::Sensors), None);
}

#[test]
fn malformed_request_is_answered_with_the_valid_ones() {
    let cases = [
        ("", "unknown request \"\""),
        ("get_metrics ", "unknown request"),
        ("get_metrics:1", "unknown request"),
        ("get_process_metrics", "unknown request"),
        ("get_process_metrics:", "needs a process id"),
        ("get_process_metrics:-1", "got \"-1\""),
        ("get_journal_entries:4294967296", "got \"4294967296\""),
    ];
    for (request, answer) in cases {
        let Err(Frame::Text(reply)) = decode_request(request) else {
            panic!("{request:?} was not refused in text");
        };
        let reply: Value = serde_json::from_str(&reply).unwrap();
        let error = reply["error"].as_str().unwrap();
        assert!(error.contains(answer), "{request:?}: {error}");
    }
}

#[test]
fn metrics_have_the_specified_json() {
    let frame = encode_reply(Query::Metrics, &small::metrics());
    assert_eq!(
        value_of(&frame),
        json!({
            "sampled_at_ms": 1_700_000_000_123_u64,
            "cpu_total": 12.5,
            "cpu_per_core": [25.0, 0.0],
            "mem_total": 4096,
            "mem_used": 1024,
            "swap_total": 0,
            "swap_used": 0,
            "hostname": "pi",
            "cpu_temp_c": 48.25,
            "disks": [],
            "networks": [{"name": "eth0", "received": 1000, "transmitted": 2000}],
            "top_processes": [],
            "gpus": [{
                "name": "card0",
                "utilization_gpu_pct": 7.5,
                "mem_used_bytes": 100,
                "mem_total_bytes": 200,
                "temp_c": null,
            }],
        })
    );
}

#[test]
fn disks_have_the_specified_json() {
    let frame = encode_reply(Query::Disks, &small::disks());
    // The hung one has no sizes, and there is no way to say so here.
    assert_eq!(
        value_of(&frame),
        json!([{
            "name": "mmcblk0p2",
            "total": 1000,
            "available": 350,
            "temperature": null,
            "is_partition": false,
            "mount_point": "/",
            "file_system": "ext4",
            "used": 600,
        }])
    );
}

const DETAILS: &str = r#"{
    "process": {
        "pid": 42,
        "name": "sh",
        "command": "sh -c cat",
        "cpu_usage": 2.5,
        "mem_bytes": 100,
        "virtual_mem_bytes": 200,
        "shared_mem_bytes": 50,
        "thread_count": 2,
        "fd_count": 3,
        "status": "Running",
        "parent_pid": 1,
        "user_id": 1000,
        "group_id": 1000,
        "start_time": 1699999999,
        "cpu_time_user": 30000,
        "cpu_time_system": 20000,
        "read_bytes": 512,
        "write_bytes": null,
        "working_directory": "/home/ada",
        "executable_path": "/usr/bin/dash",
        "child_processes": [{
            "pid": 43,
            "name": "cat",
            "command": "cat",
            "cpu_usage": 0.0,
            "mem_bytes": 10,
            "virtual_mem_bytes": 20,
            "shared_mem_bytes": null,
            "thread_count": 1,
            "fd_count": null,
            "status": "Disk Sleep",
            "parent_pid": 42,
            "user_id": 1000,
            "group_id": 1000,
            "start_time": 1699999999,
            "cpu_time_user": 0,
            "cpu_time_system": 10000,
            "read_bytes": null,
            "write_bytes": null,
            "working_directory": null,
            "executable_path": null,
            "child_processes": [],
            "threads": []
        }],
        "threads": [
            {
                "tid": 42,
                "name": "sh",
                "cpu_time_user": 20000,
                "cpu_time_system": 20000,
                "status": "Running"
            },
            {
                "tid": 44,
                "name": "worker",
                "cpu_time_user": 10000,
                "cpu_time_system": 0,
                "status": "Idle"
            }
        ]
    },
    "cached_at": 1700000000
}"#;

#[test]
fn details_have_the_specified_json() {
    let frame = encode_reply(PROCESS, &small::details());
    assert!(
        matches!(frame, Frame::Binary(_)),
        "longer than the threshold"
    );
    assert_eq!(
        value_of(&frame),
        serde_json::from_str::<Value>(DETAILS).unwrap()
    );
}

#[test]
fn journal_has_the_specified_json() {
    let frame = encode_reply(JOURNAL, &small::journal());
    assert_eq!(
        value_of(&frame),
        json!({
            "entries": [{
                "timestamp": "2023-11-14T22:13:20.000001Z",
                "timestamp_us": 1_700_000_000_000_001_u64,
                "priority": "Warning",
                "message": "disk is 90 % full",
                "unit": "df.service",
                "pid": 42,
                "comm": "df",
                "uid": 0,
                "gid": null,
            }],
            "total_count": 1,
            "truncated": true,
            "notice": null,
            "cached_at": 1_700_000_000,
        })
    );
}

#[test]
fn processes_are_protobuf_raw_or_packed() {
    let Frame::Binary(short) = encode_reply(Query::Processes, &small::processes()) else {
        panic!("a process list is binary");
    };
    let golden = b"\x08\x02\x12\x0e\x08\x01\x12\x07systemd\x20\x80\x20\
                   \x12\x11\x08\xac\x02\x12\x07gr\xc3\xb6\xc3\x9fe\x1d\x00\x00\x46\x42";
    assert_eq!(short, golden);

    let process = Process {
        pid: 1,
        name: "a name".repeat(4),
        ..Process::default()
    };
    let long = Processes {
        processes: vec![process; 100],
        total: 100,
        ..Processes::default()
    };
    let Frame::Binary(packed) = encode_reply(
        Query::Processes,
        &body::Kind::Processes(long.clone()).into(),
    ) else {
        panic!("a process list is binary");
    };
    assert!(packed.starts_with(&[0x1f, 0x8b]));
    assert_eq!(
        gunzip(&packed),
        socktop_proto::legacy::encode_processes(&long)
    );
}

#[test]
fn an_error_is_short_json_that_names_the_request() {
    let gone = Body::from(Error::new(
        ErrorCode::NotFound,
        "no process 42: it has ended",
    ));
    let denied = Body::from(Error::new(ErrorCode::PermissionDenied, "may not read it"));
    let cases = [
        (
            PROCESS,
            &gone,
            // The client of 1.60 recognises a process that has ended by these words.
            json!({"error": "Process 42 not found", "pid": 42, "request": "get_process_metrics"}),
        ),
        (
            JOURNAL,
            &denied,
            json!({"error": "may not read it", "pid": 42, "request": "get_journal_entries"}),
        ),
        (
            Query::Metrics,
            &denied,
            json!({"error": "may not read it", "request": "get_metrics"}),
        ),
        (
            Query::Disks,
            &denied,
            json!({"error": "may not read it", "request": "get_disks"}),
        ),
        (
            Query::Processes,
            &denied,
            json!({"error": "may not read it", "request": "get_processes"}),
        ),
    ];
    for (query, body, json) in cases {
        let frame = encode_reply(query, body);
        assert_eq!(value_of(&frame), json);
        let decoded = decode_reply(query, &frame, LIMIT).unwrap();
        assert_eq!(error_of(&decoded).message, json["error"].as_str().unwrap());
    }
}

#[test]
fn error_for_an_ended_process_differs_from_other_errors() {
    let says = |query, error: &str| {
        let reply = json!({"error": error, "request": "it matters not", "pid": 42}).to_string();
        let body = decode_reply(query, &Frame::Text(reply), LIMIT).unwrap();
        error_of(&body).code()
    };
    assert_eq!(says(PROCESS, "Process 42 not found"), ErrorCode::NotFound);
    assert_eq!(says(PROCESS, "Time error"), ErrorCode::Unavailable);
    assert_eq!(says(JOURNAL, "journalctl failed"), ErrorCode::Unavailable);
}

#[test]
fn long_error_of_the_legacy_agent_is_packed_and_still_an_error() {
    let message = "journalctl failed: ".repeat(60);
    let reply = json!({"error": message, "pid": 42, "request": "get_journal_entries"}).to_string();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, reply.as_bytes()).unwrap();
    let frame = Frame::Binary(encoder.finish().unwrap());
    let body = decode_reply(JOURNAL, &frame, LIMIT).unwrap();
    assert_eq!(error_of(&body).message, message);
}

#[test]
fn spellings_of_the_legacy_agent_are_read() {
    let reply = json!({
        "process": {
            "pid": 7, "name": "md", "command": "md", "cpu_usage": 180.0, "mem_bytes": 1,
            "virtual_mem_bytes": 2, "shared_mem_bytes": null, "thread_count": 1, "fd_count": null,
            "status": "UninterruptibleDiskSleep", "parent_pid": null, "user_id": 0, "group_id": 0,
            "start_time": 3, "cpu_time_user": 4, "cpu_time_system": 5, "read_bytes": 6,
            "write_bytes": 7, "working_directory": null, "executable_path": null,
            "child_processes": [],
            "threads": [
                {"tid": 7, "name": "md", "cpu_time_user": 4, "cpu_time_system": 5, "status": "Disk Sleep"},
                {"tid": 8, "name": "md", "cpu_time_user": 0, "cpu_time_system": 0, "status": "Sleeping"},
            ],
        },
        "cached_at": 9,
    });
    let body = decode_reply(
        Query::Process { pid: 7 },
        &Frame::Text(reply.to_string()),
        LIMIT,
    );
    let Some(body::Kind::Process(details)) = body.unwrap().kind else {
        panic!("not details");
    };
    let process = details.process.unwrap();
    assert_eq!(process.state(), ProcessState::DiskSleep);
    assert_eq!(details.threads[0].state(), ProcessState::DiskSleep);
    assert_eq!(details.threads[1].state(), ProcessState::Sleeping);
    // It counts the threads beside the first and lists them all.
    assert_eq!(process.threads, Some(2));
    // Of one core, and all I/O: not what the model means.
    assert_eq!(process.cpu_percent, None);
    assert_eq!(details.disk_read_bytes, None);
}

#[test]
fn queries_unknown_to_this_dialect_are_reported() {
    for (query, reply) in [
        (Query::Host, small::host()),
        (Query::Sensors, small::sensors()),
    ] {
        let refused = encode_reply(query, &reply);
        assert!(value_of(&refused)["error"].is_string());
        let body = decode_reply(query, &Frame::Text("{}".into()), LIMIT).unwrap();
        assert_eq!(error_of(&body).code(), ErrorCode::BadRequest);
    }
}
