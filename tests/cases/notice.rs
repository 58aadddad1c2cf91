//! Balancers that learn late of what stops and starts: what that costs at each change, and what `pre_stop` and
//! `slow_start` do about it.

use crate::support::cases::{figure, mean_and_error, read_with, run, until};
use statescope::model::Topology;
use statescope::sim::snapshot::{InstanceView, Status, What};
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

const SECOND: u64 = 1_000_000_000;

/// Every 25 ms a request, to each of four instances in turn.
const FLEET: &str = r#"Topology(schema: 1, profile: Bare, duration: "120s",
    nodes: {
        "clients": Clients(arrivals: Steady("40/s"), mix: (read: 1)),
        "lb": LoadBalancer(notice_delay: "2s", retries: 0),
        "api": Service(instances: 4, workers: 100, service_time: Constant("5ms"), boot_time: "5s",
            deployment: (max_surge: "0%", max_unavailable: "25%")),
    },
    links: ["clients -> lb", "lb -> api"], scenario: [At("20s", Deploy("api", Drained))])"#;

fn fleet(changes: &[(&str, &str)]) -> Topology {
    read_with(FLEET, changes)
}

fn refused(topology: &Topology) -> f64 {
    let end = run(topology, 1).results();
    let failed = figure(&end, "operations.failed");
    if failed > 0.0 {
        assert_eq!(failed, figure(&end, "operations.by_cause.refused"));
    }
    failed
}

/// Up to where in a turn somebody goes: one request more or less for each of so many.
fn is_about(failed: f64, expected: f64, times: f64) {
    let differs = (failed - expected).abs();
    assert!(differs <= times, "{failed} failed, not {expected}");
}

#[test]
fn a_rollout_fails_requests_at_each_instance_until_the_balancer_knows() {
    // Ten a second to each instance, for the two seconds that it is gone and still listed.
    let surge = r#"(max_surge: "25%", max_unavailable: "0%")"#;
    is_about(
        refused(&fleet(&[("nodes.api.deployment", surge)])),
        80.0,
        4.0,
    );
    // One after the other, three are listed when the second and its followers go: the one before is up, and not known.
    is_about(refused(&fleet(&[])), 20.0 + 3.0 * 80.0 / 3.0, 4.0);
    assert_eq!(refused(&fleet(&[("nodes.lb.notice_delay", "\"0s\"")])), 0.0);
}

#[test]
fn instances_that_serve_until_the_balancer_knows_fail_none() {
    let surge = r#"(max_surge: "25%", max_unavailable: "0%")"#;
    let missing = r#"(max_surge: "0%", max_unavailable: "25%")"#;
    for deployment in [surge, missing] {
        let with = |wait: &str| {
            let changes = [
                ("nodes.api.deployment", deployment),
                ("nodes.api.pre_stop", wait),
            ];
            refused(&fleet(&changes))
        };
        assert_eq!(with("\"5s\""), 0.0, "{deployment}");
        assert_eq!(with("\"2s\""), 0.0, "{deployment}");
        // Half a second too short, at each of the four.
        is_about(with("\"1500ms\""), 20.0, 8.0);
    }
}

#[test]
fn a_balancer_that_tries_again_elsewhere_hides_late_notice() {
    assert_eq!(refused(&fleet(&[("nodes.lb.retries", "1")])), 0.0);
}

#[test]
fn checks_may_find_out_before_the_notice_comes() {
    // Probes a second apart, at most: the second that fails takes it out.
    let checks = r#"(interval: "500ms", fall: 1)"#;
    let failed = refused(&fleet(&[
        ("nodes.lb.health_checks", checks),
        ("nodes.lb.notice_delay", "\"5s\""),
    ]));
    assert!((0.0..=4.0 * 6.0).contains(&failed), "{failed}");
}

fn instances(sim: &Sim) -> Vec<InstanceView> {
    sim.snapshot().nodes.swap_remove(2).instances
}

fn in_rotation(sim: &Sim) -> usize {
    let serves = |i: &&InstanceView| i.in_rotation && i.status.serves();
    instances(sim).iter().filter(serves).count()
}

#[test]
fn a_replacement_beside_takes_over_without_a_gap() {
    let changes = [
        (
            "nodes.api.deployment",
            r#"(max_surge: "25%", max_unavailable: "0%")"#,
        ),
        ("nodes.api.pre_stop", "\"5s\""),
    ];
    let mut sim = Sim::new(&fleet(&changes), 1, Watch { live: false });
    for tenth in 0..1000 {
        sim.run_until(Duration(tenth * SECOND / 10));
        assert_eq!(in_rotation(&sim), 4, "after {tenth} tenths of a second");
        assert_eq!(sim.audit().faults, Vec::<String>::new());
    }
}

#[test]
fn what_scaling_takes_away_is_told_late_as_well() {
    let scaled = |wait: &str| {
        let changes = [
            (
                "scenario",
                r#"[At("20s", Set("nodes.api.instances", "3"))]"#,
            ),
            ("nodes.api.pre_stop", wait),
        ];
        refused(&fleet(&changes))
    };
    is_about(scaled("\"0s\""), 20.0, 1.0);
    assert_eq!(scaled("\"2s\""), 0.0);
}

#[test]
fn what_scaling_adds_gets_requests_once_the_balancer_knows() {
    let scenario = r#"[At("20s", Set("nodes.api.instances", "5"))]"#;
    for (checks, known_s) in [("None", 27.0), (r#"(interval: "1ms", rise: 1)"#, 27.0)] {
        let topology = fleet(&[("scenario", scenario), ("nodes.lb.health_checks", checks)]);
        // Booted after 5 s, told 2 s later.
        let at = |s: f64| until(&topology, 1, (s * 1000.0) as u64);
        assert_eq!(in_rotation(&at(known_s - 0.01)), 4, "{checks}");
        assert_eq!(in_rotation(&at(known_s + 0.01)), 5, "{checks}");
    }
    assert_eq!(refused(&fleet(&[("scenario", scenario)])), 0.0);
}

#[test]
fn one_that_comes_at_once_to_the_place_of_one_that_went_is_not_known_before_it_is_told() {
    let scenario = r#"[At("20s", Set("nodes.api.instances", "3")), At("20500ms", Set("nodes.api.instances", "4"))]"#;
    let topology = fleet(&[("scenario", scenario), ("nodes.api.boot_time", "\"0s\"")]);
    // What was listed at its address is refused for two seconds, though another serves there by then.
    is_about(refused(&topology), 20.0, 1.0);
    assert_eq!(in_rotation(&until(&topology, 1, 22_600)), 4);
    assert_eq!(in_rotation(&until(&topology, 1, 22_400)), 3);
}

#[test]
fn an_instance_that_dies_while_it_serves_on_is_replaced_all_the_same() {
    let changes = [
        ("nodes.api.pre_stop", "\"10s\""),
        ("nodes.api.restart_after", "\"1s\""),
        (
            "scenario",
            r#"[At("20s", Deploy("api", Drained)), At("22s", Crash("api", 1)), At("22s", Crash("api", 5))]"#,
        ),
    ];
    let mut sim = until(&fleet(&changes), 1, 119_000);
    assert_eq!(in_rotation(&sim), 4);
    sim.run_until(Duration(120 * SECOND));
    assert_eq!(sim.audit().faults, Vec::<String>::new());
    let here = instances(&sim);
    assert!(here.iter().all(|i| i.status == Status::Up), "{here:?}");
}

/// Requests that the instance that was added has worked on in ten seconds from then on, of 4,000 a run.
fn share_of_the_new(policy: &str, slow_start: &str, seed: u64) -> f64 {
    let changes = [
        ("nodes.lb.policy", policy),
        ("nodes.lb.slow_start", slow_start),
        ("nodes.lb.notice_delay", "\"0s\""),
        ("nodes.clients.arrivals", r#"Poisson("400/s")"#),
        ("nodes.api.boot_time", "\"0s\""),
        (
            "scenario",
            r#"[At("20s", Set("nodes.api.instances", "5"))]"#,
        ),
        ("warmup", "\"20s\""),
        ("duration", "\"30s\""),
    ];
    let end = run(&fleet(&changes), seed).results();
    let busy = |i: usize| figure(&end, &format!("nodes.api.instances[{i}].utilisation"));
    busy(4) / (0..5).map(busy).sum::<f64>()
}

#[test]
fn a_new_instance_gets_its_share_little_by_little() {
    // Its weight grows from a tenth to 1 in ten seconds, the others have 1 each: of each request it gets w / (4 + w), in
    // the mean over w = 0.1 in the first second and then t/10 up to 1.
    let steps = 100_000;
    let share = |i: u32| {
        let weight = (f64::from(i) / f64::from(steps)).max(0.1);
        weight / (4.0 + weight)
    };
    let expected = (0..steps).map(share).sum::<f64>() / f64::from(steps);
    for policy in ["RoundRobin", "Random"] {
        let shares: Vec<f64> = (0..40)
            .map(|seed| share_of_the_new(policy, "\"10s\"", seed))
            .collect();
        let (mean, error) = mean_and_error(&shares);
        assert!(
            (mean - expected).abs() < 3.5 * error,
            "{policy}: {mean} +- {error}, not {expected}"
        );
        let at_once = share_of_the_new(policy, "\"0s\"", 1);
        assert!((0.17..0.23).contains(&at_once), "{policy}: {at_once}");
    }
    for policy in ["LeastConnections", "TwoChoices"] {
        let slowly = share_of_the_new(policy, "\"10s\"", 1);
        let at_once = share_of_the_new(policy, "\"0s\"", 1);
        assert!(slowly < 0.9 * at_once, "{policy}: {slowly}, {at_once}");
    }
}

#[test]
fn what_ends_beside_its_replacement_is_told_by_its_own_number() {
    let end = run(&fleet(&[("nodes.api.pre_stop", "\"5s\"")]), 1).snapshot();
    let stopped = end.happenings.iter().filter_map(|h| match h.what {
        What::Stopped { instance, .. } => Some(instance),
        _ => None,
    });
    assert_eq!(stopped.collect::<Vec<_>>(), [1, 2, 3, 4]);
}
