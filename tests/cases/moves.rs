//! State on its way to another place: where it is until it has come, and what is lost of it.

use crate::support::cases::{read, read_with, run, until};
use statescope::model::Topology;
use statescope::sim::snapshot::{Snapshot, What};
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

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

/// Copying stands still while an end of it hangs, and goes on from there: 8 s later than without the hang.
#[test]
fn a_hang_holds_a_move_up() {
    for hangs in ["api", "db"] {
        for (at, all) in [("47900ms", true), ("48100ms", false)] {
            let scenario = format!(
                r#", At("31s", Hang("{hangs}", 1)), At("39s", Resume("{hangs}", 1)), At("{at}", Crash("api", 1))"#
            );
            let writes = run(&moved("InMemory()", &scenario), 1).snapshot().writes;
            let lost = if all { writes.acknowledged } else { 0 };
            assert_eq!(writes.lost, lost, "{hangs}, {at}");
        }
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

/// What moves to two instances is lost with the one that its key went to, though it is answered only then: all that was sent
/// until 1 s before both crash, 930 writes, is lost with one or the other.
#[test]
fn a_late_acknowledgement_is_of_where_its_key_went() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 2, popularity: Uniform),
            "lb": LoadBalancer(policy: RoundRobin),
            "api": Service(instances: 2, workers: 10, service_time: Constant("0s"), state: External(store: "store")),
            "store": RedisLike(command_time: "0s", persistence: None),
        },
        links: [Link(path: "clients -> lb", latency: "1s"), "lb -> api"])"#;
    let lost = |crashes: &str| {
        let scenario =
            format!(r#"[At("10105ms", Set("nodes.api.state", "InMemory()")), {crashes}]"#);
        let writes = run(&read_with(text, &[("scenario", scenario.as_str())]), 1)
            .snapshot()
            .writes;
        writes.lost
    };
    let (first, second) = (
        r#"At("10305ms", Crash("api", 1))"#,
        r#"At("10305ms", Crash("api", 2))"#,
    );
    assert_eq!(lost(&format!("{first}, {second}")), 930);
    assert_eq!(lost(first) + lost(second), 930);
}

/// What had been sent to a store before its state moved out of it is carried out there later: a hundred writes, that take 1 s.
const LATE: &str = r#"Topology(schema: 1, profile: Bare, duration: "20s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 50),
        "api": Service(instances: 1, workers: 1000, service_time: Constant("0s"), state: External(store: "store")),
        "store": SqlDatabase(read_time: "1s", write_time: "1s", commit_time: "0s", connections: 1000),
    },
    links: ["clients -> api"],
    scenario: [At("10005ms", Set("nodes.api.state", "InMemory()"))])"#;

fn writes_at(end: &Snapshot, name: &str) -> u64 {
    let node = end.nodes.iter().find(|n| n.name == name).unwrap();
    node.instances.iter().map(|i| i.writes).sum()
}

#[test]
fn what_comes_to_a_store_after_its_state_has_moved_out_follows() {
    let end = run(&read(LATE), 1).snapshot();
    assert_eq!(writes_at(&end, "store"), 0);
    assert_eq!(writes_at(&end, "api"), end.writes.held);
    assert_eq!(end.writes.held, end.writes.acknowledged);
    // Those who asked before find what the store had.
    let reads = read_with(LATE, &[("nodes.clients.mix", "(read: 1, write: 1)")]);
    let end = run(&reads, 1).snapshot();
    assert!(end.reads.total > 500, "{:?}", end.reads);
    assert_eq!((end.reads.stale, writes_at(&end, "store")), (0, 0));
}

/// A service goes on calling a store, over a link of its own, that it does not keep its state in any more: what it writes there
/// stays there, and nothing grows with it.
#[test]
fn what_is_sent_to_a_store_for_its_own_sake_stays_in_it() {
    let called = [
        ("links", r#"["clients -> api", "api -> store"]"#),
        ("duration", "120s"),
        ("nodes.store.write_time", "10ms"),
    ];
    let mut sim = Sim::new(&read_with(LATE, &called), 1, Watch { live: false });
    sim.run_until(Duration::from_secs(30.0));
    let early = sim.size();
    sim.run_until(Duration::from_secs(120.0));
    assert!(sim.size() < early + early / 20, "{early}, {}", sim.size());
    let end = sim.snapshot();
    assert_eq!(end.writes.held, end.writes.acknowledged);
    assert_eq!(writes_at(&end, "api"), end.writes.held);
}

#[test]
fn what_comes_to_a_store_that_nobody_reads_any_more_is_lost_with_the_rest() {
    let changed = [(
        "scenario",
        r#"[At("10005ms", Set("nodes.api.state", "Stateless")), At("10005ms", Set("nodes.clients.mix", "(read: 1)"))]"#,
    )];
    let end = run(&read_with(LATE, &changed), 1).snapshot();
    assert!(end.writes.acknowledged > 990, "{:?}", end.writes);
    assert_eq!(end.writes.lost, end.writes.acknowledged);
    assert_eq!(end.faults[0].lost_writes, end.writes.lost);
}

/// Each key is at one instance after it has moved to three, and lost with that one alone.
#[test]
fn each_key_moves_to_one_instance() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 300, popularity: Uniform),
            "lb": LoadBalancer(policy: RoundRobin),
            "api": Service(instances: 3, workers: 10, service_time: Constant("0s"), state: External(store: "store")),
            "store": RedisLike(command_time: "0s", persistence: None),
        },
        links: ["clients -> lb", "lb -> api"])"#;
    let lost = |places: &[u32]| {
        let crashes = places
            .iter()
            .map(|i| format!(r#", At("10s", Crash("api", {i}))"#));
        let scenario = format!(
            r#"[At("5s", Set("nodes.clients.arrivals", "Steady(\"0.001/s\")")), At("6s", Set("nodes.api.state", "InMemory()")){}]"#,
            crashes.collect::<String>()
        );
        let end = run(&read_with(text, &[("scenario", scenario.as_str())]), 1).snapshot();
        assert!(end.writes.lost >= end.writes.keys_lost, "{:?}", end.writes);
        (end.writes.lost, end.writes.keys_lost)
    };
    let all = lost(&[1, 2, 3]);
    let each = [lost(&[1]), lost(&[2]), lost(&[3])];
    assert!(all.0 >= 500 && all.1 > 200, "{all:?}");
    for part in each {
        assert!(
            part.0.abs_diff(all.0 / 3) < 30 && part.1.abs_diff(all.1 / 3) < 30,
            "{each:?}"
        );
    }
    let sum = each
        .iter()
        .fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    assert_eq!(sum, all);
}

/// With cookies a user's keys go to the instance that its requests go to: it finds them there.
#[test]
fn keys_move_to_where_their_users_are_sent() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s", sessions: Jwt(),
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), users: 40, signed_in: true, keys_per_user: 3,
                mix: (read: 1, write: 1)),
            "lb": LoadBalancer(policy: StickyCookie),
            "api": Service(instances: 3, workers: 10, service_time: Constant("0s"), state: External(store: "store")),
            "store": RedisLike(command_time: "0s", persistence: None),
        },
        links: ["clients -> lb", "lb -> api"],
        scenario: [At("10s", Set("nodes.api.state", "InMemory()"))])"#;
    let end = run(&read(text), 1).snapshot();
    assert!(end.reads.total > 900, "{:?}", end.reads);
    assert_eq!(end.reads.stale, 0, "{:?}", end.reads);
    assert_eq!(writes_at(&end, "store"), 0);
}

/// A service that keeps nothing any more leaves what it had to whoever keeps it further on.
#[test]
fn what_a_service_stops_keeping_goes_to_the_next_keeper() {
    for further in [r#"External(store: "store")"#, "InMemory()"] {
        let text = format!(
            r#"Topology(schema: 1, profile: Bare, duration: "20s",
            nodes: {{
                "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 50),
                "api": Service(instances: 1, workers: 10, service_time: Constant("0s"), state: InMemory()),
                "lb": LoadBalancer(),
                "back": Service(instances: 1, workers: 10, service_time: Constant("0s"), state: {further}),
                "store": RedisLike(command_time: "0s", persistence: None),
            }},
            links: ["clients -> api", "api -> lb", "lb -> back"],
            scenario: [At("10005ms", Set("nodes.api.state", "Stateless"))])"#
        );
        let end = run(&read(&text), 1).snapshot();
        assert_eq!(end.writes.lost, 0, "{further}: {:?}", end.writes);
        assert_eq!(writes_at(&end, "api"), 0);
        assert_eq!(end.writes.held, end.writes.acknowledged);
    }
}

/// Each service on the way writes once, though both write to one store: nothing is applied twice without a retry.
#[test]
fn what_two_services_keep_in_one_store_is_not_applied_twice() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "10s", nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), retries: 0),
        "front": Service(instances: 1, workers: 10, service_time: Constant("0s"), state: External(store: "store")),
        "back": Service(instances: 1, workers: 10, service_time: Constant("0s"), state: External(store: "store")),
        "store": RedisLike(command_time: "0s", persistence: None),
    }, links: ["clients -> front", "front -> back"])"#;
    let end = run(&read(text), 1).snapshot();
    assert_eq!(end.writes.applied_twice, 0, "{:?}", end.writes);
    assert!(end.writes.acknowledged > 990, "{:?}", end.writes);
}

/// What a service leaves in a store, since others use it, it does not find any more.
#[test]
fn what_is_left_to_others_is_not_found() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 50),
            "others": Clients(arrivals: Steady("1/s"), mix: (read: 1), keys: 50),
            "api": Service(instances: 1, workers: 10, service_time: Constant("0s"), state: External(store: "store")),
            "other": Service(instances: 1, workers: 10, service_time: Constant("0s"), state: External(store: "store")),
            "store": RedisLike(command_time: "0s", persistence: None),
        },
        links: ["clients -> api", "others -> other"],
        scenario: [At("10005ms", Set("nodes.clients.mix", "(read: 1)")),
            At("10005ms", Set("nodes.api.state", "InMemory()"))])"#;
    let end = run(&read(text), 1).snapshot();
    // All of the thousand; those who stay find it.
    assert!(end.reads.stale.abs_diff(999) <= 2, "{:?}", end.reads);
    assert_eq!(end.writes.lost, 0);
}
