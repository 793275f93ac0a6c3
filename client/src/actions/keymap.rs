//! The keys, as data: one table serves dispatch, the help and the footer, so they cannot differ.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Action, Context, View};
use crate::catalog::process::Column;

/// A key on the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// Whether with Control.
    pub ctrl: bool,
}

const fn key(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

const fn chr(character: char) -> Key {
    key(KeyCode::Char(character))
}

const fn ctrl(character: char) -> Key {
    Key {
        code: KeyCode::Char(character),
        ctrl: true,
    }
}

impl Key {
    /// What is printed on it.
    #[must_use]
    pub fn name(&self) -> String {
        let name = match self.code {
            KeyCode::Up => "↑",
            KeyCode::Down => "↓",
            KeyCode::Left => "←",
            KeyCode::Right => "→",
            KeyCode::PageUp => "PgUp",
            KeyCode::PageDown => "PgDn",
            KeyCode::Home => "Home",
            KeyCode::End => "End",
            KeyCode::Enter => "Enter",
            KeyCode::Esc => "Esc",
            KeyCode::Tab => "Tab",
            KeyCode::BackTab => "Shift-Tab",
            KeyCode::Backspace => "Backspace",
            KeyCode::Char(' ') => "Space",
            KeyCode::Char(character) if self.ctrl => {
                return format!("Ctrl-{}", character.to_ascii_uppercase());
            }
            KeyCode::Char(character) => return character.to_string(),
            KeyCode::F(number) => return format!("F{number}"),
            _ => "?",
        };
        name.to_owned()
    }
}

/// Keys and what they do in some contexts.
#[derive(Debug)]
pub struct Binding {
    /// The keys, the one shown in the footer first.
    pub keys: &'static [Key],
    /// Where they work.
    pub contexts: &'static [Context],
    /// What they do.
    pub action: Action,
    /// What they do, for the help.
    pub help: &'static str,
    /// What they do in one word, for the footer; empty for what is not shown there.
    pub hint: &'static str,
}

use Context::{Details, Dialog, Filter, Fleet, Help, Host};

const LISTS: &[Context] = &[Host, Details, Help, Fleet];
const ANYWHERE: &[Context] = &[Host, Filter, Details, Help, Fleet, Dialog];

const fn bind(
    keys: &'static [Key],
    contexts: &'static [Context],
    action: Action,
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding {
        keys,
        contexts,
        action,
        help,
        hint,
    }
}

/// Every key. The footer shows them in this order, as many as fit.
#[rustfmt::skip]
pub const BINDINGS: &[Binding] = &[
    bind(&[chr('q')], &[Host, Fleet], Action::Quit, "quit", "quit"),
    bind(&[key(KeyCode::Enter)], &[Fleet], Action::Open, "open", "open the selected host"),
    bind(&[key(KeyCode::Enter)], &[Dialog], Action::Open, "answer", "give the answer"),
    bind(&[key(KeyCode::Esc)], &[Dialog], Action::Close, "not now", "close without an answer"),
    bind(&[key(KeyCode::Enter)], &[Filter], Action::KeepFilter, "keep", "keep the filter"),
    bind(&[key(KeyCode::Esc), chr('q')], &[Details, Help], Action::Close, "close", "close the dialog"),
    bind(&[chr('?'), chr('h'), key(KeyCode::F(1))], &[Host, Details, Fleet], Action::Help, "help", "this help"),
    bind(&[chr('/')], &[Host], Action::Filter, "filter", "filter by name, user or pid"),
    bind(&[key(KeyCode::Enter)], &[Host], Action::Open, "details", "the selected process in detail"),
    bind(&[key(KeyCode::Right)], &[Host], Action::SortNext(1), "sort", "sort by the column to the right"),
    bind(&[key(KeyCode::Left)], &[Host], Action::SortNext(-1), "", "sort by the column to the left"),
    bind(&[chr('i')], &[Host], Action::Invert, "invert", "sort the other way round"),
    bind(&[chr(' ')], &[Host], Action::Freeze, "freeze", "hold the process list still"),
    bind(&[key(KeyCode::Esc)], &[Filter, Host], Action::Clear, "clear", "drop filter or selection; leave"),
    bind(&[key(KeyCode::Backspace), ctrl('h')], &[Filter, Dialog], Action::Erase, "", "erase a character"),
    bind(&[ctrl('u')], &[Filter, Dialog], Action::EraseAll, "", "erase all that is typed"),
    bind(&[key(KeyCode::Up), chr('k')], LISTS, Action::Step(-1), "", "up"),
    bind(&[key(KeyCode::Down), chr('j')], LISTS, Action::Step(1), "", "down"),
    bind(&[key(KeyCode::Up)], &[Filter], Action::Step(-1), "", "up"),
    bind(&[key(KeyCode::Down)], &[Filter], Action::Step(1), "", "down"),
    bind(&[key(KeyCode::PageUp), ctrl('b')], LISTS, Action::Page(-1), "", "a screen up"),
    bind(&[key(KeyCode::PageDown), ctrl('f')], LISTS, Action::Page(1), "", "a screen down"),
    bind(&[key(KeyCode::Home), chr('g')], LISTS, Action::First, "", "to the top"),
    bind(&[key(KeyCode::End), chr('G')], LISTS, Action::Last, "", "to the end"),
    bind(&[chr('c')], &[Host], Action::SortBy(Column::Cpu), "", "sort by CPU"),
    bind(&[chr('m')], &[Host], Action::SortBy(Column::Memory), "", "sort by memory"),
    bind(&[chr('p')], &[Host], Action::SortBy(Column::Pid), "", "sort by pid"),
    bind(&[chr('P')], &[Host], Action::SortBy(Column::Parent), "", "sort by the parent's pid"),
    bind(&[chr('n')], &[Host], Action::SortBy(Column::Name), "", "sort by name"),
    bind(&[chr('u')], &[Host], Action::SortBy(Column::User), "", "sort by user"),
    bind(&[chr('s')], &[Host], Action::SortBy(Column::State), "", "sort by state"),
    bind(&[chr('t')], &[Host], Action::SortBy(Column::Threads), "", "sort by threads"),
    bind(&[chr('a')], &[Host], Action::SortBy(Column::Age), "", "sort by age"),
    bind(&[chr('r')], &[Host, Details], Action::Retry, "", "connect again now"),
    bind(&[chr('r')], &[Fleet], Action::Retry, "connect", "connect to the selected host now"),
    bind(&[chr('1')], &[Host], Action::Show(View::All), "all", "show everything"),
    bind(&[chr('2')], &[Host], Action::Show(View::Cpu), "cpu", "show CPU, memory and GPUs"),
    bind(&[chr('3')], &[Host], Action::Show(View::Network), "net", "show network interfaces"),
    bind(&[chr('4')], &[Host], Action::Show(View::Disks), "disks", "show disks"),
    bind(&[chr('5')], &[Host], Action::Show(View::Processes), "procs", "show processes"),
    bind(&[key(KeyCode::Tab)], &[Host], Action::Next(1), "", "next view"),
    bind(&[key(KeyCode::BackTab)], &[Host], Action::Next(-1), "", "previous view"),
    bind(&[key(KeyCode::Tab), key(KeyCode::Right), chr('l')], &[Details], Action::Next(1), "next", "next tab"),
    bind(&[key(KeyCode::BackTab), key(KeyCode::Left)], &[Details], Action::Next(-1), "previous", "previous tab"),
    bind(&[ctrl('l')], ANYWHERE, Action::Repaint, "", "draw the screen anew"),
    bind(&[ctrl('c')], ANYWHERE, Action::Quit, "", "quit, wherever you are"),
];

/// What `event` does in `context`.
#[must_use]
pub fn action(context: Context, event: KeyEvent) -> Option<Action> {
    if event.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let pressed = Key {
        code: event.code,
        ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
    };
    bindings(context)
        .find(|binding| binding.keys.contains(&pressed))
        .map(|binding| binding.action)
}

/// The bindings that work in `context`.
pub fn bindings(context: Context) -> impl Iterator<Item = &'static Binding> {
    BINDINGS
        .iter()
        .filter(move |binding| binding.contexts.contains(&context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_meanings_in_one_context() {
        for context in ANYWHERE.iter().copied() {
            let keys: Vec<Key> = bindings(context)
                .flat_map(|binding| binding.keys.iter().copied())
                .collect();
            for (index, key) in keys.iter().enumerate() {
                let later = keys.get(index + 1..).unwrap_or_default();
                assert!(!later.contains(key), "{} in {context:?}", key.name());
            }
        }
    }

    #[test]
    fn every_key_has_a_name_and_a_help() {
        for binding in BINDINGS {
            assert_ne!(binding.help, "");
            let question_mark = binding.keys.contains(&chr('?'));
            for key in binding.keys {
                assert!(key.name() != "?" || question_mark, "{key:?}");
            }
        }
    }

    #[test]
    fn control_c_quits_anywhere_and_shift_does_not_matter() {
        for &context in ANYWHERE {
            let event = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
            assert_eq!(action(context, event), Some(Action::Quit));
        }
        let event = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(action(Host, event), Some(Action::Last));
        let event = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::ALT);
        assert_eq!(action(Host, event), None);
    }
}
