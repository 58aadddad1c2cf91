//! State and sessions that are to go where nobody is, and edits that are undone before they have changed anything.

use crate::support::cases::{changed, run};
use statescope::model::file;
use statescope::sim::Sim;

/// 2,000 writes to a thousand keys of 1 MiB: 865 of them are there after 20 s, and take 8.65 s to copy.
const MOVE: &str = r#"Topology(schema: 1, profile: Bare, duration: "80s",
    nodes: {
        "w": Clients(arrivals: Steady("100/s"), mix: (write: 1), keys: 1000, popularity: Uniform, value_size: "1MiB", timeout: "500ms"),
        "api": Service(instances: 1, workers: 100, service_time: Constant("1ms"), state: InMemory()),
        "r": RedisLike(persistence: None),
    },
    links: ["w -> api", "api -> r"])"#;

fn of(text: &str, changes: &[(&str, &str)]) -> Sim {
    run(&changed(file::read(text, "moves").unwrap(), changes), 1)
}

/// What was written before the move is where it was until all of it is where it goes. So it is lost with the one that it
/// leaves, and the second of writes that went to the other already with that: 2,100.
#[test]
fn nothing_is_copied_to_a_place_that_is_dead() {
    let lost = |changes: &[(&str, &str)]| of(MOVE, changes).snapshot().writes.lost;
    let to_redis =
        r#"At("20s", Set("nodes.api.state", "External(store: \"r\")")), At("21s", Crash("r", 1))"#;
    let to_memory =
        r#"At("20s", Set("nodes.api.state", "InMemory()")), At("21s", Crash("api", 1))"#;
    let dead_api =
        r#"At("40s", Crash("api", 1)), At("40s", Restart("api", 1)), At("50s", Restart("r", 1))"#;
    let dead_redis =
        r#"At("40s", Crash("r", 1)), At("40s", Restart("r", 1)), At("50s", Restart("api", 1))"#;
    let in_redis = ("nodes.api.state", r#"External(store: "r")"#);
    // Back before the copying was to be over, it has forgotten what it had got, and is copied to from then on.
    let soon =
        r#"At("22s", Restart("r", 1)), At("30s", Crash("api", 1)), At("30s", Restart("api", 1))"#;
    let hangs = r#"At("20s", Hang("r", 1)), At("20s", Set("nodes.api.state", "External(store: \"r\")")),
        At("40s", Crash("api", 1)), At("40s", Restart("api", 1)), At("50s", Resume("r", 1))"#;
    for (changes, expected) in [
        (
            &[("scenario", format!("[{to_redis}, {dead_api}]"))][..],
            2_100,
        ),
        (&[("scenario", format!("[{to_redis}, {soon}]"))], 2_100),
        (&[("scenario", format!("[{hangs}]"))], 2_000),
        (
            &[
                (in_redis.0, in_redis.1.to_owned()),
                ("scenario", format!("[{to_memory}, {dead_redis}]")),
            ],
            2_100,
        ),
    ] {
        let changes: Vec<(&str, &str)> = changes.iter().map(|(p, v)| (*p, v.as_str())).collect();
        let lost = lost(&changes);
        assert!(lost.abs_diff(expected) <= 2, "{changes:?}: {lost}");
    }
    // Left alone long enough, all of it is copied in the end: what went to Redis before it died is lost.
    let late =
        r#"At("22s", Restart("r", 1)), At("45s", Crash("api", 1)), At("45s", Restart("api", 1))"#;
    let lost = lost(&[("scenario", &format!("[{to_redis}, {late}]"))]);
    assert!(lost.abs_diff(100) <= 2, "{lost}");
}

const SESSIONS: &str = r#"Topology(schema: 1, profile: Bare, duration: "80s", sessions: InMemory(),
    nodes: {
        "w": Clients(arrivals: Steady("10/s"), mix: (read: 1), users: 1000, signed_in: true, timeout: "500ms"),
        "api": Service(instances: 1, workers: 100, service_time: Constant("1ms")),
        "r": RedisLike(persistence: None),
    },
    links: ["w -> api", "api -> r"])"#;

/// Sessions stay where they are until where they go is there, and until they have been copied, a second at least.
#[test]
fn no_session_goes_to_a_place_that_is_dead() {
    let sessions = |changes: &[(&str, &str)]| of(SESSIONS, changes).snapshot().sessions;
    let store = r#"Set("sessions", "ServerSide(store: \"r\")")"#;
    // Both that they were in and that they were to go to have forgotten them.
    let dead = format!(
        r#"[At("10s", Crash("r", 1)), At("20s", {store}), At("25s", Crash("api", 1)), At("25s", Restart("api", 1)), At("30s", Restart("r", 1))]"#
    );
    assert_eq!(sessions(&[("scenario", &dead)]).lost, 1_000);
    // Dead within that second, it takes none of them with it; and then they go to it once more, and not back.
    let dies = format!(
        r#"[At("20s", {store}), At("20.5s", Crash("r", 1)), At("30s", Restart("r", 1)), At("40s", Crash("api", 1)), At("40s", Restart("api", 1))]"#
    );
    let kept = sessions(&[("scenario", &dies)]);
    assert_eq!((kept.lost, kept.live), (0, 1_000));
    // Undone while it was dead: as if nothing had been.
    let undone = format!(
        r#"[At("10s", Crash("r", 1)), At("20s", {store}), At("30s", Set("sessions", "InMemory()")), At("40s", Restart("r", 1)), At("50s", Crash("r", 1))]"#
    );
    assert_eq!(sessions(&[("scenario", &undone)]).lost, 0);
    // The other way round: they wait in the store for an instance that serves.
    let to_memory = r#"[At("10s", Crash("api", 1)), At("20s", Set("sessions", "InMemory()")), At("30s", Restart("api", 1)),
        At("40s", Crash("r", 1))]"#;
    let in_store = ("sessions", r#"ServerSide(store: "r")"#);
    let kept = sessions(&[in_store, ("scenario", to_memory)]);
    assert_eq!((kept.lost, kept.live), (0, 1_000));
}

/// An edit that is undone at once has changed nothing: what is on disk and in snapshots is there.
#[test]
fn an_edit_undone_at_once_leaves_what_is_on_disk() {
    let api = r#"Topology(schema: 1, profile: Bare, duration: "60s",
        nodes: {
            "w": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: "500ms"),
            "api": Service(instances: 1, workers: 100, service_time: Constant("1ms"), state: InMemory(snapshot_every: "7s")),
        },
        links: ["w -> api"])"#;
    let redis = r#"Topology(schema: 1, profile: Bare, duration: "60s",
        nodes: {
            "w": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: "500ms"),
            "db": RedisLike(persistence: AppendOnly(EverySecond), replication: None, down_after: "1s", promotion_time: "0s"),
        },
        links: ["w -> db"])"#;
    let copied = (
        "nodes.db.replication",
        r#"Asynchronous(replicas: 1, lag: "10ms")"#,
    );
    let without = r#"Set("nodes.db.persistence", "None")"#;
    let always = r#"Set("nodes.db.persistence", "AppendOnly(Always)")"#;
    let back = r#"Set("nodes.db.persistence", "AppendOnly(EverySecond)")"#;
    let none = r#"Set("nodes.api.state.snapshot_every", "None")"#;
    let again = r#"Set("nodes.api.state.snapshot_every", "\"7s\"")"#;
    let lost_db = r#"At("20.5s", LoseMachine("db", 1)), At("23s", Restart("db", 1))"#;
    let both_lost = r#"At("20.5s", LoseMachine("db", 1)), At("20.5s", LoseMachine("db", 2)), At("23s", Restart("db", 1))"#;
    let lost_api = r#"At("21s", LoseMachine("api", 1)), At("23s", Restart("api", 1))"#;
    for (text, change, undo, fate, more) in [
        (api, none, again, lost_api, None),
        (redis, without, back, lost_db, None),
        (redis, without, back, both_lost, Some(copied)),
        (redis, always, back, both_lost, Some(copied)),
    ] {
        let lost = |scenario: String| {
            let changes: Vec<(&str, &str)> = more
                .into_iter()
                .chain([("scenario", scenario.as_str())])
                .collect();
            let writes = of(text, &changes).snapshot().writes;
            assert_eq!(writes.acknowledged, writes.held + writes.lost);
            writes.lost
        };
        let edited = lost(format!(
            r#"[At("20.3s", {change}), At("20.301s", {undo}), {fate}]"#
        ));
        let untouched = lost(format!("[{fate}]"));
        assert!(untouched > 0 && untouched < 700);
        // An fsync that is made meanwhile may be there, too.
        assert!(edited <= untouched, "{change}: {edited}, {untouched}");
        assert!(
            change == always || edited == untouched,
            "{change}: {edited}, {untouched}"
        );
    }
}

/// Without snapshots for a while, and then with them again, the last one is still there: memory stays as small.
#[test]
fn an_old_snapshot_is_found_again_and_costs_no_memory() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "400s",
        nodes: {
            "w": Clients(arrivals: Steady("500/s"), mix: (write: 1), keys: 50, popularity: Uniform),
            "lb": LoadBalancer(),
            "api": Service(instances: 2, workers: 100, service_time: Constant("1ms"),
                state: InMemory(snapshot_every: "7s", replication: Asynchronous(replicas: 1, lag: "10ms"))),
        },
        links: ["w -> lb", "lb -> api"],
        scenario: [At("20s", Set("nodes.api.state.snapshot_every", "None"))])"#;
    let sim = of(text, &[]);
    let without = of(
        text,
        &[
            ("scenario", "[]"),
            ("nodes.api.state.snapshot_every", "None"),
        ],
    );
    assert!(
        sim.size() < without.size() + without.size() / 2,
        "{} and {}",
        sim.size(),
        without.size()
    );
    // Both instances' machines at once, a moment after snapshots are on again: what the old ones lack is lost, and no more.
    let lost = of(
        text,
        &[(
            "scenario",
            r#"[At("50s", Set("nodes.api.state.snapshot_every", "None")), At("60s", Set("nodes.api.state.snapshot_every", "\"7s\"")),
                At("60s", LoseMachine("api", 1)), At("60s", LoseMachine("api", 2)), At("61s", Restart("api", 1)), At("61s", Restart("api", 2))]"#,
        )],
    )
    .snapshot()
    .writes
    .lost;
    assert!((5_000..=8_600).contains(&lost), "{lost}");
}
