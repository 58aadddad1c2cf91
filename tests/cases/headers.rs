//! Tokens that are larger than a server on the way takes, or than browsers keep.

use crate::support::cases::{figure, read_with, run};
use statescope::sim::snapshot::What;

/// Ten reads a second, 199 in all, by twenty users who are signed in with a token of 6 KiB.
const LARGE: &str = r#"Topology(schema: 1, profile: Bare, duration: "19950ms",
    sessions: Jwt(claims: "4547B", carried: Cookies),
    nodes: {
        "clients": Clients(arrivals: Steady("10/s"), mix: (read: 1), users: 20, signed_in: true, retries: 2),
        "lb": LoadBalancer(),
        "api": Service(instances: 2, service_time: Constant("1ms"), login_time: "10ms"),
    },
    links: ["clients -> lb", "lb -> api"])"#;

/// Completed, refused for their header, and attempts made.
fn outcome(changes: &[(&str, &str)]) -> (f64, f64, f64) {
    let results = run(&read_with(LARGE, changes), 1).results();
    let path = "operations.by_cause.header_too_large";
    let refused = results.at(path).map_or(0.0, |_| figure(&results, path));
    let of = |path| figure(&results, path);
    assert_eq!(of("sessions.token_bytes"), 6144.0);
    (
        of("operations.completed"),
        refused,
        of("operations.attempts"),
    )
}

#[test]
fn the_line_is_too_long_for_nginx_only_with_what_else_is_in_it() {
    let (balancer, service) = ("nodes.lb.header_limits", "nodes.api.header_limits");
    let others = ("sessions.other_cookies", "\"2KiB\"");
    assert_eq!(outcome(&[(balancer, "Nginx")]), (199.0, 0.0, 199.0));
    assert_eq!(outcome(&[others]), (199.0, 0.0, 199.0));
    // Refused with each request: nobody is told to sign in, and nobody tries again.
    for place in [balancer, service] {
        assert_eq!(
            outcome(&[others, (place, "Nginx")]),
            (0.0, 199.0, 199.0),
            "{place}"
        );
        assert_eq!(
            outcome(&[others, (place, "NodeJs")]),
            (199.0, 0.0, 199.0),
            "{place}"
        );
    }
    let bearer = ("sessions.carried", "Bearer");
    assert_eq!(
        outcome(&[others, (balancer, "Nginx"), bearer]),
        (199.0, 0.0, 199.0)
    );
}

#[test]
fn sessions_live_on_while_their_tokens_are_refused_and_a_running_system_can_be_helped() {
    let scenario = r#"[At("5s", Set("sessions.other_cookies", "4KiB")), At("10s", Set("nodes.lb.header_limits", "NodeJs"))]"#;
    let sim = run(
        &read_with(
            LARGE,
            &[("nodes.lb.header_limits", "Nginx"), ("scenario", scenario)],
        ),
        1,
    );
    let (results, counts) = (sim.results(), sim.snapshot().sessions);
    assert_eq!((counts.live, counts.lost, counts.created), (20, 0, 0));
    let refused = figure(&results, "operations.by_cause.header_too_large");
    assert!((49.0..=51.0).contains(&refused), "{refused}");
    let end = sim.snapshot();
    let told = end.happenings.iter().filter_map(|h| match &h.what {
        What::Headers { node, refused } => Some((h.at.secs(), node.clone(), refused.is_some())),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [(5.0, "lb".to_owned(), true), (10.0, "lb".to_owned(), false)]
    );
}

#[test]
fn nobody_stays_signed_in_with_a_cookie_that_browsers_ignore() {
    let sim = run(&read_with(LARGE, &[("sessions.carried", "Cookie")]), 1);
    let (results, counts) = (sim.results(), sim.snapshot().sessions);
    // Each read has a login, and comes without a credential all the same; nobody could be signed in at the start.
    let of = |path| figure(&results, path);
    assert_eq!(
        of("sessions.lost_by_cause.cookie_ignored"),
        counts.created as f64
    );
    assert_eq!(of("operations.by_cause.unauthorized"), 199.0);
    assert_eq!((counts.initial, counts.created), (0, 199));
}
