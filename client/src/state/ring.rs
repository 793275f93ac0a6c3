//! A series of bounded length: the newest points of something that is sampled again and again.

use std::collections::VecDeque;

/// How many points are kept: five minutes of two samples a second.
pub const HISTORY: usize = 600;

/// The newest [`HISTORY`] points, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Ring<T> {
    points: VecDeque<T>,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self {
            points: VecDeque::new(),
        }
    }
}

impl<T: Copy> Ring<T> {
    /// Adds the newest point; the oldest one makes room for it.
    pub fn push(&mut self, point: T) {
        if self.points.len() >= HISTORY {
            self.points.pop_front();
        }
        self.points.push_back(point);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest_points() {
        let mut ring = Ring::default();
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
}
