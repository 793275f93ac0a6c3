//! Access tokens: the secrets by which clients authenticate.

use std::fmt::{self, Write};
use std::path::PathBuf;

use subtle::ConstantTimeEq;

/// A token that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Its file cannot be read.
    #[error("reading the token file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It is empty, or no header could carry it.
    #[error(
        "the token in {origin} is unusable: expected at least one printable ASCII character, and no space"
    )]
    Unusable {
        /// The file or variable.
        origin: String,
    },
    /// A line of a file of tokens.
    #[error("{origin}: {reason}")]
    Line {
        /// The file and the line.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The kernel gave no random numbers.
    #[error("making a token: no random numbers from the kernel: {0}")]
    NoRandomness(getrandom::Error),
}

/// A secret of printable ASCII. Its `Debug` does not show it.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes `secret`, which was found in `origin`.
    ///
    /// # Errors
    /// Where it is empty or contains what an HTTP header cannot carry.
    pub fn new(secret: String, origin: impl Into<String>) -> Result<Self, TokenError> {
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Unusable {
                origin: origin.into(),
            });
        }
        Ok(Self(secret))
    }

    /// Makes one of 32 random bytes.
    ///
    /// # Errors
    /// Where the kernel has no random numbers.
    pub fn generate() -> Result<Self, TokenError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(TokenError::NoRandomness)?;
        let mut secret = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(secret, "{byte:02x}");
        }
        Ok(Self(secret))
    }

    /// Whether `presented` is this token, in constant time: only the length can be inferred from the time.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }

    /// The secret itself, to be shown to the user.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_matches_only_itself() {
        let one = Token::generate().unwrap();
        let other = Token::generate().unwrap();
        assert_eq!(one.reveal().len(), 64);
        assert!(one.matches(one.reveal()));
        assert!(!one.matches(other.reveal()));
        assert!(!one.matches(""));
        assert!(!one.matches(&one.reveal()[1..]));
    }

    #[test]
    fn empty_and_blank_tokens_are_refused() {
        for bad in ["", "two words", "line\nbreak", "naïve"] {
            assert!(Token::new(bad.to_owned(), "a test").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debug_output_hides_the_token() {
        let token = Token::new("secret".to_owned(), "a test").unwrap();
        assert!(!format!("{token:?}").contains("secret"));
    }
}
