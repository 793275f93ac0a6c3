//! The encoder: what changed on the screen, in few bytes, for a slow line and for the terminal that reads them.
//!
//! It is not a `ratatui::backend::Backend`: that is given the changed cells alone, and what saves most here (moving the
//! cells of a graph, going over what already stands there) takes both frames.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Position;

use crate::term::sgr::{CellStyle, is_blank};

/// Cells that have moved are moved where that saves so many bytes: what moving them takes, about.
const WORTH_MOVING: usize = 24;

/// Appends what turns a terminal that shows `shown` into one that shows `next`, which is of the same size;
/// nothing where they look alike. What is left in `shown` is of no use.
///
/// Nothing is taken for granted of where the terminal's cursor is and what it writes with: a frame is right
/// whatever has been written before it.
pub(crate) fn changes(shown: &mut Buffer, next: &Buffer, frame: &mut String) {
    let mut cursor = Cursor {
        frame,
        page: next,
        at: None,
        style: None,
    };
    move_what_moved(shown, &mut cursor);
    let mut styles: Vec<CellStyle> = Vec::new();
    let mut changed: Vec<(usize, Position, &Cell)> = Vec::new();
    for (x, y, cell) in shown.diff_iter(next) {
        let before = shown.cell((x, y));
        if before.is_some_and(|before| before != cell && is_blank(before) && is_blank(cell)) {
            continue;
        }
        // A blank goes with what is left of it.
        let left = changed
            .last()
            .filter(|(_, left, _)| (left.x + 1, left.y) == (x, y));
        let held = left.and_then(|(style, ..)| styles.get(*style));
        let style = *held
            .filter(|held| held.suits(cell))
            .unwrap_or(&CellStyle::of(cell));
        let number = styles.iter().position(|it| *it == style);
        let number = number.unwrap_or_else(|| {
            styles.push(style);
            styles.len() - 1
        });
        changed.push((number, Position { x, y }, cell));
    }
    // Style by style: several meet in most rows, and to move the cursor takes fewer bytes than to change the style.
    changed.sort_by_key(|(number, ..)| *number);
    for (_, place, cell) in changed {
        cursor.put(place, cell);
    }
}

/// Graphs move by a cell to the left, and so do their cells on the screen where that is shorter than to write them.
fn move_what_moved(shown: &mut Buffer, cursor: &mut Cursor<'_>) {
    let area = shown.area;
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let (end, saved) = moved(shown, cursor.page, Position { x, y });
            if saved >= WORTH_MOVING {
                cursor.move_to_the_left(Position { x, y }, Position { x: end, y });
                for x in x..end {
                    shown[(x, y)] = shown[(x + 1, y)].clone();
                }
                shown[(end, y)].reset();
            }
            x = end + 1;
        }
    }
}

/// The end of the cells from a place on that become what is right of them now, and the bytes of those that change by that.
fn moved(shown: &Buffer, next: &Buffer, from: Position) -> (u16, usize) {
    let is_whole = |cell: Option<&Cell>| cell.is_some_and(|it| is_surely_one_column(it.symbol()));
    let mut end = (from.x, 0);
    // This may be the second half of what is left of it.
    if from.x > shown.area.left() && !is_whole(shown.cell((from.x - 1, from.y))) {
        return end;
    }
    loop {
        let (x, saved) = end;
        let before = shown.cell((x, from.y));
        let after = next.cell((x, from.y));
        let is_moved = after.is_some() && after == shown.cell((x + 1, from.y));
        if !is_moved || !is_whole(before) || !is_whole(after) {
            return end;
        }
        let changed = after.filter(|_| after != before);
        end = (x + 1, saved + changed.map_or(0, |cell| cell.symbol().len()));
    }
}

/// Whether every terminal moves its cursor by one column when it is given this: about much that is not ASCII
/// terminals disagree. Lines, blocks and dots are what the screen is made of.
fn is_surely_one_column(symbol: &str) -> bool {
    let mut characters = symbol.chars();
    let Some(character) = characters.next() else {
        return false;
    };
    let known = matches!(character, ' '..='~' | '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}');
    known && characters.next().is_none()
}

/// The terminal's cursor, while it writes a frame.
struct Cursor<'a> {
    frame: &'a mut String,
    /// What the screen shows in the end.
    page: &'a Buffer,
    /// Where the cursor is, where that is known.
    at: Option<Position>,
    /// What it writes with, where that is known.
    style: Option<CellStyle>,
}

impl Cursor<'_> {
    /// Takes a cell out of a row and puts a blank in behind those that move up; what is right of that stays where
    /// it is.
    fn move_to_the_left(&mut self, taken: Position, blank: Position) {
        // The blank takes the background that is set.
        if self.style != Some(CellStyle::default()) {
            self.set_style(CellStyle::default());
        }
        self.go(taken);
        self.frame.push_str("\x1b[P");
        self.go(blank);
        self.frame.push_str("\x1b[@");
    }

    fn set_style(&mut self, style: CellStyle) {
        let parameters = style.parameters(self.style);
        let _ = write!(self.frame, "\x1b[{parameters}m");
        self.style = Some(style);
    }

    fn put(&mut self, place: Position, cell: &Cell) {
        self.go(place);
        if !self.style.is_some_and(|held| held.suits(cell)) {
            self.set_style(CellStyle::of(cell));
        }
        self.frame.push_str(cell.symbol());
        // Behind the last column the cursor is where the terminal likes.
        let known = is_surely_one_column(cell.symbol()) && place.x + 1 < self.page.area.right();
        self.at = known.then_some(Position {
            x: place.x + 1,
            ..place
        });
    }

    fn go(&mut self, to: Position) {
        if self.at == Some(to) {
            return;
        }
        let mut way = address(to);
        if let Some(at) = self.at {
            for other in [self.through(at, to), step(at, to)].into_iter().flatten() {
                if other.len() < way.len() {
                    way = other;
                }
            }
        }
        self.frame.push_str(&way);
        self.at = Some(to);
    }

    /// What stands between two places of a row, where that is to be had in the style that is set.
    fn through(&self, at: Position, to: Position) -> Option<String> {
        let style = self.style?;
        let columns = to.x.checked_sub(at.x)?;
        // No other way is as long.
        if at.y != to.y || columns > 8 {
            return None;
        }
        let mut symbols = String::new();
        for x in at.x..to.x {
            let cell = self.page.cell((x, at.y))?;
            if !style.suits(cell) || !is_surely_one_column(cell.symbol()) {
                return None;
            }
            symbols.push_str(cell.symbol());
        }
        Some(symbols)
    }
}

/// The way to a place from anywhere. Both numbers are 1 where they are left out.
fn address(to: Position) -> String {
    match (to.y, to.x) {
        (0, 0) => "\x1b[H".to_owned(),
        (y, 0) => format!("\x1b[{}H", y + 1),
        (0, x) => format!("\x1b[;{}H", x + 1),
        (y, x) => format!("\x1b[{};{}H", y + 1, x + 1),
    }
}

/// The way down and to either side.
fn step(at: Position, to: Position) -> Option<String> {
    let down = by(to.y.checked_sub(at.y)?, "\n", 'B');
    let across = match to.x.checked_sub(at.x) {
        Some(right) => by(right, "", 'C'),
        None => by(at.x - to.x, "\x08", 'D'),
    };
    Some(down + &across)
}

/// A move by some cells: by a control character, which takes it one cell, or by a sequence that ends in `letter`.
///
/// A raw terminal's line feed goes straight down.
fn by(cells: u16, control: &str, letter: char) -> String {
    let sequence = match cells {
        0 => return String::new(),
        1 => format!("\x1b[{letter}"),
        _ => format!("\x1b[{cells}{letter}"),
    };
    let count = usize::from(cells);
    if !control.is_empty() && count <= sequence.len() {
        control.repeat(count)
    } else {
        sequence
    }
}
