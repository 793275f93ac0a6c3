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
    let mut delta = MetricsDelta {
        load: changed(*load, new.load)?,
        ..MetricsDelta::default()
    };
    if *hostname != new.hostname {
        return None;
    }
    match (cpu, &new.cpu) {
        (Some(old), Some(new)) => cpu_between(old, new, &mut delta)?,
        (None, None) => {}
        _ => return None,
    }
    match (memory, &new.memory) {
        (Some(old), Some(new)) => memory_between(old, new, &mut delta)?,
        (None, None) => {}
        _ => return None,
    }
    match (swap, &new.swap) {
        (Some(old), Some(new)) => swap_between(old, new, &mut delta)?,
        (None, None) => {}
        _ => return None,
    }
    interfaces_between(interfaces, &new.interfaces, &mut delta)?;
    if *gpus != new.gpus {
        if new.gpus.is_empty() {
            return None;
        }
        delta.gpus.clone_from(&new.gpus);
    }
    Some(delta)
}

fn cpu_between(old: &Cpu, new: &Cpu, delta: &mut MetricsDelta) -> Option<()> {
    let Cpu {
        total_percent,
        cores,
        window_ms,
        temperature_celsius,
    } = old;
    delta.window_ms = changed(*window_ms, new.window_ms)?;
    delta.cpu_temperature_celsius = changed(*temperature_celsius, new.temperature_celsius)?;
    delta.cpu_thousandths = match changed(*total_percent, new.total_percent)? {
        Some(percent) => Some(thousandths(percent)?),
        None => None,
    };
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
    if *cores != new.cores {
        let all = new.cores.iter().map(|core| thousandths(core.percent));
        delta.core_thousandths = all.collect::<Option<_>>()?;
    }
    Some(())
}

fn memory_between(old: &Memory, new: &Memory, delta: &mut MetricsDelta) -> Option<()> {
    delta.available_by = by_known(old.available_bytes, new.available_bytes)?;
    delta.cache_by = by_known(old.cache_bytes, new.cache_bytes)?;
    // A delta has no numbers for the rest: it must follow from these.
    let mut applied = *old;
    apply_memory(&mut applied, delta.available_by, delta.cache_by);
    (applied == *new).then_some(())
}

fn apply_memory(memory: &mut Memory, available_by: i64, cache_by: i64) {
    add(&mut memory.available_bytes, available_by);
    add(&mut memory.used_bytes, available_by.wrapping_neg());
    add(&mut memory.cache_bytes, cache_by);
}

fn swap_between(old: &Swap, new: &Swap, delta: &mut MetricsDelta) -> Option<()> {
    let Swap {
        total_bytes,
        used_bytes,
    } = old;
    delta.swap_used_by = by_known(*used_bytes, new.used_bytes)?;
    (*total_bytes == new.total_bytes).then_some(())
}

fn interfaces_between(
    old: &[Interface],
    new: &[Interface],
    delta: &mut MetricsDelta,
) -> Option<()> {
    if old.len() != new.len() {
        return None;
    }
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
    delta.interface_at = indices.into_vec();
    Some(())
}

pub(super) fn apply(mut metrics: Metrics, delta: MetricsDelta) -> Result<Metrics, DeltaError> {
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
    if let Some(cpu) = &mut metrics.cpu {
        cpu.window_ms = window_ms.or(cpu.window_ms);
        cpu.temperature_celsius = cpu_temperature_celsius.or(cpu.temperature_celsius);
        cpu.total_percent = cpu_thousandths.map(from_thousandths).or(cpu.total_percent);
        apply_cores(&mut cpu.cores, &core_thousandths)?;
    }
    if let Some(memory) = &mut metrics.memory {
        apply_memory(memory, available_by, cache_by);
    }
    if let Some(swap) = &mut metrics.swap {
        add(&mut swap.used_bytes, swap_used_by);
    }
    metrics.load = load.or(metrics.load);
    let interfaces = &mut metrics.interfaces;
    change(interfaces, &interface_at, &received_by, |interface, by| {
        interface.received_bytes = interface.received_bytes.wrapping_add_signed(by);
    })?;
    change(
        interfaces,
        &interface_at,
        &transmitted_by,
        |interface, by| {
            interface.transmitted_bytes = interface.transmitted_bytes.wrapping_add_signed(by);
        },
    )?;
    if !gpus.is_empty() {
        metrics.gpus = gpus;
    }
    Ok(metrics)
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
