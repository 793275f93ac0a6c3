//! The list of hosts: its regions, and what it says of each host.

use ratatui::layout::Rect;

use crate::config::theme::Role;
use crate::link::{LinkState, Question};
use crate::state::{Fleet, HostState, Moment};
use crate::text::{format, width};

/// The parts of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FleetRegions {
    /// The first row; may be empty.
    pub title: Rect,
    /// The hosts.
    pub rows: Rect,
    /// The last row; may be empty.
    pub footer: Rect,
}

/// The regions of a screen of that area.
#[must_use]
pub fn regions(area: Rect) -> FleetRegions {
    let (around, edge) = if area.height >= 8 { (4, 1) } else { (0, 0) };
    FleetRegions {
        title: Rect {
            height: edge,
            ..area
        },
        rows: Rect {
            y: area.y + around / 2,
            height: area.height - around,
            ..area
        },
        footer: Rect {
            y: area.bottom() - edge,
            height: edge,
            ..area
        },
    }
}

/// What a host's link is doing, in two or three words, with their role.
#[must_use]
pub fn link_words(host: &HostState, now: Moment) -> (String, Role) {
    match &host.link {
        LinkState::Connecting => ("connecting".to_owned(), Role::Dim),
        LinkState::Connected { .. } => ("connected".to_owned(), Role::Good),
        LinkState::Lost {
            since, question, ..
        } => {
            let words = match question {
                Some(Question::Key(_)) => "unknown key".to_owned(),
                Some(Question::Token) => "asks for a token".to_owned(),
                None => format!("down {}", format::span(now.since(*since))),
            };
            (words, Role::Bad)
        }
    }
}

/// Where a host is reached, or why it is not.
#[must_use]
pub fn detail(host: &HostState) -> String {
    let text = match &host.link {
        LinkState::Lost {
            question: None,
            reason,
            ..
        } => reason,
        LinkState::Lost { .. } | LinkState::Connecting | LinkState::Connected { .. } => {
            &host.config.endpoint
        }
    };
    width::clean(text).into_owned()
}

/// How many hosts there are and how many of them are connected, and ask something.
#[must_use]
pub fn summary(fleet: &Fleet) -> String {
    let count = |is: fn(&HostState) -> bool| fleet.iter().filter(|(_, host)| is(host)).count();
    let connected = count(|host| matches!(host.link, LinkState::Connected { .. }));
    let asking = count(|host| host.question().is_some());
    let hosts = match fleet.len() {
        1 => "1 host".to_owned(),
        count => format!("{count} hosts"),
    };
    let mut words = format!("{hosts} · {connected} connected");
    if asking > 0 {
        words = format!("{words} · {asking} waiting for an answer");
    }
    words
}
