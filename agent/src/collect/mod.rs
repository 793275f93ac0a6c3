//! Readers of the kernel: each takes the root of the file system it reads and gives a model value.
//!
//! Nothing here knows of sockets, caches or encodings. A collector that needs time to pass between two
//! readings does not wait for it, but says so with [`Collected::Wait`]. What can hang in the kernel (a
//! dead file system, a GPU's driver, journalctl) is asked aside, and waited for up to a bound.

mod clock;
mod cpu;
mod deadline;
mod disks;
mod fields;
#[cfg(test)]
mod fixture;
mod gpu;
mod host;
mod journal;
mod kept_file;
mod load;
mod memory;
mod metrics;
mod network;
mod online_cpus;
mod process;
mod processes;
mod root;
mod temperature;
mod users;
mod window;

use std::time::Duration;

pub use clock::Now;
pub(crate) use clock::since_zero;
pub use disks::DisksCollector;
pub use host::read_host;
pub use journal::JournalCollector;
pub use metrics::{MetricsCollector, MetricsOptions};
pub use process::ProcessCollector;
pub(crate) use process::redact_arguments;
pub use processes::ProcessesCollector;
pub use root::Root;
pub use window::{MAX_WINDOW, MIN_WINDOW, Reading, Window};

/// What came of an attempt to collect a sample.
#[derive(Debug)]
pub enum Collected<T> {
    /// The sample.
    Ready(T),
    /// A baseline was read; the sample can be had after this time.
    Wait(Duration),
}
