//! Places in a list, ascending: each but the first as the distance to the one before, which is a byte most often.

use super::DeltaError;

/// Places that are being written.
#[derive(Debug, Default)]
pub(super) struct Places {
    distances: Vec<u32>,
    last: usize,
}

impl Places {
    /// Adds a place behind those before. `None` where the list is longer than can be told.
    pub(super) fn push(&mut self, place: usize) -> Option<()> {
        let distance = u32::try_from(place.checked_sub(self.last)?).ok()?;
        self.distances.push(distance);
        self.last = place;
        Some(())
    }

    /// As the messages carry them.
    pub(super) fn into_distances(self) -> Vec<u32> {
        self.distances
    }
}

/// The places that `distances` say.
pub(super) fn places(distances: &[u32]) -> impl Iterator<Item = usize> + '_ {
    distances.iter().scan(0_usize, |place, distance| {
        *place = place.saturating_add(usize::try_from(*distance).unwrap_or(usize::MAX));
        Some(*place)
    })
}

/// Changes what stands in `list` at each place, by the value that belongs to the place.
pub(super) fn change<T, V: Copy>(
    list: &mut [T],
    distances: &[u32],
    values: &[V],
    change: impl Fn(&mut T, V),
) -> Result<(), DeltaError> {
    if distances.len() != values.len() {
        return Err(DeltaError::Length);
    }
    for (place, value) in places(distances).zip(values) {
        change(list.get_mut(place).ok_or(DeltaError::Place)?, *value);
    }
    Ok(())
}
