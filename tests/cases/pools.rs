//! Pools of connections to a store: what waits for one, what idle ones take from others, and what is left of them after a
//! failover.

use crate::support::cases::{figure, mean_and_error, read_with, run, until};
use statescope::model::Topology;
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

const SECOND: u64 = 1_000_000_000;

/// Reads that take a store 10 ms, from one instance.
const ONE: &str = r#"Topology(schema: 1, profile: Bare, duration: "100s",
    nodes: {
        "clients": Clients(arrivals: Poisson("80/s"), mix: (read: 1)),
        "api": Service(workers: 1000, service_time: Constant("0s"), state: External(store: "db"), pool: (size: 1)),
        "db": SqlDatabase(read_time: "10ms", write_time: "10ms", commit_time: "0s"),
    },
    links: ["clients -> api", "api -> db"])"#;

fn one(changes: &[(&str, &str)]) -> Topology {
    read_with(ONE, changes)
}

#[test]
fn one_connection_is_a_queue_with_one_server() {
    // M/D/1: the wait is that of Pollaczek and Khinchine, s rho / 2 (1 - rho).
    let (service, load) = (0.01, 0.8);
    let expected = service + service * load / (2.0 * (1.0 - load));
    let times: Vec<f64> = (0..30)
        .map(|seed| figure(&run(&one(&[]), seed).results(), "response_time_s.mean"))
        .collect();
    let (mean, error) = mean_and_error(&times);
    assert!(
        (mean - expected).abs() < 3.5 * error,
        "{mean} +- {error}, not {expected}"
    );
}

#[test]
fn without_a_pool_nothing_waits() {
    let end = run(&one(&[("nodes.api.pool", "None")]), 1).results();
    assert!((figure(&end, "response_time_s.mean") - 0.01).abs() < 1e-9);
}

#[test]
fn what_waits_too_long_for_a_connection_fails() {
    // Two at once, at each of 99 seconds: the second has to wait 10 ms.
    let at_once = |limit: &str| {
        let pool = format!(r#"(size: 1, acquire_timeout: "{limit}")"#);
        let changes = [
            ("nodes.clients.arrivals", r#"Steady("1/s")"#),
            (
                "nodes.more",
                r#"Clients(arrivals: Steady("1/s"), mix: (read: 1))"#,
            ),
            ("links", r#"["clients -> api", "more -> api", "api -> db"]"#),
            ("nodes.api.pool", pool.as_str()),
            ("duration", "\"99500ms\""),
        ];
        run(&one(&changes), 1).results()
    };
    let enough = at_once("11ms");
    assert_eq!(figure(&enough, "operations.failed"), 0.0);
    assert_eq!(figure(&enough, "nodes.api.pool.waited"), 99.0);
    assert_eq!(figure(&enough, "nodes.api.pool.opened"), 1.0);
    let short = at_once("9ms");
    assert_eq!(
        figure(&short, "operations.by_cause.store_unavailable"),
        99.0
    );
    assert_eq!(figure(&short, "nodes.api.pool.timed_out"), 99.0);
}

/// A peak at `a`, and requests to `b` all the time: both keep their state in one database with 100 connections.
const TWO: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "peak": Clients(arrivals: Steady("8000/s"), mix: (read: 1)),
        "others": Clients(arrivals: Steady("3000/s"), mix: (read: 1)),
        "a": Service(workers: 1000, service_time: Constant("0s"), state: External(store: "db")),
        "b": Service(workers: 1000, service_time: Constant("0s"), state: External(store: "db")),
        "db": SqlDatabase(read_time: "10ms"),
    },
    links: ["peak -> a", "others -> b", "a -> db", "b -> db"],
    scenario: [At("1s", Set("nodes.peak.arrivals", "Steady(\"10/s\")")), At("1s", Set("nodes.others.arrivals", "Steady(\"3000/s\")"))])"#;

fn two(pool: &str) -> Sim {
    let changes = [
        ("nodes.a.pool", pool),
        ("nodes.others.arrivals", r#"Steady("10/s")"#),
    ];
    run(&read_with(TWO, &changes), 1)
}

#[test]
fn idle_connections_are_refused_to_others() {
    // 80 at once at the peak, then 30 at once from the others.
    assert_eq!(figure(&two("None").results(), "operations.failed"), 0.0);
    let end = two("(size: 90)").results();
    let refused = figure(&end, "operations.by_cause.store_unavailable");
    // 80 stay open, 20 are left for the thirty that come every 10 ms: a third is refused, for 59 s.
    assert!((refused - 59_000.0).abs() < 600.0, "{refused}");
    // A smaller pool leaves enough to the others.
    let end = two("(size: 60)").results();
    assert_eq!(figure(&end, "operations.failed"), 0.0);
    assert!(figure(&end, "nodes.a.pool.waited") > 0.0);
}

#[test]
fn many_small_pools_are_more_than_the_database_has() {
    let opened = |size: &str| {
        let changes = [
            ("nodes.clients.arrivals", r#"Steady("20000/s")"#),
            ("nodes.api.instances", "20"),
            ("nodes.api.pool", size),
            ("nodes.db.read_time", "\"40ms\""),
            ("duration", "\"2s\""),
        ];
        run(&one(&changes), 1).results()
    };
    let many = opened("(size: 20)");
    assert!(figure(&many, "nodes.api.pool.refused") > 0.0);
    let few = opened("(size: 5)");
    assert_eq!(figure(&few, "nodes.api.pool.refused"), 0.0);
    assert_eq!(figure(&few, "nodes.api.pool.opened"), 100.0);
}

/// Ten connections in use at a time, and a replica that is promoted three seconds after the machine of the primary is gone.
fn failover(pool: &str, fault: &str) -> Sim {
    let scenario = format!(r#"[At("20s", {fault})]"#);
    let changes = [
        ("nodes.clients.arrivals", r#"Steady("1000/s")"#),
        ("nodes.api.call_timeout", "\"1s\""),
        ("nodes.api.pool", pool),
        (
            "nodes.db.replication",
            r#"Asynchronous(replicas: 1, lag: "1ms")"#,
        ),
        ("nodes.db.down_after", "\"2s\""),
        ("nodes.db.promotion_time", "\"1s\""),
        ("scenario", scenario.as_str()),
        ("duration", "\"60s\""),
    ];
    run(&one(&changes), 1)
}

#[test]
fn after_a_failover_dead_connections_are_found_one_by_one() {
    let lost = r#"LoseMachine("db", 1)"#;
    let opened = |sim: &Sim| figure(&sim.results(), "nodes.api.pool.opened");
    let one_by_one = failover("(size: 10)", lost);
    // Each of the ten is opened anew: most of them more than once, while nobody answers.
    assert!(opened(&one_by_one) >= 20.0, "{}", opened(&one_by_one));
    let failed = |sim: &Sim| figure(&sim.results(), "operations.failed");
    // A planned failover leaves ten connections to one that does not answer for the store any more.
    let planned = r#"Failover("db")"#;
    assert_eq!(failed(&failover("None", planned)), 0.0);
    assert_eq!(failed(&failover("(size: 10)", planned)), 10.0);
}

#[test]
fn an_old_connection_is_not_used_again() {
    let pool = r#"(size: 10, lifetime: "5s")"#;
    let end = failover(pool, r#"AddInstances("api", 1)"#).results();
    assert_eq!(figure(&end, "operations.failed"), 0.0);
    // Ten every five seconds for a minute, and as many where half of the requests go from the twentieth second on.
    let opened = figure(&end, "nodes.api.pool.opened");
    assert!((110.0..=220.0).contains(&opened), "{opened}");
}

#[test]
fn pools_stand_whatever_happens_to_those_that_have_them() {
    let scenario = r#"[
        At("5s", Crash("api", 1)), At("6s", Restart("api", 1)), At("10s", Hang("api", 2)), At("14s", Resume("api", 2)),
        At("16s", Crash("db", 1)), At("18s", Restart("db", 1)), At("22s", Set("nodes.api.pool", "None")),
        At("24s", Set("nodes.api.pool", "Some((size: 2))")), At("26s", Hang("db", 1)), At("29s", Resume("db", 1)),
        At("32s", Deploy("api", Drained)), At("40s", LoseMachine("api", 1)), At("42s", Set("nodes.api.instances", "1")),
        At("44s", Set("nodes.db.connections", "3")), At("46s", Remove("db")),
    ]"#;
    let changes = [
        ("nodes.clients.arrivals", r#"Poisson("2000/s")"#),
        ("nodes.clients.timeout", "\"500ms\""),
        ("nodes.clients.cancel", "true"),
        ("nodes.api.instances", "3"),
        ("nodes.api.pool", "(size: 8, acquire_timeout: \"100ms\")"),
        ("nodes.api.call_timeout", "\"300ms\""),
        ("scenario", scenario),
    ];
    let topology = one(&changes);
    for seed in 0..5 {
        let mut sim = until(&topology, seed, 0);
        for tenth in 0..600 {
            sim.run_until(Duration(tenth * SECOND / 10));
            let faults = sim.audit().faults;
            assert_eq!(faults, Vec::<String>::new(), "seed {seed}, {tenth} tenths");
        }
    }
    let again = |live: bool| {
        let mut sim = Sim::new(&topology, 1, Watch { live });
        sim.run_until(Duration(50 * SECOND));
        sim.results()
    };
    assert_eq!(again(false), again(true));
}
