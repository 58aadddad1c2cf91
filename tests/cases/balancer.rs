//! Balancers: where requests go, what is tried again and when, and what health checks find, with the right figures.

use crate::support::cases::{figure, mean_and_error, read_with, run};
use statescope::model::{Command, Topology, file};
use statescope::sim::snapshot::{Snapshot, What};
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

const SECOND: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// Two instances that answer within a millisecond, behind a balancer without checks.
const PAIR: &str = r#"Topology(schema: 1, profile: Bare, duration: "20s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1)),
        "lb": LoadBalancer(retries: 3, connect_timeout: "200ms"),
        "api": Service(instances: 2, workers: 1000, service_time: Constant("1ms"), connect_timeout: "200ms"),
    },
    links: ["clients -> lb", "lb -> api"])"#;

fn pair(changes: &[(&str, &str)]) -> Topology {
    let mut topology = file::read(PAIR, "pair").unwrap();
    for (path, value) in changes {
        topology
            .set_path(path, value)
            .unwrap_or_else(|e| panic!("{path}: {e}"));
    }
    topology
}

fn end_of(changes: &[(&str, &str)], seed: u64) -> Snapshot {
    run(&pair(changes), seed).snapshot()
}

const CRASH: (&str, &str) = ("scenario", r#"[At("10s", Crash("api", 1))]"#);
const LOSE: (&str, &str) = ("scenario", r#"[At("10s", LoseMachine("api", 1))]"#);

// Retries.

#[test]
fn a_connection_that_is_not_made_is_tried_again_elsewhere() {
    for scenario in [CRASH, LOSE] {
        for policy in ["RoundRobin", "Random", "LeastConnections", "TwoChoices"] {
            let changes = [
                scenario,
                ("nodes.lb.policy", policy),
                ("nodes.lb.retries", "1"),
            ];
            // Once is enough, since there is another.
            let end = end_of(&changes, 1).operations;
            assert!(end.failed <= 1, "{policy}: {end:?}");
            assert!(end.completed >= 1_970, "{policy}: {end:?}");
        }
    }
}

#[test]
fn as_many_retries_are_made_as_are_set() {
    let both = r#"[At("10s", LoseMachine("api", 1)), At("10s", LoseMachine("api", 2))]"#;
    for retries in [0, 1, 3] {
        let number = retries.to_string();
        let sim = run(
            &pair(&[("scenario", both), ("nodes.lb.retries", &number)]),
            1,
        );
        // Each connection that is not made takes 200 ms.
        let longest = figure(&sim.results(), "failed_response_time_s.max");
        let expected = 0.2 * f64::from(1 + retries);
        assert!((longest - expected).abs() < 0.002, "{longest}, {expected}");
    }
}

#[test]
fn with_affinity_it_is_tried_again_at_the_same_instance_but_for_the_last_time() {
    // One user, who asks once a second.
    let base = [
        LOSE,
        ("nodes.lb.policy", "StickyCookie"),
        ("nodes.clients.users", "1"),
        (
            "nodes.clients.arrivals",
            r#"Closed(users: 1, think: Constant("1s"))"#,
        ),
        ("duration", "60s"),
    ];
    let lose_other = ("scenario", r#"[At("10s", LoseMachine("api", 2))]"#);
    for (timeout, slow) in [
        // Three times 200 ms to find nobody, and a pause as long before two retries; 1 s at most.
        ("200ms", 3.0 * 0.2 + 2.0 * 0.2),
        ("3s", 3.0 * 3.0 + 2.0 * 1.0),
    ] {
        let mut slowest = Vec::new();
        for scenario in [LOSE, lose_other] {
            let mut changes = base.to_vec();
            changes[0] = scenario;
            changes.push(("nodes.lb.connect_timeout", timeout));
            let sim = run(&pair(&changes), 1);
            let results = sim.results();
            assert_eq!(sim.snapshot().operations.failed, 0);
            slowest.push(figure(&results, "response_time_s.max"));
            // The cookie is rewritten: it is slow once.
            let all =
                figure(&results, "response_time_s.mean") * figure(&results, "operations.completed");
            let quick = figure(&results, "operations.completed") * 0.001;
            assert!(
                (all - quick - (slowest[slowest.len() - 1] - 0.001)).abs() < 0.01,
                "{all}"
            );
        }
        // The user was at one of the two.
        slowest.sort_by(f64::total_cmp);
        assert!((slowest[0] - 0.001).abs() < 1e-6, "{slowest:?}");
        assert!(
            (slowest[1] - slow - 0.001).abs() < 0.002,
            "{slowest:?}, {slow}"
        );
    }
}

#[test]
fn resets_and_missing_answers_are_tried_again_only_where_that_is_set() {
    let slow = ("nodes.api.service_time", r#"Constant("1s")"#);
    for (retry_on, failed) in [("[]", 50), ("[Reset]", 0), ("[ResponseTimeout]", 50)] {
        let end = end_of(&[CRASH, slow, ("nodes.lb.retry_on", retry_on)], 1).operations;
        assert!(end.failed.abs_diff(failed) <= 1, "{retry_on}: {end:?}");
    }
    // The kernel of one that hangs takes half of the 100/s; each waits for half a second.
    let hang = ("scenario", r#"[At("10s", Hang("api", 1))]"#);
    for (retry_on, failed) in [("[]", 75), ("[Reset]", 75), ("[ResponseTimeout]", 0)] {
        let changes = [
            hang,
            ("nodes.lb.response_timeout", r#"Some("500ms")"#),
            ("nodes.lb.retry_on", retry_on),
            ("duration", "12s"),
        ];
        let end = end_of(&changes, 1).operations;
        assert!(end.failed.abs_diff(failed) <= 2, "{retry_on}: {end:?}");
    }
}

// Policies.

/// An instance that takes a second for each request beside one that takes a millisecond.
#[test]
fn whoever_looks_at_connections_sends_no_second_request_to_a_busy_instance() {
    for policy in ["LeastConnections", "TwoChoices"] {
        let changes = [
            ("nodes.lb.policy", policy),
            ("nodes.api.instance_overrides", "{1: (speed: 0.001)}"),
        ];
        let topology = pair(&changes);
        let mut sim = Sim::new(&topology, 1, statescope::sim::Watch { live: false });
        for tenth in 1..200 {
            sim.run_until(Duration(tenth * SECOND / 10));
            assert!(sim.snapshot().operations.in_flight <= 2, "{policy}");
        }
    }
}

#[test]
fn ties_are_broken_at_random() {
    // Of 1,600 requests that find both idle each instance gets half, with a deviation of 20.
    for policy in ["LeastConnections", "TwoChoices", "Random"] {
        let changes = [
            ("nodes.lb.policy", policy),
            ("nodes.clients.mix", "(write: 1)"),
            ("nodes.api.state", "InMemory()"),
            ("duration", "16s"),
        ];
        let end = end_of(&changes, 1);
        let api = end.nodes.iter().find(|n| n.name == "api").unwrap();
        let first = api.instances[0].writes;
        assert!(first.abs_diff(800) < 80, "{policy}: {first}");
    }
}

#[test]
fn callers_without_a_balancer_take_instances_in_turn() {
    let mut topology = pair(&[
        ("nodes.clients.mix", "(write: 1)"),
        ("nodes.api.state", "InMemory()"),
        ("nodes.api.instances", "4"),
        ("links", r#"["clients -> api"]"#),
    ]);
    topology.nodes.shift_remove("lb");
    let end = run(&topology, 1).snapshot();
    let api = end.nodes.iter().find(|n| n.name == "api").unwrap();
    for instance in &api.instances {
        assert!(instance.writes.abs_diff(500) <= 1, "{}", instance.writes);
    }
}

// Health checks.

const CHECKS: (&str, &str) = (
    "nodes.lb.health_checks",
    r#"HealthChecks(interval: "1s", timeout: Some("300ms"), fall: 3, rise: 2)"#,
);

/// When something happened to the first instance, in milliseconds, each time.
fn times(end: &Snapshot, wanted: impl Fn(&What) -> bool) -> Vec<u64> {
    let those = end.happenings.iter().filter(|h| wanted(&h.what));
    those.map(|h| h.at.0 / MS).collect()
}

fn found_dead(what: &What) -> bool {
    matches!(what, What::FoundDead { instance: 1, .. })
}

fn back(what: &What) -> bool {
    matches!(what, What::BackInRotation { instance: 1, .. })
}

#[test]
fn checks_find_what_is_dead_after_as_many_failures_as_are_set() {
    let crash = r#"[At("10s", Crash("api", 1))]"#;
    let hang = r#"[At("10s", Hang("api", 1))]"#;
    let lost = r#"[At("10s", LoseMachine("api", 1))]"#;
    let whole = r#"HealthChecks(interval: "1s", timeout: None, fall: 3, rise: 2)"#;
    // The first probe comes within an interval; two follow, each an interval after the last one ended.
    for (scenario, checks, least) in [
        (crash, CHECKS.1, 2_000),
        (hang, CHECKS.1, 2_000 + 3 * 300),
        (lost, CHECKS.1, 2_000 + 3 * 300),
        (hang, whole, 2_000 + 3 * 1_000),
    ] {
        let mut after = Vec::new();
        for seed in 1..=40 {
            let changes = [
                ("scenario", scenario),
                (CHECKS.0, checks),
                ("nodes.lb.retries", "0"),
                ("nodes.api.backlog", "10000"),
            ];
            let end = end_of(&changes, seed);
            let found = times(&end, found_dead);
            assert_eq!(found.len(), 1, "{scenario}");
            let ms = found[0] - 10_000;
            assert!((least..=least + 1_000).contains(&ms), "{scenario}: {ms}");
            let detected = end.faults[0].detected.unwrap();
            assert!((detected.0 / MS).abs_diff(ms) <= 1, "{detected}");
            after.push(ms as f64);
            if scenario == crash {
                // Half of the requests, until then, and no more.
                let failed = end.operations.failed;
                assert!(failed.abs_diff(ms / 20) <= 2, "{failed} in {ms} ms");
            }
        }
        let (mean, error) = mean_and_error(&after);
        // Phases are uniform: a deviation of 289 ms.
        assert!((30.0..65.0).contains(&error), "{error}");
        assert!((mean - least as f64 - 500.0).abs() < 4.0 * 46.0, "{mean}");
    }
}

/// What is drawn beside them changes nothing for those who are checked.
#[test]
fn checks_come_at_the_same_instants_whatever_else_is_drawn() {
    let scenario = r#"[At("10s", Crash("api", 1))]"#;
    let beside = PAIR.replace("nodes: {", r#"nodes: { "files": ObjectStore(),"#);
    for seed in 1..=5 {
        let found = [PAIR, &beside].map(|text| {
            let topology = read_with(text, &[("scenario", scenario), CHECKS]);
            run(&topology, seed).snapshot().faults[0].detected
        });
        assert!(found[0].is_some());
        assert_eq!(found[0], found[1]);
    }
}

#[test]
fn an_instance_is_back_after_as_many_successes_as_are_set() {
    let scenario = r#"[At("10s", Crash("api", 1)), At("20s", Restart("api", 1))]"#;
    for seed in 1..=10 {
        let changes = [
            ("scenario", scenario),
            CHECKS,
            ("nodes.lb.retries", "0"),
            ("duration", "30s"),
        ];
        let back = times(&end_of(&changes, seed), back);
        assert_eq!(back.len(), 1);
        assert!((21_000..=22_000).contains(&back[0]), "{back:?}");
    }
}

#[test]
fn only_failures_and_successes_in_a_row_count() {
    // Down for 2 s, two probes each time; up for longer than an interval in between.
    let mut events = Vec::new();
    for turn in 0..4 {
        let at = 10_000 + turn * 3_500;
        events.push(format!(r#"At("{at}ms", Crash("api", 1))"#));
        events.push(format!(r#"At("{}ms", Restart("api", 1))"#, at + 2_000));
    }
    let scenario = format!("[{}]", events.join(", "));
    let changes = [("scenario", scenario.as_str()), CHECKS, ("duration", "40s")];
    for seed in 1..=5 {
        assert!(times(&end_of(&changes, seed), found_dead).is_empty());
    }
    // Found dead, and then up for less than an interval each time: one probe at most.
    let mut events = vec![r#"At("10s", Crash("api", 1))"#.to_owned()];
    for turn in 0..4 {
        let at = 15_000 + turn * 3_000;
        events.push(format!(r#"At("{at}ms", Restart("api", 1))"#));
        events.push(format!(r#"At("{}ms", Crash("api", 1))"#, at + 950));
    }
    let scenario = format!("[{}]", events.join(", "));
    let changes = [("scenario", scenario.as_str()), CHECKS, ("duration", "40s")];
    for seed in 1..=5 {
        assert!(times(&end_of(&changes, seed), back).is_empty());
    }
}

#[test]
fn a_new_instance_gets_requests_when_it_has_passed_its_checks() {
    let scenario = r#"[At("10s", RemoveInstances("api", 1)), At("15s", AddInstances("api", 1))]"#;
    let changes = [
        ("scenario", scenario),
        CHECKS,
        ("nodes.lb.retries", "0"),
        ("nodes.api.boot_time", "5s"),
        ("duration", "30s"),
    ];
    for seed in 1..=5 {
        let end = end_of(&changes, seed);
        assert_eq!(end.operations.failed, 0);
        let started = times(&end, |w| matches!(w, What::Started { instance: 2, .. }));
        assert_eq!(started, [20_000]);
        let back = times(&end, |w| {
            matches!(w, What::BackInRotation { instance: 2, .. })
        });
        assert!((21_000..=22_000).contains(&back[0]), "{back:?}");
    }
}

/// An instance that drains for seconds passes its checks meanwhile, and gets no more requests all the same.
#[test]
fn an_instance_that_drains_stays_out_of_rotation() {
    let changes = [
        ("scenario", r#"[At("10s", Deploy("api", Drained))]"#),
        CHECKS,
        ("nodes.lb.retries", "0"),
        ("nodes.api.service_time", r#"Constant("6s")"#),
        ("nodes.api.drain_time", "60s"),
        (
            "nodes.api.deployment",
            r#"(max_surge: "0%", max_unavailable: "50%")"#,
        ),
        ("duration", "100s"),
    ];
    for seed in 1..=3 {
        let end = end_of(&changes, seed);
        assert_eq!(end.operations.failed, 0);
        let over = times(&end, |w| matches!(w, What::Deployed { .. }));
        // What boots takes no time here, and what ends takes no place.
        assert_eq!(over, [10_000]);
        // Both end with their last requests, each 6 s after it came.
        let ended = times(&end, |w| matches!(w, What::Stopped { .. }));
        assert_eq!(ended.len(), 2);
        let with_the_last = |at: &u64| (15_900..=16_000).contains(at);
        assert!(ended.iter().all(with_the_last), "{ended:?}");
    }
}

// What checks change for those who stick, and for those who moved.

#[test]
fn users_leave_an_instance_that_was_found_dead() {
    let changes = [
        CRASH,
        ("nodes.lb.policy", "StickyCookie"),
        ("nodes.lb.retries", "0"),
        (
            "nodes.lb.health_checks",
            r#"HealthChecks(interval: "500ms", fall: 2)"#,
        ),
    ];
    let end = end_of(&changes, 1);
    // Half of them, about 50 a second, until the second failed probe, which comes between 0.5 s and 1 s after the crash.
    let ms = times(&end, found_dead)[0] - 10_000;
    assert!((500..=1_000).contains(&ms), "{ms}");
    let failed = end.operations.failed;
    let expected = ms as f64 / 20.0;
    assert!(
        (failed as f64 - expected).abs() < 4.0 * (expected / 2.0).sqrt() + 1.0,
        "{failed}, {expected}"
    );
}

/// Replacements that boot beside those that are killed have addresses of their own. Checks find the old ones dead, and the
/// new ones alive, one after the other; then everything is as before.
#[test]
fn replacements_at_other_addresses_are_found_and_used() {
    let changes = [
        ("nodes.lb.retries", "0"),
        (
            "nodes.lb.health_checks",
            r#"HealthChecks(interval: "500ms", fall: 2, rise: 2)"#,
        ),
        ("nodes.api.boot_time", "5s"),
        (
            "nodes.api.deployment",
            r#"(max_surge: "50%", max_unavailable: "0%")"#,
        ),
        ("scenario", r#"[At("20s", Deploy("api", Abrupt))]"#),
        ("duration", "60s"),
    ];
    for seed in 1..=3 {
        let end = end_of(&changes, seed);
        let (dead, alive) = (times(&end, found_dead), times(&end, back));
        assert_eq!((dead.len(), alive.len()), (1, 1), "seed {seed}");
        assert!(alive[0] > dead[0]);
        let api = end.nodes.iter().find(|n| n.name == "api").unwrap();
        assert!(api.instances.iter().all(|i| i.in_rotation), "seed {seed}");
        // 50 a second for half a second to a second each, and while one is out of rotation all go to the other.
        let failed = end.operations.failed;
        assert!((45..=205).contains(&failed), "seed {seed}: {failed}");
        // The last fifteen seconds or so without a failure: each answers 50 a second.
        let until = sim_calls(&changes, seed, 45);
        let calls = sim_calls(&changes, seed, 55);
        for (before, after) in until.iter().zip(&calls) {
            assert!((after - before).abs_diff(500) <= 1, "{until:?}, {calls:?}");
        }
    }
}

/// How many calls each instance has answered by then.
fn sim_calls(changes: &[(&str, &str)], seed: u64, second: u64) -> Vec<u64> {
    let snapshot = crate::support::cases::until(&pair(changes), seed, second * 1_000).snapshot();
    let link = snapshot.links.iter().find(|l| l.from == "lb").unwrap();
    link.calls.iter().map(|c| c.completed).collect()
}

// Services that come and go.

/// More often than there are numbers for: seventy times a thousand instances, and what the balancer knew of them.
#[test]
fn a_service_can_be_replaced_as_often_as_one_likes() {
    for (policy, checks) in [
        ("RoundRobin", "None"),
        ("StickyCookie", r#"(interval: "10ms", rise: 1)"#),
    ] {
        let topology = pair(&[
            ("nodes.api.instances", "1000"),
            ("nodes.lb.retries", "0"),
            ("nodes.lb.policy", policy),
            ("nodes.lb.health_checks", checks),
        ]);
        let service = topology.nodes["api"].clone();
        let mut sim = Sim::new(&topology, 1, Watch { live: false });
        for cycle in 1..=70 {
            // What was on its way when the service went is refused, and what comes before the first check is over.
            sim.run_until(Duration(cycle * 100 * MS));
            let failed = sim.snapshot().operations.failed;
            for command in [
                Command::Remove("api".to_owned()),
                Command::Add("api".to_owned(), service.clone()),
                Command::Link("lb -> api".to_owned()),
            ] {
                sim.apply(&command).unwrap();
            }
            assert!(failed <= 3 * (cycle - 1), "{policy} {cycle}: {failed}");
        }
        sim.run_until(Duration(7_050 * MS));
        let before = sim.snapshot();
        assert_eq!(before.nodes[1].targets.len(), 1000);
        sim.run_until(topology.duration);
        assert_eq!(sim.audit().faults, Vec::<String>::new());
        let end = sim.snapshot();
        assert_eq!(end.operations.failed, before.operations.failed, "{policy}");
        let completed = end.operations.completed - before.operations.completed;
        assert!(
            (1_294..=1_296).contains(&completed),
            "{policy}: {completed}"
        );
        // Each of a thousand gets its turn, but for what a cookie says.
        let busy = end.links.iter().find(|l| l.to == "api").unwrap();
        let served = busy.calls.iter().filter(|c| c.completed > 0).count();
        assert!(served > 100, "{served}");
    }
}

#[test]
fn more_instances_behind_a_balancer_than_can_be_numbered_are_refused_in_words() {
    let services: String = (0..66)
        .map(|n| format!("\"a{n}\": Service(instances: 1000),"))
        .collect();
    let text = format!(
        r#"Topology(schema: 1, profile: Bare, duration: "20s",
        nodes: {{ "clients": Clients(arrivals: Steady("100/s")), "lb": LoadBalancer(), {services} }},
        links: ["clients -> lb", "lb -> a0"])"#
    );
    let topology = file::read(&text, "many").unwrap();
    let mut sim = Sim::new(&topology, 1, Watch { live: false });
    sim.run_until(Duration(SECOND));
    let link = |number: u32| Command::Link(format!("lb -> a{number}"));
    for number in 1..65 {
        sim.apply(&link(number)).unwrap();
    }
    let refused = sim.apply(&link(65)).unwrap_err().to_string();
    assert!(refused.contains("66000 instances"), "{refused}");
    sim.run_until(Duration(2 * SECOND));
    assert_eq!(sim.audit().faults, Vec::<String>::new());
    // Once another is gone there is room for it.
    sim.apply(&Command::Remove("a64".to_owned())).unwrap();
    sim.apply(&link(65)).unwrap();
    assert_eq!(sim.snapshot().nodes[1].targets.len(), 65_000);
    sim.run_until(Duration(3 * SECOND));
    assert_eq!(sim.snapshot().operations.failed, 0);
}
