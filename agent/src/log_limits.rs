//! The log of who was turned away, which nobody can fill: the first refusals of an address are told one by one, the
//! others in a minute as a number.
//!
//! There is no timer: the number is told when the next one is turned away, or when the agent stops.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::source::Source;

/// How long is counted before the number is told.
const PERIOD: Duration = Duration::from_mins(1);
/// How many refusals of one address, and in all, are told one by one in that time.
const TOLD_PER_ADDRESS: u32 = 5;
const TOLD: u32 = 50;
/// Of how many addresses are counted in that time; of further ones only the sum is known.
const ADDRESSES: usize = 256;

/// What was told and what not.
#[derive(Debug, Default)]
pub(crate) struct LogLimits(Mutex<Period>);

#[derive(Debug, Default)]
struct Period {
    since: Option<Instant>,
    of: HashMap<Source, u32>,
    told: u32,
    summary: Summary,
}

/// What was not told one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Summary {
    refused: u64,
    /// Who was refused most, and how often.
    most: Option<(Source, u32)>,
    displaced: u64,
    cut_off: u64,
}

/// What happens without a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silent {
    /// A newcomer took the place of a connection that was not let in yet.
    Displaced,
    /// A handshake took long while others waited.
    CutOff,
}

impl LogLimits {
    /// Whether a refusal of `source` is to be told; else it is counted.
    pub(crate) fn is_told(&self, source: Source) -> bool {
        let (told, summary) = self.period().refuse(source, Instant::now());
        summary.tell();
        told
    }

    /// Counts `times` of what is told as a number alone.
    pub(crate) fn count(&self, what: Silent, times: usize) {
        if times > 0 {
            let summary = self.period().count(what, times, Instant::now());
            summary.tell();
        }
    }

    /// Tells what was not told yet.
    pub(crate) fn flush(&self) {
        let summary = std::mem::take(&mut *self.period()).summary;
        summary.tell();
    }

    fn period(&self) -> MutexGuard<'_, Period> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Period {
    fn refuse(&mut self, source: Source, now: Instant) -> (bool, Summary) {
        let before = self.roll(now);
        let room = self.of.len() < ADDRESSES;
        let times = match self.of.get_mut(&source) {
            Some(times) => {
                *times = times.saturating_add(1);
                *times
            }
            None if room => *self.of.entry(source).or_insert(1),
            None => u32::MAX,
        };
        if times <= TOLD_PER_ADDRESS && self.told < TOLD {
            self.told += 1;
            return (true, before);
        }
        self.summary.refused += 1;
        if times < u32::MAX && self.summary.most.is_none_or(|(_, most)| times > most) {
            self.summary.most = Some((source, times));
        }
        (false, before)
    }

    fn count(&mut self, what: Silent, times: usize, now: Instant) -> Summary {
        let begins = self.since.is_none_or(|since| now - since >= PERIOD);
        let mut told = self.roll(now);
        // The first is no secret for a minute.
        let counted = if begins { &mut told } else { &mut self.summary };
        let times = u64::try_from(times).unwrap_or(u64::MAX);
        match what {
            Silent::Displaced => counted.displaced += times,
            Silent::CutOff => counted.cut_off += times,
        }
        told
    }

    /// Begins anew where the time is over, and gives what was not told in it.
    fn roll(&mut self, now: Instant) -> Summary {
        match self.since {
            Some(since) if now - since < PERIOD => Summary::default(),
            _ => {
                let ended = std::mem::take(self);
                self.since = Some(now);
                ended.summary
            }
        }
    }
}

impl Summary {
    fn tell(self) {
        if self.refused > 0 {
            let most = self.most.map_or_else(String::new, |(source, times)| {
                format!(", most of them of {source} ({times} in all)")
            });
            let refused = self.refused;
            tracing::warn!(event = "refused", "{refused} more refused{most}");
        }
        if self.displaced > 0 {
            let displaced = self.displaced;
            tracing::warn!(
                event = "displaced",
                "connections that gave way to newcomers before they were let in: {displaced}; limits.connections or \
                 limits.per_address is reached"
            );
        }
        if self.cut_off > 0 {
            let cut_off = self.cut_off;
            tracing::warn!(
                event = "cut-off",
                "handshakes that took long and were cut off for others: {cut_off}; limits.handshakes is reached"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(period: &mut Period, number: u64, now: Instant) -> bool {
        period.refuse(Source::V6(number), now).0
    }

    #[test]
    fn the_first_of_an_address_are_told_and_the_others_counted() {
        let mut period = Period::default();
        let start = Instant::now();
        let told = (0..1000).filter(|_| refuse(&mut period, 1, start)).count();
        assert_eq!(told, 5);
        assert!(refuse(&mut period, 2, start));
        let (told, summary) = period.refuse(Source::V6(1), start + PERIOD);
        assert!(told);
        assert_eq!(summary.refused, 995);
        assert_eq!(summary.most, Some((Source::V6(1), 1000)));
        assert_eq!(
            period.refuse(Source::V6(1), start + PERIOD).1,
            Summary::default()
        );
    }

    #[test]
    fn many_addresses_fill_neither_the_log_nor_the_memory() {
        let mut period = Period::default();
        let start = Instant::now();
        let told = (0..10_000)
            .filter(|&number| refuse(&mut period, number, start))
            .count();
        assert_eq!(told, 50);
        assert!(period.of.len() <= ADDRESSES);
        assert_eq!(period.summary.refused, 9950);
    }

    #[test]
    fn of_those_displaced_the_first_is_told_at_once_and_then_a_number_a_minute() {
        let mut period = Period::default();
        let start = Instant::now();
        assert_eq!(period.count(Silent::Displaced, 1, start).displaced, 1);
        for _ in 0..100 {
            assert_eq!(
                period.count(Silent::Displaced, 1, start),
                Summary::default()
            );
            assert_eq!(period.count(Silent::CutOff, 2, start), Summary::default());
        }
        let summary = period.count(Silent::CutOff, 1, start + PERIOD);
        assert_eq!((summary.displaced, summary.cut_off), (100, 201));
    }
}
