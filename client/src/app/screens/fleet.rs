//! The list of hosts: which one is selected.

use std::time::Instant;

use ratatui::layout::{Position, Rect};

use crate::app::mouse::DOUBLE_CLICK;
use crate::app::scroll::Motion;
use crate::source::HostId;

/// The choices of the user in the list of hosts.
#[derive(Debug, Clone, Default)]
pub struct FleetScreen {
    /// The place of the host that keys act on.
    pub selected: usize,
    /// The first host that is seen.
    pub offset: usize,
    clicked: Option<(usize, Instant)>,
}

impl FleetScreen {
    /// Moves the selection in a list that shows `visible` hosts.
    pub(in crate::app) fn step(&mut self, motion: &Motion, visible: usize) {
        self.selected = motion.apply(self.selected, visible);
    }

    /// Keeps the selection in a list of `count` hosts and within the `visible` rows.
    pub(crate) fn clamp(&mut self, count: usize, visible: usize) {
        self.selected = self.selected.min(count.saturating_sub(1));
        let lowest = (self.selected + 1).saturating_sub(visible);
        self.offset = self.offset.clamp(lowest, self.selected.max(lowest));
    }

    /// Selects the host at `place` in a list of `count` hosts; gives it where it is clicked twice.
    pub(crate) fn click(
        &mut self,
        rows: Rect,
        count: usize,
        place: Position,
        now: Instant,
    ) -> Option<HostId> {
        if !rows.contains(place) {
            return None;
        }
        let row = self.offset + usize::from(place.y - rows.y);
        if row >= count {
            return None;
        }
        self.selected = row;
        if let Some((clicked, then)) = self.clicked.take()
            && clicked == row
            && now.saturating_duration_since(then) <= DOUBLE_CLICK
        {
            return Some(HostId::new(row));
        }
        self.clicked = Some((row, now));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selection_stays_in_the_list_and_on_the_screen() {
        let mut screen = FleetScreen::default();
        let mut go = |motion: Motion| {
            screen.step(&motion, 8);
            screen.clamp(40, 8);
            (screen.selected, screen.offset)
        };
        assert_eq!(go(Motion::Last), (39, 32));
        assert_eq!(go(Motion::Rows(-8)), (31, 31));
        assert_eq!(go(Motion::First), (0, 0));
        assert_eq!(go(Motion::Rows(-1)), (0, 0));
        let mut empty = FleetScreen::default();
        empty.step(&Motion::Last, 8);
        empty.clamp(0, 8);
        assert_eq!((empty.selected, empty.offset), (0, 0));
    }

    #[test]
    fn double_click_opens() {
        let mut screen = FleetScreen::default();
        let rows = Rect::new(0, 2, 60, 8);
        let mut click = |y, now| screen.click(rows, 3, Position::new(2, y), now);
        let now = Instant::now();
        assert_eq!(click(4, now), None);
        assert_eq!(click(4, now), Some(HostId::new(2)));
        assert_eq!(click(4, now), None);
        assert_eq!(click(4, now + DOUBLE_CLICK * 3), None);
        assert_eq!(click(3, now + DOUBLE_CLICK * 3), None);
        assert_eq!(click(7, now), None, "below the last host");
        assert_eq!(screen.selected, 1);
    }
}
