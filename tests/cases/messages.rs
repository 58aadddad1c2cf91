//! How big messages are.

use crate::support::cases::{changed, figure, run};
use statescope::model::file;

/// Two clients nodes behind one balancer.
const TWO: &str = r#"Topology(schema: 1, duration: "100s",
    nodes: {
        "a": Clients(arrivals: Steady("10/s"), mix: (read: 1), request: "1000B", response: "0B"),
        "b": Clients(arrivals: Steady("10/s"), mix: (read: 1), request: "1000000B", response: "0B"),
        "lb": LoadBalancer(),
        "api": Service(service_time: Constant("1ms"), state: InMemory()),
    },
    links: ["a -> lb", "b -> lb", "lb -> api"])"#;

/// What passes a balancer is as big as it came: 10 times a kilobyte and 10 times a megabyte a second.
#[test]
fn a_balancer_passes_on_what_it_got() {
    let results = |changes: &[(&str, &str)]| {
        run(&changed(file::read(TWO, "two").unwrap(), changes), 1).results()
    };
    let carried = |changes: &[(&str, &str)]| figure(&results(changes), "links.lb->api.bytes_per_s");
    let bytes = carried(&[]);
    assert!(
        (bytes - 10_010_000.0).abs() < 0.01 * 10_010_000.0,
        "{bytes}"
    );
    let back = [
        ("nodes.a.response", "2000000B"),
        ("nodes.b.request", "1000B"),
    ];
    let bytes = carried(&back);
    assert!(
        (bytes - 20_020_000.0).abs() < 0.01 * 20_020_000.0,
        "{bytes}"
    );
    // The order of links in a file means nothing.
    let slow = r#"Link(path: "lb -> api", bandwidth: "5MB/s")"#;
    let [first, second] = [["a", "b"], ["b", "a"]].map(|[x, y]| {
        let links = format!(r#"["{x} -> lb", "{y} -> lb", {slow}]"#);
        let results = results(&[("links", &links)]);
        ["operations.completed", "response_time_s.p50"].map(|path| figure(&results, path))
    });
    assert_eq!(first, second);
}

/// A service that calls through the balancer that clients use, too, sends messages of its own size.
#[test]
fn who_asks_decides_how_big_a_message_is() {
    let text = r#"Topology(schema: 1, duration: "100s",
        nodes: {
            "a": Clients(arrivals: Steady("10/s"), mix: (read: 1), request: "1000000B", response: "0B", value_size: "1B"),
            "b": Clients(arrivals: Steady("10/s"), mix: (read: 1), request: "1000B", response: "0B", value_size: "1B"),
            "front": Service(service_time: Constant("1ms")),
            "lb": LoadBalancer(),
            "api": Service(service_time: Constant("1ms"), state: InMemory()),
        },
        links: ["a -> front", "front -> lb", "b -> lb", "lb -> api"])"#;
    let results = run(&file::read(text, "two").unwrap(), 1).results();
    // Protocol there, and protocol and the value back; and what the clients send.
    let expected = 10.0 * (200.0 + 201.0) + 10.0 * 1_000.0;
    let bytes = figure(&results, "links.lb->api.bytes_per_s");
    assert!((bytes - expected).abs() < 0.01 * expected, "{bytes}");
}

/// A request's size is without credential and value; only where nothing is left but the stations do they have none.
#[test]
fn a_value_has_its_size_whatever_the_request_is_otherwise() {
    let carried = |profile: &str, request: &str| {
        let text = format!(
            r#"Topology(schema: 1, profile: {profile}, duration: "100s",
                nodes: {{
                    "c": Clients(arrivals: Steady("10/s"), mix: (write: 1), request: "{request}", response: "0B", value_size: "1MiB"),
                    "api": Service(service_time: Constant("1ms"), state: InMemory()),
                }},
                links: ["c -> api"])"#
        );
        let results = run(&file::read(&text, "zero").unwrap(), 1).results();
        figure(&results, "links.c->api.bytes_per_s")
    };
    let expected = 10.0 * 1_048_576.0;
    for request in ["0B", "1B"] {
        let bytes = carried("Standard", request);
        assert!(
            (bytes - expected).abs() < 0.01 * expected,
            "{request}: {bytes}"
        );
    }
    assert_eq!(carried("Bare", "0B"), 0.0);
}
