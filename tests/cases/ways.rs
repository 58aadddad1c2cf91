//! What travels beside requests, between copies and to other places, goes over the same network: zones are apart, ways are
//! slow, lossy or cut. The figures follow from arithmetic.

use crate::support::cases::{figure, read_with, run, until};
use statescope::sim::Sim;
use statescope::sim::snapshot::Role;

/// A thousand writes a second to a store in zone a, with a copy in zone b.
const COPIED: &str = r#"Topology(schema: 1, profile: Bare, duration: "30s",
    nodes: {
        "clients": Clients(arrivals: Steady("1000/s"), mix: (write: 1)),
        "api": Service(workers: 100, service_time: Constant("0s"), zones: ["a"], state: External(store: "db")),
        "db": RedisLike(persistence: None, command_time: "0s", zones: ["a", "b"],
            replication: Asynchronous(lag: "5ms"), down_after: "1s", promotion_time: "1s"),
    },
    links: ["clients -> api"])"#;

fn copied(changes: &[(&str, &str)], scenario: &str) -> Sim {
    let scenario = format!("[{scenario}]");
    let changes = [changes, &[("scenario", &*scenario)]].concat();
    run(&read_with(COPIED, &changes), 1)
}

fn lost(changes: &[(&str, &str)], scenario: &str) -> u64 {
    copied(changes, scenario).snapshot().writes.lost
}

fn near(found: u64, right: u64) -> bool {
    found.abs_diff(right) <= 1
}

const DIES: &str = r#"At("20s", LoseMachine("db", 1))"#;

#[test]
fn a_copy_in_another_zone_is_as_much_later_as_zones_are_apart() {
    assert!(near(lost(&[], DIES), 5));
    let far = lost(&[("zone_latency", "45ms")], DIES);
    assert!(near(far, 50), "{far}");
    // Without a lag of its own, too.
    let far = [("zone_latency", "45ms"), ("nodes.db.replication.lag", "0s")];
    assert!(near(lost(&far, DIES), 45));
    let same = [
        ("zone_latency", "45ms"),
        ("nodes.db.zones", r#"["a", "a"]"#),
    ];
    assert!(near(lost(&same, DIES), 5));
}

#[test]
fn a_slow_or_lossy_way_makes_a_copy_late_until_it_is_healed() {
    for (trouble, right) in [
        (r#"Slow("db.1 -> db.2", 20)"#, 100),
        (r#"Lose("db.1 -> db.2", "90%")"#, 50),
        (r#"Slow("@a -> @b", 10)"#, 50),
    ] {
        let lost_now = lost(&[], &format!(r#"At("10s", {trouble}), {DIES}"#));
        assert!(near(lost_now, right), "{trouble}: {lost_now}");
    }
    let healed =
        format!(r#"At("10s", Slow("db.1 -> db.2", 20)), At("15s", Heal("db.1 -> db.2")), {DIES}"#);
    assert!(near(lost(&[], &healed), 5));
    // What has come stays, and what comes takes its time.
    let slow = format!(r#"At("19.5s", Slow("db.1 -> db.2", 1000)), {DIES}"#);
    assert!(near(lost(&[], &slow), 505), "{}", lost(&[], &slow));
}

#[test]
fn a_process_that_dies_leaves_what_its_kernel_sends_however_far_it_goes() {
    let far = [("zone_latency", "400ms")];
    let dies = r#"At("20s", Crash("db", 1))"#;
    assert_eq!(lost(&far, dies), 0);
    let nothing = [
        ("zone_latency", "400ms"),
        ("nodes.db.replication.send_buffer", "0B"),
    ];
    assert!(near(lost(&nothing, dies), 405), "{}", lost(&nothing, dies));
}

#[test]
fn an_acknowledgement_of_another_zone_comes_from_there() {
    let mean = |changes: &[(&str, &str)]| {
        let sync = [
            ("zone_latency", "4ms"),
            ("nodes.db.replication", r#"Synchronous(lag: "1ms")"#),
        ];
        let sim = copied(&[&sync, changes].concat(), "");
        figure(&sim.results(), "response_time_s.mean")
    };
    let near = |found: f64, right: f64| (found - right).abs() < 1e-6;
    assert!(near(mean(&[]), 0.009), "{}", mean(&[]));
    // The nearer of two is enough, if one is.
    let one_of_two = [
        ("nodes.db.replication.replicas", "2"),
        ("nodes.db.zones", r#"["a", "b", "a"]"#),
    ];
    assert!(near(mean(&one_of_two), 0.001));
    let both = [
        &one_of_two[..],
        &[("nodes.db.replication.acknowledgements", "2")],
    ]
    .concat();
    assert!(near(mean(&both), 0.009));
}

/// A service that keeps 1,000 MiB in its memory, and has a store at hand from 10 s on.
const MOVING: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 50, value_size: "20MiB", timeout: "500ms"),
        "api": Service(workers: 100, service_time: Constant("0s"), state: InMemory()),
        "db": RedisLike(persistence: None, command_time: "0s"),
    },
    links: ["clients -> api", Link(path: "api -> db", bandwidth: "unlimited")])"#;

/// Whether all had moved at that time: what is still in memory dies with its process.
fn has_moved(scenario: &str, at: &str) -> bool {
    let scenario = format!(
        r#"[At("10s", Set("nodes.clients.mix", "(read: 1)")), At("10s", Set("nodes.api.state", "External(store: \"db\")")),
            {scenario} At("{at}", Crash("api", 1))]"#
    );
    let moving = read_with(MOVING, &[("scenario", &*scenario)]);
    let lost = run(&moving, 1).snapshot().writes.lost;
    assert!(lost <= 1 || lost >= 899, "{lost}");
    lost <= 1
}

#[test]
fn a_move_goes_as_fast_as_the_way_lets_it_and_stands_still_where_that_is_cut() {
    let takes = |scenario: &str, until: f64| {
        let (before, after) = (format!("{}s", until - 0.1), format!("{}s", until + 0.1));
        assert!(!has_moved(scenario, &before), "{scenario} {before}");
        assert!(has_moved(scenario, &after), "{scenario} {after}");
    };
    takes("", 20.0);
    takes(r#"At("9s", Slow("api -> db", 2)),"#, 30.0);
    takes(r#"At("15s", Slow("api -> db", 2)),"#, 25.0);
    takes(
        r#"At("12s", Cut("api -> db")), At("19s", Heal("api -> db")),"#,
        27.0,
    );
    takes(
        r#"At("9s", Cut("api -> db")), At("12s", Heal("api -> db")),"#,
        22.0,
    );
    takes(r#"At("10s", Set("links[1].bandwidth", "50MiB/s")),"#, 30.0);
}

/// Sessions in a store with a primary in each of two zones: one that was made on one side is not found on the other.
#[test]
fn a_session_is_found_only_on_the_side_of_a_split_that_has_it() {
    const SPLIT: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s", sessions: ServerSide(store: "db"),
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1), users: 1000000, timeout: "500ms"),
        "api": Service(instances: 2, workers: 100, service_time: Constant("0s"), zones: ["a", "b"]),
        "db": RedisLike(persistence: None, command_time: "0s", zones: ["a", "b"], observer_zone: "b",
            replication: Asynchronous(lag: "1ms"), down_after: "2s", promotion_time: "1s"),
    },
    links: ["clients -> api"])"#;
    let end = |scenario: &str| run(&read_with(SPLIT, &[("scenario", scenario)]), 1);
    let whole = end("[]");
    assert_eq!(figure(&whole.results(), "sessions.lost"), 0.0);
    let parted = end(r#"[At("20s", Cut("@a -> @b")), At("40s", Heal("@a -> @b"))]"#);
    let results = parted.results();
    // Each login is worked on by one instance, and what it was for by the other.
    let misrouted = figure(&results, "sessions.lost_by_cause.misrouted");
    assert!((misrouted - 1700.0).abs() < 10.0, "{misrouted}");
    // Those that the old side made besides, from the cut on, are lost at the heal.
    let partition = figure(&results, "sessions.lost_by_cause.partition");
    assert!((partition - 300.0).abs() < 10.0, "{partition}");
    let through = parted.snapshot().faults[0].lost_sessions as f64;
    assert_eq!(through, misrouted + partition);
}

/// Whether the copy of [`COPIED`] leads after so many milliseconds.
fn copy_leads(scenario: &str, ms: u64) -> bool {
    let scenario = format!("[{scenario}]");
    let changes = [
        ("nodes.db.replication.lag", "500ms"),
        ("nodes.db.replication.send_buffer", "100MiB"),
        ("scenario", &*scenario),
    ];
    let topology = read_with(COPIED, &changes);
    let snapshot = until(&topology, 1, ms).snapshot();
    snapshot.nodes[2].instances[1].role == Role::Primary
}

#[test]
fn a_promotion_waits_as_long_as_the_way_takes_that_its_stream_goes_by() {
    let dies = r#"At("20s", Crash("db", 1))"#;
    // What its kernel still sends takes 0.5 s; missed after 1 s, a copy takes 1 s to take over.
    assert!(!copy_leads(dies, 21_990) && copy_leads(dies, 22_010));
    // Twenty times as long: the last comes at 30 s.
    let slow = format!(r#"At("10s", Slow("db.1 -> db.2", 20)), {dies}"#);
    assert!(!copy_leads(&slow, 30_990) && copy_leads(&slow, 31_010));
    let healed = format!(r#"{slow}, At("25s", Heal("db.1 -> db.2"))"#);
    assert!(!copy_leads(&healed, 25_990) && copy_leads(&healed, 26_010));
    let slower = format!(r#"{dies}, At("20200ms", Slow("db.1 -> db.2", 20))"#);
    assert!(!copy_leads(&slower, 30_990) && copy_leads(&slower, 31_010));
}

#[test]
fn a_planned_failover_waits_no_longer_than_the_way_makes_it() {
    let asked = r#"At("10s", Slow("db.1 -> db.2", 20)), At("20s", Failover("db"))"#;
    assert!(!copy_leads(asked, 30_900) && copy_leads(asked, 31_010));
    let healed = format!(r#"{asked}, At("25s", Heal("db.1 -> db.2"))"#);
    assert!(!copy_leads(&healed, 25_990) && copy_leads(&healed, 26_010));
}
