//! The help: every key from the key table, and what the numbers mean.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions::Context;
use crate::actions::keymap::{Binding, Key, bindings};
use crate::catalog::process::Column;
use crate::config::theme::Theme;
use crate::text::width;

/// What is worth knowing about the numbers.
const NOTES: [&str; 7] = [
    "CPU % is a share of the whole machine, 0 to 100, also for a process: on 4 cores a busy loop shows 25.",
    "Memory in use is the total less what is available, as free shows it. Used disk space is df's percentage.",
    "S: R running, S sleeping, D waiting for a disk, I idle, T stopped, t traced, Z zombie, X dead.",
    "– is what the agent could not read or does not tell. It is never 0.",
    "Dim numbers are old. Rates are between two samples; peaks are since this program started.",
    "Mouse: click a heading to sort, a process to select, twice for details; wheel and scrollbar scroll.",
    "Hold Shift to select text with the mouse.",
];

/// Columns of the box with one column of text, and with two.
const WIDTH: u16 = 76;
const WIDE: u16 = 118;
/// Columns of the left column of text.
pub const LEFT: u16 = 54;

fn section(
    lines: &mut Vec<Line<'static>>,
    context: Context,
    title: &'static str,
    width: u16,
    theme: Theme,
) {
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines.push(Line::styled(title, theme.strong()));
    // What works on the host's screen too has been said there.
    let told = bindings(context)
        .filter(|it| context == Context::Host || !it.contexts.contains(&Context::Host));
    lines.extend(told.map(|binding| entry(binding, width, theme)));
}

fn entry(binding: &Binding, width: u16, theme: Theme) -> Line<'static> {
    let room = usize::from(width / 3).clamp(6, 20);
    let names: Vec<String> = binding.keys.iter().map(Key::name).collect();
    Line::from(vec![
        Span::styled(
            width::left(&format!("  {}", names.join("  ")), room),
            theme.accent(),
        ),
        Span::raw(binding.help),
    ])
}

fn notes(lines: &mut Vec<Line<'static>>, width: u16, theme: Theme) {
    lines.push(Line::default());
    lines.push(Line::styled("Numbers and mouse", theme.strong()));
    let columns = columns_note();
    for note in NOTES.into_iter().chain([columns.as_str()]) {
        let wrapped = width::wrap(note, usize::from(width.saturating_sub(4))).into_iter();
        lines.extend(wrapped.enumerate().map(|(index, line)| {
            Line::from(format!("{}{line}", if index == 0 { "  " } else { "    " }))
        }));
    }
}

/// What the columns of the process list are.
fn columns_note() -> String {
    let columns = Column::EACH.iter().map(|column| column.row());
    let columns: Vec<String> = columns
        .map(|row| format!("{} {}", row.title, row.help))
        .collect();
    format!("Columns: {}.", columns.join("; "))
}

/// The text, in one column or two of that width.
#[must_use]
pub fn columns(width: u16, theme: Theme) -> [Vec<Line<'static>>; 2] {
    let mut left = Vec::new();
    let mut right = Vec::new();
    section(&mut left, Context::Host, "Keys", width, theme);
    let (rest, rest_width) = if width >= WIDE - 4 {
        (&mut right, width - LEFT)
    } else {
        (&mut left, width)
    };
    section(rest, Context::Fleet, "In the list of hosts", width, theme);
    section(
        rest,
        Context::Filter,
        "While a filter is typed",
        width,
        theme,
    );
    section(
        rest,
        Context::Details,
        "In the details of a process",
        width,
        theme,
    );
    notes(rest, rest_width, theme);
    [left, right]
}

/// The box, in the middle of the screen.
#[must_use]
pub fn place(screen: Rect) -> Rect {
    let width = if screen.width >= WIDE {
        WIDE
    } else {
        screen.width.min(WIDTH)
    };
    let wanted = columns(width.saturating_sub(4), Theme::new(false));
    let wanted = wanted.iter().map(Vec::len).max().unwrap_or(0) + 2;
    let room = screen.height.saturating_sub(2).max(screen.height.min(4));
    let height = room.min(u16::try_from(wanted).unwrap_or(u16::MAX));
    Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    }
}

/// The width of the text in the box, and how many rows of it are seen.
#[must_use]
pub fn inner(screen: Rect) -> (u16, usize) {
    let place = place(screen);
    (
        place.width.saturating_sub(4),
        usize::from(place.height.saturating_sub(2)),
    )
}

/// Whether next to nothing is seen of `area` behind the box: less than a tenth.
#[must_use]
pub fn hides(screen: Rect, area: Rect) -> bool {
    let behind = place(screen).intersection(area);
    behind.area() * 10 > area.area() * 9
}

/// The largest scroll position.
#[must_use]
pub fn last_offset(screen: Rect) -> usize {
    let (width, visible) = inner(screen);
    let total = columns(width, Theme::new(false)).iter().map(Vec::len).max();
    total.unwrap_or(0).saturating_sub(visible)
}
