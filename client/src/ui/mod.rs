//! The screen: a pure function of the application's state and the time. One file a pane; where they are
//! is drawn in [`crate::view::layout`].

pub mod footer;
pub mod header;
pub mod help;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod impossible_tests;
pub mod panes;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod readme_picture;
pub mod screens;
#[cfg(test)]
mod tests;
pub mod widgets;

use ratatui::buffer::Buffer;

use crate::app::App;
use crate::state::Moment;
use crate::ui::screens::{fleet, host, link_dialog};

/// Draws the whole screen.
pub fn draw(buffer: &mut Buffer, app: &App, now: Moment) {
    let theme = app.settings.theme;
    match app.shown() {
        None => fleet::draw(buffer, app, now),
        Some(shown) => {
            host::draw(buffer, app, shown, now);
            if let Some(dialog) = app.open_dialog() {
                link_dialog::draw(buffer, dialog, shown.host, theme);
            }
        }
    }
    if let Some(offset) = app.help {
        help::draw(buffer, offset, theme);
    }
}
