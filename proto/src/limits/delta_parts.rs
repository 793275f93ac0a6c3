//! The lists of a delta. It is taken apart field by field, so that a list that is added does not compile before it is named
//! here; the tests compare the limits with the descriptors.

use crate::model::{Delta, DisksDelta, Gpu, MetricsDelta, Process, ProcessesDelta, delta};

/// The lists of a delta.
#[derive(Default)]
pub(super) struct DeltaParts<'a> {
    /// How many numbers there are in all lists of numbers.
    pub(super) numbers: usize,
    /// The memory that all lists have reserved.
    pub(super) list_bytes: usize,
    pub(super) gpus: &'a [Gpu],
    pub(super) processes: &'a [Process],
}

impl<'a> DeltaParts<'a> {
    pub(super) fn of(delta: &'a Delta) -> Self {
        let Delta {
            elapsed_ms: _,
            wall_by_ms: _,
            kind,
        } = delta;
        let mut parts = Self::default();
        match kind {
            None => {}
            Some(delta::Kind::Metrics(MetricsDelta {
                window_ms: _,
                cpu_thousandths: _,
                core_thousandths,
                cpu_temperature_celsius: _,
                available_by: _,
                cache_by: _,
                swap_used_by: _,
                load: _,
                interface_at,
                received_by,
                transmitted_by,
                gpus,
            })) => {
                parts.add(core_thousandths);
                parts.add(interface_at);
                parts.add(received_by);
                parts.add(transmitted_by);
                parts.gpus = gpus;
                parts.list_bytes += reserved_bytes(gpus);
            }
            Some(delta::Kind::Disks(DisksDelta {
                disk_at,
                used_by,
                available_by,
            })) => {
                parts.add(disk_at);
                parts.add(used_by);
                parts.add(available_by);
            }
            Some(delta::Kind::Processes(ProcessesDelta {
                window_ms: _,
                ended_at,
                processes,
                cpu_at,
                cpu_thousandths,
                resident_at,
                resident_by,
                state_at,
                states,
                threads_at,
                threads_by,
            })) => {
                parts.add(ended_at);
                parts.add(cpu_at);
                parts.add(cpu_thousandths);
                parts.add(resident_at);
                parts.add(resident_by);
                parts.add(state_at);
                parts.add(states);
                parts.add(threads_at);
                parts.add(threads_by);
                parts.processes = processes;
                parts.list_bytes += reserved_bytes(processes);
            }
        }
        parts
    }

    fn add<T>(&mut self, numbers: &Vec<T>) {
        self.numbers = self.numbers.saturating_add(numbers.len());
        self.list_bytes += reserved_bytes(numbers);
    }
}

fn reserved_bytes<T>(list: &Vec<T>) -> usize {
    list.capacity() * size_of::<T>()
}
