//! The colour theme, from the terminal's own palette so that light and dark backgrounds both work; colour is used only
//! where it has a meaning.

use ratatui::style::{Color, Modifier, Style};

/// How worrying a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Nothing to see.
    #[default]
    Normal,
    /// Worth a look.
    High,
    /// Worth getting up.
    Critical,
}

impl Level {
    fn of(value: Option<f32>, high: f32, critical: f32) -> Self {
        match value {
            Some(value) if value >= critical => Self::Critical,
            Some(value) if value >= high => Self::High,
            _ => Self::Normal,
        }
    }

    /// Of CPU use in percent.
    #[must_use]
    pub fn cpu(percent: Option<f32>) -> Self {
        Self::of(percent, 70.0, 90.0)
    }

    /// Of memory use in percent.
    #[must_use]
    pub fn memory(percent: Option<f32>) -> Self {
        Self::of(percent, 80.0, 95.0)
    }

    /// Of a file system's use in percent.
    #[must_use]
    pub fn disk(percent: Option<f32>) -> Self {
        Self::of(percent, 85.0, 95.0)
    }

    /// Of a chip's temperature in degrees Celsius.
    #[must_use]
    pub fn temperature(celsius: Option<f32>) -> Self {
        Self::of(celsius, 70.0, 80.0)
    }
}

/// What a text means; the theme decides how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing special.
    Plain,
    /// There when looked for.
    Dim,
    /// A value that is so worrying.
    Value(Level),
    /// All is well.
    Good,
    /// Something failed.
    Bad,
    /// What the list is sorted by.
    Accent,
}

/// Styles by what they mean.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    color: bool,
}

impl Theme {
    /// With colours or (`NO_COLOR`) with bold and dim alone.
    #[must_use]
    pub fn new(color: bool) -> Self {
        Self { color }
    }

    fn fg(self, color: Color) -> Style {
        if self.color {
            Style::new().fg(color)
        } else {
            Style::new()
        }
    }

    /// How a text of that role looks.
    #[must_use]
    pub fn style(self, role: Role) -> Style {
        match role {
            Role::Plain => Style::new(),
            Role::Dim => self.quiet(),
            Role::Value(level) => self.value(level),
            Role::Good => self.good(),
            Role::Bad => self.bad(),
            Role::Accent => self.accent(),
        }
    }

    /// Labels, borders, units: there when looked for.
    #[must_use]
    pub fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Names and headings.
    #[must_use]
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The line that the cursor is on.
    #[must_use]
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A value's text.
    #[must_use]
    pub fn value(self, level: Level) -> Style {
        match level {
            Level::Normal => Style::new(),
            Level::High => self.fg(Color::Yellow).add_modifier(Modifier::BOLD),
            Level::Critical => self.fg(Color::Red).add_modifier(Modifier::BOLD),
        }
    }

    /// A value's bar or graph.
    #[must_use]
    pub fn mark(self, level: Level) -> Style {
        self.fg(match level {
            Level::Normal => Color::Green,
            Level::High => Color::Yellow,
            Level::Critical => Color::Red,
        })
    }

    /// All is well.
    #[must_use]
    pub fn good(self) -> Style {
        self.fg(Color::Green)
    }

    /// Something failed.
    #[must_use]
    pub fn bad(self) -> Style {
        self.value(Level::Critical)
    }

    /// A notice across the screen: something failed.
    #[must_use]
    pub fn alarm(self) -> Style {
        self.fg(Color::Red)
            .add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    /// What comes in.
    #[must_use]
    pub fn received(self) -> Style {
        self.fg(Color::Cyan)
    }

    /// What goes out.
    #[must_use]
    pub fn transmitted(self) -> Style {
        self.fg(Color::Magenta)
    }

    /// Keys that can be pressed, the column that is sorted by.
    #[must_use]
    pub fn accent(self) -> Style {
        self.fg(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// Over a part of the screen whose numbers are old.
    #[must_use]
    pub fn old(self) -> Style {
        Style::new()
            .fg(Color::Reset)
            .add_modifier(Modifier::DIM)
            .remove_modifier(Modifier::BOLD)
    }
}
