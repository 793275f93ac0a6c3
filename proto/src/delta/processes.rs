//! Deltas of the process list.

use super::{DeltaError, add, by, changed};
use crate::delta::index_deltas::{IndexDeltas, change, indices};
use crate::limits::PARTS;
use crate::model::{Process, Processes, ProcessesDelta};
use crate::percent::{from_thousandths, thousandths};
use crate::process_fields::Fields;

/// What leads from `old` to `new`, both ascending by pid.
pub(super) fn between(old: &Processes, new: &Processes, fields: Fields) -> Option<ProcessesDelta> {
    let Processes {
        // Every kind of delta has it.
        time: _,
        processes,
        // Follows from the processes: only where it is their number there is a delta.
        total: _,
        window_ms,
        others_hidden,
    } = old;
    // A delta has no field for these.
    if usize::try_from(new.total) != Ok(new.processes.len()) || *others_hidden != new.others_hidden
    {
        return None;
    }
    let mut writer = Writer::new(fields);
    writer.delta.window_ms = changed(*window_ms, new.window_ms)?;
    let mut before = processes.iter().enumerate().peekable();
    for process in &new.processes {
        while let Some((index, _)) = before.next_if(|(_, before)| before.pid < process.pid) {
            writer.ended.push(index)?;
        }
        let known = before.next_if(|(_, before)| before.pid == process.pid);
        match known {
            Some((index, known)) if writer.is_same(known, process) => {
                writer.write(index, known, process)?;
            }
            _ => {
                let process = fields.retained_of(process);
                writer.delta.processes.push(process);
            }
        }
    }
    for (index, _) in before {
        writer.ended.push(index)?;
    }
    let delta = writer.finish();
    // Where most are new, the whole list is hardly larger, and does not depend on an earlier one.
    (delta.processes.len() <= new.processes.len() / 2).then_some(delta)
}

/// A delta that is being written.
struct Writer {
    fields: Fields,
    ended: IndexDeltas,
    cpu: IndexDeltas,
    resident: IndexDeltas,
    state: IndexDeltas,
    threads: IndexDeltas,
    delta: ProcessesDelta,
}

impl Writer {
    fn new(fields: Fields) -> Self {
        Self {
            fields,
            ended: IndexDeltas::default(),
            cpu: IndexDeltas::default(),
            resident: IndexDeltas::default(),
            state: IndexDeltas::default(),
            threads: IndexDeltas::default(),
            delta: ProcessesDelta::default(),
        }
    }

    /// Whether nothing has changed that a delta has no number for.
    fn is_same(&self, old: &Process, new: &Process) -> bool {
        let Process {
            // Both have the same.
            pid: _,
            parent_pid,
            user_id,
            user,
            name,
            // A delta has a number for every change of it.
            state: _,
            threads,
            cpu_percent,
            resident_bytes,
            started_boot_ms,
            nice,
        } = old;
        let lacks = |field| !self.fields.contain(field);
        (lacks(Fields::STARTED) || *started_boot_ms == new.started_boot_ms)
            && (lacks(Fields::NICE) || *nice == new.nice)
            && (lacks(Fields::PARENT) || *parent_pid == new.parent_pid)
            && (lacks(Fields::USER_ID) || *user_id == new.user_id)
            && (lacks(Fields::USER_NAME) || *user == new.user)
            && (lacks(Fields::NAME) || *name == new.name)
            && (lacks(Fields::THREADS) || threads.is_some() == new.threads.is_some())
            && (lacks(Fields::RESIDENT) || resident_bytes.is_some() == new.resident_bytes.is_some())
            && (lacks(Fields::CPU)
                || *cpu_percent == new.cpu_percent
                || new.cpu_percent.and_then(thousandths).is_some())
    }

    /// Writes the numbers that have changed of the process at `index`.
    fn write(&mut self, index: usize, old: &Process, new: &Process) -> Option<()> {
        let delta = &mut self.delta;
        let has = |field| self.fields.contain(field);
        if let Some(percent) = new.cpu_percent
            && old.cpu_percent != new.cpu_percent
            && has(Fields::CPU)
        {
            self.cpu.push(index)?;
            delta.cpu_thousandths.push(thousandths(percent)?);
        }
        if let (Some(old), Some(new)) = (old.resident_bytes, new.resident_bytes)
            && old != new
            && has(Fields::RESIDENT)
        {
            self.resident.push(index)?;
            delta.resident_by.push(by(old, new));
        }
        if old.state != new.state && has(Fields::STATE) {
            self.state.push(index)?;
            delta.states.push(new.state);
        }
        if let (Some(old), Some(new)) = (old.threads, new.threads)
            && old != new
            && has(Fields::THREADS)
        {
            self.threads.push(index)?;
            delta.threads_by.push(by(old.into(), new.into()));
        }
        Some(())
    }

    fn finish(self) -> ProcessesDelta {
        let ProcessesDelta {
            window_ms,
            processes,
            cpu_thousandths,
            resident_by,
            states,
            threads_by,
            // The indices are collected beside it.
            ended_at: _,
            cpu_at: _,
            resident_at: _,
            state_at: _,
            threads_at: _,
        } = self.delta;
        ProcessesDelta {
            window_ms,
            ended_at: self.ended.into_vec(),
            processes,
            cpu_at: self.cpu.into_vec(),
            cpu_thousandths,
            resident_at: self.resident.into_vec(),
            resident_by,
            state_at: self.state.into_vec(),
            states,
            threads_at: self.threads.into_vec(),
            threads_by,
        }
    }
}

pub(super) fn apply(list: &mut Processes, delta: &ProcessesDelta) -> Result<(), DeltaError> {
    let ProcessesDelta {
        window_ms,
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
    } = delta;
    let Processes {
        // Every kind of delta has it.
        time: _,
        processes: known,
        total,
        window_ms: known_window_ms,
        others_hidden: _,
    } = list;
    change(known, cpu_at, cpu_thousandths, |process, count| {
        process.cpu_percent = Some(from_thousandths(count));
    })?;
    change(known, resident_at, resident_by, |process, by| {
        add(&mut process.resident_bytes, by);
    })?;
    change(known, state_at, states, |process, state| {
        process.state = state;
    })?;
    change(known, threads_at, threads_by, |process, by| {
        process.threads = process.threads.map(|threads| add_narrow(threads, by));
    })?;
    if !ended_at.is_empty() || !processes.is_empty() {
        *known = merge(std::mem::take(known), ended_at, processes)?;
    }
    *total = u32::try_from(known.len()).unwrap_or(u32::MAX);
    *known_window_ms = window_ms.or(*known_window_ms);
    Ok(())
}

/// The sum, or the number as it was where the sum is negative or has more than 32 bits.
fn add_narrow(number: u32, by: i64) -> u32 {
    u32::try_from(u64::from(number).wrapping_add_signed(by)).unwrap_or(number)
}

/// Removes the processes that have ended, and inserts or replaces the new ones in the order of pids.
fn merge(old: Vec<Process>, ended_at: &[u32], new: &[Process]) -> Result<Vec<Process>, DeltaError> {
    let count = old.len();
    let mut merged = Vec::with_capacity(count);
    let mut ended = indices(ended_at).peekable();
    let mut new = new.iter().peekable();
    for (index, process) in old.into_iter().enumerate() {
        while let Some(new) = new.next_if(|new| new.pid < process.pid) {
            merged.push(new.clone());
        }
        if ended.next_if_eq(&index).is_some() {
            continue;
        }
        let instead = new.next_if(|new| new.pid == process.pid);
        merged.push(instead.cloned().unwrap_or(process));
    }
    merged.extend(new.cloned());
    if ended.peek().is_some() {
        return Err(DeltaError::Index);
    }
    // Each delta is bounded, but many could add up.
    if merged.len() > PARTS {
        return Err(DeltaError::TooMany);
    }
    Ok(merged)
}
