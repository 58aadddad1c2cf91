//! Whether what the user promises was kept.

use super::statistics::Estimate;
use crate::model::Objectives;
use crate::sim::figures::{Figures, Plain};
use crate::units::Duration;

/// An objective: its name in results, its target, and what measures it.
struct Objective {
    name: &'static str,
    target: f64,
    /// Smallest value allowed rather than the greatest.
    at_least: bool,
    measure: fn(&Figures) -> Option<f64>,
}

fn set(objectives: &Objectives) -> Vec<Objective> {
    let most = |name, target: Option<f64>, measure| {
        target.map(|target| Objective {
            name,
            target,
            at_least: false,
            measure,
        })
    };
    let availability = objectives.availability.map(|share| Objective {
        name: "availability",
        target: share.0,
        at_least: true,
        measure: availability,
    });
    [
        most("p99", objectives.p99.map(Duration::secs), |figures| {
            figure(figures, "response_time_s.p99")
        }),
        availability,
        most(
            "lost_writes",
            objectives.lost_writes.map(|n| n as f64),
            |figures| figure(figures, "writes.lost"),
        ),
        most(
            "lost_sessions",
            objectives.lost_sessions.map(|n| n as f64),
            |figures| figure(figures, "sessions.lost"),
        ),
        most(
            "recovery_time",
            objectives.recovery_time.map(Duration::secs),
            longest_recovery,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn figure(figures: &Figures, path: &str) -> Option<f64> {
    match figures.at(path)? {
        Figures::Figure(value) => *value,
        _ => None,
    }
}

/// Share of the operations that came to an end which completed.
fn availability(figures: &Figures) -> Option<f64> {
    let completed = figure(figures, "operations.completed")?;
    let failed = figure(figures, "operations.failed")?;
    (completed + failed > 0.0).then(|| completed / (completed + failed))
}

/// The longest recovery after a fault; `None` if one is not to be told, 0 without faults.
fn longest_recovery(figures: &Figures) -> Option<f64> {
    let Some(Figures::List(faults)) = figures.at("recovery") else {
        return None;
    };
    faults.iter().try_fold(0.0, |longest: f64, fault| {
        figure(fault, "recovery_time_s").map(|time| longest.max(time))
    })
}

/// Adds the part `objectives` to the results of one run: each objective that is set, its target and what was measured.
/// It stands before `cost`, or at the end.
pub fn add(figures: &mut Figures, objectives: &Objectives) {
    let rows: Vec<Figures> = set(objectives)
        .into_iter()
        .map(|objective| {
            Figures::group([
                ("objective", Figures::text(objective.name)),
                ("target", Figures::Plain(Plain::Number(objective.target))),
                ("measured", Figures::Figure((objective.measure)(figures))),
            ])
        })
        .collect();
    if let Figures::Group(parts) = figures {
        let at = parts
            .iter()
            .position(|(name, _)| name == "cost")
            .unwrap_or(parts.len());
        parts.insert(at, ("objectives".to_owned(), Figures::List(rows)));
    }
}

/// Judges the merged results by their means: each objective is met, or not, or that is not known.
pub fn judge(results: &mut Figures<Estimate>, objectives: &Objectives) {
    let Figures::Group(parts) = results else {
        return;
    };
    let Some((_, Figures::List(rows))) = parts.iter_mut().find(|(name, _)| name == "objectives")
    else {
        return;
    };
    for (row, objective) in rows.iter_mut().zip(set(objectives)) {
        let measured = match row.at("measured") {
            Some(Figures::Figure(estimate)) => estimate.mean,
            _ => None,
        };
        let met = measured.map_or(Plain::Null, |measured| {
            Plain::Flag(if objective.at_least {
                measured >= objective.target
            } else {
                measured <= objective.target
            })
        });
        if let Figures::Group(parts) = row {
            parts.push(("met".to_owned(), Figures::Plain(met)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Share;

    #[test]
    fn verdicts_follow_from_what_was_measured() {
        let objectives = Objectives {
            p99: Some(Duration::from_secs(0.2)),
            availability: Some(Share(0.999)),
            lost_writes: Some(0),
            recovery_time: Some(Duration::from_secs(30.0)),
            ..Objectives::default()
        };
        let mut figures = Figures::group([
            (
                "operations",
                Figures::group([
                    ("completed", Figures::count(9990)),
                    ("failed", Figures::count(10)),
                ]),
            ),
            (
                "response_time_s",
                Figures::group([("p99", Figures::Figure(Some(0.25)))]),
            ),
            ("writes", Figures::group([("lost", Figures::count(0))])),
            (
                "recovery",
                Figures::List(vec![Figures::group([(
                    "recovery_time_s",
                    Figures::Figure(None),
                )])]),
            ),
            ("cost", Figures::Group(Vec::new())),
        ]);
        add(&mut figures, &objectives);
        let mut results = super::super::replications::merge(&[figures]);
        judge(&mut results, &objectives);
        let met = |row: usize| match results.at(&format!("objectives[{row}].met")) {
            Some(Figures::Plain(value)) => value.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(met(0), Plain::Flag(false), "p99");
        assert_eq!(met(1), Plain::Flag(true), "availability");
        assert_eq!(met(2), Plain::Flag(true), "lost writes");
        assert_eq!(met(3), Plain::Null, "recovery time is not known");
    }
}
