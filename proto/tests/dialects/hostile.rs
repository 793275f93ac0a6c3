//! No bytes and no text make a decoder panic.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use socktop_proto::Frame;
use socktop_proto::dialect::{json, native, text};

use socktop_testkit::strategies::{body, query};

const LIMIT: usize = 1 << 20;

fn packed(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// Bytes as they come, and bytes that get past the first check.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let any_bytes = vec(any::<u8>(), 0..300);
    prop_oneof![
        any_bytes.clone(),
        any_bytes.prop_map(|data| packed(&data)),
        ".{0,300}".prop_map(|text| packed(text.as_bytes())),
    ]
}

fn requests() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "(get_[a-z_]{0,24}|get_process_metrics|get_journal_entries)(:.{0,30})?",
        r#"\{"type":"[a-z_]{0,20}"(,"pid":-?[0-9]{0,20})?\}"#,
    ]
}

proptest! {
    #[test]
    fn damaged_native_frames_are_refused_without_panic(data in bytes()) {
        let _ = native::decode_request(&data);
        let _ = native::decode_reply(&data, LIMIT);
    }

    #[test]
    fn damaged_native_replies_are_refused_without_panic(body in body(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut frame = native::reply_frame(7, &native::encode_body(&body, 1));
        let at = at.index(frame.len());
        frame[at] = byte;
        let _ = native::decode_reply(&frame, LIMIT);
    }

    #[test]
    fn truncated_native_replies_are_refused(body in body(), at in any::<prop::sample::Index>()) {
        let frame = native::reply_frame(7, &native::encode_body(&body, 1));
        let _ = native::decode_reply(&frame[..at.index(frame.len())], LIMIT);
    }

    #[test]
    fn damaged_text_replies_are_refused_without_panic(query in query(), data in bytes(), words in any::<String>()) {
        let _ = text::decode_reply(query, &Frame::Binary(data), LIMIT);
        let _ = text::decode_reply(query, &Frame::Text(words), LIMIT);
    }

    #[test]
    fn text_replies_of_another_kind_are_refused(asked in query(), answered in query(), body in body()) {
        let frame = text::encode_reply(answered, &body);
        let _ = text::decode_reply(asked, &frame, LIMIT);
    }

    #[test]
    fn any_text_and_json_requests_are_parsed_without_panic(request in requests()) {
        let _ = text::decode_request(&request);
        let _ = json::is_request(&request);
        let _ = json::decode_request(&request);
    }

    /// An invalid request is answered with the reason, in a reply of bounded size.
    #[test]
    fn refusals_are_short_json_errors(request in requests()) {
        for refusal in [text::decode_request(&request), json::decode_request(&request)] {
            let Err(frame) = refusal else { continue };
            let Frame::Text(reply) = frame else { panic!("{frame:?}") };
            let reply: serde_json::Value = serde_json::from_str(&reply).unwrap();
            prop_assert!(reply["error"].is_string());
            prop_assert!(reply["error"].as_str().unwrap().chars().count() < 1000);
        }
    }
}
