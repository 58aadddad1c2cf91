//! Trying one choice out: a copy of what runs, or a fresh run, in which one instance crashes, and what the ledger books on
//! that. It is a job of the background, cut into slices.

use crate::analysis::jobs::Turn;
use crate::app::run::measure::Slot;
use crate::app::run::measure::choices::Run;
use crate::model::{Command, Topology};
use crate::sim::{Sim, Watch};
use crate::units::{Duration, SECOND};

/// Another choice than the one in use has at least this long to settle, and is given up if it still moves state then or has
/// no snapshot yet.
const SETTLE: (Duration, Duration) = (Duration(SECOND), Duration(60 * SECOND));
/// A run that needs more events is given up.
const EVENTS_MAX: u64 = 20_000_000;
/// Events between two looks at whether the run is still wanted.
const SLICE_EVENTS: u64 = 4_096;

/// Where the runs start from.
#[derive(Debug)]
pub(super) enum Basis {
    /// A copy of the running system.
    Now(Box<Sim>),
    /// A fresh run, with the time before its crash.
    Fresh(Box<Topology>, Duration),
}

/// What the run's figure is; nothing if it is not wanted any more or would take too long.
pub(super) fn loss(run: &Run, basis: &Basis, turn: &Turn) -> Option<u64> {
    let (writes, sessions) = match basis {
        Basis::Now(sim) => losses_from_now(run, Sim::clone(sim), turn),
        Basis::Fresh(topology, before) => losses_of_fresh(run, topology, *before, turn),
    }?;
    Some(match run.slot {
        Slot::Placement(_) => writes,
        Slot::Sessions(_) => sessions,
    })
}

/// Writes and sessions lost by the crash, if it comes now, or once another choice has settled.
pub(super) fn losses_from_now(run: &Run, mut sim: Sim, turn: &Turn) -> Option<(u64, u64)> {
    let mut events = 0;
    if !run.commands.is_empty() {
        let begun = sim.now().0;
        for command in &run.commands {
            sim.apply(command).ok()?;
        }
        let mut until = begun.saturating_add(SETTLE.0.0);
        loop {
            advance(&mut sim, Duration(until), &mut events, turn)?;
            let nodes = sim.snapshot().nodes;
            let moves = nodes.iter().any(|node| node.moving_bytes > 0);
            let (service, number) = &run.victim;
            let victim = nodes.iter().find(|node| node.name == *service);
            let mut victims = victim.iter().flat_map(|node| &node.instances);
            let saved = victims.any(|i| i.number == *number && i.last_snapshot.is_some());
            if !moves && (saved || run.snapshots.is_none()) {
                break;
            }
            if until - begun >= SETTLE.1.0 {
                return None;
            }
            until = until.saturating_add(SECOND);
        }
        // Half of what comes between two snapshots is exposed, which is typical.
        let half = run.snapshots.map_or(0, |every| every.0 / 2);
        let until = Duration(until.saturating_add(half));
        advance(&mut sim, until, &mut events, turn)?;
    }
    losses_by_crash(run, sim, &mut events, turn)
}

/// The same in a fresh run, in which the crash comes after a while.
pub(super) fn losses_of_fresh(
    run: &Run,
    topology: &Topology,
    before: Duration,
    turn: &Turn,
) -> Option<(u64, u64)> {
    let mut changed = topology.clone();
    for command in &run.commands {
        changed.apply(command).ok()?;
    }
    let mut sim = Sim::new(&changed, changed.seed, Watch { live: false });
    let mut events = 0;
    advance(&mut sim, before, &mut events, turn)?;
    losses_by_crash(run, sim, &mut events, turn)
}

/// What the ledger books on the crash; nothing if it is not wanted any more or would take too long.
fn losses_by_crash(run: &Run, mut sim: Sim, events: &mut u64, turn: &Turn) -> Option<(u64, u64)> {
    let (service, number) = &run.victim;
    let crash = Command::Crash(service.clone(), *number);
    let at = sim.now();
    sim.apply(&crash).ok()?;
    let end = Duration(at.0.saturating_add(run.after.0));
    advance(&mut sim, end, events, turn)?;
    let after = sim.snapshot();
    let fault = after
        .faults
        .iter()
        .rfind(|fault| fault.at == at && fault.command == crash)?;
    Some((fault.lost_writes, fault.lost_sessions))
}

fn advance(sim: &mut Sim, until: Duration, events: &mut u64, turn: &Turn) -> Option<()> {
    while !sim.run_some(until, SLICE_EVENTS) {
        *events += SLICE_EVENTS;
        if *events > EVENTS_MAX || !turn.goes_on() {
            return None;
        }
    }
    Some(())
}
