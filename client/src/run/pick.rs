//! The loop of the choice of a host.

use std::time::Instant;

use super::event_loop::after_drawing;
use crate::app::Message;
use crate::app::screens::picker::{Choice, Entry, Picker};
use crate::term::input::Input;
use crate::term::screen::{Screen, ScreenError};
use crate::ui;

/// Lets the user choose one of `entries`. The terminal is then as it was.
///
/// # Errors
/// Where the terminal cannot be used.
pub(super) async fn pick(entries: Vec<Entry>, color: bool) -> Result<Choice, ScreenError> {
    let mut screen = Screen::enter()?;
    let mut input = Input::start()?;
    let mut picker = Picker::new(entries);
    let (width, height) = Screen::size().map_err(ScreenError::Enter)?;
    picker.update(&Message::Resize(width, height), Instant::now());
    loop {
        if screen.can_draw() {
            let drawn = screen.draw(picker.area, |buffer| {
                ui::screens::picker::draw(buffer, &picker, color);
            });
            if let Some(outcome) = after_drawing(drawn)? {
                return Ok(Choice::None(outcome));
            }
        }
        let Some(message) = input.next(&mut screen).await? else {
            continue;
        };
        if matches!(message, Message::Resize(..)) {
            screen.forget();
        }
        if let Some(choice) = picker.update(&message, Instant::now()) {
            return Ok(choice);
        }
    }
}
