//! Hangs and short absences: what goes on afterwards goes on from where it stood; and what was lost is booked on what lost it.

use crate::support::cases::{changed, figure, read_with, run};
use statescope::model::{Topology, file};
use statescope::sim::snapshot::{Snapshot, What};
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// A store with one copy, 10 s behind, and 100 writes a second.
const STORE: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: "500ms"),
        "db": RedisLike(persistence: None, replication: Asynchronous(lag: "10s"), down_after: "1s", promotion_time: "0s"),
    },
    links: ["clients -> db"])"#;

/// Two instances that keep what is written through them, each with one copy on the other.
const SERVICE: &str = r#"Topology(schema: 1, profile: Bare, duration: "60s",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: "500ms"),
        "lb": LoadBalancer(),
        "api": Service(instances: 2, workers: 100, service_time: Constant("0s"),
            state: InMemory(replication: Asynchronous(lag: "10s"), down_after: "1s")),
    },
    links: ["clients -> lb", "lb -> api"])"#;

const BEHIND_A_MILLISECOND: [(&str, &str); 2] = [
    ("nodes.db.replication.lag", "1ms"),
    ("nodes.db.down_after", "5s"),
];

fn topology(text: &str, changes: &[(&str, &str)], scenario: &str) -> Topology {
    let scenario = format!("[{scenario}]");
    let changes: Vec<(&str, &str)> = changes
        .iter()
        .copied()
        .chain([("scenario", &*scenario)])
        .collect();
    changed(file::read(text, "case").unwrap(), &changes)
}

fn end_of(text: &str, changes: &[(&str, &str)], scenario: &str) -> Snapshot {
    run(&topology(text, changes, scenario), 1).snapshot()
}

/// The state at an instant.
fn at(text: &str, changes: &[(&str, &str)], scenario: &str, ms: u64) -> Snapshot {
    let mut sim = Sim::new(&topology(text, changes, scenario), 1, Watch { live: false });
    sim.run_until(Duration(ms * MS));
    sim.snapshot()
}

fn near(found: u64, right: u64) -> bool {
    found.abs_diff(right) <= 2
}

// A copy goes on from where it is.

/// 100 writes a second for 10 s are under way when the machine is lost, whatever happened for 10 ms before.
#[test]
fn a_short_hang_brings_no_copy_what_is_under_way() {
    for hang in ["1ms", "10ms"] {
        for send_buffer in ["0B", "4MiB"] {
            let resumes = if hang == "1ms" { "20001ms" } else { "20010ms" };
            let hang = format!(
                r#"At("20s", Hang("db", 1)), At("{resumes}", Resume("db", 1)), At("20500ms", LoseMachine("db", 1))"#
            );
            let buffer = [("nodes.db.replication.send_buffer", send_buffer)];
            let end = end_of(STORE, &buffer, &hang);
            assert!(
                near(end.writes.lost, 1_000),
                "{hang}, {send_buffer}: {}",
                end.writes.lost
            );
            assert_eq!(end.faults.last().unwrap().lost_writes, end.writes.lost);
            let api = hang.replace("db", "api");
            let buffer = [("nodes.api.state.replication.send_buffer", send_buffer)];
            let lost = end_of(SERVICE, &buffer, &api).writes.lost;
            assert!(near(lost, 500), "{api}, {send_buffer}: {lost}");
        }
    }
}

/// Of what waited in the process that stood still for 5 s, nothing has come meanwhile: 15 s of writes are under way, less
/// those of the 5 s in which none could be made.
#[test]
fn what_waits_in_a_process_that_hangs_comes_so_much_later() {
    let scenario =
        r#"At("20s", Hang("db", 1)), At("25s", Resume("db", 1)), At("27s", LoseMachine("db", 1))"#;
    let lost = |send_buffer: &str| {
        let changes = [
            ("nodes.db.down_after", "30s"),
            ("nodes.db.replication.send_buffer", send_buffer),
            ("nodes.clients.timeout", "20s"),
        ];
        let topology = topology(STORE, &changes, scenario);
        let mut sim = Sim::new(&topology, 1, Watch { live: false });
        sim.run_until(Duration(27 * SECOND - MS));
        let held = sim.snapshot().writes.held;
        sim.run_until(topology.duration);
        (held, sim.snapshot().writes.lost)
    };
    // What the kernel had comes while the process hangs: all that was written by 17 s.
    let (held, lost_then) = lost("4MiB");
    assert!(near(held - lost_then, 1_700), "{held}, {lost_then}");
    // Without a send buffer what was written by 12 s has come by 22 s of the process's own time.
    let (held, lost_then) = lost("0B");
    assert!(near(held - lost_then, 1_200), "{held}, {lost_then}");
}

#[test]
fn a_short_hang_brings_no_copy_the_sessions_that_are_under_way() {
    let sessions = r#"InMemory(replication: Asynchronous(lag: "10s"), down_after: "1s")"#;
    let changes = [
        ("sessions", sessions),
        ("nodes.api.state", "Stateless"),
        ("nodes.clients.mix", "(login: 1)"),
        ("nodes.clients.users", "100000"),
    ];
    let loses = r#"At("20500ms", LoseMachine("api", 1))"#;
    let hangs = format!(r#"At("20s", Hang("api", 1)), At("20010ms", Resume("api", 1)), {loses}"#);
    let without = end_of(SERVICE, &changes, loses).sessions.lost;
    let with = end_of(SERVICE, &changes, &hangs).sessions.lost;
    assert!(
        without > 450 && near(with, without),
        "{with}, without a hang {without}"
    );
}

/// A process that is started again at once from its file sends what it had sent no other way: what the kernel has of it
/// comes when it does.
#[test]
fn a_restart_brings_no_copy_what_is_under_way() {
    let on_file = [("nodes.db.persistence", "AppendOnly(EverySecond)")];
    let restarts = r#"At("20s", Crash("db", 1)), At("20s", Restart("db", 1))"#;
    let scenario = format!(r#"{restarts}, At("20300ms", LoseMachine("db", 1))"#);
    let lost = end_of(STORE, &on_file, &scenario).writes.lost;
    assert!(near(lost, 1_000), "{lost}");
    // Ten seconds later all that was sent has come: what is under way then is lost.
    let scenario = format!(r#"{restarts}, At("30300ms", LoseMachine("db", 1))"#);
    let lost = end_of(STORE, &on_file, &scenario).writes.lost;
    assert!(near(lost, 1_000), "{lost}");
    // What its kernel did not have is sent anew: at 29 s nothing of that has come.
    let unbuffered = [on_file[0], ("nodes.db.replication.send_buffer", "0B")];
    let scenario = format!(r#"{restarts}, At("29s", LoseMachine("db", 1))"#);
    let lost = end_of(STORE, &unbuffered, &scenario).writes.lost;
    assert!(near(lost, 1_900), "{lost}");
    // Back at 22 s, forced over at once: the copy has what was written by 12 s, of 20 s.
    let patient = [
        on_file[0],
        ("nodes.db.down_after", "5s"),
        ("nodes.db.demotion_delay", "0s"),
    ];
    let scenario =
        r#"At("20s", Crash("db", 1)), At("22s", Restart("db", 1)), At("22s", ForceFailover("db"))"#;
    let end = end_of(STORE, &patient, scenario);
    assert!(near(end.writes.lost, 800), "{}", end.writes.lost);
    assert_eq!(end.faults[1].lost_writes, end.writes.lost);
}

/// The third was filled at 20 s with all there was, while the second follows 10 s behind. What the second lacks when the
/// third leads comes from that, and is not there before.
#[test]
fn a_promotion_brings_no_other_copy_what_it_lacks() {
    let three = [
        ("nodes.db.replication.replicas", "2"),
        ("nodes.db.replication.send_buffer", "0B"),
    ];
    let began = r#"At("19s", LoseMachine("db", 3)), At("20s", Restart("db", 3)), At("21s", LoseMachine("db", 1))"#;
    let scenario = format!(r#"{began}, At("23s", LoseMachine("db", 3))"#);
    // The third leads from 22 s on with what was written by 20 s; the second has what was written by 11 s.
    let end = end_of(STORE, &three, &scenario);
    let by_machines: Vec<u64> = end.faults.iter().map(|f| f.lost_writes).collect();
    assert!(near(by_machines[1], 100), "{by_machines:?}");
    assert!(near(by_machines[2], 900 + 100), "{by_machines:?}");
    // One lag later it has all of that.
    let scenario = format!(r#"{began}, At("33s", LoseMachine("db", 3))"#);
    let end = end_of(STORE, &three, &scenario);
    assert!(
        near(end.faults[2].lost_writes, 1_000),
        "{}",
        end.faults[2].lost_writes
    );
}

/// What is under way keeps its course: the 10 s of before are before the copy, and nothing passes them.
#[test]
fn a_shorter_lag_brings_no_copy_what_is_under_way() {
    let shorter = r#"At("20s", Set("nodes.db.replication.lag", "1ms"))"#;
    let scenario = format!(r#"{shorter}, At("20500ms", LoseMachine("db", 1))"#);
    let end = end_of(STORE, &[], &scenario);
    assert!(near(end.writes.lost, 1_000), "{}", end.writes.lost);
    // Poisson: as many as were acknowledged in the 10 s before.
    let poisson = [("nodes.clients.arrivals", r#"Poisson("70/s")"#)];
    let end = end_of(STORE, &poisson, &scenario);
    let acknowledged = |ms| at(STORE, &poisson, &scenario, ms).writes.acknowledged;
    let right = acknowledged(20_500) - acknowledged(10_500);
    assert!(near(end.writes.lost, right), "{}, {right}", end.writes.lost);
    // When they have come, so has the rest.
    let scenario = format!(r#"{shorter}, At("30100ms", LoseMachine("db", 1))"#);
    let lost = end_of(STORE, &[], &scenario).writes.lost;
    assert!(lost <= 2, "{lost}");
    // A longer lag holds for what is written from then on.
    let longer =
        r#"At("20s", Set("nodes.db.replication.lag", "30s")), At("31s", LoseMachine("db", 1))"#;
    let lost = end_of(STORE, &[], longer).writes.lost;
    assert!(near(lost, 1_100), "{lost}");
}

/// A snapshot that is being written goes on when the process does, and is complete so much later.
#[test]
fn a_short_hang_does_not_give_up_the_snapshot_that_is_being_written() {
    let big = [
        ("nodes.clients.value_size", "1MiB"),
        ("nodes.clients.keys", "1000"),
        ("nodes.clients.popularity", "Uniform"),
        ("nodes.api.instances", "1"),
        ("nodes.api.state", r#"InMemory(snapshot_every: "1s")"#),
    ];
    let crash = r#"At("62s", Crash("api", 1))"#;
    let changes: Vec<(&str, &str)> = big.into_iter().chain([("duration", "70s")]).collect();
    let without = end_of(SERVICE, &changes, crash).writes.lost;
    for ms in [50_000, 53_000, 56_000, 59_000] {
        let hang = format!(
            r#"At("{ms}ms", Hang("api", 1)), At("{}ms", Resume("api", 1)), {crash}"#,
            ms + 10
        );
        let with = end_of(SERVICE, &changes, &hang).writes.lost;
        assert!(near(with, without), "{ms}: {with}, without {without}");
    }
}

// Whoever hangs is still there.

fn promoted_at(snapshot: &Snapshot) -> Vec<u64> {
    let promoted =
        |h: &&statescope::sim::snapshot::Happening| matches!(h.what, What::Promoted { .. });
    snapshot
        .happenings
        .iter()
        .filter(promoted)
        .map(|h| h.at.0 / MS)
        .collect()
}

#[test]
fn a_copy_that_hangs_when_the_primary_dies_takes_over_when_it_goes_on() {
    let hangs = r#"At("20s", Hang("db", 2)), At("20500ms", LoseMachine("db", 1))"#;
    let scenario = format!(r#"{hangs}, At("21s", Resume("db", 2))"#);
    let end = end_of(STORE, &BEHIND_A_MILLISECOND, &scenario);
    assert!(end.writes.lost <= 50, "{}", end.writes.lost);
    assert_eq!(
        (end.writes.unavailable, promoted_at(&end)),
        (0, vec![25_500])
    );
    // Back when the primary has been missed already, it takes its time to take over, and no more.
    let late = [
        BEHIND_A_MILLISECOND[0],
        BEHIND_A_MILLISECOND[1],
        ("nodes.db.promotion_time", "2s"),
    ];
    let scenario = format!(r#"{hangs}, At("40s", Resume("db", 2))"#);
    let end = end_of(STORE, &late, &scenario);
    assert!(end.writes.lost <= 50, "{}", end.writes.lost);
    assert_eq!(
        (end.writes.unavailable, promoted_at(&end)),
        (0, vec![42_000])
    );
    // As long as it hangs nothing is lost that it has; nobody can reach it.
    let end = end_of(STORE, &BEHIND_A_MILLISECOND, hangs);
    assert!(end.writes.lost <= 50, "{}", end.writes.lost);
    assert!(
        end.writes.unavailable >= 1_950,
        "{}",
        end.writes.unavailable
    );
    // Dead, it has nothing.
    let scenario = format!(r#"{hangs}, At("22s", Crash("db", 2))"#);
    let end = end_of(STORE, &BEHIND_A_MILLISECOND, &scenario);
    assert_eq!(
        (end.writes.held, end.writes.lost),
        (0, end.writes.acknowledged)
    );
}

#[test]
fn a_copy_in_a_service_that_hangs_when_the_primary_dies_takes_over_when_it_goes_on() {
    let changes = [
        ("nodes.api.state.replication.lag", "1ms"),
        ("nodes.api.state.down_after", "5s"),
    ];
    let scenario =
        r#"At("20s", Hang("api", 2)), At("20500ms", Crash("api", 1)), At("21s", Resume("api", 2))"#;
    let end = end_of(SERVICE, &changes, scenario);
    assert_eq!((end.writes.lost, end.writes.unavailable), (0, 0));
}

/// Four instances, of which one hangs with the only copy of what another has that is stopped.
#[test]
fn a_drained_stop_loses_nothing_while_the_copy_hangs() {
    let four = [
        ("duration", "120s"),
        ("nodes.api.instances", "4"),
        ("nodes.api.boot_time", "2s"),
        ("nodes.api.service_time", r#"Constant("1ms")"#),
        ("nodes.lb.health_checks", r#"(interval: "200ms")"#),
        ("nodes.api.state.replication.lag", "1ms"),
        ("nodes.api.state.down_after", "5s"),
    ];
    for (hung, stops) in [
        (2, r#"Deploy("api", Drained)"#),
        (1, r#"RemoveInstances("api", 1)"#),
    ] {
        let hangs = format!(r#"At("19s", Hang("api", {hung})), At("20s", {stops})"#);
        let resumes = format!(r#"{hangs}, At("30s", Resume("api", {hung}))"#);
        let end = end_of(SERVICE, &four, &resumes);
        assert_eq!(
            (end.writes.lost, end.writes.unavailable),
            (0, 0),
            "{resumes}"
        );
        // Another gets the copy meanwhile: whoever hangs may be killed.
        let killed = format!(r#"{hangs}, At("29s", Crash("api", {hung}))"#);
        let end = end_of(SERVICE, &four, &killed);
        assert_eq!(
            (end.writes.lost, end.writes.unavailable),
            (0, 0),
            "{killed}"
        );
    }
    // Where there is no other, the copy that hangs has everything.
    let two = [four[3], four[5], four[6], ("nodes.api.drain_time", "2s")];
    let scenario = r#"At("19s", Hang("api", 2)), At("20s", Deploy("api", Drained)), At("30s", Resume("api", 2))"#;
    let end = end_of(SERVICE, &two, scenario);
    assert_eq!((end.writes.lost, end.writes.unavailable), (0, 0));
}

// A copy's own file.

/// A copy whose process died has in its file what had come to it; back while the primary is gone for good, it takes over
/// with that when the primary has been missed.
#[test]
fn a_copy_that_restarts_from_its_file_takes_over_from_a_primary_that_is_lost() {
    let on_file = [
        BEHIND_A_MILLISECOND[0],
        BEHIND_A_MILLISECOND[1],
        ("nodes.db.persistence", "AppendOnly(EverySecond)"),
    ];
    let lost = r#"At("20s", LoseMachine("db", 1))"#;
    let scenario = format!(r#"At("18s", Crash("db", 2)), {lost}, At("21s", Restart("db", 2))"#);
    let end = end_of(STORE, &on_file, &scenario);
    // Written from 18 to 20 s.
    assert!(near(end.writes.lost, 200), "{}", end.writes.lost);
    assert_eq!(
        (end.writes.unavailable, promoted_at(&end)),
        (0, vec![25_000])
    );
    assert_eq!(lost_through(&end), [0, end.writes.lost]);
    // The primary is back first: what its disk has counts, and that is all but what it wrote since its last fsync.
    let scenario = format!(
        r#"At("18s", Crash("db", 2)), {lost}, At("21s", Restart("db", 2)), At("22s", Restart("db", 1))"#
    );
    let end = end_of(STORE, &on_file, &scenario);
    assert!(end.writes.lost <= 100, "{}", end.writes.lost);
    assert_eq!((end.writes.unavailable, promoted_at(&end)), (0, vec![]));
    // Its machine was lost: it has what it had synced, up to a second less.
    let scenario =
        format!(r#"At("18s", LoseMachine("db", 2)), {lost}, At("21s", Restart("db", 2))"#);
    let end = end_of(STORE, &on_file, &scenario);
    assert!(
        (200..=300).contains(&end.writes.lost),
        "{}",
        end.writes.lost
    );
    assert_eq!(
        (end.writes.unavailable, promoted_at(&end)),
        (0, vec![25_000])
    );
    // Without a file it has nothing: nobody has anything.
    let scenario = format!(r#"At("18s", Crash("db", 2)), {lost}, At("21s", Restart("db", 2))"#);
    let end = end_of(STORE, &BEHIND_A_MILLISECOND, &scenario);
    assert_eq!(
        (end.writes.held, end.writes.lost),
        (0, end.writes.acknowledged)
    );
    // It hung before it died: what its kernel had taken for it was in no file.
    let scenario = format!(
        r#"At("15s", Hang("db", 2)), At("18s", Crash("db", 2)), {lost}, At("21s", Restart("db", 2))"#
    );
    let end = end_of(STORE, &on_file, &scenario);
    assert!(near(end.writes.lost, 500), "{}", end.writes.lost);
}

/// However long a copy is dead, a system does not grow with what its file lacks.
#[test]
fn a_dead_copy_makes_no_log_grow() {
    let on_file = [
        BEHIND_A_MILLISECOND[0],
        ("nodes.db.persistence", "AppendOnly(EverySecond)"),
        ("nodes.clients.arrivals", r#"Steady("1000/s")"#),
    ];
    let topology = topology(STORE, &on_file, r#"At("5s", Crash("db", 2))"#);
    let mut sim = Sim::new(&topology, 1, Watch { live: false });
    sim.run_until(Duration(10 * SECOND));
    let before = sim.audit().places;
    sim.run_until(Duration(60 * SECOND));
    let after = sim.audit().places;
    assert!(after <= before + 1_100, "{before}, {after}");
}

// Whoever was taken out of service holds nothing.

#[test]
fn what_an_instance_had_that_was_removed_is_lost_with_its_last_copy() {
    let changes = [
        ("nodes.api.drain_time", "1s"),
        ("nodes.api.state.snapshot_every", r#"Some("3s")"#),
        ("nodes.api.state.replication.lag", "5s"),
        ("nodes.api.state.down_after", "5s"),
    ];
    let leaves = r#"At("20s", RemoveInstances("api", 1))"#;
    let scenario =
        format!(r#"{leaves}, At("22s", LoseMachine("api", 1)), At("30s", Restart("api", 1))"#);
    let end = end_of(SERVICE, &changes, &scenario);
    assert_eq!(end.writes.unavailable, 0);
    // All 1,000 of the second, and what the first wrote since its last snapshot, 3 s before at most.
    let lost = end.writes.lost;
    assert!((1_000..=1_000 + 500).contains(&lost), "{lost}");
    assert!(end.faults[1].lost_writes >= 1_000, "{:?}", end.faults);
    let scenario = format!(r#"{leaves}, At("22s", Deploy("api", Abrupt))"#);
    let end = end_of(SERVICE, &changes, &scenario);
    assert_eq!(end.writes.unavailable, 0);
}

#[test]
fn survivors_load_the_snapshots_of_one_that_left_while_they_hung() {
    let changes = [
        ("nodes.api.service_time", r#"Constant("1ms")"#),
        ("nodes.api.drain_time", "2s"),
        (
            "nodes.api.state",
            r#"InMemory(snapshot_every: "10s", snapshot_to: ObjectStore("o"))"#,
        ),
    ];
    let text = SERVICE.replace(r#""lb": "#, r#""o": ObjectStore(), "lb": "#);
    let leaves = r#"At("20s", Hang("api", 1)), At("25s", RemoveInstances("api", 1))"#;
    let scenario = format!(r#"{leaves}, At("30s", Resume("api", 1))"#);
    let end = end_of(&text, &changes, &scenario);
    assert_eq!((end.writes.lost, end.writes.unavailable), (0, 0));
    // Killed instead, it loads what is in the object store when it is back: what it wrote itself since its last snapshot
    // is lost, 10 s before it hung at most.
    let scenario = format!(r#"{leaves}, At("30s", Crash("api", 1)), At("31s", Restart("api", 1))"#);
    let end = end_of(&text, &changes, &scenario);
    assert_eq!(end.writes.unavailable, 0);
    assert!(end.writes.lost <= 500, "{}", end.writes.lost);
}

// Whose fault it was.

fn lost_through(snapshot: &Snapshot) -> Vec<u64> {
    snapshot
        .faults
        .iter()
        .map(|fault| fault.lost_writes)
        .collect()
}

#[test]
fn what_the_last_copy_had_is_lost_through_what_took_that() {
    let scenario = r#"At("20s", Crash("db", 1)), At("22s", LoseMachine("db", 2))"#;
    let end = end_of(STORE, &BEHIND_A_MILLISECOND, scenario);
    assert_eq!(lost_through(&end), [0, end.writes.lost]);
    assert!(near(end.writes.lost, 2_000), "{}", end.writes.lost);
    // What was beyond the send buffer was lost through the crash, and at once; the rest through what took the copy.
    let one_second = [
        ("nodes.db.replication.send_buffer", "100KiB"),
        ("nodes.clients.value_size", "1KiB"),
    ];
    let scenario = r#"At("20s", Crash("db", 1)), At("22s", LoseMachine("db", 2))"#;
    let patient: Vec<(&str, &str)> = one_second
        .into_iter()
        .chain([("nodes.db.down_after", "30s")])
        .collect();
    let just_after = at(STORE, &patient, scenario, 20_000);
    assert!(
        near(just_after.writes.lost, 900),
        "{}",
        just_after.writes.lost
    );
    let end = end_of(STORE, &patient, scenario);
    let lost = lost_through(&end);
    assert!(near(lost[0], 900) && near(lost[1], 1_100), "{lost:?}");
}

#[test]
fn what_a_forced_failover_destroys_is_lost_through_that() {
    for (began, persistence) in [
        (r#"Crash("db", 1)"#, "None"),
        (r#"Crash("db", 1)"#, "AppendOnly(EverySecond)"),
        (r#"Hang("db", 1)"#, "None"),
    ] {
        let changes = [
            ("nodes.db.down_after", "30s"),
            ("nodes.db.persistence", persistence),
        ];
        let scenario = format!(r#"At("20s", {began}), At("21s", ForceFailover("db"))"#);
        let end = end_of(STORE, &changes, &scenario);
        // The copy has what was written by 11 s.
        let lost = lost_through(&end);
        assert!(near(lost[1], 900) && lost[0] == 0, "{scenario}: {lost:?}");
    }
}

// A failover that does not come about.

#[test]
fn a_failover_that_is_called_off_says_so_and_holds_nobody_up() {
    let patient = [
        ("nodes.clients.timeout", "30s"),
        ("nodes.db.down_after", "5s"),
        ("nodes.db.promotion_time", "1s"),
    ];
    let called_off = |snapshot: &Snapshot| {
        let says =
            |h: &statescope::sim::snapshot::Happening| matches!(h.what, What::CalledOff { .. });
        let times = snapshot
            .happenings
            .iter()
            .filter(|h| says(h))
            .map(|h| h.at.0 / SECOND);
        (
            snapshot.faults[0].called_off.is_some(),
            times.collect::<Vec<u64>>(),
        )
    };
    let fails_over = r#"At("20s", Failover("db"))"#;
    let end = end_of(STORE, &patient, fails_over);
    assert_eq!(called_off(&end), (false, Vec::new()));
    // The copy is lost, or not wanted any more: whoever waited goes on at once.
    for ends in [
        r#"LoseMachine("db", 2)"#,
        r#"Set("nodes.db.replication", "None")"#,
    ] {
        let scenario = format!(r#"{fails_over}, At("25s", {ends})"#);
        let acknowledged = at(STORE, &patient, &scenario, 25_010).writes.acknowledged;
        assert!(acknowledged >= 2_490, "{ends}: {acknowledged}");
        let end = end_of(STORE, &patient, &scenario);
        assert_eq!(called_off(&end), (true, vec![25]), "{ends}");
    }
    // The primary hangs.
    let scenario = format!(r#"{fails_over}, At("25s", Hang("db", 1)), At("26s", Resume("db", 1))"#);
    let end = end_of(STORE, &patient, &scenario);
    assert_eq!(called_off(&end), (true, vec![25]));
    // The primary is back before it was given up.
    let file = [
        patient[0],
        patient[1],
        patient[2],
        ("nodes.db.persistence", "AppendOnly(Always)"),
    ];
    let scenario =
        r#"At("20s", Failover("db")), At("20s", Crash("db", 1)), At("21s", Restart("db", 1))"#;
    let end = end_of(STORE, &file, scenario);
    assert!(called_off(&end).0);
}

/// One service that works on requests one after the other.
const ALONE: &str = r#"Topology(schema: 1, profile: Bare, duration: "20s",
    nodes: {
        "clients": Clients(arrivals: Steady("1/s"), timeout: None),
        "api": Service(instances: 1, workers: 1, service_time: Constant("500ms")),
    },
    links: ["clients -> api"])"#;

fn longest(node: &str, scenario: &str) -> f64 {
    let scenario = format!("[{scenario}]");
    let topology = read_with(ALONE, &[("nodes.api", node), ("scenario", &scenario)]);
    figure(&run(&topology, 1).results(), "response_time_s.max")
}

#[test]
fn nothing_runs_in_a_process_that_hangs() {
    let hang = |from: &str, to: &str| {
        format!(r#"At("{from}", Hang("api", 1)), At("{to}", Resume("api", 1))"#)
    };
    let service = r#"Service(instances: 1, workers: 1, service_time: Constant("500ms"))"#;
    let store = r#"RedisLike(command_time: "500ms", persistence: None)"#;
    let database = r#"SqlDatabase(read_time: "500ms")"#;
    for node in [service, store, database] {
        for (from, to, seconds) in [
            ("3100ms", "3300ms", 0.7),
            ("3200ms", "3600ms", 0.9),
            ("3s", "3600ms", 1.1),
            ("2900ms", "3600ms", 1.1),
        ] {
            let found = longest(node, &hang(from, to));
            assert!(
                (found - seconds).abs() < 0.001 * seconds,
                "{node}, {from}: {found}"
            );
        }
        // It stands still as often as it hangs.
        let twice = format!("{}, {}", hang("3100ms", "3200ms"), hang("3300ms", "3500ms"));
        let found = longest(node, &twice);
        assert!((found - 0.8).abs() < 0.001, "{node}: {found}");
    }
    // A kill ends what stood still.
    let killed = r#"At("3100ms", Hang("api", 1)), At("3200ms", Crash("api", 1)), At("3300ms", Restart("api", 1))"#;
    assert!(longest(service, killed) < 0.6);
}

#[test]
fn what_was_due_in_a_hang_is_done_at_its_end() {
    let text = |state: &str| {
        format!(
            r#"Topology(schema: 1, profile: Bare, duration: "40s", nodes: {{
                "clients": Clients(arrivals: Steady("100/s"), mix: (write: 1), timeout: None),
                "api": Service(instances: 1, workers: 100, service_time: Constant("0s"), state: {state}),
            }}, links: ["clients -> api"])"#
        )
    };
    for (state, hang, resume, death, most) in [
        (
            r#"LocalDisk(fsync: EverySecond, fsync_time: "0s")"#,
            20_000,
            20_900,
            r#"LoseMachine("api", 1)"#,
            101,
        ),
        (
            r#"LocalDisk(fsync: EverySecond, fsync_time: "0s")"#,
            20_000,
            20_010,
            r#"LoseMachine("api", 1)"#,
            101,
        ),
        (
            r#"InMemory(snapshot_every: "5s", snapshot_rate: "unlimited")"#,
            20_000,
            22_000,
            r#"Crash("api", 1)"#,
            501,
        ),
        (
            r#"InMemory(snapshot_every: "5s", snapshot_rate: "unlimited")"#,
            20_000,
            20_010,
            r#"Crash("api", 1)"#,
            501,
        ),
    ] {
        for seed in 1..=20 {
            for after in [900, 4_900] {
                let scenario = format!(
                    r#"[At("{hang}ms", Hang("api", 1)), At("{resume}ms", Resume("api", 1)), At("{}ms", {death})]"#,
                    resume + after
                );
                let topology = read_with(&text(state), &[("scenario", &scenario)]);
                // What came during the hang is written at its end.
                let backlog = (resume - hang) / 10;
                let lost = run(&topology, seed).snapshot().writes.lost;
                assert!(
                    lost <= most + backlog,
                    "{state}, {resume}, {after}, seed {seed}: {lost}"
                );
            }
        }
    }
}
