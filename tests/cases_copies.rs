//! Copies: what a stop that was told beforehand leaves to them, and what one that takes over goes on with.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

mod support;

use statescope::model::{Topology, file};
use statescope::sim::snapshot::What;
use support::cases::{changed, run};

/// Four instances that keep what is written through them in memory, each with one copy on the next.
const FLEET: &str = r#"Topology(schema: 1, duration: "120s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 1000, popularity: Uniform),
        "lb": LoadBalancer(health_checks: (interval: "500ms")),
        "api": Service(instances: 4, service_time: Constant("2ms"), warm_up: "0s", boot_time: "2s", drain_time: "1s",
            deployment: (max_surge: "0%", max_unavailable: "25%"),
            state: InMemory(replication: Asynchronous(replicas: 1, lag: "10ms"), down_after: "2s")),
    },
    links: ["clients -> lb", "lb -> api"])"#;

fn fleet(changes: &[(&str, &str)]) -> Topology {
    changed(file::read(FLEET, "fleet").unwrap(), changes)
}

/// Runs to the end with a few seeds: nothing is lost, and deployments come to their end.
fn loses_nothing(changes: &[(&str, &str)]) {
    let topology = fleet(changes);
    let deploys = changes.iter().any(|c| c.1.contains("Deploy"));
    for seed in 1..=4 {
        let snapshot = run(&topology, seed).snapshot();

        assert!(snapshot.writes.acknowledged > 8_000);
        assert_eq!(snapshot.writes.lost, 0, "{changes:?}, seed {seed}");
        assert_eq!(snapshot.writes.unavailable, 0, "{changes:?}, seed {seed}");
        let over =
            |h: &statescope::sim::snapshot::Happening| matches!(h.what, What::Deployed { .. });
        let over = snapshot.happenings.iter().any(over);
        assert_eq!(over, deploys, "{changes:?}, seed {seed}");
    }
}

const DEPLOY: &str = r#"[At("20s", Deploy("api", Drained))]"#;

#[test]
fn a_drained_deployment_waits_for_what_only_a_copy_has() {
    // The second has the only copy of what the first had, and nobody has taken over yet.
    let crashed = r#"[At("18s", Crash("api", 1)), At("20s", Deploy("api", Drained))]"#;
    for down_after in ["3s", "20s", "60s"] {
        loses_nothing(&[
            ("scenario", crashed),
            ("nodes.api.state.down_after", down_after),
        ]);
    }
    // With surge, its replacement has booted meanwhile.
    loses_nothing(&[
        ("scenario", crashed),
        ("nodes.api.state.down_after", "20s"),
        (
            "nodes.api.deployment",
            r#"(max_surge: "25%", max_unavailable: "0%")"#,
        ),
    ]);
    // The drain is over before the stream is.
    loses_nothing(&[
        ("scenario", DEPLOY),
        ("nodes.api.state.replication.lag", "5s"),
    ]);
}

#[test]
fn a_drained_deployment_waits_until_what_was_promoted_is_copied() {
    // 1,000 keys of 1 MiB: some 10 s for each copy.
    let big = ("nodes.clients.value_size", "1MiB");
    loses_nothing(&[("scenario", DEPLOY), big, ("duration", "300s")]);
    // Two at a time, of which one has the copy of the other.
    for drain_time in ["0s", "30s"] {
        loses_nothing(&[
            ("scenario", DEPLOY),
            big,
            ("duration", "300s"),
            ("nodes.api.drain_time", drain_time),
            (
                "nodes.api.deployment",
                r#"(max_surge: "0%", max_unavailable: "50%")"#,
            ),
        ]);
    }
}

#[test]
fn a_drained_deployment_waits_for_an_instance_that_comes_back_to_hold_a_copy() {
    loses_nothing(&[
        ("nodes.api.instances", "2"),
        ("nodes.api.restart_after", "Some(\"4s\")"),
        (
            "nodes.api.deployment",
            r#"(max_surge: "50%", max_unavailable: "0%")"#,
        ),
        (
            "scenario",
            r#"[At("10s", Crash("api", 1)), At("12100ms", Deploy("api", Drained))]"#,
        ),
    ]);
}

#[test]
fn instances_that_leave_together_leave_everything_to_those_that_stay() {
    for n in 1..=3 {
        let scenario = format!(r#"[At("20s", RemoveInstances("api", {n}))]"#);
        loses_nothing(&[("scenario", &scenario), ("nodes.api.drain_time", "30s")]);
    }
}

// What a copy that has taken over does without a further write.

/// A store whose machines go one after the other, the second long after the last write: what the copy had by then it has
/// synced on its own disk.
#[test]
fn a_copy_that_takes_over_syncs_without_a_further_write() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("1000/s"), mix: (write: 1)),
            "store": RedisLike(command_time: "0s", persistence: AppendOnly(EverySecond), fsync_time: "900ms",
                replication: Asynchronous(replicas: 1, lag: "1ms"), down_after: "500ms", promotion_time: "0s"),
        },
        links: ["clients -> store"],
        scenario: [
            At("10s", Set("nodes.clients.arrivals", "Steady(\"0.01/s\")")),
            At("10010ms", LoseMachine("store", 1)),
            At("15s", LoseMachine("store", 2)),
        ])"#;
    let topology = file::read(text, "this test").unwrap();
    for seed in 1..=20 {
        let writes = run(&topology, seed).snapshot().writes;
        assert!(writes.acknowledged >= 9_990, "{writes:?}");
        assert_eq!(writes.lost, 0, "seed {seed}");
    }
}

#[test]
fn a_copy_that_takes_over_makes_a_snapshot_without_a_further_write() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "30s",
        nodes: {
            "clients": Clients(arrivals: Steady("1000/s"), mix: (write: 1)),
            "lb": LoadBalancer(),
            "api": Service(instances: 2, workers: 10, service_time: Constant("0s"),
                state: InMemory(snapshot_every: "1s", snapshot_rate: "unlimited", snapshot_to: Volume,
                    replication: Asynchronous(replicas: 1, lag: "1ms"), down_after: "2s")),
        },
        links: ["clients -> lb", "lb -> api"],
        scenario: [
            At("10s", Set("nodes.clients.arrivals", "Steady(\"0.01/s\")")),
            At("10010ms", LoseMachine("api", 1)),
            At("20s", LoseMachine("api", 2)),
        ])"#;
    let topology = file::read(text, "this test").unwrap();
    for seed in 1..=5 {
        let writes = run(&topology, seed).snapshot().writes;
        assert!(writes.acknowledged >= 9_990, "{writes:?}");
        assert_eq!(writes.lost, 0, "seed {seed}");
    }
}

// Acknowledgements that come late.

/// What was written before a change of place, and is acknowledged after it, is where the rest has gone: and dies there.
#[test]
fn a_write_that_has_moved_on_before_its_acknowledgement_is_lost_where_it_went() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
            "api": Service(instances: 1, workers: 10, service_time: Constant("0s"), state: InMemory()),
            "store": RedisLike(command_time: "0s", persistence: None),
        },
        links: [Link(path: "clients -> api", latency: "1s")],
        scenario: [
            At("10s", Set("nodes.api.state", "External(store: \"store\")")),
            At("10500ms", Crash("store", 1)),
        ])"#;
    let topology = file::read(text, "this test").unwrap();
    let writes = run(&topology, 1).snapshot().writes;
    // Sent from the start until 1 s before the crash.
    assert!((948..=952).contains(&writes.acknowledged), "{writes:?}");
    assert_eq!((writes.held, writes.lost), (0, writes.acknowledged));
}

#[test]
fn a_copy_has_what_it_was_filled_with_however_long_the_stream_takes() {
    // 25 writes a second on each instance, 33 while another is gone. The copy is filled 2 s before the machine is lost:
    // what was written from then on is still under way, and nothing else.
    let replication = r#"Asynchronous(replicas: 1, lag: "5s")"#;
    let later = format!(
        r#"[At("20s", Set("nodes.api.state.replication", {replication:?})), At("22s", LoseMachine("api", 1))]"#
    );
    let anew = r#"[At("20s", LoseMachine("api", 2)), At("21s", Restart("api", 2)), At("25s", LoseMachine("api", 1))]"#;
    for (at_first, scenario) in [("None", later.as_str()), (replication, anew)] {
        let topology = fleet(&[
            ("nodes.api.state.replication", at_first),
            ("scenario", scenario),
        ]);
        for seed in 1..=4 {
            let faults = run(&topology, seed).snapshot().faults;
            let lost = faults.last().unwrap().lost_writes;
            assert!((48..=70).contains(&lost), "{scenario}, seed {seed}: {lost}");
        }
    }
}
