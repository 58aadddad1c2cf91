//! Partitioned state: who answers for a key, what is forwarded, and what goes where when instances come and go.

use crate::support::cases::{figure, read_with, run, until};
use statescope::model::{Command, Topology};
use statescope::sim::snapshot::What;

/// A thousand keys of 1 MiB over four instances, asked in turn: three of four requests come to another than their key's.
const SPREAD: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "clients": Clients(arrivals: Steady("1000/s"), mix: (read: 1, write: 1), keys: 1000, popularity: Uniform, value_size: "1MiB"),
        "api": Service(instances: 4, workers: 1000, service_time: Constant("1ms"), state: InMemory(partitioning: Rendezvous)),
    },
    links: ["clients -> api"])"#;

fn spread(changes: &[(&str, &str)]) -> Topology {
    read_with(SPREAD, changes)
}

const SCHEMES: [(&str, f64); 3] = [
    ("Modulo", 0.8),
    ("ConsistentHash(virtual_nodes: 100)", 0.2),
    ("Rendezvous", 0.2),
];

#[test]
fn every_request_finds_its_key_and_others_forward_it() {
    for (scheme, _) in SCHEMES {
        let sim = run(&spread(&[("nodes.api.state.partitioning", scheme)]), 1);
        let (snapshot, results) = (sim.snapshot(), sim.results());
        assert_eq!(snapshot.reads.stale, 0, "{scheme}");
        assert_eq!(snapshot.operations.failed, 0, "{scheme}");
        let forwarded = figure(&results, "links.api->api.messages_per_s") / 2.0;
        // Of 1,000 a second three quarters, within 3.5 standard errors of 60,000.
        assert!((forwarded - 750.0).abs() < 6.2, "{scheme}: {forwarded}");
        // Whoever forwards does not work on it.
        let busy = figure(&results, "nodes.api.utilisation") * 4000.0;
        assert!((busy - 1.0).abs() < 0.01, "{scheme}: {busy}");
    }
}

#[test]
fn a_forward_takes_the_way_there_and_back() {
    let changes = [
        ("profile", "Standard"),
        ("nodes.api.instances", "2"),
        ("nodes.api.zones", r#"["a", "b"]"#),
        ("zone_latency", "10ms"),
        ("nodes.clients.value_size", "1B"),
        ("nodes.clients.timeout", "1s"),
    ];
    let results = run(&spread(&changes), 1).results();
    // Half of them are 2 x (10 ms + 0.125 ms) later.
    let mean = figure(&results, "response_time_s.mean");
    let (plain, p99) = (0.001, figure(&results, "response_time_s.p99"));
    assert!((mean - plain - 0.5 * 0.020_25).abs() < 0.000_2, "{mean}");
    assert!((p99 - plain - 0.020_25).abs() < 0.000_2, "{p99}");
}

#[test]
fn keys_of_a_dead_owner_wait_for_it() {
    let changes = [
        (
            "nodes.api.state",
            "LocalDisk(fsync: Always, fsync_time: \"0s\", read_time: \"0s\", write_time: \"0s\", partitioning: Rendezvous)",
        ),
        (
            "scenario",
            r#"[At("20s", Crash("api", 2)), At("30s", Restart("api", 2))]"#,
        ),
    ];
    let sim = run(&spread(&changes), 1);
    let counts = sim.snapshot();
    // A quarter of ten seconds; those that come to it fail as well.
    let owned = counts.operations.failed as f64 / 10_000.0;
    let expected = 0.25 + 0.75 * 0.25;
    assert!((owned - expected).abs() < 0.05, "{owned}");
    assert_eq!((counts.writes.lost, counts.reads.stale), (0, 0));
    let causes = figure(&sim.results(), "operations.by_cause.store_unavailable");
    assert!((causes / 10_000.0 - 0.75 * 0.25).abs() < 0.04, "{causes}");
}

#[test]
fn what_an_owner_alone_held_dies_with_it() {
    let mut sim = until(&spread(&[]), 1, 20_000);
    let held = sim.snapshot().nodes[1].instances[1].writes;
    assert!(held > 2000);
    let crash = Command::Crash("api".into(), 2);
    sim.apply(&crash).unwrap();
    assert_eq!(sim.snapshot().writes.lost, held);
}

#[test]
fn its_copy_takes_over_for_its_keys() {
    let changes = [
        (
            "nodes.api.state",
            r#"InMemory(partitioning: Rendezvous, replication: Asynchronous(lag: "1ms"), down_after: "2s")"#,
        ),
        (
            "scenario",
            r#"[At("20s", Crash("api", 2)), At("40s", Restart("api", 2))]"#,
        ),
        ("nodes.clients.value_size", "1B"),
    ];
    let sim = until(&spread(&changes), 1, 23_000);
    let before = sim.snapshot().operations.failed;
    let end = run(&spread(&changes), 1).snapshot();
    assert_eq!(end.writes.lost, 0);
    assert_eq!(end.reads.stale, 0);
    // Without a balancer what comes to the dead one fails until it is back, and nothing else does.
    let later = (end.operations.failed - before) as f64 / 17_000.0;
    assert!((later - 0.25).abs() < 0.02, "{later}");
}

/// The scenario adds an instance at 30 s, when all thousand keys have been written; they go at ten a second.
fn grown(scheme: &str, more: &str) -> Topology {
    let scenario = format!(r#"[At("30s", AddInstances("api", 1)){more}]"#);
    spread(&[
        ("nodes.api.state.partitioning", scheme),
        ("nodes.api.rebalance_rate", "10MiB/s"),
        ("scenario", &scenario),
    ])
}

#[test]
fn keys_go_to_whoever_is_new_over_the_network() {
    for (scheme, expected) in SCHEMES {
        let sim = run(&grown(scheme, ""), 1);
        let results = sim.results();
        let row = |name: &str| figure(&results, &format!("rebalances[0].{name}"));
        assert_eq!(row("keys"), 1000.0);
        let moved = row("moved");
        // A ring's shares differ more than those of a thousand keys.
        let within = if scheme.starts_with('C') { 70.0 } else { 45.0 };
        assert!(
            (moved - 1000.0 * expected).abs() < within,
            "{scheme}: {moved}"
        );
        assert_eq!(row("bytes"), moved * 1_048_576.0);
        // It gets one part at a time; where keys go between the others as well, those send and get beside that.
        let took = row("duration_s");
        if expected < 0.5 {
            assert!((took - moved / 10.0).abs() < 0.001, "{scheme}: {took}");
        } else {
            assert!(
                took >= moved / 50.0 && took < moved / 10.0,
                "{scheme}: {took}"
            );
        }
        assert_eq!(row("unavailable_s"), 0.0);
        let end = sim.snapshot();
        assert_eq!(
            (end.writes.lost, end.reads.stale, end.operations.failed),
            (0, 0, 0)
        );
        let held = &end.nodes[1].instances[4];
        assert!(held.writes > 1000, "{scheme}: {held:?}");
        let told = |what: fn(&What) -> bool| end.happenings.iter().any(|h| what(&h.what));
        assert!(told(|w| matches!(w, What::Rebalancing { keys: 1000, .. })));
        assert!(told(|w| matches!(w, What::Rebalanced { .. })));
    }
}

#[test]
fn each_key_is_where_it_was_until_it_has_gone() {
    // A new instance that dies has nothing of what was on its way, and has what came.
    let topology = grown("Rendezvous", "");
    for (ms, some) in [(30_500, false), (32_000, false), (60_000, true)] {
        let mut sim = until(&topology, 1, ms);
        let held = sim.snapshot().nodes[1].instances[4].writes;
        let before = sim.snapshot().writes.held;
        sim.apply(&Command::Crash("api".into(), 5)).unwrap();
        let writes = sim.snapshot().writes;
        assert_eq!(
            (writes.lost, writes.held + writes.lost),
            (held, before),
            "{ms}"
        );
        assert_eq!(held > 500, some, "{ms}: {held}");
    }
}

#[test]
fn a_rebalance_waits_for_an_end_that_is_not_there() {
    let hangs = |instance: u32| {
        format!(r#", At("31s", Hang("api", {instance})), At("36s", Resume("api", {instance}))"#)
    };
    let row = |more: &str| {
        let results = run(&grown("Rendezvous", more), 1).results();
        ["duration_s", "unavailable_s"].map(|f| figure(&results, &format!("rebalances[0].{f}")))
    };
    let [plain, none] = row("");
    assert_eq!(none, 0.0);
    // Whoever gets everything: all stands still, and whoever had it answers.
    let [took, out] = row(&hangs(5));
    assert!((took - plain - 5.0).abs() < 0.001, "{plain} {took}");
    assert_eq!(out, 0.0);
    // One of those who send: the others go first, and its keys are out of reach.
    let [took, out] = row(&hangs(1));
    assert!((took - plain).abs() < 0.001, "{plain} {took}");
    assert_eq!(out, 5.0);
}

#[test]
fn a_scale_in_loses_what_it_drops_and_nothing_that_moves() {
    let scenario = r#"[At("30s", RemoveInstances("api", 1))]"#;
    let changes = |handover| {
        [
            ("nodes.api.handover", handover),
            ("nodes.api.rebalance_rate", "100MiB/s"),
            ("nodes.api.drain_time", "30s"),
            ("scenario", scenario),
        ]
    };
    let held = until(&spread(&changes("Drop")), 1, 30_000).snapshot().nodes[1].instances[3].writes;
    let dropped = run(&spread(&changes("Drop")), 1).snapshot();
    let lost = dropped.writes.lost;
    assert!(lost >= held && lost < held + 10, "{lost} of {held}");
    let sim = run(&spread(&changes("Move")), 1);
    let moved = sim.snapshot();
    assert_eq!((moved.writes.lost, moved.reads.stale), (0, 0));
    assert_eq!(moved.operations.failed, 0);
    let keys = figure(&sim.results(), "rebalances[0].moved");
    assert!((keys - 250.0).abs() < 45.0, "{keys}");
    // Too little time to move: what has not gone is dropped.
    let short = [
        ("nodes.api.drain_time", "1s"),
        ("nodes.api.rebalance_rate", "10MiB/s"),
    ];
    let mut topology = spread(&changes("Move"));
    for (path, value) in short {
        topology.set_path(path, value).unwrap();
    }
    let short = run(&topology, 1).snapshot().writes.lost;
    assert!(short > 0 && short <= held + 600, "{short}");
}

#[test]
fn a_drained_deployment_that_moves_loses_nothing() {
    let scenario = r#"[At("30s", Deploy("api", Drained))]"#;
    let changes = |handover| {
        [
            ("nodes.api.handover", handover),
            ("nodes.api.boot_time", "1s"),
            ("nodes.clients.value_size", "1KiB"),
            ("scenario", scenario),
        ]
    };
    let moved = run(&spread(&changes("Move")), 1).snapshot();
    assert_eq!((moved.writes.lost, moved.reads.stale), (0, 0));
    assert!(moved.nodes[1].instances.iter().all(|i| i.writes > 0));
    let dropped = run(&spread(&changes("Drop")), 1).snapshot();
    assert!(dropped.writes.lost > 8000, "{:?}", dropped.writes);
}

#[test]
fn a_placement_becomes_partitioned_and_back_while_it_runs() {
    let set = |at: &str, value: &str| {
        format!(r#"At("{at}", Set("nodes.api.state.partitioning", "{value}"))"#)
    };
    let scenario = format!(
        "[{}, {}, {}, {}]",
        set("20s", "ConsistentHash()"),
        set("30s", "Modulo"),
        set("40s", "None"),
        set("50s", "Rendezvous")
    );
    let changes = [
        ("nodes.api.state.partitioning", "None"),
        ("nodes.clients.value_size", "1KiB"),
        ("scenario", scenario.as_str()),
    ];
    let end = run(&spread(&changes), 1).snapshot();
    assert_eq!(end.writes.lost, 0);
    let after = until(&spread(&changes), 1, 21_000).snapshot().reads;
    let before_none = until(&spread(&changes), 1, 39_900).snapshot().reads;
    assert_eq!(after.stale, before_none.stale, "each key has one place");
    assert!(end.reads.stale > before_none.stale, "and then it has not");
}

#[test]
fn a_hot_key_makes_its_owner_busy() {
    let of = |popularity: &str| {
        let changes = [
            ("nodes.clients.popularity", popularity),
            ("nodes.clients.keys", "10000"),
        ];
        figure(
            &run(&spread(&changes), 1).results(),
            "nodes.api.busiest_share",
        )
    };
    let (even, hot) = (of("Uniform"), of("Zipf(1.2)"));
    assert!(even < 1.15 && hot > 1.3, "{even} {hot}");
}
