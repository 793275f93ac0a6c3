//! Reports: the result tables as Markdown and JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::results::{Figure, Results, Who, number};
use crate::targets::{Target, targets};

/// Everything as Markdown.
#[must_use]
pub fn markdown(machine: &[(&str, String)], figures: &Results) -> String {
    let mut text = "# Benchmarks\n\nWritten by `bench/run`; bench/README.md says what is measured, and how.\n\n".to_owned();
    for (name, value) in machine {
        // Writing to a String does not fail.
        let _ = writeln!(text, "- {name}: {value}");
    }
    text += "\n## Targets\n\n| measure | situation | target | ours | the other | ratio | met |\n|---|---|---|---|---|---|---|\n";
    for target in targets() {
        text += &target_row(&target, figures);
    }
    for what in measures(figures) {
        text += &table(what, figures);
    }
    text
}

/// Everything as JSON.
#[must_use]
pub fn json(machine: &[(&str, String)], figures: &Results) -> Value {
    let machine: serde_json::Map<_, _> = machine
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
        .collect();
    let targets: Vec<_> = targets()
        .iter()
        .map(|target| {
            let outcome = target.outcome(figures);
            json!({
                "what": target.what,
                "at": target.at,
                "than": target.than,
                "most": target.most,
                "ratio": outcome.map(|outcome| outcome.ratio),
                "met": outcome.map(|outcome| outcome.met),
            })
        })
        .collect();
    json!({ "machine": machine, "targets": targets, "figures": figures })
}

fn target_row(target: &Target, figures: &Results) -> String {
    let median = |who| figures.median(target.what, &target.at, who);
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
    let (ratio, met) = match target.outcome(figures) {
        Some(outcome) if outcome.met => (ratio(outcome.ratio), "yes"),
        Some(outcome) => (ratio(outcome.ratio), "**no**"),
        None => ("-".to_owned(), "not measured"),
    };
    format!(
        "| {} | {} | {} | {} | {} {} | {ratio} | {met} |\n",
        target.what,
        target.at,
        target.said,
        shown(median(Who::Ours)),
        shown(median(target.than)),
        target.than.label(),
    )
}

/// Ours by another's, as it is said: 1:8 is an eighth.
fn ratio(ratio: f64) -> String {
    if ratio > 1.0 {
        format!("{}:1", number(ratio))
    } else {
        format!("1:{}", number(1.0 / ratio))
    }
}

fn measures(figures: &Results) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for figure in figures.all() {
        if !names.contains(&figure.what.as_str()) {
            names.push(&figure.what);
        }
    }
    names
}

fn table(what: &str, figures: &Results) -> String {
    let of_this: Vec<&Figure> = figures
        .all()
        .iter()
        .filter(|figure| figure.what == what)
        .collect();
    let columns: Vec<Who> = Who::EACH
        .into_iter()
        .filter(|who| of_this.iter().any(|figure| figure.who == *who))
        .collect();
    let compares = columns.contains(&Who::Ours) && columns.contains(&Who::Published);
    let mut rows: Vec<&str> = Vec::new();
    for figure in &of_this {
        if !rows.contains(&figure.at.as_str()) {
            rows.push(&figure.at);
        }
    }
    let mut text = format!("\n## {what}\n\n|  |");
    for who in &columns {
        let _ = write!(text, " {} |", who.label());
    }
    text += if compares {
        " ours : 1.60.1 |\n|---|"
    } else {
        "\n|---|"
    };
    text += &"---|".repeat(columns.len() + usize::from(compares));
    text.push('\n');
    for at in rows {
        let _ = write!(text, "| {at} |");
        for &who in &columns {
            let value = figures.median(what, at, who);
            let _ = write!(text, " {} |", value.map_or_else(String::new, number));
        }
        if compares {
            let both =
                figures
                    .median(what, at, Who::Ours)
                    .zip(figures.median(what, at, Who::Published));
            let shown = both.map_or_else(String::new, |(ours, other)| {
                // Nothing has no ratio.
                if ours > 0.0 && other > 0.0 {
                    ratio(ours / other)
                } else {
                    String::new()
                }
            });
            let _ = write!(text, " {shown} |");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_row_for_each_situation_and_a_ratio() {
        let mut figures = Results::default();
        figures.add("cost", "small", Who::Published, 16.0);
        figures.add("cost", "small", Who::Ours, 2.0);
        figures.add("cost", "large", Who::Ours, 3.0);
        assert_eq!(
            table("cost", &figures),
            "\n## cost\n\n|  | ours | 1.60.1 | ours : 1.60.1 |\n|---|---|---|---|\n\
             | small | 2.00 | 16.0 | 1:8.00 |\n| large | 3.00 |  |  |\n"
        );
    }
}
