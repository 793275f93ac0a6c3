//! The lists of an answer and of a delta against their limits.

use super::walk::ListLimit;
use super::walk::read::{Visitor, walk};
use super::{DELTA_NUMBERS, GPUS, OverLimit, PARTS};
use crate::model::{Body, Delta, DisksDelta, MetricsDelta, ProcessesDelta, delta};

/// Counts the parts of an answer.
#[derive(Debug, Default)]
struct Parts(usize);

impl Parts {
    fn add<T>(&mut self, list: &[T]) -> Result<(), OverLimit> {
        self.0 = self.0.saturating_add(list.len());
        if self.0 > PARTS {
            return Err(OverLimit::Parts);
        }
        Ok(())
    }

    /// Counts a list that has a limit of its own.
    fn add_at_most<T>(
        &mut self,
        list: &[T],
        most: usize,
        of: &'static str,
    ) -> Result<(), OverLimit> {
        if list.len() > most {
            return Err(OverLimit::List { of, most });
        }
        self.add(list)
    }
}

impl Visitor for Parts {
    type Stop = OverLimit;

    fn text(&mut self, _: &String, _: usize) {}

    fn words(&mut self, words: &Vec<String>) -> Result<(), OverLimit> {
        self.add(words)
    }

    fn list<T>(&mut self, list: &Vec<T>, limit: Option<ListLimit>) -> Result<(), OverLimit> {
        match limit {
            Some(ListLimit { most, of }) => self.add_at_most(list, most, of),
            None => self.add(list),
        }
    }
}

/// Checks the lists of a body.
///
/// # Errors
/// Where one is longer than its limit, or all together have more than [`PARTS`] parts.
pub fn check(body: &Body) -> Result<(), OverLimit> {
    walk(body, &mut Parts::default())
}

/// Checks the lists of a delta. It is taken apart field by field, so that a list that is added does not compile before it
/// is here.
///
/// # Errors
/// Where it has more than [`PARTS`] parts or more than [`DELTA_NUMBERS`] numbers.
pub fn check_delta(delta: &Delta) -> Result<(), OverLimit> {
    let Delta {
        elapsed_ms: _,
        wall_by_ms: _,
        kind,
    } = delta;
    let mut parts = Parts::default();
    let numbers = match kind {
        None => 0,
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
            parts.add_at_most(gpus, GPUS, "GPUs")?;
            core_thousandths.len() + interface_at.len() + received_by.len() + transmitted_by.len()
        }
        Some(delta::Kind::Disks(DisksDelta {
            disk_at,
            used_by,
            available_by,
        })) => disk_at.len() + used_by.len() + available_by.len(),
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
            parts.add(processes)?;
            ended_at.len()
                + cpu_at.len()
                + cpu_thousandths.len()
                + resident_at.len()
                + resident_by.len()
                + state_at.len()
                + states.len()
                + threads_at.len()
                + threads_by.len()
        }
    };
    if numbers > DELTA_NUMBERS {
        return Err(OverLimit::DeltaNumbers);
    }
    Ok(())
}
