//! Limits on what an agent sends and a client takes: one set for both.
//!
//! An agent that has more to say answers with an error that says so. A client that is sent more ends that answer, not
//! the connection.

mod delta_parts;
mod held;
mod lists;
#[cfg(test)]
mod tests;
mod texts;
mod walk;

pub use held::{delta_held_bytes, held_bytes};
pub use lists::{check, check_delta};
use prost::Message;
pub use texts::cut_texts;

use crate::model::Body;

/// Largest WebSocket message with a reply, in bytes, as it is sent (packed where it is packed).
pub const MESSAGE_BYTES: usize = 4 << 20;

/// Largest body of a reply, in bytes, when unpacked: protobuf in the native dialect, JSON or a process list in the
/// others. 100,000 processes with names of ordinary length take 6 MB.
pub const BODY_BYTES: usize = 8 << 20;

/// Most parts (processes, cores, threads, words of a command…) that a reply may have, at every depth together.
pub const PARTS: usize = 1 << 17;

/// Most CPUs in one answer: Linux' own limit.
pub const CORES: usize = 8192;

/// Most network interfaces in one answer.
pub const INTERFACES: usize = 4096;

/// Most GPUs in one answer.
pub const GPUS: usize = 256;

/// Most temperature sensors in one answer.
pub const SENSORS: usize = 256;

/// Most mounted file systems in one answer.
pub const DISKS: usize = 16_384;

/// Most threads in the details of a process.
pub const THREADS: usize = 32_768;

/// Most children in the details of a process.
pub const CHILDREN: usize = 8192;

/// Most lines of the journal in one answer.
pub const JOURNAL_ENTRIES: usize = 8192;

/// Most words of one command line. A client cuts what is longer.
pub const COMMAND_WORDS: usize = 4096;

/// Bytes of all words of one command line. A client cuts what is longer.
pub const COMMAND_BYTES: usize = 64 << 10;

/// Bytes of a name of anything (a program, a user, a host, an interface, a unit): the kernel's longest file name. A
/// client cuts what is longer.
pub const NAME_BYTES: usize = 255;

/// Bytes of a path: the kernel's longest. A client cuts what is longer.
pub const PATH_BYTES: usize = 4096;

/// Bytes of a text that is meant to be read: a line of the journal, an error. A client cuts what is longer.
pub const TEXT_BYTES: usize = 16 << 10;

/// Most numbers in the lists of one delta: the numbers of [`PARTS`] processes.
pub const DELTA_NUMBERS: usize = 9 * PARTS;

/// Most memory that the answers of one agent may take in a client, in bytes: the last one of every kind, and those that
/// deltas build on. Beside it there are two answers on their way to the screen, one that is decoded, and the
/// histories (see docs/security.md).
pub const HELD_BYTES: usize = 64 << 20;

/// An answer beyond a limit. Its words follow "the answer".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OverLimit {
    /// More than [`PARTS`], in all lists together.
    #[error("has more than {PARTS} parts")]
    Parts,
    /// More than [`DELTA_NUMBERS`].
    #[error("changes more than {DELTA_NUMBERS} numbers")]
    DeltaNumbers,
    /// More in one list than its limit.
    #[error("has more than {most} {of}")]
    List {
        /// What is in the list.
        of: &'static str,
        /// The list's limit.
        most: usize,
    },
    /// More than [`BODY_BYTES`].
    #[error("has {bytes} bytes, {BODY_BYTES} are the limit")]
    Body {
        /// Bytes of the body, unpacked.
        bytes: usize,
    },
    /// More than [`MESSAGE_BYTES`].
    #[error("makes a message of {bytes} bytes, {MESSAGE_BYTES} are the limit")]
    Message {
        /// Bytes of the message, as it would be sent.
        bytes: usize,
    },
    /// With what is held already, more than [`HELD_BYTES`].
    #[error("makes the data of this agent larger than {HELD_BYTES} bytes")]
    Held,
}

/// Checks a body's lists and its size.
///
/// # Errors
/// As [`check`] and [`check_body_bytes`].
pub fn check_with_bytes(body: &Body) -> Result<(), OverLimit> {
    check(body)?;
    check_body_bytes(body.encoded_len())
}

/// Checks a body's size in bytes.
///
/// # Errors
/// Where it is beyond [`BODY_BYTES`].
pub fn check_body_bytes(bytes: usize) -> Result<(), OverLimit> {
    if bytes > BODY_BYTES {
        return Err(OverLimit::Body { bytes });
    }
    Ok(())
}

/// Checks a message's size in bytes.
///
/// # Errors
/// Where it is beyond [`MESSAGE_BYTES`].
pub fn check_message_bytes(bytes: usize) -> Result<(), OverLimit> {
    if bytes > MESSAGE_BYTES {
        return Err(OverLimit::Message { bytes });
    }
    Ok(())
}
