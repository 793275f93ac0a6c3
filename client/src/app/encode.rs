//! What changed on the screen, in few bytes: what a slow line carries, and what a terminal has to read.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Position;
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

/// Cells that have moved are moved where that saves so many bytes: what moving them takes, about.
const WORTH_MOVING: usize = 24;

/// Appends what turns a terminal that shows `shown` into one that shows `next`, which is of the same size;
/// nothing where they look alike. What is left in `shown` is of no use.
///
/// Nothing is taken for granted of where the terminal's cursor is and what it writes with: a frame is right
/// whatever has been written before it.
pub(super) fn changes(shown: &mut Buffer, next: &Buffer, frame: &mut String) {
    let mut pen = Pen {
        frame,
        page: next,
        at: None,
        ink: None,
    };
    move_what_moved(shown, &mut pen);
    let mut inks: Vec<Ink> = Vec::new();
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
        let held = left.and_then(|(ink, ..)| inks.get(*ink));
        let ink = *held
            .filter(|held| held.suits(cell))
            .unwrap_or(&Ink::of(cell));
        let number = inks.iter().position(|it| *it == ink);
        let number = number.unwrap_or_else(|| {
            inks.push(ink);
            inks.len() - 1
        });
        changed.push((number, Position { x, y }, cell));
    }
    // Ink by ink: several meet in most rows, and to move the cursor takes fewer bytes than to change the ink.
    changed.sort_by_key(|(number, ..)| *number);
    for (_, place, cell) in changed {
        pen.put(place, cell);
    }
}

/// Graphs move by a cell to the left, and so do their cells on the screen where that is shorter than to write them.
fn move_what_moved(shown: &mut Buffer, pen: &mut Pen<'_>) {
    let area = shown.area;
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let (end, saved) = moved(shown, pen.page, Position { x, y });
            if saved >= WORTH_MOVING {
                pen.move_to_the_left(Position { x, y }, Position { x: end, y });
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

/// What characters are written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Ink {
    foreground: Color,
    background: Color,
    modifier: Modifier,
}

impl Ink {
    fn of(cell: &Cell) -> Self {
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
    fn suits(self, cell: &Cell) -> bool {
        self == Self::of(cell) || (is_blank(cell) && !self.is_seen_on_blanks())
    }

    /// The shortest parameters of SGR that lead here from `before`, or from whatever there was.
    fn parameters(self, before: Option<Self>) -> String {
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

    fn add_what_differs(&mut self, before: Ink, after: Ink) {
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
fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && !Ink::of(cell).is_seen_on_blanks()
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
struct Pen<'a> {
    frame: &'a mut String,
    /// What the screen shows in the end.
    page: &'a Buffer,
    /// Where the cursor is, where that is known.
    at: Option<Position>,
    /// What it writes with, where that is known.
    ink: Option<Ink>,
}

impl Pen<'_> {
    /// Takes a cell out of a row and puts a blank in behind those that move up; what is right of that stays where
    /// it is.
    fn move_to_the_left(&mut self, taken: Position, blank: Position) {
        // The blank takes the background at hand.
        if self.ink != Some(Ink::default()) {
            self.dip(Ink::default());
        }
        self.go(taken);
        self.frame.push_str("\x1b[P");
        self.go(blank);
        self.frame.push_str("\x1b[@");
    }

    fn dip(&mut self, ink: Ink) {
        let parameters = ink.parameters(self.ink);
        let _ = write!(self.frame, "\x1b[{parameters}m");
        self.ink = Some(ink);
    }

    fn put(&mut self, place: Position, cell: &Cell) {
        self.go(place);
        if !self.ink.is_some_and(|held| held.suits(cell)) {
            self.dip(Ink::of(cell));
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

    /// What stands between two places of a row, where that is to be had with the ink at hand.
    fn through(&self, at: Position, to: Position) -> Option<String> {
        let ink = self.ink?;
        let columns = to.x.checked_sub(at.x)?;
        // No other way is as long.
        if at.y != to.y || columns > 8 {
            return None;
        }
        let mut symbols = String::new();
        for x in at.x..to.x {
            let cell = self.page.cell((x, at.y))?;
            if !ink.suits(cell) || !is_surely_one_column(cell.symbol()) {
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

#[cfg(test)]
mod tests {
    use std::num::NonZero;
    use std::ops::Range;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    const SIZE: (u16, u16) = (40, 4);
    const CELLS: usize = 40 * 4;

    fn written(shown: &Buffer, next: &Buffer) -> String {
        let mut frame = String::new();
        changes(&mut shown.clone(), next, &mut frame);
        frame
    }

    /// What is written where `from` becomes `to`, both at (3, 2) of a screen.
    fn change(from: &str, to: &str) -> String {
        let empty = Buffer::empty(Rect::new(0, 0, 40, 5));
        let [mut shown, mut next] = [empty.clone(), empty];
        shown.set_string(3, 2, from, Style::new());
        next.set_string(3, 2, to, Style::new());
        written(&shown, &next)
    }

    #[test]
    fn nothing_is_written_where_nothing_is_to_be_seen() {
        assert_eq!(change("same", "same"), "");
        let shown = Buffer::empty(Rect::new(0, 0, 9, 3));
        let mut next = shown.clone();
        let area = next.area;
        next.set_style(area, Style::new().fg(Color::Red).dim());
        assert_eq!(written(&shown, &next), "");
    }

    #[test]
    fn the_cursor_takes_the_shortest_way() {
        let away = "\x1b[3;4H\x1b[m";
        assert_eq!(change("0.4", "0.5"), "\x1b[3;6H\x1b[m5");
        assert_eq!(change("1.4 a", "2.5 b"), format!("{away}2.5 b"));
        assert_eq!(change("1⣀⣀2", "3⣀⣀4"), format!("{away}3\x1b[2C4"));
        assert_eq!(change("1…2", "3…4"), format!("{away}3\x1b[C4"));
        assert_eq!(change("…2=5", "·2=6"), format!("{away}·\x1b[3;7H6"));
    }

    #[test]
    fn what_is_below_is_gone_down_to() {
        let shown = Buffer::empty(Rect::new(0, 0, 40, 9));
        let mut next = shown.clone();
        for (x, y, words) in [(30, 0, "2.5"), (30, 1, "3.2"), (9, 3, "a"), (10, 8, "b")] {
            next.set_string(x, y, words, Style::new());
        }
        let down = "\x1b[;31H\x1b[m2.5\n\x08\x08\x083.2\x1b[4;10Ha\x1b[5Bb";
        assert_eq!(written(&shown, &next), down);
    }

    #[test]
    fn a_graph_moves_without_being_written() {
        let dots = "⠁⠂⠃⠄⠅⠆⠇⠈⠉";
        let moved = format!("{dots}⠊");
        assert_eq!(
            change(&format!("|⠀{dots}|"), &format!("|{moved}|")),
            "\x1b[m\x1b[3;5H\x1b[P\x1b[9C\x1b[@⠊"
        );
        let short = "\x1b[3;5H\x1b[m⠁⠂⠃";
        assert_eq!(change("|⠀⠁⠂|", "|⠁⠂⠃|"), short);
    }

    #[test]
    fn what_is_written_with_one_ink_is_written_together() {
        let shown = Buffer::empty(Rect::new(0, 0, 40, 9));
        let mut next = shown.clone();
        for y in 2..4 {
            next.set_string(3, y, "1", Style::new().dim());
            next.set_string(5, y, "a b", Style::new());
        }
        let together = "\x1b[3;4H\x1b[0;2m1\n\x081\x1b[3;6H\x1b[ma b\n\x08\x08\x08a b";
        assert_eq!(written(&shown, &next), together);
    }

    #[test]
    fn behind_the_last_column_the_cursor_is_nowhere() {
        let shown = Buffer::empty(Rect::new(0, 0, 4, 2));
        let mut next = shown.clone();
        next.set_string(3, 0, "a", Style::new());
        next.set_string(0, 1, "b", Style::new());
        assert_eq!(written(&shown, &next), "\x1b[;4H\x1b[ma\x1b[2Hb");
    }

    #[test]
    fn colours_and_modifiers_are_told_together_and_only_where_they_change() {
        let ink = |style: Style| {
            let mut cell = Cell::new("x");
            cell.set_style(style);
            Ink::of(&cell)
        };
        let plain = Style::new();
        for (before, after, told) in [
            (plain, plain.dim(), "2"),
            (plain.dim(), plain, ""),
            (plain.dim(), plain.green(), "0;32"),
            (plain.green(), plain.red().bold(), "1;31"),
            (plain.green().bold(), plain.green().dim(), "22;2"),
            (plain.green().bold().dim(), plain.green().dim(), "22;2"),
            (plain.on_blue(), plain.light_red().on_blue(), "91"),
            (plain.on_blue().green(), plain.on_blue(), "39"),
            (plain, plain.fg(Color::Indexed(7)), "38;5;7"),
            (plain, plain.bg(Color::Rgb(1, 2, 3)), "48;2;1;2;3"),
        ] {
            assert_eq!(ink(after).parameters(Some(ink(before))), told);
        }
        assert_eq!(ink(plain.cyan()).parameters(None), "0;36");
        assert_eq!(ink(plain).parameters(None), "");
    }

    /// What a cell may show: what every terminal knows, what is disputed or marked, what is wide.
    const SYMBOLS: [&str; 12] = [
        " ", "a", "7", "⣿", "⠂", "━", "┃", "…", "☁", "ß", "e\u{301}", "漢",
    ];
    const KNOWN: usize = 7;
    const NARROW: usize = 11;

    /// How a cell may look; from the sixth on a blank would show it, too.
    const STYLES: [Style; 10] = [
        Style::new(),
        Style::new().dim(),
        Style::new().bold(),
        Style::new().green(),
        Style::new().cyan().bold(),
        Style::new().reversed(),
        Style::new().red().reversed().bold(),
        Style::new().on_blue().italic(),
        Style::new().fg(Color::Indexed(200)).bg(Color::Rgb(1, 2, 3)),
        Style::new().light_red().underlined(),
    ];
    const UNSEEN_ON_BLANKS: usize = 5;

    /// A cell, its symbol and style.
    type Change = (usize, usize, usize);

    /// Changes, and the cells that move to the left before them.
    type Frame = (Range<usize>, Vec<Change>);

    fn frames(symbols: usize, styles: usize) -> impl Strategy<Value = Vec<Frame>> {
        let moved = (0..CELLS, 0..40_usize).prop_map(|(from, count)| from..from + count);
        vec(
            (moved, vec((0..CELLS, 0..symbols, 0..styles), 0..60)),
            1..12,
        )
    }

    /// Writes each cell's symbol where there is room for it.
    fn drawn(cells: &[(usize, usize)]) -> Buffer {
        let (width, height) = SIZE;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        for y in 0..height {
            let mut x = 0;
            while x < width {
                let (symbol, ink) = cells[usize::from(y * width + x)];
                let mut symbol = SYMBOLS[symbol];
                let mut taken = u16::try_from(symbol.width()).unwrap();
                if x + taken > width {
                    (symbol, taken) = (" ", 1);
                }
                buffer.set_string(x, y, symbol, STYLES[ink]);
                x += taken;
            }
        }
        buffer
    }

    fn seen(color: Color) -> vt100::Color {
        match color {
            Color::Reset => vt100::Color::Default,
            Color::Red => vt100::Color::Idx(1),
            Color::Green => vt100::Color::Idx(2),
            Color::Blue => vt100::Color::Idx(4),
            Color::Cyan => vt100::Color::Idx(6),
            Color::LightRed => vt100::Color::Idx(9),
            Color::Indexed(index) => vt100::Color::Idx(index),
            Color::Rgb(red, green, blue) => vt100::Color::Rgb(red, green, blue),
            other => panic!("{other} is in no style of these"),
        }
    }

    fn assert_shows(screen: &vt100::Screen, buffer: &Buffer) {
        for (index, cell) in buffer.content().iter().enumerate() {
            let (x, y) = buffer.pos_of(index);
            let shown = screen.cell(y, x).unwrap();
            if shown.is_wide_continuation() {
                continue;
            }
            let blank = cell.symbol() == " ";
            let has = |modifier| cell.modifier.contains(modifier);
            let symbol = if shown.has_contents() {
                shown.contents()
            } else {
                " "
            };
            assert_eq!(symbol, cell.symbol(), "at {x}, {y}");
            assert_eq!(shown.bgcolor(), seen(cell.bg), "at {x}, {y}");
            assert_eq!(shown.inverse(), has(Modifier::REVERSED), "at {x}, {y}");
            assert_eq!(shown.underline(), has(Modifier::UNDERLINED), "at {x}, {y}");
            if !blank {
                assert_eq!(shown.fgcolor(), seen(cell.fg), "at {x}, {y}");
                assert_eq!(shown.bold(), has(Modifier::BOLD), "at {x}, {y}");
                assert_eq!(shown.dim(), has(Modifier::DIM), "at {x}, {y}");
                assert_eq!(shown.italic(), has(Modifier::ITALIC), "at {x}, {y}");
            }
        }
    }

    /// A terminal has shown what was drawn after each frame.
    fn replay(frames: Vec<Frame>) {
        let [width, height] = [SIZE.0, SIZE.1].map(|cells| NonZero::new(cells).unwrap());
        let mut terminal = vt100::Parser::new(height, width, 0);
        let mut cells = vec![(0, 0); CELLS];
        let mut shown = drawn(&cells);
        for (moved, changes) in frames {
            if let Some(moved) = cells.get_mut(moved).filter(|it| !it.is_empty()) {
                moved.rotate_left(1);
            }
            for (place, symbol, style) in changes {
                cells[place] = (symbol, style);
            }
            let next = drawn(&cells);
            terminal.process(written(&shown, &next).as_bytes());
            assert_shows(terminal.screen(), &next);
            shown = next;
        }
    }

    proptest! {
        #[test]
        fn graphs_move(frames in frames(KNOWN, STYLES.len())) {
            replay(frames);
        }

        #[test]
        fn a_terminal_shows_what_was_drawn(frames in frames(NARROW, STYLES.len())) {
            replay(frames);
        }

        // What a terminal leaves of half a wide character it may colour as it likes.
        #[test]
        fn wide_characters_come_and_go(frames in frames(SYMBOLS.len(), UNSEEN_ON_BLANKS)) {
            replay(frames);
        }
    }
}
