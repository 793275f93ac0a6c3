//! The limits on decoding against the descriptors, and at their bounds.

use std::collections::BTreeSet;

use prost::Message;
use prost_types::FieldDescriptorProto;
use prost_types::field_descriptor_proto::{Label, Type};

use super::*;
use crate::descriptors::Descriptors;
use crate::model::{Body, Delta, MetricsDelta, ProcessDetails, Reply, body, delta, reply};

impl Descriptors {
    /// Whether a message holds a list, at any depth.
    fn has_list(&self, name: &str) -> bool {
        let fields = &self.message(name).field;
        fields.iter().any(|field| {
            field.label() == Label::Repeated
                || (field.r#type() == Type::Message && self.has_list(field.type_name()))
        })
    }

    /// Checks that `kind` says of each field of a message whether it is a list, and of what.
    fn assert_covered(&self, name: &str, kind: &Kind, seen: &mut BTreeSet<String>) {
        let mut expected = Vec::new();
        for field in &self.message(name).field {
            let number = u64::try_from(field.number()).unwrap();
            let written = kind.0.iter().find(|(known, _)| *known == number);
            let written = written.map(|(_, written)| written);
            let what = format!("field {number} ({}) of {name}", field.name());
            if self.is_in_limits(field) {
                expected.push(number);
                self.assert_field(field, written, &what, seen);
            }
        }
        let mut numbers: Vec<u64> = kind.0.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        expected.sort_unstable();
        assert_eq!(numbers, expected, "{name}");
    }

    /// Whether a field is a list or holds one.
    fn is_in_limits(&self, field: &FieldDescriptorProto) -> bool {
        field.label() == Label::Repeated
            || (field.r#type() == Type::Message && self.has_list(field.type_name()))
    }

    fn assert_field(
        &self,
        field: &FieldDescriptorProto,
        written: Option<&Field>,
        what: &str,
        seen: &mut BTreeSet<String>,
    ) {
        let repeated = field.label() == Label::Repeated;
        let written = written.unwrap_or_else(|| panic!("no limit on {what}"));
        match (repeated, field.r#type(), written) {
            (true, Type::String | Type::Bytes, Field::Parts)
            | (true, Type::Uint32 | Type::Sint64 | Type::Enum, Field::Numbers) => {}
            (true, Type::Message, Field::Parts) => {
                assert!(!self.has_list(field.type_name()), "{what} holds lists");
            }
            (true, Type::Message, Field::List(inner)) | (false, _, Field::One(inner)) => {
                let name = field.type_name();
                if seen.insert(name.to_owned()) {
                    self.assert_covered(name, inner, seen);
                }
            }
            (_, kind, _) => panic!("{what} is {kind:?}: not as it is written down"),
        }
    }
}

#[test]
fn every_list_of_the_descriptors_has_a_limit() {
    let descriptors = Descriptors::read();
    for (name, kind) in [
        (".socktop.v2.Reply", &REPLY),
        (".socktop.v2.Body", &BODY),
        (".ProcessList", &LIST),
    ] {
        descriptors.assert_covered(name, kind, &mut BTreeSet::new());
    }
}

fn checked(kind: body::Kind) -> Result<(), OverLimit> {
    let body: Body = kind.into();
    check(&body.encode_to_vec(), &BODY)
}

fn with_children(of_first: usize, of_second: usize) -> body::Kind {
    let children = |count| vec![ProcessDetails::default(); count];
    let first = ProcessDetails {
        children: children(of_first),
        ..ProcessDetails::default()
    };
    let second = ProcessDetails {
        children: children(of_second),
        ..ProcessDetails::default()
    };
    body::Kind::Process(ProcessDetails {
        children: vec![first, second],
        ..ProcessDetails::default()
    })
}

#[test]
fn parts_are_counted_at_every_depth() {
    // The two are parts themselves.
    let most = PARTS - 2;
    assert_eq!(checked(with_children(most - 9, 9)), Ok(()));
    assert_eq!(checked(with_children(most - 9, 10)), Err(OverLimit::Parts));
}

#[test]
fn numbers_of_a_delta_are_counted_packed_or_not() {
    let packed = |count| {
        let metrics = MetricsDelta {
            // Two bytes each.
            received_by: vec![200; count],
            ..MetricsDelta::default()
        };
        let delta = Delta {
            kind: Some(delta::Kind::Metrics(metrics)),
            ..Delta::default()
        };
        let payload = Some(reply::Payload::Delta(delta));
        let reply = Reply {
            payload,
            ..Reply::default()
        };
        check(&reply.encode_to_vec(), &REPLY)
    };
    assert_eq!(packed(DELTA_NUMBERS), Ok(()));
    assert_eq!(packed(DELTA_NUMBERS + 1), Err(OverLimit::DeltaNumbers));
    // Field 1 as a number, again and again.
    let one_by_one = |count| check(&[0x08, 0x01].repeat(count), &DISKS_DELTA);
    assert_eq!(one_by_one(DELTA_NUMBERS), Ok(()));
    assert_eq!(one_by_one(DELTA_NUMBERS + 1), Err(OverLimit::DeltaNumbers));
}

#[test]
fn parts_after_a_skipped_group_are_counted() {
    // Field 99 as a group with a field in it, then a list.
    let mut message = vec![0x9b, 0x06, 0x12, 0x00, 0x9c, 0x06];
    message.extend([0x12, 0x00].repeat(PARTS));
    assert_eq!(check(&message, &LIST), Ok(()));
    message.extend([0x12, 0x00]);
    assert_eq!(check(&message, &LIST), Err(OverLimit::Parts));
}

#[test]
fn malformed_message_is_rejected_by_the_decoder() {
    for nonsense in [
        &[0xff; 30][..],
        &[0x12],
        &[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0x14],
        &[0x0d, 1],
    ] {
        assert_eq!(check(nonsense, &LIST), Ok(()));
    }
}

#[test]
fn an_id_is_found_in_a_reply_that_cannot_be_decoded() {
    for (id, frame) in [
        (300, &[0x08, 0xac, 0x02, 0x12, 0x02, 0xff, 0xff][..]),
        // The last one counts, as it does in decoding.
        (2, &[0x08, 0x01, 0x08, 0x02]),
        (5, &[0x12, 0x00, 0x08, 0x05]),
        (0, &[0x12, 0x02, 0x08, 0x05]),
        (0, &[0xff; 9]),
        (0, &[]),
    ] {
        assert_eq!(number_in(frame, 1), id, "{frame:?}");
    }
}
