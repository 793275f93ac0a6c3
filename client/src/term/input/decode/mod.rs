//! What a terminal sends, as keys, the mouse and pasted text. Replies to queries (OSC, DCS, DA, CPR and the like) are
//! recognised and dropped: another program may have asked just before this one began, and its answer comes late.
//!
//! crossterm's own decoder takes such replies for keys, waits for ever behind some, and panics at others.

mod sequence;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};

/// What a user does at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A key.
    Key(KeyEvent),
    /// The mouse.
    Mouse(MouseEvent),
    /// Text that was pasted.
    Paste(String),
}

/// How long the rest of a sequence may take after a lone ESC, before that is the key Esc.
const ESCAPE_WAIT: Duration = Duration::from_millis(100);

/// How long the rest of a sequence may take that can be nothing else, before it is given up.
const SEQUENCE_WAIT: Duration = Duration::from_secs(1);

/// Bytes of a control sequence that are kept: more than any key, mouse report or reply has.
const MAX_PARAMETERS: usize = 64;

/// Bytes of a pasted text that are kept.
const MAX_PASTE: usize = 4096;

/// What ends a pasted text.
const PASTE_END: &[u8] = b"\x1b[201~";

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// What is being read.
#[derive(Debug, Default)]
enum State {
    /// Nothing yet.
    #[default]
    Ground,
    /// The bytes of one character of UTF-8.
    Character(Vec<u8>),
    /// ESC was read.
    Escape,
    /// SS3, `ESC O`, was read: a key of the keypad or a function key follows.
    SingleShift,
    /// CSI, `ESC [`, was read, and these parameters.
    Control(Vec<u8>),
    /// `ESC [ [` was read: a function key of the Linux console follows.
    ConsoleFunction,
    /// `ESC [ M` was read, and these of the three bytes that follow.
    OldMouse(Vec<u8>),
    /// A string of a reply (OSC, DCS, APC, PM, SOS), which ends with BEL or `ESC \`.
    Text,
    /// ESC was read in such a string.
    TextEscape,
    /// A pasted text.
    Paste(Paste),
}

/// A pasted text so far.
#[derive(Debug, Default)]
struct Paste {
    /// Its beginning, up to [`MAX_PASTE`].
    text: Vec<u8>,
    /// How many bytes of [`PASTE_END`] were read.
    matched: usize,
}

/// Turns bytes into events. How they are cut into reads does not matter.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    state: State,
    /// ESC was read before the ESC or the character that is being read.
    alt: bool,
}

impl Decoder {
    /// Takes what was read, and appends what it means.
    pub(super) fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        for &byte in bytes {
            self.take(byte, events);
        }
    }

    /// How long to wait for the next bytes before [`Self::give_up`]; `None` where nothing is begun.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self.state {
            State::Ground => None,
            State::Escape => Some(ESCAPE_WAIT),
            _ => Some(SEQUENCE_WAIT),
        }
    }

    /// Ends what is begun: its rest has not come in time.
    pub(super) fn give_up(&mut self, events: &mut Vec<Event>) {
        match std::mem::take(&mut self.state) {
            State::Escape => events.push(key(KeyCode::Esc, KeyModifiers::NONE)),
            State::Paste(paste) => events.push(paste.event()),
            _ => {}
        }
        self.alt = false;
    }

    fn take(&mut self, byte: u8, events: &mut Vec<Event>) {
        self.state = match std::mem::take(&mut self.state) {
            State::Ground => self.begin(byte, events),
            State::Character(bytes) => self.continue_character(bytes, byte, events),
            State::Escape => self.after_escape(byte, events),
            State::SingleShift => {
                events.extend(sequence::single_shift(byte));
                State::Ground
            }
            State::Control(parameters) => self.control(parameters, byte, events),
            State::ConsoleFunction => {
                events.extend(sequence::console_function(byte));
                State::Ground
            }
            State::OldMouse(mut bytes) => {
                bytes.push(byte);
                if let [button, column, row] = bytes[..] {
                    events.extend(sequence::old_mouse(button, column, row));
                    State::Ground
                } else {
                    State::OldMouse(bytes)
                }
            }
            State::Text => match byte {
                BEL => State::Ground,
                ESC => State::TextEscape,
                // No reply holds one: this was none (Alt with a bracket, for example), and that is a key.
                0..0x20 => self.begin(byte, events),
                _ => State::Text,
            },
            State::TextEscape => match byte {
                b'\\' => State::Ground,
                _ => self.after_escape(byte, events),
            },
            State::Paste(mut paste) => {
                if paste.is_ended_by(byte) {
                    events.push(paste.event());
                    State::Ground
                } else {
                    State::Paste(paste)
                }
            }
        };
    }

    /// The first byte of something.
    fn begin(&mut self, byte: u8, events: &mut Vec<Event>) -> State {
        match byte {
            ESC => State::Escape,
            0x80.. => State::Character(vec![byte]),
            _ => {
                let (code, modifiers) = sequence::ascii(byte);
                events.push(key(code, modifiers | self.take_alt()));
                State::Ground
            }
        }
    }

    fn continue_character(
        &mut self,
        mut bytes: Vec<u8>,
        byte: u8,
        events: &mut Vec<Event>,
    ) -> State {
        if !(0x80..0xc0).contains(&byte) {
            // That was no character.
            self.alt = false;
            return self.begin(byte, events);
        }
        bytes.push(byte);
        match std::str::from_utf8(&bytes) {
            Ok(text) => {
                let alt = self.take_alt();
                for (code, modifiers) in text.chars().map(sequence::character) {
                    events.push(key(code, modifiers | alt));
                }
                State::Ground
            }
            // More is to come.
            Err(error) if error.error_len().is_none() => State::Character(bytes),
            Err(_) => {
                self.alt = false;
                State::Ground
            }
        }
    }

    fn after_escape(&mut self, byte: u8, events: &mut Vec<Event>) -> State {
        match byte {
            b'[' => State::Control(Vec::new()),
            b'O' => State::SingleShift,
            b']' | b'P' | b'X' | b'^' | b'_' => State::Text,
            ESC => {
                events.push(key(KeyCode::Esc, KeyModifiers::NONE));
                State::Escape
            }
            _ => {
                self.alt = true;
                self.begin(byte, events)
            }
        }
    }

    fn control(&mut self, mut parameters: Vec<u8>, byte: u8, events: &mut Vec<Event>) -> State {
        match (parameters.is_empty(), byte) {
            (true, b'[') => State::ConsoleFunction,
            (true, b'M') => State::OldMouse(Vec::new()),
            (_, b'~') if parameters == b"200" => State::Paste(Paste::default()),
            (_, 0x40..=0x7e) => {
                events.extend(sequence::control(&parameters, byte));
                State::Ground
            }
            (_, 0x20..=0x3f) => {
                // What is too long means nothing here, but its end must be found.
                if parameters.len() < MAX_PARAMETERS {
                    parameters.push(byte);
                }
                State::Control(parameters)
            }
            _ => self.begin(byte, events),
        }
    }

    fn take_alt(&mut self) -> KeyModifiers {
        if std::mem::take(&mut self.alt) {
            KeyModifiers::ALT
        } else {
            KeyModifiers::NONE
        }
    }
}

impl Paste {
    fn is_ended_by(&mut self, byte: u8) -> bool {
        if PASTE_END.get(self.matched) == Some(&byte) {
            self.matched += 1;
            return self.matched == PASTE_END.len();
        }
        // What looked like the end was text. Only its first byte can begin the end again.
        let held = PASTE_END.get(..self.matched).unwrap_or_default();
        self.text.extend_from_slice(held);
        self.matched = usize::from(byte == ESC);
        if self.matched == 0 {
            self.text.push(byte);
        }
        self.text.truncate(MAX_PASTE);
        false
    }

    fn event(&self) -> Event {
        Event::Paste(String::from_utf8_lossy(&self.text).into_owned())
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}
