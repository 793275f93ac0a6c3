//! The dialog for a link's question: its place and its text.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::config::theme::{Role, Theme};
use crate::link::{LinkState, Question};
use crate::state::HostState;
use crate::text::width;

/// Columns of the box: a fingerprint fits into it.
const WIDTH: u16 = 84;

/// What the user has typed, and why the last answer could not be used.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// What is typed.
    pub input: &'a str,
    /// What was wrong with the last answer.
    pub fault: Option<&'a str>,
}

/// The title.
#[must_use]
pub fn title(question: Question) -> &'static str {
    match question {
        Question::Key(_) => "The key of this agent is not known",
        Question::Token => "This agent asks for a token",
    }
}

/// The text, with what is typed at its end, in lines of that width.
#[must_use]
pub fn lines(
    question: Question,
    host: &HostState,
    answer: Answer<'_>,
    width: u16,
    theme: Theme,
) -> Vec<Line<'static>> {
    let columns = usize::from(width);
    let endpoint = width::clean(&host.config.endpoint).into_owned();
    let mut lines = Vec::new();
    let mut say = |text: &str, role: Role| {
        for line in width::wrap(text, columns) {
            lines.push(Line::styled(line, theme.style(role)));
        }
    };
    let (prompt, typed) = match question {
        Question::Key(presented) => {
            say(
                &format!(
                    "{endpoint} is not known here, and this system's authorities do not vouch for it. Its key is"
                ),
                Role::Plain,
            );
            say(&presented.to_string(), Role::Accent);
            say(
                "On that host 'sudo socktop-agent fingerprint' prints its key: compare the two, or paste that one here.",
                Role::Plain,
            );
            (
                "Trust this key and remember it? [y/N] ",
                width::clean(answer.input).into_owned(),
            )
        }
        Question::Token => {
            if let LinkState::Lost { reason, .. } = &host.link {
                say(reason, Role::Plain);
            }
            say(
                "A token that is entered here is used until socktop ends. To store it, give the line of 'sudo socktop-agent \
                 pair' to socktop add.",
                Role::Dim,
            );
            let stars = "*".repeat(answer.input.chars().count().min(columns));
            ("Token: ", stars)
        }
    };
    if let Some(fault) = answer.fault {
        say(fault, Role::Bad);
    }
    // Where the prompt leaves little room, what is typed gets a line of its own.
    let is_narrow = width::width(prompt) + 12 > columns;
    let prompt = if is_narrow {
        say(prompt, Role::Accent);
        ""
    } else {
        say("", Role::Plain);
        prompt
    };
    let room = columns.saturating_sub(width::width(prompt) + 1);
    lines.push(Line::from(vec![
        Span::styled(prompt, theme.style(Role::Accent)),
        Span::raw(end_of(&typed, room)),
        Span::styled(" ", theme.selected()),
    ]));
    lines
}

/// The end of `text`, as much as fits into so many columns: where the cursor is.
fn end_of(text: &str, columns: usize) -> String {
    let mut start = 0;
    while width::width(text.get(start..).unwrap_or_default()) > columns {
        let first = text.get(start..).and_then(|rest| rest.chars().next());
        start += first.map_or(1, char::len_utf8);
    }
    text.get(start..).unwrap_or_default().to_owned()
}

/// The width of the text, and the box for so many lines of it, in the middle of the screen.
#[must_use]
pub fn text_width(screen: Rect) -> u16 {
    screen.width.min(WIDTH).saturating_sub(4)
}

/// The box for that many lines, in the middle of the screen.
#[must_use]
pub fn place(screen: Rect, lines: usize) -> Rect {
    let width = screen.width.min(WIDTH);
    let height = u16::try_from(lines + 2)
        .unwrap_or(u16::MAX)
        .min(screen.height);
    Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    }
}
