//! `statescope check`: says what is wrong with topology files, and whether they keep what they promise.

use std::sync::Arc;

use clap::Args;

use super::Failure;
use super::input::{Input, MachineArguments};
use super::interrupt;
use super::output::{ProgressLine, print, say};
use crate::analysis::parallel::{Control, Cut, Run, run_all};
use crate::analysis::{expect, of_one_run};
use crate::model::Topology;
use crate::model::expect::Expectation;

/// Seeds over which a file's `expects` must hold.
const SEEDS: u64 = 20;

#[derive(Args)]
pub struct Arguments {
    /// Topology files, or names of presets
    #[arg(value_name = "FILE|PRESET", required = true)]
    topologies: Vec<String>,

    /// Also runs each over 20 seeds and tries what it `expects`
    #[arg(long)]
    run: bool,

    #[command(flatten)]
    machine: MachineArguments,
}

pub fn check(arguments: &Arguments) -> Result<(), Failure> {
    let mut wrong = 0;
    for name in &arguments.topologies {
        match check_one(name, arguments) {
            Ok(fine) => print(format!("{name}: {fine}\n"))?,
            Err(failure) if failure.status == interrupt::STATUS => return Err(failure),
            Err(failure) => {
                say(&failure.message);
                wrong += 1;
            }
        }
    }
    if wrong == 0 {
        Ok(())
    } else {
        Err(Failure::input(""))
    }
}

/// What can be said of a topology with which nothing is wrong.
fn check_one(name: &str, arguments: &Arguments) -> Result<String, Failure> {
    let input = Input::load(name)?;
    let topology = input.checked()?;
    if !arguments.run {
        return Ok("valid".to_owned());
    }
    let progress = ProgressLine::new();
    let show = |done| progress.show(done);
    let (failed, cut) = unkept(topology, arguments.machine.control(&show))
        .map_err(|error| Failure::input(format!("{name}: {error}")))?;
    drop(progress);
    if let Some(cut) = cut {
        // What does not hold with the seeds that were tried is known all the same.
        failed
            .iter()
            .for_each(|failed| say(&format!("{name}: {failed}")));
        return Err(interrupt::failure(&cut, name));
    }
    if failed.is_empty() {
        Ok(match topology.expects.len() {
            0 => format!("valid, runs with {SEEDS} seeds; expects nothing"),
            1 => format!("valid; what it expects holds with {SEEDS} seeds"),
            n => format!("valid; all {n} that it expects hold with {SEEDS} seeds"),
        })
    } else {
        let lines: Vec<String> = failed
            .iter()
            .map(|failed| format!("{name}: {failed}"))
            .collect();
        Err(Failure::input(lines.join("\n")))
    }
}

/// The expectations that do not hold with every seed: with how many, and what was found first. Cut short, those that do not
/// hold with the seeds that came to their end, and what cut them.
fn unkept(topology: &Topology, control: Control) -> Result<(Vec<String>, Option<Cut>), String> {
    let expectations: Vec<Expectation> = topology
        .expects
        .iter()
        .map(|text| text.parse())
        .collect::<Result<_, String>>()?;
    let twins = expectations
        .iter()
        .any(|expected| expected.metric.is_of_faults());
    let topology = Arc::new(topology.clone());
    let runs: Vec<Run> = (0..SEEDS)
        .map(|r| Run {
            topology: Arc::clone(&topology),
            seed: topology.seed.wrapping_add(r),
            twins,
        })
        .collect();
    let mut failures: Vec<Vec<String>> = vec![Vec::new(); expectations.len()];
    let cut = run_all(
        &runs,
        control,
        move |run, track| {
            let results = of_one_run(track.results(), &topology);
            let check = |expectation| {
                let seed = topology.seed.wrapping_add(run as u64);
                expect::check(&results, expectation)
                    .map_err(|error| format!("seed {seed}: {error}"))
            };
            expectations.iter().map(check).collect::<Vec<_>>()
        },
        |_, verdicts| {
            for (failures, verdict) in failures.iter_mut().zip(verdicts) {
                failures.extend(verdict.err());
            }
        },
    )
    .err();
    if cut.as_ref().is_some_and(|cut| cut.whole == 0) {
        return Ok((Vec::new(), cut)); // no run came to its end
    }
    let unkept = failures
        .iter()
        .filter_map(|failures| {
            let first = failures.first()?;
            Some(match failures.len() {
                1 => first.clone(),
                n => format!("{first} ({n} of {SEEDS} seeds fail)"),
            })
        })
        .collect();
    Ok((unkept, cut))
}
