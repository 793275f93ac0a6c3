//! The descriptors of the .proto files, for tests that nothing in them was forgotten.

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// Every message of socktop.proto and processes.proto, by its whole name.
pub(crate) struct Descriptors(Vec<(String, DescriptorProto)>);

impl Descriptors {
    /// Those that this crate was built from.
    pub(crate) fn read() -> Self {
        let encoded = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
        let files = FileDescriptorSet::decode(encoded.as_slice()).unwrap().file;
        let messages = files.into_iter().flat_map(|file| {
            let package = match file.package() {
                "" => String::new(),
                package => format!(".{package}"),
            };
            let named = move |message: DescriptorProto| {
                assert!(message.nested_type.is_empty(), "{}", message.name());
                (format!("{package}.{}", message.name()), message)
            };
            file.message_type.into_iter().map(named)
        });
        Self(messages.collect())
    }

    /// One of them.
    pub(crate) fn message(&self, name: &str) -> &DescriptorProto {
        let found = self.0.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no message {name}")).1
    }

    /// Every field of a message and of the messages within it; those of a message within itself once.
    pub(crate) fn fields(&self, name: &str) -> Vec<FieldPath<'_>> {
        let mut found = Vec::new();
        self.add_fields(name, &FieldPath(Vec::new()), &mut found);
        found
    }

    fn add_fields<'a>(
        &'a self,
        name: &str,
        around: &FieldPath<'a>,
        found: &mut Vec<FieldPath<'a>>,
    ) {
        for field in &self.message(name).field {
            let mut path = around.clone();
            path.0.push(field);
            found.push(path.clone());
            let is_within = around
                .0
                .iter()
                .any(|outer| outer.type_name() == field.type_name());
            if field.r#type() == Type::Message && !is_within {
                self.add_fields(field.type_name(), &path, found);
            }
        }
    }
}

/// A field, after the fields of the messages that it is in, outermost first.
#[derive(Clone)]
pub(crate) struct FieldPath<'a>(Vec<&'a FieldDescriptorProto>);

impl FieldPath<'_> {
    /// The field itself.
    pub(crate) fn field(&self) -> &FieldDescriptorProto {
        self.0.last().unwrap()
    }

    pub(crate) fn is_list(&self) -> bool {
        self.field().label() == Label::Repeated
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self.field().r#type(), Type::String | Type::Bytes)
    }

    /// The names of all, for messages of tests.
    pub(crate) fn name(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|field| field.name()).collect();
        names.join(".")
    }

    /// The encoding of an outermost message in which there is nothing but this field, `count` times with `value`.
    pub(crate) fn encode(&self, value: &[u8], count: usize) -> Vec<u8> {
        let (field, around) = self.0.split_last().unwrap();
        let field = delimited(field, value).repeat(count);
        around
            .iter()
            .rev()
            .fold(field, |inner, outer| delimited(outer, &inner))
    }
}

/// The encoding of a field whose value has a length: a text, a message or a packed list.
pub(crate) fn delimited(field: &FieldDescriptorProto, value: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(value.len() + 10);
    let number = u32::try_from(field.number()).unwrap();
    encode_key(number, WireType::LengthDelimited, &mut encoded);
    encode_varint(value.len() as u64, &mut encoded);
    encoded.extend_from_slice(value);
    encoded
}

/// The encoding of a field whose value is a number or a flag.
pub(crate) fn varint(field: &FieldDescriptorProto, value: u64) -> Vec<u8> {
    let mut encoded = Vec::new();
    let number = u32::try_from(field.number()).unwrap();
    encode_key(number, WireType::Varint, &mut encoded);
    encode_varint(value, &mut encoded);
    encoded
}
