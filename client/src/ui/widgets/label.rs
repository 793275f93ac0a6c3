//! The labels of panes without a box.

use ratatui::text::Span;

use crate::text::width;
use crate::view::RenderContext;

/// Columns of the label in front of a brief pane.
pub const LABEL: u16 = 6;

/// A brief pane's label.
#[must_use]
pub fn label(label: &str, context: RenderContext<'_>) -> Span<'static> {
    let text = width::left(&format!(" {label}"), usize::from(LABEL));
    Span::styled(text, context.theme.quiet())
}
