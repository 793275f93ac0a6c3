//! Results: the measured numbers, their medians and ratios.

use serde::{Deserialize, Serialize};

/// Who was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Who {
    /// socktop-agent over `socktop.v2`; socktop; or both together.
    #[serde(rename = "ours")]
    Ours,
    /// socktop-agent in the text dialect of 1.60.
    #[serde(rename = "ours, text")]
    OursText,
    /// `socktop_agent` 1.60.1, socktop 1.60.1, or both together.
    #[serde(rename = "1.60.1")]
    Published,
    /// prometheus-node-exporter.
    #[serde(rename = "node exporter")]
    NodeExporter,
    /// glances as a web server.
    #[serde(rename = "glances")]
    Glances,
    /// btop.
    #[serde(rename = "btop")]
    Btop,
    /// bottom.
    #[serde(rename = "bottom")]
    Bottom,
    /// The least that has to be done, with the processes' CPU clocks.
    #[serde(rename = "floor, CPU clocks")]
    FloorClocks,
    /// The least that has to be done, with `schedstat` kept open.
    #[serde(rename = "floor, schedstat")]
    FloorSchedstat,
}

impl Who {
    /// All of them, in the order of columns.
    pub const EACH: [Self; 9] = [
        Self::Ours,
        Self::OursText,
        Self::Published,
        Self::NodeExporter,
        Self::Glances,
        Self::Btop,
        Self::Bottom,
        Self::FloorClocks,
        Self::FloorSchedstat,
    ];

    /// As a column is called.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OursText => "ours, text",
            Self::Published => "1.60.1",
            Self::NodeExporter => "node exporter",
            Self::Glances => "glances",
            Self::Btop => "btop",
            Self::Bottom => "bottom",
            Self::FloorClocks => "floor, CPU clocks",
            Self::FloorSchedstat => "floor, schedstat",
        }
    }
}

/// One measure of one program in one situation, once a round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figure {
    /// The measure, with its unit.
    pub what: String,
    /// The situation.
    pub at: String,
    /// The program.
    pub who: Who,
    /// One value a round.
    pub rounds: Vec<f64>,
    /// The one in the middle.
    pub median: f64,
}

/// Everything that was measured, in the order it was.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Results(Vec<Figure>);

impl Results {
    /// Adds the value of a round.
    pub fn add(&mut self, what: &str, at: &str, who: Who, value: f64) {
        eprintln!("  {what}, {at}, {}: {}", who.label(), number(value));
        let known = self.0.iter_mut().find(|figure| figure.is(what, at, who));
        if let Some(figure) = known {
            figure.rounds.push(value);
            figure.median = median(&figure.rounds);
        } else {
            self.0.push(Figure {
                what: what.to_owned(),
                at: at.to_owned(),
                who,
                rounds: vec![value],
                median: value,
            });
        }
    }

    /// The median, where it was measured.
    #[must_use]
    pub fn median(&self, what: &str, at: &str, who: Who) -> Option<f64> {
        self.0
            .iter()
            .find(|figure| figure.is(what, at, who))
            .map(|figure| figure.median)
    }

    /// Adds what was measured elsewhere.
    pub fn append(&mut self, others: &Self) {
        for figure in &others.0 {
            for &value in &figure.rounds {
                self.add(&figure.what, &figure.at, figure.who, value);
            }
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Figure] {
        &self.0
    }
}

impl Figure {
    fn is(&self, what: &str, at: &str, who: Who) -> bool {
        self.what == what && self.at == at && self.who == who
    }
}

/// The value in the middle, or between the two that are; 0 of none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = |index: usize| sorted.get(index).copied().unwrap_or_default();
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(middle(half.saturating_sub(1)), middle(half))
    } else {
        middle(half)
    }
}

/// A number with about three digits that mean something, thousands apart.
#[must_use]
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        small if small < 1.0 => 3,
        small if small < 10.0 => 2,
        middle if middle < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && digit.is_ascii_digit() && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median(&[]).abs() < f64::EPSILON);
    }

    #[test]
    fn numbers_have_three_significant_digits() {
        let numbers = [0.0, 0.1234, 1.234, 12.34, 123.4, 1234.0, 1_234_567.0];
        let texts = ["0", "0.123", "1.23", "12.3", "123", "1,234", "1,234,567"];
        assert_eq!(numbers.map(number), texts);
    }
}
