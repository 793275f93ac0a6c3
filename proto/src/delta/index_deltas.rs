//! Ascending indices into a list as deltas: each but the first is its distance to the one before, most often a byte.

use super::DeltaError;

/// Collects indices as deltas.
#[derive(Debug, Default)]
pub(super) struct IndexDeltas {
    deltas: Vec<u32>,
    last: usize,
}

impl IndexDeltas {
    /// Adds an index, which is at least the last one. `None` where the distance has more than 32 bits.
    pub(super) fn push(&mut self, index: usize) -> Option<()> {
        let delta = u32::try_from(index.checked_sub(self.last)?).ok()?;
        self.deltas.push(delta);
        self.last = index;
        Some(())
    }

    /// The deltas, as messages carry them.
    pub(super) fn into_vec(self) -> Vec<u32> {
        self.deltas
    }
}

/// The indices that `deltas` stand for.
pub(super) fn indices(deltas: &[u32]) -> impl Iterator<Item = usize> + '_ {
    deltas.iter().scan(0_usize, |index, delta| {
        *index = index.saturating_add(usize::try_from(*delta).unwrap_or(usize::MAX));
        Some(*index)
    })
}

/// Changes the entries of `list` at the indices that `deltas` stand for, each by the value beside its index.
pub(super) fn change<T, V: Copy>(
    list: &mut [T],
    deltas: &[u32],
    values: &[V],
    change: impl Fn(&mut T, V),
) -> Result<(), DeltaError> {
    if deltas.len() != values.len() {
        return Err(DeltaError::Length);
    }
    for (index, value) in indices(deltas).zip(values) {
        change(list.get_mut(index).ok_or(DeltaError::Index)?, *value);
    }
    Ok(())
}
