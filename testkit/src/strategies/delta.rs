//! Any delta, whether it belongs to a sample or not.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use socktop_proto::model::{Delta, DisksDelta, Load, MetricsDelta, ProcessesDelta, delta};

use super::MANY;
use super::metrics::gpu;
use super::processes::process;

prop_compose! {
    fn indices()(indices in vec(any::<u32>(), 0..MANY), by in vec(any::<i64>(), 0..MANY)) -> (Vec<u32>, Vec<i64>) {
        (indices, by)
    }
}

prop_compose! {
    fn metrics_delta()(
        window_ms in of(any::<u32>()),
        cpu_thousandths in of(any::<u32>()),
        core_thousandths in vec(any::<u32>(), 0..MANY),
        cpu_temperature_celsius in of(any::<f32>()),
        [available_by, cache_by, swap_used_by] in any::<[i64; 3]>(),
        load in of(any::<[f32; 3]>()),
        (interface_at, received_by) in indices(),
        transmitted_by in vec(any::<i64>(), 0..MANY),
        gpus in vec(gpu(), 0..3),
    ) -> MetricsDelta {
        MetricsDelta {
            window_ms, cpu_thousandths, core_thousandths, cpu_temperature_celsius, available_by, cache_by,
            swap_used_by, interface_at, received_by, transmitted_by, gpus,
            load: load.map(|[one, five, fifteen]| Load { one, five, fifteen }),
        }
    }
}

prop_compose! {
    fn disks_delta()((disk_at, used_by) in indices(), available_by in vec(any::<i64>(), 0..MANY)) -> DisksDelta {
        DisksDelta { disk_at, used_by, available_by }
    }
}

prop_compose! {
    fn processes_delta()(
        window_ms in of(any::<u32>()),
        ended_at in vec(any::<u32>(), 0..MANY),
        processes in vec(process(), 0..MANY),
        (cpu_at, _) in indices(),
        cpu_thousandths in vec(any::<u32>(), 0..MANY),
        (resident_at, resident_by) in indices(),
        (state_at, threads_by) in indices(),
        states in vec(0..10, 0..MANY),
        threads_at in vec(any::<u32>(), 0..MANY),
    ) -> ProcessesDelta {
        ProcessesDelta {
            window_ms, ended_at, processes, cpu_at, cpu_thousandths, resident_at, resident_by, state_at, states,
            threads_at, threads_by,
        }
    }
}

prop_compose! {
    /// Any delta.
    pub fn delta()(
        elapsed_ms in any::<u32>(),
        wall_by_ms in any::<i64>(),
        kind in prop_oneof![
            metrics_delta().prop_map(delta::Kind::Metrics),
            disks_delta().prop_map(delta::Kind::Disks),
            processes_delta().prop_map(delta::Kind::Processes),
        ],
    ) -> Delta {
        Delta { elapsed_ms, wall_by_ms, kind: Some(kind) }
    }
}
