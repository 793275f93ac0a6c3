//! What single control characters and whole sequences of a terminal mean: the keys and mouse reports of xterm's
//! `ctlseqs`, of the Linux console and of the kitty keyboard protocol. Whatever else is a reply means nothing.

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::Event;

/// An ASCII character: a key, or a key with Control.
pub(super) fn ascii(byte: u8) -> (KeyCode, KeyModifiers) {
    let with_control = |byte: u8| (KeyCode::Char(char::from(byte)), KeyModifiers::CONTROL);
    match byte {
        b'\r' => (KeyCode::Enter, KeyModifiers::NONE),
        b'\t' => (KeyCode::Tab, KeyModifiers::NONE),
        0x7f => (KeyCode::Backspace, KeyModifiers::NONE),
        0 => with_control(b' '),
        1..=0x1a => with_control(byte - 1 + b'a'),
        0x1c..=0x1f => with_control(byte - 0x1c + b'4'),
        _ => character(char::from(byte)),
    }
}

/// A character that was typed.
pub(super) fn character(character: char) -> (KeyCode, KeyModifiers) {
    let modifiers = if character.is_uppercase() {
        KeyModifiers::SHIFT
    } else {
        KeyModifiers::NONE
    };
    (KeyCode::Char(character), modifiers)
}

/// The key of `ESC O` and a letter.
pub(super) fn single_shift(letter: u8) -> Option<Event> {
    let code = match letter {
        // The keypad's.
        b'M' => KeyCode::Enter,
        // No reply: those have parameters.
        b'R' => KeyCode::F(3),
        _ => letter_key(letter)?,
    };
    Some(super::key(code, KeyModifiers::NONE))
}

/// The key of `ESC [ [` and a letter.
pub(super) fn console_function(letter: u8) -> Option<Event> {
    let number = letter.checked_sub(b'A').filter(|number| *number < 5)?;
    Some(super::key(KeyCode::F(number + 1), KeyModifiers::NONE))
}

/// What `ESC [`, `parameters` and `last` mean.
pub(super) fn control(parameters: &[u8], last: u8) -> Option<Event> {
    let parameters = std::str::from_utf8(parameters).ok()?;
    if let Some(report) = parameters.strip_prefix('<') {
        return mouse(report, last);
    }
    // Private ones, and those with intermediate bytes, are replies.
    if !parameters
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':'))
    {
        return None;
    }
    let mut fields = parameters.split(';');
    let first = fields.next().unwrap_or_default();
    let (modifiers, kind) = modifiers(fields.next().unwrap_or_default());
    let code = match last {
        b'~' => numbered_key(first.parse().ok()?)?,
        b'u' => unicode_key(first.split(':').next()?.parse().ok()?)?,
        b'Z' => {
            let event = KeyEvent::new(KeyCode::BackTab, modifiers | KeyModifiers::SHIFT);
            return Some(Event::Key(event));
        }
        _ => letter_key(last)?,
    };
    Some(Event::Key(KeyEvent::new_with_kind(code, modifiers, kind)))
}

/// The key of a last letter. There is no `R`: F3 with a modifier looks like a report of the cursor's place.
fn letter_key(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        b'S' => KeyCode::F(4),
        _ => return None,
    })
}

/// The key of a number before `~`.
fn numbered_key(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23..=24 => KeyCode::F(number - 12),
        _ => return None,
    })
}

/// The key of a code point before `u`.
fn unicode_key(code_point: u32) -> Option<KeyCode> {
    Some(match char::from_u32(code_point)? {
        '\r' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\x1b' => KeyCode::Esc,
        '\x7f' => KeyCode::Backspace,
        character if character.is_control() => return None,
        character => KeyCode::Char(character),
    })
}

/// Modifiers and kind, `1 + bits : kind`; none and a press where they are left out.
fn modifiers(field: &str) -> (KeyModifiers, KeyEventKind) {
    let mut parts = field.split(':');
    let mut next = || parts.next().and_then(|part| part.parse::<u8>().ok());
    let bits = next().unwrap_or(1).saturating_sub(1);
    let kind = match next() {
        Some(2) => KeyEventKind::Repeat,
        Some(3) => KeyEventKind::Release,
        _ => KeyEventKind::Press,
    };
    let mut modifiers = KeyModifiers::NONE;
    modifiers.set(KeyModifiers::SHIFT, bits & 1 != 0);
    modifiers.set(KeyModifiers::ALT, bits & 2 != 0);
    modifiers.set(KeyModifiers::CONTROL, bits & 4 != 0);
    (modifiers, kind)
}

/// The report of `ESC [ <`: button, column and row from 1, and whether it is a press.
fn mouse(report: &str, last: u8) -> Option<Event> {
    let mut fields = report.split(';');
    let button = fields.next()?.parse().ok()?;
    let column = fields.next()?.parse::<u16>().ok()?.checked_sub(1)?;
    let row = fields.next()?.parse::<u16>().ok()?.checked_sub(1)?;
    let (kind, modifiers) = mouse_kind(button)?;
    let kind = match (last, kind) {
        (b'm', MouseEventKind::Down(button)) => MouseEventKind::Up(button),
        (b'm' | b'M', kind) => kind,
        _ => return None,
    };
    Some(Event::Mouse(MouseEvent {
        kind,
        column,
        row,
        modifiers,
    }))
}

/// The report of a terminal that knows no other: `ESC [ M` and three bytes, each 32 more than it means.
pub(super) fn old_mouse(button: u8, column: u8, row: u8) -> Option<Event> {
    let (kind, modifiers) = mouse_kind(button.checked_sub(32)?)?;
    Some(Event::Mouse(MouseEvent {
        kind,
        column: u16::from(column.checked_sub(33)?),
        row: u16::from(row.checked_sub(33)?),
        modifiers,
    }))
}

/// What a button's number says: the button in bits 0, 1, 6 and 7, modifiers in 2 to 4, and in 5 whether it moves.
fn mouse_kind(number: u8) -> Option<(MouseEventKind, KeyModifiers)> {
    let button = match number & 3 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    };
    let kind = match (number >> 6, number & 0x20 != 0) {
        (0, false) => button.map_or(MouseEventKind::Up(MouseButton::Left), MouseEventKind::Down),
        (0, true) => button.map_or(MouseEventKind::Moved, MouseEventKind::Drag),
        (1, false) => match button {
            Some(MouseButton::Left) => MouseEventKind::ScrollUp,
            Some(MouseButton::Middle) => MouseEventKind::ScrollDown,
            Some(MouseButton::Right) => MouseEventKind::ScrollLeft,
            None => MouseEventKind::ScrollRight,
        },
        _ => return None,
    };
    let mut modifiers = KeyModifiers::NONE;
    modifiers.set(KeyModifiers::SHIFT, number & 4 != 0);
    modifiers.set(KeyModifiers::ALT, number & 8 != 0);
    modifiers.set(KeyModifiers::CONTROL, number & 16 != 0);
    Some((kind, modifiers))
}
