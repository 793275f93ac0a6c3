//! Text by display width: cut, padded, wrapped. Text from a host is sanitized on the way.

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

pub use crate::text::sanitize::clean;
use crate::text::sanitize::{MARKS_ON_A_LETTER, REPLACEMENT};

/// Characters of a wrapped text that are shown: a command line may have two million.
const LONGEST: usize = 8192;

/// The parts of `text` that a terminal draws as one, with their widths in columns.
fn graphemes(text: &str) -> Vec<(String, usize)> {
    Span::raw(text)
        .styled_graphemes(Style::new())
        .map(|grapheme| (grapheme.symbol.to_owned(), grapheme.symbol.width()))
        .collect()
}

/// Width of cleaned text in columns, as it is drawn.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    graphemes(text).iter().map(|(_, width)| width).sum()
}

/// The first `most` characters of `text`, and whether there are more.
fn head(text: &str, most: usize) -> (&str, bool) {
    match text.char_indices().nth(most) {
        Some((end, _)) => (text.get(..end).unwrap_or(text), true),
        None => (text, false),
    }
}

/// `text`, cleaned and cut to `columns`; what was cut ends in an ellipsis.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    // A column holds a letter and its marks.
    let (text, cut) = head(text, (columns + 1) * (1 + MARKS_ON_A_LETTER));
    let text = clean(text);
    if !cut && width(&text) <= columns {
        return text.into_owned();
    }
    let Some(room) = columns.checked_sub(1) else {
        return String::new();
    };
    let mut fitted = String::new();
    let mut taken = 0;
    for (grapheme, width) in graphemes(&text) {
        if taken + width > room {
            break;
        }
        taken += width;
        fitted.push_str(&grapheme);
    }
    fitted.push('…');
    fitted
}

/// `text` in exactly `columns`, at their left.
#[must_use]
pub fn left(text: &str, columns: usize) -> String {
    let mut text = fit(text, columns);
    let missing = columns.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// `text` in exactly `columns`, at their right.
#[must_use]
pub fn right(text: &str, columns: usize) -> String {
    let text = fit(text, columns);
    let missing = columns.saturating_sub(width(&text));
    let mut padded = " ".repeat(missing);
    padded.push_str(&text);
    padded
}

/// `text`, cleaned and broken into lines of at most `columns`, at spaces where there are any; what is
/// longer than `LONGEST` ends in an ellipsis.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let (text, cut) = head(text, LONGEST);
    let mut text = clean(text);
    if cut {
        text.to_mut().push('…');
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut taken = 0;
    for word in text.split_inclusive(' ') {
        let needed = width(word.trim_end());
        if taken > 0 && taken + needed > columns {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        if needed <= columns {
            line.push_str(word);
            taken += width(word);
            continue;
        }
        for (mut grapheme, mut width) in graphemes(word) {
            // Some scripts have letters with marks that are wider than two columns.
            if width > columns {
                (grapheme, width) = (REPLACEMENT.to_string(), 1);
            }
            if taken + width > columns {
                lines.push(std::mem::take(&mut line));
                taken = 0;
            }
            line.push_str(&grapheme);
            taken += width;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::sanitize::is_junk;

    #[test]
    fn text_is_cut_by_columns() {
        assert_eq!(fit("systemd-journald", 8), "systemd…");
        assert_eq!(fit("systemd", 7), "systemd");
        assert_eq!(fit("漢字漢字", 4), "漢…");
        assert_eq!(fit("abc", 1), "…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit(&"a".repeat(9_999), 3), "aa…");
        let piled = "e\u{301}\u{302}".repeat(4);
        assert_eq!(fit(&piled, 4), piled);
        assert_eq!(left("漢字漢字", 4), "漢… ");
        assert_eq!(right("7", 3), "  7");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("", 4), [""]);
        let lines = wrap(&"x".repeat(99_999), 64);
        assert_eq!(lines.last().map(String::as_str), Some("…"));
        assert_eq!(lines.len(), LONGEST / 64 + 1);
        let wide_letter = "!\u{0DD8}\u{16F51}";
        assert_eq!(wrap(wide_letter, 2), ["\u{FFFD}"]);
    }

    proptest! {
        #[test]
        fn any_text_is_cut_to_the_exact_width(text in any::<String>(), columns in 0_usize..40) {
            prop_assert!(width(&fit(&text, columns)) <= columns);
            prop_assert_eq!(width(&left(&text, columns)), columns);
            prop_assert_eq!(width(&right(&text, columns)), columns);
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns.max(2)));
            prop_assert!(!clean(&text).chars().any(is_junk_but_the_sign));
        }
    }

    fn is_junk_but_the_sign(character: char) -> bool {
        is_junk(character) && character != REPLACEMENT
    }
}
