//! Draws the dialog for a link's question.
//!
//! ```text
//! ╭ The key of this agent is not known ─────────────────────────────────────────────╮
//! │ wss://pi4.lan:8443/ws is not known here, and this system's authorities do not   │
//! │ vouch for it. Its key is                                                        │
//! │ sha256:…                                                                        │
//! │                                                                                 │
//! │ Trust this key and remember it? [y/N]                                           │
//! ╰─────────────────────────────────────────────────────────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::text::Span;
use ratatui::widgets::{Clear, Widget};

use crate::app::LinkDialog;
use crate::config::theme::Theme;
use crate::state::HostState;
use crate::ui::widgets::paint::{padded, pane, put};
use crate::view::link_dialog::{Answer, lines, place, text_width, title};

/// Draws the dialog over what is there. Where there is no room for all of it, the end stays: what is typed.
pub fn draw(buffer: &mut Buffer, dialog: &LinkDialog, host: &HostState, theme: Theme) {
    let screen = buffer.area;
    let answer = Answer {
        input: &dialog.input,
        fault: dialog.fault.as_deref(),
    };
    let lines = lines(dialog.question, host, answer, text_width(screen), theme);
    let area = place(screen, lines.len());
    Clear.render(area, buffer);
    let title = vec![Span::styled(title(dialog.question), theme.strong())];
    let inner = padded(pane(buffer, area, true, title, None, theme), true);
    let hidden = lines.len().saturating_sub(usize::from(inner.height));
    for (row, line) in lines.into_iter().skip(hidden).enumerate() {
        put(buffer, inner, row, line);
    }
}
