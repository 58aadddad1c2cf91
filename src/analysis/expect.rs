//! Whether results are as a file's `expects` says.

use crate::model::expect::{Expectation, Metric};
use crate::model::settings::unknown_name;
use crate::sim::figures::{Figures, Plain};

/// Groups that list only what occurred: what is not in them is 0.
const OPEN_GROUPS: [&str; 3] = ["by_cause", "lost_by_cause", "watch"];

/// The figure at `path` in the results of one run; `None` where it has no samples.
///
/// # Errors
/// There is no figure at that path; names what is nearest.
pub fn figure(results: &Figures, path: &str) -> Result<Option<f64>, String> {
    let segments: Vec<&str> = path.split('.').collect();
    let mut here = results;
    for (depth, segment) in segments.iter().enumerate() {
        let Some(next) = here.at(segment) else {
            let above = depth.checked_sub(1).map_or("", |above| segments[above]);
            if OPEN_GROUPS.contains(&above) && depth + 1 == segments.len() {
                return Ok(Some(0.0));
            }
            return Err(format!("{path}: {}", missing(here, segment)));
        };
        here = next;
    }
    match here {
        Figures::Figure(value) => Ok(*value),
        Figures::Plain(Plain::Integer(number)) => Ok(Some(*number as f64)),
        Figures::Plain(Plain::Number(number)) => Ok(Some(*number)),
        Figures::Plain(Plain::Flag(flag)) => Ok(Some(f64::from(u8::from(*flag)))),
        Figures::Plain(Plain::Null) => Ok(None),
        Figures::Plain(Plain::Text(_)) => Err(format!("{path}: is a text, not a figure")),
        Figures::Group(parts) => Err(format!(
            "{path}: is a group of figures; add one of: {}",
            names(parts).collect::<Vec<_>>().join(", ")
        )),
        Figures::List(parts) => Err(format!(
            "{path}: is a list of {}; write {path}[0] for the first",
            parts.len()
        )),
    }
}

fn names(parts: &[(String, Figures)]) -> impl Iterator<Item = &str> + Clone {
    parts.iter().map(|(name, _)| name.as_str())
}

/// Why `segment` is not in `here`.
fn missing(here: &Figures, segment: &str) -> String {
    let Figures::Group(parts) = here else {
        return format!("there is no `{segment}` in what is no group");
    };
    let (name, index) = segment.split_once('[').unwrap_or((segment, ""));
    match parts.iter().find(|(known, _)| known == name) {
        Some((_, Figures::List(list))) => format!(
            "there is no `{name}[{index}`: the list has {} entries, counted from 0",
            list.len()
        ),
        Some(_) => format!("`{name}` is no list"),
        None => unknown_name("figure", name, names(parts)),
    }
}

/// The value of a metric in the results of one run; `None` where it has no samples or what it is divided by is 0.
///
/// # Errors
/// There is no figure at one of its paths.
pub fn measure(results: &Figures, metric: &Metric) -> Result<Option<f64>, String> {
    let value = figure(results, &metric.path)?;
    let Some(over) = &metric.over else {
        return Ok(value);
    };
    let over = figure(results, over)?;
    Ok(value
        .zip(over)
        .filter(|(_, over)| *over != 0.0)
        .map(|(value, over)| value / over))
}

/// Checks an assertion on the results of one run.
///
/// # Errors
/// Says what was measured instead, or which path is wrong.
pub fn check(results: &Figures, expectation: &Expectation) -> Result<(), String> {
    match measure(results, &expectation.metric)? {
        Some(value) if expectation.comparison.holds(value, expectation.number) => Ok(()),
        Some(value) => Err(format!(
            "expected {expectation}, but {} is {value}",
            expectation.metric
        )),
        None => Err(format!(
            "expected {expectation}, but {} has no samples",
            expectation.metric
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Figures {
        Figures::group([
            (
                "operations",
                Figures::group([
                    ("offered", Figures::count(100)),
                    ("failed", Figures::count(2)),
                    ("by_cause", Figures::group([("timeout", Figures::count(2))])),
                ]),
            ),
            (
                "recovery",
                Figures::List(vec![Figures::group([("lost_writes", Figures::count(7))])]),
            ),
            ("p99", Figures::Figure(None)),
        ])
    }

    fn checked(text: &str) -> Result<(), String> {
        check(&results(), &text.parse().unwrap())
    }

    #[test]
    fn assertions_are_checked_on_figures_and_ratios() {
        assert_eq!(
            checked("operations.failed / operations.offered == 0.02"),
            Ok(())
        );
        assert_eq!(checked("recovery[0].lost_writes > 0"), Ok(()));
        assert_eq!(checked("operations.by_cause.refused == 0"), Ok(()));
        assert_eq!(
            checked("operations.failed == 0"),
            Err("expected operations.failed == 0, but operations.failed is 2".to_owned())
        );
        assert!(checked("p99 < 1").unwrap_err().contains("no samples"));
    }

    #[test]
    fn wrong_paths_name_what_is_near() {
        let error = |text| checked(text).unwrap_err();
        assert!(error("operations.offred > 0").contains("did you mean `offered`"));
        assert!(error("operations > 0").contains("add one of: offered, failed, by_cause"));
        assert!(error("recovery > 0").contains("recovery[0]"));
        assert!(error("recovery[3].lost_writes > 0").contains("1 entries"));
        assert!(error("operations[0] > 0").contains("no list"));
        assert!(error("p99.mean > 0").contains("no group"));
    }
}
