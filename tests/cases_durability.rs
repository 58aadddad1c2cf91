//! What survives a fault, what a failover costs, and how a new version gets out: cases with their right values.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

mod support;

use statescope::sim::{Sim, Watch};
use statescope::units::Duration;
use support::cases::{case, case_with, mean_and_error, pause_after, run};

const SECOND: u64 = 1_000_000_000;

fn started(topology: &statescope::model::Topology, seed: u64) -> Sim {
    Sim::new(topology, seed, Watch { live: false })
}

// Promotions.

#[test]
fn a_promotion_waits_for_the_end_of_the_stream() {
    let topology = case("promotion-waits-for-stream");
    for seed in 1..=5 {
        let mut sim = started(&topology, seed);
        let pause = pause_after(&mut sim, Duration(20 * SECOND));
        // The stream ends one lag after the crash; the next write comes some milliseconds later.
        assert!((5000..5050).contains(&(pause.0 / 1_000_000)), "{pause}");
        sim.run_until(topology.duration);
        assert_eq!(sim.snapshot().writes.lost, 0);
    }
}

#[test]
fn what_is_beyond_the_send_buffer_dies_with_the_process() {
    // 200/s for 5 s of 1 KiB each are under way, and 100 KiB of them are in the kernel.
    let path = "nodes.s.replication";
    for (value, lost) in [
        ("Asynchronous(lag: \"5s\", send_buffer: \"100KiB\")", 900.0),
        ("Asynchronous(lag: \"5s\", send_buffer: \"0B\")", 1000.0),
        ("Asynchronous(lag: \"5s\")", 0.0),
    ] {
        let topology = case_with("promotion-waits-for-stream", &[(path, value)]);
        let samples: Vec<f64> = (1..=20)
            .map(|seed| run(&topology, seed).snapshot().writes.lost as f64)
            .collect();
        let (mean, error) = mean_and_error(&samples);
        // The number under way is Poisson: 1000 with a deviation of 31.6, over 20 seeds 7.1.
        assert!(
            (mean - lost).abs() <= 4.0 * 7.1 && error < 12.0,
            "{value}: {mean} +- {error}"
        );
    }
}

#[test]
fn a_write_counts_in_the_send_buffer_with_its_size() {
    // 100 KiB hold 25 writes of 4 KiB instead of 100.
    let topology = case_with(
        "promotion-waits-for-stream",
        &[
            (
                "nodes.s.replication",
                "Asynchronous(lag: \"5s\", send_buffer: \"100KiB\")",
            ),
            ("nodes.clients.value_size", "4KiB"),
        ],
    );
    let one = run(&topology, 1).snapshot().writes.lost;
    let small = case_with(
        "promotion-waits-for-stream",
        &[(
            "nodes.s.replication",
            "Asynchronous(lag: \"5s\", send_buffer: \"100KiB\")",
        )],
    );
    assert_eq!(one - run(&small, 1).snapshot().writes.lost, 75);
}

#[test]
fn the_stream_of_a_hung_primary_ends_after_one_lag() {
    let topology = case_with(
        "promotion-waits-for-stream",
        &[("scenario", "[At(\"20s\", Hang(\"s\", 1))]")],
    );
    let mut sim = started(&topology, 1);
    let pause = pause_after(&mut sim, Duration(20 * SECOND));
    assert!((5000..5050).contains(&(pause.0 / 1_000_000)), "{pause}");
    assert_eq!(sim.snapshot().writes.lost, 0);
}

#[test]
fn a_lost_machine_takes_what_is_under_way_with_it_and_nobody_waits_for_it() {
    let lost_machine = "[At(\"20s\", LoseMachine(\"s\", 1))]";
    // The machine goes two seconds after its process: what came in these two seconds has arrived.
    let crashed_before = "[At(\"20s\", Crash(\"s\", 1)), At(\"22s\", LoseMachine(\"s\", 1))]";
    for (scenario, down_after, pause_ms, lost) in [
        (lost_machine, "1s", 1000, 1000.0),
        (crashed_before, "1s", 2000, 600.0),
        (crashed_before, "3s", 3000, 600.0),
    ] {
        let topology = case_with(
            "promotion-waits-for-stream",
            &[
                ("scenario", scenario),
                ("nodes.s.down_after", &format!("{down_after:?}")),
            ],
        );
        let mut samples = Vec::new();
        for seed in 1..=20 {
            let mut sim = started(&topology, seed);
            let pause = pause_after(&mut sim, Duration(20 * SECOND)).0 / 1_000_000;
            assert!(
                (pause_ms..pause_ms + 100).contains(&pause),
                "{scenario}: {pause}"
            );
            sim.run_until(topology.duration);
            samples.push(sim.snapshot().writes.lost as f64);
        }
        let (mean, _) = mean_and_error(&samples);
        assert!((mean - lost).abs() <= 4.0 * 7.1, "{scenario}: {mean}");
    }
}

// Snapshots.

#[test]
fn there_is_one_snapshot_at_a_time() {
    let topology = case("snapshots-overlap");
    let samples: Vec<f64> = (1..=60)
        .map(|seed| run(&topology, seed).snapshot().writes.lost as f64)
        .collect();
    let (mean, error) = mean_and_error(&samples);
    // One and a half times 20.48 s at 200/s, drawn uniformly from one to two times.
    assert!(
        error < 200.0 && (mean - 6144.0).abs() < 3.5 * error,
        "{mean} +- {error}"
    );
    assert!(samples.iter().all(|&lost| (3800.0..8500.0).contains(&lost)));
}
