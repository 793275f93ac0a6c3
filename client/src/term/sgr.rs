//! The colours and modifiers that characters are written with, and the shortest way from one to the other.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// Modifiers with the numbers that set them and take them back.
const MODIFIERS: [(Modifier, &str, &str); 9] = [
    (Modifier::BOLD, "1", "22"),
    (Modifier::DIM, "2", "22"),
    (Modifier::ITALIC, "3", "23"),
    (Modifier::UNDERLINED, "4", "24"),
    (Modifier::SLOW_BLINK, "5", "25"),
    (Modifier::RAPID_BLINK, "6", "25"),
    (Modifier::REVERSED, "7", "27"),
    (Modifier::HIDDEN, "8", "28"),
    (Modifier::CROSSED_OUT, "9", "29"),
];

/// What makes a blank visible.
const SEEN_ON_BLANKS: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::SLOW_BLINK)
    .union(Modifier::RAPID_BLINK)
    .union(Modifier::CROSSED_OUT);

/// What characters are written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CellStyle {
    foreground: Color,
    background: Color,
    modifier: Modifier,
}

impl CellStyle {
    pub(crate) fn of(cell: &Cell) -> Self {
        Self {
            foreground: cell.fg,
            background: cell.bg,
            modifier: cell.modifier,
        }
    }

    fn is_seen_on_blanks(self) -> bool {
        self.background != Color::Reset || self.modifier.intersects(SEEN_ON_BLANKS)
    }

    /// Whether a cell written with this looks as it should.
    pub(crate) fn suits(self, cell: &Cell) -> bool {
        self == Self::of(cell) || (is_blank(cell) && !self.is_seen_on_blanks())
    }

    /// The shortest parameters of SGR that lead here from `before`, or from whatever there was.
    pub(crate) fn parameters(self, before: Option<Self>) -> String {
        let mut anew = Parameters::default();
        if self != Self::default() {
            anew.add("0");
            anew.add_what_differs(Self::default(), self);
        }
        let mut onward = Parameters::default();
        match before {
            Some(before) => onward.add_what_differs(before, self),
            None => return anew.0,
        }
        if onward.0.len() < anew.0.len() {
            onward.0
        } else {
            anew.0
        }
    }
}

/// Parameters of SGR.
#[derive(Default)]
struct Parameters(String);

impl Parameters {
    fn add(&mut self, parameter: &str) {
        if !self.0.is_empty() {
            self.0.push(';');
        }
        self.0.push_str(parameter);
    }

    fn add_what_differs(&mut self, before: CellStyle, after: CellStyle) {
        let mut held = before.modifier;
        for (modifier, _, end) in MODIFIERS {
            if held.contains(modifier) && !after.modifier.contains(modifier) {
                self.add(end);
                // Some end by the same number.
                for (also, _, _) in MODIFIERS.iter().filter(|(_, _, other)| *other == end) {
                    held.remove(*also);
                }
            }
        }
        for (modifier, begin, _) in MODIFIERS {
            if after.modifier.contains(modifier) && !held.contains(modifier) {
                self.add(begin);
            }
        }
        if before.foreground != after.foreground {
            self.add(&color(after.foreground, 30));
        }
        if before.background != after.background {
            self.add(&color(after.background, 40));
        }
    }
}

/// The parameters of a colour: `base` is 30 for the foreground, 40 for the background.
fn color(color: Color, base: u8) -> String {
    let number = match color {
        Color::Reset => 9,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        Color::Indexed(index) => return format!("{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => return format!("{};2;{red};{green};{blue}", base + 8),
    };
    (base + number).to_string()
}

/// A cell that shows nothing.
pub(crate) fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && !CellStyle::of(cell).is_seen_on_blanks()
}
