//! Deltas: a body as changes since an earlier one, most often a tenth of its size.
//!
//! [`changes`] says what leads from one body to the next, [`apply`] goes that way. Where there is no word for what has
//! changed (something is no longer known, a disk was mounted) or too much has, the whole body has to be told.

mod disks;
mod metrics;
mod processes;

mod index_deltas;
#[cfg(test)]
mod tests;

use crate::model::{Body, Changes, SampleTime, body, changes as model};
use crate::process_fields::Fields;

/// Changes that are none to the body at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// They are to something else.
    #[error("the changes are to another kind of answer than the one before")]
    Kind,
    /// They change what the body does not have.
    #[error("the changes are to something that the answer before does not have")]
    Place,
    /// Lists that belong together are not of one length.
    #[error("the changes' lists are not of one length")]
    Length,
    /// There would be more processes than a host can have.
    #[error("the changes make more processes than a host can have")]
    TooMany,
}

/// What leads from `old` to `new`, of processes in the chosen `fields`; `None` where changes cannot say it.
#[must_use]
pub fn changes(old: &Body, new: &Body, fields: Fields) -> Option<Changes> {
    use body::Kind;
    let (old_time, new_time, kind) = match (old.kind.as_ref()?, new.kind.as_ref()?) {
        (Kind::Metrics(old), Kind::Metrics(new)) => {
            let changes = metrics::changes(old, new)?;
            (old.time, new.time, model::Kind::Metrics(changes))
        }
        (Kind::Disks(old), Kind::Disks(new)) => {
            let changes = disks::changes(old, new)?;
            (old.time, new.time, model::Kind::Disks(changes))
        }
        (Kind::Processes(old), Kind::Processes(new)) => {
            let changes = processes::changes(old, new, fields)?;
            (old.time, new.time, model::Kind::Processes(changes))
        }
        _ => return None,
    };
    let (elapsed_ms, wall_by_ms) = elapsed(old_time?, new_time?)?;
    Some(Changes {
        elapsed_ms,
        wall_by_ms,
        kind: Some(kind),
    })
}

/// The body that `changes` make of `old`.
///
/// # Errors
/// Where they are changes to another body.
pub fn apply(old: Body, changes: Changes) -> Result<Body, DeltaError> {
    use body::Kind;
    let Changes {
        elapsed_ms,
        wall_by_ms,
        kind,
    } = changes;
    let later = |time: Option<SampleTime>| time.map(|time| after(time, elapsed_ms, wall_by_ms));
    let kind = match (old.kind, kind) {
        (Some(Kind::Metrics(mut body)), Some(model::Kind::Metrics(changes))) => {
            body.time = later(body.time);
            Kind::Metrics(metrics::apply(body, changes)?)
        }
        (Some(Kind::Disks(mut body)), Some(model::Kind::Disks(changes))) => {
            body.time = later(body.time);
            Kind::Disks(disks::apply(body, &changes)?)
        }
        (Some(Kind::Processes(mut body)), Some(model::Kind::Processes(changes))) => {
            body.time = later(body.time);
            Kind::Processes(processes::apply(body, changes)?)
        }
        _ => return Err(DeltaError::Kind),
    };
    Ok(kind.into())
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

/// What is to be added to `old`, around the end of the numbers where it must.
fn by(old: u64, new: u64) -> i64 {
    new.wrapping_sub(old).cast_signed()
}

/// What is to be added to what may be unknown; `None` where it has become known or unknown.
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

/// A value to be told where it is another; `None` where it is no longer known.
#[expect(
    clippy::option_option,
    reason = "whether it can be told, and whether it must be"
)]
fn told<T: PartialEq + Copy>(old: Option<T>, new: Option<T>) -> Option<Option<T>> {
    match (old, new) {
        (old, new) if old == new => Some(None),
        (_, None) => None,
        (_, new) => Some(new),
    }
}
