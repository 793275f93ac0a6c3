//! The process list as changes.

use super::{DeltaError, add, by, told};
use crate::delta::index_deltas::{Places, change, places};
use crate::limits::PARTS;
use crate::model::{Process, Processes, ProcessesChanges};
use crate::percent::{from_thousandths, thousandths};
use crate::process_fields::Fields;

/// Both are ascending by pid.
pub(super) fn changes(
    old: &Processes,
    new: &Processes,
    fields: Fields,
) -> Option<ProcessesChanges> {
    let Processes {
        // The time is told for every kind alike.
        time: _,
        processes,
        // Follows from the processes, where it is their number.
        total: _,
        window_ms,
        others_hidden,
    } = old;
    // What has no place in changes: the whole list tells it.
    if usize::try_from(new.total) != Ok(new.processes.len()) || *others_hidden != new.others_hidden
    {
        return None;
    }
    let mut writer = Writer::new(fields);
    writer.changes.window_ms = told(*window_ms, new.window_ms)?;
    let mut before = processes.iter().enumerate().peekable();
    for process in &new.processes {
        while let Some((place, _)) = before.next_if(|(_, before)| before.pid < process.pid) {
            writer.ended.push(place)?;
        }
        let known = before.next_if(|(_, before)| before.pid == process.pid);
        match known {
            Some((place, known)) if writer.is_same(known, process) => {
                writer.write(place, known, process)?;
            }
            _ => {
                let mut process = process.clone();
                fields.choose(&mut process);
                writer.changes.processes.push(process);
            }
        }
    }
    for (place, _) in before {
        writer.ended.push(place)?;
    }
    let changes = writer.finish();
    // Where most is new, the whole list is hardly more, and does not hang on another one.
    (changes.processes.len() <= new.processes.len() / 2).then_some(changes)
}

/// Changes that are being written.
struct Writer {
    fields: Fields,
    ended: Places,
    cpu: Places,
    resident: Places,
    state: Places,
    threads: Places,
    changes: ProcessesChanges,
}

impl Writer {
    fn new(fields: Fields) -> Self {
        Self {
            fields,
            ended: Places::default(),
            cpu: Places::default(),
            resident: Places::default(),
            state: Places::default(),
            threads: Places::default(),
            changes: ProcessesChanges::default(),
        }
    }

    /// Whether nothing has changed that there is no number for.
    fn is_same(&self, old: &Process, new: &Process) -> bool {
        let Process {
            // Both have the same.
            pid: _,
            parent_pid,
            user_id,
            user,
            name,
            // Every change of it can be told.
            state: _,
            threads,
            cpu_percent,
            resident_bytes,
            started_boot_ms,
        } = old;
        let lacks = |field| !self.fields.contain(field);
        (lacks(Fields::STARTED) || *started_boot_ms == new.started_boot_ms)
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

    /// Writes the numbers that have changed of the process at `place`.
    fn write(&mut self, place: usize, old: &Process, new: &Process) -> Option<()> {
        let changes = &mut self.changes;
        let has = |field| self.fields.contain(field);
        if let Some(percent) = new.cpu_percent
            && old.cpu_percent != new.cpu_percent
            && has(Fields::CPU)
        {
            self.cpu.push(place)?;
            changes.cpu_thousandths.push(thousandths(percent)?);
        }
        if let (Some(old), Some(new)) = (old.resident_bytes, new.resident_bytes)
            && old != new
            && has(Fields::RESIDENT)
        {
            self.resident.push(place)?;
            changes.resident_by.push(by(old, new));
        }
        if old.state != new.state && has(Fields::STATE) {
            self.state.push(place)?;
            changes.states.push(new.state);
        }
        if let (Some(old), Some(new)) = (old.threads, new.threads)
            && old != new
            && has(Fields::THREADS)
        {
            self.threads.push(place)?;
            changes.threads_by.push(by(old.into(), new.into()));
        }
        Some(())
    }

    fn finish(self) -> ProcessesChanges {
        let ProcessesChanges {
            window_ms,
            processes,
            cpu_thousandths,
            resident_by,
            states,
            threads_by,
            // The places are kept beside them.
            ended_at: _,
            cpu_at: _,
            resident_at: _,
            state_at: _,
            threads_at: _,
        } = self.changes;
        ProcessesChanges {
            window_ms,
            ended_at: self.ended.into_distances(),
            processes,
            cpu_at: self.cpu.into_distances(),
            cpu_thousandths,
            resident_at: self.resident.into_distances(),
            resident_by,
            state_at: self.state.into_distances(),
            states,
            threads_at: self.threads.into_distances(),
            threads_by,
        }
    }
}

pub(super) fn apply(
    mut list: Processes,
    changes: ProcessesChanges,
) -> Result<Processes, DeltaError> {
    let ProcessesChanges {
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
    } = changes;
    let known = &mut list.processes;
    change(known, &cpu_at, &cpu_thousandths, |process, count| {
        process.cpu_percent = Some(from_thousandths(count));
    })?;
    change(known, &resident_at, &resident_by, |process, by| {
        add(&mut process.resident_bytes, by);
    })?;
    change(known, &state_at, &states, |process, state| {
        process.state = state;
    })?;
    change(known, &threads_at, &threads_by, |process, by| {
        process.threads = process.threads.map(|threads| add_narrow(threads, by));
    })?;
    if !ended_at.is_empty() || !processes.is_empty() {
        list.processes = merge(list.processes, &ended_at, processes)?;
    }
    list.total = u32::try_from(list.processes.len()).unwrap_or(u32::MAX);
    list.window_ms = window_ms.or(list.window_ms);
    Ok(list)
}

/// As it was, where the sum is none that there can be.
fn add_narrow(number: u32, by: i64) -> u32 {
    u32::try_from(u64::from(number).wrapping_add_signed(by)).unwrap_or(number)
}

/// Takes out those that have ended and puts in the new ones, both in their order.
fn merge(
    old: Vec<Process>,
    ended_at: &[u32],
    new: Vec<Process>,
) -> Result<Vec<Process>, DeltaError> {
    let count = old.len();
    let mut merged = Vec::with_capacity(count);
    let mut ended = places(ended_at).peekable();
    let mut new = new.into_iter().peekable();
    for (place, process) in old.into_iter().enumerate() {
        while let Some(new) = new.next_if(|new| new.pid < process.pid) {
            merged.push(new);
        }
        if ended.next_if_eq(&place).is_some() {
            continue;
        }
        let instead = new.next_if(|new| new.pid == process.pid);
        merged.push(instead.unwrap_or(process));
    }
    merged.extend(new);
    if ended.peek().is_some() {
        return Err(DeltaError::Place);
    }
    // Each answer is bounded, but many could add up.
    if merged.len() > PARTS {
        return Err(DeltaError::TooMany);
    }
    Ok(merged)
}
