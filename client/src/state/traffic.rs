//! Rates of network interfaces, from the counters of consecutive samples.
//!
//! An interface whose counters went backwards, or that was away for a sample, has been made anew:
//! its history shows a gap there, not a spike. So does a sample that is not later than the one before.

use std::collections::HashMap;

use socktop_proto::model::{Interface, SampleTime};

use super::impossible::Impossible;
use crate::state::history::{HISTORY, History};

/// Interfaces that may be remembered after they went away, those that are there included: names that
/// change with every sample must not fill the memory.
const MOST: usize = 256;

/// Interfaces that have a history: the first ones. Each takes 15 kB.
const MOST_HISTORIES: usize = 1024;

/// Bytes a second: 70 Tbit/s, which nothing carries.
const MOST_RATE: f64 = 8.8e12;

/// What an interface carries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Bytes received in a second.
    pub received: f64,
    /// Bytes transmitted in a second.
    pub transmitted: f64,
}

/// What is known of one interface's traffic.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// Rates over the time between two samples, oldest first; `None` is a gap.
    pub rates: History<Option<Rate>>,
    /// The highest rates seen since this program connected.
    pub peak: Option<Rate>,
    /// Counters of the last sample, unless the interface was away then.
    counters: Option<(u64, u64)>,
    /// Samples since the interface was last there.
    absent: usize,
}

/// The traffic of every interface of a host.
#[derive(Debug, Clone, Default)]
pub struct Interfaces {
    by_name: HashMap<String, Traffic>,
    time: Option<SampleTime>,
}

/// Seconds from one sample to a later one; `None` where the second is not later.
///
/// The time since boot is taken where both samples have it: nobody sets that clock.
#[must_use]
pub fn seconds_between(earlier: &SampleTime, later: &SampleTime) -> Option<f64> {
    let milliseconds = match (earlier.boot_ms, later.boot_ms) {
        (Some(earlier), Some(later)) => later.checked_sub(earlier),
        _ => later.unix_ms.checked_sub(earlier.unix_ms),
    }?;
    // Precise far beyond any uptime.
    #[allow(clippy::cast_precision_loss)]
    let seconds = milliseconds as f64 / 1000.0;
    (milliseconds > 0).then_some(seconds)
}

impl Interfaces {
    /// What is known of the interface called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Traffic> {
        self.by_name.get(name)
    }

    /// Takes a sample that is not the one taken last, and says which rates in it cannot be.
    pub fn take(
        &mut self,
        time: Option<SampleTime>,
        interfaces: &[Interface],
        impossible: &mut Impossible,
    ) {
        let seconds = match (&self.time, &time) {
            (Some(earlier), Some(later)) => seconds_between(earlier, later),
            _ => None,
        };
        self.time = time;
        for traffic in self.by_name.values_mut() {
            traffic.absent = traffic.absent.saturating_add(1);
        }
        for interface in interfaces.iter().take(MOST_HISTORIES) {
            let traffic = self.by_name.entry(interface.name.clone()).or_default();
            traffic.take(seconds, interface, impossible);
        }
        let crowded = self.by_name.len() > MOST;
        self.by_name.retain(|_, traffic| {
            if traffic.absent > 0 {
                traffic.counters = None;
                traffic.rates.push(None);
            }
            traffic.absent == 0 || (!crowded && traffic.absent < HISTORY)
        });
    }

    /// Says that samples were missed: what comes next is no rate.
    pub fn interrupt(&mut self) {
        self.time = None;
        for traffic in self.by_name.values_mut() {
            traffic.counters = None;
        }
    }
}

impl Traffic {
    fn take(&mut self, seconds: Option<f64>, interface: &Interface, impossible: &mut Impossible) {
        let now = (interface.received_bytes, interface.transmitted_bytes);
        let rate = match (self.counters, seconds) {
            (Some((received, transmitted)), Some(seconds)) => {
                match (now.0.checked_sub(received), now.1.checked_sub(transmitted)) {
                    (Some(received), Some(transmitted)) => Some(Rate {
                        received: per_second(received, seconds),
                        transmitted: per_second(transmitted, seconds),
                    }),
                    _ => None,
                }
            }
            _ => None,
        };
        let possible = |rate: &Rate| rate.received <= MOST_RATE && rate.transmitted <= MOST_RATE;
        if rate.is_some_and(|rate| !possible(&rate)) {
            impossible.add("rate of an interface");
        }
        let rate = rate.filter(possible);
        self.counters = Some(now);
        self.absent = 0;
        self.rates.push(rate);
        if let Some(rate) = rate {
            let peak = self.peak.unwrap_or(rate);
            self.peak = Some(Rate {
                received: peak.received.max(rate.received),
                transmitted: peak.transmitted.max(rate.transmitted),
            });
        }
    }
}

// A byte more or less in 2^53 cannot be seen on a screen.
#[allow(clippy::cast_precision_loss)]
fn per_second(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 / seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot_ms: u64) -> SampleTime {
        SampleTime {
            unix_ms: 5,
            boot_ms: Some(boot_ms),
        }
    }

    fn eth0(received_bytes: u64, transmitted_bytes: u64) -> Interface {
        Interface {
            name: "eth0".to_owned(),
            received_bytes,
            transmitted_bytes,
        }
    }

    fn received(interfaces: &Interfaces) -> Vec<Option<f64>> {
        let traffic = interfaces.get("eth0").unwrap();
        let rates = traffic.rates.newest(99);
        rates.map(|rate| Some(rate?.received)).collect()
    }

    #[test]
    fn a_rate_is_bytes_over_the_time_between_samples() {
        let mut interfaces = Interfaces::default();
        interfaces.take(Some(at(1000)), &[eth0(100, 10)], &mut Impossible::default());
        interfaces.take(Some(at(1500)), &[eth0(600, 20)], &mut Impossible::default());
        interfaces.take(Some(at(2500)), &[eth0(700, 20)], &mut Impossible::default());
        assert_eq!(received(&interfaces), [None, Some(1000.0), Some(100.0)]);
        let peak = interfaces.get("eth0").unwrap().peak.unwrap();
        assert_eq!((peak.received, peak.transmitted), (1000.0, 20.0));
    }

    #[test]
    fn counters_that_go_backwards_are_a_gap() {
        let mut interfaces = Interfaces::default();
        interfaces.take(
            Some(at(1000)),
            &[eth0(1_000_000, 5)],
            &mut Impossible::default(),
        );
        interfaces.take(Some(at(2000)), &[eth0(500, 5)], &mut Impossible::default());
        interfaces.take(Some(at(3000)), &[eth0(600, 4)], &mut Impossible::default());
        interfaces.take(Some(at(4000)), &[eth0(700, 4)], &mut Impossible::default());
        assert_eq!(received(&interfaces), [None, None, None, Some(100.0)]);
    }

    #[test]
    fn an_interface_that_was_away_is_a_gap_and_is_forgotten_in_time() {
        let mut interfaces = Interfaces::default();
        interfaces.take(Some(at(1000)), &[eth0(100, 0)], &mut Impossible::default());
        interfaces.take(Some(at(2000)), &[], &mut Impossible::default());
        interfaces.take(Some(at(3000)), &[eth0(900, 0)], &mut Impossible::default());
        interfaces.take(Some(at(4000)), &[eth0(901, 0)], &mut Impossible::default());
        assert_eq!(received(&interfaces), [None, None, None, Some(1.0)]);
        for sample in 0..HISTORY as u64 {
            interfaces.take(Some(at(5000 + sample)), &[], &mut Impossible::default());
        }
        assert!(interfaces.get("eth0").is_none());
    }

    #[test]
    fn names_that_change_with_every_sample_do_not_pile_up() {
        let mut interfaces = Interfaces::default();
        for sample in 0..1000 {
            let mut interface = eth0(1, 1);
            interface.name = format!("veth{sample}");
            interfaces.take(Some(at(sample)), &[interface], &mut Impossible::default());
        }
        assert!(interfaces.by_name.len() <= MOST);
        assert!(interfaces.get("veth999").is_some());
    }

    #[test]
    fn samples_that_are_not_later_or_come_after_an_interruption_are_gaps() {
        let mut interfaces = Interfaces::default();
        interfaces.take(Some(at(2000)), &[eth0(100, 0)], &mut Impossible::default());
        interfaces.take(Some(at(1000)), &[eth0(200, 0)], &mut Impossible::default());
        interfaces.take(None, &[eth0(300, 0)], &mut Impossible::default());
        interfaces.take(Some(at(3000)), &[eth0(400, 0)], &mut Impossible::default());
        interfaces.interrupt();
        interfaces.take(Some(at(4000)), &[eth0(500, 0)], &mut Impossible::default());
        assert_eq!(received(&interfaces), [None; 5]);
    }

    #[test]
    fn the_wall_clock_serves_where_the_time_since_boot_is_unknown() {
        let wall = |unix_ms| SampleTime {
            unix_ms,
            boot_ms: None,
        };
        assert_eq!(seconds_between(&wall(1000), &wall(3500)), Some(2.5));
        assert_eq!(seconds_between(&wall(1000), &wall(1000)), None);
        assert_eq!(seconds_between(&wall(2000), &at(9)), None);
    }
}
