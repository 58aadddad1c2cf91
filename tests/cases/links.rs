//! Links: what goes over them and when it arrives, also after a change, in systems whose right figures are known.

use crate::support::cases::{changed, figure, read, run};
use statescope::model::{Severity, check};
use statescope::sim::{Sim, Watch};
use statescope::units::{Duration, SECOND};

/// Messages to a store are as big as the clients' values are now, not as they have ever been.
#[test]
fn values_that_are_small_again_make_small_messages() {
    let topology = read(
        r#"Topology(schema: 1, duration: "60s", warmup: "30s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1, write: 1), timeout: Some("20s"), value_size: "1KiB"),
            "api": Service(instances: 1, state: External(store: "db")),
            "db": RedisLike(),
        },
        links: ["clients -> api", Link(path: "api -> db", bandwidth: "100MiB/s")],
        scenario: [At("10s", Set("nodes.clients.value_size", "512KiB")), At("11s", Set("nodes.clients.value_size", "1KiB"))],
    )"#,
    );
    let sim = run(&topology, 1);
    // Each call carries 200 bytes of protocol there and back, and the value one way.
    let expected = 100.0 * (2.0 * 200.0 + 1024.0);
    let bytes = figure(&sim.results(), "links.api->db.bytes_per_s");
    assert!(
        (bytes / expected - 1.0).abs() < 0.01,
        "{bytes}, not {expected}"
    );
    // Every key that has been written is a value.
    let state = sim.snapshot().nodes[2].state_bytes;
    assert!(state > 0 && state.is_multiple_of(1024), "{state}");
    assert!(state < 3_000 * 1024, "{state}");
}

/// The biggest of all clients' values count, also when the one with the biggest goes.
#[test]
fn the_biggest_values_of_those_that_are_there_count() {
    let topology = read(
        r#"Topology(schema: 1, duration: "60s", warmup: "30s",
        nodes: {
            "small": Clients(arrivals: Steady("100/s"), mix: (read: 1), value_size: "1KiB"),
            "big": Clients(arrivals: Steady("100/s"), mix: (read: 1), value_size: "16KiB"),
            "api": Service(instances: 1, workers: 100, state: External(store: "db")),
            "db": RedisLike(),
        },
        links: ["small -> api", "big -> api"],
    )"#,
    );
    for (scenario, calls, value) in [
        ("[]", 200.0, 16_384.0),
        (r#"[At("10s", Remove("big"))]"#, 100.0, 1024.0),
        (r#"[At("10s", Remove("small"))]"#, 100.0, 16_384.0),
    ] {
        let sim = run(&changed(topology.clone(), &[("scenario", scenario)]), 1);
        let expected = calls * (2.0 * 200.0 + value);
        let bytes = figure(&sim.results(), "links.api->db.bytes_per_s");
        assert!(
            (bytes / expected - 1.0).abs() < 0.01,
            "{scenario}: {bytes}, not {expected}"
        );
    }
}

/// A store that only gets snapshots, by a setting and by a link as well: no request calls it.
#[test]
fn no_request_calls_the_store_of_snapshots() {
    let topology = read(
        r#"Topology(schema: 1, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("8000/s"), mix: (read: 1)),
            "api": Service(instances: 1, workers: 1000, queue: Unlimited, service_time: Constant("1ms"),
                state: InMemory(snapshot_every: Some("10s"), snapshot_to: ObjectStore("s3"))),
            "s3": ObjectStore(),
        },
        links: ["clients -> api"],
        expects: ["links.api->s3.messages_per_s == 0"],
    )"#,
    );
    let written = changed(topology.clone(), &[("links.api->s3.latency", "1ms")]);
    assert_eq!(written.links.0.len(), 2);
    let mut shown = Vec::new();
    for topology in [&topology, &written] {
        // A thousand workers of 1 ms could serve a million a second.
        assert_eq!(check(topology), []);
        let results = run(topology, 1).results();
        assert_eq!(figure(&results, "links.api->s3.messages_per_s"), 0.0);
        assert_eq!(figure(&results, "nodes.s3.throughput_per_s"), 0.0);
        // The work, and twice the latency to the service.
        let p50 = figure(&results, "response_time_s.p50");
        assert!(p50 < 0.01, "{p50}");
        shown.push(format!("{results:?}"));
    }
    assert_eq!(shown[0], shown[1]);
}

/// The same store for snapshots and for sessions is called once a request, for its session.
#[test]
fn a_store_of_snapshots_that_keeps_sessions_is_called_for_them() {
    let topology = read(
        r#"Topology(schema: 1, duration: "20s", warmup: "10s", sessions: ServerSide(store: "s3"),
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1), signed_in: true),
            "api": Service(instances: 10, workers: 100,
                state: InMemory(snapshot_every: Some("10s"), snapshot_to: ObjectStore("s3"))),
            "s3": ObjectStore(),
        },
        links: ["clients -> api"],
    )"#,
    );
    for written in [false, true] {
        let mut topology = topology.clone();
        if written {
            topology.set_path("links.api->s3.latency", "1ms").unwrap();
        }
        let errors = check(&topology);
        assert!(errors.iter().all(|p| p.severity != Severity::Error));
        let messages = figure(&run(&topology, 1).results(), "links.api->s3.messages_per_s");
        assert!((messages / 200.0 - 1.0).abs() < 0.01, "{messages}");
    }
}

/// 100 KiB a second over a link of 50 KiB a second: after a minute 3,000 KiB still have to be sent. What is sent once the
/// link is faster waits as long as these would take it then.
#[test]
fn a_link_that_becomes_faster_is_faster_at_once() {
    let topology = read(
        r#"Topology(schema: 1, duration: "90s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1), request: "1KiB", response: "0B", timeout: Some("1s"), retries: 0),
            "api": Service(instances: 1, workers: 100, service_time: Constant("1ms")),
        },
        links: [Link(path: "clients -> api", bandwidth: "50KiB/s")],
    )"#,
    );
    for (bandwidth, wait) in [("unlimited", 0.0), ("100MiB/s", 0.03), ("1000KiB/s", 3.0)] {
        let faster =
            format!(r#"[At("60s", Set("links.clients->api.bandwidth", "\"{bandwidth}\""))]"#);
        let topology = changed(topology.clone(), &[("scenario", &faster)]);
        let mut sim = Sim::new(&topology, 1, Watch { live: false });
        sim.run_until(Duration(60 * SECOND));
        let before = sim.snapshot().operations.completed;
        sim.run_until(Duration(90 * SECOND));
        // At 1,000 KiB a second the wait shrinks by 0.9 s each second: who comes in the first 2.2 s gives up.
        let lost = if wait > 1.0 {
            (wait - 1.0) / 0.9 * 100.0
        } else {
            0.0
        };
        let completed = (sim.snapshot().operations.completed - before) as f64;
        assert!(
            (completed - (3_000.0 - lost)).abs() <= 10.0,
            "{bandwidth}: {completed} completed, {lost} lost"
        );
    }
}

/// What a link that becomes slower has taken goes as it would have, and what comes then waits behind it.
#[test]
fn a_link_that_becomes_slower_keeps_its_order() {
    let topology = read(
        r#"Topology(schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("10/s"), mix: (read: 1), request: "1KiB"),
            "api": Service(instances: 1, workers: 100, service_time: Constant("0s")),
        },
        links: [Link(path: "clients -> api", bandwidth: "20KiB/s")],
        scenario: [At("10s", Set("links.clients->api.bandwidth", "\"5KiB/s\""))],
    )"#,
    );
    let completed = run(&topology, 1).snapshot().operations.completed;
    // 99 or 100 before, each in 50 ms; then 5 a second.
    assert!((148..=151).contains(&completed), "{completed}");
}

/// A link carries no more than its bandwidth; what still waits before it has not crossed it.
#[test]
fn a_link_carries_no_more_than_its_bandwidth() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "20s", warmup: "5s", nodes: {
        "clients": Clients(arrivals: Steady("20/s"), mix: (read: 1), request: "10000B", response: "1000B", timeout: None),
        "api": Service(instances: 1, workers: 100, service_time: Constant("0s")),
    }, links: [(path: "clients -> api", bandwidth: "50000B/s")])"#;
    let results = run(&read(text), 1).results();
    let bytes = figure(&results, "links.clients->api.bytes_per_s");
    // Five requests a second get through, and their answers.
    assert!((bytes - 55_000.0).abs() < 1_000.0, "{bytes}");
    let messages = figure(&results, "links.clients->api.messages_per_s");
    assert!((messages - 10.0).abs() < 0.2, "{messages}");
}
