//! Any details of one process.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use socktop_proto::model::{Process, ProcessDetails, Thread};

use super::processes::process;
use super::{MANY, text, time};

prop_compose! {
    fn thread()(
        tid in any::<u32>(),
        name in text(),
        state in 0..10,
        cpu_user_us in of(any::<u64>()),
        cpu_system_us in of(any::<u64>()),
    ) -> Thread {
        Thread { tid, name, state, cpu_user_us, cpu_system_us }
    }
}

prop_compose! {
    fn one_process()(
        time in of(time()),
        process in of(process()),
        command in vec(text(), 0..4),
        (executable, working_directory) in (of(text()), of(text())),
        ids in any::<(Option<u32>, Option<u32>)>(),
        sizes in any::<[Option<u64>; 7]>(),
        threads in vec(thread(), 0..MANY),
        (children_total, command_cut, unanswered_ms) in any::<(Option<u32>, bool, Option<u32>)>(),
    ) -> ProcessDetails {
        let (group_id, descriptors) = ids;
        let [virtual_bytes, shared_bytes, started_unix_ms, cpu_user_us, cpu_system_us,
            disk_read_bytes, disk_written_bytes] = sizes;
        ProcessDetails {
            time, process, group_id, command, executable, working_directory, virtual_bytes,
            shared_bytes, started_unix_ms, cpu_user_us, cpu_system_us, disk_read_bytes,
            disk_written_bytes, descriptors, threads, children: Vec::new(),
            children_total, command_cut, unanswered_ms,
        }
    }
}

prop_compose! {
    /// Any details, with any of their parts unknown.
    pub fn details()(
        details in one_process(),
        children in vec(one_process(), 0..3),
    ) -> ProcessDetails {
        ProcessDetails { children, ..details }
    }
}

prop_compose! {
    /// Details of a process of which everything could be read.
    pub fn complete_details()(
        details in details(),
        process in process(),
        ids in any::<[u32; 3]>(),
        sizes in any::<[u64; 5]>(),
    ) -> ProcessDetails {
        ProcessDetails {
            process: Some(Process {
                user_id: Some(ids[0]),
                threads: Some(ids[1]),
                resident_bytes: Some(sizes[0]),
                ..process
            }),
            group_id: Some(ids[2]),
            virtual_bytes: Some(sizes[1]),
            started_unix_ms: Some(sizes[2]),
            cpu_user_us: Some(sizes[3]),
            cpu_system_us: Some(sizes[4]),
            ..details
        }
    }
}
