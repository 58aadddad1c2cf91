//! What takes sessions away, and where that is booked, in systems whose right figures are known.

use crate::support::cases::{changed, figure, read, read_with, run};
use statescope::model::{Command, Topology};
use statescope::sim::snapshot::{SessionCounts, Snapshot, What};
use statescope::sim::{Sim, Watch};
use statescope::units::{Duration, SECOND};

fn set(path: &str, value: &str) -> Command {
    Command::Set(path.to_owned(), value.to_owned())
}

/// A thousand users, each of whom asks every 50 s on average, and is forgotten 20 s after that: at any time about
/// 1 - exp(-20/50) of them, 330, have a session, and the time of many others is over without anybody having noticed.
fn seldom() -> Topology {
    read(
        r#"Topology(schema: 1, duration: "90s", sessions: InMemory(lifetime: "20s"),
        nodes: {
            "clients": Clients(arrivals: Poisson("20/s"), signed_in: true, users: 1000, mix: (read: 1)),
            "lb": LoadBalancer(policy: StickyCookie),
            "api": Service(instances: 2, state: InMemory()),
        },
        links: ["clients -> lb", "lb -> api"],
    )"#,
    )
}

/// What sessions have come to just before a command and just after it, after a minute of `topology`.
fn around(topology: &Topology, command: &Command) -> (Snapshot, Snapshot) {
    let mut sim = Sim::new(topology, 1, Watch { live: false });
    sim.run_until(Duration(60 * SECOND));
    let before = sim.snapshot();
    sim.apply(command).unwrap();
    assert_eq!(sim.audit().faults, Vec::<String>::new());
    (before, sim.snapshot())
}

fn migrated(after: &Snapshot) -> Vec<(u64, u64, u64)> {
    let of = |what: &What| match *what {
        What::Migrated {
            kept,
            moved,
            dropped,
            ..
        } => Some((kept, moved, dropped)),
        _ => None,
    };
    after
        .happenings
        .iter()
        .filter_map(|h| of(&h.what))
        .collect()
}

#[test]
fn a_crash_takes_only_sessions_that_live() {
    let (before, after) = around(&seldom(), &Command::Crash("api".to_owned(), 1));
    let there = before.nodes[2].instances[0].sessions;
    assert!((270..390).contains(&before.sessions.live), "{before:?}");
    assert!(there > 0 && there < before.sessions.live);
    let expected = SessionCounts {
        live: before.sessions.live - there,
        lost: there,
        ..before.sessions
    };
    assert_eq!(after.sessions, expected);
    assert_eq!(after.faults[0].lost_sessions, there);
}

#[test]
fn a_new_signing_key_takes_only_tokens_that_live() {
    let tokens = changed(
        seldom(),
        &[("sessions", r#"Jwt(lifetime: "20s", refresh: None)"#)],
    );
    let (before, after) = around(&tokens, &Command::ReplaceSigningKey);
    let expected = SessionCounts {
        live: 0,
        lost: before.sessions.live,
        ..before.sessions
    };
    assert!(before.sessions.live > 100 && before.sessions.expired > 1000);
    assert_eq!(after.sessions, expected);
    assert_eq!(after.faults[0].lost_sessions, before.sessions.live);
}

#[test]
fn what_has_expired_does_not_move() {
    let (before, after) = around(&seldom(), &set("sessions", r#"Jwt(lifetime: "20s")"#));
    let live = before.sessions.live;
    assert_eq!(migrated(&after), [(0, live, 0)]);
    let token_bytes = after.sessions.token_bytes;
    let expected = SessionCounts {
        token_bytes,
        ..before.sessions
    };
    assert_eq!(after.sessions, expected);
    let (before, after) = around(&seldom(), &set("sessions", "None"));
    let live = before.sessions.live;
    assert_eq!(migrated(&after), [(0, 0, live)]);
    let expected = SessionCounts {
        live: 0,
        lost: live,
        ..before.sessions
    };
    assert_eq!(after.sessions, expected);
}

/// The only user asks at 10 s; the request comes at 20 s, and the session was over at 15 s.
#[test]
fn a_session_that_is_over_when_its_request_comes_is_not_accepted() {
    for sessions in [
        r#"InMemory(lifetime: "15s")"#,
        r#"Jwt(lifetime: "15s", refresh: None)"#,
        r#"ServerSide(store: "db", lifetime: "15s")"#,
    ] {
        for mix in ["(read: 1)", "(logout: 1)"] {
            let topology = read(&format!(
                r#"Topology(schema: 1, profile: Bare, duration: "35s", sessions: {sessions},
            nodes: {{
                "clients": Clients(arrivals: Steady("0.1/s"), signed_in: true, users: 1, mix: {mix}),
                "api": Service(instances: 1, service_time: Constant("0s"), state: External(store: "db")),
                "db": RedisLike(command_time: "0s"),
            }},
            links: [Link(path: "clients -> api", latency: "10s")],
        )"#
            ));
            let sim = run(&topology, 1);
            let expected = SessionCounts {
                initial: 1,
                expired: 1,
                token_bytes: sim.snapshot().sessions.token_bytes,
                ..SessionCounts::default()
            };
            assert_eq!(sim.snapshot().sessions, expected, "{sessions} {mix}");
            let results = sim.results();
            assert_eq!(figure(&results, "operations.by_cause.unauthorized"), 1.0);
        }
    }
}

/// Users of `a` that came later stand behind those of `b`.
#[test]
fn a_token_is_lost_at_its_own_clients() {
    let topology = read(
        r#"Topology(schema: 1, duration: "60s", sessions: Jwt(lifetime: "1h"),
        nodes: {
            "a": Clients(arrivals: Steady("100/s"), signed_in: true, users: 100, mix: (read: 1)),
            "b": Clients(arrivals: Steady("100/s"), signed_in: true, users: 100, mix: (read: 1)),
            "api": Service(instances: 1),
        },
        links: ["a -> api", "b -> api"],
        scenario: [At("1s", Set("nodes.a.users", "200")), At("50s", ReplaceSigningKey)],
    )"#,
    );
    let mut sim = Sim::new(&topology, 1, Watch { live: false });
    sim.run_until(Duration(50 * SECOND - 1));
    // Of 4,900 requests of 200 users each has made some.
    assert_eq!(sim.snapshot().sessions.live, 300);
    sim.run_until(Duration(50 * SECOND));
    let lost = |name: &str| {
        let end = sim.snapshot();
        let node = end.nodes.iter().find(|n| n.name == name);
        node.unwrap().lost_sessions
    };
    assert_eq!((lost("a"), lost("b")), (200, 100));
}

/// A hundred sessions leave a store, which then crashes more often than losses are remembered without a thought: that
/// they were lost there is not forgotten as long as they may return.
#[test]
fn sessions_do_not_return_to_where_they_were_lost() {
    let topology = read(
        r#"Topology(schema: 1, profile: Bare, duration: "5s", sessions: ServerSide(store: "db"),
        nodes: {
            "clients": Clients(arrivals: Steady("1000/s"), signed_in: true, users: 100, mix: (write: 1)),
            "api": Service(instances: 1, workers: 100, service_time: Constant("0s"), state: External(store: "db")),
            "db": RedisLike(command_time: "0s", persistence: None, boot_time: "0s"),
        },
        links: ["clients -> api"],
    )"#,
    );
    for crashes in [0u64, 1, 80] {
        let mut sim = Sim::new(&topology, 1, Watch { live: false });
        sim.run_until(Duration(SECOND));
        sim.apply(&set("sessions", "Jwt()")).unwrap();
        for crash in 1..=crashes {
            sim.run_until(Duration(SECOND + crash * SECOND / 100));
            sim.apply(&Command::Crash("db".to_owned(), 1)).unwrap();
            sim.apply(&Command::Restart("db".to_owned(), 1)).unwrap();
        }
        sim.run_until(Duration(2 * SECOND - SECOND / 10));
        sim.apply(&set("sessions", r#"ServerSide(store: "db")"#))
            .unwrap();
        let back = if crashes == 0 {
            (100, 0, 0)
        } else {
            (0, 100, 0)
        };
        let last = migrated(&sim.snapshot()).pop();
        assert_eq!(last, Some(back), "{crashes} crashes");
    }
}

/// A login that is under way when the strategy changes gives a session that is kept where the others are.
#[test]
fn a_login_under_way_follows_a_change_of_strategy() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "30s", sessions: ServerSide(store: "store"),
        nodes: {
            "clients": Clients(arrivals: Steady("50/s"), users: 2000, mix: (read: 1, login: 1), timeout: None),
            "lb": LoadBalancer(policy: StickyCookie),
            "api": Service(instances: 2, workers: 1000, service_time: Constant("0s"), login_time: "0s", call_timeout: None),
            "store": RedisLike(command_time: "0s", persistence: None),
        },
        links: ["clients -> lb", "lb -> api", (path: "api -> store", latency: "1s")])"#;
    for strategy in ["InMemory()", "Jwt()"] {
        let scenario = format!(r#"[At("10005ms", Set("sessions", "{strategy}"))]"#);
        let end = run(&read_with(text, &[("scenario", scenario.as_str())]), 1).snapshot();
        assert!(end.sessions.created > 500, "{:?}", end.sessions);
        assert_eq!(end.sessions.lost, 0, "{strategy}: {:?}", end.sessions);
    }
}

/// Whom a retry has led away from the instance that then got its session is lost through what made the retry needed.
#[test]
fn every_session_that_a_crash_leads_astray_is_its_own() {
    let text = include_str!("../../presets/sticky-in-memory.ron");
    let scenario = r#"[At("17s", Crash("api", 2))]"#;
    let changes = [("scenario", scenario), ("duration", "\"40s\"")];
    let mut astray = 0;
    for seed in 1..=5 {
        let end = run(&read_with(text, &changes), seed).snapshot();
        assert_eq!(
            end.faults[0].lost_sessions, end.sessions.lost,
            "seed {seed}"
        );
        astray += end.sessions.lost.saturating_sub(512);
    }
    assert!(astray > 0);
}

/// An instance that hung is out of rotation until its checks have passed again: whom that leads astray the hang has cost.
#[test]
fn who_is_led_away_after_a_hang_is_lost_through_it() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s", sessions: InMemory(),
        nodes: {
            "clients": Clients(arrivals: Steady("50/s"), users: 200, signed_in: true, mix: (read: 1), timeout: "500ms"),
            "lb": LoadBalancer(policy: StickyCookie, health_checks: (interval: "1s", timeout: "100ms", fall: 1, rise: 10)),
            "api": Service(instances: 2, workers: 100, service_time: Constant("0s"), login_time: "0s"),
        },
        links: ["clients -> lb", "lb -> api"],
        scenario: [At("20s", Hang("api", 1)), At("25s", Resume("api", 1))])"#;
    let end = run(&read_with(text, &[]), 1).snapshot();
    assert!(end.sessions.lost > 80, "{:?}", end.sessions);
    assert_eq!(end.faults[0].lost_sessions, end.sessions.lost);
}
