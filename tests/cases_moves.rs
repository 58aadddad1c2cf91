//! State on its way to another place: where it is until it has come, and what is lost of it.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

mod support;

use statescope::model::Topology;
use statescope::sim::snapshot::{Snapshot, What};
use support::cases::{read_with, run, until};

/// A thousand keys of 1 MiB in one instance, written and then only read, that are moved to a store at 30 s: 1,000 MiB, which
/// take 10 s.
const MOVED: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "clients": Clients(arrivals: Steady("1000/s"), mix: (write: 1), keys: 1000, popularity: Uniform, value_size: "1MiB"),
        "api": Service(instances: 1, workers: 1000, service_time: Constant("0s"), state: InMemory()),
        "db": SqlDatabase(read_time: "0s", write_time: "0s", commit_time: "0s", connections: 1000),
    },
    links: ["clients -> api"])"#;

fn moved(state: &str, scenario: &str) -> Topology {
    let scenario = format!(
        r#"[At("20s", Set("nodes.clients.arrivals", "Steady(\"100/s\")")), At("20s", Set("nodes.clients.mix", "(read: 1)")),
            At("30s", Set("nodes.api.state", "External(store: \"db\")")){scenario}]"#
    );
    read_with(
        MOVED,
        &[("nodes.api.state", state), ("scenario", scenario.as_str())],
    )
}

fn moving(snapshot: &Snapshot) -> u64 {
    snapshot.nodes.iter().map(|n| n.moving_bytes).sum()
}

#[test]
fn what_moves_is_read_from_its_old_place_until_it_has_come() {
    let topology = moved("InMemory()", "");
    for (ms, moves) in [
        (29_900, false),
        (30_100, true),
        (39_900, true),
        (40_100, false),
    ] {
        let snapshot = until(&topology, 1, ms).snapshot();
        assert_eq!(moving(&snapshot) > 0, moves, "{ms}");
        assert_eq!(snapshot.reads.stale, 0, "{ms}");
    }
    let end = run(&topology, 1).snapshot();
    assert!(end.reads.total > 3_900, "{:?}", end.reads);
    assert_eq!((end.reads.stale, end.writes.lost), (0, 0));
}

#[test]
fn what_has_not_moved_yet_dies_with_its_old_place() {
    for (at, all) in [("39900ms", true), ("40100ms", false)] {
        let writes = run(
            &moved("InMemory()", &format!(r#", At("{at}", Crash("api", 1))"#)),
            1,
        )
        .snapshot()
        .writes;
        let lost = if all { writes.acknowledged } else { 0 };
        assert_eq!(writes.lost, lost, "{at}");
    }
}

#[test]
fn what_is_on_a_disk_that_nobody_serves_does_not_move() {
    let disk = r#"LocalDisk(read_time: "0s", write_time: "0s")"#;
    let topology = moved(
        disk,
        r#", At("35s", Crash("api", 1)), At("50s", Restart("api", 1))"#,
    );
    for (ms, all) in [
        (34_900, false),
        (35_100, true),
        (49_900, true),
        (53_000, false),
    ] {
        let writes = until(&topology, 1, ms).snapshot().writes;
        let unavailable = if all { writes.acknowledged } else { 0 };
        assert_eq!((writes.lost, writes.unavailable), (0, unavailable), "{ms}");
    }
}

/// A store that another service uses as well keeps what it has.
#[test]
fn nothing_moves_out_of_a_store_that_others_use() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
            "others": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
            "api": Service(instances: 1, workers: 10, service_time: Constant("0s"), state: External(store: "store")),
            "other": Service(instances: 1, workers: 10, service_time: Constant("0s"), state: External(store: "store")),
            "store": RedisLike(command_time: "0s", persistence: None),
        },
        links: ["clients -> api", "others -> other"],
        scenario: [At("10005ms", Set("nodes.api.state", "InMemory()"))])"#;
    let end = run(&read_with(text, &[]), 1).snapshot();
    let migrated = |what: &What| matches!(what, What::Migrated { .. });
    assert!(end.happenings.iter().all(|h| !migrated(&h.what)));
    let held = |name: &str| end.nodes.iter().find(|n| n.name == name).unwrap().instances[0].writes;
    // Both wrote there until then, and one of them goes on.
    assert!(held("store").abs_diff(3_000) <= 2, "{}", held("store"));
    assert!(held("api").abs_diff(1_000) <= 2, "{}", held("api"));
}

/// What was lost before its state moved on is not held by the new place, though it is answered only then.
#[test]
fn a_late_acknowledgement_of_a_lost_write_is_no_write_of_the_new_place() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
            "api": Service(instances: 1, workers: 10, service_time: Constant("0s"), state: InMemory()),
            "store": RedisLike(command_time: "0s", persistence: None),
        },
        links: [Link(path: "clients -> api", latency: "1s")],
        scenario: [
            At("10005ms", Crash("api", 1)), At("10005ms", Restart("api", 1)),
            At("10100ms", Set("nodes.api.state", "External(store: \"store\")")),
        ])"#;
    let writes = run(&read_with(text, &[]), 1).snapshot().writes;
    // All that was sent until 1 s before the crash; the last hundred of them were answered after it, 90 after the move.
    assert_eq!(writes.lost, 900, "{writes:?}");
    assert_eq!(writes.held, writes.acknowledged - 900);
}
