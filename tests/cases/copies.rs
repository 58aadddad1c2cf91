//! Copies: what a stop that was told beforehand leaves to them, and what one that takes over goes on with.

use crate::support::cases::{changed, pause_after, run};
use statescope::model::{Topology, file};
use statescope::sim::snapshot::What;
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

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

/// While an instance hangs it fills no further copy, and without any copy left its state waits for it alone.
#[test]
fn a_primary_that_hangs_fills_no_copies() {
    let two = r#"Asynchronous(replicas: 2, lag: "10ms")"#;
    let scenario = format!(
        r#"[At("20s", Hang("api", 1)), At("21s", Set("nodes.api.state.replication", {two:?})),
            At("21500ms", LoseMachine("api", 2)), At("21600ms", LoseMachine("api", 1))]"#
    );
    for seed in 1..=4 {
        let writes = run(&fleet(&[("scenario", &scenario)]), seed)
            .snapshot()
            .writes;
        // 25 a second for 20 s, of which only the hung one and the second knew.
        assert!(
            (498..=505).contains(&writes.lost),
            "seed {seed}: {writes:?}"
        );
    }
}

/// Who gives up copies while they are all that is left of an instance gives up what they have.
#[test]
fn copies_that_are_given_up_leave_nobody_waiting() {
    let scenario = r#"[At("20s", Crash("api", 1)), At("21s", Set("nodes.api.state.replication", "None")),
        At("30s", Restart("api", 1))]"#;
    let changes = [
        ("scenario", scenario),
        ("nodes.api.state.down_after", "60s"),
    ];
    let writes = run(&fleet(&changes), 1).snapshot().writes;
    assert_eq!(writes.unavailable, 0, "{writes:?}");
    assert!((498..=502).contains(&writes.lost), "{writes:?}");
}

// What hangs before it dies.

fn store(settings: &str, scenario: &str) -> Topology {
    let text = format!(
        r#"Topology(schema: 1, profile: Bare, duration: "60s",
            nodes: {{
                "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
                "s": RedisLike(command_time: "0s", promotion_time: "0s", {settings}),
            }},
            links: ["clients -> s"], scenario: [{scenario}])"#
    );
    file::read(&text, "store").unwrap()
}

/// What a copy will have is settled when its primary hangs, and so is when it has been missed for long enough: a death that
/// follows takes more along, if it is the machine's, and gives nothing back.
#[test]
fn a_death_after_a_hang_is_no_second_chance_for_what_was_under_way() {
    let hang = r#"At("20s", Hang("s", 1))"#;
    for (buffer, then, lost) in [
        // A lag of 1 s at 100/s is under way.
        ("0B", String::new(), 100),
        ("0B", r#", At("20900ms", Crash("s", 1))"#.to_owned(), 100),
        (
            "0B",
            r#", At("24500ms", LoseMachine("s", 1))"#.to_owned(),
            100,
        ),
        ("4MiB", r#", At("20500ms", Crash("s", 1))"#.to_owned(), 0),
        // Half of it has arrived by then.
        (
            "4MiB",
            r#", At("20500ms", LoseMachine("s", 1))"#.to_owned(),
            50,
        ),
        (
            "4MiB",
            r#", At("20300ms", Crash("s", 1)), At("20500ms", LoseMachine("s", 1))"#.to_owned(),
            50,
        ),
        (
            "4MiB",
            r#", At("24500ms", LoseMachine("s", 1))"#.to_owned(),
            0,
        ),
    ] {
        let settings = format!(
            r#"persistence: None, down_after: "5s", replication: Asynchronous(lag: "1s", send_buffer: "{buffer}")"#
        );
        let topology = store(&settings, &format!("{hang}{then}"));
        let mut sim = Sim::new(&topology, 1, Watch { live: false });
        let pause = pause_after(&mut sim, Duration(20_000_000_000)).0 / 1_000_000;
        assert!((5000..5050).contains(&pause), "{buffer}{then}: {pause}");
        sim.run_until(topology.duration);
        let booked = sim.snapshot().writes.lost;
        assert!(booked.abs_diff(lost) <= 1, "{buffer}{then}: {booked}");
    }
}

/// The copy of a hung primary dies before it: then its own disk is all there is, as if it had never had a copy.
#[test]
fn a_hung_primary_without_copies_left_dies_as_one_that_had_none() {
    let disk = "persistence: AppendOnly(EverySecond), fsync_time: \"0s\"";
    let copied = format!(r#"{disk}, down_after: "30s", replication: Asynchronous(lag: "1ms")"#);
    let alone = r#"At("20s", Hang("s", 1)), At("20300ms", LoseMachine("s", 1)), At("30s", Restart("s", 1))"#;
    let mut sum = 0;
    for seed in 1..=6 {
        let lost = run(&store(disk, alone), seed).snapshot().writes.lost;
        assert!(lost <= 100, "since its last fsync: {lost}");
        sum += lost;
        for first in [r#"At("20200ms", Crash("s", 1)), "#, ""] {
            let scenario = format!(
                r#"At("20s", Hang("s", 1)), At("20100ms", Crash("s", 2)), {first}
                    At("20300ms", LoseMachine("s", 1)), At("30s", Restart("s", 1))"#
            );
            let writes = run(&store(&copied, &scenario), seed).snapshot().writes;
            assert_eq!(writes.lost, lost, "seed {seed}: {scenario}");
        }
    }
    // 50 each on average, from 0 to 100.
    assert!((100..500).contains(&sum), "{sum}");
}
