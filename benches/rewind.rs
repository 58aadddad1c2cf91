//! How long it takes to go back: `cargo bench --bench rewind` runs presets and a larger system for ten minutes with 256 MiB
//! for copies and goes back to moments all over that, the latest first. `cargo bench --bench rewind -- NAME` takes one.

#![allow(clippy::unwrap_used)] // a bench fails by a panic

use std::time::Instant;

use statescope::analysis::Keeps;
use statescope::analysis::rewind::Rewindable;
use statescope::model::{Topology, file, presets};
use statescope::units::{Bytes, Duration};

const MOMENTS: u32 = 200;
const LENGTH_S: f64 = 600.0;
const MOST: Bytes = Bytes(256 << 20);

fn main() {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    println!(
        "{:<22} {:>7} {:>7} {:>7} {:>11} {:>11} {:>16}",
        "", "run, s", "copies", "MiB", "median, ms", "longest, ms", "the last 60 s, ms"
    );
    let large = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/hot-instances.ron");
    let large = statescope::model::load(large).unwrap().topology;
    let presets = presets::all().iter();
    let presets =
        presets.map(|preset| (preset.name, file::read(preset.text, preset.name).unwrap()));
    for (name, topology) in presets.chain([("hot-instances", large)]) {
        if wanted.as_ref().is_none_or(|wanted| wanted == name) {
            measure(name, topology);
        }
    }
}

fn measure(name: &str, mut topology: Topology) {
    topology.duration = Duration::from_secs(LENGTH_S);
    let begun = Instant::now();
    let mut run = Rewindable::new(&topology, 1, Keeps::LIVE, MOST);
    run.run_until(topology.duration);
    let ran = begun.elapsed().as_secs_f64();
    let (copies, bytes) = (run.copies(), run.bytes());
    let mut took: Vec<(f64, f64)> = (0..MOMENTS)
        .rev()
        .map(|moment| {
            let at = LENGTH_S * f64::from(moment) / f64::from(MOMENTS) + 0.123;
            let begun = Instant::now();
            run.go_to(Duration::from_secs(at));
            (1e3 * begun.elapsed().as_secs_f64(), at)
        })
        .collect();
    took.sort_by(|a, b| a.0.total_cmp(&b.0));
    let late = took.iter().rev().find(|(_, at)| *at > LENGTH_S - 60.0);
    println!(
        "{name:<22} {ran:>7.1} {copies:>7} {:>7} {:>11.1} {:>11.1} {:>16.1}",
        bytes >> 20,
        took[took.len() / 2].0,
        took[took.len() - 1].0,
        late.map_or(0.0, |late| late.0),
    );
}
