//! Deltas: what has changed between two answers to the same request, most often a tenth of an answer.
//!
//! [`between`] makes the delta from one body to the next, [`apply`] makes the next body of the first and the delta. There
//! is no delta where something has changed that it has no field for (a value is no longer known, a disk was mounted) or
//! too much has changed: then the whole body has to be sent.

mod disks;
mod index_deltas;
mod metrics;
mod processes;
#[cfg(test)]
mod tests;

use crate::model::{Body, Delta, SampleTime, body, delta};
use crate::process_fields::Fields;

/// Why a delta cannot be applied to a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// It is to another kind of body.
    #[error("the delta is to another kind of answer than the previous one")]
    Kind,
    /// It has an index beyond a list of the body.
    #[error("the delta changes something that the previous answer does not have")]
    Index,
    /// Lists that belong together are not of one length.
    #[error("the delta's lists are not of one length")]
    Length,
    /// There would be more processes than a host can have.
    #[error("the delta makes more processes than a host can have")]
    TooMany,
}

/// The delta from `old` to `new`, of processes only in `fields`; `None` where no delta is possible.
#[must_use]
pub fn between(old: &Body, new: &Body, fields: Fields) -> Option<Delta> {
    use body::Kind;
    let (old_time, new_time, kind) = match (old.kind.as_ref()?, new.kind.as_ref()?) {
        (Kind::Metrics(old), Kind::Metrics(new)) => {
            let delta = metrics::between(old, new)?;
            (old.time, new.time, delta::Kind::Metrics(delta))
        }
        (Kind::Disks(old), Kind::Disks(new)) => {
            let delta = disks::between(old, new)?;
            (old.time, new.time, delta::Kind::Disks(delta))
        }
        (Kind::Processes(old), Kind::Processes(new)) => {
            let delta = processes::between(old, new, fields)?;
            (old.time, new.time, delta::Kind::Processes(delta))
        }
        _ => return None,
    };
    let (elapsed_ms, wall_by_ms) = elapsed(old_time?, new_time?)?;
    Some(Delta {
        elapsed_ms,
        wall_by_ms,
        kind: Some(kind),
    })
}

/// Makes of `body` the body that `delta` leads to.
///
/// # Errors
/// Where it is a delta to another body. Then `body` may be neither of the two.
pub fn apply(body: &mut Body, delta: &Delta) -> Result<(), DeltaError> {
    use body::Kind;
    let Delta {
        elapsed_ms,
        wall_by_ms,
        kind,
    } = delta;
    let later = |time: &mut Option<SampleTime>| {
        *time = time.map(|time| after(time, *elapsed_ms, *wall_by_ms));
    };
    match (&mut body.kind, kind) {
        (Some(Kind::Metrics(body)), Some(delta::Kind::Metrics(delta))) => {
            later(&mut body.time);
            metrics::apply(body, delta)
        }
        (Some(Kind::Disks(body)), Some(delta::Kind::Disks(delta))) => {
            later(&mut body.time);
            disks::apply(body, delta)
        }
        (Some(Kind::Processes(body)), Some(delta::Kind::Processes(delta))) => {
            later(&mut body.time);
            processes::apply(body, delta)
        }
        _ => Err(DeltaError::Kind),
    }
}

/// How far the clock of the boot went, and how much further the wall clock.
fn elapsed(old: SampleTime, new: SampleTime) -> Option<(u32, i64)> {
    let SampleTime { unix_ms, boot_ms } = old;
    let elapsed = new.boot_ms?.checked_sub(boot_ms?)?;
    let wall = by(unix_ms, new.unix_ms);
    let wall_by = wall.wrapping_sub_unsigned(elapsed);
    Some((u32::try_from(elapsed).ok()?, wall_by))
}

fn after(old: SampleTime, elapsed_ms: u32, wall_by_ms: i64) -> SampleTime {
    let elapsed = u64::from(elapsed_ms);
    SampleTime {
        unix_ms: old
            .unix_ms
            .wrapping_add(elapsed)
            .wrapping_add_signed(wall_by_ms),
        boot_ms: old.boot_ms.map(|boot_ms| boot_ms.wrapping_add(elapsed)),
    }
}

/// What is to be added to `old` to get `new`, wrapping around at the end of the numbers.
fn by(old: u64, new: u64) -> i64 {
    new.wrapping_sub(old).cast_signed()
}

/// The same for numbers that may be unknown; `None` where the number has become known or unknown.
fn by_known(old: Option<u64>, new: Option<u64>) -> Option<i64> {
    match (old, new) {
        (Some(old), Some(new)) => Some(by(old, new)),
        (None, None) => Some(0),
        _ => None,
    }
}

fn add(number: &mut Option<u64>, by: i64) {
    if let Some(number) = number {
        *number = number.wrapping_add_signed(by);
    }
}

/// The new value where it differs, else `Some(None)`; `None` where it is no longer known, which no delta can say.
#[expect(
    clippy::option_option,
    reason = "whether a delta can say it, and whether it must"
)]
fn changed<T: PartialEq + Copy>(old: Option<T>, new: Option<T>) -> Option<Option<T>> {
    match (old, new) {
        (old, new) if old == new => Some(None),
        (_, None) => None,
        (_, new) => Some(new),
    }
}
