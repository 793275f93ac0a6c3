//! Numbers that cannot be: 250 % of a machine, more memory in use than there is, a time after the year 9999. They become
//! unknown, whoever sent them and in whichever dialect, and the sample remembers that there were some.
//!
//! Every sample passes here once, when it enters the state; what a delta has made of one, too.

mod check;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use socktop_proto::model::SampleTime;

pub(super) use check::check;

/// No host has been up for a century.
const MOST_UPTIME_MS: u64 = 100 * 366 * 24 * 3600 * 1000;

/// 9999-12-30, the last day of the calendar in use here.
const MOST_UNIX_MS: u64 = 253_402_207_200_000;

/// Degrees Celsius that a sensor in a running machine can show.
const TEMPERATURES: std::ops::RangeInclusive<f32> = -100.0..=200.0;

/// What was measured in two steps may come out a little above 100 %; it is shown as 100.
const PERCENT_SLACK: f32 = 1.0;

/// Which numbers of a sample cannot be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Impossible {
    first: Option<&'static str>,
    count: usize,
    /// Whether the sample was changed. What is a little above 100 % becomes 100 %, and is not counted.
    changed: bool,
}

impl Impossible {
    /// In words, with the mark that says so: `! impossible: memory in use, 2 more`. `None` where all numbers can be.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let first = self.first?;
        Some(match self.count {
            0 | 1 => format!("! impossible: {first}"),
            count => format!("! impossible: {first}, {} more", count - 1),
        })
    }

    pub(super) fn add(&mut self, what: &'static str) {
        self.first.get_or_insert(what);
        self.count = self.count.saturating_add(1);
        self.changed = true;
    }

    /// A number that is at most `most`, else unknown.
    fn at_most<T: PartialOrd + Copy>(
        &mut self,
        number: &mut Option<T>,
        most: T,
        what: &'static str,
    ) {
        if number.is_some_and(|number| number > most) {
            *number = None;
            self.add(what);
        }
    }

    fn within<T: PartialOrd>(
        &mut self,
        number: &mut Option<T>,
        range: RangeInclusive<T>,
        what: &'static str,
    ) {
        if number
            .as_ref()
            .is_some_and(|number| !range.contains(number))
        {
            *number = None;
            self.add(what);
        }
    }

    fn percent(&mut self, percent: &mut Option<f32>, what: &'static str) {
        let Some(value) = *percent else { return };
        // NaN is in no range; -0.0 is in it.
        let possible = (0.0..=100.0 + PERCENT_SLACK).contains(&value) && value.is_sign_positive();
        *percent = possible.then_some(value.min(100.0));
        self.changed |= value > 100.0;
        if !possible {
            self.add(what);
        }
    }

    fn temperature(&mut self, celsius: &mut Option<f32>, what: &'static str) {
        if celsius.is_some_and(|celsius| !TEMPERATURES.contains(&celsius)) {
            *celsius = None;
            self.add(what);
        }
    }

    fn time(&mut self, time: &mut Option<SampleTime>) {
        let Some(SampleTime { unix_ms, boot_ms }) = time else {
            return;
        };
        self.at_most(boot_ms, MOST_UPTIME_MS, "uptime");
        if *unix_ms > MOST_UNIX_MS {
            *time = None;
            self.add("time of the sample");
        }
    }
}
