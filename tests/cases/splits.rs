//! Split brain and copies that writes wait for: what a cut does to a group of copies, in systems whose figures follow from
//! arithmetic.

use crate::support::cases::{changed, figure, run};
use statescope::model::{Topology, file};
use statescope::sim::snapshot::{Role, Snapshot, What};
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

/// Two instances, one in each of two zones, 50 writes a second through each; a store with its primary in zone a and a copy
/// in zone b, where it is watched from.
const ZONES: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: "500ms"),
        "api": Service(instances: 2, workers: 100, service_time: Constant("0s"), zones: ["a", "b"], state: External(store: "db")),
        "db": RedisLike(persistence: None, command_time: "0s", zones: ["a", "b"], observer_zone: "b",
            replication: Asynchronous(lag: "1ms"), down_after: "2s", promotion_time: "1s", demotion_delay: "5s"),
    },
    links: ["clients -> api"])"#;

fn topology(text: &str, changes: &[(&str, &str)], scenario: &str) -> Topology {
    let scenario = format!("[{scenario}]");
    let all: Vec<(&str, &str)> = changes
        .iter()
        .copied()
        .chain([("scenario", &*scenario)])
        .collect();
    changed(file::read(text, "case").unwrap(), &all)
}

fn end_of(text: &str, changes: &[(&str, &str)], scenario: &str) -> Snapshot {
    run(&topology(text, changes, scenario), 1).snapshot()
}

/// The state after so many seconds.
fn at(text: &str, changes: &[(&str, &str)], scenario: &str, s: f64) -> Snapshot {
    let mut sim = Sim::new(&topology(text, changes, scenario), 1, Watch { live: false });
    sim.run_until(Duration::from_secs(s));
    sim.snapshot()
}

fn near(found: u64, right: u64) -> bool {
    found.abs_diff(right) <= 3
}

const CUT: &str = r#"At("20s", Cut("@a -> @b"))"#;
const CUT_AND_HEALED: &str = r#"At("20s", Cut("@a -> @b")), At("40s", Heal("@a -> @b"))"#;

/// Both sides take writes while they are parted; at the heal those of the old side, since the cut, are lost.
#[test]
fn a_cut_between_zones_makes_two_primaries_and_a_heal_makes_one() {
    let parted = at(ZONES, &[], CUT, 39.9);
    let store = &parted.nodes[2];
    // Both have the first 20 s; 3 s later the copy takes over, and each side gets 50 a second.
    assert!(
        near(parted.writes.acknowledged, 2000 + 995 + 50 * 17 - 5),
        "{}",
        parted.writes.acknowledged
    );
    assert_eq!(parted.writes.lost, 0);
    assert_eq!(store.instances[1].role, Role::Primary);
    assert_eq!(store.instances[0].role, Role::Deposed);

    let healed = end_of(ZONES, &[], CUT_AND_HEALED);
    assert!(near(healed.writes.lost, 1000), "{}", healed.writes.lost);
    assert_eq!(healed.faults[0].lost_writes, healed.writes.lost);
    let results = run(&topology(ZONES, &[], CUT_AND_HEALED), 1).results();
    assert_eq!(
        figure(&results, "writes.lost_by_cause.partition") as u64,
        healed.writes.lost
    );
    assert_eq!(healed.faults[0].detected.unwrap().secs(), 2.0);
    let told = healed.happenings.iter().any(|h| {
        matches!(&h.what, What::Demoted { instance: 1, lost_writes, .. } if near(*lost_writes, 1000))
    });
    assert!(told);
    // Afterwards both instances write to the new primary.
    assert!(near(
        healed.nodes[2].instances[1].writes,
        healed.writes.acknowledged - healed.writes.lost
    ));
}

/// What was under way to the copy is lost with the rest, however much it was.
#[test]
fn what_was_under_way_at_the_cut_is_lost_too() {
    let lag = [("nodes.db.replication.lag", "2s")];
    let healed = end_of(ZONES, &lag, CUT_AND_HEALED);
    // 100 a second for 2 s before the cut, 50 a second for 20 s after it.
    assert!(
        near(healed.writes.lost, 200 + 1000),
        "{}",
        healed.writes.lost
    );
}

/// Without enough copies the old primary takes no more writes.
#[test]
fn too_few_copies_bound_what_is_lost() {
    let bounded = [
        ("nodes.db.replication.min_replicas", "1"),
        ("nodes.db.replication.max_lag", "4s"),
    ];
    let healed = end_of(ZONES, &bounded, CUT_AND_HEALED);
    assert!(near(healed.writes.lost, 200), "{}", healed.writes.lost);
}

/// A write that waits for a copy is not acknowledged by the old side: nothing is lost.
#[test]
fn a_write_that_waits_for_a_copy_is_never_lost() {
    let sync = [("nodes.db.replication", r#"Synchronous(lag: "1ms")"#)];
    let healed = end_of(ZONES, &sync, CUT_AND_HEALED);
    assert_eq!(healed.writes.lost, 0);
    // Neither side has a copy to wait for until the heal; who has come to the new one in the last half second is in time.
    assert!(
        near(healed.operations.failed, 1975),
        "{}",
        healed.operations.failed
    );
    // With two copies the new side has one.
    let two = [
        (
            "nodes.db.replication",
            r#"Synchronous(replicas: 2, lag: "1ms")"#,
        ),
        ("nodes.db.zones", r#"["a", "b", "b"]"#),
    ];
    let healed = end_of(ZONES, &two, CUT_AND_HEALED);
    assert_eq!(healed.writes.lost, 0);
    // In 20 s the old side acknowledges nothing, and for 3 s the new one nothing either.
    assert!(
        near(healed.operations.failed, 1000 + 150),
        "{}",
        healed.operations.failed
    );
    // With a copy that shares its side, it does, and that is lost.
    let shared = [
        (
            "nodes.db.replication",
            r#"Synchronous(replicas: 2, acknowledgements: 1)"#,
        ),
        ("nodes.db.zones", r#"["a", "b", "a"]"#),
    ];
    let healed = end_of(ZONES, &shared, CUT_AND_HEALED);
    assert!(near(healed.writes.lost, 1000), "{}", healed.writes.lost);
}

/// An acknowledgement waits until as many copies as it takes have the write, and no longer.
#[test]
fn a_synchronous_write_takes_as_long_as_its_copies() {
    let p50 = |replication: &str| {
        let changes = [("nodes.db.replication", replication)];
        let results = run(&topology(ZONES, &changes, ""), 1).results();
        figure(&results, "response_time_s.p50")
    };
    assert!(p50("Asynchronous(lag: \"20ms\")") < 0.001);
    let waits = p50("Synchronous(lag: \"20ms\")");
    assert!((waits - 0.02).abs() < 0.001, "{waits}");
    // A copy that is down is not waited for if another is there; without enough nothing is acknowledged.
    let two = r#"Synchronous(replicas: 2, acknowledgements: 2, lag: "20ms")"#;
    let one = r#"Synchronous(replicas: 2, acknowledgements: 1, lag: "20ms")"#;
    let crash = r#"At("20s", Crash("db", 3)), At("40s", Restart("db", 3))"#;
    let failed = |replication: &str| {
        end_of(ZONES, &[("nodes.db.replication", replication)], crash)
            .operations
            .failed
    };
    assert_eq!(failed(one), 0);
    let none = failed(two);
    assert!(near(none, 2000) || none.abs_diff(2000) < 60, "{none}");
}

/// The same for what instances keep in memory: a crash loses nothing that was acknowledged.
#[test]
fn memory_with_synchronous_copies_loses_nothing_in_a_crash() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: "500ms"),
            "api": Service(instances: 3, workers: 100, service_time: Constant("0s"),
                state: InMemory(replication: Synchronous(lag: "50ms"), down_after: "1s")),
        },
        links: ["clients -> api"])"#;
    for fault in ["Crash", "LoseMachine"] {
        let snapshot = end_of(text, &[], &format!(r#"At("20s", {fault}("api", 2))"#));
        assert_eq!(snapshot.writes.lost, 0, "{fault}");
    }
    let asynchronous = [("nodes.api.state.replication", "Asynchronous(lag: \"50ms\")")];
    let lost = end_of(text, &asynchronous, r#"At("20s", LoseMachine("api", 2))"#)
        .writes
        .lost;
    assert!(
        (1..=3).contains(&lost),
        "{lost}: a third of 100 a second for 50 ms"
    );
}

/// A forced failover tells the old primary late: what that acknowledges meanwhile is lost.
#[test]
fn a_forced_failover_loses_what_the_old_primary_takes_until_it_is_told() {
    let snapshot = end_of(ZONES, &[], r#"At("20s", ForceFailover("db"))"#);
    // All who call it believe in it for 5 s.
    assert!(near(snapshot.writes.lost, 500), "{}", snapshot.writes.lost);
    let at_once = [("nodes.db.demotion_delay", "0s")];
    let snapshot = end_of(ZONES, &at_once, r#"At("20s", ForceFailover("db"))"#);
    assert!(snapshot.writes.lost <= 1, "{}", snapshot.writes.lost);
}

/// Whoever forces it decides, whatever the one who watches sees: where nobody is told late, too.
#[test]
fn a_forced_failover_needs_nobody_who_sees_the_copy() {
    let changes = [
        ("nodes.db.demotion_delay", "0s"),
        ("nodes.db.observer_zone", r#""a""#),
    ];
    let scenario = r#"At("20s", Cut("@a -> @b")), At("25s", ForceFailover("db"))"#;
    let snapshot = at(ZONES, &changes, scenario, 26.0);
    assert_eq!(snapshot.nodes[2].instances[1].role, Role::Primary);
    // 50 a second to the old primary since the cut, and to the new one since then.
    let acknowledged = snapshot.writes.acknowledged;
    assert!(near(acknowledged, 2000 + 250 + 50), "{acknowledged}");
}

/// What began to write while no copy could be had gets one as soon as there is one, and is acknowledged.
#[test]
fn whoever_lacked_copies_while_others_were_cut_off_gets_them_at_the_heal() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "40s", warmup: "35s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: "1s"),
            "lb": LoadBalancer(),
            "api": Service(instances: 2, workers: 100, service_time: Constant("1ms"),
                state: InMemory(replication: Synchronous(replicas: 1, acknowledgements: 1))),
        },
        links: ["clients -> lb", "lb -> api"])"#;
    let scenario = r#"At("16100ms", Cut("api.1 -> *")), At("25600ms", LoseMachine("api", 2)),
        At("26600ms", Restart("api", 2)), At("29600ms", Heal("api.1 -> *"))"#;
    let results = run(&topology(text, &[], scenario), 1).results();
    assert!(figure(&results, "operations.offered") > 490.0);
    assert_eq!(figure(&results, "operations.failed"), 0.0);
}

/// A cut that is healed before anybody took over has changed nothing but what waited.
#[test]
fn a_short_cut_deposes_nobody() {
    let snapshot = end_of(
        ZONES,
        &[],
        r#"At("20s", Cut("@a -> @b")), At("21500ms", Heal("@a -> @b"))"#,
    );
    assert_eq!(snapshot.writes.lost, 0);
    assert_eq!(snapshot.nodes[2].instances[0].role, Role::Primary);
    let later = end_of(
        ZONES,
        &[],
        r#"At("20s", Cut("@a -> @b")), At("21500ms", Heal("@a -> @b")), At("30s", LoseMachine("db", 1))"#,
    );
    assert!(
        later.writes.lost <= 1,
        "the copy has caught up: {}",
        later.writes.lost
    );
}

/// The machine of a primary goes while its copy is cut off: what the copy had at the cut is all there is.
#[test]
fn a_copy_behind_a_cut_has_what_it_had() {
    let watched = [("nodes.db.observer_zone", "\"a\"")];
    let snapshot = end_of(
        ZONES,
        &watched,
        r#"At("20s", Cut("db.1 -> db.2")), At("25s", LoseMachine("db", 1))"#,
    );
    assert!(near(snapshot.writes.lost, 500), "{}", snapshot.writes.lost);
}

/// An old primary that dies while it is cut off takes along what it alone had.
#[test]
fn a_deposed_primary_that_dies_loses_its_side_then() {
    let snapshot = at(
        ZONES,
        &[],
        r#"At("20s", Cut("@a -> @b")), At("30s", LoseMachine("db", 1))"#,
        31.0,
    );
    assert!(near(snapshot.writes.lost, 500), "{}", snapshot.writes.lost);
}

/// State that nobody can reach is unavailable until the heal, and not lost.
#[test]
fn what_is_behind_a_cut_is_unavailable() {
    let alone = [("nodes.db.replication", "None")];
    let cut = r#"At("20s", Cut("db.1 -> *")), At("40s", Heal("db.1 -> *"))"#;
    let parted = at(ZONES, &alone, cut, 30.0);
    assert!(
        near(parted.writes.unavailable, 2000),
        "{}",
        parted.writes.unavailable
    );
    let healed = end_of(ZONES, &alone, cut);
    assert_eq!((healed.writes.unavailable, healed.writes.lost), (0, 0));
}

/// Reads of the new side do not find what only the old one has: they are stale.
#[test]
fn the_new_side_reads_stale() {
    let text = ZONES.replace("mix: (write: 1)", "mix: (read: 1, write: 1), keys: 10");
    let before = figure(&run(&topology(&text, &[], ""), 1).results(), "reads.stale");
    assert_eq!(before, 0.0);
    let parted = figure(&run(&topology(&text, &[], CUT), 1).results(), "reads.stale");
    assert!(parted > 100.0, "{parted}");
}

/// A copy that hangs, or that its observer does not see, when the primary has been missed for long enough takes over when
/// it is back.
#[test]
fn who_comes_back_takes_over_from_a_primary_that_is_missed() {
    for there in [
        r#"At("21s", Cut("@b -> db.2")), At("30s", Heal("@b -> db.2"))"#,
        r#"At("21s", Hang("db", 2)), At("30s", Resume("db", 2))"#,
    ] {
        let scenario = format!(r#"At("20s", Cut("db.1 -> *")), {there}"#);
        let snapshot = end_of(ZONES, &[], &scenario);
        assert_eq!(snapshot.nodes[2].instances[1].role, Role::Primary);
        let failed = snapshot.operations.failed;
        assert!((990..=1_130).contains(&failed), "{there}: {failed}");
    }
}

/// Who was told late is told on time, whether the old primary hears it or not.
#[test]
fn callers_are_told_of_a_forced_failover_though_the_old_primary_hangs() {
    for meanwhile in [
        r#"At("22s", Hang("db", 1))"#,
        r#"At("22s", Cut("db.1 -> *"))"#,
    ] {
        let scenario = format!(r#"At("20s", ForceFailover("db")), {meanwhile}"#);
        let snapshot = end_of(ZONES, &[], &scenario);
        // From 22 s to 25 s, and what was sent within the timeout before.
        let failed = snapshot.operations.failed;
        assert!((295..=360).contains(&failed), "{meanwhile}: {failed}");
    }
}

/// What waits for copies at an instance that is deposed was never acknowledged, and is not when that is told.
#[test]
fn a_service_that_is_deposed_acknowledges_nothing_at_the_heal() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: "5s"),
            "lb": LoadBalancer(health_checks: HealthChecks(interval: "1s")),
            "api": Service(instances: 3, workers: 100, service_time: Constant("1ms"),
                state: InMemory(replication: Synchronous(lag: "1ms"), down_after: "2s")),
        },
        links: ["clients -> lb", "lb -> api"])"#;
    let scenario = r#"At("20s", CutOneWay("api.1 -> lb")), At("24s", Heal("api.1 -> lb"))"#;
    assert_eq!(end_of(text, &[], scenario).writes.lost, 0);
}

/// Those that stay get copies of their own on those that stay.
#[test]
fn a_scale_in_leaves_nobody_without_a_copy() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: "500ms"),
            "lb": LoadBalancer(),
            "api": Service(instances: 3, workers: 100, service_time: Constant("1ms"),
                state: InMemory(replication: Synchronous(lag: "1ms"), down_after: "2s")),
        },
        links: ["clients -> lb", "lb -> api"])"#;
    let end = end_of(text, &[], r#"At("20s", RemoveInstances("api", 1))"#);
    assert_eq!((end.operations.failed, end.writes.lost), (0, 0));
    let asynchronous = [("nodes.api.state.replication", "Asynchronous(lag: \"1ms\")")];
    let crash = r#"At("20s", RemoveInstances("api", 1)), At("30s", Crash("api", 2))"#;
    assert_eq!(end_of(text, &asynchronous, crash).writes.lost, 0);
}

/// A split ends at the heal also where nobody copies any more.
#[test]
fn a_split_ends_though_its_copies_are_given_up() {
    let scenario = r#"At("20s", Cut("@a -> @b")), At("30s", Set("nodes.db.replication", "None")), At("40s", Heal("@a -> @b"))"#;
    let snapshot = end_of(ZONES, &[], scenario);
    assert!(near(snapshot.writes.lost, 1000), "{}", snapshot.writes.lost);
}

/// What only the deposed side has is unavailable once nobody who believes in it reaches it.
#[test]
fn a_deposed_side_that_nobody_reaches_is_unavailable() {
    let scenario = r#"At("20s", Cut("@a -> @b")), At("30s", Cut("api.1 -> db.1"))"#;
    let parted = at(ZONES, &[], scenario, 35.0);
    assert!(
        near(parted.writes.unavailable, 500),
        "{}",
        parted.writes.unavailable
    );
}

/// Who leads without knowing that another does is not promoted, and what it loses is the first failover's.
#[test]
fn a_second_forced_failover_takes_a_copy_that_follows() {
    let three = [(
        "nodes.db.replication",
        "Asynchronous(replicas: 2, lag: \"1ms\")",
    )];
    let snapshot = end_of(
        ZONES,
        &three,
        r#"At("20s", ForceFailover("db")), At("22s", ForceFailover("db"))"#,
    );
    assert_eq!(snapshot.nodes[2].instances[2].role, Role::Primary);
    assert!(
        near(snapshot.faults[0].lost_writes, 200),
        "{:?}",
        snapshot.faults[0]
    );
}

/// Whoever had taken over dies before the heal: the old primary has all up to the cut, and what it took since.
#[test]
fn an_old_primary_takes_over_again_when_the_new_one_is_gone() {
    for dies in [
        r#"At("30s", LoseMachine("db", 2))"#,
        r#"At("30s", Hang("db", 2)), At("30.5s", Crash("db", 2))"#,
    ] {
        let scenario =
            format!(r#"At("20s", Cut("@a -> @b")), {dies}, At("40s", Heal("@a -> @b"))"#);
        let never_back = [("nodes.db.restart_after", "None")];
        let before = at(ZONES, &never_back, &scenario, 39.9);
        assert!(near(before.writes.lost, 350), "{}", before.writes.lost);
        let healed = end_of(ZONES, &never_back, &scenario);
        // What the new one had acknowledged from 23 s on is gone, through its death.
        assert_eq!(healed.writes.lost, before.writes.lost, "{dies}");
        let through = healed.faults.last().map(|fault| fault.lost_writes);
        assert_eq!(through, Some(healed.writes.lost), "{dies}");
        let results = run(&topology(ZONES, &never_back, &scenario), 1).results();
        assert!(results.at("writes.lost_by_cause.partition").is_none());
        assert_eq!(healed.nodes[2].instances[0].role, Role::Primary);
        // All is served again a promotion after the heal.
        assert!(near(healed.writes.unavailable, 0));
        assert!(near(
            healed.writes.acknowledged,
            at(ZONES, &never_back, &scenario, 41.0).writes.acknowledged + 1900
        ));
    }
}

/// What a service's old primary takes back is counted once, whatever the keys.
#[test]
fn what_comes_back_from_an_old_side_is_counted_once() {
    const PAIR: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: "500ms"),
        "api": Service(instances: 2, workers: 100, service_time: Constant("0s"),
            state: InMemory(replication: Asynchronous(lag: "1ms"), down_after: "2s")),
    },
    links: ["clients -> api"])"#;
    for keys in ["1", "1000", "1000000"] {
        let scenario = r#"At("20s", Cut("api.2 -> *")), At("30s", LoseMachine("api", 1)), At("31s", Heal("api.2 -> *"))"#;
        // Its books are audited at the end.
        let end = end_of(PAIR, &[("nodes.clients.keys", keys)], scenario);
        assert_eq!(end.writes.held + end.writes.lost, end.writes.acknowledged);
        assert!(near(end.writes.lost, 500), "{}", end.writes.lost);
    }
}

/// An old primary that died behind the cut has all up to the fork in its file, and takes over with that.
#[test]
fn an_old_primary_that_died_takes_over_with_its_file() {
    let file = [
        ("nodes.db.persistence", "AppendOnly(Always)"),
        ("nodes.db.fsync_time", "0s"),
        ("nodes.db.restart_after", "None"),
    ];
    let scenario = r#"At("20s", Cut("@a -> @b")), At("30s", LoseMachine("db", 2)), At("31s", Crash("db", 1)),
        At("35s", Restart("db", 1)), At("40s", Heal("@a -> @b"))"#;
    let end = end_of(ZONES, &file, scenario);
    assert_eq!(end.nodes[2].instances[0].role, Role::Primary);
    assert_eq!(end.writes.unavailable, 0);
    assert!(end.writes.acknowledged > 4_000, "{:?}", end.writes);
}

/// Without a lag, too, nothing comes to a copy through a cut.
#[test]
fn a_copy_without_a_lag_gets_nothing_through_a_cut() {
    for lag in ["0s", "1us"] {
        let changes = [
            ("nodes.db.replication.lag", lag),
            ("nodes.db.zones", r#"["a", "a"]"#),
            ("nodes.db.observer_zone", "\"a\""),
            ("nodes.api.zones", r#"["a"]"#),
        ];
        let scenario = r#"At("20s", Cut("db.1 -> db.2")), At("30s", LoseMachine("db", 1))"#;
        let end = end_of(ZONES, &changes, scenario);
        assert!(near(end.writes.lost, 1000), "{lag}: {}", end.writes.lost);
    }
}

/// What both sides have moves on once, from the side that has authority: the other's has nothing of its own that was
/// acknowledged.
#[test]
fn a_change_of_placement_counts_what_both_sides_have_once() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "40s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 10, popularity: Uniform, timeout: "500ms"),
            "lb": LoadBalancer(policy: RoundRobin),
            "api": Service(instances: 2, workers: 100, service_time: Constant("0s"),
                state: InMemory(replication: Asynchronous(lag: "1ms"), down_after: "2s")),
        },
        links: ["clients -> lb", "lb -> api"])"#;
    let scenario = r#"At("19005ms", Set("nodes.clients.mix", "(read: 1)")), At("20s", CutOneWay("api.1 -> lb")),
        At("30s", Set("nodes.api.state", "LocalDisk()"))"#;
    let writes = end_of(text, &[], scenario).writes;
    assert_eq!((writes.acknowledged, writes.held), (1900, 1900));
}

/// What has moved to a store, and not to its copy yet, is older than the failover that leaves it to the old side all the same.
#[test]
fn what_has_just_moved_to_a_store_stays_with_its_old_primary() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "40s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 10, popularity: Uniform, timeout: "500ms"),
            "api": Service(instances: 1, workers: 100, service_time: Constant("0s"), state: InMemory()),
            "db": RedisLike(persistence: None, command_time: "0s", zones: ["a", "b"], replication: Asynchronous(lag: "1s"),
                demotion_delay: "5s"),
        },
        links: ["clients -> api"])"#;
    let forced = r#"At("9005ms", Set("nodes.clients.mix", "(read: 1)")), At("10s", Set("nodes.api.state", "External(store: \"db\")")),
        At("10500ms", ForceFailover("db"))"#;
    let told = end_of(text, &[], forced).writes;
    assert_eq!((told.lost, told.keys_lost), (900, 10));
    // The old primary has it again once the new one is gone.
    let back = end_of(
        text,
        &[],
        &format!(r#"{forced}, At("12s", LoseMachine("db", 2))"#),
    )
    .writes;
    assert_eq!((back.held, back.lost), (900, 0));
}
