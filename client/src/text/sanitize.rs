//! Sanitizes text from a host for the terminal: nothing in it may move the cursor, change the reading direction or
//! hide.

use std::borrow::Cow;

/// The replacement for a character that is not shown.
pub const REPLACEMENT: char = '\u{FFFD}';

/// Marks that sit on a letter; one letter gets no more than these.
pub const MARKS_ON_A_LETTER: usize = 2;

/// Whether a character has no place on a screen: controls, direction overrides and isolates, joiners,
/// invisible spaces, variation selectors, tags.
#[must_use]
pub fn is_junk(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// `text` without what could disturb the screen: line breaks and tabs become spaces, other junk and
/// piled-up marks become U+FFFD.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut marks = MARKS_ON_A_LETTER;
    let cleaned = text.chars().map(|character| {
        if matches!(character, '\t' | '\n' | '\r') {
            marks = 0;
            return ' ';
        }
        if is_junk(character) {
            marks = MARKS_ON_A_LETTER;
            return REPLACEMENT;
        }
        if unicode_width::UnicodeWidthChar::width(character) == Some(0) {
            marks += 1;
            if marks > MARKS_ON_A_LETTER {
                return REPLACEMENT;
            }
        } else {
            marks = 0;
        }
        character
    });
    Cow::Owned(cleaned.collect())
}

/// A peer's words for a message: one line, at most `limit` characters, without junk.
#[must_use]
pub fn one_line(text: &str, limit: usize) -> String {
    let mut words = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|character| !is_junk(*character))
        .collect::<String>();
    if let Some((end, _)) = words.char_indices().nth(limit) {
        words.truncate(end);
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_could_disturb_the_screen_are_replaced() {
        assert_eq!(clean("nginx: worker"), "nginx: worker");
        assert_eq!(clean("a\x1b[2Jb"), "a\u{FFFD}[2Jb");
        assert_eq!(clean("a\u{202E}cod.exe"), "a\u{FFFD}cod.exe");
        assert_eq!(
            clean("two\nlines\tand\u{200B}zero"),
            "two lines and\u{FFFD}zero"
        );
        assert_eq!(clean("\u{9b}31m"), "\u{FFFD}31m");
        assert_eq!(clean("e\u{301}"), "e\u{301}");
        assert_eq!(
            clean("e\u{301}\u{301}\u{301}"),
            "e\u{301}\u{301}\u{FFFD}",
            "marks do not pile up"
        );
        assert_eq!(clean("\u{301}"), "\u{FFFD}", "a mark without a letter");
    }

    #[test]
    fn text_of_an_agent_cannot_control_the_terminal() {
        assert_eq!(
            one_line("no\n\u{1b}[2J  more \u{202e}x\u{200b}", 120),
            "no [2J more x"
        );
        assert_eq!(one_line("éééé", 3), "ééé…");
        assert_eq!(one_line("ééé", 3), "ééé");
    }
}
