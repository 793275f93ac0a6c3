//! Limits on the log: no client can fill it. The first refusals, sessions and faults of an address are logged one by
//! one, further ones as a count per minute.
//!
//! There is no timer: the count is logged with the next event of its kind, or when the agent stops.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::address::client_network::ClientNetwork;

/// The period that events are counted over before the count is logged.
const PERIOD: Duration = Duration::from_mins(1);
/// How many lines of one kind are logged one by one in a period: of one address, and in total.
const LOGGED_PER_ADDRESS: u32 = 5;
const LOGGED: u32 = 50;
/// How many addresses are counted separately in a period; of further ones only the sum is known.
const ADDRESSES: usize = 256;

/// What was logged in the current period, and what was only counted.
#[derive(Debug, Default)]
pub(crate) struct LogLimits(Mutex<Period>);

/// Events that are logged one by one while there are few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// A client was turned away.
    Refused,
    /// A session was opened.
    Connected,
}

/// Events that are only counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silent {
    /// A new connection displaced one that was not authenticated yet.
    Displaced,
    /// A handshake took long while others waited.
    CutOff,
    /// A connection waited because many had come from its address.
    Waited,
}

#[derive(Debug, Default)]
struct Period {
    since: Option<Instant>,
    refused: Tally,
    connected: Tally,
    faults: u32,
    silent: Silence,
}

/// The events of one kind in the current period.
#[derive(Debug, Default)]
struct Tally {
    of: HashMap<ClientNetwork, u32>,
    logged: u32,
    suppressed: Suppressed,
}

/// Events that were not logged one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Suppressed {
    count: u64,
    /// The network that caused most of them, and how many it caused.
    most: Option<(ClientNetwork, u32)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Silence {
    displaced: u64,
    cut_off: u64,
    waited: u64,
}

/// The counts that are logged at the end of a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Summary {
    refused: Suppressed,
    connected: Suppressed,
    faults: u32,
    silent: Silence,
}

impl LogLimits {
    /// Whether an event of `source` is to be logged; otherwise it is counted.
    pub(crate) fn is_logged(&self, line: Line, source: ClientNetwork) -> bool {
        let (logged, summary) = self.period().line(line, source, Instant::now());
        summary.log();
        logged
    }

    /// Whether a fault is to be logged; otherwise it is counted.
    pub(crate) fn is_fault_logged(&self) -> bool {
        let (logged, summary) = self.period().fault(Instant::now());
        summary.log();
        logged
    }

    /// Counts `times` events of a kind that is never logged one by one.
    pub(crate) fn count(&self, what: Silent, times: usize) {
        if times > 0 {
            let summary = self.period().count(what, times, Instant::now());
            summary.log();
        }
    }

    /// Logs the counts that were not logged yet.
    pub(crate) fn flush(&self) {
        let summary = std::mem::take(&mut *self.period()).summary();
        summary.log();
    }

    fn period(&self) -> MutexGuard<'_, Period> {
        self.0.lock()
    }
}

impl Period {
    fn line(&mut self, line: Line, source: ClientNetwork, now: Instant) -> (bool, Summary) {
        let before = self.roll(now);
        let tally = match line {
            Line::Refused => &mut self.refused,
            Line::Connected => &mut self.connected,
        };
        (tally.is_logged(source), before)
    }

    fn fault(&mut self, now: Instant) -> (bool, Summary) {
        let before = self.roll(now);
        self.faults = self.faults.saturating_add(1);
        (self.faults <= LOGGED_PER_ADDRESS, before)
    }

    fn count(&mut self, what: Silent, times: usize, now: Instant) -> Summary {
        let begins = self.since.is_none_or(|since| now - since >= PERIOD);
        let mut logged = self.roll(now);
        // The first is logged at once, not only after a minute.
        let counted = if begins {
            &mut logged.silent
        } else {
            &mut self.silent
        };
        let times = u64::try_from(times).unwrap_or(u64::MAX);
        match what {
            Silent::Displaced => counted.displaced += times,
            Silent::CutOff => counted.cut_off += times,
            Silent::Waited => counted.waited += times,
        }
        logged
    }

    /// Starts a new period if the current one is over, and returns the counts of that one.
    fn roll(&mut self, now: Instant) -> Summary {
        match self.since {
            Some(since) if now - since < PERIOD => Summary::default(),
            _ => {
                let ended = std::mem::take(self);
                self.since = Some(now);
                ended.summary()
            }
        }
    }

    fn summary(self) -> Summary {
        Summary {
            refused: self.refused.suppressed,
            connected: self.connected.suppressed,
            faults: self.faults.saturating_sub(LOGGED_PER_ADDRESS),
            silent: self.silent,
        }
    }
}

impl Tally {
    fn is_logged(&mut self, source: ClientNetwork) -> bool {
        let room = self.of.len() < ADDRESSES;
        let times = match self.of.get_mut(&source) {
            Some(times) => {
                *times = times.saturating_add(1);
                *times
            }
            None if room => *self.of.entry(source).or_insert(1),
            None => u32::MAX,
        };
        if times <= LOGGED_PER_ADDRESS && self.logged < LOGGED {
            self.logged += 1;
            return true;
        }
        self.suppressed.count += 1;
        if times < u32::MAX && self.suppressed.most.is_none_or(|(_, most)| times > most) {
            self.suppressed.most = Some((source, times));
        }
        false
    }
}

impl Suppressed {
    fn most(&self) -> String {
        self.most.map_or_else(String::new, |(source, times)| {
            format!(", most of them of {source} ({times} in all)")
        })
    }
}

impl Summary {
    fn log(self) {
        let refused = self.refused.count;
        if refused > 0 {
            let most = self.refused.most();
            tracing::warn!(event = "refused", "{refused} more refused{most}");
        }
        let connected = self.connected.count;
        if connected > 0 {
            let most = self.connected.most();
            tracing::info!(event = "connected", "{connected} more connected{most}");
        }
        let faults = self.faults;
        if faults > 0 {
            tracing::error!(event = "faults", "{faults} more failures as these");
        }
        let Silence {
            displaced,
            cut_off,
            waited,
        } = self.silent;
        if displaced > 0 {
            tracing::warn!(
                event = "displaced",
                "connections displaced by new ones before they were authenticated: {displaced}; limits.connections or \
                 limits.per_address is reached"
            );
        }
        if cut_off > 0 {
            tracing::warn!(
                event = "cut-off",
                "handshakes that took long and were cut off for others: {cut_off}; limits.handshakes is reached"
            );
        }
        if waited > 0 {
            tracing::warn!(
                event = "waited",
                "connections that waited because many had come from their address: {waited}; \
                 limits.connections_per_second is reached"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(period: &mut Period, number: u64, now: Instant) -> bool {
        period.line(Line::Refused, ClientNetwork::V6(number), now).0
    }

    #[test]
    fn first_refusals_of_an_address_are_logged_and_later_ones_counted() {
        let mut period = Period::default();
        let start = Instant::now();
        let logged = (0..1000).filter(|_| refuse(&mut period, 1, start)).count();
        assert_eq!(logged, 5);
        assert!(refuse(&mut period, 2, start));
        let (logged, summary) = period.line(Line::Refused, ClientNetwork::V6(1), start + PERIOD);
        assert!(logged);
        assert_eq!(summary.refused.count, 995);
        assert_eq!(summary.refused.most, Some((ClientNetwork::V6(1), 1000)));
        assert_eq!(
            period
                .line(Line::Refused, ClientNetwork::V6(1), start + PERIOD)
                .1,
            Summary::default()
        );
    }

    #[test]
    fn many_addresses_take_bounded_log_and_memory() {
        let mut period = Period::default();
        let start = Instant::now();
        let logged = (0..10_000)
            .filter(|&number| refuse(&mut period, number, start))
            .count();
        assert_eq!(logged, 50);
        assert!(period.refused.of.len() <= ADDRESSES);
        assert_eq!(period.refused.suppressed.count, 9950);
    }

    #[test]
    fn first_displacement_is_logged_at_once_and_later_ones_as_a_count_per_minute() {
        let mut period = Period::default();
        let start = Instant::now();
        assert_eq!(
            period.count(Silent::Displaced, 1, start).silent.displaced,
            1
        );
        for _ in 0..100 {
            assert_eq!(
                period.count(Silent::Displaced, 1, start),
                Summary::default()
            );
            assert_eq!(period.count(Silent::CutOff, 2, start), Summary::default());
        }
        let summary = period.count(Silent::CutOff, 1, start + PERIOD);
        assert_eq!(
            (summary.silent.displaced, summary.silent.cut_off),
            (100, 201)
        );
    }

    #[test]
    fn session_openings_are_logged_and_counted_apart_from_refusals() {
        let mut period = Period::default();
        let start = Instant::now();
        let source = ClientNetwork::V6(1);
        let logged = |period: &mut Period, line| {
            (0..1000)
                .filter(|_| period.line(line, source, start).0)
                .count()
        };
        assert_eq!(logged(&mut period, Line::Refused), 5);
        assert_eq!(logged(&mut period, Line::Connected), 5);
        let (_, summary) = period.line(Line::Connected, source, start + PERIOD);
        assert_eq!(summary.connected.count, 995);
        assert_eq!(summary.connected.most, Some((source, 1000)));
    }

    #[test]
    fn first_faults_are_logged_and_later_ones_as_a_count_per_minute() {
        let mut period = Period::default();
        let start = Instant::now();
        let logged = (0..1000).filter(|_| period.fault(start).0).count();
        assert_eq!(logged, 5);
        let (logged, summary) = period.fault(start + PERIOD);
        assert!(logged);
        assert_eq!(summary.faults, 995);
    }
}
