//! Revoked credentials: how long they are accepted, by whom, and what happens to their users.

use crate::support::cases::{figure, read_with, run, until};

/// Twenty users who are signed in, in front of three instances; every read is a thief's once there is something to steal.
const TOKENS: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    sessions: Jwt(lifetime: "20s", refresh: None),
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (read: 1), users: 20, signed_in: true, revocations: "1/s", stolen: "50%"),
        "lb": LoadBalancer(),
        "api": Service(instances: 3, workers: 100, service_time: Constant("1ms"), boot_time: "1s"),
        "list": RedisLike(command_time: "10us", boot_time: "1s"),
    },
    links: ["clients -> lb", "lb -> api"])"#;

fn revocation(how: &str) -> (&'static str, String) {
    let jwt = format!(r#"Jwt(lifetime: "20s", refresh: None, revocation: {how})"#);
    ("sessions", jwt)
}

/// Exposure, requests that were let in, and requests that were turned away.
fn exposed(sessions: &(&str, String), changes: &[(&str, &str)]) -> (f64, f64, f64) {
    let mut all = vec![(sessions.0, sessions.1.as_str())];
    all.extend(changes);
    let sim = run(&read_with(TOKENS, &all), 1);
    let results = sim.results();
    let counts = sim.snapshot().sessions;
    assert!(counts.revoked > 30, "{counts:?}");
    let ended = counts.expired + counts.logged_out + counts.revoked + counts.lost;
    assert_eq!(counts.initial + counts.created, counts.live + ended);
    assert_eq!(counts.lost, 0, "who is revoked is not lost");
    assert_eq!(sim.audit().faults, Vec::<String>::new());
    let refused = sim.snapshot().operations.by_cause;
    (
        figure(&results, "sessions.exposure_s"),
        figure(&results, "sessions.revoked_accepted"),
        refused.iter().sum::<u64>() as f64,
    )
}

#[test]
fn what_nobody_checks_is_good_until_it_expires() {
    let (exposure, accepted, refused) = exposed(&revocation("Nothing"), &[]);
    // Half of its 20 s, for whatever age it had.
    assert!((5.0..15.0).contains(&exposure), "{exposure}");
    assert!(accepted > 2000.0, "{accepted}");
    assert_eq!(refused, 0.0);
}

#[test]
fn a_list_ends_exposure_with_the_next_poll_and_what_it_is_late() {
    let list = |rest: &str| revocation(&format!(r#"Denylist(store: "list", {rest})"#));
    // Uniform from 0 to the time between two polls, over more than 100 pairs of a revocation and an instance.
    let (exposure, accepted, refused) = exposed(&list(r#"poll: "2s""#), &[]);
    assert!((0.8..1.2).contains(&exposure), "{exposure}");
    assert!(refused > 0.0 && accepted > 0.0);
    let (late, let_in, _) = exposed(&list(r#"poll: "2s", delay: "3s""#), &[]);
    assert!((3.7..4.3).contains(&late), "{late}");
    assert!(let_in > accepted);
    let (quick, let_in, _) = exposed(&list(r#"poll: "10ms""#), &[]);
    assert!((0.0..0.02).contains(&quick), "{quick}");
    assert!(let_in < 20.0, "{let_in}");
}

#[test]
fn who_cannot_fetch_the_list_uses_its_last_copy() {
    let list = revocation(r#"Denylist(store: "list", poll: "500ms")"#);
    let calm = exposed(&list, &[]);
    for fault in [
        r#"[At("10s", Crash("list", 1)), At("40s", Restart("list", 1))]"#,
        r#"[At("10s", Cut("api.1 -> list")), At("40s", Heal("api.1 -> list"))]"#,
        r#"[At("10s", Cut("api -> list")), At("40s", Heal("api -> list"))]"#,
    ] {
        let cut = exposed(&list, &[("scenario", fault)]);
        assert!(cut.0 > 2.0 * calm.0 && cut.1 > 2.0 * calm.1, "{fault}");
    }
    // An instance that boots meanwhile has no copy at all.
    let reboot = r#"[At("25s", Cut("api -> list")), At("26s", Crash("api", 1)), At("27s", Restart("api", 1))]"#;
    let no_copy = exposed(&list, &[("scenario", reboot)]);
    let copy = exposed(&list, &[("scenario", r#"[At("25s", Cut("api -> list"))]"#)]);
    assert!(no_copy.1 > copy.1, "{no_copy:?} {copy:?}");
}

#[test]
fn whoever_asks_with_each_request_is_not_exposed_and_fails_without_an_answer() {
    let asks = revocation(r#"Introspection(store: "list")"#);
    let (exposure, accepted, _) = exposed(&asks, &[]);
    assert_eq!((exposure, accepted), (0.0, 0.0));
    let asked = read_with(
        TOKENS,
        &[
            ("sessions", &asks.1),
            ("nodes.clients.stolen", "\"0%\""),
            (
                "scenario",
                r#"[At("10s", Crash("list", 1)), At("20s", Restart("list", 1))]"#,
            ),
        ],
    );
    let sim = run(&asked, 1);
    let down = figure(&sim.results(), "operations.by_cause.store_unavailable");
    // 1,100 requests come while it is down, or restarts.
    assert!((1090.0..1110.0).contains(&down), "{down}");
    let counts = sim.snapshot().sessions;
    assert_eq!(counts.lost, 0, "sessions live");
}

#[test]
fn sessions_that_are_kept_end_at_once_but_for_what_is_remembered() {
    for sessions in [r#"ServerSide(store: "list")"#, "InMemory()"] {
        let policy = ("nodes.lb.policy", "StickyCookie");
        let all = exposed(&("sessions", sessions.to_owned()), &[policy]);
        assert_eq!((all.0, all.1), (0.0, 0.0), "{sessions}");
    }
    let cached = r#"ServerSide(store: "list", cache: Some("2s"))"#;
    let (exposure, accepted, _) = exposed(&("sessions", cached.to_owned()), &[]);
    // Each of twenty users is seen by each instance about once in 1.2 s; what was looked up is believed for two.
    assert!((0.3..1.2).contains(&exposure), "{exposure}");
    assert!(accepted > 0.0);
}

/// With what it remembers an instance answers while the store is down.
#[test]
fn what_is_remembered_needs_no_store_for_a_while() {
    let failed = |cache: &str| {
        let sessions = format!(r#"ServerSide(store: "list", cache: {cache})"#);
        let changes = [
            ("sessions", sessions.as_str()),
            ("nodes.clients.revocations", "\"0/s\""),
            ("nodes.clients.stolen", "\"0%\""),
            ("nodes.list.persistence", "AppendOnly(Always)"),
            (
                "scenario",
                r#"[At("30s", Crash("list", 1)), At("32s", Restart("list", 1))]"#,
            ),
        ];
        let sim = run(&read_with(TOKENS, &changes), 1);
        assert_eq!(sim.snapshot().sessions.lost, 0);
        figure(&sim.results(), "operations.failed")
    };
    let (asking, remembering) = (failed("None"), failed("Some(\"5s\")"));
    assert!((290.0..310.0).contains(&asking), "{asking}");
    assert!(remembering < 0.8 * asking, "{remembering} of {asking}");
}

#[test]
fn logging_out_revokes_but_is_no_revocation() {
    let changes = [
        ("nodes.clients.revocations", "\"0/s\""),
        ("nodes.clients.mix", "(read: 9, logout: 1)"),
        ("sessions.lifetime", "\"1000s\""),
    ];
    let sim = run(&read_with(TOKENS, &changes), 1);
    let (counts, results) = (sim.snapshot().sessions, sim.results());
    assert!(counts.logged_out > 100, "{counts:?}");
    assert_eq!(counts.revoked, 0);
    assert!(figure(&results, "sessions.revoked_accepted") > 1000.0);
    assert!(figure(&results, "sessions.exposure_s") > 900.0);
}

#[test]
fn a_new_key_and_another_strategy_end_what_was_stolen() {
    for end in [
        "ReplaceSigningKey",
        r#"Set("sessions", "ServerSide(store: \"list\")")"#,
        r#"Set("sessions.revocation", "Introspection(store: \"list\")")"#,
    ] {
        let scenario =
            format!(r#"[At("10s", Set("nodes.clients.revocations", "0/s")), At("10s", {end})]"#);
        let topology = read_with(TOKENS, &[("scenario", &scenario)]);
        let before = until(&topology, 1, 9_999).snapshot().sessions;
        let after = run(&topology, 1).snapshot().sessions;
        assert!(before.revoked_accepted > 100);
        assert!(
            after.revoked_accepted < before.revoked_accepted + 5,
            "{end}"
        );
    }
}

/// Who is revoked signs in again, and the mechanism draws nothing that others do.
#[test]
fn revocations_leave_the_draws_of_operations_alone() {
    let changes = [
        ("nodes.clients.stolen", "\"0%\""),
        ("sessions.lifetime", "\"1000s\""),
    ];
    let none = [
        changes[0],
        changes[1],
        ("nodes.clients.revocations", "\"0/s\""),
    ];
    let (with, without) = (
        run(&read_with(TOKENS, &changes), 1).results(),
        run(&read_with(TOKENS, &none), 1).results(),
    );
    let reads = |r| figure(r, "reads.total");
    assert_eq!(reads(&with), reads(&without));
    assert!(figure(&with, "sessions.created") > 30.0);
    assert_eq!(figure(&without, "sessions.created"), 0.0);
}
