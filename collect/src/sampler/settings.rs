//! Settings of the sampler: what is sampled, and how long a sample is shared.

use std::time::Duration;

/// What to collect and for how long to share it.
#[derive(Debug, Clone)]
pub struct Sampling {
    /// Read GPUs.
    pub gpu: bool,
    /// Read temperatures.
    pub temperature: bool,
    /// Send only the program of a command line, not its arguments.
    pub redact_arguments: bool,
    /// How long a sample of metrics, and of one process, is shared.
    pub metrics_ttl: Duration,
    /// How long a process list is shared.
    pub processes_ttl: Duration,
    /// How long a list of disks is shared.
    pub disks_ttl: Duration,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            gpu: true,
            temperature: true,
            redact_arguments: false,
            metrics_ttl: Duration::from_millis(250),
            processes_ttl: Duration::from_secs(1),
            disks_ttl: Duration::from_secs(1),
        }
    }
}
