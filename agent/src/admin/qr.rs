//! QR codes in the terminal: two modules per character, dark on light whatever the terminal's colours are.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code, so that it can be found (ISO/IEC 18004 requires four; two suffice on a screen).
const MARGIN: usize = 2;

/// A code that cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QrError {
    /// The text is too long.
    #[error("the line is too long for a QR code")]
    TooLong,
    /// The terminal is too small.
    #[error(
        "the QR code needs a terminal of {columns} columns and {rows} rows: enlarge it, or use the line itself"
    )]
    TooSmall {
        /// Wanted width.
        columns: usize,
        /// Wanted height.
        rows: usize,
    },
    /// The terminal shows no half blocks.
    #[error("a QR code needs a terminal and a UTF-8 locale (LANG): use the line itself")]
    NoTerminal,
}

/// `text` as a QR code for a terminal of that many `columns` and `rows`.
///
/// # Errors
/// Where it does not fit.
pub fn qr_code(text: &str, columns: usize, rows: usize) -> Result<String, QrError> {
    let code =
        QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| QrError::TooLong)?;
    let width = code.width();
    let side = width + 2 * MARGIN;
    // The line and the prompt come after it.
    let wanted = side.div_ceil(2) + 1;
    if columns < side || rows < wanted {
        return Err(QrError::TooSmall {
            columns: side,
            rows: wanted,
        });
    }
    let modules = code.to_colors();
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(MARGIN).filter(|at| *at < width);
        inside(x)
            .zip(inside(y))
            .and_then(|(x, y)| modules.get(y * width + x))
            .is_some_and(|module| *module == Color::Dark)
    };
    let mut screen = String::new();
    for y in (0..side).step_by(2) {
        // Black on white; the rest of the line stays as it is.
        screen.push_str("\x1b[30;107m");
        for x in 0..side {
            screen.push(match (is_dark(x, y), is_dark(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        // Writing to a String cannot fail.
        let _ = writeln!(screen, "\x1b[0m");
    }
    Ok(screen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "socktop://192.0.2.7:8443/?pin=sha256:6ad9";

    #[test]
    fn code_is_square_with_a_finder_pattern_in_its_corner() {
        let screen = qr_code(LINE, 80, 24).unwrap();
        let rows: Vec<Vec<char>> = screen
            .lines()
            .map(|line| {
                let line = line.strip_prefix("\x1b[30;107m").unwrap();
                line.strip_suffix("\x1b[0m").unwrap().chars().collect()
            })
            .collect();
        let side = rows[0].len();
        assert_eq!(rows.len(), side.div_ceil(2));
        assert!(rows.iter().all(|row| row.len() == side));
        // Two light rows, then the finder pattern: seven dark, five light between two dark.
        assert!(rows[0].iter().all(|&module| module == ' '));
        let finder: String = rows[1][2..9].iter().collect();
        assert_eq!(finder, "█▀▀▀▀▀█");
    }

    #[test]
    fn too_small_terminal_error_has_the_needed_size() {
        let Err(QrError::TooSmall { columns, rows }) = qr_code(LINE, 20, 10) else {
            panic!("it fits");
        };
        assert!(qr_code(LINE, columns, rows).is_ok());
        assert!(qr_code(LINE, columns - 1, rows).is_err());
        assert!(qr_code(LINE, columns, rows - 1).is_err());
        assert_eq!(qr_code(&"x".repeat(4000), 999, 999), Err(QrError::TooLong));
    }
}
