//! Sessions: how long they live, what logins cost, and where they are, with the right figures.

use crate::support::cases::{figure, read_with, run, until};
use statescope::sim::snapshot::Snapshot;

/// One user, who asks every two seconds: 49 times in 99 s.
const ONE: &str = r#"Topology(schema: 1, profile: Bare, duration: "99s", sessions: InMemory(),
    nodes: {
        "clients": Clients(arrivals: Steady("0.5/s"), mix: (read: 1), users: 1, timeout: Some("100ms")),
        "api": Service(instances: 1, service_time: Constant("60ms")),
        "store": RedisLike(command_time: "0s"),
    },
    links: ["clients -> api"])"#;

// How long they live.

#[test]
fn sessions_end_after_their_time() {
    for (sessions, logins) in [
        // Used every 2 s, and each use renews it.
        (r#"InMemory(lifetime: "3s")"#, 1),
        (r#"ServerSide(store: "store", lifetime: "3s")"#, 1),
        // Over before the next use.
        (r#"InMemory(lifetime: "1s")"#, 49),
        (r#"ServerSide(store: "store", lifetime: "1s")"#, 49),
        // A token is not renewed by its use: every second time it is over.
        (r#"Jwt(lifetime: "3s", refresh: None)"#, 25),
        // It is exchanged on use, for 9 s after the login: five uses, and the sixth logs in.
        (r#"Jwt(lifetime: "3s", refresh: Some("9s"))"#, 10),
        (r#"Jwt(lifetime: "1s", refresh: None)"#, 49),
    ] {
        let end = run(&read_with(ONE, &[("sessions", sessions)]), 1).snapshot();
        assert_eq!(end.sessions.created, logins, "{sessions}");
        // That of the last login lives on, or its time is over though nobody has noticed.
        let over = end.sessions.expired + end.sessions.live;
        assert_eq!((over, end.sessions.lost), (logins, 0), "{sessions}");
        assert_eq!(end.operations.failed, 0, "{sessions}");
        assert_eq!(end.operations.completed, 49 + logins, "{sessions}");
    }
}

// What logins cost.

#[test]
fn goodput_counts_from_the_intended_start() {
    // Each request waits 60 ms for its login and then takes 60 ms: neither attempt takes too long for its client, but
    // together they do.
    let short = ("sessions", r#"InMemory(lifetime: "1s")"#);
    for (objective, good) in [("None", 49.0), ("Some(\"150ms\")", 98.0)] {
        let topology = read_with(ONE, &[short, ("objectives.p99", objective)]);
        let results = run(&topology, 1).results();
        let per_s = |n: f64| n / 99.0;
        assert_eq!(figure(&results, "throughput_per_s"), per_s(98.0));
        let goodput = figure(&results, "goodput_per_s");
        assert_eq!(goodput, per_s(good), "{objective}");
        let slowest = figure(&results, "by_kind.read.max");
        assert!((slowest - 0.12).abs() < 1e-4, "{slowest}");
    }
}

#[test]
fn what_waits_for_a_login_shares_its_failure_without_an_attempt() {
    let down = ("scenario", r#"[At("0s", Crash("api", 1))]"#);
    let end = run(&read_with(ONE, &[down]), 1).snapshot().operations;
    assert_eq!((end.offered, end.failed, end.attempts), (98, 98, 49));
    assert_eq!(end.by_cause[0], 98, "refused");
}

#[test]
fn signing_in_again_logs_the_session_before_out() {
    let changes = [
        ("nodes.clients.mix", "(login: 1)"),
        ("nodes.clients.signed_in", "true"),
    ];
    for sessions in ["InMemory()", "Jwt()", r#"ServerSide(store: "store")"#] {
        let mut changes = changes.to_vec();
        changes.push(("sessions", sessions));
        let end = run(&read_with(ONE, &changes), 1).snapshot().sessions;
        assert_eq!((end.initial, end.created, end.logged_out), (1, 49, 49));
        assert_eq!(end.live, 1, "{sessions}");
    }
}

// What is lost.

/// Many users who log in, one after the other.
const LOGINS: &str = r#"Topology(schema: 1, profile: Bare, duration: "20s", sessions: InMemory(),
    nodes: {
        "clients": Clients(arrivals: Steady("10/s"), mix: (login: 1), users: 1000000),
        "api": Service(instances: 1, workers: 1000, service_time: Constant("0s")),
    },
    links: ["clients -> api"])"#;

#[test]
fn a_login_that_is_answered_after_its_session_is_gone_creates_a_lost_one() {
    let changes = [
        ("links[0].latency", "1s"),
        ("scenario", r#"[At("10050ms", Crash("api", 1))]"#),
    ];
    let end = run(&read_with(LOGINS, &changes), 1).snapshot();
    // Sent from 0.1 s to 9 s; the answers of the last ten come after the crash.
    assert_eq!((end.sessions.created, end.sessions.logged_out), (90, 0));
    assert_eq!((end.sessions.live, end.sessions.lost), (0, 90));
    assert_eq!(end.faults[0].lost_sessions, 90);
}

#[test]
fn exactly_what_had_not_reached_the_copy_is_lost_with_a_machine() {
    let changes = [
        ("nodes.api.instances", "2"),
        (
            "sessions",
            r#"InMemory(replication: Asynchronous(lag: "1s"), down_after: "1s")"#,
        ),
        ("scenario", r#"[At("10050ms", LoseMachine("api", 1))]"#),
    ];
    let end = run(&read_with(LOGINS, &changes), 1).snapshot();
    // In turn, so that every fifth of a second one is created there; those of 9.1 s, 9.3 s .. 9.9 s were under way.
    assert_eq!(end.sessions.logged_out, 0);
    assert_eq!((end.sessions.lost, end.faults[0].lost_sessions), (5, 5));
}

/// One user who logs in at 6.25 s, at the first instance, and asks again at 12.5 s, when that one's machine is gone and no
/// copy has taken over: the other instance answers by its copy, if that had got the session by 10 s.
#[test]
fn a_copy_answers_for_the_sessions_that_had_reached_it() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("0.16/s"), mix: (read: 1), users: 1),
            "lb": LoadBalancer(retries: 3),
            "api": Service(instances: 2, workers: 10, service_time: Constant("0s")),
        },
        links: ["clients -> lb", "lb -> api"], scenario: [At("10s", LoseMachine("api", 1))])"#;
    for (lag, turned_away) in [("3s", 0), ("4s", 1)] {
        let copies = format!(
            r#"InMemory(replication: Asynchronous(replicas: 1, lag: "{lag}"), down_after: "5s")"#
        );
        let end = run(&read_with(text, &[("sessions", &copies)]), 1).snapshot();
        assert_eq!(end.operations.by_cause[7], turned_away, "{lag}");
        assert_eq!(end.operations.failed, turned_away, "{lag}");
        assert_eq!(end.sessions.lost, turned_away, "{lag}");
        // Who was turned away logs in again at 18.75 s.
        assert_eq!(end.sessions.created, 1 + turned_away, "{lag}");
    }
}

/// Twenty users whose sessions are in a store that forgets them.
#[test]
fn each_user_of_a_store_that_forgot_is_turned_away_once() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s", sessions: ServerSide(store: "store"),
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1), users: 20, signed_in: true),
            "api": Service(instances: 1, workers: 1000, service_time: Constant("1ms")),
            "store": RedisLike(command_time: "0s", persistence: None),
        },
        links: ["clients -> api"],
        scenario: [At("10s", Crash("store", 1)), At("10s", Restart("store", 1))])"#;
    let end = run(&read_with(text, &[]), 1).snapshot();
    assert_eq!(
        (end.operations.failed, end.operations.by_cause[7]),
        (20, 20)
    );
    assert_eq!(
        (end.sessions.lost, end.sessions.created, end.sessions.live),
        (20, 20, 20)
    );
}

/// Sessions that are put into a store are on its disk if it syncs each write, though nobody writes any more.
#[test]
fn sessions_at_the_start_are_synced_by_a_store_that_syncs_each_write() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s", sessions: ServerSide(store: "store"),
        nodes: {
            "clients": Clients(arrivals: Steady("1/s"), mix: (read: 1), users: 20, signed_in: true),
            "api": Service(instances: 1, workers: 1000, service_time: Constant("1ms")),
            "store": RedisLike(command_time: "0s", persistence: AppendOnly(Always), fsync_time: "1ms"),
        },
        links: ["clients -> api"],
        scenario: [At("10500ms", LoseMachine("store", 1)), At("10600ms", Restart("store", 1))])"#;
    let end = run(&read_with(text, &[]), 1).snapshot();
    assert_eq!((end.sessions.lost, end.sessions.live), (0, 20));
    assert_eq!(end.operations.failed, 0);
}

// Where they are after a change of strategy.

/// Two instances behind a balancer that sends users where they were before, and hardly a request.
const TOGGLED: &str = r#"Topology(schema: 1, profile: Bare, duration: "40s", sessions: InMemory(),
    nodes: {
        "clients": Clients(arrivals: Steady("0.01/s"), mix: (read: 1), users: 100, signed_in: true),
        "lb": LoadBalancer(policy: StickyCookie),
        "api": Service(instances: 2, workers: 1000, service_time: Constant("1ms")),
    },
    links: ["clients -> lb", "lb -> api"])"#;

fn kept(end: &Snapshot) -> Vec<u64> {
    let api = end.nodes.iter().find(|n| n.name == "api").unwrap();
    api.instances.iter().map(|i| i.sessions).collect()
}

#[test]
fn sessions_are_never_put_where_nobody_serves() {
    // The balancer has no checks, so it would still send users there.
    let to_memory = r#"Set("sessions", "InMemory()")"#;
    let dead_before = format!(r#"[At("10s", Crash("api", 1)), At("11s", {to_memory})]"#);
    let changes = [("sessions", "Jwt()"), ("scenario", &dead_before)];
    let end = run(&read_with(TOGGLED, &changes), 1).snapshot();
    assert_eq!((kept(&end), end.sessions.lost), (vec![0, 100], 0));
    // There and back within a second, but where half of them were there is nothing any more.
    let dead_meanwhile = format!(
        r#"[At("10s", Set("sessions", "Jwt()")), At("10200ms", Crash("api", 1)), At("10500ms", {to_memory})]"#
    );
    let end = run(&read_with(TOGGLED, &[("scenario", &dead_meanwhile)]), 1).snapshot();
    assert_eq!((kept(&end), end.sessions.lost), (vec![0, 100], 0));
}

/// 100 sessions of 16 MiB go from tokens to the memory of two instances: 1,600 MiB, 16 s at 100 MiB/s. Until then the tokens
/// are still good; after that half of them die with either instance, unless the other has a copy.
#[test]
fn sessions_that_come_all_at_once_are_copied_in_the_time_that_takes() {
    let copies = r#", replication: Asynchronous(replicas: 1, lag: \"1ms\"), down_after: \"1s\""#;
    for (copies, lost_at, lost) in [
        ("", "12s", 0),
        ("", "25900ms", 0),
        ("", "26100ms", 50),
        (copies, "26100ms", 0),
    ] {
        let memory = format!(r#"InMemory(size: \"16MiB\"{copies})"#);
        let scenario = format!(
            r#"[At("10s", Set("sessions", "{memory}")), At("{lost_at}", LoseMachine("api", 1))]"#
        );
        let changes = [("sessions", "Jwt()"), ("scenario", scenario.as_str())];
        let end = run(&read_with(TOGGLED, &changes), 1).snapshot();
        assert_eq!(end.sessions.lost, lost, "{lost_at} {copies}");
    }
}

/// Sessions in a store stay there when the service keeps its state elsewhere from now on.
#[test]
fn sessions_stay_in_a_store_that_state_moves_out_of() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s", sessions: ServerSide(store: "store"),
        nodes: {
            "clients": Clients(arrivals: Steady("10/s"), mix: (write: 1), users: 100, signed_in: true),
            "api": Service(instances: 1, workers: 10, service_time: Constant("0s"), state: External(store: "store")),
            "store": RedisLike(command_time: "0s", persistence: None),
        },
        links: ["clients -> api"],
        scenario: [At("10050ms", Set("nodes.api.state", "InMemory()")), At("15050ms", Crash("store", 1))])"#;
    let topology = read_with(text, &[]);
    let before = until(&topology, 1, 15_000).snapshot();
    assert_eq!((before.sessions.live, before.sessions.lost), (100, 0));
    let store = before.nodes.iter().find(|n| n.name == "store").unwrap();
    assert_eq!(
        (store.instances[0].sessions, store.instances[0].writes),
        (100, 0)
    );
    let end = run(&topology, 1).snapshot();
    assert_eq!((end.sessions.lost, end.writes.lost), (100, 0));
}
