//! The picture in README.md: docs/socktop.svg is the screen of a made-up Raspberry Pi, as it is drawn today.

use std::fmt::Write as _;
use std::path::Path;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::app::fixture::Stage;

/// Pixels of a character.
const WIDTH: usize = 8;
const HEIGHT: usize = 17;

fn color(cell: &Cell) -> &'static str {
    match cell.fg {
        Color::Red => "#f2777a",
        Color::Green => "#7ec87e",
        Color::Yellow => "#e8c268",
        Color::Cyan => "#66c5cc",
        Color::Magenta => "#cc99cc",
        _ => "#d8dee4",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Neighbours of one style, with the column of the first.
fn runs(row: &[Cell]) -> Vec<(usize, String, &Cell)> {
    let mut runs: Vec<(usize, String, &Cell)> = Vec::new();
    for (column, cell) in row.iter().enumerate() {
        match runs.last_mut() {
            Some((_, text, first)) if (first.fg, first.modifier) == (cell.fg, cell.modifier) => {
                text.push_str(cell.symbol());
            }
            _ => runs.push((column, cell.symbol().to_owned(), cell)),
        }
    }
    runs
}

fn svg(buffer: &Buffer) -> String {
    let columns = usize::from(buffer.area.width);
    let rows: Vec<_> = buffer.content().chunks(columns).collect();
    let (width, height) = ((columns + 2) * WIDTH, rows.len() * HEIGHT + HEIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-size=\"13.3\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', monospace\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#171b21\"/>\n"
    );
    for (row, cells) in rows.into_iter().enumerate() {
        for (column, text, cell) in runs(cells) {
            let x = (column + 1) * WIDTH;
            let width_of = |text: &str| text.chars().count() * WIDTH;
            let run_width = width_of(&text);
            let is_reversed = cell.modifier.contains(Modifier::REVERSED);
            if is_reversed {
                let y = row * HEIGHT + HEIGHT / 2;
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{run_width}\" height=\"{HEIGHT}\" fill=\"{}\"/>",
                    color(cell)
                );
            }
            // Renderers differ in what blanks at either end count for.
            let x = x + width_of(&text) - width_of(text.trim_start());
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            let run_width = width_of(text);
            let y = (row + 1) * HEIGHT + 4;
            let fill = if is_reversed { "#171b21" } else { color(cell) };
            let mut style = String::new();
            if cell.modifier.contains(Modifier::BOLD) {
                style.push_str(" font-weight=\"bold\"");
            }
            if cell.modifier.contains(Modifier::DIM) {
                style.push_str(" opacity=\"0.6\"");
            }
            let _ = writeln!(
                svg,
                "<text x=\"{x}\" y=\"{y}\" fill=\"{fill}\"{style} textLength=\"{run_width}\" xml:space=\"preserve\">{}</text>",
                escaped(text)
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// With `SOCKTOP_WRITE_PICTURE` set, it writes the picture instead.
#[test]
fn readme_shows_the_screen_as_it_is_drawn() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/socktop.svg");
    let drawn = svg(&Stage::rich(120, 34).draw());
    if std::env::var_os("SOCKTOP_WRITE_PICTURE").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).is_ok_and(|picture| picture == drawn),
        "docs/socktop.svg is not what is drawn: run this test with SOCKTOP_WRITE_PICTURE=1 and look at it"
    );
}
