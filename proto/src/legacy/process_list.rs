//! The process list: protobuf, as `processes.proto` has it.

use prost::Message;

use super::processes;
use crate::model;

/// Encodes a process list as `processes.proto` has it. Its format knows no "unknown": such a
/// number is left out, which readers see as 0.
#[must_use]
pub fn encode_processes(list: &model::Processes) -> Vec<u8> {
    processes::ProcessList {
        process_count: list.total,
        processes: list
            .processes
            .iter()
            .map(|process| processes::Process {
                pid: process.pid,
                name: process.name.clone(),
                cpu_usage: process.cpu_percent.unwrap_or_default(),
                mem_bytes: process.resident_bytes.unwrap_or_default(),
            })
            .collect(),
    }
    .encode_to_vec()
}

/// Decodes a process list.
///
/// # Errors
/// Where `data` is not a `ProcessList`.
pub fn decode_processes(data: &[u8]) -> Result<model::Processes, prost::DecodeError> {
    let list = processes::ProcessList::decode(data)?;
    Ok(model::Processes {
        processes: list
            .processes
            .into_iter()
            .map(|process| model::Process {
                pid: process.pid,
                name: process.name,
                cpu_percent: Some(process.cpu_usage),
                resident_bytes: Some(process.mem_bytes),
                ..model::Process::default()
            })
            .collect(),
        total: list.process_count,
        ..model::Processes::default()
    })
}
