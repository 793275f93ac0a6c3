//! Programs that run beside a test.

mod background;
mod server;

pub use background::Background;
pub use server::{Server, free_port};
