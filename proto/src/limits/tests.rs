//! Every text and list of the descriptors against the limits.

use prost::Message;
use prost_types::field_descriptor_proto::Type;

use super::*;
use crate::descriptors::Descriptors;
use crate::model::{Delta, ProcessDetails, Thread, body};

const BODY: &str = ".socktop.v2.Body";
const DELTA: &str = ".socktop.v2.Delta";

#[test]
fn every_list_of_a_body_is_checked() {
    for path in Descriptors::read().fields(BODY) {
        if path.is_list() {
            let body = Body::decode(path.encode(b"", PARTS + 1).as_slice()).unwrap();
            assert!(check(&body).is_err(), "{}", path.name());
        }
    }
}

#[test]
fn every_list_of_a_delta_is_checked() {
    // The entries of lists of messages are those of bodies.
    let descriptors = Descriptors::read();
    let fields = descriptors.fields(DELTA);
    for path in fields.iter().filter(|path| path.is_list()) {
        let encoded = match path.field().r#type() {
            Type::Message => path.encode(b"", PARTS + 1),
            _ => path.encode(&vec![1; DELTA_NUMBERS + 1], 1),
        };
        let delta = Delta::decode(encoded.as_slice()).unwrap();
        assert!(check_delta(&delta).is_err(), "{}", path.name());
    }
}

#[test]
fn every_text_and_list_of_a_delta_is_counted() {
    const ENTRIES: usize = 10_000;
    for path in Descriptors::read().fields(DELTA) {
        let encoded = match path.field().r#type() {
            Type::String => path.encode(&vec![b'x'; 10 * ENTRIES], 1),
            Type::Message if path.is_list() => path.encode(b"", ENTRIES),
            _ if path.is_list() => path.encode(&[1; ENTRIES], 1),
            _ => continue,
        };
        let delta = Delta::decode(encoded.as_slice()).unwrap();
        let least = ENTRIES * size_of::<u32>();
        assert!(delta_held_bytes(&delta) >= least, "{}", path.name());
    }
}

#[test]
fn every_text_is_counted_and_cut() {
    const TEXT: usize = 1 << 20;
    let text = "é".repeat(TEXT / 2);
    for path in Descriptors::read().fields(BODY) {
        if path.is_text() {
            let encoded = path.encode(text.as_bytes(), 1);
            let mut body = Body::decode(encoded.as_slice()).unwrap();
            assert!(held_bytes(&body) >= TEXT, "{}", path.name());
            cut_texts(&mut body);
            let kept = body.encoded_len();
            assert!(kept <= COMMAND_BYTES + 100, "{}: {kept}", path.name());
            assert!(held_bytes(&body) < TEXT, "{}", path.name());
        }
    }
}

#[test]
fn every_list_is_counted() {
    const ENTRIES: usize = 10_000;
    for path in Descriptors::read().fields(BODY) {
        if path.is_list() {
            let body = Body::decode(path.encode(b"", ENTRIES).as_slice()).unwrap();
            assert!(
                held_bytes(&body) > ENTRIES * size_of::<u64>(),
                "{}",
                path.name()
            );
        }
    }
}

#[test]
fn words_of_a_command_are_cut_together() {
    let word = "é".repeat(100);
    let details = ProcessDetails {
        command: vec![word; 2 * COMMAND_WORDS],
        ..ProcessDetails::default()
    };
    let mut body: Body = body::Kind::Process(details).into();
    cut_texts(&mut body);
    let Some(body::Kind::Process(details)) = body.kind else {
        panic!("another kind");
    };
    assert_eq!(details.command.len(), COMMAND_WORDS);
    let bytes: usize = details.command.iter().map(String::len).sum();
    assert_eq!(bytes, COMMAND_BYTES);
}

#[test]
fn children_lose_their_own_children_and_threads() {
    let child = |children| ProcessDetails {
        threads: vec![Thread::default()],
        children,
        ..ProcessDetails::default()
    };
    let mut body: Body = body::Kind::Process(child(vec![child(vec![child(Vec::new())])])).into();
    cut_texts(&mut body);
    let shown = ProcessDetails::default();
    assert_eq!(body, body::Kind::Process(child(vec![shown])).into());
}
