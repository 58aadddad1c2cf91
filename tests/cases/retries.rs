//! Retries: how many a budget allows, how long they wait, and what a retried write does.

use statescope::model::{Command, Topology};
use statescope::sim::figures::Figures;
use statescope::sim::snapshot::Snapshot;
use statescope::sim::{Sim, Watch};
use statescope::units::{Duration, SECOND};

fn read(text: &str) -> Topology {
    statescope::model::file::read(text, "this test").expect("a topology")
}

fn set(topology: &Topology, path: &str, value: &str) -> Topology {
    let mut changed = topology.clone();
    changed.set_path(path, value).expect(path);
    changed
}

fn end_of(topology: &Topology) -> Snapshot {
    let mut sim = Sim::new(topology, 1, Watch { live: false });
    sim.run_until(topology.duration);
    let audit = sim.audit();
    assert!(audit.faults.is_empty(), "{:?}", audit.faults);
    sim.snapshot()
}

/// 100 requests a second for 20 s, every one of them refused.
fn refused() -> Topology {
    read(
        r#"Topology(
        schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1), retries: 5, backoff: "50ms", backoff_limit: "1s"),
            "api": Service(instances: 1, service_time: Constant("1ms")),
        },
        links: ["clients -> api"],
        scenario: [At("0s", Crash("api", 1))],
    )"#,
    )
}

#[test]
fn a_retry_budget_allows_its_share_and_what_it_was_full_of() {
    for (budget, allowed) in [("Some(\"10%\")", 10 + 200), ("Some(\"0%\")", 10)] {
        let end = end_of(&set(&refused(), "nodes.clients.retry_budget", budget));
        let retries = end.operations.attempts - end.operations.offered;
        // What the budget is full of at the start, and a share of the first attempts; the last may not have come.
        assert!(
            (allowed - 2..=allowed).contains(&retries),
            "{budget}: {retries} retries"
        );
    }
    let end = end_of(&set(&refused(), "nodes.clients.retry_budget", "None"));
    let over = end.operations.failed;
    assert!(over > 1_700 && end.operations.attempts >= 6 * over);
}

/// Waits are uniform between nothing and a limit that doubles: half of it on average.
#[test]
fn the_wait_before_a_retry_doubles_up_to_its_limit() {
    let endless = set(&refused(), "nodes.clients.retry_budget", "None");
    let mean_ms = |limit: &str| {
        let mut topology = set(&endless, "nodes.clients.backoff_limit", limit);
        topology.duration = Duration(100 * SECOND);
        let mut sim = Sim::new(&topology, 1, Watch { live: false });
        sim.run_until(topology.duration);
        let results = sim.results();
        match results.at("failed_response_time_s.mean") {
            Some(Figures::Figure(Some(mean))) => mean * 1e3,
            other => panic!("{other:?}"),
        }
    };
    // Before five retries: 50, 100, 200, 400 and 800 ms at most. Some 10,000 operations: a standard error of 3 ms.
    let mean = mean_ms("1s");
    assert!((mean - 775.0).abs() < 15.0, "{mean} ms");
    let mean = mean_ms("100ms");
    assert!((mean - 225.0).abs() < 5.0, "{mean} ms");
}

/// Writes that take longer further on than their clients wait, until that is mended: the retries are answered.
fn impatient(idempotent: bool) -> Topology {
    let topology = read(
        r#"Topology(
        schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("50/s"), mix: (write: 1), timeout: Some("100ms"), retries: 3,
                retry_budget: None, backoff: "500ms", backoff_limit: "500ms"),
            "api": Service(instances: 1, workers: 1000, service_time: Constant("1ms"), state: InMemory()),
            "back": Service(instances: 1, workers: 1000, service_time: Constant("300ms")),
        },
        links: ["clients -> api", "api -> back"],
        scenario: [At("10s", Set("nodes.back.service_time", "Constant(\"1ms\")"))],
    )"#,
    );
    let value = if idempotent { "true" } else { "false" };
    set(&topology, "nodes.clients.idempotency_keys", value)
}

#[test]
fn with_idempotency_keys_a_retried_write_is_applied_once() {
    let end = end_of(&impatient(true));
    assert_eq!(end.writes.applied_twice, 0);
    assert!(
        end.operations.completed_after_retry > 20,
        "some were saved by a retry"
    );
    let end = end_of(&impatient(false));
    assert!(end.writes.applied_twice > 400, "{:?}", end.writes);
}

/// Whatever tries it took, each write that was acknowledged is lost once with the memory that holds it.
#[test]
fn a_retried_write_is_lost_once() {
    for idempotent in [false, true] {
        let mut topology = impatient(idempotent);
        topology.scenario.push(statescope::model::Timed::At(
            Duration(15 * SECOND),
            Command::Crash("api".to_owned(), 1),
        ));
        let end = end_of(&topology);
        assert_eq!(end.writes.held, 0);
        assert_eq!(end.writes.lost, end.writes.acknowledged);
        assert!(end.writes.acknowledged > 200, "{:?}", end.writes);
    }
}

/// What is saved up while all goes well is ten retries at most, however long that was.
#[test]
fn a_retry_budget_saves_up_ten_retries_at_most() {
    let mut topology = set(&refused(), "nodes.clients.retry_budget", "Some(\"10%\")");
    topology.duration = Duration(25 * SECOND);
    topology.scenario = vec![statescope::model::Timed::At(
        Duration(20 * SECOND),
        Command::Crash("api".to_owned(), 1),
    )];
    let end = end_of(&topology);
    let retries = end.operations.attempts - end.operations.offered;
    // Ten, and a tenth of the 500 first attempts that are refused; the last may not have come.
    assert!((54..=60).contains(&retries), "{retries} retries");
}

#[test]
fn a_write_that_completes_is_not_applied_unacknowledged() {
    let mut topology = set(
        &impatient(false),
        "nodes.back.service_time",
        "Constant(\"1ms\")",
    );
    topology.scenario.clear();
    let end = end_of(&topology);
    assert!(end.writes.acknowledged > 900, "{:?}", end.writes);
    assert_eq!(end.writes.applied_unacknowledged, 0);
}

/// A credential that is not accepted is not accepted a moment later either: the user has to log in first.
#[test]
fn an_answer_of_401_is_not_tried_again() {
    let topology = read(
        r#"Topology(
        schema: 1, profile: Bare, duration: "20s", sessions: InMemory(),
        nodes: {
            "clients": Clients(arrivals: Steady("50/s"), mix: (read: 1), users: 1000, signed_in: true, retries: 3,
                retry_budget: None, backoff: "1ms"),
            "lb": LoadBalancer(policy: Random),
            "api": Service(instances: 2, workers: 100, service_time: Constant("1ms")),
        },
        links: ["clients -> lb", "lb -> api"],
    )"#,
    );
    let end = end_of(&topology);
    // Nobody sticks, so half of the requests come to an instance that does not know their user.
    let unauthorized = end.operations.failed;
    assert!((400..600).contains(&unauthorized), "{:?}", end.operations);
    assert_eq!(end.operations.by_cause[7], unauthorized);
    assert!(end.operations.attempts <= end.operations.offered);
}

/// Writes that are applied in a store before they take too long further on, until that is mended at 10 s: those that were
/// begun shortly before are answered by a retry.
fn impatient_before_a_store(changes: &[(&str, &str)], scenario: &str) -> Topology {
    let mut topology = read(&format!(
        r#"Topology(
        schema: 1, profile: Bare, duration: "20s",
        nodes: {{
            "clients": Clients(arrivals: Steady("50/s"), mix: (write: 1), timeout: Some("100ms"), retries: 3,
                retry_budget: None, backoff: "500ms", backoff_limit: "500ms", idempotency_keys: true),
            "api": Service(instances: 1, workers: 1000, service_time: Constant("1ms")),
            "store": RedisLike(command_time: "0s", persistence: None, down_after: "1ms", promotion_time: "0s"),
            "back": Service(instances: 1, workers: 1000, service_time: Constant("300ms")),
        }},
        links: ["clients -> api", "api -> store", "api -> back"],
        scenario: [{scenario}, At("10s", Set("nodes.back.service_time", "Constant(\"1ms\")"))],
    )"#
    ));
    for (path, value) in changes {
        topology = set(&topology, path, value);
    }
    topology
}

/// A copy is filled at 10 s and gets nothing of what comes later, before it takes over at 11.5 s. With idempotency keys a
/// retried write is where its first attempt put it, so only the 75 that were begun in between are lost.
#[test]
fn with_idempotency_keys_a_retried_write_stays_where_it_was_applied_first() {
    let scenario = r#"At("10s", Set("nodes.store.replication", "Asynchronous(replicas: 1, lag: \"1h\")")),
        At("11500ms", LoseMachine("store", 1))"#;
    let end = end_of(&impatient_before_a_store(&[], scenario));
    assert!(
        end.operations.completed_after_retry > 20,
        "{:?}",
        end.operations
    );
    assert_eq!(end.writes.lost, 75);
    let twice = [("nodes.clients.idempotency_keys", "false")];
    let end = end_of(&impatient_before_a_store(&twice, scenario));
    assert!(end.writes.lost > 95, "{:?}", end.writes);
}

/// What the first attempt had put into a store that lost everything is applied again by the next.
#[test]
fn with_idempotency_keys_a_retried_write_that_was_lost_meanwhile_is_applied_again() {
    let scenario = r#"At("9990ms", Crash("store", 1)), At("9990ms", Restart("store", 1))"#;
    let end = end_of(&impatient_before_a_store(&[], scenario));
    assert!(
        end.operations.completed_after_retry > 20,
        "{:?}",
        end.operations
    );
    // Nobody had been answered before.
    assert_eq!(
        (end.writes.lost, end.writes.held),
        (0, end.writes.acknowledged)
    );
}

#[test]
fn a_write_of_two_attempts_is_applied_twice() {
    let mut topology = set(&impatient(false), "nodes.clients.retries", "1");
    topology.scenario.clear();
    let end = end_of(&topology);
    // Both take too long. Those of the last 0.9 s may not be over: two attempts, the wait before the second, and its work.
    assert!(
        (955..=1_000).contains(&end.writes.applied_twice),
        "{:?}",
        end.writes
    );
    assert_eq!(end.writes.applied_unacknowledged, end.writes.applied_twice);
}

/// A write that two services on its way keep is applied once in each, and the first of them holds it.
#[test]
fn a_write_that_several_keep_is_not_applied_twice() {
    for idempotent in [false, true] {
        let mut topology = set(
            &impatient(idempotent),
            "nodes.back.service_time",
            "Constant(\"1ms\")",
        );
        topology = set(&topology, "nodes.back.state", "InMemory()");
        for (node, lost) in [("back", false), ("api", true)] {
            topology.scenario = vec![statescope::model::Timed::At(
                Duration(20 * SECOND - 1),
                Command::Crash(node.to_owned(), 1),
            )];
            let writes = end_of(&topology).writes;
            assert_eq!(writes.applied_twice, 0);
            assert_eq!(writes.lost, if lost { writes.acknowledged } else { 0 });
        }
    }
}
