//! Scrollbars: where the thumb is, and which offset a place of it means.

/// Where the thumb of a scrollbar of `track` rows is, and how long.
#[must_use]
pub fn thumb(track: usize, total: usize, visible: usize, offset: usize) -> Option<(usize, usize)> {
    if total <= visible || track == 0 {
        return None;
    }
    let length = (track * visible / total).clamp(1, track);
    let start = offset.min(total - visible) * (track - length) / (total - visible);
    Some((start, length))
}

/// The offset that puts a thumb's start on the `row`th row of its track.
#[must_use]
pub fn offset_of_thumb(track: usize, total: usize, visible: usize, row: usize) -> usize {
    let Some((_, length)) = thumb(track, total, visible, 0) else {
        return 0;
    };
    let (range, room) = (total - visible, track - length);
    if room == 0 {
        return 0;
    }
    (row.min(room) * range + room / 2) / room
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_thumb_stays_on_its_track_and_can_be_dragged_to_both_ends(
            track in 1_usize..80, total in 1_usize..5000, visible in 1_usize..100, offset in 0_usize..6000,
        ) {
            if let Some((start, length)) = thumb(track, total, visible, offset) {
                prop_assert!(length >= 1 && start + length <= track);
                prop_assert_eq!(offset_of_thumb(track, total, visible, 0), 0);
                if length < track {
                    prop_assert_eq!(offset_of_thumb(track, total, visible, track), total - visible);
                }
            }
        }
    }
}
