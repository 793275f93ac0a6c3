//! `processes.proto` has the names of the integration guide. The programs of socktop 1.60 were built from other names;
//! both must read each other's bytes.

use proptest::prelude::*;
use prost::Message;
use socktop_proto::legacy::processes::ProcessList;
use socktop_proto::legacy::{decode_processes, encode_processes};

use socktop_testkit::strategies::processes;

/// `socktop.Processes`, as the programs of 1.60 have it.
#[derive(Clone, PartialEq, Message)]
struct Processes {
    #[prost(uint64, tag = "1")]
    process_count: u64,
    #[prost(message, repeated, tag = "2")]
    rows: Vec<Process>,
}

/// `socktop.Process`, as the programs of 1.60 have it.
#[derive(Clone, PartialEq, Message)]
struct Process {
    #[prost(uint32, tag = "1")]
    pid: u32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(float, tag = "3")]
    cpu_usage: f32,
    #[prost(uint64, tag = "4")]
    mem_bytes: u64,
}

proptest! {
    #[test]
    fn names_of_the_programs_and_of_the_guide_are_the_same_bytes(list in processes()) {
        let ours = encode_processes(&list);
        let theirs = Processes::decode(ours.as_slice()).unwrap();
        prop_assert_eq!(theirs.process_count, u64::from(list.total));
        prop_assert_eq!(theirs.rows.len(), list.processes.len());
        for (row, process) in theirs.rows.iter().zip(&list.processes) {
            prop_assert_eq!(row.pid, process.pid);
            prop_assert_eq!(&row.name, &process.name);
            prop_assert_eq!(Some(row.cpu_usage), process.cpu_percent.or(Some(0.0)));
            prop_assert_eq!(row.mem_bytes, process.resident_bytes.unwrap_or(0));
        }
        prop_assert_eq!(&theirs.encode_to_vec(), &ours);

        let read = ProcessList::decode(theirs.encode_to_vec().as_slice()).unwrap();
        prop_assert_eq!(read.encode_to_vec(), ours);
    }

    #[test]
    fn list_of_the_legacy_agent_is_read_whole(list in processes()) {
        let sent = Processes {
            process_count: list.total.into(),
            rows: list.processes.iter().map(|process| Process {
                pid: process.pid,
                name: process.name.clone(),
                cpu_usage: 12.5,
                mem_bytes: 4096,
            }).collect(),
        };
        let read = decode_processes(&sent.encode_to_vec()).unwrap();
        prop_assert_eq!(read.total, list.total);
        prop_assert_eq!(read.processes.len(), list.processes.len());
        for (read, process) in read.processes.iter().zip(&list.processes) {
            prop_assert_eq!(read.pid, process.pid);
            prop_assert_eq!(&read.name, &process.name);
            prop_assert_eq!(read.cpu_percent, Some(12.5));
            prop_assert_eq!(read.resident_bytes, Some(4096));
            // What this format has no field for is unknown, never 0.
            prop_assert_eq!(read.threads, None);
            prop_assert_eq!(read.parent_pid, None);
        }
    }
}
