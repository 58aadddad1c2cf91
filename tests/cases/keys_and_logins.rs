//! Signing keys that are rotated, what signing costs, and who signs in when.

use crate::support::cases::{figure, read_with, run};

/// Twenty users who are signed in, each of them asking about twice a second.
const SIGNED_IN: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    sessions: Jwt(lifetime: "20s"),
    nodes: {
        "clients": Clients(arrivals: Steady("40/s"), mix: (read: 1), users: 20, signed_in: true),
        "lb": LoadBalancer(policy: StickyCookie),
        "api": Service(instances: 2, workers: 100, service_time: Constant("1ms")),
    },
    links: ["clients -> lb", "lb -> api"])"#;

/// A token that was signed before the rotation is exchanged for a new one when it expires, 20 s later at most.
#[test]
fn a_key_that_goes_before_its_tokens_loses_those_that_are_left() {
    // At 30 s all tokens are about ten seconds old: they expire between 40 and 41 s.
    let lost = |overlap: &str| {
        let scenario = format!(r#"[At("30s", RotateKeys("{overlap}"))]"#);
        let sim = run(&read_with(SIGNED_IN, &[("scenario", &scenario)]), 1);
        let counts = sim.snapshot().sessions;
        assert_eq!(figure(&sim.results(), "sessions.lost"), counts.lost as f64);
        let by_key = sim.snapshot().faults[0].lost_sessions;
        assert_eq!(by_key, counts.lost);
        counts.lost
    };
    assert_eq!(lost("0s"), 20);
    assert_eq!(lost("9s"), 20);
    assert_eq!(lost("20s"), 0);
    let part = lost("10500ms");
    assert!((1..20).contains(&part), "{part}");
}

#[test]
fn signing_and_verifying_take_what_they_are_set_to() {
    let mean = |jwt: &str| {
        let sim = run(&read_with(SIGNED_IN, &[("sessions", jwt)]), 1);
        figure(&sim.results(), "by_kind.read.mean")
    };
    let near = |jwt: &str, s: f64| assert!((mean(jwt) - s).abs() < 1e-6, "{jwt}: {}", mean(jwt));
    near("Jwt(algorithm: RS256)", 0.001_030);
    near(r#"Jwt(algorithm: RS256, verify_time: Some("3ms"))"#, 0.004);
    near(r#"Jwt(verify_time: Some("0s"))"#, 0.001);
}

/// Sessions in memory die with their instance. Whoever is turned away signs in with the next operation, or at once.
#[test]
fn people_may_sign_in_as_soon_as_they_are_turned_away() {
    let run_with = |at_once: &str| {
        let changes = [
            ("sessions", "InMemory()"),
            ("nodes.clients.users", "400"),
            ("nodes.clients.sign_in_at_once", at_once),
            (
                "scenario",
                r#"[At("30s", Crash("api", 1)), At("30s", Restart("api", 1))]"#,
            ),
        ];
        run(&read_with(SIGNED_IN, &changes), 1)
    };
    let (later, at_once) = (run_with("false"), run_with("true"));
    let counts = |sim: &statescope::sim::Sim| sim.snapshot().sessions;
    assert_eq!(counts(&later).lost, counts(&at_once).lost);
    // 40 operations a second by 400 users: within 30 s most who were signed out have asked once, fewer twice.
    assert!(counts(&later).created + 20 < counts(&at_once).created);
    let refused =
        |sim: &statescope::sim::Sim| figure(&sim.results(), "operations.by_cause.unauthorized");
    assert_eq!(
        refused(&later),
        refused(&at_once),
        "each is turned away once"
    );
    assert_eq!(
        counts(&at_once).created as f64,
        refused(&at_once),
        "and signs in once"
    );
    assert_eq!(at_once.audit().faults, Vec::<String>::new());
}

/// A store that keeps 100 sessions of 400 users: whoever comes back finds theirs gone three times in four, or less where those who
/// were there last stay.
#[test]
fn a_full_store_evicts_what_was_used_longest_ago() {
    let with = |capacity: &str| {
        let sessions = format!(r#"ServerSide(store: "store", capacity: {capacity})"#);
        let changes = [
            ("nodes.store", "RedisLike()"),
            ("sessions", sessions.as_str()),
            ("nodes.clients.users", "400"),
        ];
        run(&read_with(SIGNED_IN, &changes), 1)
    };
    let roomy = with("Some(400)").snapshot().sessions;
    assert_eq!((roomy.initial, roomy.lost, roomy.live), (400, 0, 400));
    let sim = with("Some(100)");
    let counts = sim.snapshot().sessions;
    assert_eq!((counts.initial, counts.live), (100, 100));
    let evicted = figure(&sim.results(), "sessions.lost_by_cause.eviction");
    assert_eq!(evicted, counts.lost as f64);
    assert_eq!(counts.created, counts.lost, "each that comes has one go");
    // Of 2,399 reads about three quarters find nothing, and sign in the next time.
    assert!((600..1400).contains(&counts.created), "{counts:?}");
    assert_eq!(sim.audit().faults, Vec::<String>::new());
}
