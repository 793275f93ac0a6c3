//! Geometry and content, without colours.

pub mod layout;
