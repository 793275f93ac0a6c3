//! Times of journal lines, converted to the clock of process start times (`CLOCK_BOOTTIME`).
//!
//! A process has its start on `CLOCK_BOOTTIME`, a line its time on `CLOCK_MONOTONIC`, which stands still while the host
//! sleeps, and on the wall clock. The wall clock alone would not do: a Pi has none at boot, and it is set when lines have
//! long been written.

use std::time::Duration;

use rustix::time::ClockId;

use crate::since_zero;

/// So far the wall clock may be set without being taken for a sleep, as it is after a host woke up.
const CORRECTION: Duration = Duration::from_secs(10);

/// What the clocks showed at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    pub(super) monotonic: Duration,
    pub(super) boot: Duration,
    pub(super) unix: Duration,
}

impl Clocks {
    /// Reads the clocks.
    pub(super) fn read() -> Self {
        Self {
            // First, so that what passes until the next makes lines younger, not older.
            monotonic: since_zero(ClockId::Monotonic),
            boot: since_zero(ClockId::Boottime),
            unix: since_zero(ClockId::Realtime),
        }
    }

    /// The latest time on `CLOCK_BOOTTIME` at which a line can have been received that carries these two times.
    ///
    /// How long the host has slept in all is known, but not what of it lay before the line. What lay after it has put the
    /// wall clock ahead of `CLOCK_MONOTONIC`; so has a change of the wall clock by hand. Where it went ahead by more than the
    /// host has slept, or went back, it was set, and says nothing: then all sleep counts as before the line.
    pub(super) fn latest_boot_time(&self, monotonic: Duration, unix: Duration) -> Duration {
        let slept = self.boot.saturating_sub(self.monotonic);
        let ahead_now = self.unix.checked_sub(self.monotonic);
        let ahead_then = unix.checked_sub(monotonic);
        let slept_since = ahead_now
            .zip(ahead_then)
            .and_then(|(now, then)| now.checked_sub(then))
            .filter(|ahead| *ahead <= slept)
            .map(|ahead| ahead.saturating_sub(CORRECTION))
            .unwrap_or_default();
        monotonic.saturating_add(slept.saturating_sub(slept_since))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A host that has slept for 8 hours in 10, and whose wall clock was right at boot.
    const SLEPT: Clocks = Clocks {
        monotonic: seconds(7_200),
        boot: seconds(36_000),
        unix: seconds(1_750_036_000),
    };

    #[test]
    fn age_of_a_line_after_a_suspend_is_exact() {
        // Received 100 s ago.
        let time = SLEPT.latest_boot_time(seconds(7_100), seconds(1_750_035_900));
        assert_eq!(time, seconds(35_900));
    }

    #[test]
    fn age_of_a_line_before_a_suspend_includes_the_suspend() {
        // Received an hour after boot.
        let time = SLEPT.latest_boot_time(seconds(3_600), seconds(1_750_003_600));
        assert_eq!(time, seconds(3_600) + CORRECTION);
    }

    #[test]
    fn wall_clock_change_makes_no_line_too_old() {
        // Received an hour after boot by a clock that began in 1970, or was a day ahead.
        for unix in [seconds(3_600), seconds(1_750_090_000)] {
            let time = SLEPT.latest_boot_time(seconds(3_600), unix);
            assert_eq!(time, seconds(3_600 + 28_800));
        }
        // Received after the sleep, three seconds before the clock was put on by two.
        let time = SLEPT.latest_boot_time(seconds(7_197), seconds(1_750_035_995));
        assert_eq!(time, seconds(35_997));
    }

    proptest! {
        /// Whenever a host slept: no line is taken for older than it is, nor for younger by more than the correction.
        #[test]
        fn lines_have_their_time_when_the_wall_clock_is_not_set(
            awake_before in 0_u64..1_000_000, slept_before in 0_u64..1_000_000,
            awake_after in 0_u64..1_000_000, slept_after in 0_u64..1_000_000, unix_at_boot in 0_u64..2_000_000_000,
        ) {
            let line_at = seconds(awake_before + slept_before);
            let boot = line_at + seconds(awake_after + slept_after);
            let clocks = Clocks {
                monotonic: seconds(awake_before + awake_after),
                boot,
                unix: seconds(unix_at_boot) + boot,
            };
            let converted = clocks.latest_boot_time(seconds(awake_before), seconds(unix_at_boot) + line_at);
            prop_assert!(converted >= line_at && converted <= line_at + CORRECTION, "{converted:?}, not {line_at:?}");
        }

        #[test]
        fn any_times_are_converted_without_panic(now: [u64; 3], line: [u64; 2]) {
            let [monotonic, boot, unix] = now.map(Duration::from_micros);
            let [line_monotonic, line_unix] = line.map(Duration::from_micros);
            let clocks = Clocks { monotonic, boot, unix };
            prop_assert!(clocks.latest_boot_time(line_monotonic, line_unix) >= line_monotonic);
        }
    }
}
