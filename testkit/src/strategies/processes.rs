//! Any processes.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use socktop_proto::model::{Process, Processes};

use super::{MANY, text, time};

prop_compose! {
    pub(super) fn process()(
        pid in any::<u32>(),
        parent_pid in of(any::<u32>()),
        user_id in of(any::<u32>()),
        user in text(),
        name in text(),
        state in 0..10,
        threads in of(any::<u32>()),
        cpu_percent in of(any::<f32>()),
        resident_bytes in of(any::<u64>()),
        started_boot_ms in of(any::<u64>()),
        nice in of(any::<i32>()),
    ) -> Process {
        Process {
            pid, parent_pid, user_id, user, name, state, threads, cpu_percent, resident_bytes,
            started_boot_ms, nice,
        }
    }
}

prop_compose! {
    /// Any list of processes.
    pub fn processes()(
        time in of(time()),
        processes in vec(process(), 0..4 * MANY),
        total in any::<u32>(),
        window_ms in of(any::<u32>()),
        others_hidden in any::<bool>(),
    ) -> Processes {
        Processes { time, processes, total, window_ms, others_hidden }
    }
}
