//! What is on disk when: other periods in the middle of a run, and what the kernel does without the process.

use crate::support::cases::{mean_and_error, run};
use statescope::model::file;

/// What one instance with this state, or a store of these settings, loses of 100 writes a second.
fn lost(node: &str, scenario: &str, seed: u64) -> u64 {
    let text = format!(
        r#"Topology(schema: 1, profile: Bare, duration: "120s",
            nodes: {{ "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)), "s": {node} }},
            links: ["clients -> s"], scenario: [{scenario}])"#
    );
    let topology = file::read(&text, "this test").unwrap();
    run(&topology, seed).snapshot().writes.lost
}

fn service(state: &str) -> String {
    format!(r#"Service(workers: 10, service_time: Constant("0s"), state: {state})"#)
}

const SEEDS: u64 = 12;

/// Samples between 0 and a longest loss, any as likely as the other.
fn is_uniform(samples: &[u64], longest: u64) {
    assert!(samples.iter().all(|&s| s <= longest + 1), "{samples:?}");
    let samples: Vec<f64> = samples.iter().map(|&s| s as f64).collect();
    let (mean, _) = mean_and_error(&samples);
    let longest = longest as f64;
    let error = longest / 12f64.sqrt() / (SEEDS as f64).sqrt();
    assert!(
        (mean - longest / 2.0).abs() < 4.0 * error,
        "{mean}, {samples:?}"
    );
}

#[test]
fn a_shorter_period_holds_at_once() {
    let all = |node: &str, scenario: &str| -> Vec<u64> {
        (1..=SEEDS).map(|seed| lost(node, scenario, seed)).collect()
    };
    let memory = service(r#"InMemory(snapshot_every: "10m", snapshot_rate: "unlimited")"#);
    let scenario =
        r#"At("30s", Set("nodes.s.state.snapshot_every", "5s")), At("80s", Crash("s", 1))"#;
    is_uniform(&all(&memory, scenario), 500);

    let disk = service(r#"LocalDisk(fsync: Never, fsync_time: "0s")"#);
    let scenario =
        r#"At("62s", Set("nodes.s.state.fsync", "EverySecond")), At("66s", LoseMachine("s", 1))"#;
    is_uniform(&all(&disk, scenario), 100);
    // And a longer one.
    let disk = service(r#"LocalDisk(fsync: EverySecond, fsync_time: "0s")"#);
    let scenario =
        r#"At("20s", Set("nodes.s.state.fsync", "Never")), At("100s", LoseMachine("s", 1))"#;
    is_uniform(&all(&disk, scenario), 3000);
}

/// The kernel writes back within 30 s what a process left in its files, whatever that would have done itself.
#[test]
fn what_a_process_leaves_behind_is_written_back_without_it() {
    for node in [
        service(r#"LocalDisk(fsync: Never, fsync_time: "0s")"#),
        service(r#"LocalDatabase(fsync: EverySecond, fsync_time: "1ms")"#),
        r#"RedisLike(command_time: "0s", persistence: AppendOnly(EverySecond))"#.to_owned(),
    ] {
        let (mut early, mut whole) = (Vec::new(), Vec::new());
        for seed in 1..=SEEDS {
            for ends in ["Crash", "Hang"] {
                // The machine goes when all has been written back, and long before that.
                let after = |ms: u32| {
                    let at = 60_000 + ms;
                    format!(
                        r#"At("60s", {ends}("s", 1)), At("{at}ms", LoseMachine("s", 1)), At("110s", Restart("s", 1))"#
                    )
                };
                assert_eq!(
                    lost(&node, &after(30_100), seed),
                    0,
                    "{node}, {ends}, {seed}"
                );
                early.push(lost(&node, &after(1), seed));
                // Half of all times something has been written back by then, or all that was there: never a part.
                let later = lost(&node, &after(15_000), seed);
                let at_once = *early.last().unwrap();
                assert!(later == 0 || later == at_once, "{later} of {at_once}");
                whole.push(later == 0);
            }
        }
        assert!(early.iter().sum::<u64>() > 0);
        let written_back = whole.iter().filter(|w| **w).count();
        assert!((2..=22).contains(&written_back), "{node}: {written_back}");
    }
}
