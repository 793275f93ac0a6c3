//! A change of any field that the descriptors have is in a delta, or there is no delta.

use prost::Message;
use prost_types::FieldDescriptorProto;
use prost_types::field_descriptor_proto::{Label, Type};

use super::{applied, in_fields};
use crate::delta::between;
use crate::descriptors::{Descriptors, delimited, varint};
use crate::field_ids::ProcessField;
use crate::model::{Body, Disks, Metrics, Processes, body};
use crate::process_fields::Fields;

/// A message in which every field has a value, and messages that differ from it in one field each, by its name.
struct Encodings {
    usual: Vec<u8>,
    others: Vec<(String, Vec<u8>)>,
}

impl Encodings {
    fn of(descriptors: &Descriptors, message: &str) -> Self {
        let fields = &descriptors.message(message).field;
        let values: Vec<FieldValues> = fields
            .iter()
            .map(|field| FieldValues::of(descriptors, field))
            .collect();
        let with = |changed: usize, value: &[u8]| {
            let each = values.iter().enumerate();
            let each = each.map(|(index, field)| {
                if index == changed {
                    value
                } else {
                    field.usual.as_slice()
                }
            });
            each.collect::<Vec<_>>().concat()
        };
        let others = values.iter().enumerate().flat_map(|(index, field)| {
            let changed = field.others.iter();
            changed.map(move |(name, value)| (name.clone(), with(index, value)))
        });
        Self {
            usual: with(usize::MAX, b""),
            others: others.collect(),
        }
    }
}

/// The encoding of a field in the usual message, and those in others.
struct FieldValues {
    usual: Vec<u8>,
    others: Vec<(String, Vec<u8>)>,
}

impl FieldValues {
    fn of(descriptors: &Descriptors, field: &FieldDescriptorProto) -> Self {
        let name = field.name().to_owned();
        let absent = (name.clone(), Vec::new());
        let (usual, mut others) = match field.r#type() {
            Type::Message => {
                let inner = Encodings::of(descriptors, field.type_name());
                let others = inner
                    .others
                    .iter()
                    .map(|(inner, encoded)| (format!("{name}.{inner}"), delimited(field, encoded)));
                (delimited(field, &inner.usual), others.collect())
            }
            Type::String => (
                delimited(field, b"one"),
                vec![(name.clone(), delimited(field, b"two"))],
            ),
            Type::Float => (
                float(field, 1.0),
                // The second one is no number of thousandths.
                vec![
                    (name.clone(), float(field, 2.0)),
                    (name.clone(), float(field, 33.333_332)),
                ],
            ),
            Type::Uint32 | Type::Uint64 | Type::Sint32 | Type::Enum | Type::Bool => {
                (varint(field, 1), vec![(name.clone(), varint(field, 2))])
            }
            other => panic!("no values for {other:?}, as {name} has"),
        };
        if field.label() == Label::Repeated {
            others.push((format!("{name}, one more"), usual.repeat(2)));
        }
        others.push(absent);
        Self { usual, others }
    }
}

fn float(field: &FieldDescriptorProto, value: f32) -> Vec<u8> {
    let mut encoded = Vec::new();
    let number = u32::try_from(field.number()).unwrap();
    prost::encoding::float::encode(number, &value, &mut encoded);
    encoded
}

/// Compares the usual message with each of the others; gives the names of the fields for which there were deltas.
fn assert_every_change_arrives(message: &str, decode: fn(&[u8]) -> body::Kind) -> Vec<String> {
    let descriptors = Descriptors::read();
    let encodings = Encodings::of(&descriptors, &format!(".socktop.v2.{message}"));
    let old: Body = decode(&encodings.usual).into();
    let mut in_deltas = Vec::new();
    for (name, encoded) in &encodings.others {
        let new: Body = decode(encoded).into();
        let one_field = ProcessField::MODEL.iter().map(|field| Fields::of(*field));
        for fields in std::iter::once(Fields::ALL).chain(one_field) {
            let fields = fields | Fields::PID;
            if let Some(delta) = between(&old, &new, fields) {
                let applied = applied(in_fields(&old, fields), &delta).unwrap();
                assert_eq!(applied, in_fields(&new, fields), "{message}.{name}");
                in_deltas.push(name.clone());
            }
        }
    }
    in_deltas.dedup();
    in_deltas
}

#[test]
fn change_of_any_field_of_metrics_arrives() {
    let in_deltas = assert_every_change_arrives("Metrics", |encoded| {
        body::Kind::Metrics(Metrics::decode(encoded).unwrap())
    });
    assert!(in_deltas.iter().any(|name| name == "cpu.total_percent"));
}

#[test]
fn change_of_any_field_of_disks_arrives() {
    let in_deltas = assert_every_change_arrives("Disks", |encoded| {
        body::Kind::Disks(Disks::decode(encoded).unwrap())
    });
    assert!(in_deltas.iter().any(|name| name == "disks.used_bytes"));
}

#[test]
fn change_of_any_field_of_processes_arrives() {
    let in_deltas = assert_every_change_arrives("Processes", |encoded| {
        body::Kind::Processes(Processes::decode(encoded).unwrap())
    });
    assert!(in_deltas.iter().any(|name| name == "processes.threads"));
}
