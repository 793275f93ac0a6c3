//! Deltas of the metrics.

use super::{DeltaError, add, by, by_known, changed};
use crate::delta::index_deltas::{IndexDeltas, change};
use crate::model::{Core, Cpu, Interface, Memory, Metrics, MetricsDelta, Swap};
use crate::percent::{from_thousandths, thousandths};

pub(super) fn between(old: &Metrics, new: &Metrics) -> Option<MetricsDelta> {
    let Metrics {
        // Every kind of delta has it.
        time: _,
        hostname,
        cpu,
        memory,
        swap,
        load,
        interfaces,
        gpus,
    } = old;
    if *hostname != new.hostname || (*gpus != new.gpus && new.gpus.is_empty()) {
        return None;
    }
    let cpu = between_known(cpu.as_ref(), new.cpu.as_ref(), cpu_between)?;
    let memory = between_known(memory.as_ref(), new.memory.as_ref(), memory_between)?;
    let interfaces = interfaces_between(interfaces, &new.interfaces)?;
    Some(MetricsDelta {
        window_ms: cpu.window_ms,
        cpu_thousandths: cpu.total_thousandths,
        core_thousandths: cpu.core_thousandths,
        cpu_temperature_celsius: cpu.temperature_celsius,
        available_by: memory.available_by,
        cache_by: memory.cache_by,
        swap_used_by: between_known(swap.as_ref(), new.swap.as_ref(), swap_used_between)?,
        load: changed(*load, new.load)?,
        interface_at: interfaces.at,
        received_by: interfaces.received_by,
        transmitted_by: interfaces.transmitted_by,
        gpus: if *gpus == new.gpus {
            Vec::new()
        } else {
            new.gpus.clone()
        },
    })
}

/// The delta of a part, empty where the part is unknown before and after; `None` where it has become known or unknown.
fn between_known<T, D: Default>(
    old: Option<&T>,
    new: Option<&T>,
    between: fn(&T, &T) -> Option<D>,
) -> Option<D> {
    match (old, new) {
        (Some(old), Some(new)) => between(old, new),
        (None, None) => Some(D::default()),
        _ => None,
    }
}

/// What a delta says of [`Cpu`].
#[derive(Default)]
struct CpuDelta {
    window_ms: Option<u32>,
    total_thousandths: Option<u32>,
    core_thousandths: Vec<u32>,
    temperature_celsius: Option<f32>,
}

fn cpu_between(old: &Cpu, new: &Cpu) -> Option<CpuDelta> {
    let Cpu {
        total_percent,
        cores,
        window_ms,
        temperature_celsius,
    } = old;
    let is_same = |old: &Core, new: &Core| {
        // A delta has numbers for the percentages.
        let Core { index, percent: _ } = old;
        *index == new.index
    };
    let same_cores = cores.len() == new.cores.len()
        && std::iter::zip(cores, &new.cores).all(|(old, new)| is_same(old, new));
    if !same_cores {
        return None;
    }
    Some(CpuDelta {
        window_ms: changed(*window_ms, new.window_ms)?,
        total_thousandths: match changed(*total_percent, new.total_percent)? {
            Some(percent) => Some(thousandths(percent)?),
            None => None,
        },
        core_thousandths: if *cores == new.cores {
            Vec::new()
        } else {
            let all = new.cores.iter().map(|core| thousandths(core.percent));
            all.collect::<Option<_>>()?
        },
        temperature_celsius: changed(*temperature_celsius, new.temperature_celsius)?,
    })
}

/// What a delta says of [`Memory`].
#[derive(Default)]
struct MemoryDelta {
    available_by: i64,
    cache_by: i64,
}

impl MemoryDelta {
    fn apply(&self, memory: &mut Memory) {
        let Memory {
            total_bytes: _,
            used_bytes,
            available_bytes,
            cache_bytes,
        } = memory;
        add(available_bytes, self.available_by);
        add(used_bytes, self.available_by.wrapping_neg());
        add(cache_bytes, self.cache_by);
    }
}

fn memory_between(old: &Memory, new: &Memory) -> Option<MemoryDelta> {
    let delta = MemoryDelta {
        available_by: by_known(old.available_bytes, new.available_bytes)?,
        cache_by: by_known(old.cache_bytes, new.cache_bytes)?,
    };
    // A delta has no numbers for the rest: it must follow from these.
    let mut applied = *old;
    delta.apply(&mut applied);
    (applied == *new).then_some(delta)
}

/// What is to be added to the swap space in use.
fn swap_used_between(old: &Swap, new: &Swap) -> Option<i64> {
    let Swap {
        total_bytes,
        used_bytes,
    } = old;
    let used_by = by_known(*used_bytes, new.used_bytes)?;
    (*total_bytes == new.total_bytes).then_some(used_by)
}

/// What a delta says of the interfaces.
#[derive(Default)]
struct InterfacesDelta {
    at: Vec<u32>,
    received_by: Vec<i64>,
    transmitted_by: Vec<i64>,
}

fn interfaces_between(old: &[Interface], new: &[Interface]) -> Option<InterfacesDelta> {
    if old.len() != new.len() {
        return None;
    }
    let mut delta = InterfacesDelta::default();
    let mut indices = IndexDeltas::default();
    for (index, (old, new)) in std::iter::zip(old, new).enumerate() {
        let Interface {
            name,
            received_bytes,
            transmitted_bytes,
        } = old;
        if *name != new.name {
            return None;
        }
        if old != new {
            indices.push(index)?;
            let received = by(*received_bytes, new.received_bytes);
            delta.received_by.push(received);
            let transmitted = by(*transmitted_bytes, new.transmitted_bytes);
            delta.transmitted_by.push(transmitted);
        }
    }
    delta.at = indices.into_vec();
    Some(delta)
}

pub(super) fn apply(metrics: &mut Metrics, delta: &MetricsDelta) -> Result<(), DeltaError> {
    let MetricsDelta {
        window_ms,
        cpu_thousandths,
        core_thousandths,
        cpu_temperature_celsius,
        available_by,
        cache_by,
        swap_used_by,
        load,
        interface_at,
        received_by,
        transmitted_by,
        gpus,
    } = delta;
    let Metrics {
        // Every kind of delta has it.
        time: _,
        hostname: _,
        cpu,
        memory,
        swap,
        load: known_load,
        interfaces,
        gpus: known_gpus,
    } = metrics;
    if let Some(Cpu {
        total_percent,
        cores,
        window_ms: known_window_ms,
        temperature_celsius,
    }) = cpu
    {
        *known_window_ms = window_ms.or(*known_window_ms);
        *temperature_celsius = cpu_temperature_celsius.or(*temperature_celsius);
        *total_percent = cpu_thousandths.map(from_thousandths).or(*total_percent);
        apply_cores(cores, core_thousandths)?;
    }
    if let Some(memory) = memory {
        let delta = MemoryDelta {
            available_by: *available_by,
            cache_by: *cache_by,
        };
        delta.apply(memory);
    }
    if let Some(Swap {
        total_bytes: _,
        used_bytes,
    }) = swap
    {
        add(used_bytes, *swap_used_by);
    }
    *known_load = load.or(*known_load);
    change(interfaces, interface_at, received_by, |interface, by| {
        interface.received_bytes = interface.received_bytes.wrapping_add_signed(by);
    })?;
    change(interfaces, interface_at, transmitted_by, |interface, by| {
        interface.transmitted_bytes = interface.transmitted_bytes.wrapping_add_signed(by);
    })?;
    if !gpus.is_empty() {
        known_gpus.clone_from(gpus);
    }
    Ok(())
}

/// Applies the percentages of all cores, where there are any.
fn apply_cores(cores: &mut [Core], thousandths: &[u32]) -> Result<(), DeltaError> {
    if thousandths.is_empty() {
        return Ok(());
    }
    if thousandths.len() != cores.len() {
        return Err(DeltaError::Length);
    }
    for (core, count) in cores.iter_mut().zip(thousandths) {
        core.percent = from_thousandths(*count);
    }
    Ok(())
}
