//! Credentials of sessions that have ended: whoever brings one is refused, and nothing else comes of it.

use crate::support::cases::{changed, run};
use statescope::model::file;
use statescope::sim::Sim;

const FLEET: &str = r#"Topology(schema: 1, profile: Bare, duration: "100s", sessions: InMemory(),
    nodes: {
        "c": Clients(arrivals: Steady("1000/s"), users: 1000, signed_in: true, mix: (read: 1), timeout: "500ms"),
        "lb": LoadBalancer(policy: StickyCookie, health_checks: (interval: "500ms")),
        "api": Service(instances: 2, workers: 100, backlog: 1000, service_time: Constant("1ms")),
    },
    links: ["c -> lb", "lb -> api"],
    scenario: [At("20s", Hang("api", 1)), At("60s", Resume("api", 1))])"#;

fn fleet(changes: &[(&str, &str)]) -> Sim {
    run(&changed(file::read(FLEET, "fleet").unwrap(), changes), 1)
}

/// Every user of the instance that hangs has asked elsewhere, was sent away and has logged in anew: 500, once each. At the
/// resume it answers requests whose clients gave up long ago, with credentials of sessions that were lost long ago.
#[test]
fn a_request_that_was_given_up_ends_no_session_that_came_later() {
    let sessions = fleet(&[]).snapshot().sessions;
    assert_eq!((sessions.lost, sessions.created), (500, 500));
    assert_eq!(sessions.live, 1_000);
    // A quarter of the users, and most of them ask meanwhile: all but exp(-8.5) of each.
    let four = fleet(&[
        ("duration", "200s"),
        ("nodes.c.arrivals", r#"Steady("50/s")"#),
        ("nodes.api.instances", "4"),
        (
            "scenario",
            r#"[At("20s", Hang("api", 1)), At("190s", Resume("api", 1))]"#,
        ),
    ]);
    let lost = four.snapshot().sessions.lost;
    assert!((248..=250).contains(&lost), "{lost}");
}

/// Every token is lost with the key, once; requests with an old one that come late end no new one.
#[test]
fn an_old_token_is_refused_beside_a_new_one() {
    let sessions = fleet(&[
        ("sessions", "Jwt()"),
        (
            "scenario",
            r#"[At("20s", Hang("api", 1)), At("30s", ReplaceSigningKey), At("60s", Resume("api", 1))]"#,
        ),
    ])
    .snapshot()
    .sessions;
    assert_eq!((sessions.lost, sessions.created), (1_000, 1_000));
}
