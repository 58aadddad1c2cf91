//! Promotions: when a copy takes over, what the old primary may still do, and what the new one goes on with.

use crate::support::cases::{pause_after, read_with, run, until};
use statescope::sim::snapshot::{Snapshot, What};
use statescope::units::Duration;

const SECOND: u64 = 1_000_000_000;

/// A store with a copy, and an even 100 writes of 1 KiB a second.
const STORE: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), value_size: "1KiB"),
        "store": RedisLike(command_time: "0s", persistence: None,
            replication: Asynchronous(replicas: 1, lag: "1ms"), down_after: "1s", promotion_time: "0s"),
    },
    links: ["clients -> store"])"#;

#[test]
fn a_store_pauses_until_its_primary_is_missed_its_stream_is_over_and_a_copy_is_promoted() {
    let lag = r#"Asynchronous(replicas: 1, lag: "5s")"#;
    // Of what is under way the kernel has the first 200 writes: their last arrives 2 s after the crash.
    let some = r#"Asynchronous(replicas: 1, lag: "5s", send_buffer: "200KiB")"#;
    let nothing = r#"Asynchronous(replicas: 1, lag: "5s", send_buffer: "0B")"#;
    for (fault, replication, down_after, pause_s) in [
        ("Crash", "Asynchronous()", "1s", 1),
        ("Crash", lag, "1s", 5),
        ("Crash", lag, "9s", 9),
        ("Crash", some, "1s", 2),
        ("Crash", nothing, "1s", 1),
        // A process that hangs sends no end of its stream, whatever of it is still to come.
        ("Hang", lag, "1s", 5),
        ("Hang", some, "1s", 5),
        ("Hang", nothing, "1s", 5),
        ("LoseMachine", lag, "1s", 1),
    ] {
        for promotion_s in [0, 2] {
            let topology = read_with(
                STORE,
                &[
                    ("nodes.store.replication", replication),
                    ("nodes.store.down_after", down_after),
                    ("nodes.store.promotion_time", &format!("{promotion_s}s")),
                    ("scenario", &format!(r#"[At("20s", {fault}("store", 1))]"#)),
                ],
            );
            let mut sim = until(&topology, 1, 20_000);
            let pause = pause_after(&mut sim, Duration(20 * SECOND)).0;
            let expected = (pause_s + promotion_s) * SECOND;
            assert!(
                (expected..=expected + SECOND / 100 + 1_000_000).contains(&pause),
                "{fault}, {replication}, {down_after}, {promotion_s} s: {pause}"
            );
        }
    }
}

#[test]
fn a_copy_that_comes_back_takes_over_what_nobody_could_take_over_before() {
    let scenario = r#"[At("20s", Crash("store", 1)), At("20500ms", Hang("store", 2)), At("25s", Resume("store", 2))]"#;
    let topology = read_with(STORE, &[("scenario", scenario)]);
    let before = until(&topology, 1, 24_999).snapshot().writes;
    assert_eq!((before.lost, before.unavailable), (0, before.acknowledged));
    let mut sim = until(&topology, 1, 25_001);
    assert_eq!(sim.snapshot().writes.unavailable, 0);
    sim.run_until(topology.duration);
    let after = sim.snapshot().writes;
    assert_eq!(after.lost, 0);
    assert!(
        after.acknowledged >= before.acknowledged + 3_499,
        "{after:?}"
    );
}

/// It has what it has while it hangs, and can take over when it goes on.
#[test]
fn a_copy_that_hangs_when_its_primary_goes_saves_what_it_has() {
    for (fault, under_way) in [("Crash", 0), ("LoseMachine", 1)] {
        let scenario = format!(
            r#"[At("20s", Hang("store", 2)), At("22s", {fault}("store", 1)), At("30s", Resume("store", 2))]"#
        );
        let topology = read_with(STORE, &[("scenario", &scenario)]);
        let before = until(&topology, 1, 29_999).snapshot().writes;
        // What nobody has any more is lost at once.
        assert!(before.lost <= under_way, "{fault}: {before:?}");
        let unavailable = before.acknowledged - before.lost;
        assert_eq!(before.unavailable, unavailable, "{fault}");
        let end = run(&topology, 1).snapshot().writes;
        assert!(end.lost <= under_way, "{fault}: {end:?}");
        assert!(end.acknowledged > before.acknowledged + 2_990, "{fault}");
    }
    // Killed before that, it takes everything along.
    let scenario = r#"[At("20s", Hang("store", 2)), At("22s", Crash("store", 1)), At("30s", Crash("store", 2))]"#;
    let end = run(&read_with(STORE, &[("scenario", scenario)]), 1)
        .snapshot()
        .writes;
    assert_eq!((end.held, end.lost), (0, end.acknowledged));
}

/// A copy that is asked for while nobody leads has nobody to get anything from: it cannot take over what it has never had.
#[test]
fn a_copy_that_comes_when_its_primary_is_gone_has_nothing() {
    let changes = [
        ("nodes.store.persistence", "AppendOnly(Never)"),
        ("nodes.store.down_after", "10s"),
        (
            "scenario",
            r#"[At("20s", Crash("store", 1)), At("21s", Set("nodes.store.replication.replicas", "2")),
                At("22s", Crash("store", 2)), At("50s", Restart("store", 1))]"#,
        ),
    ];
    let topology = read_with(STORE, &changes);
    // All of it is in the first one's files, and nowhere else.
    let before = until(&topology, 1, 49_999).snapshot().writes;
    assert_eq!((before.lost, before.unavailable), (0, before.acknowledged));
    let after = run(&topology, 1).snapshot().writes;
    assert_eq!((after.lost, after.unavailable), (0, 0));
}

/// Writes that each take half a second when their database hangs are answered by nobody once a copy has taken over, though
/// the old primary goes on.
#[test]
fn what_a_deposed_primary_was_carrying_out_is_never_answered() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "40s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: Some("5s")),
            "db": SqlDatabase(write_time: "500ms", commit_time: "0s", connections: 1000,
                replication: Asynchronous(replicas: 1, lag: "1ms"), down_after: "1s", promotion_time: "0s"),
        },
        links: ["clients -> db"],
        scenario: [At("20s", Hang("db", 1)), At("22s", Resume("db", 1))])"#;
    let end = run(&read_with(text, &[]), 1).snapshot();
    // 50 that were being carried out, and 100 that came until the promotion; all others are answered.
    let failed = end.operations.failed;
    assert!((149..=151).contains(&failed), "{:?}", end.operations);
    assert_eq!(end.operations.by_cause[3], failed, "timeouts");
    assert_eq!(end.writes.lost, 0);
    // What had been applied by then, of those 150, is nothing.
    assert_eq!(end.writes.applied_unacknowledged, 0);
}

// Services whose instances keep state.

/// Four instances that keep what is written through them, each with one copy on the next; 25 writes a second each.
const FLEET: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 1000, popularity: Uniform),
        "lb": LoadBalancer(health_checks: HealthChecks(interval: "100ms", fall: 1, rise: 1), retries: 3),
        "api": Service(instances: 4, workers: 100, service_time: Constant("0s"), drain_time: "1s",
            state: InMemory(replication: Asynchronous(replicas: 1, lag: "10ms"), down_after: "1s")),
    },
    links: ["clients -> lb", "lb -> api"])"#;

fn writes_of(end: &Snapshot) -> Vec<u64> {
    let api = end.nodes.iter().find(|n| n.name == "api").unwrap();
    api.instances.iter().map(|i| i.writes).collect()
}

#[test]
fn what_was_promoted_is_copied_again() {
    // The second holds what the first had, and its copy is on the third, when it goes as well.
    let scenario = r#"[At("20s", Crash("api", 1)), At("30s", LoseMachine("api", 2))]"#;
    let end = run(&read_with(FLEET, &[("scenario", scenario)]), 1).snapshot();
    assert!(end.writes.acknowledged > 5_900, "{:?}", end.writes);
    // What was under way for 10 ms, at 33 a second.
    assert!(end.writes.lost <= 1, "{:?}", end.writes);
    assert_eq!(end.writes.unavailable, 0);
}

#[test]
fn an_instance_that_comes_back_after_a_promotion_begins_anew() {
    let scenario = r#"[At("20s", Crash("api", 1)), At("30s", Restart("api", 1))]"#;
    let topology = read_with(FLEET, &[("scenario", scenario)]);
    // The second has its 500, those of the first, and a third of what came since.
    let before = writes_of(&until(&topology, 1, 30_000).snapshot());
    assert_eq!(before[0], 0);
    assert!((1_320..=1_345).contains(&before[1]), "{before:?}");
    // Each gets 25 a second again, and keeps them.
    let after = writes_of(&until(&topology, 1, 50_000).snapshot());
    for (instance, since) in after.iter().zip(&before).map(|(a, b)| a - b).enumerate() {
        assert!((495..=505).contains(&since), "{instance}: {since}");
    }
}

/// The last instance leaves for good while the only copy of its 500 writes is on one that hangs: another gets one first.
#[test]
fn what_a_stopped_instance_leaves_while_its_copy_hangs_goes_to_another() {
    let scenario = r#"[At("20005ms", Hang("api", 1)), At("20015ms", RemoveInstances("api", 1)),
        At("30s", Resume("api", 1))]"#;
    let topology = read_with(FLEET, &[("scenario", scenario)]);
    // Those of the one that hangs are taken over after a second by its own copy.
    for ms in [25_000, 29_999, 30_001] {
        let writes = until(&topology, 1, ms).snapshot().writes;
        assert_eq!((writes.lost, writes.unavailable), (0, 0), "{ms}");
    }
}

#[test]
fn what_a_stopped_instance_still_sends_is_waited_for() {
    // It is told to leave, has nothing to do, and is stopped 1 s later, while 5 s of its writes are under way.
    let scenario = r#"[At("20005ms", RemoveInstances("api", 1))]"#;
    let lag = r#"Asynchronous(replicas: 1, lag: "5s")"#;
    let changes = [
        ("scenario", scenario),
        ("nodes.api.state.replication", lag),
        ("nodes.api.drain_time", "1s"),
    ];
    let topology = read_with(FLEET, &changes);
    let at = |ms| until(&topology, 1, ms).snapshot().writes;
    // Its 500 can be reached until it stops, and again once the stream is over, one lag later.
    for (ms, unavailable) in [(21_000, 0), (21_010, 500), (26_000, 500), (26_010, 0)] {
        let writes = at(ms);
        assert!(
            writes.unavailable.abs_diff(unavailable) <= 1,
            "{ms}: {writes:?}"
        );
        assert_eq!(writes.lost, 0);
    }
}

#[test]
fn a_drained_instance_stops_when_its_copies_have_everything() {
    // Whatever the kernel has not taken would be lost if it stopped before.
    let lag = r#"Asynchronous(replicas: 1, lag: "5s", send_buffer: "0B")"#;
    for scenario in [
        r#"[At("20005ms", RemoveInstances("api", 1))]"#,
        r#"[At("20005ms", Deploy("api", Drained))]"#,
    ] {
        let topology = read_with(
            FLEET,
            &[
                ("scenario", scenario),
                ("nodes.api.state.replication", lag),
                ("nodes.api.drain_time", "30s"),
            ],
        );
        let end = run(&topology, 1).snapshot();
        assert_eq!(
            (end.writes.lost, end.operations.failed),
            (0, 0),
            "{scenario}"
        );
        // What was written last, at 20 s, arrives at 25 s.
        let stopped = |what: &What| matches!(what, What::Stopped { .. } | What::Promoted { .. });
        let first = end.happenings.iter().find(|h| stopped(&h.what)).unwrap();
        let ms = first.at.0 / 1_000_000;
        assert!((24_960..=25_010).contains(&ms), "{scenario}: {ms}");
    }
}

// What is on the disks of copies.

#[test]
fn a_copy_goes_on_syncing_while_its_primary_is_missed() {
    // The second machine goes just after it has taken over, 5 s after the first: of what it had got it has synced all.
    let changes = [
        ("nodes.store.persistence", "AppendOnly(EverySecond)"),
        ("nodes.store.fsync_time", "0s"),
        ("nodes.store.down_after", "5s"),
        (
            "scenario",
            r#"[At("20s", LoseMachine("store", 1)), At("25050ms", LoseMachine("store", 2))]"#,
        ),
    ];
    let topology = read_with(STORE, &changes);
    for seed in 1..=6 {
        let writes = run(&topology, seed).snapshot().writes;
        // One under way, and five that came since the promotion.
        assert!(writes.lost <= 7, "seed {seed}: {writes:?}");
        assert!(writes.held >= 1_998, "seed {seed}: {writes:?}");
    }
}

/// Copies that a setting no longer asks for are gone.
#[test]
fn copies_that_are_not_wanted_any_more_save_nothing() {
    let scenario =
        r#"[At("19s", Set("nodes.store.replication", "None")), At("20005ms", Crash("store", 1))]"#;
    let end = run(&read_with(STORE, &[("scenario", scenario)]), 1).snapshot();
    assert_eq!(
        (end.writes.held, end.writes.lost),
        (0, end.writes.acknowledged)
    );
    assert!(end.writes.lost >= 2_000);
    let fewer = read_with(
        STORE,
        &[
            ("nodes.store.replication.replicas", "2"),
            (
                "scenario",
                r#"[At("19s", Set("nodes.store.replication.replicas", "1")),
                    At("20005ms", Crash("store", 2)), At("20005ms", Crash("store", 1))]"#,
            ),
        ],
    );
    let end = run(&fewer, 1).snapshot();
    assert_eq!(
        (end.writes.held, end.writes.lost),
        (0, end.writes.acknowledged)
    );
}

/// Writes that wait for a planned failover are connected to nobody: one that is forced meanwhile resets none of them.
#[test]
fn what_waits_for_a_planned_failover_outlives_a_forced_one() {
    let topology = read_with(
        STORE,
        &[
            (
                "nodes.store.replication",
                r#"Asynchronous(replicas: 1, lag: "1s")"#,
            ),
            ("nodes.clients.timeout", "None"),
            ("nodes.store.demotion_delay", "0s"),
            (
                "scenario",
                r#"[At("20005ms", Failover("store")), At("20505ms", ForceFailover("store"))]"#,
            ),
        ],
    );
    let end = run(&topology, 1).snapshot();
    assert_eq!(end.operations.failed, 0, "{:?}", end.operations);
    // Of the last second before the first, half had come to the copy at the second.
    assert_eq!(end.writes.lost, 50, "{:?}", end.writes);
    assert_eq!(end.faults[1].lost_writes, 50);
    assert!(end.faults[0].called_off.is_some() && end.faults[1].called_off.is_none());
}
