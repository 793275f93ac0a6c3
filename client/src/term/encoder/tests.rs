//! What is written, and that a terminal shows what was drawn.

use std::num::NonZero;
use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
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
fn the_cursor_moves_down_to_a_cell_below() {
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
fn cells_of_one_style_are_written_together() {
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
    let cell_style = |style: Style| {
        let mut cell = Cell::new("x");
        cell.set_style(style);
        CellStyle::of(&cell)
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
        assert_eq!(cell_style(after).parameters(Some(cell_style(before))), told);
    }
    assert_eq!(cell_style(plain.cyan()).parameters(None), "0;36");
    assert_eq!(cell_style(plain).parameters(None), "");
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
            let (symbol, style) = cells[usize::from(y * width + x)];
            let mut symbol = SYMBOLS[symbol];
            let mut taken = u16::try_from(symbol.width()).unwrap();
            if x + taken > width {
                (symbol, taken) = (" ", 1);
            }
            buffer.set_string(x, y, symbol, STYLES[style]);
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
