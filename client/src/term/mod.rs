//! The real terminal: screen, input, signals, the encoder of what is drawn.

pub(crate) mod encoder;
pub(crate) mod input;
pub(crate) mod screen;
pub(crate) mod sgr;
pub mod signals;
