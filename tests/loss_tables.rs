//! What each fault loses, for every placement of state and every way to keep sessions: `loss_tables.ron`, cell by cell.
//!
//! The expectation comes from the same run, stopped earlier: what an instance held at the fault, at its last snapshot,
//! one fsync period or one replication lag before. Operations in flight at either instant are the only slack.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use indexmap::IndexMap;
use serde::Deserialize;
use statescope::model::settings::ron_options;
use statescope::model::{Command, Node, Stop, Topology, check};
use statescope::sim::snapshot::Snapshot;
use statescope::sim::{Sim, Watch};
use statescope::units::Duration;

#[derive(Deserialize)]
struct Tables {
    base: String,
    writes: Vec<Row>,
    sessions: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    set: IndexMap<String, String>,
    at: (String, u32),
    /// Longest time between two fsyncs.
    #[serde(default)]
    window: Option<Duration>,
    cells: IndexMap<String, String>,
}

const SECOND: u64 = 1_000_000_000;
const SEEDS: u64 = 6;

fn tables() -> Tables {
    ron_options()
        .from_str(include_str!("loss_tables.ron"))
        .expect("the tables are read")
}

fn topology(tables: &Tables, row: &Row) -> Topology {
    let mut topology: Topology = ron_options()
        .from_str(&tables.base)
        .expect("the base is read");
    for (path, value) in &row.set {
        topology
            .set_path(path, value)
            .unwrap_or_else(|e| panic!("{}: {e}", row.name));
    }
    // In zones of its own: what is lost with a zone is the store, or the service.
    if let Some(Node::RedisLike(_) | Node::SqlDatabase(_)) = topology.nodes.get("store") {
        topology
            .set_path("nodes.store.zones", r#"["x", "y"]"#)
            .unwrap();
    }
    let problems: Vec<String> = check(&topology)
        .into_iter()
        .filter(|p| p.severity == statescope::model::Severity::Error)
        .map(|p| p.to_string())
        .collect();
    assert!(problems.is_empty(), "{}: {problems:?}", row.name);
    topology
}

/// The zone that an instance or member is in.
fn zone(topology: &Topology, (node, number): &(String, u32)) -> String {
    let zones = topology.nodes[node].zones();
    zones[(*number as usize - 1) % zones.len()].clone()
}

fn command(topology: &Topology, column: &str, at: &(String, u32)) -> Option<Command> {
    let (node, number) = at.clone();
    let sides = |text: String| text.parse().unwrap();
    match column {
        "zone_loss" => Some(Command::LoseZone(zone(topology, at))),
        "partition" => Some(Command::Cut(sides(format!("{node}.{number} -> *")))),
        "cut_from_balancer" => Some(Command::Cut(sides(format!("lb -> {node}.{number}")))),
        "none" => None,
        "crash" => Some(Command::Crash(node, number)),
        "machine_loss" => Some(Command::LoseMachine(node, number)),
        "hang" => Some(Command::Hang(node, number)),
        "deploy_drained" => Some(Command::Deploy("api".into(), Stop::Drained)),
        "deploy_abrupt" => Some(Command::Deploy("api".into(), Stop::Abrupt)),
        "scale_in" => Some(Command::RemoveInstances("api".into(), 1)),
        "failover" => Some(Command::Failover(node)),
        "forced_failover" => Some(Command::ForceFailover(node)),
        "signing_key" => Some(Command::ReplaceSigningKey),
        "key_rotation" => Some(Command::RotateKeys(Duration(20 * SECOND))),
        other => panic!("no column {other}"),
    }
}

/// The instances that the cell is about.
fn concerned(topology: &Topology, column: &str, at: &(String, u32)) -> (String, Vec<u32>) {
    let node = &topology.nodes[&at.0];
    match column {
        "zone_loss" => {
            let zone = zone(topology, at);
            let inside = |number: &u32| self::zone(topology, &(at.0.clone(), *number)) == zone;
            (at.0.clone(), (1..=node.members()).filter(inside).collect())
        }
        "scale_in" => ("api".into(), vec![3]),
        "deploy_drained" | "deploy_abrupt" => ("api".into(), vec![1, 2, 3]),
        _ => (at.0.clone(), vec![at.1]),
    }
}

fn held(snapshot: &Snapshot, at: &(String, Vec<u32>)) -> (u64, u64) {
    let node = snapshot
        .nodes
        .iter()
        .find(|n| n.name == at.0)
        .expect("the node is there");
    let mine = node.instances.iter().filter(|i| at.1.contains(&i.number));
    mine.fold((0, 0), |(writes, sessions), i| {
        (writes + i.writes, sessions + i.sessions)
    })
}

/// One cell with one seed: checks the code, and gives what was lost.
fn try_cell(
    topology: &Topology,
    row: &Row,
    column: &str,
    code: &str,
    sessions: bool,
    seed: u64,
) -> u64 {
    let what = format!("{} / {column} / {code} (seed {seed})", row.name);
    // Not in step with any clock of the topology.
    let fault_at = 40 * SECOND + seed * 337_000_000;
    let concerned = concerned(topology, column, &row.at);
    let run_to = |at: u64| {
        let mut sim = Sim::new(topology, seed, Watch { live: false });
        sim.run_until(Duration(at));
        sim
    };
    let pick = |pair: (u64, u64)| if sessions { pair.1 } else { pair.0 };
    let mut sim = run_to(fault_at);
    let before = sim.snapshot();
    let slack = before.operations.in_flight;
    // Tokens are kept by nobody: their key concerns all of them.
    let had = if column == "signing_key" {
        before.sessions.live
    } else {
        pick(held(&before, &concerned))
    };
    let lost = |s: &Snapshot| {
        if sessions {
            s.sessions.lost
        } else {
            s.writes.lost
        }
    };
    let lost_before = lost(&before);
    if let Some(command) = command(topology, column, &row.at) {
        sim.apply(&command)
            .unwrap_or_else(|e| panic!("{what}: {e}"));
    }
    let just_after = sim.snapshot();
    // Long enough for every copy to be promoted, and where nothing comes back by itself.
    let back = if column == "partition" { 13 } else { 6 };
    sim.run_until(Duration(fault_at + back * SECOND));
    let parted = sim.snapshot();
    match column {
        "crash" | "machine_loss" => drop(sim.apply(&Command::Restart(row.at.0.clone(), row.at.1))),
        "zone_loss" => {
            for &number in &concerned.1 {
                drop(sim.apply(&Command::Restart(row.at.0.clone(), number)));
            }
        }
        "partition" | "cut_from_balancer" => {
            let cut = command(topology, column, &row.at);
            let sides = cut.as_ref().and_then(Command::sides).cloned();
            sim.apply(&Command::Heal(sides.expect("a cut has two sides")))
                .unwrap_or_else(|e| panic!("{what}: {e}"));
        }
        "hang" => drop(sim.apply(&Command::Resume(row.at.0.clone(), row.at.1))),
        _ => {}
    }
    sim.run_until(Duration(fault_at + 40 * SECOND));
    let after = sim.snapshot();
    assert_eq!(
        after.writes.acknowledged,
        after.writes.held + after.writes.lost,
        "{what}: the ledger balances"
    );
    let s = after.sessions;
    assert_eq!(
        s.initial + s.created,
        s.live + s.expired + s.logged_out + s.revoked + s.lost,
        "{what}: the sessions balance"
    );
    let lost = lost(&after) - lost_before;
    let at_least = |least: u64| {
        assert!(
            lost >= least,
            "{what}: lost {lost}, expected at least {least}"
        );
    };
    let at_most = |most: u64| assert!(lost <= most, "{what}: lost {lost}, expected at most {most}");
    // What the concerned instances had at an earlier time, with the operations in flight then.
    let earlier = |at: u64| {
        let snapshot = run_to(at).snapshot();
        (
            pick(held(&snapshot, &concerned)),
            snapshot.operations.in_flight,
        )
    };
    let deploys = column.starts_with("deploy");
    match code {
        "0" => at_most(0),
        "u" => {
            at_most(0);
            assert!(
                just_after.writes.unavailable + slack >= had && had > 0,
                "{what}: {:?} of {had}",
                just_after.writes
            );
            assert_eq!(after.writes.unavailable, 0, "{what}: reachable again");
        }
        "A" => {
            at_least(had);
            assert!(had > 0, "{what}: there was something to lose");
            if !deploys && column != "scale_in" {
                at_most(had + slack);
            }
        }
        // Each of three instances loses at most what it took since its last flush.
        "D" if deploys => {
            at_least(1);
            at_most(100 * 7 + slack);
        }
        "D" => {
            at_least(had);
            at_most(had + slack);
            // A third of 100 writes a second, and as much again by chance, since the last flush.
            at_most(2 * 34 * 7);
        }
        "S" if deploys => {
            // Each of three instances loses at most what it took in two seconds and the writing of the snapshot.
            at_least(1);
            at_most(100 * 5 / 2 + slack);
        }
        "S" => {
            let node = before
                .nodes
                .iter()
                .find(|n| n.name == row.at.0)
                .expect("the node is there");
            let snapshot_at = node.instances[row.at.1 as usize - 1]
                .last_snapshot
                .expect("a snapshot was taken");
            let (then, in_flight) = earlier(snapshot_at.0);
            at_least((had - then).saturating_sub(in_flight));
            at_most(had - then + slack);
        }
        // Each of three instances loses the lag before its own stop.
        "G" if deploys => at_most(40 + slack),
        // What the deposed side alone has when it is told.
        "B" => {
            let has = pick(held(&parted, &concerned));
            at_least(has.saturating_sub(parted.operations.in_flight));
            at_most(has + parted.operations.in_flight);
            at_most(had.saturating_sub(earlier(fault_at - 200_000_000).0) + slack);
        }
        "F" | "G" => {
            let window = match (code, row.window) {
                (_, Some(window)) => window.0,
                ("F", None) => SECOND + 10_000_000,
                _ if sessions => 2 * SECOND,
                _ => 200_000_000,
            };
            at_most(
                had.saturating_sub(earlier(fault_at - window).0)
                    + slack
                    + if sessions { 60 } else { 0 },
            );
        }
        "O" => at_least(1),
        other => panic!("{what}: no code {other}"),
    }
    lost
}

fn try_table(rows: &[Row], tables: &Tables, sessions: bool) {
    for row in rows {
        let topology = topology(tables, row);
        for (column, code) in &row.cells {
            let lost: u64 = (1..=SEEDS)
                .map(|seed| try_cell(&topology, row, column, code, sessions, seed))
                .sum();
            let loses = !matches!(code.as_str(), "0" | "u");
            assert_eq!(
                lost > 0,
                loses,
                "{} / {column} / {code}: {lost} lost over {SEEDS} seeds",
                row.name
            );
        }
    }
}

#[test]
fn acknowledged_writes() {
    let tables = tables();
    try_table(&tables.writes, &tables, false);
}

#[test]
fn live_sessions() {
    let tables = tables();
    try_table(&tables.sessions, &tables, true);
}
