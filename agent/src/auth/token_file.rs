//! The token file: one token for each person or machine, each with a name and its rights.
//!
//! They are lines of a file. A line with only a token is the default one:
//!
//! ```text
//! 61f1c0…
//! 9bc2f7… name=grafana rights=metrics
//! ```

use std::fmt::{self, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use socktop_proto::Query;

use crate::auth::token::{Token, TokenError};

/// The name of a token whose line gives none.
pub const DEFAULT_NAME: &str = "default";

/// The longest name, in characters.
const MAX_NAME: usize = 64;

/// What a token opens to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rights {
    /// Everything.
    #[default]
    Full,
    /// What a graph needs: host facts, metrics, disks, sensors and the list of processes by their programs' names; no
    /// command lines, no details of a process, no journal.
    Metrics,
}

impl Rights {
    /// Whether `query` is answered.
    #[must_use]
    pub fn allow(self, query: Query) -> bool {
        match (self, query) {
            (Self::Full, _)
            | (
                Self::Metrics,
                Query::Host | Query::Metrics | Query::Disks | Query::Processes | Query::Sensors,
            ) => true,
            (Self::Metrics, Query::Process { .. } | Query::Journal { .. }) => false,
        }
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Full => "full",
            Self::Metrics => "metrics",
        })
    }
}

impl FromStr for Rights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "full" => Ok(Self::Full),
            "metrics" => Ok(Self::Metrics),
            _ => Err("expected full or metrics".to_owned()),
        }
    }
}

/// The name of a token, in the log and to revoke it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenName(Arc<str>);

impl TokenName {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TokenName {
    fn default() -> Self {
        Self(DEFAULT_NAME.into())
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for TokenName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usable = !text.is_empty()
            && text.len() <= MAX_NAME
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte));
        if usable {
            Ok(Self(text.into()))
        } else {
            Err(format!(
                "expected a name of at most {MAX_NAME} letters, digits and -_.@"
            ))
        }
    }
}

/// A token with its name and rights.
#[derive(Debug, Clone)]
pub struct NamedToken {
    /// What it is called.
    pub name: TokenName,
    /// What it opens.
    pub rights: Rights,
    /// The secret.
    pub token: Token,
}

impl NamedToken {
    /// A token for everything, which `origin` gives, by the default name.
    ///
    /// # Errors
    /// Where it is no token.
    pub fn full(secret: String, origin: impl Into<String>) -> Result<Self, TokenError> {
        Ok(Self {
            name: TokenName::default(),
            rights: Rights::Full,
            token: Token::new(secret, origin)?,
        })
    }

    fn parse(line: &str, origin: &str) -> Result<Self, TokenError> {
        let mut words = line.split_ascii_whitespace();
        let mut named = Self::full(words.next().unwrap_or_default().to_owned(), origin)?;
        for word in words {
            let value = match word.split_once('=') {
                Some(("name", name)) => name.parse().map(|name| named.name = name),
                Some(("rights", rights)) => rights.parse().map(|rights| named.rights = rights),
                // It may be part of a secret, so it is not shown.
                _ => Err("expected nothing after the token but name=… and rights=…".to_owned()),
            };
            value.map_err(|reason| TokenError::Line {
                origin: origin.to_owned(),
                reason,
            })?;
        }
        Ok(named)
    }
}

/// The tokens of a file, and its other lines.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    lines: Vec<Line>,
}

#[derive(Debug, Clone)]
enum Line {
    Token(NamedToken),
    /// A comment, or nothing.
    Other(String),
}

impl Tokens {
    /// Reads `text`, which was found in `origin`.
    ///
    /// # Errors
    /// If a line is not a token, a name occurs twice, or there is no token at all.
    pub fn parse(text: &str, origin: &str) -> Result<Self, TokenError> {
        let mut tokens = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                tokens.lines.push(Line::Other(line.to_owned()));
                continue;
            }
            let place = format!("{origin}, line {}", index + 1);
            let named = NamedToken::parse(line, &place)?;
            if tokens.get(named.name.as_str()).is_some() {
                return Err(TokenError::Line {
                    origin: place,
                    reason: format!("there is a token named {} already", named.name),
                });
            }
            tokens.lines.push(Line::Token(named));
        }
        if tokens.is_empty() {
            return Err(TokenError::Unusable {
                origin: origin.to_owned(),
            });
        }
        Ok(tokens)
    }

    /// Reads the tokens in a file.
    ///
    /// # Errors
    /// Where it cannot be read, or holds no usable tokens.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let text = std::fs::read_to_string(path).map_err(|source| TokenError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Each token, in the order of the lines.
    pub fn iter(&self) -> impl Iterator<Item = &NamedToken> {
        self.lines.iter().filter_map(|line| match line {
            Line::Token(named) => Some(named),
            Line::Other(_) => None,
        })
    }

    /// The token of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&NamedToken> {
        self.iter().find(|named| named.name.as_str() == name)
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Adds a token, unless there is one of its name.
    pub fn add(&mut self, named: NamedToken) {
        if self.get(named.name.as_str()).is_none() {
            self.lines.push(Line::Token(named));
        }
    }

    /// Keeps the tokens that `keep` says; comments stay.
    pub fn retain(&mut self, keep: impl Fn(&NamedToken) -> bool) {
        self.lines.retain(|line| match line {
            Line::Token(named) => keep(named),
            Line::Other(_) => true,
        });
    }

    /// As they stand in a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            // Writing to a String cannot fail.
            let _ = match line {
                Line::Other(line) => writeln!(text, "{line}"),
                Line::Token(NamedToken {
                    name,
                    rights,
                    token,
                }) if name.as_str() == DEFAULT_NAME && *rights == Rights::Full => {
                    writeln!(text, "{}", token.reveal())
                }
                Line::Token(NamedToken {
                    name,
                    rights,
                    token,
                }) => writeln!(text, "{} name={name} rights={rights}", token.reveal()),
            };
        }
        text
    }
}

impl From<NamedToken> for Tokens {
    fn from(named: NamedToken) -> Self {
        Self {
            lines: vec![Line::Token(named)],
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> String {
        let error = Tokens::parse(text, "/etc/socktop/token").unwrap_err();
        error.to_string()
    }

    #[test]
    fn bare_token_line_has_all_rights() {
        let tokens = Tokens::parse("s3cret\n", "a test").unwrap();
        let only = tokens.get(DEFAULT_NAME).unwrap();
        assert!(only.token.matches("s3cret"));
        assert_eq!(only.rights, Rights::Full);
    }

    #[test]
    fn line_has_token_name_and_rights_and_comments_are_kept() {
        let text = "# Of the whole team.\ns3cret\n\nother name=grafana rights=metrics\n";
        let mut tokens = Tokens::parse(text, "a test").unwrap();
        assert_eq!(tokens.to_text(), text);
        assert_eq!(tokens.get("grafana").unwrap().rights, Rights::Metrics);
        tokens.retain(|named| named.name.as_str() != "grafana");
        assert_eq!(tokens.to_text(), "# Of the whole team.\ns3cret\n\n");
        tokens.add(NamedToken::parse("third rights=full name=eve", "a test").unwrap());
        assert!(tokens.to_text().ends_with("\nthird name=eve rights=full\n"));
    }

    #[test]
    fn invalid_line_is_named_without_its_secret() {
        for (text, wanted) in [
            ("", "unusable"),
            ("# nothing else\n", "unusable"),
            ("a\nb c0rrect\n", "line 2: expected nothing after the token"),
            ("a rights=all", "line 1: expected full or metrics"),
            ("a name=", "expected a name"),
            ("a name=bär", "expected a name"),
            ("a\nb\n", "line 2: there is a token named default already"),
            ("naïve", "unusable"),
        ] {
            let fault = fault(text);
            assert!(fault.contains(wanted), "{text:?}: {fault}");
            assert!(fault.contains("/etc/socktop/token"), "{fault}");
            assert!(!fault.contains("c0rrect"), "{fault}");
        }
    }

    #[test]
    fn metrics_right_excludes_details_and_journal() {
        assert!(Rights::Metrics.allow(Query::Metrics));
        assert!(Rights::Metrics.allow(Query::Processes));
        assert!(Rights::Metrics.allow(Query::Sensors));
        assert!(!Rights::Metrics.allow(Query::Process { pid: 1 }));
        assert!(!Rights::Metrics.allow(Query::Journal { pid: 1 }));
        assert!(Rights::Full.allow(Query::Journal { pid: 1 }));
    }

    proptest! {
        #[test]
        fn token_file_is_the_same_after_reading_and_writing(text in "(#? ?[!-~]{1,9}( (name|rights)=(full|metrics|[a-z]{1,4}))*\n){0,5}") {
            if let Ok(tokens) = Tokens::parse(&text, "a test") {
                let again = Tokens::parse(&tokens.to_text(), "a test").unwrap();
                prop_assert_eq!(again.to_text(), tokens.to_text());
                prop_assert_eq!(again.iter().count(), tokens.iter().count());
            }
        }
    }
}
