//! How long it takes to go back: `cargo bench --bench rewind` runs a preset for ten minutes with 256 MiB for its copies and
//! goes back to moments all over it.

#![allow(clippy::unwrap_used)] // a bench fails by a panic

use std::time::Instant;

use statescope::analysis::Keeps;
use statescope::analysis::rewind::Rewindable;
use statescope::model::{file, presets};
use statescope::units::{Bytes, Duration};

const MOMENTS: u32 = 100;

fn main() {
    println!(
        "{:<24} {:>8} {:>12} {:>12}",
        "preset", "copies", "median, ms", "longest, ms"
    );
    for preset in presets::all() {
        let mut topology = file::read(preset.text, preset.name).unwrap();
        topology.duration = Duration::from_secs(600.0);
        let mut run = Rewindable::new(&topology, 1, Keeps::LIVE, Bytes(256 << 20));
        run.run_until(topology.duration);
        let mut took: Vec<f64> = (0..MOMENTS)
            .map(|moment| {
                let mut back = run.clone();
                let at = 600.0 * f64::from(moment) / f64::from(MOMENTS) + 0.123;
                let begun = Instant::now();
                back.go_to(Duration::from_secs(at));
                1e3 * begun.elapsed().as_secs_f64()
            })
            .collect();
        took.sort_by(f64::total_cmp);
        println!(
            "{:<24} {:>8} {:>12.1} {:>12.1}",
            preset.name,
            run.copies(),
            took[took.len() / 2],
            took[took.len() - 1]
        );
    }
}
