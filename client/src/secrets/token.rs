//! Access tokens, and the sources that they may come from.
//!
//! The first source that has one is used: `--token-file`, the variable `SOCKTOP_TOKEN`, `?token=` in
//! the URL, the profile's `token_file`, and last the user's answer after the agent refused us. What a profile has is stored
//! for one agent; see [`crate::secrets::recipient`].

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Longest accepted token, in bytes: it has to fit into a header of the HTTP request.
pub const MAX_BYTES: usize = 4096;

/// A secret. It never shows in `Debug`, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes `text` as a token, without the blanks and line ends around it.
    ///
    /// # Errors
    /// Where nothing is left, or it holds control characters or more than [`MAX_BYTES`].
    pub fn new(text: &str) -> Result<Self, InvalidToken> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidToken::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(InvalidToken::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidToken::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret itself, to be put on the wire or into a file of mode 0600 and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads a token from a file.
    ///
    /// # Errors
    /// Where the file cannot be read or holds no valid token.
    pub fn from_file(path: &Path) -> Result<Self, TokenFileError> {
        let unreadable = |source| TokenFileError::Read {
            path: path.to_owned(),
            source,
        };
        let mut text = String::new();
        // A few bytes more than a token, for the line end: what is longer fails as too long.
        File::open(path)
            .and_then(|file| {
                file.take(MAX_BYTES as u64 + 16)
                    .read_to_string(&mut text)
                    .map(drop)
            })
            .map_err(unreadable)?;
        Self::new(&text).map_err(|source| TokenFileError::Invalid {
            path: path.to_owned(),
            source,
        })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(hidden)")
    }
}

/// Text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// Nothing but blanks.
    #[error("the token is empty")]
    Empty,
    /// More than [`MAX_BYTES`].
    #[error("the token is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// It cannot stand in an HTTP header.
    #[error("the token holds control characters or more than one line")]
    Control,
}

/// A token file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("reading the token from {} failed: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It holds no token.
    #[error("{}: {source}; it must hold the token and nothing else", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: InvalidToken,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_and_display_hide_the_token() {
        let token = Token::new("s3cret").unwrap();
        assert_eq!(format!("{token:?}"), "Token(hidden)");
        assert_eq!(token.expose(), "s3cret");
    }

    #[test]
    fn token_file_may_end_with_a_newline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "s3cret\n").unwrap();
        assert_eq!(Token::from_file(&path).unwrap().expose(), "s3cret");
    }

    #[test]
    fn invalid_token_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let message = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            let message = Token::from_file(&path).unwrap_err().to_string();
            assert!(message.contains(path.to_str().unwrap()), "{message}");
            message
        };
        assert!(message(b" \n").contains("is empty"));
        assert!(message(b"one\ntwo\n").contains("more than one line"));
        assert!(message(&[b'x'; MAX_BYTES + 1]).contains("longer than"));
        assert!(message(&[0xff]).contains("UTF-8"));
        std::fs::remove_file(&path).unwrap();
        assert!(
            Token::from_file(&path)
                .unwrap_err()
                .to_string()
                .contains("No such file")
        );
    }
}
