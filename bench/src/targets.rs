//! The targets that results are compared with.

use crate::clients::{CLIENT_CPU, DEFAULT, EVERY_2_S, TERMINAL, TOGETHER, WIRE};
use crate::connections::{AFTER_100, ANONYMOUS, IDLE_1000};
use crate::instructions::INSTRUCTIONS;
use crate::requests::UNCACHED;
use crate::results::{Results, Who};
use crate::scan::SCAN;
use crate::sizes::{AGENT, SIZE};

/// Situation: only the processes that the machine runs anyway.
pub const OWN: &str = "own processes";
/// Situation: with 1,000 more processes.
pub const PLUS_1000: &str = "+1,000";
/// Situation: with 5,000 more processes.
pub const PLUS_5000: &str = "+5,000";

/// A target: ours costs at most `most` times what the other does.
#[derive(Debug)]
pub struct Target {
    /// The measure.
    pub what: &'static str,
    /// The situation that it is measured in.
    pub at: String,
    /// The program that ours is compared with.
    pub than: Who,
    /// The ratio as text.
    pub said: &'static str,
    /// The highest ratio of ours to the other's.
    pub most: f64,
}

/// How a result compares with its target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// The ratio of ours to the other's.
    pub ratio: f64,
    /// Whether the target is met.
    pub met: bool,
}

impl Target {
    /// Compares the medians of `figures` with the target; `None` where one was not measured.
    #[must_use]
    pub fn outcome(&self, figures: &Results) -> Option<Outcome> {
        let ours = figures.median(self.what, &self.at, Who::Ours)?;
        let other = figures.median(self.what, &self.at, self.than)?;
        let ratio = ours / other;
        Some(Outcome {
            ratio,
            met: ratio <= self.most,
        })
    }
}

/// All targets.
#[must_use]
pub fn targets() -> Vec<Target> {
    let published = |what, at: String, said, times: f64| Target {
        what,
        at,
        than: Who::Published,
        said,
        most: 1.0 / times,
    };
    let against = |what, at: String, than, said, most| Target {
        what,
        at,
        than,
        said,
        most,
    };
    let mut all = vec![
        published(UNCACHED, format!("processes, {OWN}"), "1:8", 8.0),
        published(UNCACHED, format!("processes, {PLUS_1000}"), "1:10", 10.0),
        published(UNCACHED, format!("metrics, {OWN}"), "1:4", 4.0),
        published(INSTRUCTIONS, "cached processes".to_owned(), "1:20", 20.0),
        published(WIRE, format!("{DEFAULT}, {OWN}"), "1:5", 5.0),
        published(ANONYMOUS, AFTER_100.to_owned(), "1:1.5", 1.5),
        published(ANONYMOUS, IDLE_1000.to_owned(), "1:2", 2.0),
        published(SIZE, AGENT.to_owned(), "1:2", 2.0),
        published(CLIENT_CPU, format!("{DEFAULT}, {OWN}"), "1:1.5", 1.5),
    ];
    for level in [OWN, PLUS_1000] {
        let at = format!("{EVERY_2_S}, {level}");
        all.push(against(TOGETHER, at, Who::Btop, "less than btop", 1.0));
    }
    let at = format!("{EVERY_2_S}, {OWN}");
    all.push(against(TERMINAL, at, Who::Bottom, "at most bottom's", 1.0));
    for level in [OWN, PLUS_1000, PLUS_5000] {
        let floor = Who::FloorClocks;
        all.push(against(
            SCAN,
            level.to_owned(),
            floor,
            "1.5 of the floor",
            1.5,
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_is_met_up_to_its_ratio() {
        let target = Target {
            what: "size",
            at: "agent".to_owned(),
            than: Who::Published,
            said: "1:2",
            most: 0.5,
        };
        let mut figures = Results::default();
        assert_eq!(target.outcome(&figures), None);
        figures.add("size", "agent", Who::Ours, 50.0);
        figures.add("size", "agent", Who::Published, 100.0);
        let outcome = target.outcome(&figures);
        assert_eq!(outcome.map(|outcome| outcome.met), Some(true));
        figures.add("size", "agent", Who::Ours, 53.0);
        let outcome = target.outcome(&figures);
        assert_eq!(outcome.map(|outcome| outcome.met), Some(false));
    }
}
