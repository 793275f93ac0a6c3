//! The descriptors of the .proto files, for tests that nothing in them was forgotten.

use prost::Message;
use prost_types::{DescriptorProto, FileDescriptorSet};

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
}
