//! Any disks.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use socktop_proto::model::{Disk, Disks};

use super::{MANY, text, time};

prop_compose! {
    fn disk()(
        name in text(),
        mount_point in of(text()),
        file_system in of(text()),
        total_bytes in of(any::<u64>()),
        used_bytes in of(any::<u64>()),
        available_bytes in of(any::<u64>()),
        state in 0..5,
        read_only in of(any::<bool>()),
        sizes_boot_ms in of(any::<u64>()),
    ) -> Disk {
        Disk {
            name, mount_point, file_system, total_bytes, used_bytes, available_bytes, state, read_only,
            sizes_boot_ms,
        }
    }
}

prop_compose! {
    /// Any list of disks.
    pub fn disks()(time in of(time()), disks in vec(disk(), 0..MANY), not_listed in of(any::<u32>())) -> Disks {
        Disks { time, disks, not_listed }
    }
}
