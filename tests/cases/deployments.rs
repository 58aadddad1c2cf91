//! Deployments whose steps do not go as planned, and how many of them go on at once.

use crate::support::cases::{changed, read_with, run, until};
use statescope::model::{Command, Stop, Topology, file};
use statescope::sim::snapshot::{Snapshot, Status, What};
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

const SECOND: u64 = 1_000_000_000;

const FLEET: &str = r#"Topology(schema: 1, profile: Bare, duration: "120s",
    nodes: {
        "clients": Clients(arrivals: Steady("40/s"), mix: (read: 1)),
        "lb": LoadBalancer(retries: 0),
        "api": Service(instances: 4, workers: 100, service_time: Constant("5ms"), boot_time: "10s",
            deployment: (max_surge: "0%", max_unavailable: "25%")),
    },
    links: ["clients -> lb", "lb -> api"], scenario: [At("20s", Deploy("api", Drained))])"#;

fn fleet(changes: &[(&str, &str)]) -> Topology {
    changed(file::read(FLEET, "fleet").unwrap(), changes)
}

/// When the deployment was over, to a tenth of a second.
fn over(end: &Snapshot) -> f64 {
    let mut over = end.happenings.iter();
    let over = over.find(|h| matches!(h.what, What::Deployed { .. }));
    (over.expect("it ends").at.secs() * 10.0).round() / 10.0
}

#[test]
fn what_ends_beside_its_replacement_stays_in_its_zone() {
    let changes = [
        ("nodes.api.zones", r#"["a", "b", "c"]"#),
        ("nodes.api.service_time", r#"Constant("3s")"#),
    ];
    let mut sim = Sim::new(&fleet(&changes), 1, Watch { live: false });
    let mut zones = Vec::new();
    for second in 20..100 {
        sim.run_until(Duration(second * SECOND + SECOND / 2));
        let ending = sim.snapshot().nodes.swap_remove(2).instances;
        let ending = ending.into_iter().filter(|i| i.status == Status::Draining);
        zones.extend(ending.filter_map(|i| i.zone));
    }
    zones.dedup();
    assert_eq!(zones, ["a", "b", "c", "a"]);
}

#[test]
fn as_many_replacements_boot_at_once_as_may_be_too_many() {
    for (surge, end_s) in [("25%", 60.0), ("50%", 40.0), ("100%", 30.0)] {
        let value = format!(r#"(max_surge: "{surge}", max_unavailable: "0%")"#);
        let end = run(&fleet(&[("nodes.api.deployment", &value)]), 1).snapshot();
        assert_eq!(over(&end), end_s, "{surge}");
        assert_eq!(end.operations.failed, 0, "{surge}");
    }
}

#[test]
fn a_drain_that_takes_too_long_is_cut_short() {
    // Each is busy with ten requests a second, of which each takes a minute.
    let changes = [
        ("nodes.api.service_time", r#"Constant("60s")"#),
        ("nodes.api.workers", "1000"),
        ("nodes.api.drain_time", "5s"),
    ];
    let end = run(&fleet(&changes), 1).snapshot();
    // What still ends takes no place: each replacement boots beside it.
    assert_eq!(over(&end), 20.0 + 4.0 * 10.0);
    // Whatever the first had taken in 20 s, at least, is reset.
    assert!(end.operations.failed >= 199, "{:?}", end.operations);
}

#[test]
fn a_deployment_goes_on_when_an_instance_dies_in_its_hands() {
    let long = ("nodes.api.service_time", r#"Constant("4s")"#);
    for at in ["22s", "26s"] {
        // While it drains, and while its replacement boots.
        let scenario =
            format!(r#"[At("20s", Deploy("api", Drained)), At("{at}", Crash("api", 1))]"#);
        let changes = [
            long,
            ("scenario", scenario.as_str()),
            ("nodes.api.workers", "1000"),
        ];
        let end = run(&fleet(&changes), 1).snapshot();
        assert!(over(&end) < 80.0, "{at}");
    }
}

#[test]
fn one_deployment_goes_on_at_a_time() {
    let mut sim = Sim::new(&fleet(&[]), 1, Watch { live: false });
    sim.run_until(Duration(25 * SECOND));
    let deploy = Command::Deploy("api".to_owned(), Stop::Drained);
    let refused = sim.apply(&deploy).expect_err("it is being deployed");
    assert!(refused.to_string().contains("already"), "{refused}");
    sim.run_until(Duration(70 * SECOND));
    assert_eq!(over(&sim.snapshot()), 60.0);
    sim.apply(&deploy).expect("it is over");
}

#[test]
fn an_instance_that_is_missing_already_does_not_stop_a_deployment() {
    // One may be missing, one is: the other three go one at a time all the same, and it comes back by itself or never.
    let scenario = r#"[At("15s", Crash("api", 1)), At("20s", Deploy("api", Drained))]"#;
    let end = run(&fleet(&[("scenario", scenario)]), 1).snapshot();
    assert_eq!(over(&end), 50.0);
    // Of two that may be missing one is: one at a time as well.
    let two = r#"(max_surge: "0%", max_unavailable: "50%")"#;
    let changes = [("scenario", scenario), ("nodes.api.deployment", two)];
    assert_eq!(over(&run(&fleet(&changes), 1).snapshot()), 50.0);
    // Without it they go by twos.
    let end = run(&fleet(&[("nodes.api.deployment", two)]), 1).snapshot();
    assert_eq!(over(&end), 40.0);
}

/// A single instance without a balancer is still sent requests while it drains. It waits for those that were under way when
/// it was told to, 30 ms long, and not for those that were sent afterwards.
#[test]
fn a_drained_stop_waits_for_what_was_sent_before_it_and_for_nothing_else() {
    let mut topology = fleet(&[
        ("nodes.api.instances", "1"),
        ("nodes.api.drain_time", "40s"),
        (
            "links",
            r#"[Link(path: "clients -> api", latency: "30ms")]"#,
        ),
    ]);
    topology.nodes.shift_remove("lb");
    let end = run(&topology, 1).snapshot();
    assert_eq!(over(&end), 30.0);
    // 40 a second for the 10 s of its boot, in which it refuses them, but for what the drain took in.
    let failed = end.operations.failed;
    assert!((397..=402).contains(&failed), "{failed}");
}

/// Two instances that copy each other, with 1,000 MiB each: a copy takes 10 s, and a replacement gets two of them, one after
/// the other. The next replacement begins to boot when they are there.
#[test]
fn the_next_step_waits_until_copies_are_complete() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "150s",
        nodes: {
            "clients": Clients(arrivals: Steady("1000/s"), mix: (write: 1), keys: 1000, popularity: Uniform, value_size: "1MiB"),
            "lb": LoadBalancer(),
            "api": Service(instances: 2, workers: 100, service_time: Constant("0s"), boot_time: "20s",
                deployment: (max_surge: "50%", max_unavailable: "0%"),
                state: InMemory(replication: Asynchronous(replicas: 1, lag: "1ms"), down_after: "1s")),
        },
        links: ["clients -> lb", "lb -> api"],
        scenario: [
            At("29s", Set("nodes.clients.arrivals", "Steady(\"0.001/s\")")),
            At("30s", Deploy("api", Drained)),
        ])"#;
    let end = run(&file::read(text, "this test").unwrap(), 1).snapshot();
    assert_eq!(end.writes.lost, 0);
    assert_eq!(over(&end), 30.0 + 2.0 * (20.0 + 2.0 * 10.0));
}

// Scaling.

/// Two instances whose memory is saved in an object store when they are told to stop, and never otherwise.
const SAVED: &str = r#"Topology(schema: 1, profile: Bare, duration: "40s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
        "lb": LoadBalancer(),
        "api": Service(instances: 2, workers: 100, service_time: Constant("0s"),
            state: InMemory(snapshot_every: Some("1d"), snapshot_to: ObjectStore("objects"))),
        "objects": ObjectStore(),
    },
    links: ["clients -> lb", "lb -> api"],
    scenario: [
        At("10005ms", RemoveInstances("api", 1)), At("20005ms", AddInstances("api", 1)), At("30005ms", Crash("api", 2)),
    ])"#;

#[test]
fn what_an_object_store_has_of_an_instance_goes_to_those_that_stay() {
    let topology = file::read(SAVED, "saved").unwrap();
    let at = |ms| {
        let snapshot = until(&topology, 1, ms).snapshot();
        let api = snapshot.nodes.iter().find(|n| n.name == "api").unwrap();
        let held: Vec<u64> = api.instances.iter().map(|i| i.writes).collect();
        (held, snapshot.writes)
    };
    let (held, writes) = at(10_000);
    assert_eq!((held, writes.held), (vec![500, 500], 1_000));
    let (held, writes) = at(11_000);
    assert_eq!((writes.held, writes.unavailable), (1_100, 0));
    assert_eq!(held[0], 1_100);
    // Who takes the place of the one that left begins with nothing, and has saved nothing when it dies.
    let (held, writes) = at(30_000);
    assert_eq!((held, writes.held), (vec![2_500, 500], 3_000));
    let end = run(&topology, 1).snapshot();
    assert_eq!((end.writes.lost, end.faults[2].lost_writes), (500, 500));
}

#[test]
fn one_that_leaves_is_none_of_those_that_are_wished_for() {
    // It drains for 30 s, and another is wished for meanwhile.
    let changes = [
        ("nodes.api.service_time", r#"Constant("60s")"#),
        ("nodes.api.workers", "10000"),
        (
            "scenario",
            r#"[At("20s", RemoveInstances("api", 1)), At("21s", AddInstances("api", 1))]"#,
        ),
    ];
    let topology = fleet(&changes);
    for (ms, expected) in [(20_500, 3), (31_500, 4), (60_000, 4)] {
        let snapshot = until(&topology, 1, ms).snapshot();
        let api = snapshot.nodes.iter().find(|n| n.name == "api").unwrap();
        let up = api.instances.iter().filter(|i| i.in_rotation).count();
        assert_eq!(up, expected, "{ms}");
    }
}

#[test]
fn an_instance_that_is_gone_is_not_checked_any_more() {
    // A request at 25 s and one at 50 s, which takes the second instance 5 s, so that it drains when it is told to leave.
    // What happens besides is a probe a second for each of the two, and then for one.
    let changes = [
        ("nodes.clients.arrivals", "Steady(\"0.04/s\")"),
        ("nodes.api.service_time", r#"Constant("5s")"#),
        ("nodes.lb.health_checks", r#"HealthChecks(interval: "1s")"#),
        ("nodes.api.instances", "2"),
        ("scenario", r#"[At("51s", RemoveInstances("api", 1))]"#),
    ];
    let topology = fleet(&changes);
    let events = |ms| until(&topology, 1, ms).snapshot().events;
    let before = events(40_000) - events(30_000);
    let after = events(70_000) - events(60_000);
    assert_eq!((before, after), (20, 10));
}

#[test]
fn a_place_that_is_taken_again_is_one_target() {
    let scenario =
        r#"[At("20005ms", RemoveInstances("api", 1)), At("30005ms", AddInstances("api", 1))]"#;
    let topology = fleet(&[("scenario", scenario), ("nodes.api.instances", "2")]);
    let calls = |ms| {
        let snapshot = until(&topology, 1, ms).snapshot();
        let lb = snapshot.nodes.iter().find(|n| n.name == "lb").unwrap();
        let link = snapshot.links.iter().find(|l| l.from == "lb").unwrap();
        let completed: Vec<u64> = link.calls.iter().map(|c| c.completed).collect();
        (lb.targets.len(), completed)
    };
    assert_eq!(calls(20_000).0, 2);
    assert_eq!(calls(25_000).0, 1);
    // It boots for 10 s. Then either gets every second of 40 a second.
    let ((targets, before), (_, after)) = (calls(50_000), calls(60_000));
    assert_eq!(targets, 2);
    for (before, after) in before.iter().zip(&after) {
        assert!((after - before).abs_diff(200) <= 1, "{before}, {after}");
    }
}

/// An instance that dies before its turn is skipped, and the next is replaced as it would have been replaced.
#[test]
fn a_death_before_its_turn_takes_no_surge_away() {
    let changes = [
        (
            "nodes.api.deployment",
            r#"(max_surge: "25%", max_unavailable: "0%")"#,
        ),
        (
            "scenario",
            r#"[At("20s", Deploy("api", Drained)), At("25s", Crash("api", 2))]"#,
        ),
    ];
    let mut sim = Sim::new(&fleet(&changes), 1, Watch { live: false });
    for step in 251..600 {
        sim.run_until(Duration(step * SECOND / 10));
        assert_eq!(serving(&sim.snapshot()), 3, "at {}", sim.now());
    }
    // The first, the third and the fourth, one after the other.
    assert_eq!(over(&sim.snapshot()), 50.0);
}

fn serving(snapshot: &Snapshot) -> usize {
    let api = snapshot.nodes.iter().find(|n| n.name == "api").unwrap();
    api.instances.iter().filter(|i| i.status.serves()).count()
}

/// One that is told to leave meanwhile is not replaced: it is gone when it has been drained.
#[test]
fn what_leaves_during_a_deployment_does_not_come_back() {
    for stop in ["Drained", "Abrupt"] {
        let scenario =
            format!(r#"[At("20s", Deploy("api", {stop})), At("52s", RemoveInstances("api", 1))]"#);
        let changes = [
            ("nodes.api.service_time", r#"Constant("20s")"#),
            ("nodes.api.workers", "1000"),
            ("nodes.api.drain_time", "1s"),
            (
                "nodes.api.deployment",
                r#"(max_surge: "25%", max_unavailable: "0%")"#,
            ),
            ("scenario", scenario.as_str()),
        ];
        let mut topology = fleet(&changes);
        let end = run(&topology, 1).snapshot();
        assert_eq!(serving(&end), 3, "{stop}");
        // It drains for longer than its replacement would take to boot.
        topology
            .set_path("nodes.api.drain_time", "40s")
            .unwrap_or_else(|e| panic!("{e}"));
        let end = run(&topology, 1).snapshot();
        assert_eq!(serving(&end), 3, "{stop}");
    }
}

// Stops of what hangs.

/// What hangs makes no last snapshot: it loses what it would lose by a crash.
#[test]
fn a_hung_instance_stops_as_one_that_is_killed() {
    let of = |to: &str, scenario: &str| {
        let text = format!(
            r#"Topology(schema: 1, profile: Bare, duration: "90s",
                nodes: {{
                    "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
                    "lb": LoadBalancer(), "s3": ObjectStore(),
                    "api": Service(instances: 2, workers: 1000, service_time: Constant("1s"), boot_time: "1s", drain_time: "5s",
                        deployment: (max_surge: "0%", max_unavailable: "50%"),
                        state: InMemory(snapshot_every: "20s", snapshot_rate: "unlimited", snapshot_to: {to})),
                }},
                links: ["clients -> lb", "lb -> api"], scenario: [{scenario}])"#
        );
        file::read(&text, "this test").unwrap()
    };
    for (to, hung, killed) in [
        // It hangs while it drains.
        (
            "Volume",
            r#"At("60s", Deploy("api", Drained)), At("60500ms", Hang("api", 1))"#,
            r#"At("60s", Deploy("api", Drained)), At("60500ms", Crash("api", 1))"#,
        ),
        (
            r#"ObjectStore("s3")"#,
            r#"At("60s", Hang("api", 2)), At("65s", RemoveInstances("api", 1))"#,
            r#"At("60s", Crash("api", 2)), At("65s", RemoveInstances("api", 1))"#,
        ),
    ] {
        let mut sum = 0;
        for seed in 1..=4 {
            let lost = run(&of(to, killed), seed).snapshot().writes.lost;
            let hung = run(&of(to, hung), seed).snapshot().writes;
            assert_eq!(hung.lost, lost, "{to}, seed {seed}");
            assert_eq!(hung.unavailable, 0, "{to}, seed {seed}");
            sum += lost;
        }
        // 50/s for 10 s on average, four times.
        assert!((400..4000).contains(&sum), "{to}: {sum}");
    }
}

/// What is moved onto instances goes to those that stay.
#[test]
fn no_state_is_moved_onto_an_instance_that_leaves() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "120s",
        nodes: {
            "clients": Clients(arrivals: Steady("50/s"), mix: (write: 1)),
            "lb": LoadBalancer(),
            "api": Service(instances: 4, workers: 1000, service_time: Constant("8s"), drain_time: "30s",
                state: External(store: "db")),
            "db": RedisLike(command_time: "0s"),
        },
        links: ["clients -> lb", "lb -> api"],
        scenario: [At("60s", RemoveInstances("api", 1)), At("61s", Set("nodes.api.state", "InMemory()"))])"#;
    let topology = file::read(text, "this test").unwrap();
    let writes = run(&topology, 1).snapshot().writes;
    // What it writes itself from then on goes with it: of every fourth request of 7 s.
    assert!((86..=89).contains(&writes.lost), "{writes:?}");
    assert_eq!(writes.unavailable, 0);
}

/// From the command, as for every other fault: a deployment kills its instances one after the other.
#[test]
fn what_a_deployment_kills_is_detected_so_long_after_it_began() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
            "lb": LoadBalancer(),
            "api": Service(instances: 4, workers: 10, service_time: Constant("0s"), boot_time: "10s",
                deployment: (max_surge: "25%", max_unavailable: "0%"),
                state: InMemory(replication: Asynchronous(replicas: 1, lag: "5s"), down_after: "2s")),
        },
        links: ["clients -> lb", "lb -> api"], scenario: [At("20s", Deploy("api", Abrupt))])"#;
    let topology = file::read(text, "this test").unwrap();
    let faults = run(&topology, 1).snapshot().faults;
    // The first is killed when its replacement has booted, and missed 2 s later; the stream ends after that.
    assert_eq!(faults[0].detected, Some(Duration(12 * SECOND)));
}

/// The volume of an instance that has left is gone, also if copies were to take over and die before they could.
#[test]
fn a_volume_that_was_deleted_saves_nothing() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
            "lb": LoadBalancer(),
            "api": Service(instances: 4, workers: 10, service_time: Constant("0s"),
                state: InMemory(snapshot_every: "1s", snapshot_rate: "unlimited", snapshot_to: Volume,
                    replication: Asynchronous(replicas: 1, lag: "1ms"), down_after: "30s")),
        },
        links: ["clients -> lb", "lb -> api"],
        scenario: [At("20s", Crash("api", 4)), At("22s", RemoveInstances("api", 1)), At("25s", LoseMachine("api", 1))])"#;
    let topology = file::read(text, "this test").unwrap();
    for seed in 1..=4 {
        let writes = run(&topology, seed).snapshot().writes;
        // A quarter of 20 s; what the first led, the second has.
        assert!((499..=502).contains(&writes.lost), "{writes:?}");
    }
}

/// As in Kubernetes: what still ends takes no place. 75/s of 5 s need 375 of the 400 workers that four instances have, and
/// with 25 % more at a time and none missing there are never fewer than four that take new requests.
#[test]
fn a_replacement_serves_beside_the_old_instance_that_still_ends() {
    let topology = statescope::model::file::read(
        r#"Topology(schema: 1, profile: Bare, duration: "200s", nodes: {
            "c": Clients(arrivals: Steady("75/s"), mix: (read: 1)),
            "lb": LoadBalancer(policy: LeastConnections),
            "api": Service(instances: 4, workers: 100, queue: Limit(0), service_time: Constant("5s"), boot_time: "10s",
                           drain_time: "30s", deployment: (max_surge: "25%", max_unavailable: "0%")),
        }, links: ["c -> lb", "lb -> api"], scenario: [At("50s", Deploy("api", Drained))])"#,
        "case",
    )
    .unwrap();
    let mut sim = statescope::sim::Sim::new(&topology, 1, statescope::sim::Watch { live: false });
    sim.run_until(topology.duration);
    assert_eq!(sim.snapshot().operations.failed, 0);
}

/// What an instance has copies of, or what is on its way from it to another place, its replacement waits for. Here the first
/// has been back for a second, since when it copies what the other leads, and is busy with its first requests of 2 s each:
/// either has those to end, and boots for 10 s.
#[test]
fn an_instance_with_nothing_but_copies_is_not_replaced_beside_itself() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s", nodes: {
        "clients": Clients(arrivals: Steady("10/s"), mix: (write: 1), value_size: "1KiB", timeout: "60s"),
        "lb": LoadBalancer(retries: 0),
        "api": Service(instances: 2, workers: 1000, service_time: Constant("2s"), boot_time: "10s", restart_after: "5s",
            deployment: (max_surge: "0%", max_unavailable: "50%"),
            state: InMemory(replication: Asynchronous(lag: "1ms"), down_after: "1s")),
    }, links: ["clients -> lb", "lb -> api"], scenario: [
        At("11s", Crash("api", 1)), At("27s", Deploy("api", Drained))])"#;
    let topology = read_with(text, &[]);
    // The first boots, with nothing.
    let faults = until(&topology, 1, 35_000).audit().faults;
    assert_eq!(faults, Vec::<String>::new());
    let end = run(&topology, 1).snapshot();
    assert!((50.8..=51.0).contains(&over(&end)), "{}", over(&end));
}

/// 2 GB on the instance's volume take 20 s to a store. Killed at the end of its drain, 2 s after it was told, it has them
/// again when it has booted for 10 s, and sends them anew.
#[test]
fn state_on_its_way_elsewhere_stays_with_the_instance_that_a_deployment_replaces() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "90s", nodes: {
        "clients": Clients(arrivals: Steady("10/s"), mix: (write: 1), value_size: "10MiB", timeout: "60s"),
        "api": Service(instances: 1, workers: 1000, service_time: Constant("1s"), boot_time: "10s", drain_time: "2s",
            deployment: (max_surge: "0%", max_unavailable: "50%"),
            state: LocalDisk(disk: Volume, write_time: "0s", fsync_time: "0s")),
        "store": SqlDatabase(),
    }, links: ["clients -> api", "api -> store"], scenario: [
        At("21s", Set("nodes.api.state", "External(store: \"store\")")), At("22s", Deploy("api", Drained))])"#;
    let topology = read_with(text, &[]);
    for (ms, away) in [(23_900, false), (30_000, true), (34_100, false)] {
        let sim = until(&topology, 1, ms);
        assert_eq!(sim.audit().faults, Vec::<String>::new());
        let writes = sim.snapshot().writes;
        // What it took in the first 20 s; what is written since is in the store.
        let unavailable = if away { 200 } else { 0 };
        assert!(
            writes.unavailable.abs_diff(unavailable) <= 1,
            "{ms} ms: {writes:?}"
        );
    }
    assert_eq!(run(&topology, 1).snapshot().writes.lost, 0);
}

/// What still ends takes the place of nobody who left something behind: the second's log is on its way to the store for
/// good, since nobody is there to send it.
#[test]
fn what_still_ends_takes_no_place_that_has_a_log() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s", nodes: {
        "clients": Clients(arrivals: Steady("10/s"), mix: (write: 1)),
        "lb": LoadBalancer(retries: 0),
        "api": Service(instances: 2, workers: 1000, service_time: Constant("1s"), boot_time: "10s", state: InMemory(),
            deployment: (max_surge: "100%", max_unavailable: "0%")),
        "store": SqlDatabase(),
    }, links: ["clients -> lb", "lb -> api", "api -> store"], scenario: [
        At("10s", Set("nodes.api.instances", "1")), At("12s", Set("nodes.api.state", "External(store: \"store\")")),
        At("20s", Deploy("api", Drained))])"#;
    let topology = read_with(text, &[]);
    for ms in [30_001, 30_500, 40_000] {
        let faults = until(&topology, 1, ms).audit().faults;
        assert_eq!(faults, Vec::<String>::new(), "{ms} ms");
    }
}

/// What hangs is stopped as well: killed at once, or when its drain time is over. Where nothing runs, nothing is deployed.
#[test]
fn what_hangs_is_replaced_by_a_deployment() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "40s", nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: "500ms"),
        "api": Service(instances: 1, workers: 100, service_time: Constant("0s"), state: InMemory(), drain_time: "2s",
            boot_time: "1s"),
    }, links: ["clients -> api"])"#;
    for (stop, back) in [("Drained", 15), ("Abrupt", 13)] {
        let scenario =
            format!(r#"[At("10005ms", Hang("api", 1)), At("12s", Deploy("api", {stop}))]"#);
        let end = run(&read_with(text, &[("scenario", &scenario)]), 1).snapshot();
        assert_eq!(end.writes.lost, 1_000, "{stop}");
        assert_eq!(end.faults[1].lost_writes, 1_000);
        // It serves again when the other has booted.
        assert!(
            end.writes.held.abs_diff((40 - back) * 100) <= 2,
            "{stop}: {:?}",
            end.writes
        );
    }
    let dead = r#"[At("10005ms", Crash("api", 1)), At("12s", Deploy("api", Drained))]"#;
    let sim = run(
        &read_with(
            text,
            &[("scenario", dead), ("nodes.api.restart_after", "None")],
        ),
        1,
    );
    assert_eq!(sim.without_effect().len(), 1);
}
