//! Clients: when they ask, how long they wait, and what they find, with the right figures.

use crate::support::cases::{figure, read_with, run, until};
use statescope::model::Topology;

/// An even hundred reads a second, and one instance that answers within a millisecond.
const PLAIN: &str = r#"Topology(schema: 1, profile: Bare, duration: "20s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1)),
        "api": Service(instances: 1, workers: 1000, service_time: Constant("1ms")),
    },
    links: ["clients -> api"])"#;

fn plain(changes: &[(&str, &str)]) -> Topology {
    read_with(PLAIN, changes)
}

// When they ask.

#[test]
fn other_arrivals_take_the_place_of_those_before() {
    let scenario = (
        "scenario",
        r#"[At("10s", Set("nodes.clients.arrivals", "Steady(\"50/s\")"))]"#,
    );
    for (before, first_half) in [("Steady(\"100/s\")", 1_000), ("Steady(\"0.08/s\")", 0)] {
        let topology = plain(&[("nodes.clients.arrivals", before), scenario]);
        let offered = run(&topology, 1).snapshot().operations.offered;
        let expected: u64 = first_half + 500;
        assert!(offered.abs_diff(expected) <= 1, "{before}: {offered}");
    }
}

#[test]
fn a_user_rests_for_a_millisecond_after_a_failure() {
    let topology = plain(&[
        (
            "nodes.clients.arrivals",
            r#"Closed(users: 1, think: Constant("0s"))"#,
        ),
        ("duration", "1s"),
        ("scenario", r#"[At("0s", Crash("api", 1))]"#),
    ]);
    let failed = run(&topology, 1).snapshot().operations.failed;
    assert!((999..=1_001).contains(&failed), "{failed}");
}

#[test]
fn each_operation_of_a_user_draws_anew() {
    let topology = plain(&[
        (
            "nodes.clients.arrivals",
            r#"Closed(users: 1, think: Constant("0s"))"#,
        ),
        ("nodes.api.service_time", r#"Exponential("10ms")"#),
    ]);
    let results = run(&topology, 1).results();
    let time = |path: &str| figure(&results, path) * 1e3;
    // Some 2,000 of them: a standard error of 0.22 ms; the median is ln 2 of the mean.
    let (mean, median) = (time("response_time_s.mean"), time("response_time_s.p50"));
    assert!((mean - 10.0).abs() < 0.9, "{mean}");
    assert!((median - 6.93).abs() < 0.9, "{median}");
}

#[test]
fn each_attempt_draws_anew() {
    let topology = plain(&[
        ("nodes.clients.retries", "1"),
        ("nodes.api.error_share", "50%"),
        ("duration", "40s"),
    ]);
    let end = run(&topology, 1).snapshot().operations;
    // Both of two attempts fail, one of four times: 1,000 of 4,000 with a deviation of 27.
    assert!(end.failed.abs_diff(1_000) < 4 * 27, "{end:?}");
}

// How long they wait.

#[test]
fn what_its_client_gave_up_is_done_in_vain_unless_it_cancels() {
    // Two a second, each the work of a second, given up after half of that.
    let changes = [
        ("nodes.clients.arrivals", "Steady(\"2/s\")"),
        ("nodes.clients.timeout", "500ms"),
        ("nodes.api.workers", "1"),
        ("nodes.api.service_time", r#"Constant("1s")"#),
    ];
    // At 20.25 s 40 have come, and 19 have been done since the first came at 0.5 s.
    for (cancel, there) in [("false", 21), ("true", 1)] {
        let mut changes = changes.to_vec();
        changes.push(("nodes.clients.cancel", cancel));
        changes.push(("duration", "30s"));
        let snapshot = until(&plain(&changes), 1, 20_250).snapshot();
        let api = snapshot.nodes.iter().find(|n| n.name == "api").unwrap();
        assert_eq!(api.in_flight, there, "cancel: {cancel}");
        assert_eq!(snapshot.operations.failed, 39, "cancel: {cancel}");
    }
}

// What they find.

#[test]
fn a_read_is_not_stale_by_what_was_lost_before_its_end() {
    // What is read from 9 s to 10 s is asked for before a crash that leaves nothing, and found after it.
    let topology = plain(&[
        ("links[0].latency", "1s"),
        ("nodes.clients.mix", "(write: 1)"),
        ("nodes.clients.keys", "1"),
        ("nodes.api.state", "InMemory()"),
        (
            "scenario",
            r#"[At("7s", Set("nodes.clients.mix", "(read: 1)")),
                At("10005ms", Crash("api", 1)), At("10005ms", Restart("api", 1))]"#,
        ),
    ]);
    let end = run(&topology, 1).snapshot();
    assert!(end.writes.lost >= 699 && end.writes.held == 0);
    assert!(end.reads.total >= 1_000, "{:?}", end.reads);
    assert_eq!(end.reads.stale, 0);
}

/// Two instances in turn.
const PAIR: &str = r#"Topology(schema: 1, profile: Bare, duration: "20s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1, write: 1), keys: 10, popularity: Uniform),
        "api": Service(instances: 2, workers: 1000, service_time: Constant("0s"), state: InMemory()),
    },
    links: ["clients -> api"])"#;

#[test]
fn an_instance_answers_from_the_copy_that_it_holds() {
    let copies = (
        "nodes.api.state",
        r#"InMemory(replication: Asynchronous(replicas: 1, lag: "0s"))"#,
    );
    let reads = |changes: &[(&str, &str)]| run(&read_with(PAIR, changes), 1).snapshot().reads;
    assert_eq!(reads(&[copies]).stale, 0);
    // Without one it knows what was written through it: the newest version of a key is there for every second read.
    let alone = reads(&[]);
    let share = alone.stale as f64 / alone.total as f64;
    assert!((share - 0.5).abs() < 4.0 * 0.016, "{alone:?}");
}
