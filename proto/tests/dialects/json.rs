//! The json dialect, against the integration guide.

use proptest::prelude::*;
use serde_json::{Value, json};
use socktop_proto::dialect::json::{decode_request, encode_reply, is_request};
use socktop_proto::dialect::text;
use socktop_proto::model::body;
use socktop_proto::{Body, Frame, Query};

use socktop_testkit::hosts::small;
use socktop_testkit::strategies::{body, complete_metrics};

fn value_of(frame: &Frame) -> Value {
    match frame {
        Frame::Text(text) => serde_json::from_str(text).unwrap(),
        Frame::Binary(_) => panic!("a JSON reply is text here, whatever its size"),
    }
}

fn refusal(request: &str) -> String {
    let frame = decode_request(request).expect_err(request);
    value_of(&frame)["error"].as_str().unwrap().to_owned()
}

#[test]
fn requests_have_the_specified_objects() {
    let requests = [
        (r#"{"type": "metrics"}"#, Query::Metrics),
        (r#"{"type":"disks"}"#, Query::Disks),
        (r#"{"type":"processes","more":[]}"#, Query::Processes),
        (r#"{"type":"sensors"}"#, Query::Sensors),
        (
            r#"{"pid":42,"type":"process_metrics"}"#,
            Query::Process { pid: 42 },
        ),
        (
            r#" {"type":"journal_entries","pid":42}"#,
            Query::Journal { pid: 42 },
        ),
    ];
    for (request, query) in requests {
        assert!(is_request(request), "{request}");
        assert_eq!(decode_request(request), Ok(query), "{request}");
    }
    assert!(!is_request("get_metrics"));
    assert!(!is_request(""));
}

#[test]
fn malformed_request_is_answered_with_the_reason() {
    let cases = [
        ("{", "malformed request"),
        (r#"["metrics"]"#, "malformed request"),
        (r#"{"Type":"metrics"}"#, "missing field `type`"),
        (r#"{"type":"Metrics"}"#, "unknown request \"Metrics\""),
        (r#"{"type":"process_metrics"}"#, "needs a \"pid\""),
        (
            r#"{"type":"journal_entries","pid":-1}"#,
            "malformed request",
        ),
    ];
    for (request, why) in cases {
        assert!(is_request(request), "{request}");
        let error = refusal(request);
        assert!(error.contains(why), "{request}: {error}");
    }
}

#[test]
fn metrics_are_the_guides_json() {
    assert_eq!(
        value_of(&encode_reply(Query::Metrics, &small::metrics())),
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
            "networks": [{"name": "eth0", "received": 1000, "transmitted": 2000}],
            "gpus": [{
                "name": "card0",
                "usage": 7.5,
                "memory_total": 200,
                "memory_used": 100,
                "temp_c": null,
            }],
        })
    );
}

#[test]
fn disks_are_the_guides_json() {
    let reply = value_of(&encode_reply(Query::Disks, &small::disks()));
    assert_eq!(reply[0]["name"], "mmcblk0p2");
    assert_eq!(reply[0]["total"], 1000);
    assert_eq!(reply[0]["available"], 350);
}

#[test]
fn sensors_are_a_list_with_the_time_and_unknown_numbers_are_null() {
    assert_eq!(
        value_of(&encode_reply(Query::Sensors, &small::sensors())),
        json!({
            "sampled_at_ms": 1_700_000_000_123_u64,
            "sensors": [
                {
                    "label": "cpu_thermal temp1",
                    "celsius": 48.25,
                    "high_celsius": null,
                    "critical_celsius": 110.0,
                },
                {
                    "label": "drivetemp SSD",
                    "celsius": null,
                    "high_celsius": 70.0,
                    "critical_celsius": null,
                },
            ],
        })
    );
}

#[test]
fn processes_are_the_same_protobuf_as_in_text() {
    let ours = encode_reply(Query::Processes, &small::processes());
    assert_eq!(
        ours,
        text::encode_reply(Query::Processes, &small::processes())
    );
    assert!(matches!(ours, Frame::Binary(_)));
}

#[test]
fn an_error_is_json() {
    let query = Query::Process { pid: 42 };
    assert_eq!(
        value_of(&encode_reply(query, &small::not_found())),
        json!({"error": "no process 42", "pid": 42})
    );
    assert_eq!(
        value_of(&encode_reply(Query::Disks, &small::not_found())),
        json!({"error": "no process 42"})
    );
    assert!(value_of(&encode_reply(Query::Host, &small::host()))["error"].is_string());
    assert!(value_of(&encode_reply(Query::Host, &Body { kind: None }))["error"].is_string());
}

proptest! {
    /// By the guide, clients parse text frames as JSON and unpack binary frames.
    #[test]
    fn only_process_lists_are_binary(body in body()) {
        let frame = encode_reply(Query::Metrics, &body);
        match body.kind {
            Some(body::Kind::Processes(_)) => prop_assert!(matches!(frame, Frame::Binary(_))),
            _ => { value_of(&frame); }
        }
    }

    #[test]
    fn metrics_have_every_number_that_the_guide_lists(metrics in complete_metrics()) {
        let reply = value_of(&encode_reply(Query::Metrics, &body::Kind::Metrics(metrics).into()));
        for name in ["cpu_total", "mem_total", "mem_used", "swap_total", "swap_used"] {
            prop_assert!(reply[name].is_number(), "{}: {}", name, reply[name]);
        }
        prop_assert!(reply["cpu_per_core"].is_array());
        prop_assert!(reply["networks"].is_array());
        prop_assert!(reply["hostname"].is_string());
    }
}
