//! `statescope run`: simulates a topology and prints the results.

use std::time::Instant;

use clap::Args;

use super::Failure;
use super::input::{MachineArguments, TopologyArguments};
use super::interrupt;
use super::output::{ProgressLine, print, say};
use crate::analysis::{Estimate, replicate};
use crate::model::Topology;
use crate::report;
use crate::report::numbers::{count, decimal, time};
use crate::sim::figures::{Figures, Plain};
use crate::units::Duration;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    input: TopologyArguments,

    /// Simulated time, warm-up included [default: the file's]
    #[arg(long, value_name = "TIME")]
    duration: Option<Duration>,

    /// How much of the beginning is not counted [default: the file's]
    #[arg(long, value_name = "TIME")]
    warmup: Option<Duration>,

    /// Seed of the random draws [default: the file's]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Runs under this seed and the following ones, for confidence intervals
    #[arg(long, value_name = "R", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    replications: u32,

    #[command(flatten)]
    machine: MachineArguments,

    /// Leaves out what faults and changes caused: no second run beside this one
    #[arg(long)]
    no_twins: bool,

    /// Prints all results as JSON instead of a summary
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut input = arguments.input.load()?;
    arguments.change(&mut input.topology)?;
    let topology = input.checked()?;

    let begun = Instant::now();
    let progress = ProgressLine::new();
    let show = |done| progress.show(done);
    let control = arguments.machine.control(&show);
    let (results, cut) = replicate(
        topology,
        arguments.replications,
        !arguments.no_twins,
        control,
    );
    drop(progress);
    say(&speed(&results, begun.elapsed().as_secs_f64()));
    print(if arguments.json {
        report::json::results(&results)
    } else {
        report::text::results(&results)
    })?;
    match cut {
        None => Ok(()),
        Some(cut) => Err(interrupt::failure(&cut, input.name())),
    }
}

/// How long it took: no result, since it differs from one time to the next.
fn speed(results: &Figures<Estimate>, wall_s: f64) -> String {
    let events = match results.at("simulation.events") {
        Some(Figures::Plain(Plain::Integer(events))) => *events as f64,
        _ => 0.0,
    };
    format!(
        "simulated {} events in {}: {} million a second",
        count(events),
        time(wall_s),
        decimal(events / wall_s.max(1e-9) / 1e6)
    )
}

impl Arguments {
    /// Changes what has an option of its own.
    fn change(&self, topology: &mut Topology) -> Result<(), Failure> {
        let options = [
            ("duration", self.duration.map(|time| time.to_string())),
            ("warmup", self.warmup.map(|time| time.to_string())),
            ("seed", self.seed.map(|seed| seed.to_string())),
        ];
        for (name, value) in options {
            if let Some(value) = value {
                topology
                    .set_path(name, &value)
                    .map_err(|error| Failure::usage(format!("--{error}")))?;
            }
        }
        Ok(())
    }
}
