//! The time of a reading, on the two clocks that a sample carries.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use socktop_proto::model::SampleTime;

/// A moment. Collectors are given it, so that tests can give them another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// `CLOCK_BOOTTIME`: time since the host booted, sleep included. What windows and rates are made of.
    pub boot: Duration,
    /// The wall clock, since the Unix epoch.
    pub unix: Duration,
}

impl Now {
    /// Reads both clocks.
    #[must_use]
    pub fn read() -> Self {
        Self {
            boot: since_zero(ClockId::Boottime),
            unix: since_zero(ClockId::Realtime),
        }
    }

    /// As a sample carries it.
    #[must_use]
    pub fn sample_time(self) -> SampleTime {
        SampleTime {
            unix_ms: millis(self.unix),
            boot_ms: Some(millis(self.boot)),
        }
    }
}

/// What a clock of the kernel shows, as the time since its zero.
#[must_use]
pub fn since_zero(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
