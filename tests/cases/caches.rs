//! Caches in a service: what they answer, what they forget, and how old it is.

use crate::support::cases::{figure, read_with, run, until};
use statescope::model::Command;
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

const MS: u64 = 1_000_000;

/// A cache before a store; nothing takes any time.
const BASE: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "clients": Clients(arrivals: Steady("20/s"), mix: (read: 1), keys: 1),
        "api": Service(service_time: Constant("0s"), state: External(store: "store"), cache: (ttl: None)),
        "store": RedisLike(command_time: "0s", persistence: None),
        "writers": Clients(arrivals: Poisson("0.5/s"), mix: (write: 1), keys: 1),
    },
    links: ["clients -> api", "writers -> store"])"#;

fn of(changes: &[(&str, &str)]) -> impl Fn(&str) -> f64 + use<> {
    let results = run(&read_with(BASE, changes), 1).results();
    move |path| figure(&results, path)
}

#[test]
fn a_cache_asks_once_for_what_it_keeps_and_is_cold_after_a_start() {
    let of_cache = |scenario: &str| {
        let figure = of(&[
            ("scenario", scenario),
            ("nodes.clients.arrivals", r#"Steady("10/s")"#),
        ]);
        [
            figure("nodes.api.cache.misses"),
            figure("nodes.api.cache.hits") + figure("nodes.api.cache.misses"),
        ]
    };
    assert_eq!(of_cache("[]"), [1.0, 600.0]);
    let down = r#"[At("20.05s", Crash("api", 1)), At("30.05s", Restart("api", 1))]"#;
    assert_eq!(of_cache(down), [2.0, 500.0]);
    // A process that hung has what it had.
    let hung = r#"[At("20.05s", Hang("api", 1)), At("21.05s", Resume("api", 1))]"#;
    assert_eq!(of_cache(hung)[0], 1.0);
    for stop in ["Drained", "Abrupt"] {
        assert_eq!(
            of_cache(&format!(r#"[At("20.05s", Deploy("api", {stop}))]"#))[0],
            2.0
        );
    }
    let off = r#"[At("20.05s", Set("nodes.api.cache.capacity", "1")), At("30.05s", Set("nodes.api.cache.ttl", "1s"))]"#;
    // An entry keeps the time it was given when it was fetched.
    assert_eq!(of_cache(off)[0], 1.0);
}

#[test]
fn entries_live_as_long_as_they_may_from_when_they_were_fetched() {
    // Asked for every 50 ms from 50 ms on: fetched at 0.05, 1.05, ..., 59.05 s.
    let figure = of(&[("nodes.api.cache.ttl", "1s")]);
    assert_eq!(figure("nodes.api.cache.misses"), 60.0);
    assert_eq!(figure("nodes.api.cache.hit_ratio"), 1140.0 / 1200.0);
    // As many as there are keys fit, and each is fetched once; with one less some are fetched again.
    let keys = ("nodes.clients.keys", "10");
    let fits = of(&[keys, ("nodes.api.cache.capacity", "10")]);
    let fetched = [
        fits("nodes.api.cache.misses"),
        fits("nodes.api.cache.evictions"),
    ];
    assert_eq!(fetched, [10.0, 0.0]);
    let uniform = ("nodes.clients.popularity", "Uniform");
    let tight = of(&[keys, uniform, ("nodes.api.cache.capacity", "9")]);
    let misses = tight("nodes.api.cache.misses");
    assert!(misses > 100.0);
    assert_eq!(tight("nodes.api.cache.evictions"), misses - 9.0);
}

/// 50 users ask for one cold entry at the same instant.
#[test]
fn a_stampede_fetches_once_where_misses_are_coalesced() {
    let asks = |coalesce: &str| {
        let topology = read_with(
            BASE,
            &[
                (
                    "nodes.clients.arrivals",
                    r#"Closed(users: 50, think: Constant("1s"))"#,
                ),
                ("nodes.api.workers", "50"),
                ("nodes.api.io", "Blocking"),
                ("nodes.store", r#"SqlDatabase(read_time: "100ms")"#),
                ("nodes.api.cache.coalesce", coalesce),
            ],
        );
        let sim = until(&topology, 1, 1_500);
        assert_eq!(sim.audit().faults, Vec::<String>::new());
        let snapshot = sim.snapshot();
        assert_eq!(snapshot.operations.completed, 50);
        let store = snapshot.nodes.iter().find(|n| n.name == "store");
        let figures = sim.results();
        (
            store.unwrap().completed,
            figure(&figures, "nodes.api.cache.coalesced"),
        )
    };
    assert_eq!(asks("false"), (50, 0.0));
    assert_eq!(asks("true"), (1, 49.0));
}

/// Whoever waits for the fetch of another shares how that ends; where that vanishes, the next one fetches.
#[test]
fn who_waits_for_a_fetch_is_never_left_waiting() {
    let busy = &[
        ("nodes.clients.arrivals", r#"Poisson("100/s")"#),
        ("nodes.clients.keys", "3"),
        ("nodes.clients.timeout", "120ms"),
        ("nodes.api.instances", "2"),
        ("nodes.api.workers", "20"),
        ("nodes.api.call_timeout", "150ms"),
        (
            "nodes.store",
            r#"SqlDatabase(read_time: "100ms", boot_time: "0s")"#,
        ),
        (
            "nodes.api.cache",
            r#"(kind: ReadThrough, ttl: "50ms", coalesce: true)"#,
        ),
    ];
    for cancel in ["true", "false"] {
        for io in ["Blocking", "Asynchronous"] {
            let mut topology = read_with(BASE, busy);
            topology.set_path("nodes.clients.cancel", cancel).unwrap();
            topology.set_path("nodes.api.io", io).unwrap();
            let mut sim = Sim::new(&topology, 1, Watch { live: false });
            let set = |path: &str, value: &str| Command::Set(path.to_owned(), value.to_owned());
            let store = || "store".to_owned();
            let api = || "api".to_owned();
            for (at, command) in [
                (1_003, Command::Hang(store(), 1)),
                (1_800, Command::Resume(store(), 1)),
                (2_110, Command::Crash(store(), 1)),
                (2_500, Command::Restart(store(), 1)),
                (3_030, Command::LoseMachine(store(), 1)),
                (3_900, Command::Restart(store(), 1)),
                (4_010, Command::Hang(api(), 1)),
                (4_700, Command::Resume(api(), 1)),
                (5_020, set("nodes.api.cache", "None")),
                (
                    5_500,
                    set("nodes.api.cache", "(coalesce: true, ttl: \"20ms\")"),
                ),
                (6_020, set("nodes.api.cache.coalesce", "false")),
                (6_220, set("nodes.api.cache.coalesce", "true")),
                (6_520, set("nodes.api.call_timeout", "None")),
                (7_020, Command::Crash(api(), 2)),
                (7_030, Command::LoseMachine(store(), 1)),
            ] {
                while !sim.run_some(Duration(at * MS), 1) {
                    let faults = sim.audit().faults;
                    assert!(faults.is_empty(), "{cancel} {io} {}: {faults:?}", sim.now());
                }
                sim.apply(&command).unwrap();
                let faults = sim.audit().faults;
                assert!(faults.is_empty(), "{cancel} {io} {command:?}: {faults:?}");
            }
        }
    }
}

/// What a write leaves behind in the cache of the instance that made it.
#[test]
fn what_a_service_writes_itself() {
    let mixed = [
        ("nodes.clients.mix", "(read: 1, write: 1)"),
        ("nodes.writers.arrivals", r#"Poisson("0.001/s")"#),
    ];
    let with = |kind: &str| {
        let kind = ("nodes.api.cache.kind", kind);
        let figure = of(&[mixed[0], mixed[1], kind]);
        (
            figure("reads.stale") / figure("reads.total"),
            figure("nodes.api.cache.stale_ratio"),
            figure("nodes.api.cache.hit_ratio"),
        )
    };
    // Each write deletes the entry: a read hits if the operation before was a read.
    for deletes in ["CacheAside", "ReadThrough"] {
        let (stale, _, hits) = with(deletes);
        assert_eq!(stale, 0.0, "{deletes}");
        assert!((hits - 0.5).abs() < 0.08, "{deletes}: {hits}");
    }
    let (stale, _, hits) = with("WriteThrough");
    assert!(stale == 0.0 && hits > 0.995, "{stale} {hits}");
    // Past the cache: it has for ever what it read first.
    let (stale, of_cache, hits) = with("WriteAround");
    assert!(stale > 0.98 && hits > 0.995, "{stale} {hits}");
    assert_eq!(stale, of_cache);
}

#[test]
fn an_invalidation_deletes_only_what_is_older() {
    let told_late = r#"Broadcast(delay: "1s")"#;
    let changes = [
        ("nodes.clients.mix", "(read: 1, write: 1)"),
        ("nodes.writers.arrivals", r#"Poisson("0.001/s")"#),
        ("nodes.api.cache.kind", "WriteThrough"),
        ("nodes.api.cache.invalidation", told_late),
    ];
    let figure = of(&changes);
    assert_eq!(figure("nodes.api.cache.invalidations"), 0.0);
    assert!(figure("nodes.api.cache.hit_ratio") > 0.995);
    // Written past the cache, each is told; one that is lost is not, and what is written later makes it known.
    let past = |invalidation: &str| {
        let figure = of(&[
            ("nodes.api.cache.invalidation", invalidation),
            // Never at the instant of a read.
            ("nodes.writers.arrivals", r#"Steady("0.99/s")"#),
        ]);
        (
            figure("nodes.api.cache.invalidations"),
            figure("reads.stale"),
        )
    };
    assert_eq!(past("Broadcast(delay: \"0s\")"), (59.0, 0.0));
    assert_eq!(past("None").0, 0.0);
    // Between a write and its message lie the reads of half a second.
    let (deleted, stale) = past("Broadcast(delay: \"525ms\")");
    assert!(
        deleted == 58.0 && (590.0..=649.0).contains(&stale),
        "{deleted} {stale}"
    );
    let (deleted, stale) = past("Broadcast(delay: \"0s\", loss: \"50%\")");
    assert!(
        (15.0..45.0).contains(&deleted) && stale > 200.0,
        "{deleted} {stale}"
    );
}

/// What is cut off from the store learns nothing of writes meanwhile.
#[test]
fn a_partition_makes_caches_staler() {
    let stale = |scenario: &str| {
        let figure = of(&[
            ("nodes.api.cache.invalidation", "Broadcast()"),
            ("nodes.writers.arrivals", r#"Steady("1/s")"#),
            ("scenario", scenario),
        ]);
        figure("reads.stale")
    };
    assert!(stale("[]") <= 60.0);
    let cut = stale(r#"[At("20.5s", Cut("api -> store")), At("40.5s", Heal("api -> store"))]"#);
    assert!((380.0..=460.0).contains(&cut), "{cut}");
}

#[test]
fn a_cache_without_a_store_is_warned_of() {
    let topology = read_with(BASE, &[("nodes.api.state", "InMemory()")]);
    let problems = statescope::model::check(&topology);
    assert!(
        problems.iter().any(|p| p.path == "nodes.api.cache"),
        "{problems:?}"
    );
}

/// Writes that a cache keeps back, in two instances.
const WRITE_BACK: &[(&str, &str)] = &[
    ("nodes.clients.mix", "(write: 1)"),
    ("nodes.clients.arrivals", r#"Steady("200/s")"#),
    ("nodes.clients.keys", "50"),
    ("nodes.writers.arrivals", r#"Steady("0.001/s")"#),
    ("nodes.api.instances", "2"),
    ("nodes.api.cache.kind", r#"WriteBack(flush_every: "2s")"#),
];

fn write_back(changes: &[(&str, &str)]) -> statescope::model::Topology {
    crate::support::cases::changed(read_with(BASE, WRITE_BACK), changes)
}

/// What has been written since the last flush dies with the instance; what a graceful stop leaves is nothing.
#[test]
fn what_a_cache_keeps_back_dies_with_its_instance_unless_it_is_stopped_in_peace() {
    let lost = |scenario: &str| {
        let sim = run(&write_back(&[("scenario", scenario)]), 1);
        let results = sim.results();
        let writes = figure(&results, "writes.acknowledged");
        assert_eq!(
            writes,
            figure(&results, "writes.held") + figure(&results, "writes.lost")
        );
        figure(&results, "writes.lost")
    };
    assert_eq!(lost("[]"), 0.0);
    for fault in [
        "Crash(\"api\", 1)",
        "LoseMachine(\"api\", 1)",
        "Deploy(\"api\", Abrupt)",
    ] {
        let lost = lost(&format!("[At(\"20.05s\", {fault})]"));
        // Of the 100 or 200 writes a second of the time since the last flush, which is at most 2 s ago.
        assert!((1.0..=400.0).contains(&lost), "{fault}: {lost}");
    }
    for peace in [
        "Deploy(\"api\", Drained)",
        "RemoveInstances(\"api\", 1)",
        "Crash(\"store\", 1)",
    ] {
        let lost = lost(&format!("[At(\"20.05s\", {peace})]"));
        let all_of_the_store = 20.0 * 200.0;
        match peace {
            // Without persistence it takes along all that had been flushed, and nothing else.
            "Crash(\"store\", 1)" => assert!(
                (all_of_the_store - 800.0..all_of_the_store).contains(&lost),
                "{lost}"
            ),
            _ => assert_eq!(lost, 0.0, "{peace}"),
        }
    }
    // One that hangs has it still, until it is killed.
    assert_eq!(
        lost(r#"[At("20.05s", Hang("api", 1)), At("30s", Resume("api", 1))]"#),
        0.0
    );
    assert!(lost(r#"[At("20.05s", Hang("api", 1)), At("30s", Crash("api", 1))]"#) > 0.0);
}

/// The store gets each key once a flush, whatever was written to it meanwhile, and reads find what is kept back.
#[test]
fn a_write_back_cache_writes_each_key_once_a_flush() {
    let topology = write_back(&[
        ("nodes.clients.mix", "(read: 1, write: 1)"),
        ("nodes.clients.keys", "5"),
        ("nodes.clients.popularity", "Uniform"),
        ("nodes.api.instances", "1"),
    ]);
    let results = run(&topology, 1).results();
    // In 60 s there are 29 or 30 flushes.
    let flushed = figure(&results, "nodes.api.cache.flushed_keys");
    assert!((145.0..=150.0).contains(&flushed), "{flushed}");
    assert_eq!(figure(&results, "reads.stale"), 0.0);
    assert_eq!(
        figure(&results, "nodes.store.throughput_per_s") * 60.0,
        figure(&results, "nodes.api.cache.misses")
    );
    // A capacity that is less than what is kept back brings flushes forward, and loses nothing of it.
    let tight = crate::support::cases::changed(topology, &[("nodes.api.cache.capacity", "3")]);
    let results = run(&tight, 1).results();
    assert!(figure(&results, "nodes.api.cache.flushed_keys") > 1000.0);
    assert_eq!(figure(&results, "reads.stale"), 0.0);
    assert_eq!(figure(&results, "writes.lost"), 0.0);
}

/// While the store cannot be reached, what is kept back grows; it is flushed when the store is there again.
#[test]
fn a_flush_waits_for_the_store() {
    for (away, back) in [
        (r#"Cut("api -> store")"#, r#"Heal("api -> store")"#),
        (r#"Hang("store", 1)"#, r#"Resume("store", 1)"#),
    ] {
        let kept = |scenario: String| {
            let topology = write_back(&[("scenario", &scenario)]);
            let sim = run(&topology, 1);
            let snapshot = sim.snapshot();
            assert_eq!(
                snapshot.writes.lost + snapshot.operations.failed,
                0,
                "{away}"
            );
            let api = snapshot
                .nodes
                .into_iter()
                .find(|n| n.name == "api")
                .unwrap();
            api.only_here_writes
        };
        let all = kept(format!("[At(\"20s\", {away})]"));
        assert!((8_000..8_400).contains(&all), "{away}: {all}");
        let none = kept(format!("[At(\"20s\", {away}), At(\"40s\", {back})]"));
        assert!(none <= 400, "{away}: {none}");
    }
}

/// What is kept back follows when the cache, or the placement, changes, and nothing is lost by that.
#[test]
fn what_a_cache_keeps_back_follows_its_state() {
    for (path, value) in [
        ("nodes.api.cache", "None"),
        ("nodes.api.cache.kind", "CacheAside"),
        ("nodes.api.state", "InMemory()"),
        ("nodes.api.state", r#"External(store: "other")"#),
    ] {
        let text = BASE.replace("\"writers\"", "\"other\": RedisLike(), \"writers\"");
        let mut topology = read_with(&text, WRITE_BACK);
        topology.links.0.retain(|link| link.from != "writers");
        topology.nodes.shift_remove("writers");
        let mut sim = Sim::new(&topology, 1, Watch { live: false });
        sim.run_until(Duration(20_050 * MS));
        let before = sim.topology().clone();
        sim.apply(&Command::Set(path.to_owned(), value.to_owned()))
            .unwrap();
        sim.run_until(Duration(20_051 * MS));
        // And back, before all of it has moved.
        for command in statescope::model::difference(sim.topology(), &before) {
            sim.apply(&command).unwrap();
            assert_eq!(sim.audit().faults, Vec::<String>::new(), "{path} {value}");
        }
        sim.run_until(Duration(30_050 * MS));
        sim.apply(&Command::Set(path.to_owned(), value.to_owned()))
            .unwrap();
        sim.run_until(Duration(60_000 * MS));
        assert_eq!(sim.audit().faults, Vec::<String>::new(), "{path} {value}");
        let writes = sim.write_counts();
        assert_eq!(
            (writes.lost, writes.held),
            (0, writes.acknowledged),
            "{path} {value}"
        );
    }
}
