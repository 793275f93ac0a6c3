//! The list of hosts, with the state of each link.
//!
//! ```text
//!  socktop · 3 hosts · 2 connected
//!
//!   pi4           connected         wss://pi4.lan:8443/ws
//!   pi5           down 12s          wss://pi5.lan:8443/ws: connecting failed: …
//!   this machine  connected         without an agent and without a port
//!
//!  q quit  Enter open  ? help  r retry
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::actions::Context;
use crate::app::App;
use crate::catalog::Align;
use crate::config::theme::Theme;
use crate::state::Moment;
use crate::text::width;
use crate::ui::footer;
use crate::ui::widgets::paint::{put, scrollbar};
use crate::ui::widgets::table::{self, Cell};
use crate::view::fleet::{detail, link_words, summary};

/// Columns of the state of a link: the longest is "asks for a token".
const STATE: u16 = 16;

/// What a list says that has this machine alone.
const NO_PROFILES: [&str; 3] = [
    "There are no saved profiles. To watch another machine, run socktop-agent there, and here:",
    "  ssh HOST sudo socktop-agent pair | socktop add  saves it: socktop NAME",
    "  socktop HOST                                    wss://HOST:8443/ws",
];

/// Draws the screen.
pub fn draw(buffer: &mut Buffer, app: &App, now: Moment) {
    let theme = app.settings.theme;
    let regions = app.fleet_layout();
    let title = vec![
        Span::styled(" socktop", theme.strong()),
        Span::styled(format!(" · {}", summary(&app.fleet)), theme.quiet()),
    ];
    put(buffer, regions.title, 0, title);
    let footer = regions.footer;
    let keys = footer::keys(Context::Fleet, footer.width, None, theme);
    put(buffer, footer, 0, keys);

    let rows = regions.rows;
    let names = app.fleet.iter();
    let names = names.map(|(_, host)| width::width(&width::clean(&host.config.name)));
    let name_width = u16::try_from(names.max().unwrap_or(0)).unwrap_or(u16::MAX);
    let name_width = name_width.min(rows.width / 2);
    let screen = &app.fleet_screen;
    let visible = usize::from(rows.height);
    let shown = app.fleet.iter().skip(screen.offset).take(visible);
    for (row, (host, state)) in shown.enumerate() {
        let (words, role) = link_words(state, now);
        let cells = [
            Cell::text(name_width, Align::Left, &state.config.name, theme.strong()).after(2),
            Cell::text(STATE, Align::Left, &words, theme.style(role)).after(2),
            Cell::spans(rows.width, [Span::styled(detail(state), theme.quiet())]).after(2),
        ];
        table::row(buffer, rows, row, cells);
        if host.index() == screen.selected {
            table::select(buffer, rows, row, theme);
        }
    }
    if app.fleet.len() == 1 {
        notes(buffer, rows, app.fleet.len() + 1, theme);
    }
    let track = Rect {
        x: rows.right().saturating_sub(1),
        width: rows.width.min(1),
        ..rows
    };
    scrollbar(
        buffer,
        track,
        app.fleet.len(),
        visible,
        screen.offset,
        theme,
    );
}

/// How to watch another machine, from the `row`th row on.
fn notes(buffer: &mut Buffer, rows: Rect, mut row: usize, theme: Theme) {
    for note in NO_PROFILES {
        for line in width::wrap(note, usize::from(rows.width.saturating_sub(4))) {
            let line = Span::styled(format!("  {line}"), theme.quiet());
            put(buffer, rows, row, line);
            row += 1;
        }
    }
}
