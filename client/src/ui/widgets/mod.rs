//! Widgets that panes and screens share.

pub mod graph;
pub mod label;
pub mod paint;
pub mod table;
