//! The parts of a host's screen, and what a place on it means.

use ratatui::layout::{Position, Rect};
use strum::VariantArray;

use super::{Details, footer};
use crate::actions::{Tab, View};
use crate::catalog::process::Column;

/// How a pane presents itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Density {
    /// In a box.
    #[default]
    Boxed,
    /// All of it, without a box.
    Plain,
    /// The gist, in few lines with a label in front.
    Brief,
}

/// The process list's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// All of it.
    pub area: Rect,
    /// A line for the title, where there is no box that bears it; may be empty.
    pub title: Rect,
    /// The columns' names.
    pub head: Rect,
    /// The processes.
    pub rows: Rect,
    /// One column beside the rows.
    pub scrollbar: Rect,
}

/// The parts of a process's details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DetailsArea {
    /// All of it.
    pub area: Rect,
    /// The facts, where there is room for them beside the tabs.
    pub facts: Option<Rect>,
    /// The tabs' names.
    pub tabs: Rect,
    /// The tab in front.
    pub body: Rect,
    /// One column beside the body.
    pub scrollbar: Rect,
}

/// A column of the process list and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Which column.
    pub column: Column,
    /// Its left end on the screen.
    pub x: u16,
    /// Its width.
    pub width: u16,
}

impl Placed {
    /// Whether a click at `x` means this column; the gap to its right belongs to it.
    #[must_use]
    pub fn contains(&self, x: u16) -> bool {
        (self.x..=self.x.saturating_add(self.width)).contains(&x)
    }
}

/// The parts of the screen. A part that is `None` is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Regions {
    /// The first row.
    pub header: Rect,
    /// What is wrong with the link; empty while nothing is.
    pub notice: Rect,
    /// Between header and footer.
    pub body: Rect,
    /// The last row.
    pub footer: Rect,
    /// How panes present themselves.
    pub density: Density,
    /// CPU.
    pub cpu: Option<Rect>,
    /// Memory, swap, load, GPUs.
    pub memory: Option<Rect>,
    /// Network interfaces.
    pub network: Option<Rect>,
    /// Disks.
    pub disks: Option<Rect>,
    /// Processes.
    pub processes: Option<Table>,
    /// One process in detail.
    pub details: Option<DetailsArea>,
}

impl Regions {
    /// The view whose name in the footer is at `place`.
    #[must_use]
    pub fn view_at(&self, place: Position) -> Option<View> {
        if self.details.is_some() {
            return None;
        }
        let names = footer::views(self.footer);
        let mut hits = names.into_iter().filter(|name| name.area.contains(place));
        hits.next().map(|name| name.view)
    }

    /// The tab that is in front: with the facts beside it, there is no tab of facts.
    #[must_use]
    pub fn tab_in_front(&self, details: Details) -> Tab {
        match self.details {
            Some(area) => area.front(details.tab),
            None => details.tab,
        }
    }

    /// Whether `tab` is on the screen.
    #[must_use]
    pub fn shows_tab(&self, details: Details, tab: Tab) -> bool {
        self.details.is_some() && self.tab_in_front(details) == tab
    }
}

impl DetailsArea {
    /// The tabs that there are.
    #[must_use]
    pub fn tabs(&self) -> &'static [Tab] {
        match self.facts {
            Some(_) => Tab::VARIANTS.split_first().map_or(&[], |(_, rest)| rest),
            None => Tab::VARIANTS,
        }
    }

    /// The tab that is in front when `tab` was chosen.
    #[must_use]
    pub fn front(&self, tab: Tab) -> Tab {
        if self.facts.is_some() && tab == Tab::Facts {
            Tab::Threads
        } else {
            tab
        }
    }

    /// Where the tabs' names are. Each has room for a count of four digits, so that they stand still.
    #[must_use]
    pub fn tab_names(&self) -> Vec<(Tab, Rect)> {
        let mut x = self.tabs.x;
        self.tabs()
            .iter()
            .map(|&tab| {
                let width = match tab {
                    Tab::Facts => 7,
                    Tab::Threads => 14,
                    Tab::Children => 15,
                    Tab::Journal => 9,
                };
                let place = Rect {
                    x,
                    width,
                    ..self.tabs
                };
                x = x.saturating_add(width);
                (tab, place.intersection(self.tabs))
            })
            .collect()
    }

    /// The tab whose name is at `place`.
    #[must_use]
    pub fn tab_at(&self, place: Position) -> Option<Tab> {
        let names = self.tab_names();
        let mut hits = names.into_iter().filter(|(_, area)| area.contains(place));
        hits.next().map(|(tab, _)| tab)
    }
}
