//! What is booked under a fault: when it was noticed, who met it, what was saved and what it lost.

use crate::support::cases::{figure, read_with, run, until};
use statescope::analysis::{Keeps, Track, objectives};
use statescope::model::Command;
use statescope::sim::figures::Figures;
use statescope::sim::snapshot::FaultView;
use statescope::units::Duration;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// Two instances behind a balancer that never finds out, and behind one with checks that hardly anybody uses. Of an even
/// 100 requests a second half go to either instance.
const TWO_WAYS: &str = r#"Topology(schema: 1, profile: Bare, duration: "20s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1)),
        "lb": LoadBalancer(),
        "watcher": Clients(arrivals: Steady("0.01/s"), mix: (read: 1)),
        "watching": LoadBalancer(health_checks: HealthChecks(interval: "1s", fall: 3)),
        "api": Service(instances: 2, workers: 1000, service_time: Constant("1ms")),
    },
    links: ["clients -> lb", "watcher -> watching", "lb -> api", "watching -> api"],
    scenario: [At("10005ms", Crash("api", 1))])"#;

fn fault(changes: &[(&str, &str)]) -> (FaultView, u64, u64) {
    let end = run(&read_with(TWO_WAYS, changes), 1).snapshot();
    let crash = |f: &&FaultView| !matches!(f.command, Command::Set(..));
    let fault = end.faults.iter().find(crash).unwrap().clone();
    (fault, end.operations.failed, end.operations.completed)
}

#[test]
fn failures_after_the_detection_are_those_sent_after_it() {
    let (fault, failed, _) = fault(&[]);
    // 50 a second from 10.005 s to the end at 20 s.
    assert!((499..=501).contains(&failed), "{failed}");
    assert_eq!(fault.failed_met, failed);
    // The third failed probe, between 2 and 3 s after the crash.
    let detected = fault.detected.unwrap().0;
    assert!((2 * SECOND..=3 * SECOND).contains(&detected), "{detected}");
    let after = (9_995 * MS - detected) as f64 / SECOND as f64 * 50.0;
    let counted = fault.failed_sent_after_detection as f64;
    assert!((counted - after).abs() <= 1.0, "{counted}, {after}");
}

#[test]
fn what_was_sent_before_the_detection_and_failed_after_it_is_none_of_them() {
    // Each waits a second for its answer. The third probe has been missed between 2.9 and 3.9 s after the hang.
    let (fault, failed, _) = fault(&[
        ("scenario", r#"[At("10005ms", Hang("api", 1))]"#),
        ("nodes.clients.timeout", "1s"),
        ("nodes.api.backlog", "10000"),
        ("nodes.watching.health_checks.timeout", r#"Some("300ms")"#),
    ]);
    assert!((448..=451).contains(&failed), "{failed}");
    assert_eq!(fault.failed_met, failed);
    let detected = fault.detected.unwrap().0;
    assert!((2_900..=3_900).contains(&(detected / MS)), "{detected}");
    // Sent from then on until a second before the end: 50 a second.
    let after = (8_995 * MS - detected) as f64 / SECOND as f64 * 50.0;
    let counted = fault.failed_sent_after_detection as f64;
    assert!((counted - after).abs() <= 1.0, "{counted}, {after}");
}

#[test]
fn what_failed_elsewhere_in_the_end_was_not_sent_to_the_fault_after_its_detection() {
    // The first attempt of each comes to the dead instance, the second to the other, which answers with an error.
    let (fault, failed, _) = fault(&[
        ("nodes.clients.retries", "1"),
        (
            "scenario",
            r#"[At("10005ms", Crash("api", 1)), At("10005ms", Set("nodes.api.error_share", "100%"))]"#,
        ),
    ]);
    assert!((998..=1000).contains(&failed), "{failed}");
    assert_eq!(fault.failed_met, failed);
    assert!(fault.detected.is_some());
    assert_eq!(fault.failed_sent_after_detection, 0);
}

#[test]
fn what_a_retry_saved_is_told() {
    let (fault, failed, completed) = fault(&[("nodes.clients.retries", "1")]);
    // In turn: each comes to the dead instance first, and its retry to the other.
    assert_eq!((failed, fault.failed_met), (0, 0));
    assert!((1997..=2000).contains(&completed), "{completed}");
    assert!((998..=1000).contains(&fault.saved_by_retry), "{fault:?}");
}

#[test]
fn whoever_waits_in_vain_for_what_hangs_has_met_it() {
    let hang = ("scenario", r#"[At("10005ms", Hang("api", 1))]"#);
    let (fault, failed, _) = fault(&[
        hang,
        ("nodes.clients.timeout", "500ms"),
        ("nodes.api.backlog", "10000"),
    ]);
    // 50 a second until half a second before the end.
    assert!((473..=476).contains(&failed), "{failed}");
    assert_eq!(fault.failed_met, failed);
}

/// A store whose primary is missed, by nobody but its copy.
#[test]
fn a_primary_that_is_missed_is_detected() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("10/s"), mix: (write: 1)),
            "store": RedisLike(persistence: None, replication: Asynchronous(), down_after: "2s", promotion_time: "0s"),
        },
        links: ["clients -> store"], scenario: [At("10s", Crash("store", 1))])"#;
    for fault in ["Crash", "LoseMachine", "Hang"] {
        let scenario = format!(r#"[At("10s", {fault}("store", 1))]"#);
        let end = run(&read_with(text, &[("scenario", &scenario)]), 1).snapshot();
        assert_eq!(
            end.faults[0].detected,
            Some(Duration(2 * SECOND)),
            "{fault}"
        );
    }
}

// Sessions.

/// Two instances with 50 sessions each, and hardly a request.
const SESSIONS: &str = r#"Topology(schema: 1, profile: Bare, duration: "20s", sessions: InMemory(),
    nodes: {
        "clients": Clients(arrivals: Steady("0.01/s"), mix: (read: 1), users: 100, signed_in: true),
        "lb": LoadBalancer(policy: StickyCookie),
        "api": Service(instances: 2, workers: 1000, service_time: Constant("1ms")),
    },
    links: ["clients -> lb", "lb -> api"])"#;

#[test]
fn sessions_are_lost_through_the_fault_that_took_them() {
    for fault in ["Crash", "LoseMachine"] {
        let scenario = format!(r#"[At("10s", {fault}("api", 1))]"#);
        let end = run(&read_with(SESSIONS, &[("scenario", &scenario)]), 1).snapshot();
        assert_eq!((end.sessions.lost, end.faults[0].lost_sessions), (50, 50));
        let api = end.nodes.iter().find(|n| n.name == "api").unwrap();
        assert_eq!(
            (api.lost_sessions, api.instances[0].lost_sessions),
            (50, 50)
        );
        assert_eq!(
            (api.instances[0].sessions, api.instances[1].sessions),
            (0, 50)
        );
    }
}

#[test]
fn sessions_that_a_change_drops_are_booked_under_it() {
    let drop = ("scenario", r#"[At("10s", Set("sessions", "None"))]"#);
    let end = run(&read_with(SESSIONS, &[drop]), 1).snapshot();
    assert_eq!((end.sessions.lost, end.faults[0].lost_sessions), (100, 100));
}

#[test]
fn sessions_that_nobody_finds_behind_what_hangs_are_lost_through_it() {
    // Its users are sent elsewhere once checks have found out, and are unknown there.
    let changes = [
        ("nodes.clients.arrivals", "Steady(\"100/s\")"),
        ("nodes.clients.timeout", "500ms"),
        (
            "nodes.lb.health_checks",
            "HealthChecks(interval: \"500ms\", fall: 2)",
        ),
        ("scenario", r#"[At("10s", Hang("api", 1))]"#),
    ];
    let end = run(&read_with(SESSIONS, &changes), 1).snapshot();
    assert!(end.sessions.lost >= 45, "{:?}", end.sessions);
    assert_eq!(end.faults[0].lost_sessions, end.sessions.lost);
}

/// It goes on before the user that it kept waiting comes to another instance: that is its doing all the same.
#[test]
fn a_session_is_lost_through_the_fault_that_its_request_met() {
    let changes = [
        ("nodes.clients.arrivals", "Steady(\"2/s\")"),
        ("nodes.clients.users", "1"),
        ("nodes.lb.retries", "1"),
        ("nodes.lb.retry_on", "[ResponseTimeout]"),
        ("nodes.lb.response_timeout", "1s"),
        ("links[1].latency", "20ms"),
        // The request of 10.5 s is given up at 11.5 s, and comes to the other instance 20 ms later.
        (
            "scenario",
            r#"[At("10400ms", Hang("api", 1)), At("11510ms", Resume("api", 1))]"#,
        ),
    ];
    let topology = read_with(SESSIONS, &changes);
    let before = until(&topology, 1, 11_511).snapshot();
    assert_eq!(before.sessions.lost, 0);
    let end = run(&topology, 1).snapshot();
    assert_eq!((end.sessions.lost, end.faults[0].lost_sessions), (1, 1));
}

/// A worker that is not wanted any more works until it is free, and counts until then: nobody is busier than always.
#[test]
fn fewer_workers_are_never_busier_than_always() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "11s", warmup: "1s", nodes: {
        "clients": Clients(arrivals: Steady("10/s"), timeout: None),
        "api": Service(instances: 1, workers: 4, service_time: Constant("8s"), queue: Unlimited),
    }, links: ["clients -> api"], scenario: [At("2s", Set("nodes.api.workers", "1"))])"#;
    let results = run(&read_with(text, &[]), 1).results();
    let utilisation = figure(&results, "nodes.api.utilisation");
    assert!((utilisation - 1.0).abs() < 1e-9, "{utilisation}");
}

/// What begins at the end of a run is not of it.
#[test]
fn nothing_is_offered_at_the_end() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "10s", warmup: "5s", nodes: {
        "clients": Clients(arrivals: Steady("100/s")),
        "api": Service(instances: 1, service_time: Constant("1ms")),
    }, links: ["clients -> api"])"#;
    let mut track = Track::new(&read_with(text, &[]), 1, Keeps::SCENARIO);
    track.run_until(Duration::from_secs(10.0));
    let results = track.results();
    // Intended at 5, 5.01, ... 9.99 s.
    assert_eq!(figure(&results, "operations.offered"), 500.0);
    assert_eq!(figure(&results, "operations.completed"), 500.0);
}

#[test]
fn a_run_that_is_cut_off_keeps_only_promises_that_are_settled() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s",
        objectives: (lost_writes: 0, lost_sessions: 0, availability: "1%", p99: "1s"),
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
            "api": Service(instances: 1, service_time: Constant("1ms"), state: InMemory()),
        }, links: ["clients -> api"], scenario: [At("5s", Crash("api", 1))])"#;
    let topology = read_with(text, &[]);
    let mut results = until(&topology, 1, 10_000).results();
    objectives::add(&mut results, &topology.objectives, false);
    let met = |row: usize| match results.at(&format!("objectives[{row}].met_share")) {
        Some(Figures::Figure(met)) => *met,
        other => panic!("{other:?}"),
    };
    // p99, availability, writes, sessions: a loss stays a loss.
    assert_eq!([0, 1, 2, 3].map(met), [None, None, Some(0.0), None]);
}

/// What a dead or hung instance still had is lost through its removal, not through what struck it before.
#[test]
fn what_leaves_for_good_is_lost_through_that() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "40s", nodes: {
        "clients": Clients(arrivals: Steady("90/s"), mix: (write: 1), timeout: "100ms"),
        "lb": LoadBalancer(),
        "api": Service(instances: 3, workers: 100, service_time: Constant("0s"), drain_time: "1s",
            state: LocalDatabase(fsync: Always, fsync_time: "0s", write_time: "0s")),
    }, links: ["clients -> lb", "lb -> api"])"#;
    for fault in ["Crash", "Hang", "LoseMachine"] {
        let scenario =
            format!(r#"[At("20005ms", {fault}("api", 3)), At("30s", RemoveInstances("api", 1))]"#);
        let end = run(&read_with(text, &[("scenario", scenario.as_str())]), 1).snapshot();
        let lost: Vec<u64> = end.faults.iter().map(|f| f.lost_writes).collect();
        assert_eq!(lost[0], 0, "{fault}: {lost:?}");
        assert!(lost[1].abs_diff(600) <= 2, "{fault}: {lost:?}");
        assert_eq!(end.writes.lost, lost[1], "{fault}");
    }
}
