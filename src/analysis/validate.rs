//! Predictions of theory, tried on the simulator.
//!
//! A case names a topology file, sets every figure of its text by path, and says what a metric must be. It holds when
//! the mean over seeds 1 to R differs from that by at most 0.5 % of it, or 3.5 standard errors if that is more; plus a
//! tolerance where the prediction is itself an approximation.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::expect::figure;
use super::parallel::{Control, Cut, Run, Why, run_all};
use super::replications::of_one_run;
use super::statistics::ratio;
use crate::model::Topology;
use crate::model::expect::Metric;
use crate::model::figures::Ends;
use crate::sim::figures::Figures;
use crate::units::Duration;

/// Largest deviation that always counts as agreement, as a share of what is expected.
const SHARE: f64 = 0.005;
/// Standard errors that a deviation may have: with a right simulator one case in two thousand has more.
const STANDARD_ERRORS: f64 = 3.5;
/// Most seeds of a case.
const MAX_SEEDS: u32 = 100_000;
/// Most cases of a file.
const MAX_CASES: usize = 10_000;

/// A prediction. A case file is a list of these, in JSON; further keys (`source`, `note`, ...) are for its readers.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// The topology file, from the case file's folder.
    pub file: String,
    /// Settings by path. A text is RON, as after `--set PATH=`.
    #[serde(default)]
    pub set: IndexMap<String, Value>,
    /// What is measured: `PATH` or `PATH / PATH` of the results.
    pub metric: String,
    /// What theory says it is.
    pub expected: f64,
    /// Further deviation that is allowed, because the prediction is an approximation.
    #[serde(default)]
    pub tolerance: Option<f64>,
    /// How many seeds are tried: 1 to this.
    #[serde(default = "default_seeds")]
    pub seeds: u32,
}

fn default_seeds() -> u32 {
    20
}

/// Reads a case file's text.
///
/// # Errors
/// It is not a list of cases; says where.
pub fn read(text: &str) -> Result<Vec<Case>, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let cases: Vec<Case> = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let inner = error.inner();
        let path = error.path().to_string();
        let place = format!("line {}, column {}", inner.line(), inner.column());
        let message = inner.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        format!("{place}: {path}: {message}")
    })?;
    match cases.len() {
        0 => Err("the list is empty, so nothing would be tried".to_owned()),
        n if n > MAX_CASES => Err(format!("there are {n} cases: at most {MAX_CASES}")),
        _ => Ok(cases),
    }
}

/// A case that can be run.
#[derive(Clone, Debug)]
pub struct Prepared {
    case: Case,
    metric: Metric,
    topology: Topology,
}

impl Case {
    /// Sets the case's figures in its topology.
    ///
    /// # Errors
    /// A path or value is wrong.
    pub fn set(&self, topology: &mut Topology) -> Result<(), String> {
        for (path, value) in &self.set {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Null => "None".to_owned(),
                other => other.to_string(),
            };
            topology
                .set_path(path, &text)
                .map_err(|error| format!("{}: set: {error}", self.id))?;
        }
        Ok(())
    }

    /// Makes the case ready to run on its topology, whose figures are set.
    ///
    /// # Errors
    /// The metric is none, there are no seeds or too many, or the tolerance lets everything pass.
    pub fn prepare(&self, topology: Topology) -> Result<Prepared, String> {
        if !(1..=MAX_SEEDS).contains(&self.seeds) {
            return Err(format!(
                "{}: seeds: {} is out of range: from 1 to {MAX_SEEDS}",
                self.id, self.seeds
            ));
        }
        self.check_tolerance()?;
        let metric: Metric = self
            .metric
            .parse()
            .map_err(|error| format!("{}: metric: {error}", self.id))?;
        let figures = Ends::of(&topology);
        if let Some(problem) = std::iter::once(&metric.path)
            .chain(&metric.over)
            .find_map(|path| figures.problem(path))
        {
            return Err(format!("{}: metric: {problem}", self.id));
        }
        Ok(Prepared {
            case: self.clone(),
            metric,
            topology,
        })
    }
}

impl Case {
    /// A tolerance must leave something that fails: where something is expected, at least nothing at all; where nothing
    /// is, a whole one.
    fn check_tolerance(&self) -> Result<(), String> {
        let Some(tolerance) = self.tolerance else {
            return Ok(());
        };
        let most = if self.expected == 0.0 {
            1.0
        } else {
            self.expected.abs()
        };
        if (0.0..most).contains(&tolerance) {
            Ok(())
        } else {
            Err(format!(
                "{}: tolerance: {tolerance} lets too much pass where {} is expected: it must be from 0 to below {most}",
                self.id, self.expected
            ))
        }
    }
}

impl Prepared {
    /// The same case with about one in so many of its simulated seconds, so less sure by the same rule: fewer seeds where
    /// there are hundreds, else shorter runs.
    pub fn shorten(&mut self, one_in: u32) {
        if self.case.seeds >= 100 {
            self.case.seeds = self.case.seeds.div_ceil(one_in);
        } else {
            let warmup = self.topology.warmup.0;
            let counted = self.topology.duration.0.saturating_sub(warmup);
            self.topology.duration = Duration(warmup + counted.div_ceil(u64::from(one_in)));
        }
    }
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The case's name.
    pub id: String,
    /// What theory says.
    pub expected: f64,
    /// Mean over the seeds; `None` without samples.
    pub mean: Option<f64>,
    /// Its standard error; `None` with fewer than two seeds.
    pub standard_error: Option<f64>,
    /// Largest deviation at which the case holds.
    pub allowed: f64,
    /// Why there is no mean.
    pub problem: Option<String>,
}

impl Verdict {
    /// Whether simulation and theory agree.
    pub fn holds(&self) -> bool {
        self.mean
            .is_some_and(|mean| (mean - self.expected).abs() <= self.allowed)
    }
}

/// What cases that differ only in what they measure share.
struct System {
    topology: Arc<Topology>,
    seeds: u32,
    /// The places of the cases.
    measured: Vec<(usize, Metric)>,
}

/// Runs the cases. Cases that differ only in what they measure share their runs. Cut short, the verdicts are of the cases
/// whose runs all came to their end; the others say why they have none. Their topologies must have passed `model::check`
/// without errors.
pub fn run(cases: &[Prepared], control: Control) -> (Vec<Verdict>, Option<Cut>) {
    let mut systems: Vec<System> = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let measured = (index, case.metric.clone());
        let same = |system: &&mut System| {
            *system.topology == case.topology && system.seeds == case.case.seeds
        };
        match systems.iter_mut().find(same) {
            Some(system) => system.measured.push(measured),
            None => systems.push(System {
                topology: Arc::new(case.topology.clone()),
                seeds: case.case.seeds,
                measured: vec![measured],
            }),
        }
    }
    let (mut runs, mut system_of_run) = (Vec::new(), Vec::new());
    for system in systems.into_iter().map(Arc::new) {
        let mut measured = system.measured.iter();
        let twins = measured.any(|(_, metric)| metric.is_of_faults());
        for seed in 1..=u64::from(system.seeds) {
            runs.push(Run {
                topology: Arc::clone(&system.topology),
                seed,
                twins,
            });
            system_of_run.push(Arc::clone(&system));
        }
    }
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); cases.len()];
    let cut = run_all(
        &runs,
        control,
        move |run, track| {
            let system = &system_of_run[run];
            let results = of_one_run(track.results(), &system.topology);
            let measured = system.measured.iter();
            measured
                .map(|(case, metric)| (*case, sample(&results, metric)))
                .collect::<Vec<(usize, Sample)>>()
        },
        |_, values| {
            for (case, value) in values {
                samples[case].push(value);
            }
        },
    )
    .err();
    let verdict = |(case, samples): (&Prepared, Vec<Sample>)| {
        let missing = match &cut {
            Some(cut) if cut.whole == 0 || samples.len() < case.case.seeds as usize => Some(cut),
            _ => None,
        };
        match missing {
            None => judge(&case.case, &samples),
            Some(cut) => {
                let why = match &cut.why {
                    Why::Cancelled => "it was interrupted".to_owned(),
                    Why::Full(sentence) => format!("it was not run to its end: {sentence}"),
                    Why::Failed(why) => format!("the simulation failed {why}"),
                };
                judge(&case.case, &[Err(why)])
            }
        }
    };
    let verdicts = cases.iter().zip(samples).map(verdict).collect();
    (verdicts, cut)
}

/// A numerator and denominator; `None` without samples; or why there is no such figure.
type Sample = Result<Option<(f64, f64)>, String>;

fn sample(results: &Figures, metric: &Metric) -> Sample {
    let over = match &metric.over {
        Some(path) => figure(results, path)?,
        None => Some(1.0),
    };
    Ok(figure(results, &metric.path)?.zip(over))
}

fn judge(case: &Case, samples: &[Sample]) -> Verdict {
    let mut problem = samples
        .iter()
        .find_map(|sample| sample.as_ref().err().cloned());
    let pairs: Vec<(f64, f64)> = samples
        .iter()
        .filter_map(|sample| *sample.as_ref().ok()?)
        .collect();
    let (mean, standard_error) = match problem {
        None => ratio(&pairs),
        Some(_) => (None, None),
    };
    if mean.is_none() && problem.is_none() {
        problem = Some(format!("{} has no samples", case.metric));
    }
    Verdict {
        id: case.id.clone(),
        expected: case.expected,
        mean,
        standard_error,
        allowed: (SHARE * case.expected.abs()).max(STANDARD_ERRORS * standard_error.unwrap_or(0.0))
            + case.tolerance.unwrap_or(0.0),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(tolerance: Option<f64>) -> Case {
        Case {
            id: "a".to_owned(),
            file: "a.ron".to_owned(),
            set: IndexMap::new(),
            metric: "writes.lost".to_owned(),
            expected: 100.0,
            tolerance,
            seeds: 2,
        }
    }

    fn samples(values: &[f64]) -> Vec<Sample> {
        values.iter().map(|&value| Ok(Some((value, 1.0)))).collect()
    }

    #[test]
    fn a_case_holds_within_half_a_percent_or_three_and_a_half_standard_errors() {
        assert!(judge(&case(None), &samples(&[100.5, 100.5])).holds());
        assert!(!judge(&case(None), &samples(&[100.6, 100.6])).holds());
        assert!(judge(&case(Some(0.2)), &samples(&[100.6, 100.6])).holds());
        // A standard error of 1: 103 is within 3.5 of them, 104 is not.
        assert!(judge(&case(None), &samples(&[102.0, 104.0])).holds());
        assert!(!judge(&case(None), &samples(&[103.0, 105.0])).holds());
    }

    #[test]
    fn a_case_without_samples_or_with_a_wrong_path_fails_and_says_so() {
        let none = judge(&case(None), &[Ok(None)]);
        assert!(!none.holds() && none.problem.unwrap().contains("no samples"));
        let wrong = judge(&case(None), &[Err("writes.lst: ...".to_owned())]);
        assert!(!wrong.holds() && wrong.problem.unwrap().contains("writes.lst"));
    }

    #[test]
    fn case_files_read_with_further_keys_and_say_where_they_are_wrong() {
        let text = r#"[{"id": "a", "file": "a.ron", "set": {"nodes.api.workers": 8, "sessions": "None"},
            "metric": "a / b", "expected": 1, "tolerance": null, "seeds": 3, "source": "M/M/1", "kind": "exact"}]"#;
        let cases = read(text).unwrap();
        assert_eq!(cases[0].set["nodes.api.workers"], 8);
        let error = read(r#"[{"id": "a", "file": "a.ron", "metric": "a", "expected": "much"}]"#);
        let error = error.unwrap_err();
        assert!(
            error.contains("line 1") && error.contains("[0].expected"),
            "{error}"
        );
    }
}
