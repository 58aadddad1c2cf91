//! How fast the simulator is: operations a second of simulated work, on one thread, with ledger, metrics and histograms on.
//!
//! `cargo bench --bench engine` runs every workload; with `-- w1 sticky` at its end those whose names contain one of the words. Each is run
//! over two lengths in turn, several times, and the slope between their medians is printed, so that the start does not
//! count. Compare only numbers of one machine, taken at the same time; benches/README.md says how to compare programs.

#![allow(clippy::unwrap_used)] // a bench fails by a panic

use std::time::Instant;

use statescope::model::{Topology, file};
use statescope::sim::figures::Figures;
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

/// A topology and how many simulated seconds make a short run.
const WORKLOADS: [(&str, f64); 5] = [
    ("benches/peers/w1.ron", 50_000.0),
    ("benches/peers/w2.ron", 25_000.0),
    ("benches/peers/w3.ron", 3.0),
    ("presets/stateless-web.ron", 240.0),
    ("presets/sticky-in-memory.ron", 240.0),
];
const ROUNDS: usize = 5;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    println!(
        "{:<32} {:>14} {:>14}",
        "workload", "operations/s", "events/s"
    );
    for (name, seconds) in WORKLOADS {
        if !words.is_empty() && !words.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let topology = file::load(&format!("{}/{name}", env!("CARGO_MANIFEST_DIR")))
            .unwrap()
            .topology;
        let (mut short, mut long) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            short.push(measure(&topology, seconds));
            long.push(measure(&topology, 3.0 * seconds));
        }
        let (short, long) = (median(&mut short), median(&mut long));
        let wall = long.wall_s - short.wall_s;
        println!(
            "{name:<32} {:>14.0} {:>14.0}",
            (long.operations - short.operations) / wall,
            (long.events - short.events) / wall
        );
    }
}

#[derive(Clone, Copy)]
struct Measured {
    wall_s: f64,
    operations: f64,
    events: f64,
}

/// Runs so many simulated seconds.
fn measure(topology: &Topology, seconds: f64) -> Measured {
    let mut topology = topology.clone();
    topology.duration = Duration::from_secs(seconds);
    let begun = Instant::now();
    let live = !topology.scenario.is_empty();
    let mut sim = Sim::new(&topology, 1, Watch { live });
    sim.run_until(topology.duration);
    let results = sim.results();
    let wall_s = begun.elapsed().as_secs_f64();
    let Some(Figures::Figure(Some(operations))) = results.at("operations.offered") else {
        panic!("the results count operations");
    };
    Measured {
        wall_s,
        operations: *operations,
        events: sim.snapshot().events as f64,
    }
}

/// The run in the middle by time.
fn median(runs: &mut [Measured]) -> Measured {
    runs.sort_by(|a, b| a.wall_s.total_cmp(&b.wall_s));
    runs[runs.len() / 2]
}
