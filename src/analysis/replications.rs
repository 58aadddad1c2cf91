//! The same topology under several seeds, merged into means with confidence intervals.

use std::sync::Arc;

use super::objectives;
use super::parallel::{Control, Cut, Run, Why, run_all};
use super::statistics::{Estimate, Samples};
use super::track::Track;
use crate::model::Topology;
use crate::model::settings::to_ron;
use crate::sim::Idle;
use crate::sim::figures::{Figures, Plain};
use crate::units::Duration;

/// Version of the shape of results.
pub const SCHEMA: u64 = 1;

/// Most different commands without effect that are told.
const IDLE_MAX: usize = 1000;

/// Runs `topology` under the seeds from its own on, as many as `replications`, and gives the results in full, in the
/// shape of `run --json`, with what faults caused if there are to be `twins`. They are the same on any number of threads and at any speed.
///
/// Cut short, the results are those of the runs that came to their end, or of the first as far as it came; they say so in
/// `cut`, and beside them stands what cut them. The topology must have passed `model::check` without errors.
pub fn replicate(
    topology: &Topology,
    replications: u32,
    twins: bool,
    control: Control,
) -> (Figures<Estimate>, Option<Cut>) {
    let topology = Arc::new(topology.clone());
    let runs: Vec<Run> = (0..replications.max(1))
        .map(|r| Run {
            topology: Arc::clone(&topology),
            seed: topology.seed.wrapping_add(u64::from(r)),
            twins,
        })
        .collect();
    let simulated = Arc::clone(&topology);
    let (mut merged, mut events, mut idle) = (Merged::Empty, 0, Vec::new());
    let cut = run_all(
        &runs,
        control,
        move |_, track| {
            let topology = &*simulated;
            let mut figures = track.results();
            let over = track.now() >= topology.duration;
            objectives::add(&mut figures, &topology.objectives, over);
            (
                figures,
                track.sim().events(),
                track.sim().without_effect().to_vec(),
            )
        },
        |_, (figures, more, without_effect)| {
            merged.add(&figures);
            events += more;
            add_idle(&mut idle, without_effect);
        },
    )
    .err();
    let results = Whole {
        topology: &topology,
        replications: cut.as_ref().map_or(runs.len(), |cut| cut.whole.max(1)),
        cut: cut.as_ref().map(|cut| (cut, runs.len())),
        duration: topology.duration,
        events,
        idle: &idle,
    };
    (results.of(merged), cut)
}

/// The results of a run that goes on, as if it ended now: what `run --json` prints of the same run with that duration.
pub fn so_far(track: &Track) -> Figures<Estimate> {
    let topology = track.sim().topology();
    let mut figures = track.results();
    objectives::add(&mut figures, &topology.objectives, true);
    let (mut merged, mut idle) = (Merged::Empty, Vec::new());
    merged.add(&figures);
    add_idle(&mut idle, track.sim().without_effect().to_vec());
    let results = Whole {
        topology,
        replications: 1,
        cut: None,
        duration: track.now(),
        events: track.sim().events(),
        idle: &idle,
    };
    results.of(merged)
}

/// What stands around the figures of runs.
struct Whole<'a> {
    topology: &'a Topology,
    replications: usize,
    /// What cut the runs, and how many were asked for.
    cut: Option<(&'a Cut, usize)>,
    duration: Duration,
    events: u64,
    idle: &'a [(Idle, u64)],
}

impl Whole<'_> {
    fn of(&self, merged: Merged) -> Figures<Estimate> {
        let mut results = merged.finish();
        leave_open_what_did_not_recover(&mut results);
        objectives::judge(&mut results);

        let plain = |name: &str, value| (name.to_owned(), Figures::Plain(value));
        let topology = self.topology;
        let mut parts = vec![
            plain("schema", Plain::Integer(SCHEMA)),
            plain("name", Plain::Text(topology.name.clone())),
            plain("seed", Plain::Integer(topology.seed)),
            plain("replications", Plain::Integer(self.replications as u64)),
            plain("warmup_s", Plain::Number(topology.warmup.secs())),
            plain("duration_s", Plain::Number(self.duration.secs())),
        ];
        if let Some((cut, asked)) = self.cut {
            let why = match &cut.why {
                Why::Cancelled => "interrupted".to_owned(),
                Why::Full(sentence) => sentence.clone(),
                Why::Failed(why) => format!("the simulation failed {why}"),
            };
            let mut group = vec![plain("why", Plain::Text(why))];
            if cut.whole == 0 {
                group.push(plain("at_s", Plain::Number(cut.at.secs())));
            }
            group.push(plain("asked", Plain::Integer(asked as u64)));
            parts.push(("cut".to_owned(), Figures::Group(group)));
        }
        if let Figures::Group(figures) = results {
            parts.extend(figures);
        }
        if !self.idle.is_empty() {
            let row = |(idle, runs): &(Idle, u64)| {
                Figures::Group(vec![
                    plain("command", Plain::Text(to_ron(&idle.command))),
                    plain("at_s", Plain::Number(idle.at.secs())),
                    plain("why", Plain::Text(idle.why.clone())),
                    plain("runs", Plain::Integer(*runs)),
                ])
            };
            let rows = self.idle.iter().map(row).collect();
            parts.push(("without_effect".to_owned(), Figures::List(rows)));
        }
        parts.push((
            "simulation".to_owned(),
            Figures::Group(vec![plain("events", Plain::Integer(self.events))]),
        ));
        Figures::Group(parts)
    }
}

/// The results of one run as `replicate` gives them for it alone: objectives have their verdicts. What a file expects is
/// looked up there.
pub fn of_one_run(mut figures: Figures, topology: &Topology) -> Figures {
    objectives::add(&mut figures, &topology.objectives, true);
    let mut merged = Merged::Empty;
    merged.add(&figures);
    let mut results = merged.finish();
    leave_open_what_did_not_recover(&mut results);
    objectives::judge(&mut results);
    means(results)
}

fn means(figures: Figures<Estimate>) -> Figures {
    match figures {
        Figures::Figure(estimate) => Figures::Figure(estimate.mean),
        Figures::Plain(value) => Figures::Plain(value),
        Figures::Group(parts) => Figures::Group(
            parts
                .into_iter()
                .map(|(name, part)| (name, means(part)))
                .collect(),
        ),
        Figures::List(parts) => Figures::List(parts.into_iter().map(means).collect()),
    }
}

/// Adds the commands of one more run that changed nothing there: the same ones are counted.
fn add_idle(all: &mut Vec<(Idle, u64)>, run: Vec<Idle>) {
    let mut counted = vec![false; all.len()];
    for idle in run {
        let same =
            |(known, _): &(Idle, u64)| known.command == idle.command && known.why == idle.why;
        let at = (0..counted.len()).find(|&at| !counted[at] && same(&all[at]));
        match at {
            Some(at) => {
                counted[at] = true;
                all[at].1 += 1;
            }
            None if all.len() < IDLE_MAX => all.push((idle, 1)),
            None => {}
        }
    }
}

/// A mean recovery time over those runs only that recovered would say too little: there is one if all did.
fn leave_open_what_did_not_recover(results: &mut Figures<Estimate>) {
    let Figures::Group(parts) = results else {
        return;
    };
    let rows = parts.iter_mut().find(|(name, _)| name == "recovery");
    let Some((_, Figures::List(rows))) = rows else {
        return;
    };
    for row in rows {
        let share = |name: &str| match row.at(&format!("watch.{name}")) {
            Some(Figures::Figure(share)) => share.mean.unwrap_or(0.0),
            _ => 0.0,
        };
        // Counts divided by the number of runs: exact enough to tell one run of any number.
        let told = share("recovered") + share("did_not_happen") + share("takes_back");
        if told < 1.0 - 1e-9
            && let Figures::Group(parts) = row
        {
            for (name, part) in parts {
                if name == "recovery_time_s" {
                    *part = Figures::Figure(Estimate::default());
                }
            }
        }
    }
}

/// The results of several runs as one tree: means and confidence intervals.
#[cfg(test)]
pub(crate) fn merge(runs: &[Figures]) -> Figures<Estimate> {
    let mut merged = Merged::Empty;
    for figures in runs {
        merged.add(figures);
    }
    merged.finish()
}

/// Trees of figures merged leaf by leaf, one after the other, so that memory does not grow with their number.
enum Merged {
    /// No tree yet.
    Empty,
    /// Samples of a figure.
    Figure(Samples),
    /// Values that the seed does not decide; but an instant drawn by `Between` differs, so numbers are averaged.
    Plain(Plain, Samples),
    /// How many trees had this group, and its parts.
    Group(u64, Vec<(String, Merged)>),
    /// Numbered parts.
    List(Vec<Merged>),
}

impl Merged {
    fn add(&mut self, tree: &Figures) {
        if let Self::Empty = self {
            *self = match tree {
                Figures::Figure(_) => Self::Figure(Samples::default()),
                Figures::Plain(value) => Self::Plain(value.clone(), Samples::default()),
                Figures::Group(_) => Self::Group(0, Vec::new()),
                Figures::List(_) => Self::List(Vec::new()),
            };
        }
        match (self, tree) {
            (Self::Figure(samples), Figures::Figure(Some(value))) => samples.add(*value),
            (Self::Plain(first, samples), Figures::Plain(value)) => {
                if let Plain::Null = first {
                    *first = value.clone();
                }
                match value {
                    Plain::Number(number) => samples.add(*number),
                    Plain::Integer(number) => samples.add(*number as f64),
                    Plain::Text(_) | Plain::Flag(_) | Plain::Null => {}
                }
            }
            (Self::Group(seen, merged), Figures::Group(parts)) => {
                for (name, part) in parts {
                    let at = merged
                        .iter()
                        .position(|(known, _)| known == name)
                        .unwrap_or_else(|| {
                            // Replications that had the group without this figure had none of it.
                            let new = match part {
                                Figures::Figure(_) => Self::Figure(Samples::zeros(*seen)),
                                _ => Self::Empty,
                            };
                            merged.push((name.clone(), new));
                            merged.len() - 1
                        });
                    merged[at].1.add(part);
                }
                for (name, known) in merged {
                    if let Self::Figure(samples) = known
                        && !parts.iter().any(|(part, _)| part == name)
                    {
                        samples.add(0.0);
                    }
                }
                *seen += 1;
            }
            (Self::List(merged), Figures::List(parts)) => {
                for (index, part) in parts.iter().enumerate() {
                    if index == merged.len() {
                        merged.push(Self::Empty);
                    }
                    merged[index].add(part);
                }
            }
            // A figure without a sample; or a part of another kind in another replication: the first one's kind stands.
            _ => {}
        }
    }

    fn finish(self) -> Figures<Estimate> {
        match self {
            Self::Empty => Figures::Plain(Plain::Null),
            Self::Figure(samples) => Figures::Figure(samples.estimate()),
            Self::Plain(Plain::Number(_), samples) => {
                Figures::Plain(samples.mean().map_or(Plain::Null, Plain::Number))
            }
            Self::Plain(value, _) => Figures::Plain(value),
            Self::Group(_, parts) => Figures::Group(
                parts
                    .into_iter()
                    .map(|(name, part)| (name, part.finish()))
                    .collect(),
            ),
            Self::List(parts) => Figures::List(parts.into_iter().map(Self::finish).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(tree: &Figures<Estimate>, path: &str) -> Option<f64> {
        match tree.at(path) {
            Some(Figures::Figure(estimate)) => estimate.mean,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn a_figure_that_some_replications_lack_counts_as_zero_there() {
        let cause = |name, n| Figures::group([(name, Figures::count(n))]);
        let tree = merge(&[
            Figures::group([("by_cause", cause("timeout", 3))]),
            Figures::group([("by_cause", cause("refused", 6))]),
            Figures::group([("by_cause", Figures::Group(Vec::new()))]),
        ]);
        assert_eq!(mean(&tree, "by_cause.timeout"), Some(1.0));
        assert_eq!(mean(&tree, "by_cause.refused"), Some(2.0));
    }

    #[test]
    fn a_figure_without_samples_does_not_count() {
        let tree = merge(&[
            Figures::group([("p99", Figures::Figure(None))]),
            Figures::group([("p99", Figures::Figure(Some(2.0)))]),
        ]);
        assert_eq!(
            tree.at("p99"),
            Some(&Figures::Figure(Estimate {
                mean: Some(2.0),
                ci95: None
            }))
        );
        let none = merge(&[Figures::group([("p99", Figures::Figure(None))])]);
        assert_eq!(mean(&none, "p99"), None);
    }

    #[test]
    fn lists_merge_by_number_and_plain_values_stay() {
        let fault = |at: f64, lost: u64| {
            Figures::group([
                ("fault", Figures::text("crash of api 2")),
                ("at_s", Figures::Plain(Plain::Number(at))),
                ("lost_writes", Figures::count(lost)),
            ])
        };
        let tree = merge(&[
            Figures::group([("recovery", Figures::List(vec![fault(60.0, 1)]))]),
            Figures::group([(
                "recovery",
                Figures::List(vec![fault(60.0, 3), fault(70.0, 5)]),
            )]),
        ]);
        assert_eq!(mean(&tree, "recovery[0].lost_writes"), Some(2.0));
        // The second replication alone had a second fault.
        assert_eq!(mean(&tree, "recovery[1].lost_writes"), Some(5.0));
        assert_eq!(
            tree.at("recovery[0].at_s"),
            Some(&Figures::Plain(Plain::Number(60.0)))
        );
    }
}
