//! What an agent may send and a client takes: one set of limits for both.
//!
//! An agent that has more to say answers with an error that says so. A client that is sent more ends that answer, not
//! the connection.

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
