//! Another schedule for a run that has begun: what has happened stays, and what comes is as if it had been planned so from
//! the start.

use statescope::analysis::{Keeps, Track};
use statescope::model::{Command, Timed, Topology, file};
use statescope::sim::schedule::instants;
use statescope::units::Duration;

fn s(seconds: f64) -> Duration {
    Duration::from_secs(seconds)
}

fn topology(scenario: &str) -> Topology {
    let text = format!(
        r#"Topology(schema: 1, sessions: InMemory(), duration: "40s",
            nodes: {{
                "clients": Clients(arrivals: Poisson("200/s"), mix: (read: 80, write: 20)),
                "lb": LoadBalancer(policy: StickyCookie),
                "api": Service(instances: 4, service_time: LogNormal(mean: "15ms", cv: 1.2), state: InMemory(snapshot_every: "5s")),
            }},
            links: ["clients -> lb", "lb -> api"],
            scenario: [{scenario}])"#
    );
    file::read(&text, "a test").expect("a topology")
}

fn run(topology: &Topology, until: f64) -> Track {
    let mut track = Track::new(topology, 7, Keeps::SCENARIO);
    track.run_until(s(until));
    track
}

/// The figures of a run to its end whose schedule became that of `after` at `at`.
fn rescheduled(before: &Topology, after: &Topology, at: f64, end: f64) -> Track {
    let mut track = Track::new(before, 7, Keeps::LIVE);
    track.run_until(s(at));
    let _ = track.take_interval();
    track.reschedule(&after.scenario);
    track.run_until(s(end));
    track
}

#[test]
fn another_future_is_as_if_it_had_been_planned_from_the_start() {
    let past = r#"At("3s", Crash("api", 2)), "#;
    let futures = [
        r#"At("20s", LoseMachine("api", 3))"#,
        r#"At("16s", Restart("api", 2)), At("20s", LoseMachine("api", 3))"#,
        r#"Between("18s", "30s", Hang("api", 1)), At("17s", Set("nodes.api.workers", "4"))"#,
        r#"At("15s", Crash("api", 1)), At("15s", Crash("api", 3)), At("22s", Deploy("api", Abrupt))"#,
        "",
    ];
    for before in futures {
        for after in futures {
            let (before, after) = (
                topology(&format!("{past}{before}")),
                topology(&format!("{past}{after}")),
            );
            let straight = run(&after, 40.0);
            let turned = rescheduled(&before, &after, 5.0, 40.0);
            assert_eq!(
                straight.snapshot(),
                turned.snapshot(),
                "{:?}",
                after.scenario
            );
            assert_eq!(straight.results(), turned.results(), "{:?}", after.scenario);
        }
    }
}

#[test]
fn what_has_happened_stays_though_the_schedule_no_longer_says_so() {
    let before = topology(
        r#"At("3s", Crash("api", 2)), Between("2s", "4s", Hang("api", 1)), At("20s", Crash("api", 3))"#,
    );
    let after = topology(r#"At("12s", Resume("api", 1))"#);
    let track = rescheduled(&before, &after, 5.0, 14.0);
    let known = run(&before, 14.0).snapshot();
    let faults = track.snapshot().faults;
    assert_eq!(faults.len(), 2, "{faults:?}");
    for (fault, known) in faults.iter().zip(&known.faults) {
        assert_eq!((&fault.command, fault.at), (&known.command, known.at));
    }
    // The run says what it had and has: replayed, it is the same.
    let mut again = before.clone();
    again.scenario = track.sim().scenario().to_vec();
    assert_eq!(again.scenario.len(), 3);
    let replayed = run(&again, 14.0);
    assert_eq!(replayed.snapshot(), track.snapshot());
    assert_eq!(replayed.results(), track.results());
}

#[test]
fn what_lies_before_now_does_not_happen_any_more() {
    let before = topology("");
    let after = topology(r#"At("3s", Crash("api", 2)), At("5s", Crash("api", 1))"#);
    let track = rescheduled(&before, &after, 5.0, 10.0);
    assert!(track.snapshot().faults.is_empty());
    assert!(track.sim().scenario().is_empty());
}

#[test]
fn faults_by_hand_keep_their_rows_beside_another_schedule() {
    let before = topology(r#"At("20s", Crash("api", 3))"#);
    let after = topology(r#"At("12s", Restart("api", 2)), At("18s", Crash("api", 3))"#);
    let mut track = Track::new(&before, 7, Keeps::LIVE);
    track.run_until(s(4.0));
    track.apply(&Command::Crash("api".into(), 2)).unwrap();
    track.run_until(s(6.0));
    track.reschedule(&after.scenario);
    track.run_until(s(8.0));
    track.apply(&Command::Hang("api".into(), 1)).unwrap();
    track.apply(&Command::Hang("api".into(), 4)).unwrap();
    track.run_until(s(40.0));
    let mut again = before.clone();
    again.scenario = [track.sim().scenario(), track.sim().recording()].concat();
    let replayed = run(&again, 40.0);
    assert_eq!(replayed.snapshot().faults.len(), 4);
    let told = |track: &Track| -> Vec<_> {
        let faults = track.snapshot().faults;
        faults
            .into_iter()
            .map(|f| (f.command, f.at, f.caused, f.recovery))
            .collect()
    };
    assert_eq!(told(&replayed), told(&track));
    assert_eq!(replayed.snapshot().operations, track.snapshot().operations);
}

#[test]
fn a_random_instant_stays_whatever_stands_beside_it_and_however_its_node_is_called() {
    let drawn = |topology: &Topology, command: &Command| {
        let at = instants(&topology.nodes, &topology.scenario, 7);
        let place = topology
            .scenario
            .iter()
            .position(|t| t.command() == command);
        at[place.unwrap()]
    };
    let hang = Command::Hang("api".into(), 1);
    let alone = topology(r#"Between("10s", "20s", Hang("api", 1))"#);
    let known = drawn(&alone, &hang);
    assert!(known > s(10.0) && known < s(20.0));
    for others in [
        r#"At("3s", Crash("api", 2)), Between("10s", "20s", Hang("api", 1))"#,
        r#"Between("1s", "2s", Crash("api", 2)), Between("10s", "20s", Hang("api", 1))"#,
        r#"Between("10s", "20s", Hang("api", 1)), Between("1s", "2s", Hang("api", 4))"#,
    ] {
        assert_eq!(drawn(&topology(others), &hang), known, "{others}");
    }
    // Another span: the same share of it.
    let later = topology(r#"Between("20s", "40s", Hang("api", 1))"#);
    let share = |at: Duration, from: f64, span: f64| (at.secs() - from) / span;
    let moved = share(drawn(&later, &hang), 20.0, 20.0);
    assert!((moved - share(known, 10.0, 10.0)).abs() < 1e-9);
    // A node that was renamed keeps its `id`, and with it the instant.
    let mut renamed = alone.clone();
    let mut node = renamed.nodes.shift_remove("api").unwrap();
    *node.id_mut() = "api".into();
    renamed.nodes.insert("shop".into(), node);
    let hang = Command::Hang("shop".into(), 1);
    renamed.scenario = vec![Timed::Between(s(10.0), s(20.0), hang.clone())];
    assert_eq!(drawn(&renamed, &hang), known);
    // Two alike are drawn apart.
    let two =
        topology(r#"Between("10s", "20s", Hang("api", 1)), Between("10s", "20s", Hang("api", 2))"#);
    let at = instants(&two.nodes, &two.scenario, 7);
    assert_ne!(at[0], at[1]);
}

#[test]
fn a_promise_changes_nothing_that_runs() {
    let plain = topology(r#"At("3s", Crash("api", 2))"#);
    let mut track = Track::new(&plain, 7, Keeps::LIVE);
    track.run_until(s(5.0));
    assert!(track.verdicts().is_empty());
    let promise = Command::Set("objectives.lost_sessions".into(), "Some(0)".into());
    track.apply(&promise).unwrap();
    track.run_until(s(20.0));
    let known = run(&plain, 20.0);
    let (now, before) = (track.snapshot(), known.snapshot());
    assert_eq!(now.operations, before.operations);
    assert_eq!(now.faults, before.faults);
    assert_eq!(now.nodes, before.nodes);

    // The verdict is that of the command line on the same run.
    let said = track.verdicts();
    let mut results = known.results();
    let objectives = statescope::model::Objectives {
        lost_sessions: Some(0),
        ..Default::default()
    };
    statescope::analysis::objectives::add(&mut results, &objectives, true);
    let expected = statescope::analysis::objectives::verdicts(&results, &objectives);
    assert_eq!(said, expected);
    assert_eq!(said[0].met, Some(false));
    assert!(said[0].measured.unwrap() > 100.0);
}

#[test]
fn a_recovery_that_goes_on_breaks_its_promise_only_once_it_takes_too_long() {
    let mut plain = topology(r#"At("5s", Hang("api", 2))"#);
    plain.objectives.recovery_time = Some(s(3.0));
    // Nobody finds it, and nobody brings it back.
    plain.set_path("nodes.lb.health_checks", "None").unwrap();
    let mut track = Track::new(&plain, 7, Keeps::LIVE);
    let mut said = |at: f64| {
        track.run_until(s(at));
        track.verdicts()[0].met
    };
    assert_eq!(said(4.9), Some(true));
    assert_eq!(said(7.9), None);
    // Whether it did as well at 8 s as its twin is known once what started until 13 s has ended.
    assert_eq!(said(12.9), None);
    assert_eq!(said(20.0), Some(false));
}

#[test]
fn random_instants_are_uniform_over_seeds() {
    let topology =
        topology(r#"Between("10s", "20s", Hang("api", 1)), Between("10s", "20s", Hang("api", 2))"#);
    let n = 10_000;
    let shares: Vec<[f64; 2]> = (1..=n)
        .map(|seed| {
            let at = instants(&topology.nodes, &topology.scenario, seed);
            [0, 1].map(|place: usize| (at[place].secs() - 10.0) / 10.0)
        })
        .collect();
    // Within four standard errors: of a mean of uniform numbers, of a count in a tenth, and of a product of two.
    let mean = |of: &dyn Fn(&[f64; 2]) -> f64| shares.iter().map(of).sum::<f64>() / n as f64;
    let error = |variance: f64| 4.0 * (variance / n as f64).sqrt();
    for place in [0, 1] {
        let middle = mean(&|share| share[place]);
        assert!((middle - 0.5).abs() < error(1.0 / 12.0), "{middle}");
        let first = mean(&|share| f64::from(u8::from(share[place] < 0.1)));
        assert!((first - 0.1).abs() < error(0.09), "{first}");
    }
    let together = mean(&|share| share[0] * share[1]);
    assert!(
        (together - 0.25).abs() < error(1.0 / 9.0 - 1.0 / 16.0),
        "{together}"
    );
}
