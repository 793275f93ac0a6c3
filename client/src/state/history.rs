//! A series of bounded length: the newest points of something that is sampled again and again.

use std::collections::VecDeque;

/// How many points are kept: five minutes of two samples a second.
pub const HISTORY: usize = 600;

/// The newest [`HISTORY`] points, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct History<T> {
    points: VecDeque<T>,
    /// Whether the newest point is the first of a pair.
    unpaired: bool,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self {
            points: VecDeque::new(),
            unpaired: false,
        }
    }
}

impl<T: Copy> History<T> {
    /// Adds the newest point; the oldest one makes room for it.
    pub fn push(&mut self, point: T) {
        if self.points.len() >= HISTORY {
            self.points.pop_front();
        }
        self.points.push_back(point);
        self.unpaired = !self.unpaired;
    }

    /// How many points there are, at most [`HISTORY`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is no point yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The newest point.
    #[must_use]
    pub fn last(&self) -> Option<T> {
        self.points.back().copied()
    }

    /// The newest `count` points, oldest of them first; fewer where there are fewer.
    #[must_use = "an iterator does nothing unless it is asked"]
    pub fn newest(&self, count: usize) -> impl ExactSizeIterator<Item = T> + '_ {
        let skipped = self.points.len().saturating_sub(count);
        self.points.iter().skip(skipped).copied()
    }
}

impl<T: Copy> History<Option<T>> {
    /// The newest `count` pairs of points, oldest first; fewer where there are fewer. While the newest point is the
    /// first of its pair, a gap stands for the second: a pair stays one for as long as it is seen.
    #[must_use = "an iterator does nothing unless it is asked"]
    pub fn newest_pairs(&self, count: usize) -> impl ExactSizeIterator<Item = Option<T>> + '_ {
        let end = self.points.len() + usize::from(self.unpaired);
        let start = end.saturating_sub(count.saturating_mul(2));
        (start..end).map(|index| self.points.get(index).copied().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest_points() {
        let mut ring = History::default();
        assert!(ring.is_empty());
        for point in 0..HISTORY + 3 {
            ring.push(point);
        }
        assert_eq!(ring.len(), HISTORY);
        assert_eq!(ring.last(), Some(HISTORY + 2));
        assert_eq!(
            ring.newest(2).collect::<Vec<_>>(),
            [HISTORY + 1, HISTORY + 2]
        );
        assert_eq!(ring.newest(HISTORY + 9).next(), Some(3));
    }

    #[test]
    fn pairs_stay_together() {
        let mut ring = History::default();
        let mut pushed = |point| {
            ring.push(Some(point));
            ring.newest_pairs(2).collect::<Vec<_>>()
        };
        assert_eq!(pushed(1), [Some(1), None]);
        assert_eq!(pushed(2), [Some(1), Some(2)]);
        assert_eq!(pushed(3), [Some(1), Some(2), Some(3), None]);
        assert_eq!(pushed(4), [Some(1), Some(2), Some(3), Some(4)]);
        assert_eq!(pushed(5), [Some(3), Some(4), Some(5), None]);
        for point in 6..=HISTORY + 1 {
            pushed(point);
        }
        let seen = [HISTORY - 1, HISTORY, HISTORY + 1].map(Some);
        assert_eq!(
            pushed(HISTORY + 2),
            [&seen[..], &[Some(HISTORY + 2)]].concat()
        );
        assert_eq!(pushed(HISTORY + 3)[3], None);
        assert_eq!(ring.newest_pairs(HISTORY).len(), HISTORY + 1);
    }
}
