//! The last row: where the views' names are.

use ratatui::layout::Rect;

use crate::actions::keymap::{Key, bindings};
use crate::actions::{Action, Context, View};
use crate::text::width;

/// A view's name in the footer.
#[derive(Debug)]
pub struct ViewName {
    /// Which view.
    pub view: View,
    /// Where it is.
    pub area: Rect,
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: &'static str,
}

/// The views' names, at the right end of the line as far as they leave half of it.
#[must_use]
pub fn views(line: Rect) -> Vec<ViewName> {
    let named: Vec<(View, String, &'static str)> = bindings(Context::Host)
        .filter_map(|binding| match binding.action {
            Action::Show(view) => Some((view, binding.keys.first().map(Key::name)?, binding.hint)),
            _ => None,
        })
        .collect();
    let width_of = |key: &str, name: &str| {
        u16::try_from(width::width(key) + width::width(name) + 3).unwrap_or(u16::MAX)
    };
    let whole: u16 = named.iter().map(|(_, key, name)| width_of(key, name)).sum();
    if line.height == 0 || whole > line.width / 5 * 3 {
        return Vec::new();
    }
    let mut x = line.right() - whole;
    named
        .into_iter()
        .map(|(view, key, name)| {
            let width = width_of(&key, name);
            let area = Rect { x, width, ..line };
            x += width;
            ViewName {
                view,
                area,
                key,
                name,
            }
        })
        .collect()
}
