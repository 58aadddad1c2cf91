//! Faults of the network and of zones: cut, slow and lossy ways, whose figures follow from arithmetic.

use crate::support::cases::{changed, figure, run};
use statescope::model::{Severity, Topology, check, file};
use statescope::sim::snapshot::{Extent, What};
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

/// A service before a store, 100 requests a second, half of them writes; a message takes 1 ms.
const STORE: &str = r#"Topology(schema: 1, profile: Bare, duration: "40s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1, write: 1), timeout: Some("2s")),
        "api": Service(instances: 2, workers: 100, service_time: Constant("0s"), state: External(store: "db")),
        "db": RedisLike(persistence: None, command_time: "0s"),
    },
    links: [
        Link(path: "clients -> api", latency: "1ms"),
        Link(path: "api -> db", latency: "1ms"),
    ])"#;

/// Two instances behind a balancer with checks each second, which fall after three.
const BALANCED: &str = r#"Topology(schema: 1, profile: Bare, duration: "40s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1), timeout: Some("2s")),
        "lb": LoadBalancer(health_checks: HealthChecks(interval: "1s", timeout: "500ms", fall: 3, rise: 2)),
        "api": Service(instances: 2, workers: 100, service_time: Constant("0s"), state: InMemory()),
    },
    links: ["clients -> lb", "lb -> api"])"#;

fn topology(text: &str, scenario: &str) -> Topology {
    let scenario = format!("[{scenario}]");
    changed(
        file::read(text, "case").unwrap(),
        &[("scenario", &scenario)],
    )
}

fn run_of(text: &str, scenario: &str) -> Sim {
    run(&topology(text, scenario), 1)
}

fn failed(sim: &Sim) -> f64 {
    figure(&sim.results(), "operations.failed")
}

/// Whoever cannot connect gives up after the connect timeout; after the cut is healed all is as before.
#[test]
fn a_cut_fails_all_that_crosses_it_until_it_is_healed() {
    let sim = run_of(
        STORE,
        r#"At("10s", Cut("api -> db")), At("20s", Heal("api -> db"))"#,
    );
    // Requests that would reach the store within 10 s.
    assert!((failed(&sim) - 1000.0).abs() <= 2.0, "{}", failed(&sim));
    let snapshot = sim.snapshot();
    assert_eq!(snapshot.writes.lost, 0);
    assert!(
        snapshot.faults[0].failed_met.abs_diff(1000) <= 2,
        "{:?}",
        snapshot.faults[0]
    );
}

/// What the service has been told arrives; its answers do not, so that writes are applied and not acknowledged.
#[test]
fn one_way_the_answers_alone_are_cut() {
    let there = run_of(STORE, r#"At("10s", CutOneWay("api -> db"))"#);
    let back = run_of(STORE, r#"At("10s", CutOneWay("db -> api"))"#);
    let arrived = |sim: &Sim| sim.snapshot().nodes[2].arrived;
    assert!(arrived(&there).abs_diff(1000) <= 2, "{}", arrived(&there));
    assert!(arrived(&back).abs_diff(4000) <= 2, "{}", arrived(&back));
    // Those of the last two seconds are still waited for.
    assert!((failed(&there) - 2980.0).abs() <= 3.0, "{}", failed(&there));
    assert!((failed(&back) - 2800.0).abs() <= 3.0, "{}", failed(&back));
}

/// Four messages of 1 ms cross two links; on one of them each takes 20 times as long.
#[test]
fn a_slow_way_takes_so_many_times_as_long() {
    let p50 = |scenario| figure(&run_of(STORE, scenario).results(), "response_time_s.p50");
    assert!((p50("") - 0.004).abs() < 5e-5, "{}", p50(""));
    let slow = p50(r#"At("1ms", Slow("api -> db", 20))"#);
    assert!((slow - 0.042).abs() < 5e-4, "{slow}");
    let healed = p50(r#"At("1ms", Slow("db -> api", 20)), At("10s", Heal("api -> db"))"#);
    assert!((healed - 0.004).abs() < 5e-5, "{healed}");
}

/// A message of a quarter of all is lost: requests and replies, each sent again after 200 ms, 400 ms and so on.
#[test]
fn lost_messages_are_sent_again() {
    let text = STORE.replace("timeout: Some(\"2s\")", "timeout: None");
    let sim = run_of(&text, r#"At("1ms", Lose("clients -> api", "25%"))"#);
    assert_eq!(failed(&sim), 0.0);
    let histogram = |path| figure(&sim.results(), path);
    // Neither of the two is lost with 9/16; one of them once with 2 * 3/16 * 3/4, which makes 0.84.
    assert!(histogram("response_time_s.p50") < 0.005);
    let p75 = histogram("response_time_s.p90");
    assert!((0.2..0.7).contains(&p75), "{p75}");
    // Mean of a message: 0.25 * 0.2 + 0.25^2 * 0.4 + ... = 0.05 / (1 - 0.5).
    let mean = histogram("response_time_s.mean");
    assert!((mean - 0.204).abs() < 0.03, "{mean}");
}

/// The balancer's checks find the cut instance out as if it were dead, and find that it is back.
#[test]
fn checks_find_an_instance_behind_a_cut() {
    let sim = run_of(
        BALANCED,
        r#"At("10s", Cut("lb -> api.2")), At("25s", Heal("lb -> api.2"))"#,
    );
    let snapshot = sim.snapshot();
    let found = snapshot.happenings.iter().find_map(|h| match h.what {
        What::FoundDead {
            instance, fault, ..
        } => Some((h.at, instance, fault)),
        _ => None,
    });
    let (at, instance, fault) = found.unwrap();
    assert_eq!((instance, fault), (2, Some(0)));
    // The first of three within a second and a half, each unanswered for 500 ms.
    let after = at.secs() - 10.0;
    assert!((3.5..=5.0).contains(&after), "{after}");
    assert_eq!(
        snapshot.faults[0].detected.unwrap().0,
        at.0 - 10_000_000_000
    );
    let back = snapshot
        .happenings
        .iter()
        .any(|h| matches!(h.what, What::BackInRotation { instance: 2, .. }));
    assert!(back);
    // Half of the requests are sent to it, until it is found out; without retries they fail.
    let expected = 50.0 * after;
    assert!(
        (failed(&sim) - expected).abs() < 3.0,
        "{} {expected}",
        failed(&sim)
    );
}

/// A probe over a way so slow that it is given up has failed.
#[test]
fn checks_fail_over_a_way_that_is_too_slow() {
    let slow = BALANCED.replace(
        "\"lb -> api\"",
        "Link(path: \"lb -> api\", latency: \"1ms\")",
    );
    let found = |scenario| {
        let sim = run_of(&slow, scenario);
        sim.snapshot()
            .happenings
            .iter()
            .any(|h| matches!(h.what, What::FoundDead { .. }))
    };
    assert!(
        !found(r#"At("10s", Slow("lb -> api.1", 200))"#),
        "400 ms there and back"
    );
    assert!(
        found(r#"At("10s", Slow("lb -> api.1", 300))"#),
        "600 ms there and back"
    );
}

/// Instances stand in the zones in turn: with one zone of two half of them go, at once and under one row.
#[test]
fn a_lost_zone_takes_what_is_in_it() {
    let text = BALANCED.replace("instances: 2", "instances: 5, zones: [\"a\", \"b\"]");
    let sim = run_of(&text, r#"At("10s", LoseZone("b"))"#);
    let snapshot = sim.snapshot();
    let down: Vec<bool> = snapshot.nodes[2]
        .instances
        .iter()
        .map(|i| i.status.is_down())
        .collect();
    assert_eq!(down, [false, true, false, true, false]);
    assert_eq!(snapshot.faults.len(), 1);
}

/// A zone that is cut from all the rest.
#[test]
fn a_zone_is_cut_from_the_rest() {
    let text = BALANCED.replace("instances: 2", "instances: 4, zones: [\"a\", \"b\"]");
    let sim = run_of(&text, r#"At("10s", Cut("@a -> *"))"#);
    let snapshot = sim.snapshot();
    let link = snapshot.links.iter().find(|l| l.from == "lb").unwrap();
    let trouble = link.trouble.as_ref().unwrap();
    assert_eq!(trouble.cut, [Extent::Some; 2]);
    // Through which fault, and which instances are behind it.
    assert_eq!((&trouble.faults, &snapshot.network), (&vec![0], &vec![0]));
    let cut = link.troubles.iter().map(|t| t.cut[0]);
    let [all, none] = [Extent::All, Extent::None];
    assert_eq!(cut.collect::<Vec<_>>(), [all, none, all, none]);
    let zones = snapshot.nodes[2]
        .instances
        .iter()
        .map(|i| i.zone.as_deref());
    assert_eq!(zones.flatten().collect::<String>(), "abab");
    let found: Vec<u32> = snapshot
        .happenings
        .iter()
        .filter_map(|h| match h.what {
            What::FoundDead { instance, .. } => Some(instance),
            _ => None,
        })
        .collect();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|instance| instance % 2 == 1));
}

/// Between zones a message takes longer, within one it does not.
#[test]
fn zones_are_further_apart() {
    let text = STORE
        .replace("instances: 2,", "instances: 2, zones: [\"a\", \"b\"],")
        .replace("db\": RedisLike(", "db\": RedisLike(zones: [\"a\"], ")
        .replace("profile: Bare,", "profile: Bare, zone_latency: \"10ms\",");
    let results = run_of(&text, "").results();
    // One of two instances is in the other zone: 1 ms four times, and twice 10 ms more.
    let mean = figure(&results, "response_time_s.mean");
    assert!((mean - 0.014).abs() < 2e-4, "{mean}");
    assert!((figure(&results, "response_time_s.p99") - 0.024).abs() < 5e-4);
}

/// A slow instance takes so many times as long, until it goes on or is started anew.
#[test]
fn a_slow_instance_is_slow_until_it_is_resumed() {
    let text = BALANCED.replace("Constant(\"0s\")", "Constant(\"10ms\")");
    for end in [r#"Resume("api", 1)"#, r#"Restart("api", 1)"#] {
        let kill = if end.starts_with("Restart") {
            r#"At("20s", Crash("api", 1)),"#
        } else {
            ""
        };
        let sim = run_of(
            &text,
            &format!(r#"At("10s", SlowInstance("api", 1, 20)), {kill} At("20s", {end})"#),
        );
        let slow = figure(&sim.results(), "response_time_s.p90");
        // Of 40 s, 10 s are slow for half of the requests.
        assert!((slow - 0.21).abs() < 0.02, "{slow}");
        assert!(figure(&sim.results(), "response_time_s.p50") < 0.02);
    }
}

/// A slow link with little bandwidth is fast again once it is healed.
#[test]
fn what_waits_before_a_slow_link_leaves_when_it_is_healed() {
    let text = STORE.replace(
        "Link(path: \"api -> db\", latency: \"1ms\")",
        "Link(path: \"api -> db\", latency: \"1ms\", bandwidth: \"1MiB/s\")",
    );
    let topology = topology(
        &text,
        r#"At("1s", Slow("api -> db", 1000)), At("5s", Heal("api -> db"))"#,
    );
    let mut sim = Sim::new(&topology, 1, Watch { live: false });
    sim.run_until(Duration::from_secs(6.0));
    let before = sim.snapshot().operations.completed;
    sim.run_until(Duration::from_secs(16.0));
    let completed = sim.snapshot().operations.completed - before;
    assert!(completed.abs_diff(1000) <= 20, "{completed}");
}

/// What cannot be is refused with the reason; what changes nothing is told.
#[test]
fn sides_and_extents_are_checked() {
    for (command, why) in [
        (r#"Cut("apy -> db")"#, "no node `apy`"),
        (r#"Cut("api.3 -> db")"#, "no instance 3"),
        (r#"Cut("clients.1 -> api")"#, "has no instances"),
        (r#"Cut("@a -> db")"#, "nothing is in a zone"),
        (r#"LoseZone("a")"#, "nothing is in a zone"),
        (r#"Slow("api -> db", 1)"#, "times slower"),
        (r#"Lose("api -> db", "100%")"#, "less than 100 %"),
        (r#"SlowInstance("api", 1, 0.5)"#, "times slower"),
        (r#"SlowInstance("api", 9, 5)"#, "no instance 9"),
    ] {
        let problems = check(&topology(STORE, &format!(r#"At("1s", {command})"#)));
        let said = problems
            .iter()
            .any(|p| p.severity == Severity::Error && p.message.contains(why));
        assert!(said, "{command}: {problems:?}");
    }
    let sim = run_of(
        STORE,
        r#"At("1s", Heal("api -> db")), At("2s", Cut("api -> db")), At("3s", Cut("db -> api"))"#,
    );
    let idle: Vec<&str> = sim
        .without_effect()
        .iter()
        .map(|i| i.why.as_str())
        .collect();
    assert_eq!(
        idle,
        ["no fault has just these two sides", "it is so already"]
    );
}
