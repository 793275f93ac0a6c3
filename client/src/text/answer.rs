//! Answers of the user to a question.

/// Whether `answer` agrees: `y` or `yes`, in any case. Anything else, and no answer, does not.
#[must_use]
pub fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}
