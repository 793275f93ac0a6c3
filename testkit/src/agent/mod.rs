//! Running agents for tests, and clients for them.

pub mod client;
pub mod http;
mod in_process;
mod process;
mod service_manager;

pub use in_process::{AgentBuilder, RunningAgent};
pub use process::AgentProcess;
pub use service_manager::{ServiceManager, end, listening_socket, signal};
