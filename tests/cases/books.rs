//! Books: what is lost, and under which fault, in systems whose right figures are known.

use statescope::model::{Command, Topology};
use statescope::sim::snapshot::Snapshot;
use statescope::sim::{Sim, Watch};
use statescope::units::{Duration, SECOND};

fn case(name: &str) -> Topology {
    let path = format!("{}/tests/cases/{name}.ron", env!("CARGO_MANIFEST_DIR"));
    statescope::model::load(&path).expect("a case").topology
}

fn read(text: &str) -> Topology {
    statescope::model::file::read(text, "this test").expect("a topology")
}

/// The end of a run.
fn end_of(topology: &Topology, seed: u64) -> Snapshot {
    let mut sim = Sim::new(topology, seed, Watch { live: false });
    sim.run_until(topology.duration);
    let audit = sim.audit();
    assert!(audit.faults.is_empty(), "{:?}", audit.faults);
    sim.snapshot()
}

#[test]
fn late_acknowledgements_of_lost_writes_are_losses() {
    let end = end_of(&case("late-acknowledgements"), 1);
    let lost: Vec<u64> = end
        .faults
        .iter()
        .filter(|f| matches!(f.command, Command::Crash(..)))
        .map(|f| f.lost_writes)
        .collect();
    // 1,000 writes a second, snapshots every 40 ms, crashes every 50 ms: each loses what came since the last snapshot,
    // 10 more than the one before or 30 fewer, and it is booked under the crash that lost it.
    assert_eq!(lost.len(), 100);
    for pair in lost.windows(2) {
        assert_eq!((pair[1] + 40 - pair[0]) % 40, 10, "{lost:?}");
    }
    assert_eq!(lost.iter().sum::<u64>(), 1_900);
    assert_eq!(end.writes.lost, 1_900);
    assert_eq!(end.writes.held, end.writes.acknowledged - 1_900);
}

#[test]
fn a_retried_write_is_where_its_last_try_put_it() {
    let topology = case("retried-write");
    for seed in 1..=3 {
        let mut sim = Sim::new(&topology, seed, Watch { live: false });
        // Just before the crash.
        sim.run_until(Duration(10 * SECOND - 1));
        let before = sim.snapshot();
        let api = before.nodes.iter().find(|n| n.name == "api").expect("api");
        let alone = api.instances[0].writes;
        let lost = end_of(&topology, seed).writes.lost;
        assert_eq!(lost, alone, "seed {seed}");
        if seed == 1 {
            assert_eq!(lost, 483);
        }
    }
}

#[test]
fn a_copy_of_sessions_takes_the_time_that_its_size_needs() {
    let topology = case("session-copies-instant");
    for seed in 1..=3 {
        let lost = end_of(&topology, seed).sessions.lost;
        assert!((630..=670).contains(&lost), "seed {seed}: {lost}");
    }
}

fn set(topology: &Topology, path: &str, value: &str) -> Topology {
    let mut changed = topology.clone();
    changed.set_path(path, value).expect("a setting");
    changed
}

/// More crashes than that, and each write acknowledged late: what is forgotten of lost writes shows as held.
#[test]
fn no_number_of_crashes_makes_a_loss_forgotten() {
    let mut topology = case("late-acknowledgements");
    topology.scenario.clear();
    let mut sim = Sim::new(&topology, 5, Watch { live: false });
    let mut crashes = 0u64;
    for at in (10_500..19_000).step_by(15) {
        sim.run_until(Duration(at * 1_000_000));
        for command in [
            Command::Crash("s".to_owned(), 1),
            Command::Restart("s".to_owned(), 1),
        ] {
            sim.apply(&command).expect("it runs");
        }
        crashes += 1;
    }
    let written_before_the_last = 18_990 - 10_000;
    sim.run_until(topology.duration);
    let end = sim.snapshot();
    let by_fault: u64 = end.faults.iter().map(|f| f.lost_writes).sum();
    assert_eq!(by_fault, end.writes.lost, "{crashes} crashes");
    // Kept are the first half second but for what came after its last snapshot, and of each 40 ms what came between the
    // last crash and the snapshot: 5 to 10 ms on average, by the phase.
    let kept = written_before_the_last - end.writes.lost;
    assert!((1_500..2_650).contains(&kept), "{kept}");
    assert!(sim.audit().faults.is_empty());
}

/// A store whose machines go one after the other. The copy that took over has synced on its own disk what it had got by
/// its last fsync, at most a second ago, and no more: not what the first machine's disk had.
#[test]
fn a_copy_that_takes_over_has_its_own_disk() {
    let text = r#"Topology(
        schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("1000/s"), mix: (read: 0, write: 1)),
            "store": RedisLike(command_time: "0s", persistence: AppendOnly(EverySecond), fsync_time: "0s",
                replication: Asynchronous(replicas: 1, lag: "1ms"), down_after: "10ms", promotion_time: "0s"),
        },
        links: ["clients -> store"],
    )"#;
    let topology = read(text);
    let mut lost = Vec::new();
    for seed in 1..=40 {
        let mut sim = Sim::new(&topology, seed, Watch { live: false });
        sim.run_until(Duration(10 * SECOND));
        sim.apply(&Command::LoseMachine("store".to_owned(), 1))
            .expect("it runs");
        sim.run_until(Duration(10 * SECOND + 20_000_000));
        assert_eq!(
            sim.snapshot().writes.unavailable,
            0,
            "a copy has taken over"
        );
        sim.apply(&Command::LoseMachine("store".to_owned(), 2))
            .expect("it runs");
        sim.run_until(topology.duration);
        let writes = sim.snapshot().writes;
        assert!(writes.lost <= 1_010, "at most a second: {writes:?}");
        lost.push(writes.lost);
    }
    let mean = lost.iter().sum::<u64>() as f64 / lost.len() as f64;
    // The phase of the fsync is uniform: half a second on average; 40 of them have a standard error of 46.
    assert!((350.0..650.0).contains(&mean), "{mean}: {lost:?}");
}

/// Snapshots on the machine that is gone are not the new primary's.
#[test]
fn a_copy_that_takes_over_has_its_own_snapshots() {
    let text = |place: &str| {
        format!(
            r#"Topology(
        schema: 1, profile: Bare, duration: "20s",
        nodes: {{
            "clients": Clients(arrivals: Steady("1000/s"), mix: (read: 0, write: 1), timeout: Some("1s")),
            "lb": LoadBalancer(policy: RoundRobin, health_checks: (interval: "1ms", fall: 1)),
            "api": Service(instances: 2, workers: 100, service_time: Constant("0s"),
                state: InMemory(snapshot_every: "5s", snapshot_rate: "unlimited", {place},
                    replication: Asynchronous(replicas: 1, lag: "0s"), down_after: "10ms")),
            "objects": ObjectStore(),
        }},
        links: ["clients -> lb", "lb -> api"],
    )"#
        )
    };
    let lost = |place: &str| {
        let topology = read(&text(place));
        let mut sim = Sim::new(&topology, 1, Watch { live: false });
        sim.run_until(Duration(12 * SECOND));
        for (ms, number) in [(12_000, 1), (12_020, 2)] {
            sim.run_until(Duration(ms * 1_000_000));
            sim.apply(&Command::LoseMachine("api".to_owned(), number))
                .expect("it runs");
        }
        sim.run_until(topology.duration);
        let writes = sim.snapshot().writes;
        (writes.lost, writes.acknowledged)
    };
    // Half of the writes were instance 1's, and its copy's only snapshot would have come later; the other half goes back to
    // instance 2's own last snapshot, up to 5 s old.
    let (lost_here, acknowledged) = lost("snapshot_to: Volume");
    assert!(acknowledged > 11_900);
    assert!(lost_here >= 6_000, "{lost_here}");
    let (lost_there, _) = lost("snapshot_to: ObjectStore(\"objects\")");
    assert!(lost_there <= 5_100, "{lost_there}");
}

/// Sessions at the start are where their users' first requests would have been sent: in turn, and in equal parts.
#[test]
fn sessions_at_the_start_are_placed_by_the_balancer() {
    let sticky = case("session-copies-instant");
    let one_each = |topology: &Topology| {
        let sim = Sim::new(topology, 7, Watch { live: false });
        let snapshot = sim.snapshot();
        let api = snapshot.nodes.iter().find(|n| n.name == "api");
        let instances = &api.expect("api").instances;
        let mut sessions: Vec<u64> = instances.iter().map(|i| i.sessions).collect();
        sessions.sort_unstable();
        sessions
    };
    assert_eq!(one_each(&sticky), [666, 667, 667]);
    let plain = set(&sticky, "nodes.lb.policy", "RoundRobin");
    assert_eq!(one_each(&plain), [666, 667, 667]);
    let fallback = set(&sticky, "nodes.lb.fallback", "Random");
    let sessions = one_each(&fallback);
    assert_ne!(sessions, [666, 667, 667]);
    assert!(
        sessions.iter().all(|n| (580..=760).contains(n)),
        "{sessions:?}"
    );
    // Those that were placed there stay there: nobody is sent elsewhere without a fault.
    let mut calm = sticky.clone();
    calm.scenario.clear();
    calm.duration = Duration(20 * SECOND);
    let end = end_of(&calm, 7);
    assert_eq!((end.sessions.lost, end.sessions.created), (0, 0));
}

/// A store of about 1 GiB that gets two copies: they are filled one after the other, at 100 MiB/s.
#[test]
fn copies_of_data_are_filled_one_after_the_other() {
    let text = r#"Topology(
        schema: 1, profile: Bare, duration: "2m",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (read: 0, write: 1), keys: 1000, popularity: Uniform, value_size: "1MiB"),
            "store": RedisLike(command_time: "0s", persistence: None, down_after: "1s", promotion_time: "0s"),
        },
        links: ["clients -> store"],
    )"#;
    let topology = read(text);
    let mut sim = Sim::new(&topology, 1, Watch { live: false });
    let start = 60 * SECOND;
    sim.run_until(Duration(start));
    let store = |sim: &Sim| sim.snapshot().nodes[1].clone();
    let fill_s = store(&sim).state_bytes as f64 / 104_857_600.0;
    assert!(
        (9.0..10.1).contains(&fill_s),
        "{fill_s} {:?}",
        sim.snapshot().operations
    );
    let copies = r#"Asynchronous(replicas: 2, lag: "1ms")"#;
    sim.apply(&Command::Set(
        "nodes.store.replication".to_owned(),
        copies.to_owned(),
    ))
    .expect("it can have copies");
    let at = |fills: f64| Duration(start + (fills * fill_s * 1e9) as u64);
    let can_fail_over = |sim: &Sim| {
        sim.clone()
            .apply(&Command::Failover("store".to_owned()))
            .is_ok()
    };
    for (fills, complete) in [(0.5, false), (0.99, false), (1.01, true)] {
        sim.run_until(at(fills));
        assert_eq!(
            can_fail_over(&sim),
            complete,
            "after {fills} times the time of one"
        );
    }
    // Without the first copy, the second one shows.
    sim.apply(&Command::Crash("store".to_owned(), 2))
        .expect("it runs");
    for (fills, complete) in [(1.5, false), (1.99, false), (2.01, true)] {
        sim.run_until(at(fills));
        assert_eq!(
            can_fail_over(&sim),
            complete,
            "after {fills} times the time of one"
        );
    }
    // A copy that is not complete saves nothing.
    sim.apply(&Command::Restart("store".to_owned(), 2))
        .expect("it is dead");
    sim.run_until(at(2.5));
    let mut both = sim.clone();
    for number in [3, 1] {
        both.apply(&Command::LoseMachine("store".to_owned(), number))
            .expect("it runs");
    }
    let writes = both.snapshot().writes;
    assert_eq!(writes.lost, writes.acknowledged);
}

/// What was still on its way to a copy at one fsync is synced there at the next, though nobody writes any more.
#[test]
fn a_copy_syncs_the_last_writes_too() {
    let topology = read(
        r#"Topology(
        schema: 1, profile: Bare, duration: "20s",
        nodes: {
            "clients": Clients(arrivals: Steady("1000/s"), mix: (read: 0, write: 1)),
            "store": RedisLike(command_time: "0s", persistence: AppendOnly(EverySecond), fsync_time: "0s",
                replication: Asynchronous(replicas: 1, lag: "500ms"), down_after: "10ms", promotion_time: "0s"),
        },
        links: ["clients -> store"],
        scenario: [
            At("10s", Set("nodes.clients.arrivals", "Steady(\"0.01/s\")")),
            At("13s", LoseMachine("store", 1)),
            At("13020ms", LoseMachine("store", 2)),
        ],
    )"#,
    );
    for seed in 1..=10 {
        let writes = end_of(&topology, seed).writes;
        assert!(writes.acknowledged >= 9_990, "{writes:?}");
        assert_eq!(writes.lost, 0, "seed {seed}");
    }
}

/// A primary that hung while another took over has the old epoch: what it had accepted is never answered.
#[test]
fn a_primary_that_was_deposed_answers_nothing() {
    let topology = read(
        r#"Topology(
        schema: 1, profile: Bare, duration: "30s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (read: 0, write: 1), timeout: Some("5s")),
            "store": RedisLike(command_time: "1ms", persistence: None,
                replication: Asynchronous(replicas: 1, lag: "1ms"), down_after: "1s", promotion_time: "0s"),
        },
        links: ["clients -> store"],
        scenario: [At("10s", Hang("store", 1)), At("12s", Resume("store", 1))],
    )"#,
    );
    let end = end_of(&topology, 1);
    // A second's worth of requests, sent before the copy was promoted.
    assert!(
        (98..=102).contains(&end.operations.failed),
        "{:?}",
        end.operations
    );
    assert_eq!(end.writes.lost, 0);
}

/// Keys are counted as lost once each, by the crash or by an acknowledgement that comes after it; readers find what is left.
#[test]
fn lost_keys_are_counted_once_each() {
    let keys_lost = |latency: &str, scenario: &str, keys: u32| {
        let topology = read(&format!(
            r#"Topology(
        schema: 1, profile: Bare, duration: "40s",
        nodes: {{
            "clients": Clients(arrivals: Steady("10/s"), mix: (write: 1), keys: {keys}, popularity: Uniform),
            "api": Service(instances: 1, workers: 100, service_time: Constant("0s"), state: InMemory()),
        }},
        links: [Link(path: "clients -> api", latency: "{latency}")],
        scenario: [{scenario}],
    )"#
        ));
        let mut sim = Sim::new(&topology, 1, Watch { live: false });
        sim.run_until(topology.duration);
        assert!(sim.audit().faults.is_empty());
        let results = sim.results();
        let figure = |path: &str| match results.at(path) {
            Some(statescope::sim::figures::Figures::Figure(Some(n))) => *n,
            other => panic!("{path}: {other:?}"),
        };
        assert_eq!(figure("reads.stale"), 0.0);
        let by_fault: u64 = sim.snapshot().faults.iter().map(|f| f.lost_writes).sum();
        assert_eq!(by_fault as f64, figure("writes.lost"));
        (figure("writes.lost"), figure("writes.keys_lost"))
    };
    let twice = r#"At("10050ms", Crash("api", 1)), At("11s", Restart("api", 1)), At("20050ms", Crash("api", 1)),
        At("21s", Restart("api", 1)), At("30s", Set("nodes.clients.mix", "(read: 1)"))"#;
    let (lost, keys) = keys_lost("0s", twice, 3);
    assert!(lost > 150.0);
    assert_eq!(keys, 3.0);
    // The first write comes at 0.2 s, and its answer at 0.3 s.
    let between = r#"At("250ms", Crash("api", 1))"#;
    assert_eq!(keys_lost("100ms", between, 1), (1.0, 1.0));
}

/// A write is answered slowly, lost meanwhile, and then the key is written again over a faster link: what is acknowledged
/// late was not the newest version, and the newest is held.
#[test]
fn a_key_that_was_written_again_is_not_lost_by_a_late_acknowledgement() {
    let again = r#"At("17s", Set("nodes.clients.arrivals", "Steady(\"1/s\")")), At("17s", Set("links.clients->db.latency", "0s"))"#;
    for (again, acknowledged, keys_lost) in [("", 1..=1, 1), (again, 7..=8, 0)] {
        let topology = read(&format!(
            r#"Topology(
        schema: 1, profile: Bare, duration: "23500ms",
        nodes: {{
            "clients": Clients(arrivals: Steady("0.1/s"), mix: (write: 1), keys: 1),
            "db": RedisLike(command_time: "0s", persistence: None, boot_time: "0s"),
        }},
        links: [Link(path: "clients -> db", latency: "5s")],
        scenario: [At("16s", Crash("db", 1)), At("16s", Restart("db", 1)), {again}],
    )"#
        ));
        // Written at 15 s, lost at 16 s, acknowledged at 20 s; then one a second from 17 or 18 s on.
        let writes = end_of(&topology, 1).writes;
        assert!(acknowledged.contains(&writes.acknowledged), "{writes:?}");
        assert_eq!((writes.lost, writes.keys_lost), (1, keys_lost));
    }
}

/// What the operating system writes back by itself every 30 s is what a machine can lose.
#[test]
fn what_nobody_syncs_is_written_back_every_30_seconds() {
    let topology = read(
        r#"Topology(
        schema: 1, profile: Bare, duration: "101s",
        nodes: {
            "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1)),
            "store": RedisLike(command_time: "0s", persistence: AppendOnly(Never), fsync_time: "0s"),
        },
        links: ["clients -> store"],
        scenario: [At("100s", LoseMachine("store", 1))],
    )"#,
    );
    let lost: Vec<u64> = (1..=40)
        .map(|seed| end_of(&topology, seed).writes.lost)
        .collect();
    assert!(lost.iter().all(|&n| n <= 3_001), "{lost:?}");
    // The phase is uniform: 1,500 on average, with a standard error of 137.
    let mean = lost.iter().sum::<u64>() as f64 / lost.len() as f64;
    assert!((mean - 1_500.0).abs() < 4.0 * 137.0, "{mean}");
}
