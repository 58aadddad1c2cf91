//! What survives a fault, what a failover costs, and how a new version gets out: cases with their right values.

use crate::support::cases::{case, case_with, figure, mean_and_error, pause_after, read, run};
use statescope::model::Severity;
use statescope::model::node::Deployment;
use statescope::sim::snapshot::What;
use statescope::sim::{Sim, Watch};
use statescope::units::{Duration, Share};

const SECOND: u64 = 1_000_000_000;

fn started(topology: &statescope::model::Topology, seed: u64) -> Sim {
    Sim::new(topology, seed, Watch { live: false })
}

// Promotions.

#[test]
fn a_promotion_waits_for_the_end_of_the_stream() {
    let topology = case("promotion-waits-for-stream");
    for seed in 1..=5 {
        let mut sim = started(&topology, seed);
        let pause = pause_after(&mut sim, Duration(20 * SECOND));
        // The stream ends one lag after the crash; the next write comes some milliseconds later.
        assert!((5000..5050).contains(&(pause.0 / 1_000_000)), "{pause}");
        sim.run_until(topology.duration);
        assert_eq!(sim.snapshot().writes.lost, 0);
    }
}

#[test]
fn what_is_beyond_the_send_buffer_dies_with_the_process() {
    // 200/s for 5 s of 1 KiB each are under way, and 100 KiB of them are in the kernel.
    let path = "nodes.s.replication";
    for (value, lost) in [
        ("Asynchronous(lag: \"5s\", send_buffer: \"100KiB\")", 900.0),
        ("Asynchronous(lag: \"5s\", send_buffer: \"0B\")", 1000.0),
        ("Asynchronous(lag: \"5s\")", 0.0),
    ] {
        let topology = case_with("promotion-waits-for-stream", &[(path, value)]);
        let samples: Vec<f64> = (1..=20)
            .map(|seed| run(&topology, seed).snapshot().writes.lost as f64)
            .collect();
        let (mean, error) = mean_and_error(&samples);
        // The number under way is Poisson: 1000 with a deviation of 31.6, over 20 seeds 7.1.
        assert!(
            (mean - lost).abs() <= 4.0 * 7.1 && error < 12.0,
            "{value}: {mean} +- {error}"
        );
    }
}

#[test]
fn a_write_counts_in_the_send_buffer_with_its_size() {
    // 100 KiB hold 25 writes of 4 KiB instead of 100.
    let topology = case_with(
        "promotion-waits-for-stream",
        &[
            (
                "nodes.s.replication",
                "Asynchronous(lag: \"5s\", send_buffer: \"100KiB\")",
            ),
            ("nodes.clients.value_size", "4KiB"),
        ],
    );
    let one = run(&topology, 1).snapshot().writes.lost;
    let small = case_with(
        "promotion-waits-for-stream",
        &[(
            "nodes.s.replication",
            "Asynchronous(lag: \"5s\", send_buffer: \"100KiB\")",
        )],
    );
    assert_eq!(one - run(&small, 1).snapshot().writes.lost, 75);
}

#[test]
fn the_stream_of_a_hung_primary_ends_after_one_lag() {
    let topology = case_with(
        "promotion-waits-for-stream",
        &[("scenario", "[At(\"20s\", Hang(\"s\", 1))]")],
    );
    let mut sim = started(&topology, 1);
    let pause = pause_after(&mut sim, Duration(20 * SECOND));
    assert!((5000..5050).contains(&(pause.0 / 1_000_000)), "{pause}");
    assert_eq!(sim.snapshot().writes.lost, 0);
}

#[test]
fn a_lost_machine_takes_what_is_under_way_with_it_and_nobody_waits_for_it() {
    let lost_machine = "[At(\"20s\", LoseMachine(\"s\", 1))]";
    // The machine goes two seconds after its process: what came in these two seconds has arrived.
    let crashed_before = "[At(\"20s\", Crash(\"s\", 1)), At(\"22s\", LoseMachine(\"s\", 1))]";
    for (scenario, down_after, pause_ms, lost) in [
        (lost_machine, "1s", 1000, 1000.0),
        (crashed_before, "1s", 2000, 600.0),
        (crashed_before, "3s", 3000, 600.0),
    ] {
        let topology = case_with(
            "promotion-waits-for-stream",
            &[
                ("scenario", scenario),
                ("nodes.s.down_after", &format!("{down_after:?}")),
            ],
        );
        let mut samples = Vec::new();
        for seed in 1..=20 {
            let mut sim = started(&topology, seed);
            let pause = pause_after(&mut sim, Duration(20 * SECOND)).0 / 1_000_000;
            assert!(
                (pause_ms..pause_ms + 100).contains(&pause),
                "{scenario}: {pause}"
            );
            sim.run_until(topology.duration);
            samples.push(sim.snapshot().writes.lost as f64);
        }
        let (mean, _) = mean_and_error(&samples);
        assert!((mean - lost).abs() <= 4.0 * 7.1, "{scenario}: {mean}");
    }
}

// Snapshots.

#[test]
fn there_is_one_snapshot_at_a_time() {
    let topology = case("snapshots-overlap");
    let samples: Vec<f64> = (1..=60)
        .map(|seed| run(&topology, seed).snapshot().writes.lost as f64)
        .collect();
    let (mean, error) = mean_and_error(&samples);
    // One and a half times 20.48 s at 200/s, drawn uniformly from one to two times.
    assert!(
        error < 200.0 && (mean - 6144.0).abs() < 3.5 * error,
        "{mean} +- {error}"
    );
    assert!(samples.iter().all(|&lost| (3800.0..8500.0).contains(&lost)));
}

// Failovers that somebody asks for.

#[test]
fn a_planned_failover_costs_its_pause_and_loses_nothing() {
    let topology = case("planned-failover-free");
    let mut sim = started(&topology, 1);
    // What was being carried out has ended by then; the next write to complete is one that waited: until the copy had the
    // last one before, 60 s after that, and for the promotion, 1 s.
    let pause = pause_after(&mut sim, Duration(100 * SECOND + SECOND / 10));
    let ms = pause.0 / 1_000_000 + 100;
    assert!((60_800..61_100).contains(&ms), "{pause}");
    sim.run_until(topology.duration);
    let results = sim.results();
    assert_eq!(figure(&results, "writes.lost"), 0.0);
    assert!(figure(&results, "response_time_s.max") > 1.0);
    assert!(
        figure(&results, "operations.failed") > 3000.0,
        "30 s of writes give up"
    );
}

#[test]
fn writes_that_wait_for_a_planned_failover_are_carried_out_after_it_and_reads_meanwhile() {
    let changes = [
        ("scenario", "[At(\"20s\", Failover(\"s\"))]"),
        ("nodes.s.promotion_time", "2s"),
        ("nodes.clients.mix", "(read: 1, write: 1)"),
    ];
    let topology = case_with("promotion-waits-for-stream", &changes);
    for seed in 1..=5 {
        let mut sim = started(&topology, seed);
        sim.run_until(Duration(24 * SECOND));
        let waiting = sim.snapshot().operations;
        // 100 writes a second for 4 s; 100 reads a second go on.
        assert!((320..480).contains(&waiting.in_flight), "{waiting:?}");
        assert!((4600..5000).contains(&(waiting.completed)) || waiting.completed > 4200);
        sim.run_until(topology.duration);
        let snapshot = sim.snapshot();
        assert_eq!(snapshot.operations.failed, 0);
        assert_eq!(snapshot.writes.lost, 0);
        let longest = figure(&sim.results(), "by_kind.write.max");
        assert!((6.9..7.001).contains(&longest), "{longest}");
        assert!(figure(&sim.results(), "by_kind.read.max") < 0.1);
        assert_eq!(snapshot.reads.stale, 0);
        assert!(sim.audit().faults.is_empty(), "{:?}", sim.audit().faults);
    }
}

/// As many as wait for a copy that is long in coming: what waits is looked at once for all that is there, not once each.
#[test]
fn a_hundred_thousand_writes_can_wait_for_a_planned_failover() {
    let topology = read(
        r#"Topology(
        schema: 1, profile: Bare, duration: "13s",
        nodes: {
            "clients": Clients(arrivals: Steady("10000/s"), mix: (write: 1)),
            "db": RedisLike(command_time: "0s", promotion_time: "0s", replication: Asynchronous(lag: "10s")),
        },
        links: ["clients -> db"],
        scenario: [At("1s", Failover("db"))],
    )"#,
    );
    let mut sim = started(&topology, 1);
    // The last write before it reaches the copy at 11 s.
    sim.run_until(Duration(11 * SECOND - 1));
    let waiting = sim.snapshot().operations.in_flight;
    assert!((99_990..=100_000).contains(&waiting), "{waiting}");
    sim.run_until(topology.duration);
    let end = sim.snapshot();
    assert_eq!((end.operations.in_flight, end.operations.failed), (0, 0));
    assert_eq!(end.writes.lost, 0);
}

#[test]
fn a_planned_failover_is_off_when_the_primary_dies_meanwhile() {
    let changes = [(
        "scenario",
        "[At(\"20s\", Failover(\"s\")), At(\"22s\", Crash(\"s\", 1))]",
    )];
    let topology = case_with("promotion-waits-for-stream", &changes);
    let sim = run(&topology, 1);
    let snapshot = sim.snapshot();
    assert_eq!(snapshot.writes.lost, 0);
    // What waited, 2 s of writes, is reset; then nobody serves until the stream has ended at 27 s.
    let failed = snapshot.operations.failed as f64;
    assert!((failed - 1400.0).abs() < 4.0 * 37.5, "{failed}");
}

#[test]
fn a_forced_failover_loses_what_the_copy_lacks_and_does_not_pause() {
    let changes = [
        ("nodes.s.demotion_delay", "0s"),
        ("scenario", "[At(\"20s\", ForceFailover(\"s\"))]"),
    ];
    let topology = case_with("promotion-waits-for-stream", &changes);
    let mut samples = Vec::new();
    for seed in 1..=20 {
        let mut sim = started(&topology, seed);
        let pause = pause_after(&mut sim, Duration(20 * SECOND));
        assert!(pause.0 < SECOND / 20, "{pause}");
        sim.run_until(topology.duration);
        let snapshot = sim.snapshot();
        assert_eq!(snapshot.faults[0].lost_writes, snapshot.writes.lost);
        samples.push(snapshot.writes.lost as f64);
    }
    let (mean, _) = mean_and_error(&samples);
    assert!((mean - 1000.0).abs() <= 4.0 * 7.1, "{mean}");
}

// Redis with an fsync for each write.

#[test]
fn reads_wait_behind_the_fsyncs_of_a_single_thread() {
    let topology = case("redis-always");
    let samples: Vec<f64> = (1..=4)
        .map(|seed| figure(&run(&topology, seed).results(), "by_kind.read.mean") * 1e6)
        .collect();
    let (mean, error) = mean_and_error(&samples);
    // 429 us by a recursion over rounds, written independently of the simulator.
    assert!(
        (mean - 429.0).abs() < 4.0 + 3.0 * error,
        "{mean} +- {error}"
    );
}

#[test]
fn rounds_end_whatever_happens_to_their_calls() {
    let changes = [
        ("nodes.clients.timeout", "2ms"),
        ("nodes.clients.cancel", "true"),
        ("nodes.clients.arrivals", "Poisson(\"2000/s\")"),
        ("nodes.r.command_time", "200us"),
        ("duration", "30s"),
        (
            "scenario",
            "[At(\"5s\", Hang(\"r\", 1)), At(\"6s\", Resume(\"r\", 1)), At(\"8s\", Crash(\"r\", 1)),
              At(\"9s\", Restart(\"r\", 1)), At(\"12s\", Set(\"nodes.r.persistence\", \"AppendOnly(EverySecond)\")),
              At(\"14s\", Set(\"nodes.r.persistence\", \"AppendOnly(Always)\"))]",
        ),
    ];
    let topology = case_with("redis-always", &changes);
    for seed in 1..=3 {
        let mut sim = started(&topology, seed);
        let mut before = 0;
        for step in 1..=300 {
            sim.run_until(Duration(step * SECOND / 10));
            assert!(sim.audit().faults.is_empty(), "{:?}", sim.audit().faults);
            let completed = sim.snapshot().operations.completed;
            let down = (50..61).contains(&step) || (80..91).contains(&step);
            assert!(completed > before || down, "it stands still at {step}");
            before = completed;
        }
        assert_eq!(sim.snapshot().writes.lost, 0);
    }
}

// Deployments.

/// When the deployment was over, and the fewest instances that served at any look meanwhile.
fn deployed(topology: &statescope::model::Topology, seed: u64) -> (u64, usize) {
    let mut sim = started(topology, seed);
    let mut fewest = usize::MAX;
    for step in 201..1000 {
        sim.run_until(Duration(step * SECOND / 10));
        let snapshot = sim.snapshot();
        if snapshot
            .happenings
            .iter()
            .any(|h| matches!(h.what, What::Deployed { .. }))
        {
            return (step / 10, fewest);
        }
        let api = snapshot.nodes.iter().find(|n| n.name == "api").unwrap();
        // One that drains has a replacement that has booted, or hardly any time before it stops.
        let up = api.instances.iter().filter(|i| i.status.serves());
        fewest = fewest.min(up.count());
    }
    panic!("it never ends");
}

#[test]
fn max_unavailable_counts_beside_max_surge() {
    let name = "deployment-max-unavailable";
    let path = "nodes.api.deployment";
    // As Kubernetes: as many at a time as both allow together, and no fewer serve than max_unavailable says.
    for (surge, unavailable, seconds, serve) in [
        ("25%", "25%", 20, 3),
        ("25%", "0%", 40, 4),
        ("25%", "100%", 10, 0),
        ("0%", "25%", 40, 3),
        ("0%", "50%", 20, 2),
        ("50%", "25%", 20, 3),
        // Rounded down to none, and no surge: one may be missing.
        ("0%", "10%", 40, 3),
    ] {
        let value = format!("(max_surge: \"{surge}\", max_unavailable: \"{unavailable}\")");
        let changes = [
            (path, value.as_str()),
            ("nodes.clients.arrivals", "Poisson(\"40/s\")"),
        ];
        let topology = case_with(name, &changes);
        let (over, fewest) = deployed(&topology, 1);
        assert_eq!(fewest, serve, "{value}");
        assert!(
            (20 + seconds..=22 + seconds).contains(&over),
            "{value}: {over}"
        );
    }
}

#[test]
fn instances_that_are_missing_already_count_towards_max_unavailable() {
    let changes = [
        (
            "nodes.api.deployment",
            "(max_surge: \"0%\", max_unavailable: \"50%\")",
        ),
        ("nodes.api.restart_after", "None"),
        (
            "scenario",
            "[At(\"15s\", Crash(\"api\", 1)), At(\"20s\", Deploy(\"api\", Drained))]",
        ),
        ("nodes.clients.arrivals", "Poisson(\"40/s\")"),
    ];
    let topology = case_with("deployment-max-unavailable", &changes);
    // Two of four may be missing and one is: one more at a time.
    let (_, fewest) = deployed(&topology, 1);
    assert_eq!(fewest, 2);
}

#[test]
fn what_deployments_allow_is_rounded_as_kubernetes_does() {
    let of = |surge, unavailable, n| {
        Deployment {
            max_surge: Share(surge),
            max_unavailable: Share(unavailable),
        }
        .at_once(n)
    };
    assert_eq!(of(0.25, 0.25, 4), (1, 1));
    assert_eq!(of(0.25, 0.25, 10), (3, 2));
    assert_eq!(of(0.07, 0.29, 100), (7, 29), "what is whole stays whole");
    assert_eq!(of(0.0, 0.1, 4), (0, 1));
    assert_eq!(of(0.01, 0.0, 4), (1, 0));
}

#[test]
fn a_deployment_that_cannot_move_is_refused() {
    let problems = statescope::model::check(&case("deployment-cannot-move"));
    assert!(
        problems
            .iter()
            .any(|p| p.severity == Severity::Error && p.message.contains("cannot move")),
        "{problems:?}"
    );
    // Rounded to none is fine.
    let value = "(max_surge: \"0%\", max_unavailable: \"10%\")";
    let rounded = case_with("deployment-cannot-move", &[("nodes.api.deployment", value)]);
    assert!(statescope::model::check(&rounded).is_empty());
}

const FLEET: &str = r#"Topology(schema: 1, duration: "120s",
    nodes: {
        "clients": Clients(arrivals: Poisson("300/s"), mix: (read: 1), retries: 0),
        "lb": LoadBalancer(retries: 0, health_checks: (interval: "2s", fall: 3, rise: 2)),
        "api": Service(instances: 4, service_time: Constant("5ms"), warm_up: "0s", boot_time: "2s",
            deployment: (max_surge: "0%", max_unavailable: "25%")),
    },
    links: ["clients -> lb", "lb -> api"], scenario: [At("20s", Deploy("api", Drained))])"#;

fn fleet(changes: &[(&str, &str)]) -> statescope::model::Topology {
    let mut topology = statescope::model::file::read(FLEET, "fleet").unwrap();
    for (path, value) in changes {
        topology
            .set_path(path, value)
            .unwrap_or_else(|e| panic!("{path}: {e}"));
    }
    topology
}

#[test]
fn a_drained_stop_loses_nothing_that_was_on_its_way() {
    let slow = r#"["clients -> lb", Link(path: "lb -> api", latency: "30ms")]"#;
    let narrow =
        r#"["clients -> lb", Link(path: "lb -> api", latency: "1ms", bandwidth: "2MiB/s")]"#;
    let scale_in = r#"[At("20s", RemoveInstances("api", 2))]"#;
    let surge = r#"(max_surge: "50%", max_unavailable: "0%")"#;
    for changes in [
        vec![("links", slow)],
        vec![("links", narrow)],
        vec![("links", slow), ("nodes.api.deployment", surge)],
        vec![("links", slow), ("scenario", scale_in)],
        // Without a balancer, callers take instances in turn.
        vec![
            (
                "links",
                r#"[Link(path: "clients -> api", latency: "30ms")]"#,
            ),
            ("-nodes.lb", ""),
        ],
    ] {
        let mut changes = changes;
        let alone = changes.iter().any(|c| c.0 == "-nodes.lb");
        changes.retain(|c| c.0 != "-nodes.lb");
        let mut topology = fleet(&changes);
        if alone {
            topology.nodes.shift_remove("lb");
        }
        for seed in 1..=5 {
            let sim = run(&topology, seed);
            assert_eq!(sim.snapshot().operations.failed, 0, "{changes:?}");
        }
    }
}

#[test]
fn an_abrupt_deployment_is_found_by_checks_as_a_crash_is() {
    let abrupt = r#"[At("20s", Deploy("api", Abrupt))]"#;
    let surge = r#"(max_surge: "25%", max_unavailable: "0%")"#;
    // Four instances, one after the other; each is sent 75/s for as long as it boots, or until checks find it dead: the
    // third failed probe comes between 4 and 6 s after the kill.
    let found = 75.0 * 5.0;
    // Where the next is killed before checks have let the last replacement in, on average 3 s, three share the load.
    let found_short_of_one = 75.0 * 5.0 + 25.0 * 3.0;
    for (changes, expected) in [
        (vec![("nodes.api.boot_time", "2s")], 4.0 * 75.0 * 2.0),
        (
            vec![("nodes.api.boot_time", "15s")],
            found + 3.0 * found_short_of_one,
        ),
        // A replacement beside it has an address of its own, which checks find, too.
        (
            vec![
                ("nodes.api.boot_time", "15s"),
                ("nodes.api.deployment", surge),
            ],
            4.0 * found,
        ),
        // Without checks nobody ever finds out.
        (
            vec![
                ("nodes.api.boot_time", "15s"),
                ("nodes.lb.health_checks", "None"),
            ],
            4.0 * 75.0 * 15.0,
        ),
    ] {
        let mut changes = changes;
        changes.push(("scenario", abrupt));
        let topology = fleet(&changes);
        let samples: Vec<f64> = (1..=10)
            .map(|seed| run(&topology, seed).snapshot().operations.failed as f64)
            .collect();
        let (mean, error) = mean_and_error(&samples);
        // One in flight is reset with each kill.
        assert!(
            (mean - expected).abs() < 3.5 * error + 6.0,
            "{changes:?}: {mean} +- {error}, {expected}"
        );
    }
}

// Databases and kernels that turn away.

#[test]
fn a_database_refuses_calls_beyond_its_connections_at_once() {
    let topology = case("queueing-at-max-connections");
    let results = run(&topology, 1).results();
    assert_eq!(figure(&results, "nodes.db.queue_length"), 0.0);
    let unavailable = figure(&results, "operations.by_cause.store_unavailable");
    assert!(unavailable > 1000.0, "{unavailable}");
    assert_eq!(unavailable, figure(&results, "operations.failed"));
    // Clients linked to it see the refusal itself: Erlang's loss formula, with 2 Erlangs.
    for (connections, lost) in [(1, 2.0 / 3.0), (4, 2.0 / 21.0)] {
        let text = format!(
            r#"Topology(schema: 1, profile: Bare, duration: "200s", nodes: {{
                "clients": Clients(arrivals: Poisson("400/s")),
                "db": SqlDatabase(connections: {connections}, read_time: "5ms"),
            }}, links: ["clients -> db"])"#
        );
        let topology = statescope::model::file::read(&text, "direct").unwrap();
        let samples: Vec<f64> = (1..=4)
            .map(|seed| {
                let results = run(&topology, seed).results();
                let refused = figure(&results, "operations.by_cause.refused");
                assert_eq!(refused, figure(&results, "operations.failed"));
                refused / figure(&results, "operations.offered")
            })
            .collect();
        let (mean, error) = mean_and_error(&samples);
        assert!(
            (mean - lost).abs() < 4.0 * error + 0.001,
            "{mean} +- {error}, {lost}"
        );
    }
}

#[test]
fn the_kernel_of_a_hung_process_takes_as_many_connections_as_its_backlog_holds() {
    let changes = [
        (
            "scenario",
            r#"[At("20s", Hang("api", 1)), At("29s", Resume("api", 1))]"#,
        ),
        ("nodes.lb.health_checks", "None"),
        ("nodes.clients.timeout", "30s"),
        ("nodes.api.call_timeout", "None"),
        ("nodes.api.queue", "Limit(10)"),
    ];
    for (backlog, setting) in [(128, "128"), (20, "20"), (0, "0")] {
        let mut changes = changes.to_vec();
        changes.push(("nodes.api.backlog", setting));
        let topology = fleet(&changes);
        let mut sim = started(&topology, 1);
        sim.run_until(Duration(28 * SECOND));
        let snapshot = sim.snapshot();
        let api = snapshot.nodes.iter().find(|n| n.name == "api").unwrap();
        assert_eq!(api.instances[0].backlog, backlog);
        assert!(api.instances[0].queue <= 10);
        assert_eq!((api.backlog, api.queue), (backlog, api.instances[0].queue));
        let timed_out = snapshot.operations.by_cause[2];
        // 75/s for 8 s, those whose 200 ms are over.
        let expected = 600.0 - backlog as f64 - 15.0;
        assert!(
            (timed_out as f64 - expected).abs() < 4.0 * 24.5,
            "{timed_out}"
        );
        sim.run_until(Duration(31 * SECOND));
        let snapshot = sim.snapshot();
        let api = snapshot.nodes.iter().find(|n| n.name == "api").unwrap();
        assert_eq!(api.backlog, 0);
        // Eight workers and ten places: the rest of what came in is turned away at once, and what comes just then.
        let full = snapshot.operations.by_cause[4];
        let turned_away = backlog.saturating_sub(18);
        assert!((turned_away..=turned_away + 5).contains(&full), "{full}");
        assert!(sim.audit().faults.is_empty(), "{:?}", sim.audit().faults);
    }
}
