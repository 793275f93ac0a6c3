//! Tests of the encodings of a sample, in each dialect.

use socktop_proto::dialect::native::Payload;
use socktop_proto::limits::{BODY_BYTES, MESSAGE_BYTES, PARTS};
use socktop_proto::{Error, ErrorCode};

use super::*;
use crate::Now;

#[test]
fn encodings_are_made_once() {
    let sample = Sample::new(
        Query::Host,
        Error::new(ErrorCode::NotFound, "nothing").into(),
    );
    let first = sample.text();
    let Message::Text(one) = &first else { panic!() };
    let second = sample.text();
    let Message::Text(other) = &second else {
        panic!()
    };
    assert_eq!(one.as_ptr(), other.as_ptr());
}

fn list(percent: f32) -> model::Processes {
    let process = |pid| model::Process {
        pid,
        name: "a-program".to_owned(),
        user: "somebody".to_owned(),
        cpu_percent: Some(if pid == 7 { percent } else { 0.0 }),
        ..model::Process::default()
    };
    model::Processes {
        time: Some(Now::read().sample_time()),
        processes: (1..100).map(process).collect(),
        total: 99,
        window_ms: Some(1000),
        others_hidden: false,
    }
}

fn next(earlier: &mut Earlier, list: model::Processes) -> Arc<Sample> {
    earlier.next(Query::Processes, body::Kind::Processes(list).into())
}

fn since(revision: u64) -> ReplyOptions {
    ReplyOptions {
        since: Some(revision),
        ..ReplyOptions::default()
    }
}

/// What a client receives: the answer, and its size.
fn reply(sample: &Sample, options: ReplyOptions) -> (Payload, usize) {
    let frame = sample.native(1, options).into_data();
    let answer = native::decode_reply(&frame, 1 << 20).unwrap();
    assert_eq!((answer.id, answer.revision), (1, sample.revision));
    (answer.payload, frame.len())
}

#[test]
fn client_with_a_recent_sample_gets_changes() {
    let mut earlier = Earlier::default();
    let samples: Vec<_> = (1..=6_u8)
        .map(|step| next(&mut earlier, list(step.into())))
        .collect();
    let newest = &samples[5];
    let (whole, whole_size) = reply(newest, ReplyOptions::default());
    assert_eq!(whole, Payload::Whole(Body::clone(&newest.body)));
    for (revision, old) in (4..=6).zip(&samples[3..]) {
        let (Payload::Delta(delta), size) = reply(newest, since(revision)) else {
            panic!("since {revision}");
        };
        assert!(size < whole_size / 4, "{size} of {whole_size}");
        let mut applied = Body::clone(&old.body);
        socktop_proto::delta::apply(&mut applied, &delta).unwrap();
        assert_eq!(applied, *newest.body);
    }
    // Too old, never given, or no name at all.
    for unknown in [0, 1, 3, 7, u64::MAX] {
        assert_eq!(reply(newest, since(unknown)).0, whole, "{unknown}");
    }
}

#[test]
fn fields_not_requested_are_not_in_the_reply() {
    let mut earlier = Earlier::default();
    let first = next(&mut earlier, list(1.0));
    let second = next(&mut earlier, list(2.0));
    let of = |fields, since| ReplyOptions { fields, since };
    let (Payload::Whole(body), _) = reply(&first, of(Fields::NAME, None)) else {
        panic!("changes to nothing");
    };
    let Some(body::Kind::Processes(named)) = body.kind else {
        panic!("no list");
    };
    assert_eq!(named.total, 99);
    let named = &named.processes[0];
    assert_eq!((named.name.as_str(), named.pid), ("a-program", 1));
    assert_eq!((named.user.as_str(), named.cpu_percent), ("", None));
    let size = |fields| reply(&second, of(fields, Some(1))).1;
    assert!(size(Fields::NAME) < size(Fields::CPU));
}

#[test]
fn unshared_encodings_are_not_kept() {
    let mut earlier = Earlier::default();
    let sample = next(&mut earlier, list(1.0));
    for unknown in 10..100 {
        reply(&sample, since(unknown));
    }
    assert_eq!(sample.native.lock().len(), ENCODINGS);
}

#[test]
fn old_samples_are_released() {
    let mut earlier = Earlier::default();
    let first = Arc::downgrade(&next(&mut earlier, list(0.0)));
    for step in 0..4_u8 {
        next(&mut earlier, list(step.into()));
    }
    assert!(first.upgrade().is_none());
}

#[test]
fn released_sample_is_recycled_when_unshared() {
    let mut earlier = Earlier::default();
    let first = next(&mut earlier, list(1.0));
    let second = Body::clone(&next(&mut earlier, list(2.0)).body);
    next(&mut earlier, list(3.0));
    assert_eq!(earlier.take_retired(), None);
    next(&mut earlier, list(4.0));
    assert_eq!(earlier.take_retired(), None);
    drop(first);
    next(&mut earlier, list(5.0));
    assert_eq!(earlier.take_retired(), Some(second));
    assert_eq!(earlier.take_retired(), None);
}

/// What a client receives of an error sample, in each dialect.
fn errors(sample: &Sample) -> [Option<String>; 3] {
    use tokio_tungstenite::tungstenite::Message;
    let words = |body: Body| match body.kind {
        Some(body::Kind::Error(error)) => Some(error.message),
        _ => None,
    };
    let native = sample.native(u64::MAX, ReplyOptions::default()).into_data();
    let native = native::decode_reply(&native, BODY_BYTES).unwrap();
    let frame = match sample.text() {
        Message::Text(text) => Frame::Text(text.as_str().to_owned()),
        message => Frame::Binary(message.into_data().into()),
    };
    let text = text::decode_reply(sample.query, &frame, BODY_BYTES).unwrap();
    let json = sample.json();
    for size in [native_len(sample), frame.len(), json.len()] {
        assert!(size <= MESSAGE_BYTES, "a message of {size} bytes");
    }
    let json = json.to_text().ok().filter(|json| json.contains("error"));
    [
        native.payload.whole().and_then(words),
        words(text),
        json.map(str::to_owned),
    ]
}

fn native_len(sample: &Sample) -> usize {
    sample.native(u64::MAX, ReplyOptions::default()).len()
}

#[test]
fn reply_beyond_the_limit_is_replaced_by_an_error() {
    let list = |count| {
        let kind = body::Kind::Processes(model::Processes {
            processes: vec![model::Process::default(); count],
            ..model::Processes::default()
        });
        Sample::new(Query::Processes, kind.into())
    };
    assert_eq!(errors(&list(PARTS)), [None, None, None]);
    for words in errors(&list(PARTS + 1)) {
        let words = words.unwrap();
        assert!(words.contains("has more than 131072 parts"), "{words}");
    }
    let journal = |bytes| {
        let kind = body::Kind::Journal(model::Journal {
            entries: vec![model::JournalEntry {
                message: "x".repeat(bytes),
                ..model::JournalEntry::default()
            }],
            ..model::Journal::default()
        });
        Sample::new(Query::Journal { pid: 1 }, kind.into())
    };
    let [native, text, json] = errors(&journal(BODY_BYTES - 1000));
    assert_eq!((native, text), (None, None));
    // It is not packed there.
    assert!(json.unwrap().contains("makes a message of"));
    for words in errors(&journal(BODY_BYTES + 1)) {
        let words = words.unwrap();
        assert!(words.contains("are the limit"), "{words}");
    }
}

#[test]
fn error_that_replaces_a_too_large_reply_has_no_revision() {
    let mut earlier = Earlier::default();
    let sample = next(
        &mut earlier,
        model::Processes {
            processes: vec![model::Process::default(); PARTS + 1],
            ..model::Processes::default()
        },
    );
    assert_eq!(sample.revision, 1);
    let frame = sample.native(1, ReplyOptions::default()).into_data();
    assert_eq!(native::decode_reply(&frame, 1 << 20).unwrap().revision, 0);
}

#[test]
fn delta_of_the_longest_list_is_accepted() {
    let longest = |percent| {
        let process = |pid| model::Process {
            pid,
            cpu_percent: Some(percent),
            resident_bytes: Some(if percent > 1.0 { 1 << 40 } else { 0 }),
            threads: Some(if percent > 1.0 { 9 } else { 1 }),
            state: if percent > 1.0 { 1 } else { 2 },
            ..model::Process::default()
        };
        model::Processes {
            time: Some(Now::read().sample_time()),
            processes: (1..).map(process).take(PARTS).collect(),
            total: u32::try_from(PARTS).unwrap(),
            window_ms: Some(1000),
            others_hidden: false,
        }
    };
    let mut earlier = Earlier::default();
    next(&mut earlier, longest(1.0));
    let second = next(&mut earlier, longest(90.0));
    let frame = second.native(1, since(1)).into_data();
    let answer = native::decode_reply(&frame, BODY_BYTES).unwrap();
    assert!(matches!(answer.payload, Payload::Delta(_)));
}

#[test]
fn error_sample_has_no_revision() {
    let mut earlier = Earlier::default();
    let error = Error::new(ErrorCode::Unavailable, "nothing");
    let sample = earlier.next(Query::Metrics, error.into());
    assert_eq!(sample.revision, 0);
    assert!(matches!(reply(&sample, since(0)).0, Payload::Whole(_)));
}
