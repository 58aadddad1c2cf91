//! Whether what the user promises was kept.

use super::statistics::Estimate;
use crate::model::Objectives;
use crate::sim::figures::{Figures, Plain};
use crate::units::Duration;

/// What one run says of an objective: the figure, and whether it was met; `None` where that cannot be told.
type Said = (Option<f64>, Option<bool>);

/// An objective: its name in results, its target, and what judges it.
struct Objective {
    name: &'static str,
    target: f64,
    judge: fn(&Figures, f64) -> Said,
}

fn set(objectives: &Objectives) -> Vec<Objective> {
    let objective = |name, target: Option<f64>, judge| {
        target.map(|target| Objective {
            name,
            target,
            judge,
        })
    };
    [
        objective("p99", objectives.p99.map(Duration::secs), |run, target| {
            at_most(figure(run, "response_time_s.p99"), target)
        }),
        objective(
            "availability",
            objectives.availability.map(|share| share.0),
            |run, target| {
                let measured = availability(run);
                (measured, measured.map(|measured| measured >= target))
            },
        ),
        objective(
            "lost_writes",
            objectives.lost_writes.map(|n| n as f64),
            |run, target| at_most(figure(run, "writes.lost"), target),
        ),
        objective(
            "lost_sessions",
            objectives.lost_sessions.map(|n| n as f64),
            |run, target| at_most(figure(run, "sessions.lost"), target),
        ),
        objective(
            RECOVERY,
            objectives.recovery_time.map(Duration::secs),
            longest_recovery,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const RECOVERY: &str = "recovery_time";

/// How the watch of a fault is called that goes on, while the system has not recovered.
pub(super) const NOT_YET: &str = "not_recovered_yet";
/// For how long it has certainly not, in seconds, where the run ended before it had or before that could be told.
pub(super) const SO_FAR: &str = "not_recovered_for_s";

/// What is said of an objective that is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The objective's name, as in a file.
    pub name: &'static str,
    /// What is promised, in seconds, as a share or as a count.
    pub target: f64,
    /// What was measured, likewise; `None` without a sample.
    pub measured: Option<f64>,
    /// Whether it was kept; `None` where that cannot be told, or not yet.
    pub met: Option<bool>,
}

/// What the results of one run say of each objective that is set.
pub fn verdicts(figures: &Figures, objectives: &Objectives) -> Vec<Verdict> {
    let said = set(objectives).into_iter().map(|objective| {
        let (measured, met) = (objective.judge)(figures, objective.target);
        Verdict {
            name: objective.name,
            target: objective.target,
            measured,
            met,
        }
    });
    said.collect()
}

fn at_most(measured: Option<f64>, target: f64) -> Said {
    (measured, measured.map(|measured| measured <= target))
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

/// The longest recovery after a fault, a failover or a deployment; 0 without any. What did not recover breaks the
/// objective, and so does what had not for longer than was promised when the run ended; what was not watched to its end
/// says nothing.
fn longest_recovery(figures: &Figures, target: f64) -> Said {
    let Some(Figures::List(rows)) = figures.at("recovery") else {
        return (None, None);
    };
    let (mut longest, mut told, mut untold, mut open) = (0.0f64, false, false, false);
    for row in rows {
        if matches!(row.at("change"), Some(Figures::Plain(Plain::Flag(true)))) {
            continue;
        }
        let Some(Figures::Group(watch)) = row.at("watch") else {
            continue;
        };
        match watch.first().map(|(name, _)| name.as_str()) {
            Some("did_not_happen" | "takes_back") => {}
            Some("still_ahead") => untold = true,
            Some("not_recovered_by_the_end") => return (None, Some(false)),
            Some(NOT_YET) => {
                longest = longest.max(figure(row, SO_FAR).unwrap_or(0.0));
                open = true;
            }
            Some("too_near_the_end") => {
                let so_far = figure(row, SO_FAR).unwrap_or(0.0);
                longest = longest.max(so_far);
                open |= so_far > 0.0;
                untold |= so_far == 0.0;
            }
            _ => match figure(row, "recovery_time_s") {
                Some(time) => {
                    longest = longest.max(time);
                    told = true;
                }
                None => untold = true,
            },
        }
    }
    if untold && !told && !open {
        return (None, None);
    }
    let said = at_most(Some(longest), target);
    // It may still take longer than was promised.
    if open && said.1 == Some(true) {
        return (said.0, None);
    }
    said
}

/// Adds the part `objectives` to the results of one run: each objective that is set, its target, what was measured, and
/// whether it was met (1 or 0). It stands before `cost`, or at the end. Of a run that was cut off before it was `over` only
/// that is known which cannot become better: what is lost, and recovery that takes too long.
pub fn add(figures: &mut Figures, objectives: &Objectives, over: bool) {
    let rows: Vec<Figures> = verdicts(figures, objectives)
        .into_iter()
        .map(|verdict| {
            let Verdict { measured, met, .. } = verdict;
            let settled = ["lost_writes", "lost_sessions", RECOVERY].contains(&verdict.name);
            let met = met.filter(|&met| over || (settled && !met));
            let share = |flag: bool| f64::from(u8::from(flag));
            Figures::group([
                ("objective", Figures::text(verdict.name)),
                ("target", Figures::Plain(Plain::Number(verdict.target))),
                ("measured", Figures::Figure(measured)),
                ("met_share", Figures::Figure(met.map(share))),
                ("judged_share", Figures::Figure(Some(share(met.is_some())))),
                (
                    "measured_share",
                    Figures::Figure(Some(share(measured.is_some()))),
                ),
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

/// Judges the merged results: an objective is met if every run met it, not met if one did not, and otherwise that is not
/// known.
pub fn judge(results: &mut Figures<Estimate>) {
    let Figures::Group(parts) = results else {
        return;
    };
    let Some((_, Figures::List(rows))) = parts.iter_mut().find(|(name, _)| name == "objectives")
    else {
        return;
    };
    for row in rows {
        let mean = |name: &str| match row.at(name) {
            Some(Figures::Figure(estimate)) => estimate.mean,
            _ => None,
        };
        let met = match (mean("met_share"), mean("judged_share")) {
            (Some(met), _) if met < 1.0 => Plain::Flag(false),
            (Some(_), Some(judged)) if judged >= 1.0 => Plain::Flag(true),
            _ => Plain::Null,
        };
        // A mean over the runs that recovered would hide those that did not.
        let hides = matches!(row.at("objective"), Some(Figures::Plain(Plain::Text(name))) if name == RECOVERY)
            && met == Plain::Flag(false)
            && mean("measured_share").is_some_and(|share| share < 1.0);
        if let Figures::Group(parts) = row {
            for (name, part) in parts.iter_mut() {
                if hides && name == "measured" {
                    *part = Figures::Figure(Estimate::default());
                }
            }
            parts.push(("met".to_owned(), Figures::Plain(met)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Share;

    fn watched(watch: &'static str, time: Option<f64>) -> Figures {
        Figures::group([
            ("recovery_time_s", Figures::Figure(time)),
            ("watch", Figures::group([(watch, Figures::count(1))])),
        ])
    }

    #[test]
    fn what_did_not_recover_breaks_a_promise_and_what_was_not_watched_says_nothing() {
        let said = |rows: Vec<Figures>| {
            longest_recovery(&Figures::group([("recovery", Figures::List(rows))]), 30.0)
        };
        let recovered = |time| watched("recovered", Some(time));
        assert_eq!(said(Vec::new()), (Some(0.0), Some(true)));
        assert_eq!(
            said(vec![recovered(4.0), recovered(9.0)]),
            (Some(9.0), Some(true))
        );
        assert_eq!(said(vec![recovered(31.0)]), (Some(31.0), Some(false)));
        let never = watched("not_recovered_by_the_end", None);
        assert_eq!(said(vec![recovered(4.0), never]), (None, Some(false)));
        let near = |so_far: f64| {
            let mut row = watched("too_near_the_end", None);
            if let Figures::Group(parts) = &mut row {
                parts.push((SO_FAR.to_owned(), Figures::Figure(Some(so_far))));
            }
            row
        };
        // 31 s were too long already; after 4 s it might have recovered at once.
        assert_eq!(
            said(vec![recovered(4.0), near(31.0)]),
            (Some(31.0), Some(false))
        );
        assert_eq!(said(vec![recovered(2.0), near(4.0)]), (Some(4.0), None));
        assert_eq!(
            said(vec![recovered(4.0), near(0.0)]),
            (Some(4.0), Some(true))
        );
        let unwatched = || watched("not_watched_to_the_end", None);
        assert_eq!(said(vec![unwatched()]), (None, None));
        assert_eq!(
            said(vec![unwatched(), recovered(4.0)]),
            (Some(4.0), Some(true))
        );
    }

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
                Figures::List(vec![watched("too_near_the_end", None)]),
            ),
            ("cost", Figures::Group(Vec::new())),
        ]);
        add(&mut figures, &objectives, true);
        let mut results = super::super::replications::merge(&[figures]);
        judge(&mut results);
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
