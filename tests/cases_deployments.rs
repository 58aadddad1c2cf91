//! Deployments whose steps do not go as planned, and how many of them go on at once.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

mod support;

use statescope::model::{Command, Stop, Topology, file};
use statescope::sim::snapshot::{Snapshot, What};
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;
use support::cases::{changed, run};

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
    assert_eq!(over(&end), 20.0 + 4.0 * (5.0 + 10.0));
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
