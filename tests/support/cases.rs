//! Cases of `tests/cases`: small systems that say in their first line what must come out.

use std::path::PathBuf;

use statescope::model::{Topology, file};
use statescope::sim::figures::Figures;
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

/// The topology of a case.
pub fn case(name: &str) -> Topology {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cases/{name}.ron"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
    file::read(&text, name).unwrap_or_else(|e| panic!("{e}"))
}

/// The same, with some of its settings changed.
pub fn case_with(name: &str, changes: &[(&str, &str)]) -> Topology {
    changed(case(name), changes)
}

/// A topology from text as in a file.
pub fn read(text: &str) -> Topology {
    file::read(text, "test.ron").unwrap_or_else(|e| panic!("{e}"))
}

/// A topology with some of its settings changed.
pub fn changed(mut topology: Topology, changes: &[(&str, &str)]) -> Topology {
    for (path, value) in changes {
        topology
            .set_path(path, value)
            .unwrap_or_else(|e| panic!("{path}: {e}"));
    }
    topology
}

/// A topology from its text, with some of its settings changed.
pub fn read_with(text: &str, changes: &[(&str, &str)]) -> Topology {
    changed(
        file::read(text, "this test").unwrap_or_else(|e| panic!("{e}")),
        changes,
    )
}

/// A run up to an instant, in milliseconds.
pub fn until(topology: &Topology, seed: u64, ms: u64) -> Sim {
    let mut sim = Sim::new(topology, seed, Watch { live: false });
    sim.run_until(Duration(ms * 1_000_000));
    sim
}

/// A run to its end, with the engine's books audited.
pub fn run(topology: &Topology, seed: u64) -> Sim {
    let mut sim = Sim::new(topology, seed, Watch { live: false });
    sim.run_until(topology.duration);
    assert_eq!(sim.audit().faults, Vec::<String>::new(), "seed {seed}");
    sim
}

/// The figure at a path of the results.
pub fn figure(results: &Figures, path: &str) -> f64 {
    match results.at(path) {
        Some(Figures::Figure(Some(value))) => *value,
        other => panic!("{path}: {other:?}"),
    }
}

/// How long it takes from an instant until the next operation completes, to the millisecond.
pub fn pause_after(sim: &mut Sim, at: Duration) -> Duration {
    sim.run_until(at);
    let before = sim.snapshot().operations.completed;
    let mut now = at.0;
    while sim.snapshot().operations.completed == before {
        now += 1_000_000;
        assert!(now < at.0 + 1_000_000_000_000, "it never goes on");
        sim.run_until(Duration(now));
    }
    Duration(now - at.0)
}

/// Mean and standard error of samples.
pub fn mean_and_error(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let squares = samples.iter().map(|x| (x - mean) * (x - mean));
    let variance = squares.sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}
