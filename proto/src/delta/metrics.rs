//! Metrics as changes.

use super::{DeltaError, add, by, by_known, told};
use crate::delta::index_deltas::{Places, change};
use crate::model::{Core, Cpu, Interface, Memory, Metrics, MetricsChanges, Swap};
use crate::percent::{from_thousandths, thousandths};

pub(super) fn changes(old: &Metrics, new: &Metrics) -> Option<MetricsChanges> {
    let Metrics {
        // The time is told for every kind alike.
        time: _,
        hostname,
        cpu,
        memory,
        swap,
        load,
        interfaces,
        gpus,
    } = old;
    let mut changes = MetricsChanges {
        load: told(*load, new.load)?,
        ..MetricsChanges::default()
    };
    if *hostname != new.hostname {
        return None;
    }
    match (cpu, &new.cpu) {
        (Some(old), Some(new)) => cpu_changes(old, new, &mut changes)?,
        (None, None) => {}
        _ => return None,
    }
    match (memory, &new.memory) {
        (Some(old), Some(new)) => memory_changes(old, new, &mut changes)?,
        (None, None) => {}
        _ => return None,
    }
    match (swap, &new.swap) {
        (Some(old), Some(new)) => swap_changes(old, new, &mut changes)?,
        (None, None) => {}
        _ => return None,
    }
    interface_changes(interfaces, &new.interfaces, &mut changes)?;
    if *gpus != new.gpus {
        if new.gpus.is_empty() {
            return None;
        }
        changes.gpus.clone_from(&new.gpus);
    }
    Some(changes)
}

fn cpu_changes(old: &Cpu, new: &Cpu, changes: &mut MetricsChanges) -> Option<()> {
    let Cpu {
        total_percent,
        cores,
        window_ms,
        temperature_celsius,
    } = old;
    changes.window_ms = told(*window_ms, new.window_ms)?;
    changes.cpu_temperature_celsius = told(*temperature_celsius, new.temperature_celsius)?;
    changes.cpu_thousandths = match told(*total_percent, new.total_percent)? {
        Some(percent) => Some(thousandths(percent)?),
        None => None,
    };
    let is_same = |old: &Core, new: &Core| {
        // There are numbers for the percentages.
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
        changes.core_thousandths = all.collect::<Option<_>>()?;
    }
    Some(())
}

fn memory_changes(old: &Memory, new: &Memory, changes: &mut MetricsChanges) -> Option<()> {
    changes.available_by = by_known(old.available_bytes, new.available_bytes)?;
    changes.cache_by = by_known(old.cache_bytes, new.cache_bytes)?;
    // What else there is of memory has to be as it was.
    let mut reached = *old;
    apply_memory(&mut reached, changes.available_by, changes.cache_by);
    (reached == *new).then_some(())
}

fn apply_memory(memory: &mut Memory, available_by: i64, cache_by: i64) {
    add(&mut memory.available_bytes, available_by);
    add(&mut memory.used_bytes, available_by.wrapping_neg());
    add(&mut memory.cache_bytes, cache_by);
}

fn swap_changes(old: &Swap, new: &Swap, changes: &mut MetricsChanges) -> Option<()> {
    let Swap {
        total_bytes,
        used_bytes,
    } = old;
    changes.swap_used_by = by_known(*used_bytes, new.used_bytes)?;
    (*total_bytes == new.total_bytes).then_some(())
}

fn interface_changes(
    old: &[Interface],
    new: &[Interface],
    changes: &mut MetricsChanges,
) -> Option<()> {
    if old.len() != new.len() {
        return None;
    }
    let mut places = Places::default();
    for (place, (old, new)) in std::iter::zip(old, new).enumerate() {
        let Interface {
            name,
            received_bytes,
            transmitted_bytes,
        } = old;
        if *name != new.name {
            return None;
        }
        if old != new {
            places.push(place)?;
            let received = by(*received_bytes, new.received_bytes);
            changes.received_by.push(received);
            let transmitted = by(*transmitted_bytes, new.transmitted_bytes);
            changes.transmitted_by.push(transmitted);
        }
    }
    changes.interface_at = places.into_distances();
    Some(())
}

pub(super) fn apply(mut metrics: Metrics, changes: MetricsChanges) -> Result<Metrics, DeltaError> {
    let MetricsChanges {
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
    } = changes;
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

/// All of them, or none.
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
