//! Versions of keys: whose they are, which is the newest that is held, and who reads an older one.

use crate::support::cases::{changed, figure, run};
use statescope::model::{Topology, file};
use statescope::sim::Sim;

/// Two systems that have nothing to do with each other, each with a database of its own.
const TWO: &str = r#"Topology(schema: 1, duration: "60s",
    nodes: {
        "shop": Clients(arrivals: Poisson("100/s"), mix: (read: 1, write: 1), keys: 100),
        "orders": Service(state: External(store: "db1")),
        "db1": SqlDatabase(),
        "blog": Clients(arrivals: Poisson("100/s"), mix: (read: 1, write: 1), keys: 100),
        "posts": Service(state: External(store: "db2")),
        "db2": SqlDatabase(),
    },
    links: ["shop -> orders", "blog -> posts"])"#;

fn of(text: &str, changes: &[(&str, &str)]) -> Sim {
    run(&topology(text, changes), 1)
}

fn topology(text: &str, changes: &[(&str, &str)]) -> Topology {
    changed(file::read(text, "keys").unwrap(), changes)
}

/// A store without copies answers with the newest there is, whatever others do that have nothing to do with it.
#[test]
fn the_same_key_elsewhere_is_another() {
    let reads_only = ("nodes.shop.mix", "(read: 1)");
    let direct = ("links", r#"["shop -> db1", "blog -> posts"]"#);
    for changes in [&[][..], &[reads_only], &[direct], &[reads_only, direct]] {
        let reads = of(TWO, changes).snapshot().reads;
        assert!(reads.total > 5_500, "{changes:?}");
        assert_eq!(reads.stale, 0, "{changes:?}");
    }
}

#[test]
fn keys_are_lost_at_each_store_by_themselves() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s",
        nodes: {
            "a": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 100, popularity: Uniform),
            "b": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 100, popularity: Uniform),
            "r1": RedisLike(persistence: None), "r2": RedisLike(persistence: None),
        },
        links: ["a -> r1", "b -> r2"], scenario: [At("50s", Crash("r1", 1)), At("51s", Crash("r2", 1))])"#;
    assert_eq!(figure(&of(text, &[]).results(), "writes.keys_lost"), 200.0);
    // Clients of one store share its keys.
    let shared = [("links", r#"["a -> r1", "b -> r1"]"#)];
    assert_eq!(
        figure(&of(text, &shared).results(), "writes.keys_lost"),
        100.0
    );
}

/// Callers cannot tell apart what a balancer chooses among: two services with one instance each are as one with two.
#[test]
fn services_behind_one_balancer_share_their_keys() {
    let stale = |text: &str| {
        let reads = of(text, &[]).snapshot().reads;
        assert!(reads.total > 1_000);
        reads.stale
    };
    let clients = r#""w": Clients(arrivals: Steady("100/s"), mix: (read: 1, write: 1), keys: 10, popularity: Uniform), "lb": LoadBalancer(health_checks: None)"#;
    let service = |n: u32| {
        format!(r#"Service(instances: {n}, service_time: Constant("1ms"), state: InMemory())"#)
    };
    let one = stale(&format!(
        r#"Topology(schema: 1, profile: Bare, duration: "30s", nodes: {{ {clients}, "a": {} }}, links: ["w -> lb", "lb -> a"])"#,
        service(2)
    ));
    let two = stale(&format!(
        r#"Topology(schema: 1, profile: Bare, duration: "30s", nodes: {{ {clients}, "a": {}, "b": {} }},
            links: ["w -> lb", "lb -> a", "lb -> b"])"#,
        service(1),
        service(1)
    ));
    assert!(one > 100);
    assert_eq!(one, two);
}

/// Versions go along when state moves, and come back when that is undone.
#[test]
fn versions_go_along_with_their_state() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s",
        nodes: {
            "w": Clients(arrivals: Steady("200/s"), mix: (read: 1, write: 1), keys: 200, popularity: Uniform, value_size: "64KiB"),
            "api": Service(workers: 100, service_time: Constant("1ms"), state: InMemory()),
            "r": RedisLike(persistence: None),
            "other": Clients(arrivals: Steady("50/s"), mix: (write: 1), keys: 200, popularity: Uniform),
            "else": RedisLike(),
        },
        links: ["w -> api", "api -> r", "other -> else"])"#;
    let there = r#"At("20s", Set("nodes.api.state", "External(store: \"r\")"))"#;
    for scenario in [
        format!("[{there}]"),
        format!(r#"[{there}, At("20.05s", Set("nodes.api.state", "InMemory()"))]"#),
        format!(r#"[{there}, At("40s", Set("nodes.api.state", "InMemory()"))]"#),
    ] {
        let sim = of(text, &[("scenario", &scenario)]);
        let snapshot = sim.snapshot();
        assert!(snapshot.reads.total > 5_500);
        assert_eq!(snapshot.reads.stale, 0, "{scenario}");
        assert_eq!(snapshot.writes.lost, 0, "{scenario}");
    }
    // All that has moved is lost with where it is, and each key once; readers then find what is left: nothing.
    let lost = format!(
        r#"[{there}, At("40s", Crash("r", 1)), At("41s", Restart("r", 1)), At("50s", Crash("api", 1))]"#
    );
    let results = of(text, &[("scenario", &lost)]).results();
    assert_eq!(figure(&results, "writes.keys_lost"), 200.0);
    assert_eq!(figure(&results, "reads.stale"), 0.0);
}

const FLEET: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "w": Clients(arrivals: Steady("200/s"), mix: (read: 0, write: 1), keys: 1, popularity: Uniform, timeout: "500ms"),
        "lb": LoadBalancer(health_checks: (interval: "10ms", timeout: "10ms", fall: 1, rise: 1), retries: 3),
        "api": Service(instances: 2, workers: 100, service_time: Constant("1ms"), state: InMemory(), backlog: 0),
    },
    links: ["w -> lb", "lb -> api"])"#;

/// Both instances have written every key; one dies and comes back empty. The other holds acknowledged versions, so each read
/// through the empty one is stale, and none through the other: half of 4,000.
#[test]
fn an_instance_that_has_forgotten_what_another_holds_answers_stale() {
    let sim = of(
        FLEET,
        &[
            ("nodes.w.arrivals", r#"Steady("100/s")"#),
            ("nodes.w.keys", "100"),
            ("nodes.lb.health_checks", "None"),
            (
                "scenario",
                r#"[At("20s", Set("nodes.w.mix", "(read: 1)")), At("20s", Crash("api", 1)), At("20s", Restart("api", 1))]"#,
            ),
        ],
    );
    let reads = sim.snapshot().reads;
    assert!(reads.total > 3_900);
    assert!(reads.stale.abs_diff(2_000) <= 3, "{reads:?}");
}

/// The second wrote 2,100 times to 1,000 keys, while the first hung; it holds 1 - exp(-2.1) of them, and hangs. The first
/// has lost all it wrote since: each read of those keys is stale, of 200 a second for 34.8 s.
#[test]
fn what_is_held_and_cannot_be_reached_makes_reads_stale() {
    let sim = of(
        FLEET,
        &[
            (
                "nodes.api.state",
                r#"InMemory(snapshot_every: "1h", snapshot_rate: "unlimited")"#,
            ),
            (
                "scenario",
                r#"[At("4s", Hang("api", 1)), At("4.5s", Set("nodes.w.keys", "1000")), At("15s", Hang("api", 2)),
                    At("15.1s", Resume("api", 1)), At("25s", Set("nodes.w.mix", "(read: 1)")), At("25.1s", Crash("api", 1)),
                    At("25.2s", Restart("api", 1))]"#,
            ),
        ],
    );
    let expected = 200.0 * 34.8 * (1.0 - libm::exp(-2.1));
    let stale = sim.snapshot().reads.stale as f64;
    assert!((stale - expected).abs() < 300.0, "{stale}, {expected}");
}

/// The first wrote the keys later than the second, and has lost that: the second has the newest that is held.
#[test]
fn a_lost_version_makes_no_older_one_stale() {
    let sim = of(
        FLEET,
        &[
            (
                "nodes.api.state",
                r#"InMemory(snapshot_every: "30s", snapshot_rate: "unlimited")"#,
            ),
            (
                "scenario",
                r#"[At("31s", Hang("api", 1)), At("31.5s", Set("nodes.w.keys", "1000")), At("45s", Resume("api", 1)),
                    At("45s", Hang("api", 2)), At("50s", Crash("api", 1)), At("50s", Set("nodes.w.mix", "(read: 1)")),
                    At("50.2s", Resume("api", 2))]"#,
            ),
        ],
    );
    let reads = sim.snapshot().reads;
    assert!(reads.total > 1_900);
    assert_eq!(reads.stale, 0);
}
