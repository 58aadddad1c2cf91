//! What a fault did is the difference from the same run without it. `SEEDS=200 cargo test --test twins` tries more seeds.

mod support;

use std::sync::Arc;

use statescope::analysis::parallel::{Control, Run, run_all};
use statescope::analysis::{Estimate, Keeps, Track, objectives, replicate};
use statescope::model::{Command, Timed, Topology};
use statescope::sim::figures::{Figures, Plain};
use statescope::sim::schedule::instants;
use statescope::units::Duration;
use support::scenarios::{Step, scenario};
use support::systems::{Dice, system};

fn case(name: &str, set: &[(&str, &str)]) -> Topology {
    let path = format!("{}/tests/cases/{name}.ron", env!("CARGO_MANIFEST_DIR"));
    with(
        statescope::model::load(&path).expect("a case").topology,
        set,
    )
}

fn with(mut topology: Topology, set: &[(&str, &str)]) -> Topology {
    for (path, value) in set {
        topology.set_path(path, value).expect(path);
    }
    topology
}

fn topology(text: &str) -> Topology {
    statescope::model::file::read(text, "a test").expect("a topology")
}

/// How many seeds to try: some in CI, more by command.
fn seeds(few: u64) -> u64 {
    let wanted = std::env::var("SEEDS")
        .ok()
        .and_then(|text| text.parse().ok());
    wanted.unwrap_or(few)
}

/// What each seed says of a row of `recovery`.
fn rows(topology: &Topology, seeds: u64, row: usize) -> Vec<Row> {
    let topology = Arc::new(topology.clone());
    let runs: Vec<Run> = (1..=seeds)
        .map(|seed| Run {
            topology: Arc::clone(&topology),
            seed,
            twins: true,
        })
        .collect();
    let mut rows = Vec::new();
    let read = move |_, track: &Track| Row::of(&track.results(), row);
    run_all(&runs, Control::threads(2), read, |_, row| rows.push(row)).expect("runs to the end");
    rows
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    recovery: Option<f64>,
    caused: Option<f64>,
    lost_writes: Option<f64>,
    watch: String,
}

impl Row {
    fn of(results: &Figures, row: usize) -> Self {
        let figure = |name: &str| match results.at(&format!("recovery[{row}].{name}")) {
            Some(Figures::Figure(value)) => *value,
            other => panic!("{name}: {other:?}"),
        };
        let watch = match results.at(&format!("recovery[{row}].watch")) {
            Some(Figures::Group(parts)) => parts[0].0.clone(),
            other => panic!("{other:?}"),
        };
        Self {
            recovery: figure("recovery_time_s"),
            caused: figure("failed_operations"),
            lost_writes: figure("lost_writes"),
            watch,
        }
    }

    fn is_harmless(&self) -> bool {
        self.recovery == Some(0.0) && self.caused == Some(0.0) && self.watch == "recovered"
    }
}

#[test]
fn a_fault_that_harms_nobody_needs_no_recovery() {
    for rate in ["5/s", "50/s", "500/s"] {
        let arrivals = format!("Poisson(\"{rate}\")");
        let topology = case("harmless-fault", &[("nodes.clients.arrivals", &arrivals)]);
        for (seed, row) in rows(&topology, seeds(20), 0).iter().enumerate() {
            assert!(row.is_harmless(), "{rate}, seed {}: {row:?}", seed + 1);
        }
    }
}

/// A fifth instance at half load reroutes nearly every request, and is noticed by nobody.
#[test]
fn a_harmless_change_that_reroutes_needs_no_recovery() {
    let base = topology(
        r#"Topology(schema: 1, profile: Bare, duration: "150s",
            nodes: {
                "clients": Clients(timeout: "10s"),
                "lb": LoadBalancer(),
                "api": Service(instances: 4),
            },
            links: ["clients -> lb", "lb -> api"], scenario: [At("60s", AddInstances("api", 1))])"#,
    );
    // Rate, workers and service time: half of the workers are busy. A closed loop of as many users as give that rate.
    for (rate, workers, service, users) in [
        (5, 1, "400ms", 7),
        (50, 1, "40ms", 52),
        (500, 4, "16ms", 508),
    ] {
        let open = format!("Poisson(\"{rate}/s\")");
        let closed = format!("Closed(users: {users}, think: Exponential(\"1s\"))");
        for arrivals in [open, closed] {
            let topology = with(
                base.clone(),
                &[
                    ("nodes.clients.arrivals", &arrivals),
                    ("nodes.api.workers", &workers.to_string()),
                    (
                        "nodes.api.service_time",
                        &format!("Exponential(\"{service}\")"),
                    ),
                ],
            );
            let rows = rows(&topology, seeds(20), 0);
            let harmless = rows.iter().filter(|row| row.is_harmless()).count();
            assert!(
                harmless as f64 >= 0.95 * rows.len() as f64,
                "{arrivals}: {harmless} of {}: {:?}",
                rows.len(),
                rows.iter()
                    .filter(|row| !row.is_harmless())
                    .collect::<Vec<_>>()
            );
        }
    }
}

/// As HAProxy does it: checks every 2 s, three that fail take the instance out, 5 s on average after its death. The first
/// that fails comes U(0, 2 s) after the kill; errors end with the third.
#[test]
fn a_kill_behind_health_checks_is_over_when_they_have_found_it() {
    let topology = topology(
        r#"Topology(schema: 1, duration: "100s",
            nodes: {
                "clients": Clients(arrivals: Poisson("300/s"), mix: (read: 1), timeout: "1s", retries: 0),
                "lb": LoadBalancer(health_checks: (interval: "2s", fall: 3), retries: 0),
                "api": Service(instances: 4, workers: 16, service_time: Exponential("5ms")),
            },
            links: ["clients -> lb", "lb -> api"], scenario: [At("60s", Crash("api", 2))])"#,
    );
    let times: Vec<f64> = rows(&topology, 40, 0)
        .iter()
        .map(|row| row.recovery.expect("recovers"))
        .collect();
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    assert!((mean - 4.75).abs() <= 0.3, "{mean}");
    assert!(
        times.iter().all(|time| (3.6..=6.0).contains(time)),
        "{times:?}"
    );
}

fn mean(results: &Figures<Estimate>, path: &str) -> Option<f64> {
    match results.at(path) {
        Some(Figures::Figure(estimate)) => estimate.mean,
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn runs_that_never_recover_are_not_left_out_of_the_mean() {
    let topology = case("never-recovered", &[]);
    let (results, _) = replicate(&topology, 40, true, Control::threads(2));
    let recovered = mean(&results, "recovery[0].recovered").expect("told") * 40.0;
    // From 44 s on one instance with 200/s gets 300/s; with the other one back at r + 4 s it gets 150/s, so that the 100 (r - 40)
    // that wait drain at 50/s. That is over at 3 r - 80 s, and known 15 s later: by the end, at 130 s, if r is up to 65 s.
    let restarted_by = |seconds: f64| {
        let at = |seed| instants(&topology.nodes, &topology.scenario, seed)[1].secs();
        (1..=40).filter(|&seed| at(seed) <= seconds).count() as f64
    };
    let (least, most) = (restarted_by(60.0), restarted_by(70.0));
    assert!(least > 0.0 && most < 40.0, "{least} to {most} of 40");
    assert!(
        (least..=most).contains(&recovered),
        "{recovered} of 40, not {least} to {most}"
    );
    assert_eq!(mean(&results, "recovery[0].recovery_time_s"), None);
    assert_eq!(mean(&results, "objectives[0].measured"), None);
    let met = mean(&results, "objectives[0].met_share").expect("judged");
    assert!(met <= recovered / 40.0, "{met}");
    let verdict = results.at("objectives[0].met");
    assert_eq!(verdict, Some(&Figures::Plain(Plain::Flag(false))));
}

#[test]
fn figures_stay_with_their_fault_in_whatever_order_faults_come() {
    let topology = case("two-faults", &[]);
    let orders = rows(&topology, 40, 1);
    // The store's machine loses about 200 ms of 500 writes a second; the service keeps none.
    assert!(
        rows(&topology, 40, 0)
            .iter()
            .all(|row| row.lost_writes == Some(0.0))
    );
    assert!(
        orders
            .iter()
            .all(|row| row.lost_writes.is_some_and(|lost| lost > 40.0))
    );
    let (results, _) = replicate(&topology, 40, true, Control::threads(2));
    assert_eq!(mean(&results, "recovery[0].lost_writes"), Some(0.0));
    let lost = mean(&results, "recovery[1].lost_writes").expect("lost");
    // Fewer after the service's crash, since nothing checks it here: a quarter of the writes fails.
    assert!((80.0..95.0).contains(&lost), "{lost}");
}

/// The twin is the run without the fault: so is a run whose file has none.
#[test]
fn what_a_fault_caused_is_the_difference_from_a_file_without_it() {
    let mut topology = topology(
        r#"Topology(schema: 1, duration: "120s",
            nodes: {
                "clients": Clients(arrivals: Poisson("300/s"), mix: (read: 1), timeout: "150ms", retries: 0),
                "lb": LoadBalancer(retries: 0),
                "api": Service(instances: 3, workers: 4, error_share: "2%", restart_after: Some("3s")),
            },
            links: ["clients -> lb", "lb -> api"], scenario: [At("30s", Crash("api", 2))])"#,
    );
    let failed = |topology: &Topology, seed| {
        let mut track = Track::new(topology, seed, Keeps::SCENARIO);
        track.run_until(topology.duration);
        let failed = match track.results().at("operations.failed") {
            Some(Figures::Figure(Some(failed))) => *failed,
            other => panic!("{other:?}"),
        };
        (failed, track)
    };
    let faults = std::mem::take(&mut topology.scenario);
    for seed in 1..=5 {
        topology.scenario.clear();
        let (without, _) = failed(&topology, seed);
        topology.scenario.clone_from(&faults);
        let (here, track) = failed(&topology, seed);
        let row = Row::of(&track.results(), 0);
        assert!(here > without + 100.0, "{here} {without}");
        // After the watch both fail for the same draws, but for what a queue still remembers.
        let difference = here - without - row.caused.expect("told");
        assert!(
            difference.abs() <= 5.0,
            "seed {seed}: {here} - {without}, {row:?}"
        );
    }
}

#[test]
fn twins_change_nothing_in_the_run_and_nor_do_slices() {
    let topology = statescope::model::load("jwt-sessions")
        .expect("a preset")
        .topology;
    let whole = |keeps: Keeps, slice: u64| {
        let mut track = Track::new(&topology, 3, keeps);
        while !track.run_some(topology.duration, slice) {}
        track.results()
    };
    let with = whole(Keeps::SCENARIO, u64::MAX);
    assert_eq!(whole(Keeps::SCENARIO, 997), with);
    let mut stopping = Track::new(&topology, 3, Keeps::SCENARIO);
    while stopping.now() < topology.duration {
        let next = Duration(stopping.now().0 + 37_000_000).min(topology.duration);
        stopping.run_until(next);
    }
    assert_eq!(stopping.results(), with);
    let without = whole(
        Keeps {
            twins: false,
            ..Keeps::SCENARIO
        },
        u64::MAX,
    );
    let but_recovery = |figures: &Figures| match figures {
        Figures::Group(parts) => {
            let rest = parts.iter().filter(|(name, _)| name != "recovery");
            rest.cloned().collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(but_recovery(&with), but_recovery(&without));
    assert_eq!(Row::of(&without, 0).watch, "no_twin");
}

/// By click or by scenario: the same command has the same row.
#[test]
fn a_click_is_told_as_a_scenario_is() {
    let planned = statescope::model::load("sticky-in-memory")
        .expect("a preset")
        .topology;
    let mut clicked = planned.clone();
    clicked.scenario.clear();
    let mut by_scenario = Track::new(&planned, 1, Keeps::SCENARIO);
    by_scenario.run_until(planned.duration);
    let mut by_click = Track::new(&clicked, 1, Keeps::LIVE);
    for event in &planned.scenario {
        by_click.run_until(event.earliest());
        by_click.apply(event.command()).expect("carried out");
    }
    by_click.run_until(planned.duration);
    let _ = by_click.take_interval();
    let rows = |track: &Track| track.results().at("recovery").cloned();
    assert_eq!(rows(&by_click), rows(&by_scenario));
}

fn idle(scenario: &str) -> Topology {
    topology(&format!(
        r#"Topology(schema: 1, duration: "200s",
            nodes: {{
                "clients": Clients(arrivals: Poisson("20/s"), mix: (read: 1)),
                "lb": LoadBalancer(),
                "api": Service(instances: 9, workers: 16),
            }},
            links: ["clients -> lb", "lb -> api"], scenario: [{scenario}])"#
    ))
}

fn watches(topology: &Topology) -> Vec<String> {
    let mut track = Track::new(topology, 1, Keeps::SCENARIO);
    track.run_until(topology.duration);
    let results = track.results();
    let Some(Figures::List(rows)) = results.at("recovery") else {
        panic!("no rows")
    };
    (0..rows.len())
        .map(|row| Row::of(&results, row).watch)
        .collect()
}

#[test]
fn the_oldest_of_five_twins_makes_room_but_never_a_fault_for_a_change() {
    let crash = |at: u32| format!("At(\"{at}s\", Crash(\"api\", {})),", at - 9);
    let five: String = (10..15).map(crash).collect();
    let ends = watches(&idle(&five));
    assert_eq!(ends[0], "not_watched_to_the_end");
    assert!(ends[1..].iter().all(|end| end == "recovered"), "{ends:?}");
    let four: String = (10..14).map(crash).collect();
    let ends = watches(&idle(&format!(
        "{four} At(\"14s\", Set(\"nodes.api.workers\", \"20\"))"
    )));
    assert_eq!(ends[4], "not_watched_to_the_end");
    assert!(ends[..4].iter().all(|end| end == "recovered"), "{ends:?}");
}

/// The way back is a row of its own where it does more than restore: it takes instances and what they hold away, or
/// something else is changed within the second.
#[test]
fn a_way_back_that_does_harm_is_told_with_it() {
    let system = |scenario: &str| {
        let text = format!(
            r#"Topology(schema: 1, duration: "120s", nodes: {{
                "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), users: 500),
                "lb": LoadBalancer(),
                "api": Service(instances: 2, workers: 8, boot_time: "1s", service_time: Constant("20ms"),
                               state: InMemory()),
            }}, links: ["clients -> lb", "lb -> api"], scenario: [{scenario}])"#
        );
        topology(&text)
    };
    for scale in [
        r#"At("20s", AddInstances("api", 2)), At("60s", RemoveInstances("api", 2))"#,
        r#"At("20s", Set("nodes.api.instances", "4")), At("60s", Set("nodes.api.instances", "2"))"#,
    ] {
        let run = system(scale);
        let row = &rows(&run, 1, 1)[0];
        assert!(row.lost_writes > Some(0.0), "{scale}: {row:?}");
        assert_eq!(row.recovery, Some(0.0), "{scale}: {row:?}");
        assert_eq!(row.caused, Some(0.0), "{scale}: {row:?}");
        let (figures, _) = replicate(&run, 1, true, Control::threads(1));
        let text = statescope::report::text::results(&figures);
        assert!(text.contains("writes LOST"), "{text}");
    }
    // 100/s ask for 2 s each of 16 workers: most of 90 s fail.
    let run = system(
        r#"At("20s", Set("nodes.api.workers", "16")), At("30s", Set("nodes.api.workers", "8")),
           At("30.5s", Set("nodes.api.service_time", "Constant(\"2s\")"))"#,
    );
    let row = &rows(&run, 1, 1)[0];
    assert!(row.caused > Some(4_000.0), "{row:?}");
}

/// What a change made superfluous is not taken away from its twin, where it is still needed.
#[test]
fn a_twin_keeps_what_only_the_run_can_do_without() {
    let run = topology(
        r#"Topology(schema: 1, profile: Bare, duration: "60s", nodes: {
            "c": Clients(arrivals: Steady("100/s"), mix: (read: 1, write: 1)),
            "api": Service(instances: 1, workers: 1000, service_time: Constant("1ms"), state: External(store: "d")),
            "d": SqlDatabase(connections: 1000),
        }, links: ["c -> api"],
        scenario: [At("5s", Set("nodes.api.state", "InMemory()")), At("15s", Remove("d"))])"#,
    );
    for row in [0, 1] {
        let found = &rows(&run, 1, row)[0];
        assert!(found.is_harmless(), "{row}: {found:?}");
    }
}

/// What has been down for longer than is promised when the run ends breaks the promise, though it is too near the end to
/// tell how long it takes.
#[test]
fn an_outage_at_the_end_that_is_too_long_already_breaks_its_promise() {
    let met = |crash: u32| {
        let run = topology(&format!(
            r#"Topology(schema: 1, profile: Bare, duration: "120s", objectives: (recovery_time: "3s"), nodes: {{
                "c": Clients(arrivals: Steady("100/s"), timeout: "500ms"),
                "api": Service(instances: 1, workers: 100, service_time: Constant("1ms")),
            }}, links: ["c -> api"], scenario: [At("20s", Crash("api", 1)), At("21s", Restart("api", 1)),
                At("{crash}s", Crash("api", 1))])"#
        ));
        let (results, _) = replicate(&run, 1, true, Control::threads(1));
        match results.at("objectives[0].met") {
            Some(Figures::Plain(met)) => met.clone(),
            other => panic!("{other:?}"),
        }
    };
    // Windows of 5 s can be compared up to 115 s: down for 9 s, and for 1 s.
    assert_eq!(met(106), Plain::Flag(false));
    assert_eq!(met(114), Plain::Null);
}

#[test]
fn commands_at_one_instant_and_changes_within_a_second_are_one() {
    let ends = watches(&idle(
        r#"At("10s", Crash("api", 1)), At("10s", Crash("api", 2)), At("20s", Restart("api", 1)),
           At("30s", Set("nodes.api.workers", "8")), At("30.9s", Set("nodes.api.workers", "4")),
           At("40s", Set("nodes.api.workers", "16")), At("60s", Crash("api", 2)), At("500s", Crash("api", 3))"#,
    ));
    // Two crashes, two settings, the way back, a crash of what is dead already, one that does not come.
    assert_eq!(
        ends,
        [
            "recovered",
            "recovered",
            "takes_back",
            "did_not_happen",
            "did_not_happen"
        ]
    );
}

#[test]
fn a_run_that_is_cut_short_promises_nothing_of_what_was_ahead() {
    let mut topology = idle(r#"At("100s", Crash("api", 1))"#);
    topology
        .set_path("objectives.recovery_time", "\"5s\"")
        .expect("set");
    let mut track = Track::new(&topology, 1, Keeps::SCENARIO);
    track.run_until(Duration::from_secs(50.0));
    let results = track.results();
    assert!(results.at("recovery[0].watch.still_ahead").is_some());
    let said = objectives::verdicts(&results, &topology.objectives);
    assert_eq!((said[0].measured, said[0].met), (None, None));
}

#[test]
fn a_fault_near_the_end_is_not_judged() {
    let mut topology = idle(r#"At("192s", Crash("api", 1))"#);
    topology
        .set_path("objectives.recovery_time", "\"5s\"")
        .expect("set");
    assert_eq!(watches(&topology), ["too_near_the_end"]);
    let (results, _) = replicate(&topology, 1, true, Control::threads(1));
    assert_eq!(
        results.at("objectives[0].met"),
        Some(&Figures::Plain(Plain::Null))
    );
}

/// A rising load is compared by shares: more operations fail only because there are more.
#[test]
fn what_clients_ask_for_otherwise_is_compared_by_shares() {
    let topology = with(
        idle(r#"At("60s", Set("nodes.clients.arrivals", "Poisson(\"200/s\")"))"#),
        &[
            ("nodes.api.error_share", "\"10%\""),
            ("nodes.clients.retries", "0"),
        ],
    );
    for row in rows(&topology, 10, 0) {
        assert_eq!(row.watch, "recovered");
        // A tenth of 200/s over the 65 s of the watch fails: 1,300, of which none is the load's doing. The twin's 130, give
        // or take 11, stand for ten times as many.
        assert!(
            row.caused.is_some_and(|caused| caused.abs() < 450.0),
            "{row:?}"
        );
        assert_eq!(row.recovery, Some(0.0));
    }
}

#[test]
fn the_command_carried_out_last_is_recorded_once() {
    let mut track = Track::new(&idle(""), 1, Keeps::LIVE);
    track.run_until(Duration::from_secs(10.0));
    track.apply(&Command::Crash("api".into(), 1)).expect("done");
    assert!(track.apply(&Command::Crash("apy".into(), 1)).is_err());
    track.run_until(Duration::from_secs(100.0));
    assert_eq!(track.sim().recording().len(), 1);
    assert_eq!(track.snapshot().faults.len(), 1);
}

/// Whatever is done to whatever system: twins change nothing in the run, no caller's slices matter, and each row adds up.
#[test]
fn random_systems_are_the_same_with_and_without_twins() {
    const LENGTH: u64 = 400_000_000;
    for number in 0..seeds(60) {
        let mut dice = Dice::new(number);
        let mut topology = system(&mut dice);
        for (at, step) in scenario(&mut dice, LENGTH) {
            if let Step::Do(command) = step {
                topology.scenario.push(Timed::At(Duration(at), command));
            }
        }
        topology.duration = Duration(LENGTH + 12_000_000_000);
        let run = |twins: bool, slice: u64| {
            let keeps = Keeps {
                twins,
                ..Keeps::SCENARIO
            };
            let mut track = Track::new(&topology, number, keeps);
            while !track.run_some(topology.duration, slice) {}
            track
        };
        let with = run(true, u64::MAX);
        assert_eq!(run(true, 100).results(), with.results(), "system {number}");
        let without = run(false, u64::MAX);
        let seen = |track: &Track| {
            let mut snapshot = track.snapshot();
            for fault in &mut snapshot.faults {
                (fault.recovery, fault.caused) = (None, None);
            }
            snapshot
        };
        assert_eq!(seen(&with), seen(&without), "system {number}");
    }
}

/// A small system that is dead beside a large one that is not, and one that is asked less than once in two seconds, are down.
#[test]
fn a_dead_system_is_down_however_little_it_is_asked() {
    let small = |rate: &str, beside: &str| {
        topology(&format!(
            r#"Topology(schema: 1, profile: Bare, duration: "420s", nodes: {{
                "s": Clients(arrivals: Steady("{rate}"), mix: (read: 1), timeout: "1s"),
                "shop": Service(instances: 1, workers: 100, service_time: Constant("1ms")),
                "c": Clients(arrivals: Steady("{beside}"), mix: (read: 1), timeout: "1s"),
                "catalogue": Service(instances: 4, workers: 100, service_time: Constant("1ms")),
            }}, links: ["s -> shop", "c -> catalogue"],
            scenario: [At("60s", Crash("shop", 1)), At("360s", Restart("shop", 1))])"#
        ))
    };
    for (rate, beside) in [("50/s", "10000/s"), ("0.5/s", "1/s")] {
        let row = &rows(&small(rate, beside), 1, 0)[0];
        // It is back 300 s after the crash; what starts within its timeout before that fails too.
        let recovery = row.recovery.unwrap_or(0.0);
        assert!((295.0..=301.0).contains(&recovery), "{rate}: {row:?}");
    }
}

/// A few users who wait for their answers start fewer operations when these are slow to fail; still they are down.
#[test]
fn a_dead_system_is_down_for_a_few_users_who_wait() {
    let run = topology(
        r#"Topology(schema: 1, profile: Bare, duration: "420s", nodes: {
            "s": Clients(arrivals: Closed(users: 2, think: Exponential("4s")), mix: (read: 1), timeout: "2s"),
            "shop": Service(instances: 1, workers: 100, service_time: Constant("1ms")),
            "c": Clients(arrivals: Poisson("300/s"), mix: (read: 1), timeout: "1s"),
            "catalogue": Service(instances: 4, workers: 100, service_time: Constant("1ms")),
        }, links: ["s -> shop", "c -> catalogue"],
        scenario: [At("60s", Hang("shop", 1)), At("260s", Resume("shop", 1))])"#,
    );
    for row in rows(&run, seeds(5), 0) {
        let recovery = row.recovery.unwrap_or(0.0);
        // The last operation that fails starts when both think for long, at worst.
        assert!((175.0..=201.0).contains(&recovery), "{row:?}");
    }
}

/// Clients that ask for next to nothing have nothing to tell: they hold the verdict on the others up, but do not prevent it.
#[test]
fn a_watch_ends_though_some_clients_ask_for_next_to_nothing() {
    let run = topology(
        r#"Topology(schema: 1, profile: Bare, duration: "250s", nodes: {
            "s": Clients(arrivals: Steady("1/h"), mix: (read: 1), timeout: "1s"),
            "c": Clients(arrivals: Steady("300/s"), mix: (read: 1), timeout: "1s"),
            "shop": Service(instances: 1, workers: 100, service_time: Constant("1ms")),
        }, links: ["s -> shop", "c -> shop"],
        scenario: [At("20s", Crash("shop", 1)), At("30s", Restart("shop", 1))])"#,
    );
    let row = &rows(&run, 1, 0)[0];
    assert_eq!(row.watch, "recovered", "{row:?}");
    let recovery = row.recovery.unwrap_or(0.0);
    assert!((9.0..=10.1).contains(&recovery), "{row:?}");
}
