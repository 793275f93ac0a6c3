//! The dialog that a link's question raises: whether an unknown key is the agent's, or which token it wants.

use std::fmt;

use socktop_proto::pairing::Pin;

use crate::app::Effect;
use crate::link::Question;
use crate::secrets::token::Token;
use crate::source::HostId;
use crate::text::answer::is_yes;

/// Longest input, characters: somewhat more than a token may have.
const LONGEST: usize = 4200;

/// A question and what the user types as the answer.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkDialog {
    /// The question.
    pub question: Question,
    /// What is typed; of a token it is a secret.
    pub input: String,
    /// Why the last answer could not be used.
    pub fault: Option<String>,
    /// Whether the user has closed it without an answer.
    pub is_dismissed: bool,
}

impl fmt::Debug for LinkDialog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LinkDialog")
            .field("question", &self.question)
            .field("fault", &self.fault)
            .field("is_dismissed", &self.is_dismissed)
            .finish_non_exhaustive()
    }
}

impl LinkDialog {
    /// An open dialog.
    #[must_use]
    pub fn new(question: Question) -> Self {
        Self {
            question,
            input: String::new(),
            fault: None,
            is_dismissed: false,
        }
    }

    /// Appends what is typed or pasted.
    pub(crate) fn type_text(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.input.chars().count());
        self.input.extend(text.chars().take(room));
        self.fault = None;
    }

    /// Takes the input as the answer of `host`; where it is none that can be used, says so and stays open.
    pub(crate) fn submit(&mut self, host: HostId) -> Option<Effect> {
        let answer = std::mem::take(&mut self.input);
        self.fault = None;
        match self.question {
            Question::Key(presented) => match KeyAnswer::of(&answer, presented) {
                KeyAnswer::Yes => return Some(Effect::TrustKey(host, presented)),
                KeyAnswer::No => self.is_dismissed = true,
                KeyAnswer::OtherKey => {
                    self.fault = Some(
                        "This is another key: someone may be intercepting the connection. Nothing was remembered, and no \
                         token was sent."
                            .to_owned(),
                    );
                }
            },
            Question::Token => match Token::new(&answer) {
                Ok(token) => return Some(Effect::UseToken(host, token)),
                Err(error) => self.fault = Some(format!("{error}.")),
            },
        }
        None
    }
}

/// What the user says to an unknown key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyAnswer {
    /// It is the right one.
    Yes,
    /// It is not, or nobody knows.
    No,
    /// It should be another one.
    OtherKey,
}

impl KeyAnswer {
    /// The fingerprint itself, pasted, is a yes; another one is none.
    fn of(answer: &str, presented: Pin) -> Self {
        let answer = answer.trim();
        match answer.parse::<Pin>() {
            Ok(pin) if pin == presented => Self::Yes,
            Ok(_) => Self::OtherKey,
            Err(_) if is_yes(answer) => Self::Yes,
            Err(_) => Self::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: HostId = HostId::FIRST;

    #[test]
    fn unknown_key_is_accepted_by_yes_or_by_itself() {
        let presented = Pin::from_digest([0xa5; 32]);
        let other = Pin::from_digest([0x5a; 32]);
        for (answer, meaning) in [
            ("y".to_owned(), KeyAnswer::Yes),
            ("Yes".to_owned(), KeyAnswer::Yes),
            (format!("  {presented} "), KeyAnswer::Yes),
            (
                presented
                    .to_string()
                    .to_ascii_uppercase()
                    .replace("SHA", "sha"),
                KeyAnswer::Yes,
            ),
            (other.to_string(), KeyAnswer::OtherKey),
            ("n".to_owned(), KeyAnswer::No),
            (String::new(), KeyAnswer::No),
            ("sha256:a5".to_owned(), KeyAnswer::No),
        ] {
            let mut dialog = LinkDialog::new(Question::Key(presented));
            dialog.type_text(&answer);
            let effect = dialog.submit(HOST);
            let accepted = (meaning == KeyAnswer::Yes).then_some(Effect::TrustKey(HOST, presented));
            assert_eq!(effect, accepted, "{answer:?}");
            assert_eq!(dialog.is_dismissed, meaning == KeyAnswer::No, "{answer:?}");
            assert_eq!(
                dialog.fault.is_some(),
                meaning == KeyAnswer::OtherKey,
                "{answer:?}"
            );
        }
    }

    #[test]
    fn token_is_taken_without_its_line_end_and_an_empty_one_is_refused() {
        let mut dialog = LinkDialog::new(Question::Token);
        assert_eq!(dialog.submit(HOST), None);
        assert!(dialog.fault.is_some() && !dialog.is_dismissed);
        dialog.type_text("s3cret\n");
        assert!(!format!("{dialog:?}").contains("s3cret"));
        let token = Token::new("s3cret").unwrap();
        assert_eq!(dialog.submit(HOST), Some(Effect::UseToken(HOST, token)));
        assert_eq!(dialog.input, "");
    }

    #[test]
    fn input_is_bounded() {
        let mut dialog = LinkDialog::new(Question::Token);
        dialog.type_text(&"x".repeat(1_000_000));
        assert_eq!(dialog.input.len(), LONGEST);
        dialog.type_text("y");
        assert_eq!(dialog.input.len(), LONGEST);
    }
}
