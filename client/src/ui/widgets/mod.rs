//! Widgets that panes and screens share.

pub mod graph;
pub mod paint;
