//! Edits and changes while the system runs; draws, time and growth: inputs that once went wrong, each with what must
//! come out.

use statescope::analysis::{Keeps, Track};
use statescope::model::{Topology, presets};
use statescope::sim::size::Holder;
use statescope::sim::{Sim, Watch};
use statescope::units::{Duration, SECOND};

fn load(text: &str) -> Topology {
    statescope::model::file::read(text, "case").unwrap()
}

fn start(topology: &Topology, seed: u64) -> Sim {
    Sim::new(topology, seed, Watch { live: false })
}

/// Memory does not grow with the length of a run, though a scenario watches for faults.
#[test]
fn memory_stays_flat_with_a_scenario() {
    let text = r#"Topology(schema: 1, duration: "3h",
        nodes: {
            "clients": Clients(arrivals: Poisson("60/s"), users: 500, keys: 500),
            "lb": LoadBalancer(policy: StickyCookie),
            "api": Service(instances: 3, state: InMemory(snapshot_every: "5s")),
        },
        links: ["clients -> lb", "lb -> api"],
        scenario: [At("60s", Crash("api", 2)), At("70s", Restart("api", 2))],
    )"#;
    let mut sim = start(&load(text), 1);
    sim.run_until(Duration(20 * 60 * SECOND));
    let early = sim.size();
    sim.run_until(Duration(3 * 3600 * SECOND));
    let late = sim.size();
    assert!(late <= early + early / 4, "{early} bytes, then {late}");
    assert_eq!(sim.clone().size(), late, "a clone counts the same");
}

/// Intervals that nobody takes are bounded, too, and one with very many answers still has its percentiles.
#[test]
fn an_interval_that_nobody_takes_is_bounded() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "100s",
        nodes: {
            "clients": Clients(arrivals: Steady("5000/s")),
            "api": Service(workers: 100, service_time: Uniform("10ms")),
        },
        links: ["clients -> api"],
    )"#;
    let mut sim = Sim::new(&load(text), 1, Watch { live: true });
    sim.run_until(Duration(60 * SECOND));
    let early = sim.size();
    sim.run_until(Duration(100 * SECOND));
    assert!(sim.size() <= early + early / 4);
    let interval = sim.take_interval();
    assert!(interval.completed > 400_000);
    let [p50, p95, p99] = interval.percentiles.unwrap();
    for (found, exact) in [(p50, 0.010), (p95, 0.019), (p99, 0.0198)] {
        assert!((found / exact - 1.0).abs() < 0.02, "{found} for {exact}");
    }
}

/// What holds the most is named, and the parts add up.
#[test]
fn a_backlog_is_named() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "30s",
        nodes: {
            "clients": Clients(arrivals: Steady("20000/s")),
            "front": Service(workers: 1000, service_time: Constant("1ms"), io: Asynchronous),
            "db": RedisLike(command_time: "1ms"),
        },
        links: ["clients -> front", "front -> db"],
    )"#;
    let mut sim = start(&load(text), 1);
    sim.run_until(Duration(10 * SECOND));
    let held = sim.held_by();
    assert_eq!(held.iter().map(|h| h.bytes).sum::<usize>(), sim.size());
    let of = |name: &str| {
        let at = Holder::Node(name.to_owned());
        held.iter().find(|h| h.holder == at).unwrap().count
    };
    // Twenty come while one is served; all of them wait, in front for the store's answer.
    for name in ["db", "front", "clients"] {
        assert!(
            (189_000..191_000).contains(&of(name)),
            "{name}: {}",
            of(name)
        );
    }
    for preset in presets::all() {
        let topology = statescope::model::load(preset.name).unwrap().topology;
        let mut sim = start(&topology, 1);
        sim.run_until(Duration(5 * SECOND));
        let sum: usize = sim.held_by().iter().map(|h| h.bytes).sum();
        assert_eq!(sum, sim.size(), "{}", preset.name);
    }
}

// Cases: each file says in its first line what must come out.

fn case(name: &str) -> Topology {
    let path = format!("{}/tests/cases/{name}.ron", env!("CARGO_MANIFEST_DIR"));
    load(&std::fs::read_to_string(path).unwrap())
}

fn run(topology: &Topology, seed: u64) -> Sim {
    let mut sim = start(topology, seed);
    sim.run_until(topology.duration);
    assert_eq!(sim.audit().faults, Vec::<String>::new());
    sim
}

/// With another setting than the file's.
fn with(topology: &Topology, path: &str, value: &str) -> Topology {
    let mut changed = topology.clone();
    changed.set_path(path, value).unwrap();
    changed
}

#[test]
fn users_that_become_more_while_people_log_in_leave_nobody_waiting() {
    for (path, value) in [
        ("seed", "1"),
        ("sessions", "InMemory()"),
        ("sessions", "Jwt()"),
        (
            "scenario",
            r#"[At("0.5s", Set("nodes.clients.users", "1000")), At("0.9s", Set("nodes.clients.users", "10")),
                At("1.5s", Set("nodes.clients.users", "5000")), At("2s", Add("more", Clients(users: 300, arrivals: Poisson("100/s")))),
                At("2s", Link("more -> api")), At("3s", Set("nodes.clients.users", "6000")), At("3.1s", Set("nodes.more.users", "6000"))]"#,
        ),
    ] {
        let sim = run(&with(&case("users-raised"), path, value), 1);
        // A hundred a second, or twice as many: each takes at most two seconds, and the login before it one.
        let in_flight = sim.snapshot().operations.in_flight;
        assert!(in_flight <= 660, "{value}: {in_flight} in flight");
        let mut later = sim.clone();
        later.run_until(Duration(60 * SECOND));
        let late = later.snapshot().operations.in_flight;
        assert!(
            late <= in_flight + 100,
            "{value}: {in_flight} in flight, then {late}"
        );
        // In memory, a request that another instance answers costs the session.
        if value != "InMemory()" {
            assert_eq!(sim.snapshot().sessions.lost, 0, "{value}");
        }
    }
}

#[test]
fn keys_of_one_population_never_become_keys_of_another() {
    let shared = case("shared-keys-grow");
    for scenario in [
        r#"[At("10s", Set("nodes.shared.keys", "1000"))]"#,
        r#"[At("10s", Set("nodes.own.users", "1000")), At("11s", Set("nodes.own.keys_per_user", "30"))]"#,
    ] {
        let sim = run(&with(&shared, "scenario", scenario), 1);
        let reads = sim.snapshot().reads;
        assert!(reads.total > 11_000);
        assert_eq!(reads.stale, 0, "{scenario}");
    }
}

#[test]
fn users_stick_behind_a_gateway() {
    let one = case("sticky-behind-gateway");
    let mut two = with(
        &one,
        "nodes.inner",
        "Service(instances: 3, service_time: Constant(\"1ms\"))",
    );
    for (path, value) in [
        (
            "links",
            r#"["clients -> outer", "outer -> gateway", "gateway -> lb2", "lb2 -> inner", "inner -> lb", "lb -> api"]"#,
        ),
        ("nodes.outer", "LoadBalancer(policy: StickyCookie)"),
        ("nodes.lb2", "LoadBalancer()"),
    ] {
        two.set_path(path, value).unwrap();
    }
    for topology in [one, two] {
        let reads = run(&topology, 1).snapshot().reads;
        assert!(reads.total > 2_800, "{reads:?}");
        assert_eq!(reads.stale, 0);
    }
}

#[test]
fn memory_follows_the_largest_number_of_users() {
    let topology = case("users-grow");
    let sim = run(&topology, 1);
    let alone = run(&with(&topology, "scenario", "[]"), 1);
    assert!(
        sim.size() < alone.size() + alone.size() / 4,
        "{} and {}",
        sim.size(),
        alone.size()
    );
}

#[test]
fn memory_follows_what_is_written() {
    let topology = case("many-keys");
    let sim = run(&topology, 1);
    assert!(sim.snapshot().writes.acknowledged > 900);
    assert!(sim.size() < 16 << 20, "{} bytes", sim.size());
    // A thousand users' worth of writes at fifty instances, snapshots and all.
    let topology = case("hot-instances");
    let sim = run(&topology, 1);
    let written = sim.snapshot().writes.acknowledged as usize;
    assert!(written > 10_000);
    assert!(sim.size() < 8 << 20, "{} bytes", sim.size());
    // With a twin beside it, and what is compared of the two.
    let crash = r#"[At("10s", Crash("api", 7)), At("12s", Restart("api", 7))]"#;
    let topology = with(&topology, "scenario", crash);
    let mut track = Track::new(&topology, 1, Keeps::SCENARIO);
    track.run_until(Duration(12 * SECOND));
    assert!(track.size() > sim.size(), "there is no twin");
    assert!(track.size() < 16 << 20, "{} bytes", track.size());
}

#[test]
fn a_toggle_leaves_no_call_that_waits_for_an_fsync_behind() {
    let file = case("toggle-leaks-connections");
    let redis = with(
        &file,
        "nodes.db",
        "RedisLike(persistence: AppendOnly(Always), fsync_time: \"100ms\")",
    );
    let memory = with(
        &file,
        "scenario",
        r#"[At("10s", Set("nodes.api.state", "InMemory()")), At("10s", Unlink("api -> db"))]"#,
    );
    let disk = with(
        &memory,
        "nodes.api.state",
        "LocalDisk(fsync: Always, fsync_time: \"100ms\")",
    );
    let gone = with(
        &disk,
        "scenario",
        r#"[At("10s", Set("nodes.api.state", "Stateless")), At("10s", Unlink("api -> db")), At("10s", Unlink("api -> other"))]"#,
    );
    for topology in [file, redis, memory, disk, gone] {
        let mut sim = start(&topology, 1);
        sim.run_until(Duration(11 * SECOND));
        assert_eq!(sim.audit().faults, Vec::<String>::new());
        let db = sim
            .snapshot()
            .nodes
            .into_iter()
            .find(|n| n.name == "db")
            .unwrap();
        assert_eq!(db.in_flight, 0, "{:?}", topology.scenario);
        sim.run_until(topology.duration);
        assert!(sim.snapshot().operations.in_flight < 60);
        assert_eq!(sim.audit().faults, Vec::<String>::new());
    }
}

#[test]
fn a_balancer_that_comes_later_knows_only_instances_that_exist() {
    let topology = case("balancer-after-scale-in");
    let sim = run(&topology, 1);
    let operations = sim.snapshot().operations;
    assert_eq!(operations.failed, 0, "{operations:?}");
    assert!(operations.completed > 3_800);
}

#[test]
fn a_removed_node_never_starts_again() {
    use statescope::sim::snapshot::What;
    let file = case("removed-while-draining");
    for scenario in [
        r#"[At("10s", Deploy("api", Drained)), At("10.5s", Remove("api"))]"#,
        r#"[At("10s", Crash("api", 1)), At("10.2s", Restart("api", 1)), At("10.5s", Remove("api"))]"#,
        r#"[At("10s", Set("nodes.api.restart_after", "Some(\"2s\")")), At("10.2s", Crash("api", 1)), At("10.5s", Remove("api"))]"#,
        r#"[At("10s", Set("nodes.api.deployment.max_surge", "100%")), At("10.2s", Deploy("api", Abrupt)), At("10.5s", Remove("api"))]"#,
        r#"[At("10s", RemoveInstances("api", 1)), At("10.5s", Remove("api"))]"#,
        r#"[At("10s", Hang("api", 2)), At("10.2s", Deploy("api", Drained)), At("10.5s", Remove("api"))]"#,
        r#"[At("10s", AddInstances("api", 3)), At("10.5s", Remove("api")), At("10.6s", Add("api", Service(boot_time: "1h")))]"#,
    ] {
        let mut sim = start(&with(&file, "scenario", scenario), 1);
        sim.run_until(Duration(10_600_000_000));
        let before = sim.snapshot().happenings.last().map_or(0, |h| h.id);
        sim.run_until(file.duration);
        for happening in sim.snapshot().happenings.iter().filter(|h| h.id > before) {
            let of_api = matches!(&happening.what, What::Started { node, .. } | What::Stopped { node, .. }
                | What::Deployed { node } | What::Promoted { node, .. } if node == "api");
            assert!(!of_api, "{scenario}: {happening:?}");
        }
        assert_eq!(sim.audit().faults, Vec::<String>::new());
    }
}

#[test]
fn a_balancer_in_between_leaves_the_draws_of_the_service_alone() {
    let times = |topology: &Topology| {
        let results = run(topology, 5).results();
        let figures = [
            "response_time_s",
            "nodes.api.response_time_s",
            "nodes.api.utilisation",
        ];
        figures.map(|f| format!("{:?}", results.at(f).unwrap()))
    };
    let mut direct = case("inserted-balancer");
    direct.set_path("duration", "120s").unwrap();
    let mut between = with(&direct, "nodes.lb", "LoadBalancer()");
    between
        .set_path("links", r#"["clients -> lb", "lb -> api"]"#)
        .unwrap();
    assert_eq!(times(&direct), times(&between));
    // Between services, too; and when a further one is called beside.
    let mut direct = with(
        &direct,
        "nodes.front",
        r#"Service(workers: 100000, service_time: Exponential("1ms"))"#,
    );
    direct
        .set_path("links", r#"["clients -> front", "front -> api"]"#)
        .unwrap();
    let mut between = with(&direct, "nodes.lb", "LoadBalancer()");
    between
        .set_path(
            "links",
            r#"["clients -> front", "front -> lb", "lb -> api"]"#,
        )
        .unwrap();
    assert_eq!(times(&direct), times(&between));
    let mut beside = with(
        &direct,
        "nodes.other",
        r#"Service(workers: 100000, service_time: Constant("0s"))"#,
    );
    beside
        .set_path(
            "links",
            r#"["clients -> front", "front -> other", "front -> api"]"#,
        )
        .unwrap();
    assert_eq!(times(&direct), times(&beside));
}

/// Calls of one operation to one node draw apart: two ways to it, retries of clients, retries of balancers.
#[test]
fn calls_of_one_operation_draw_apart() {
    // Two independent exponential calls one after the other: the square of the coefficient of variation is a half, not one.
    let text = r#"Topology(schema: 1, profile: Bare, duration: "400s",
        nodes: {
            "clients": Clients(arrivals: Steady("50/s")),
            "front": Service(workers: 100000, service_time: Constant("0s")),
            "a": LoadBalancer(), "b": LoadBalancer(),
            "api": Service(workers: 100000, service_time: Exponential("10ms")),
        },
        links: ["clients -> front", "front -> a", "front -> b", "a -> api", "b -> api"],
    )"#;
    let sim = run(&load(text), 1);
    let Some(statescope::sim::figures::Figures::Figure(Some(p99))) =
        sim.results().at("response_time_s.p99").cloned()
    else {
        panic!()
    };
    // The sum's p99 is 66.4 ms, twice one draw's would be 92.1 ms.
    assert!((0.062..0.071).contains(&p99), "{p99}");
}

#[test]
fn gaps_are_not_cut_to_whole_nanoseconds_one_by_one() {
    for (arrivals, low, high) in [
        (r#"Steady("3000000/s")"#, 2_999_999, 3_000_001),
        (r#"Steady("7/s")"#, 6, 7),
        // Within four standard deviations.
        (r#"Poisson("3000000/s")"#, 2_993_000, 3_007_000),
    ] {
        let text = format!(
            r#"Topology(schema: 1, profile: Bare, duration: "1s",
                nodes: {{ "clients": Clients(arrivals: {arrivals}), "api": Service(workers: 1000, service_time: Constant("0s")) }},
                links: ["clients -> api"])"#
        );
        let offered = run(&load(&text), 1).snapshot().operations.offered;
        assert!((low..=high).contains(&offered), "{arrivals}: {offered}");
    }
}

/// By the count of events and of places, not by the clock: the same as when nothing is taken out, or less.
#[test]
fn taking_requests_out_of_a_long_queue_is_cheap() {
    let mut cancelled = case("cancel-long-queue");
    // With one worker that never ends, a queue must not fill up with places of those that were taken out.
    let stuck = with(
        &with(&cancelled, "nodes.api.service_time", "Constant(\"1h\")"),
        "nodes.api.workers",
        "1",
    );
    let sim = run(&stuck, 1);
    let queue: u64 = sim.snapshot().nodes.iter().map(|n| n.queue).sum();
    assert!((149_000..151_000).contains(&queue), "{queue}");
    assert!(sim.size() < 200 << 20, "{}", sim.size());
    // Every request is answered, or given up by its client in time; in the order in which they came.
    cancelled.set_path("duration", "12s").unwrap();
    let sim = run(&cancelled, 1);
    let operations = sim.snapshot().operations;
    // Eight workers of a thousand a second are never idle.
    assert!(
        (95_000..=96_001).contains(&operations.completed),
        "{operations:?}"
    );
}

#[test]
fn what_moves_has_moved_some_time() {
    let file = case("undo-during-move");
    let there = r#"At("20s", Set("nodes.api.state", "External(store: \"store\")"))"#;
    // To its end; or cut off, by a crash of one of those that send, or of the one that receives: then once that is back.
    for cut in [
        "",
        r#", At("20.0001s", Crash("api", 1))"#,
        r#", At("20.0001s", LoseMachine("store", 1)), At("22s", Restart("store", 1))"#,
    ] {
        let topology = with(&file, "scenario", &format!("[{there}{cut}]"));
        let mut sim = start(&topology, 1);
        let moving = |sim: &Sim| sim.snapshot().nodes[2].moving_bytes;
        sim.run_until(Duration(20 * SECOND - 1));
        assert_eq!(moving(&sim), 0);
        sim.run_until(Duration(20 * SECOND + 50_000));
        assert!(moving(&sim) > 0);
        sim.run_until(Duration(21 * SECOND));
        assert_eq!(moving(&sim) > 0, cut.contains("LoseMachine"), "{cut}");
        sim.run_until(Duration(40 * SECOND));
        assert_eq!(moving(&sim), 0, "{cut}");
    }
}

/// What each event lost, and when it happened.
fn losses(sim: &Sim) -> Vec<(u64, u64, u64)> {
    let faults = sim.snapshot().faults;
    faults
        .iter()
        .map(|f| (f.at.0, f.lost_writes, f.lost_sessions))
        .collect()
}

#[test]
fn a_toggle_undone_during_the_move_changes_nothing() {
    let file = case("undo-during-move");
    let undo = |there: &str, back: &str, rest: &str| {
        format!(r#"[At("20s", {there}), At("20.001s", {back}), {rest}]"#)
    };
    let state = |value: &str| format!(r#"Set("nodes.api.state", {value:?})"#);
    let crashes = r#"At("40s", Crash("api", 1)), At("50s", Crash("api", 2))"#;
    let soon = r#"At("20.5s", LoseMachine("api", 1)), At("50s", Crash("api", 2))"#;
    let own = |placement: &str| (placement.to_owned(), state(placement), "None".to_owned());
    let external = r#"External(store: "store")"#;
    let (store, disk) = (state(external), state("LocalDisk()"));
    let sessions = r#"InMemory(replication: Asynchronous(replicas: 1, lag: "50ms"))"#;
    let set_sessions = |value: &str| format!(r#"Set("sessions", {value:?})"#);
    let mut cases = Vec::new();
    for placement in [
        "InMemory()",
        r#"InMemory(snapshot_every: Some("5s"))"#,
        r#"InMemory(replication: Asynchronous(replicas: 1, lag: "200ms"))"#,
        "LocalDatabase(fsync: EverySecond)",
    ] {
        let (placement, back, sessions) = own(placement);
        for there in [&store, &disk] {
            for rest in [crashes, soon] {
                cases.push((
                    placement.clone(),
                    sessions.clone(),
                    undo(there, &back, rest),
                    rest,
                ));
            }
        }
    }
    for there in ["ServerSide(store: \"store\")", "Jwt()"] {
        for rest in [crashes, soon] {
            let scenario = undo(&set_sessions(there), &set_sessions(sessions), rest);
            cases.push(("InMemory()".to_owned(), sessions.to_owned(), scenario, rest));
        }
    }
    // From store to store.
    let rest = r#"At("20.5s", LoseMachine("store", 1)), At("50s", Crash("other", 1))"#;
    let other = state(r#"External(store: "other")"#);
    cases.push((
        external.to_owned(),
        "None".to_owned(),
        undo(&other, &store, rest),
        rest,
    ));
    let mut lossy = 0;
    for (placement, sessions, scenario, rest) in cases {
        let mut topology = with(&file, "nodes.api.state", &placement);
        topology
            .set_path(
                "nodes.store",
                "RedisLike(persistence: AppendOnly(EverySecond))",
            )
            .unwrap();
        topology
            .set_path(
                "nodes.other",
                "RedisLike(persistence: AppendOnly(EverySecond))",
            )
            .unwrap();
        topology
            .set_path(
                "links",
                r#"["clients -> lb", "lb -> api", "api -> store", "api -> other"]"#,
            )
            .unwrap();
        topology.set_path("sessions", &sessions).unwrap();
        let undone = run(&with(&topology, "scenario", &scenario), 1);
        let alone = run(&with(&topology, "scenario", &format!("[{rest}]")), 1);
        let near = |(at, writes, sessions): (u64, u64, u64)| {
            // What was written during that millisecond went elsewhere.
            let undone = losses(&undone);
            let found = undone
                .iter()
                .find(|l| l.0 == at)
                .copied()
                .unwrap_or_default();
            found.1.abs_diff(writes) <= 1 && found.2.abs_diff(sessions) <= 1
        };
        lossy += usize::from(losses(&alone).iter().any(|l| l.1 + l.2 > 10));
        assert!(
            losses(&alone).into_iter().all(near),
            "{placement}, {sessions}, {scenario}: {:?}, and alone {:?}",
            losses(&undone),
            losses(&alone)
        );
    }
    assert!(lossy > 8, "{lossy} lose something");
}

#[test]
fn scaling_cycles_make_nothing_slower_larger_or_wrong() {
    let topology = case("scaling-cycles");
    let mut sim = start(&topology, 1);
    // Two cycles: as many places as there ever are.
    sim.run_until(Duration(4_900_000));
    let early = sim.size();
    sim.run_until(topology.duration);
    assert_eq!(sim.audit().faults, Vec::<String>::new());
    let refused = sim.results().at("operations.by_cause.refused").cloned();
    assert_eq!(refused, None);
    // Events and figures are a few bytes each; a place takes hundreds, and there were 66,000.
    assert!(
        sim.size() < early + (1 << 20),
        "{early}, then {}",
        sim.size()
    );

    // With a balancer, state and sessions: instances count from 1, and the new ones serve.
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s", sessions: InMemory(),
        nodes: {
            "clients": Clients(arrivals: Poisson("400/s"), mix: (read: 1, write: 1), users: 300, signed_in: true),
            "lb": LoadBalancer(policy: StickyCookie, health_checks: (interval: "100ms", rise: 1)),
            "api": Service(instances: 2, workers: 10, service_time: Constant("1ms"), state: InMemory()),
        },
        links: ["clients -> lb", "lb -> api"],
    )"#;
    let mut topology = load(text);
    let cycle = |second: u32| {
        let other = if second.is_multiple_of(2) { 40 } else { 2 };
        format!(r#"At("{second}s", Set("nodes.api.instances", "{other}"))"#)
    };
    let cycles: Vec<String> = (1..58).map(cycle).collect();
    topology
        .set_path("scenario", &format!("[{}]", cycles.join(", ")))
        .unwrap();
    let mut sim = start(&topology, 1);
    sim.run_until(Duration(8 * SECOND));
    let early = sim.size();
    for second in 9..=60 {
        sim.run_until(Duration(second * SECOND - 1));
        assert_eq!(sim.audit().faults, Vec::<String>::new(), "{second}");
        let api = &sim.snapshot().nodes[2];
        let numbers: Vec<u32> = api.instances.iter().map(|i| i.number).collect();
        let wanted = if second == 1 || (second.is_multiple_of(2) && second < 58) {
            2
        } else {
            40
        };
        if second < 58 {
            assert_eq!(numbers, (1..=wanted).collect::<Vec<u32>>(), "{second}");
        }
    }
    assert!(
        sim.size() < early + (1 << 20),
        "{early}, then {}",
        sim.size()
    );
    let operations = sim.snapshot().operations;
    assert!(
        operations.completed * 100 > operations.offered * 99,
        "{operations:?}"
    );
}

/// One thousand may still be ending, and one thousand more; beyond what can be numbered there is a sentence.
#[test]
fn more_instances_than_can_be_numbered_are_refused_in_words() {
    use statescope::model::Command;
    let text = r#"Topology(schema: 1, profile: Bare, duration: "60s",
        nodes: {
            "clients": Clients(arrivals: Steady("1000000/s")),
            "api": Service(instances: 1, workers: 1000, service_time: Constant("1h"), drain_time: "1h"),
        },
        links: ["clients -> api"],
    )"#;
    let mut sim = start(&load(text), 1);
    let mut refused = None;
    for cycle in 0..70u64 {
        for instances in ["1000", "1"] {
            // Each gets a request that never ends.
            let into_cycle = if instances == "1" { 1_190_000 } else { 0 };
            sim.run_until(Duration(cycle * 1_200_000 + into_cycle));
            let set = Command::Set("nodes.api.instances".to_owned(), instances.to_owned());
            refused = sim.apply(&set).err().or(refused);
        }
    }
    let sentence = refused.unwrap().to_string();
    assert!(sentence.contains("still ending"), "{sentence}");
}

/// Another rate goes on from where the last one was: 0.5 and 0.6 a second, changed every second, are 33 in a minute.
#[test]
fn a_rate_that_is_changed_often_holds_no_arrival_back() {
    let changes: String = (1..60)
        .map(|s| {
            format!(
                r#"At("{s}s", Set("nodes.c.arrivals", "Steady(\"0.{}/s\")")),"#,
                5 + s % 2
            )
        })
        .collect();
    let text = format!(
        r#"Topology(schema: 1, profile: Bare, duration: "60s", nodes: {{
            "c": Clients(arrivals: Steady("0.5/s"), mix: (read: 1)), "api": Service(service_time: Constant("1ms")),
        }}, links: ["c -> api"], scenario: [{changes}])"#
    );
    let topology = load(&text);
    let mut sim = start(&topology, 1);
    sim.run_until(topology.duration);
    let offered = sim.snapshot().nodes[0].arrived;
    // 30 s at 0.5/s and 30 s at 0.6/s.
    assert!((32..=33).contains(&offered), "{offered}");
}
