//! Any metrics.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use socktop_proto::model::{Core, Cpu, Gpu, Interface, Load, Memory, Metrics, Swap};

use super::{MANY, text, time};

prop_compose! {
    fn cpu()(
        total_percent in of(any::<f32>()),
        cores in vec((any::<u32>(), any::<f32>()), 0..MANY),
        window_ms in of(any::<u32>()),
        temperature_celsius in of(any::<f32>()),
    ) -> Cpu {
        let cores = cores.into_iter().map(|(index, percent)| Core { index, percent }).collect();
        Cpu { total_percent, cores, window_ms, temperature_celsius }
    }
}

prop_compose! {
    fn memory()(
        total_bytes in of(any::<u64>()),
        used_bytes in of(any::<u64>()),
        available_bytes in of(any::<u64>()),
        cache_bytes in of(any::<u64>()),
    ) -> Memory {
        Memory { total_bytes, used_bytes, available_bytes, cache_bytes }
    }
}

prop_compose! {
    pub(super) fn gpu()(
        name in text(),
        usage_percent in of(any::<f32>()),
        memory_used_bytes in of(any::<u64>()),
        memory_total_bytes in of(any::<u64>()),
        temperature_celsius in of(any::<f32>()),
    ) -> Gpu {
        Gpu { name, usage_percent, memory_used_bytes, memory_total_bytes, temperature_celsius }
    }
}

prop_compose! {
    fn interface()(
        name in text(),
        received_bytes in any::<u64>(),
        transmitted_bytes in any::<u64>(),
    ) -> Interface {
        Interface { name, received_bytes, transmitted_bytes }
    }
}

prop_compose! {
    /// Any metrics, with any of their parts unknown.
    pub fn metrics()(
        time in of(time()),
        hostname in text(),
        cpu in of(cpu()),
        memory in of(memory()),
        swap in of((of(any::<u64>()), of(any::<u64>()))),
        load in of(any::<[f32; 3]>()),
        interfaces in vec(interface(), 0..MANY),
        gpus in vec(gpu(), 0..3),
    ) -> Metrics {
        Metrics {
            time,
            hostname,
            cpu,
            memory,
            swap: swap.map(|(total_bytes, used_bytes)| Swap { total_bytes, used_bytes }),
            load: load.map(|[one, five, fifteen]| Load { one, five, fifteen }),
            interfaces,
            gpus,
        }
    }
}

prop_compose! {
    /// Metrics of a host on which everything could be read: what the older dialects can carry.
    pub fn complete_metrics()(
        metrics in metrics(),
        cpu in cpu(),
        total_percent in any::<f32>(),
        memory in any::<[u64; 2]>(),
        swap in any::<[u64; 2]>(),
    ) -> Metrics {
        Metrics {
            cpu: Some(Cpu { total_percent: Some(total_percent), ..cpu }),
            memory: Some(Memory {
                total_bytes: Some(memory[0]),
                used_bytes: Some(memory[1]),
                // These dialects have no words for them.
                available_bytes: None,
                cache_bytes: None,
            }),
            swap: Some(Swap { total_bytes: Some(swap[0]), used_bytes: Some(swap[1]) }),
            ..metrics
        }
    }
}
