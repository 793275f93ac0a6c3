//! Metrics as changes.

use super::places::{Places, change};
use super::{ChangesError, add, by, by_known, told};
use crate::model::{Cpu, Interface, Memory, Metrics, MetricsChanges, Swap};
use crate::percent::{from_thousandths, thousandths};

pub(super) fn changes(old: &Metrics, new: &Metrics) -> Option<MetricsChanges> {
    let mut changes = MetricsChanges {
        load: told(old.load, new.load)?,
        ..MetricsChanges::default()
    };
    if old.hostname != new.hostname {
        return None;
    }
    match (&old.cpu, &new.cpu) {
        (Some(old), Some(new)) => cpu(old, new, &mut changes)?,
        (None, None) => {}
        _ => return None,
    }
    match (&old.memory, &new.memory) {
        (Some(old), Some(new)) => memory(old, new, &mut changes)?,
        (None, None) => {}
        _ => return None,
    }
    match (&old.swap, &new.swap) {
        (Some(old), Some(new)) => swap(old, new, &mut changes)?,
        (None, None) => {}
        _ => return None,
    }
    interfaces(&old.interfaces, &new.interfaces, &mut changes)?;
    if old.gpus != new.gpus {
        if new.gpus.is_empty() {
            return None;
        }
        changes.gpus.clone_from(&new.gpus);
    }
    Some(changes)
}

fn cpu(old: &Cpu, new: &Cpu, changes: &mut MetricsChanges) -> Option<()> {
    changes.window_ms = told(old.window_ms, new.window_ms)?;
    changes.cpu_temperature_celsius = told(old.temperature_celsius, new.temperature_celsius)?;
    changes.cpu_thousandths = match told(old.total_percent, new.total_percent)? {
        Some(percent) => Some(thousandths(percent)?),
        None => None,
    };
    let same_cores = old.cores.len() == new.cores.len()
        && std::iter::zip(&old.cores, &new.cores).all(|(old, new)| old.index == new.index);
    if !same_cores {
        return None;
    }
    if old.cores != new.cores {
        let all = new.cores.iter().map(|core| thousandths(core.percent));
        changes.core_thousandths = all.collect::<Option<_>>()?;
    }
    Some(())
}

fn memory(old: &Memory, new: &Memory, changes: &mut MetricsChanges) -> Option<()> {
    changes.available_by = by_known(old.available_bytes, new.available_bytes)?;
    changes.cache_by = by_known(old.cache_bytes, new.cache_bytes)?;
    let mut reached = *old;
    apply_memory(&mut reached, changes);
    (reached == *new).then_some(())
}

fn apply_memory(memory: &mut Memory, changes: &MetricsChanges) {
    add(&mut memory.available_bytes, changes.available_by);
    add(&mut memory.used_bytes, changes.available_by.wrapping_neg());
    add(&mut memory.cache_bytes, changes.cache_by);
}

fn swap(old: &Swap, new: &Swap, changes: &mut MetricsChanges) -> Option<()> {
    changes.swap_used_by = by_known(old.used_bytes, new.used_bytes)?;
    (old.total_bytes == new.total_bytes).then_some(())
}

fn interfaces(old: &[Interface], new: &[Interface], changes: &mut MetricsChanges) -> Option<()> {
    if old.len() != new.len() {
        return None;
    }
    let mut places = Places::default();
    for (place, (old, new)) in std::iter::zip(old, new).enumerate() {
        if old.name != new.name {
            return None;
        }
        if old != new {
            places.push(place)?;
            let received = by(old.received_bytes, new.received_bytes);
            changes.received_by.push(received);
            let transmitted = by(old.transmitted_bytes, new.transmitted_bytes);
            changes.transmitted_by.push(transmitted);
        }
    }
    changes.interface_at = places.into_distances();
    Some(())
}

pub(super) fn apply(
    mut metrics: Metrics,
    changes: MetricsChanges,
) -> Result<Metrics, ChangesError> {
    if let Some(cpu) = &mut metrics.cpu {
        apply_cpu(cpu, &changes)?;
    }
    if let Some(memory) = &mut metrics.memory {
        apply_memory(memory, &changes);
    }
    if let Some(swap) = &mut metrics.swap {
        add(&mut swap.used_bytes, changes.swap_used_by);
    }
    metrics.load = changes.load.or(metrics.load);
    let interfaces = &mut metrics.interfaces;
    let at = &changes.interface_at;
    change(interfaces, at, &changes.received_by, |interface, by| {
        interface.received_bytes = interface.received_bytes.wrapping_add_signed(by);
    })?;
    change(interfaces, at, &changes.transmitted_by, |interface, by| {
        interface.transmitted_bytes = interface.transmitted_bytes.wrapping_add_signed(by);
    })?;
    if !changes.gpus.is_empty() {
        metrics.gpus = changes.gpus;
    }
    Ok(metrics)
}

fn apply_cpu(cpu: &mut Cpu, changes: &MetricsChanges) -> Result<(), ChangesError> {
    cpu.window_ms = changes.window_ms.or(cpu.window_ms);
    cpu.temperature_celsius = changes.cpu_temperature_celsius.or(cpu.temperature_celsius);
    let percent = changes.cpu_thousandths.map(from_thousandths);
    cpu.total_percent = percent.or(cpu.total_percent);
    if !changes.core_thousandths.is_empty() {
        if changes.core_thousandths.len() != cpu.cores.len() {
            return Err(ChangesError::Length);
        }
        for (core, count) in cpu.cores.iter_mut().zip(&changes.core_thousandths) {
            core.percent = from_thousandths(*count);
        }
    }
    Ok(())
}
