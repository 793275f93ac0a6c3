//! Checks the lists of an answer and of a delta against their limits.

use super::delta_parts::DeltaParts;
use super::walk::ListLimit;
use super::walk::read::{Visitor, walk};
use super::{DELTA_NUMBERS, GPUS, OverLimit, PARTS};
use crate::model::{Body, Delta};

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

/// Checks the lists of a delta.
///
/// # Errors
/// Where it has more than [`PARTS`] parts or more than [`DELTA_NUMBERS`] numbers.
pub fn check_delta(delta: &Delta) -> Result<(), OverLimit> {
    let delta = DeltaParts::of(delta);
    let mut parts = Parts::default();
    parts.add_at_most(delta.gpus, GPUS, "GPUs")?;
    parts.add(delta.processes)?;
    if delta.numbers > DELTA_NUMBERS {
        return Err(OverLimit::DeltaNumbers);
    }
    Ok(())
}
