//! The model of a host: generated from `socktop.proto`, where every field is described.

#![allow(missing_docs, clippy::pedantic, clippy::large_enum_variant)]

include!(concat!(env!("OUT_DIR"), "/socktop.v2.rs"));

impl Error {
    /// An error reply.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

impl From<body::Kind> for Body {
    fn from(kind: body::Kind) -> Self {
        Self { kind: Some(kind) }
    }
}

impl From<Error> for Body {
    fn from(error: Error) -> Self {
        body::Kind::Error(error).into()
    }
}
