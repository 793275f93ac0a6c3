//! The choice of a host, where the command line names none.

use std::time::Instant;

use crossterm::event::{KeyEventKind, MouseButton, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::actions::keymap::action;
use crate::actions::{Action, Context};
use crate::app::mouse::DOUBLE_CLICK;
use crate::app::{Message, Outcome};
use crate::view::picker::rows;

/// A host that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// Its URL, or what choosing it does.
    pub detail: String,
    /// Whether it is one of the user's profiles.
    pub saved: bool,
}

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The entry of that index.
    Entry(usize),
    /// None: the program ends.
    None(Outcome),
}

/// The list of hosts.
#[derive(Debug, Clone)]
pub struct Picker {
    /// What can be chosen.
    pub entries: Vec<Entry>,
    /// The entry that keys act on.
    pub selected: usize,
    /// The first entry that is seen.
    pub offset: usize,
    /// The terminal's size.
    pub area: Rect,
    clicked: Option<(usize, Instant)>,
}

impl Picker {
    /// A list with its first entry selected.
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            selected: 0,
            offset: 0,
            area: Rect::default(),
            clicked: None,
        }
    }

    /// Takes a message; gives what it chose.
    pub fn update(&mut self, message: &Message, now: Instant) -> Option<Choice> {
        let visible = usize::from(rows(self.area).height);
        let chosen = match message {
            Message::Key(event) if event.kind != KeyEventKind::Release => {
                self.perform(action(Context::Picker, *event)?, visible)
            }
            Message::Mouse(event) => match event.kind {
                MouseEventKind::ScrollUp => self.perform(Action::Step(-1), visible),
                MouseEventKind::ScrollDown => self.perform(Action::Step(1), visible),
                MouseEventKind::Down(MouseButton::Left) => {
                    self.click(Position::new(event.column, event.row), now)
                }
                _ => None,
            },
            Message::Resize(width, height) => {
                self.area = Rect::new(0, 0, *width, *height);
                None
            }
            Message::Signal(number) => Some(Choice::None(Outcome::Signal(*number))),
            _ => None,
        };
        let visible = usize::from(rows(self.area).height);
        self.selected = self.selected.min(self.entries.len().saturating_sub(1));
        let lowest = (self.selected + 1).saturating_sub(visible);
        self.offset = self.offset.clamp(lowest, self.selected.max(lowest));
        chosen
    }

    fn perform(&mut self, action: Action, visible: usize) -> Option<Choice> {
        let page = isize::try_from(visible.max(1)).unwrap_or(1);
        match action {
            Action::Quit => return Some(Choice::None(Outcome::Quit)),
            Action::Open if !self.entries.is_empty() => {
                return Some(Choice::Entry(self.selected));
            }
            Action::Step(rows) => self.selected = self.selected.saturating_add_signed(rows),
            Action::Page(pages) => {
                self.selected = self.selected.saturating_add_signed(pages * page);
            }
            Action::First => self.selected = 0,
            Action::Last => self.selected = self.entries.len(),
            _ => {}
        }
        None
    }

    fn click(&mut self, place: Position, now: Instant) -> Option<Choice> {
        let rows = rows(self.area);
        if !rows.contains(place) {
            return None;
        }
        let row = self.offset + usize::from(place.y - rows.y);
        if row >= self.entries.len() {
            return None;
        }
        self.selected = row;
        if let Some((clicked, then)) = self.clicked.take()
            && clicked == row
            && now.saturating_duration_since(then) <= DOUBLE_CLICK
        {
            return Some(Choice::Entry(row));
        }
        self.clicked = Some((row, now));
        None
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};

    use super::*;

    fn picker(count: usize) -> Picker {
        let entry = |index| Entry {
            name: format!("host{index}"),
            detail: format!("wss://host{index}:8443/ws"),
            saved: true,
        };
        let mut picker = Picker::new((0..count).map(entry).collect());
        picker.update(&Message::Resize(60, 12), Instant::now());
        picker
    }

    fn press(picker: &mut Picker, code: KeyCode) -> Option<Choice> {
        let event = KeyEvent::new(code, KeyModifiers::NONE);
        picker.update(&Message::Key(event), Instant::now())
    }

    #[test]
    fn enter_chooses_and_q_leaves() {
        let mut picker = picker(3);
        assert_eq!(press(&mut picker, KeyCode::Down), None);
        let choice = press(&mut picker, KeyCode::Enter);
        assert_eq!(choice, Some(Choice::Entry(1)));
        let choice = press(&mut picker, KeyCode::Char('q'));
        assert_eq!(choice, Some(Choice::None(Outcome::Quit)));
        let choice = picker.update(&Message::Signal(15), Instant::now());
        assert_eq!(choice, Some(Choice::None(Outcome::Signal(15))));
    }

    #[test]
    fn the_selection_stays_in_the_list_and_on_the_screen() {
        let mut picker = picker(40);
        press(&mut picker, KeyCode::End);
        let rows = usize::from(rows(picker.area).height);
        assert_eq!((picker.selected, picker.offset), (39, 40 - rows));
        press(&mut picker, KeyCode::Home);
        press(&mut picker, KeyCode::Up);
        assert_eq!((picker.selected, picker.offset), (0, 0));
        let mut empty = Picker::new(Vec::new());
        assert_eq!(press(&mut empty, KeyCode::End), None);
        assert_eq!(press(&mut empty, KeyCode::Enter), None);
    }

    #[test]
    fn a_double_click_chooses() {
        let mut picker = picker(3);
        let rows = rows(picker.area);
        let click = Message::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: rows.x + 2,
            row: rows.y + 2,
            modifiers: KeyModifiers::NONE,
        });
        let now = Instant::now();
        assert_eq!(picker.update(&click, now), None);
        assert_eq!(picker.selected, 2);
        assert_eq!(picker.update(&click, now), Some(Choice::Entry(2)));
        let late = now + DOUBLE_CLICK * 3;
        assert_eq!(picker.update(&click, now), None);
        assert_eq!(picker.update(&click, late), None);
    }
}
