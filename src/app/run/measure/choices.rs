//! What is tried out: every choice of the two toggles, with what is applied for it and how long it takes to settle.

use crate::app::run::measure::Slot;
use crate::model::check::errors;
use crate::model::toggles::{self, Offer, Placement, Remembered, SessionKind};
use crate::model::workload::{Arrivals, Distribution};
use crate::model::{Command, Node, Sessions, State, Topology};
use crate::sim::snapshot::Snapshot;
use crate::units::{Duration, SECOND};

/// In a fresh run the crash comes after this much simulated time, sooner where there is much traffic.
pub(super) const BEFORE: Duration = Duration(17 * SECOND);
/// About so many operations come before it at most.
const OPERATIONS_MAX: f64 = 100_000.0;
/// After the crash, besides the time until a copy takes over, what is lost is settled in this time.
const AFTER: Duration = Duration(2 * SECOND);

/// One run: which figure it is for, what is applied first, and which instance crashes.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) slot: Slot,
    pub(super) commands: Vec<Command>,
    pub(super) victim: (String, u32),
    /// Between two snapshots of its memory.
    pub(super) snapshots: Option<Duration>,
    /// Until what was lost is settled.
    pub(super) after: Duration,
}

/// The runs for every choice that can be. The one in use comes first: it is the one that can be looked up beside it.
pub(super) fn runs(
    bare: &Topology,
    remembered: &Remembered,
    victims: &[Option<(String, u32)>; 2],
) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut add = |slot, offer, victim: &(String, u32)| {
        let commands = match offer {
            Offer::Current => Vec::new(),
            Offer::Change(change) => change.commands,
            Offer::Not(_) => return,
        };
        let mut changed = bare.clone();
        if commands.iter().any(|c| changed.apply(c).is_err()) {
            return;
        }
        if errors(&changed).is_empty() {
            runs.push(Run {
                slot,
                snapshots: snapshots(&changed, &victim.0),
                after: until_settled(&changed, &victim.0),
                commands,
                victim: victim.clone(),
            });
        }
    };
    if let Some(victim) = &victims[0] {
        for (i, choice) in Placement::ALL.into_iter().enumerate() {
            let service = std::slice::from_ref(&victim.0);
            let offer = toggles::place(bare, remembered, service, choice);
            add(Slot::Placement(i), offer, victim);
        }
    }
    if let Some(victim) = &victims[1] {
        for (i, choice) in SessionKind::ALL.into_iter().enumerate() {
            // Without sessions none can be lost: that is no merit to show.
            if choice != SessionKind::None {
                let offer = toggles::keep_sessions(bare, remembered, choice);
                add(Slot::Sessions(i), offer, victim);
            }
        }
    }
    runs.sort_by_key(|run| !run.commands.is_empty());
    runs
}

/// Time between two snapshots of a service's memory, if it makes any.
pub(super) fn snapshots(topology: &Topology, service: &str) -> Option<Duration> {
    match topology.nodes.get(service) {
        Some(Node::Service(service)) => match &service.state {
            State::InMemory(memory) => memory.snapshot_every,
            _ => None,
        },
        _ => None,
    }
}

/// Time after a crash until a copy has taken over, if there is one, and what is lost is known.
fn until_settled(topology: &Topology, service: &str) -> Duration {
    let state = match topology.nodes.get(service) {
        Some(Node::Service(service)) => match &service.state {
            State::InMemory(memory) => memory.down_after,
            _ => Duration(0),
        },
        _ => Duration(0),
    };
    let sessions = match &topology.sessions {
        Sessions::InMemory(sessions) => sessions.down_after,
        _ => Duration(0),
    };
    Duration(AFTER.0.saturating_add(state.max(sessions).0))
}

/// The topology without what only people read or what comes later.
pub(super) fn essence(topology: &Topology) -> Topology {
    let mut bare = topology.clone();
    bare.name.clear();
    bare.summary.clear();
    bare.note.clear();
    bare.canvas.clear();
    bare.expects.clear();
    bare.scenario.clear();
    bare.objectives = Default::default();
    bare
}

/// An instance that serves, drawn at random, but the same one as long as it does.
pub(super) fn serving(snapshot: &Snapshot, service: &str, seed: u64) -> Option<u32> {
    let node = snapshot.nodes.iter().find(|node| node.name == service)?;
    // Each has a lot of its own, so that another one's death changes nothing; the highest is drawn.
    let lot = |number: u32| {
        let bits = (seed ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    };
    let up = node.instances.iter().filter(|i| i.status.serves());
    up.map(|instance| instance.number)
        .max_by_key(|&number| lot(number))
}

/// When the crash comes in a fresh run. Half a second past, because what is saved every second or every five has then been
/// half exposed, which is typical.
pub(super) fn before_crash(topology: &Topology) -> Duration {
    let whole = OPERATIONS_MAX / offered_per_second(topology);
    Duration::from_secs(whole.min(BEFORE.secs()).floor() + 0.5)
}

/// About how many operations all clients want a second.
fn offered_per_second(topology: &Topology) -> f64 {
    let rates = topology.nodes.values().map(|node| match node {
        Node::Clients(clients) => match &clients.arrivals {
            Arrivals::Poisson(rate) | Arrivals::Steady(rate) => rate.0,
            Arrivals::Closed(closed) => {
                let think = match &closed.think {
                    Distribution::Constant(time)
                    | Distribution::Exponential(time)
                    | Distribution::Uniform(time) => time.secs(),
                    Distribution::LogNormal(log_normal) => log_normal.mean.secs(),
                };
                f64::from(closed.users) / (think + 0.01)
            }
        },
        _ => 0.0,
    });
    rates.sum::<f64>().max(1.0)
}
