//! What each choice of the two toggles would lose, measured by small runs in the background.
//!
//! A run starts from what is now: a copy of the running system, with that choice applied, and one crash of one instance,
//! drawn at random and the same for every choice. What counts is what the ledger books on that crash. Before anything
//! runs there is no now: then a fresh run of some seconds comes before the crash. [`Measure::told`] says which it was.
//! A choice that is not in use settles first: what moves has moved, and the first snapshot is made where there are to be some.
//! The thread sleeps as long as it works and stops when the topology changes; what is not known yet is a dash.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::time::Instant;

use egui::Context;

use crate::app::widgets::LossFigure;
use crate::app::words::format;
use crate::model::check::errors;
use crate::model::check::first_services;
use crate::model::settings::to_ron;
use crate::model::toggles::{self, Offer, Placement, Remembered, SessionKind};
use crate::model::workload::{Arrivals, Distribution};
use crate::model::{Command, Node, Sessions, State, Topology};
use crate::sim::snapshot::Snapshot;
use crate::sim::{Sim, Watch};
use crate::units::{Duration, SECOND};

/// In a fresh run the crash comes after this much simulated time, sooner where there is much traffic.
const BEFORE: Duration = Duration(17 * SECOND);
/// About so many operations come before it at most.
const OPERATIONS_MAX: f64 = 100_000.0;
/// Another choice than the one in use has at least this long to settle, and is given up if it still moves state then or has
/// no snapshot yet.
const SETTLE: (Duration, Duration) = (Duration(SECOND), Duration(60 * SECOND));
/// After the crash, besides the time until a copy takes over, what is lost is settled in this time.
const AFTER: Duration = Duration(2 * SECOND);
/// A run that needs more events is given up.
const EVENTS_MAX: u64 = 20_000_000;
/// Events between two looks at whether the run is still wanted.
const SLICE_EVENTS: u64 = 4_096;
/// The topology has to stand still for this long before anything is measured, in seconds.
const STILL_S: f64 = 0.4;
/// While time runs, what is known is measured again after so many seconds, and after so many times as long as it took.
const AGAIN_S: f64 = 2.0;
/// See [`AGAIN_S`].
const AGAIN_TIMES: f64 = 4.0;

/// The losses that are known, and the thread that measures more.
#[derive(Debug, Default)]
pub struct Measure {
    /// The topology and service that are shown now, and the key made of them.
    seen: Option<(Topology, Option<String>)>,
    key: String,
    /// Since when they have been shown.
    since: f64,
    known: Option<Measured>,
    running: Option<Running>,
    /// When the last measurement began and ended.
    took: (f64, f64),
}

/// What was measured last, and from where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    key: String,
    /// The run that it started from, and its instant; none: a fresh one.
    from: Option<(u64, Duration)>,
    /// Faults of that run by then.
    faults: usize,
    /// By choice, in the order of the toggles: acknowledged writes, sessions.
    placements: [LossFigure; 5],
    sessions: [LossFigure; 4],
    /// Of state and of sessions: the instance that crashed in every run.
    victims: [Option<(String, u32)>; 2],
    /// How many sessions the second one held.
    held: Option<u64>,
    /// In a fresh run: when the crash came.
    fresh_for: Option<Duration>,
    /// The first one makes snapshots, and had made none yet.
    unsaved: bool,
}

#[derive(Debug)]
struct Running {
    /// What will be known when all of it has arrived.
    measured: Measured,
    cancelled: Arc<AtomicBool>,
    results: Receiver<(Slot, u64)>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// Which figure a run is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slot {
    Placement(usize),
    Sessions(usize),
}

/// One run: which figure it is for, what is applied first, and which instance crashes.
#[derive(Debug)]
struct Run {
    slot: Slot,
    commands: Vec<Command>,
    victim: (String, u32),
    /// Between two snapshots of its memory.
    snapshots: Option<Duration>,
    /// Until what was lost is settled.
    after: Duration,
}

/// Where the runs start from.
#[derive(Debug)]
enum Basis {
    /// A copy of the running system, which is being made.
    Now(Receiver<Sim>),
    /// A fresh run, with the time before its crash.
    Fresh(Box<Topology>, Duration),
}

/// What is asked about: the document and the running system as they are shown.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The document.
    pub topology: &'a Topology,
    /// What was written for choices that are not in use.
    pub remembered: &'a Remembered,
    /// The service whose state is asked about, if one is selected.
    pub service: Option<&'a str>,
    /// The number of the run, and its latest instant.
    pub run: u64,
    /// See `run`.
    pub snapshot: &'a Snapshot,
    /// Whether time runs.
    pub playing: bool,
}

impl Measure {
    /// Takes in what is known by now and starts what is missing; once a frame. `copy` makes a copy of the running system.
    pub fn update(&mut self, ctx: &Context, asked: &Asked, copy: impl FnOnce() -> Receiver<Sim>) {
        let now = ctx.input(|input| input.time);
        let (topology, service) = (asked.topology, asked.service);
        let seen = self.seen.as_ref();
        if seen.is_none_or(|(t, s)| t != topology || s.as_deref() != service) {
            self.seen = Some((topology.clone(), service.map(str::to_owned)));
            let key = key(topology, service);
            // Moving or describing something changes no result.
            if key != self.key {
                self.key = key;
                self.since = now;
            }
        }
        let from = (asked.snapshot.now > Duration(0)).then_some((asked.run, asked.snapshot.now));
        // What a fresh run gave stays until something better is known.
        let same = |measured: &Measured| {
            let run = measured.from.map(|f| f.0);
            measured.key == self.key && (run.is_none() || run == from.map(|f| f.0))
        };
        self.known.take_if(|known| !same(known));
        // Half measured is not measured: it starts again when it is shown again.
        self.running.take_if(|running| !same(&running.measured));
        self.receive(now);
        if self.running.is_some() {
            return;
        }
        let due = match &self.known {
            None => self.since + STILL_S,
            Some(known) if known.from == from => return,
            // A fault or the end of playing makes what is known old at once.
            Some(known) if known.faults != asked.snapshot.faults.len() || !asked.playing => {
                self.took.1 + STILL_S
            }
            Some(_) => self.took.1 + (AGAIN_TIMES * (self.took.1 - self.took.0)).max(AGAIN_S),
        };
        if now < due {
            let rest = std::time::Duration::from_secs_f64((due - now).clamp(0.0, AGAIN_S));
            ctx.request_repaint_after(rest);
            return;
        }
        self.begin(ctx, asked, from, copy);
        self.took = (now, now);
    }

    /// Takes in results; new ones are shown once all are there, so that they can be compared.
    fn receive(&mut self, now: f64) {
        let Some(running) = &mut self.running else {
            return;
        };
        let measured = &mut running.measured;
        loop {
            match running.results.try_recv() {
                Ok((Slot::Placement(i), loss)) => measured.placements[i] = LossFigure::Lost(loss),
                Ok((Slot::Sessions(i), loss)) => measured.sessions[i] = LossFigure::Lost(loss),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.known = Some(std::mem::take(measured));
                    self.running = None;
                    self.took.1 = now;
                    return;
                }
            }
        }
    }

    fn begin(
        &mut self,
        ctx: &Context,
        asked: &Asked,
        from: Option<(u64, Duration)>,
        copy: impl FnOnce() -> Receiver<Sim>,
    ) {
        let bare = essence(asked.topology);
        let front = first_services(&bare).first().map(|name| (*name).to_owned());
        let victim = |service: Option<&str>| {
            let service = service?;
            let number = match from {
                Some(_) => serving(asked.snapshot, service, bare.seed)?,
                None => 1,
            };
            Some((service.to_owned(), number))
        };
        let victims = [victim(asked.service), victim(front.as_deref())];
        let held = victims[1].as_ref().filter(|_| from.is_some());
        let held = held.and_then(|(service, number)| {
            let node = asked.snapshot.nodes.iter().find(|n| n.name == *service)?;
            Some(
                node.instances
                    .iter()
                    .find(|i| i.number == *number)?
                    .sessions,
            )
        });
        let (basis, fresh_for) = match from {
            Some(_) => (Basis::Now(copy()), None),
            None => {
                let before = before_crash(&bare);
                (Basis::Fresh(Box::new(bare.clone()), before), Some(before))
            }
        };
        let unsaved = |(service, number): &(String, u32)| {
            let node = asked.snapshot.nodes.iter().find(|n| n.name == *service);
            let mut instances = node.iter().flat_map(|node| &node.instances);
            let victim = instances.find(|instance| instance.number == *number);
            snapshots(&bare, service).is_some() && victim.is_some_and(|i| i.last_snapshot.is_none())
        };
        let measured = Measured {
            key: self.key.clone(),
            unsaved: from.is_some() && victims[0].as_ref().is_some_and(unsaved),
            from,
            faults: asked.snapshot.faults.len(),
            held: held.filter(|_| matches!(bare.sessions, Sessions::InMemory(_))),
            fresh_for,
            victims,
            ..Measured::default()
        };
        let runs = runs(&bare, asked.remembered, &measured.victims);
        let cancelled = Arc::new(AtomicBool::new(false));
        let (results, receiver) = mpsc::channel();
        let (ctx, stop) = (ctx.clone(), Arc::clone(&cancelled));
        let work = move || measure_all(basis, &runs, &results, &stop, || ctx.request_repaint());
        // Without a thread the figures stay dashes.
        let spawned = std::thread::Builder::new()
            .name("measure".into())
            .spawn(work);
        self.running = spawned.ok().map(|_| Running {
            measured,
            cancelled,
            results: receiver,
        });
    }

    /// What is known, or as much as has arrived.
    pub fn measured(&self) -> Option<&Measured> {
        let arriving = self.running.as_ref().map(|running| &running.measured);
        self.known.as_ref().or(arriving)
    }

    /// Acknowledged writes lost if one instance dies.
    pub fn placement(&self, choice: Placement) -> LossFigure {
        let at = Placement::ALL.iter().position(|c| *c == choice);
        self.measured()
            .map_or(LossFigure::Unknown, |m| m.placements[at.unwrap_or(0)])
    }

    /// Sessions lost if one instance dies.
    pub fn sessions(&self, choice: SessionKind) -> LossFigure {
        let at = SessionKind::ALL.iter().position(|c| *c == choice);
        self.measured()
            .map_or(LossFigure::Unknown, |m| m.sessions[at.unwrap_or(0)])
    }

    /// What the figures of state say, for beside their title: "lost if api 3 died at 17.5 s".
    pub fn about_writes(&self) -> String {
        if self.measured().is_some_and(|measured| measured.unsaved) {
            return "lost before the first snapshot".to_owned();
        }
        self.about("writes", 0)
    }

    /// The same of sessions.
    pub fn about_sessions(&self) -> String {
        self.about("sessions", 1)
    }

    fn about(&self, what: &str, which: usize) -> String {
        let Some(measured) = self.measured() else {
            return format!("{what} lost if one dies");
        };
        match (measured.fresh_for, measured.from, &measured.victims[which]) {
            (Some(after), ..) => format!("{what} lost if one dies at {}", format::span(after)),
            (None, Some((_, at)), Some((name, number))) => {
                let at = format::instant(at);
                // As much as there is room for beside the title.
                if name.chars().count() <= 8 {
                    format!("lost if {name} {number} died at {at}")
                } else {
                    format!("lost if number {number} died at {at}")
                }
            }
            _ => format!("{what} lost if one dies"),
        }
    }

    /// How the figures were found, in a sentence.
    pub fn told(&self) -> Option<String> {
        let measured = self.measured()?;
        Some(match (measured.from, measured.fresh_for) {
            (Some((_, at)), _) => format!(
                "Measured on a copy of what ran at {}, with the choice applied and settled, and one instance crashed",
                format::instant(at)
            ),
            (None, Some(after)) => format!(
                "Measured on a fresh run in which one instance crashes after {}",
                format::span(after)
            ),
            (None, None) => return None,
        })
    }

    /// The instance that crashed in the runs about sessions, how many it held, and when.
    pub fn held(&self) -> Option<(String, u64, Duration)> {
        let measured = self.measured()?;
        let (name, number) = measured.victims[1].as_ref()?;
        Some((format!("{name} {number}"), measured.held?, measured.from?.1))
    }
}

/// An instance that serves, drawn at random, but the same one as long as it does.
fn serving(snapshot: &Snapshot, service: &str, seed: u64) -> Option<u32> {
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

/// What decides the losses: the topology without what only people read or what comes later.
fn key(topology: &Topology, service: Option<&str>) -> String {
    let bare = essence(topology);
    format!("{}\n{}", service.unwrap_or_default(), to_ron(&bare))
}

fn essence(topology: &Topology) -> Topology {
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

/// The runs for every choice that can be. The one in use comes first: it is the one that can be looked up beside it.
fn runs(
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
fn snapshots(topology: &Topology, service: &str) -> Option<Duration> {
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

fn measure_all(
    basis: Basis,
    runs: &[Run],
    results: &Sender<(Slot, u64)>,
    cancelled: &AtomicBool,
    wake: impl Fn(),
) {
    let basis = match basis {
        Basis::Now(copy) => match copy.recv() {
            Ok(sim) => Ok(Box::new(sim)),
            // It is gone: whoever asked will ask again.
            Err(_) => return,
        },
        Basis::Fresh(topology, before) => Err((topology, before)),
    };
    for run in runs {
        if cancelled.load(Ordering::Relaxed) {
            return;
        }
        // A defect of the simulator costs a figure, not the window.
        let measured = catch_unwind(AssertUnwindSafe(|| match &basis {
            Ok(sim) => losses_from_now(run, Sim::clone(sim), cancelled),
            Err((topology, before)) => losses_of_fresh(run, topology, *before, cancelled),
        }));
        if let Ok(Some((writes, sessions))) = measured {
            let loss = match run.slot {
                Slot::Placement(_) => writes,
                Slot::Sessions(_) => sessions,
            };
            if results.send((run.slot, loss)).is_err() {
                return;
            }
            wake();
        }
    }
    // Nobody is left to send: all that can be known is.
    wake();
}

/// Writes and sessions lost by the crash, if it comes now, or once another choice has settled.
fn losses_from_now(run: &Run, mut sim: Sim, cancelled: &AtomicBool) -> Option<(u64, u64)> {
    let mut events = 0;
    if !run.commands.is_empty() {
        let begun = sim.now().0;
        for command in &run.commands {
            sim.apply(command).ok()?;
        }
        let mut until = begun.saturating_add(SETTLE.0.0);
        loop {
            advance(&mut sim, Duration(until), &mut events, cancelled)?;
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
        advance(&mut sim, until, &mut events, cancelled)?;
    }
    losses_by_crash(run, sim, &mut events, cancelled)
}

/// The same in a fresh run, in which the crash comes after a while.
fn losses_of_fresh(
    run: &Run,
    topology: &Topology,
    before: Duration,
    cancelled: &AtomicBool,
) -> Option<(u64, u64)> {
    let mut changed = topology.clone();
    for command in &run.commands {
        changed.apply(command).ok()?;
    }
    let mut sim = Sim::new(&changed, changed.seed, Watch { live: false });
    let mut events = 0;
    advance(&mut sim, before, &mut events, cancelled)?;
    losses_by_crash(run, sim, &mut events, cancelled)
}

/// What the ledger books on the crash; nothing if it was cancelled or would take too long.
fn losses_by_crash(
    run: &Run,
    mut sim: Sim,
    events: &mut u64,
    cancelled: &AtomicBool,
) -> Option<(u64, u64)> {
    let (service, number) = &run.victim;
    let crash = Command::Crash(service.clone(), *number);
    let at = sim.now();
    sim.apply(&crash).ok()?;
    let end = Duration(at.0.saturating_add(run.after.0));
    advance(&mut sim, end, events, cancelled)?;
    let after = sim.snapshot();
    let fault = after
        .faults
        .iter()
        .rfind(|fault| fault.at == at && fault.command == crash)?;
    Some((fault.lost_writes, fault.lost_sessions))
}

/// When the crash comes in a fresh run. Half a second past, because what is saved every second or every five has then been
/// half exposed, which is typical.
fn before_crash(topology: &Topology) -> Duration {
    let whole = OPERATIONS_MAX / offered_per_second(topology);
    Duration::from_secs(whole.min(BEFORE.secs()).floor() + 0.5)
}

fn advance(sim: &mut Sim, until: Duration, events: &mut u64, cancelled: &AtomicBool) -> Option<()> {
    loop {
        let begun = Instant::now();
        if sim.run_some(until, SLICE_EVENTS) {
            return Some(());
        }
        *events += SLICE_EVENTS;
        if *events > EVENTS_MAX || cancelled.load(Ordering::Relaxed) {
            return None;
        }
        // The window and its simulation come first.
        std::thread::sleep(begun.elapsed());
    }
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

#[cfg(test)]
impl Measure {
    /// As if so much had been measured on a fresh run, for pictures.
    pub fn pretend(&mut self, placements: [LossFigure; 5], sessions: [LossFigure; 4]) {
        self.known = Some(Measured {
            placements,
            sessions,
            victims: [Some(("api".into(), 3)), Some(("api".into(), 3))],
            from: Some((1, Duration(62_600_000_000))),
            held: Some(551),
            ..Measured::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::Sample;

    fn preset(name: &str) -> Topology {
        let preset = crate::model::presets::find(name).unwrap();
        crate::model::file::read(preset.text, preset.name).unwrap()
    }

    fn measured(basis: Basis, topology: &Topology, victim: (&str, u32)) -> Vec<(Slot, u64)> {
        let (results, receiver) = mpsc::channel();
        let victim = Some((victim.0.to_owned(), victim.1));
        let bare = essence(topology);
        let runs = runs(&bare, &Remembered::default(), &[victim.clone(), victim]);
        measure_all(basis, &runs, &results, &AtomicBool::new(false), || {});
        drop(results);
        receiver.iter().collect()
    }

    fn fresh(topology: &Topology) -> Basis {
        let bare = essence(topology);
        let before = before_crash(&bare);
        Basis::Fresh(Box::new(bare), before)
    }

    fn of(losses: &[(Slot, u64)], slot: Slot) -> Option<u64> {
        losses
            .iter()
            .find(|(s, _)| *s == slot)
            .map(|(_, loss)| *loss)
    }

    #[test]
    fn memory_loses_and_a_store_does_not() {
        let topology = preset("sticky-in-memory");
        let losses = measured(fresh(&topology), &topology, ("api", 1));
        let memory = of(&losses, Slot::Placement(1)).unwrap();
        let sticky = of(&losses, Slot::Sessions(3)).unwrap();
        assert!(memory > 0 && sticky > 0, "{losses:?}");
        for at in [2, 3, 4] {
            assert_eq!(of(&losses, Slot::Placement(at)), Some(0), "{losses:?}");
        }
        for at in [1, 2] {
            assert_eq!(of(&losses, Slot::Sessions(at)), Some(0), "{losses:?}");
        }
        assert_eq!(of(&losses, Slot::Sessions(0)), None);
        // The same question has the same answer.
        assert_eq!(measured(fresh(&topology), &topology, ("api", 1)), losses);
    }

    /// The figure of the choice in use is what the very crash costs that it speaks of.
    #[test]
    fn the_choice_in_use_loses_what_a_crash_now_loses() {
        let mut topology = preset("sticky-in-memory");
        topology.set_path("nodes.api.state", "InMemory()").unwrap();
        topology.scenario.clear();
        for (at_s, number) in [(9.0, 2), (41.3, 4)] {
            let mut sim = Sim::new(&topology, 7, Watch { live: true });
            sim.run_until(Duration::from_secs(at_s));
            let (answer, copy) = mpsc::channel();
            answer.send(sim.clone()).unwrap();
            let losses = measured(Basis::Now(copy), &topology, ("api", number));
            let before = sim.snapshot();
            let victim = &before.nodes[2].instances[number as usize - 1];
            let (held, unsaved) = (victim.sessions, victim.unsaved);
            sim.apply(&Command::Crash("api".into(), number)).unwrap();
            sim.run_until(Duration::from_secs(at_s + 7.0));
            let after = sim.snapshot();
            let crash = &after.faults[0];
            assert_eq!(of(&losses, Slot::Placement(1)), Some(crash.lost_writes));
            assert_eq!(of(&losses, Slot::Sessions(3)), Some(crash.lost_sessions));
            // And what its row on the canvas says, but for what was under way.
            let under_way = before.operations.in_flight;
            assert!(after.writes.lost.abs_diff(unsaved) <= under_way);
            assert!(after.sessions.lost.abs_diff(held) <= under_way);
        }
    }

    #[test]
    fn what_the_scenario_does_meanwhile_is_not_counted() {
        let mut topology = preset("sticky-in-memory");
        topology.scenario = vec![crate::model::Timed::At(
            Duration::from_secs(11.0),
            Command::Crash("api".into(), 1),
        )];
        let mut sim = Sim::new(&topology, 7, Watch { live: true });
        sim.run_until(Duration::from_secs(10.0));
        let held = sim.snapshot().nodes[2].instances[1].sessions;
        let (answer, copy) = mpsc::channel();
        answer.send(sim).unwrap();
        let losses = measured(Basis::Now(copy), &topology, ("api", 2));
        let sticky = of(&losses, Slot::Sessions(3)).unwrap();
        assert!(sticky.abs_diff(held) < 30, "{sticky} of {held}");
    }

    #[test]
    fn a_choice_with_snapshots_is_measured_after_the_first() {
        let mut topology = preset("external-redis");
        topology.scenario.clear();
        let mut sim = Sim::new(&topology, 7, Watch { live: true });
        sim.run_until(Duration::from_secs(60.0));
        let losses = |state: &str| {
            let mut before = topology.clone();
            before.set_path("nodes.api.state", state).unwrap();
            let mut remembered = Remembered::default();
            remembered.note(&before, &topology);
            let victim = Some(("api".to_owned(), 1));
            let runs = runs(&essence(&topology), &remembered, &[victim, None]);
            let memory = runs.iter().find(|run| run.slot == Slot::Placement(1));
            losses_from_now(memory?, sim.clone(), &AtomicBool::new(false))
        };
        let all = losses("InMemory()").unwrap().0;
        let since_a_snapshot = losses("InMemory(snapshot_every: \"5s\")").unwrap().0;
        assert!(since_a_snapshot * 5 < all, "{since_a_snapshot} of {all}");
        // What comes too late to be waited for is not known.
        assert_eq!(losses("InMemory(snapshot_every: \"10m\")"), None);
    }

    #[test]
    fn what_no_snapshot_holds_yet_is_told() {
        let topology = Sample::new().topology;
        let mut measure = Measure {
            known: Some(Measured {
                victims: [Some(("api".into(), 3)), None],
                from: Some((1, Duration(3 * SECOND))),
                ..Measured::default()
            }),
            ..Measure::default()
        };
        assert_eq!(measure.about_writes(), "lost if api 3 died at 3.0 s");
        let mut sim = Sim::new(&topology, 7, Watch { live: true });
        for (at_s, told) in [(3.0, true), (8.0, false)] {
            sim.run_until(Duration::from_secs(at_s));
            let asked = Asked {
                topology: &topology,
                remembered: &Remembered::default(),
                service: Some("api"),
                run: 1,
                snapshot: &sim.snapshot(),
                playing: false,
            };
            let ctx = Context::default();
            let from = Some((1, asked.snapshot.now));
            measure.known = None;
            measure.begin(&ctx, &asked, from, || mpsc::channel().1);
            let about = measure.about_writes();
            assert_eq!(about.contains("before the first snapshot"), told, "{about}");
        }
    }

    #[test]
    fn a_cancelled_run_gives_nothing() {
        let topology = Sample::new().topology;
        let victim = Some(("api".to_owned(), 1));
        let runs = runs(&topology, &Remembered::default(), &[victim, None]);
        let stop = AtomicBool::new(true);
        assert_eq!(losses_of_fresh(&runs[0], &topology, BEFORE, &stop), None);
    }

    #[test]
    fn moving_and_describing_changes_no_figure() {
        let topology = Sample::new().topology;
        let mut moved = topology.clone();
        moved.canvas.insert("api".into(), (1.0, 2.0));
        moved.note = "A remark".into();
        assert_eq!(key(&topology, None), key(&moved, None));
        moved.set_path("nodes.api.instances", "5").unwrap();
        assert_ne!(key(&topology, None), key(&moved, None));
        assert_ne!(key(&topology, None), key(&topology, Some("api")));
    }

    /// The figures come by themselves after the topology has stood still, and a change takes them away.
    #[test]
    fn figures_come_when_the_topology_stands_still() {
        let ctx = Context::default();
        // A small one, so that the test is quick.
        let mut topology = Sample::new().topology;
        topology
            .set_path("nodes.clients.arrivals", "Poisson(\"20/s\")")
            .unwrap();
        let mut measure = Measure::default();
        let frame = |time: f64, topology: &Topology, measure: &mut Measure| {
            let input = egui::RawInput {
                time: Some(time),
                ..Default::default()
            };
            let asked = Asked {
                topology,
                remembered: &Remembered::default(),
                service: Some("api"),
                run: 1,
                snapshot: &Snapshot::default(),
                playing: false,
            };
            let update = |ui: &mut egui::Ui| {
                measure.update(ui.ctx(), &asked, || unreachable!("nothing runs"));
            };
            ctx.run_ui(input, update).drop_without_applying_deltas();
        };
        frame(0.0, &topology, &mut measure);
        assert!(measure.running.is_none());
        frame(1.0, &topology, &mut measure);
        let mut frames = 0;
        while measure.running.is_some() && frames < 3_000 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            frames += 1;
            let time = 1.0 + f64::from(frames) * 0.01;
            frame(time, &topology, &mut measure);
        }
        assert_eq!(measure.placement(Placement::External), LossFigure::Lost(0));
        assert_eq!(measure.about_writes(), "writes lost if one dies at 17.5 s");
        topology.set_path("nodes.api.instances", "9").unwrap();
        frame(100.0, &topology, &mut measure);
        assert_eq!(measure.placement(Placement::External), LossFigure::Unknown);
    }
}
