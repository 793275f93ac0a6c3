//! The messages of socktop 1.60, and how the model maps to
//! them: shared by the [`text`](crate::dialect::text) and [`json`](crate::dialect::json) dialects.
//!
//! These shapes require numbers that the model may not know. Where a required number is unknown the
//! whole reply becomes an error: a reader of these dialects cannot distinguish a made-up 0 from a real one.

#![allow(missing_docs, clippy::pedantic)] // The fields are described in wire documents and by their names.

mod at_most;
mod details;
mod disks;
mod journal;
mod metrics;
mod process_list;

use serde::{Deserialize, Serialize};

pub use details::{ProcessDetails, ProcessReply, Thread};
pub use disks::{Disk, DiskList, disks, disks_model};
pub use journal::{Journal, JournalEntry};
pub use metrics::{Gpu, Metrics, Network};
pub use process_list::{decode_processes, encode_processes};

use crate::model::{self, ErrorCode, SampleTime};

/// `ProcessList` and `Process` of `processes.proto`.
pub mod processes {
    include!(concat!(env!("OUT_DIR"), "/_.rs"));
}

/// The reply to anything that went wrong.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErrorReply {
    pub error: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The request's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

fn required<T>(value: Option<T>, what: &str) -> Result<T, model::Error> {
    value.ok_or_else(|| {
        model::Error::new(
            ErrorCode::Unavailable,
            format!("{what} is unknown on this host, and this dialect cannot say so"),
        )
    })
}

fn unix_ms(time: Option<SampleTime>) -> u64 {
    time.map_or(0, |time| time.unix_ms)
}
