//! Fsyncs and snapshots: what counts as written when, and what a machine that goes leaves.

use crate::support::cases::{read_with, run, until};
use statescope::model::{Command, Topology};
use statescope::units::Duration;

const MS: u64 = 1_000_000;

// Fsyncs that writes wait for.

/// Ten writes a second to a database whose commits take almost a second each, and are made together.
const COMMITS: &str = r#"Topology(schema: 1, profile: Bare, duration: "20s",
    nodes: {
        "clients": Clients(arrivals: Steady("10/s"), mix: (write: 1)),
        "db": SqlDatabase(write_time: "0s", commit_time: "990ms", connections: 1000),
    },
    links: ["clients -> db"])"#;

/// An fsync covers what was written before it began: the first write begins one at 0.1 s, those that come meanwhile wait for
/// the next. The one that a crash finds under way covers nobody who comes after it.
#[test]
fn an_fsync_from_before_a_crash_answers_nobody_after_it() {
    let again = r#"[At("8500ms", Crash("db", 1)), At("8500ms", Restart("db", 1))]"#;
    let topology = read_with(COMMITS, &[("scenario", again)]);
    let completed = |ms| until(&topology, 1, ms).snapshot().operations.completed;
    // They end at 1.09 s, 2.08 s and so on: first with one write, then with the nine until 1 s, then with ten each.
    for (ms, n) in [
        (1_089, 0),
        (1_091, 1),
        (2_081, 10),
        (3_071, 20),
        (8_499, 70),
    ] {
        assert_eq!(completed(ms), n, "{ms}");
    }
    // The first after the crash comes at 8.6 s and has its fsync until 9.59 s; the one before would have ended at 9.01 s.
    for (ms, n) in [(9_589, 70), (9_591, 71), (10_581, 80)] {
        assert_eq!(completed(ms), n, "{ms}");
    }
}

/// What comes to a database that syncs each commit is on its disk, though nobody writes any more.
#[test]
fn what_moves_to_a_disk_that_is_synced_each_time_is_on_it() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "30s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
            "api": Service(instances: 1, workers: 100, service_time: Constant("0s"), state: InMemory()),
            "db": SqlDatabase(write_time: "0s", commit_time: "1ms", connections: 1000),
        },
        links: ["clients -> api"],
        scenario: [
            At("10s", Set("nodes.clients.arrivals", "Steady(\"0.001/s\")")),
            At("11s", Set("nodes.api.state", "External(store: \"db\")")),
            At("20s", LoseMachine("db", 1)), At("21s", Restart("db", 1)),
        ])"#;
    let writes = run(&read_with(text, &[]), 1).snapshot().writes;
    assert_eq!((writes.acknowledged, writes.held), (1_000, 1_000));
}

/// A copy of 1,000 MiB is complete after 10 s, and syncs then what it has got: what came before that is on no disk until its
/// first fsync, within a second.
#[test]
fn a_copy_syncs_nothing_before_it_is_complete() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s",
        nodes: {
            "clients": Clients(arrivals: Steady("1000/s"), mix: (write: 1), keys: 1000, popularity: Uniform, value_size: "1MiB"),
            "store": RedisLike(command_time: "0s", persistence: AppendOnly(EverySecond), fsync_time: "0s",
                down_after: "1ms", promotion_time: "0s"),
        },
        links: ["clients -> store"],
        scenario: [
            At("20s", Set("nodes.clients.arrivals", "Steady(\"0.001/s\")")),
            At("30s", Set("nodes.store.replication", "Asynchronous(replicas: 1, lag: \"1ms\")")),
        ])"#;
    let topology = read_with(text, &[]);
    for (first, all) in [(40_005, true), (41_100, false)] {
        for seed in 1..=4 {
            let mut sim = until(&topology, seed, first);
            for (ms, number) in [(first, 1), (first + 10, 2)] {
                sim.run_until(Duration(ms * MS));
                let lose = Command::LoseMachine("store".to_owned(), number);
                sim.apply(&lose).unwrap();
            }
            let writes = sim.snapshot().writes;
            let lost = if all { writes.acknowledged } else { 0 };
            assert_eq!(writes.lost, lost, "{first}, seed {seed}");
        }
    }
}

// Snapshots.

/// A thousand keys of 1 KiB, of which a snapshot takes 4 s to write; one is due every 10 s.
const SNAPSHOTS: &str = r#"Topology(schema: 1, profile: Bare, duration: "100s",
    nodes: {
        "clients": Clients(arrivals: Steady("1000/s"), mix: (write: 1), keys: 1000, popularity: Uniform, value_size: "1KiB"),
        "api": Service(instances: 1, workers: 100, service_time: Constant("0s"), backlog: 0, connect_timeout: "1ms",
            state: InMemory(snapshot_every: "10s", snapshot_rate: "250KiB/s")),
    },
    links: ["clients -> api"])"#;

/// When the last complete snapshot began, in milliseconds.
fn last_snapshot(sim: &statescope::sim::Sim) -> Option<u64> {
    let snapshot = sim.snapshot();
    let api = snapshot.nodes.iter().find(|n| n.name == "api").unwrap();
    api.instances[0].last_snapshot.map(|at| at.0 / MS)
}

fn snapshots(changes: &[(&str, &str)]) -> (Topology, u64) {
    let topology = read_with(SNAPSHOTS, changes);
    let began = last_snapshot(&until(&topology, 1, 40_000)).unwrap();
    (topology, began)
}

#[test]
fn a_snapshot_counts_when_it_is_written_with_what_was_there_when_it_began() {
    let (topology, began) = snapshots(&[]);
    let next = began + 10_000;
    for (after, kept) in [(0, began), (3_900, began), (4_100, next), (9_900, next)] {
        let mut sim = until(&topology, 1, next + after);
        let seen = last_snapshot(&sim).unwrap();
        assert!(seen.abs_diff(kept) <= 1, "{after}: {seen}, {kept}");
        sim.apply(&Command::Crash("api".to_owned(), 1)).unwrap();
        let writes = sim.snapshot().writes;
        let lost = next + after - kept;
        assert!(writes.lost.abs_diff(lost) <= 2, "{after}: {writes:?}");
    }
}

#[test]
fn a_process_that_hangs_writes_no_snapshot() {
    let (topology, began) = snapshots(&[]);
    let next = began + 10_000;
    // It hangs for a second in the middle of one, and dies when that one would have been written.
    let mut sim = until(&topology, 1, next + 2_000);
    sim.apply(&Command::Hang("api".to_owned(), 1)).unwrap();
    sim.run_until(Duration((next + 3_000) * MS));
    sim.apply(&Command::Resume("api".to_owned(), 1)).unwrap();
    sim.run_until(Duration((next + 4_500) * MS));
    assert!(last_snapshot(&sim).unwrap().abs_diff(began) <= 1);
    sim.apply(&Command::Crash("api".to_owned(), 1)).unwrap();
    // Of the 14.5 s since the one before it served all but one.
    let lost = sim.snapshot().writes.lost;
    assert!((13_490..=13_510).contains(&lost), "{lost}");
}
