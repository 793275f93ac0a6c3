//! Readers of the kernel: each takes the root of the file system it reads and gives a model value.
//!
//! Nothing here knows of sockets, caches or encodings. A collector that needs time to pass between two
//! readings does not wait for it, but says so with [`Collected::Wait`]. What can hang in the kernel (a
//! dead file system, a GPU's driver, journalctl) is asked aside, and waited for up to a bound.

mod allocator;
mod clock;
mod cpu;
mod deadline;
mod disks;
#[cfg(test)]
mod fixture;
mod gpu;
mod host;
mod journal;
mod load;
mod memory;
mod metrics;
mod network;
mod online_cpus;
mod parse;
mod proc_file;
mod process;
mod processes;
mod rate_window;
mod root;
pub mod sampler;
mod sensors;
mod temperature;
mod users;
pub mod watchdog;

use std::time::Duration;

pub use clock::{Now, since_zero};
pub use disks::DisksCollector;
pub use host::read_host;
pub use journal::JournalCollector;
pub use metrics::{MetricsCollector, MetricsOptions};
pub use process::ProcessCollector;
pub(crate) use process::redact_arguments;
pub use processes::ProcessesCollector;
pub use rate_window::{MAX_WINDOW, MIN_WINDOW, Reading, Window};
pub use root::Root;
pub use sensors::SensorsCollector;

/// What came of an attempt to collect a sample.
#[derive(Debug)]
pub enum Collected<T> {
    /// The sample.
    Ready(T),
    /// A baseline was read; the sample can be had after this time.
    Wait(Duration),
}
