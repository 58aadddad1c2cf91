//! What a fault or change did, in words.

use super::numbers::{count, time, with_spread};
use crate::analysis::Estimate;
use crate::sim::figures::{Figures, Plain};

/// What is said of one row of `recovery`, in the order of reading. `end_s` is when the run ended, `runs` how many there are.
pub(super) fn said(row: &Figures<Estimate>, end_s: f64, runs: f64) -> Vec<String> {
    let figure = |path: &str| match row.at(path) {
        Some(Figures::Figure(estimate)) => *estimate,
        _ => Estimate::default(),
    };
    let mean = |path: &str| figure(path).mean;
    // Counts divided by the number of runs: back to how many.
    let of_runs = |name: &str| (mean(&format!("watch.{name}")).unwrap_or(0.0) * runs).round();
    let some = |path: &str| mean(path).is_some_and(|n| n != 0.0);
    let losses = [
        ("lost_writes", "writes LOST"),
        ("lost_sessions", "sessions LOST"),
    ];
    let lost = losses
        .into_iter()
        .filter(|(path, _)| some(path))
        .map(|(path, text)| format!("{} {text}", with_spread(figure(path), count)));
    let ahead = of_runs("still_ahead");
    let happened = runs - of_runs("did_not_happen") - of_runs("takes_back") - ahead;
    if happened == 0.0 {
        let what = if of_runs("takes_back") > 0.0 {
            "takes an earlier change back"
        } else if ahead > 0.0 {
            "the run was cut off before it"
        } else {
            "did not happen, or had no effect"
        };
        return std::iter::once(what.to_owned()).chain(lost).collect();
    }
    let mut said = Vec::new();
    if happened < runs {
        said.push(format!("happened in {happened} of {runs} runs"));
    }
    match (mean("called_off").unwrap_or(0.0) * happened).round() {
        0.0 => {}
        n if n == happened => said.push("did not come about: called off".to_owned()),
        n => said.push(format!("called off in {n} of {happened} runs")),
    }
    if let Some(after) = mean("detected_s") {
        said.push(format!("found after {}", time(after)));
    }
    let caused = figure("failed_operations");
    let certain = |estimate: Estimate| estimate.ci95.is_none_or(|half| half == 0.0);
    let no_failures = caused.mean == Some(0.0) && certain(caused);
    let lost: Vec<String> = lost.collect();
    let never_down = mean("recovery_time_s") == Some(0.0) && certain(figure("recovery_time_s"));
    if never_down && no_failures && lost.is_empty() {
        said.push("harmed nobody".to_owned());
        return said;
    }
    if never_down {
        said.push("never down".to_owned());
    }
    match caused.mean {
        Some(n) if n < 0.0 => {
            let spared = Estimate {
                mean: Some(-n),
                ..caused
            };
            said.push(format!("spared {} failures", with_spread(spared, count)));
        }
        Some(_) if !no_failures => said.push(format!(
            "caused {} failed {}",
            with_spread(caused, count),
            if caused.mean == Some(1.0) && certain(caused) {
                "operation"
            } else {
                "operations"
            },
        )),
        _ => {}
    }
    said.extend(lost);
    let at = match row.at("at_s") {
        Some(Figures::Plain(Plain::Number(at))) => *at,
        _ => 0.0,
    };
    let rough = if mean("rough").is_some_and(|share| share > 0.0) {
        " (rough)"
    } else {
        ""
    };
    match mean("recovery_time_s") {
        Some(_) if never_down => {}
        Some(_) => said.push(format!(
            "recovered after {}{rough}",
            with_spread(figure("recovery_time_s"), time)
        )),
        None if happened == 1.0 && runs == 1.0 => {
            said.push(if of_runs("not_recovered_by_the_end") > 0.0 {
                format!("not recovered by the end ({} later)", time(end_s - at))
            } else {
                unknown(&of_runs)
            });
        }
        None => {
            let recovered = of_runs("recovered");
            said.push(format!("recovered in {recovered} of {happened} runs"));
            for (name, text) in NOT_RECOVERED {
                let n = of_runs(name);
                if n > 0.0 {
                    said.push(format!("{text} in {n}"));
                }
            }
        }
    }
    if some("failed_sent_after_detection") {
        said.push(format!(
            "{} failures sent after it was found",
            with_spread(figure("failed_sent_after_detection"), count)
        ));
    }
    said
}

const NOT_RECOVERED: [(&str, &str); 4] = [
    ("not_recovered_by_the_end", "not by the end"),
    ("too_near_the_end", "too near the end to tell"),
    ("not_watched_to_the_end", "not watched to the end"),
    ("no_twin", "without a twin to compare with"),
];

fn unknown(of_runs: &impl Fn(&str) -> f64) -> String {
    NOT_RECOVERED
        .iter()
        .find(|(name, _)| of_runs(name) > 0.0)
        .map_or_else(String::new, |(name, text)| match *name {
            "no_twin" => {
                "no twin to compare with (left out, or the system is too large)".to_owned()
            }
            _ => format!("recovery: {text}"),
        })
}
