//! Shares as characters: a history as a line of blocks.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `share` (0 to 1) of `steps`, rounded; anything above nothing is at least one step.
#[must_use]
pub fn scale(share: f32, steps: usize) -> usize {
    // Screens are small; NaN becomes 0.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    let scaled = (share.clamp(0.0, 1.0) * steps as f32).round() as usize;
    let least = usize::from(share > 0.0).min(steps);
    scaled.clamp(least, steps)
}

/// One character for a share of 0 to 1; a blank for a gap.
#[must_use]
pub fn block(share: Option<f32>) -> char {
    let Some(share) = share.filter(|share| !share.is_nan()) else {
        return ' ';
    };
    let step = scale(share, BLOCKS.len() - 1);
    BLOCKS.get(step).copied().unwrap_or(' ')
}

/// One row of blocks: the newest point at the right end of `width` columns.
#[must_use]
pub fn line(points: impl ExactSizeIterator<Item = Option<f32>>, width: usize) -> String {
    let skipped = points.len().saturating_sub(width);
    let mut text = " ".repeat(width.saturating_sub(points.len()));
    text.extend(points.skip(skipped).map(block));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_block_for_each_point() {
        let points = [None, Some(0.0), Some(0.01), Some(1.0)];
        assert_eq!(line(points.into_iter(), 5), "  ▁▂█");
        assert_eq!(line(points.into_iter(), 2), "▂█");
    }
}
