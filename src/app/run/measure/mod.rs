//! What each choice of the two toggles would lose, measured by small runs in the background.
//!
//! A run starts from what is now: a copy of the running system, with that choice applied, and one crash of one instance,
//! drawn at random and the same for every choice. What counts is what the ledger books on that crash. Before anything
//! runs there is no now: then a fresh run of some seconds comes before the crash. [`Measure::told`] says which it was.
//! A choice that is not in use settles first: what moves has moved, and the first snapshot is made where there are to be some.
//! The runs are jobs of the background and end when the topology changes; what is not known yet is a dash.

mod choices;
#[cfg(test)]
mod tests;
mod trial;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration as WallTime;

use egui::Context;

use crate::analysis::jobs::{Batch, Pool, Priority};
use crate::app::widgets::LossFigure;
use crate::app::words::format;
use crate::model::check::first_services;
use crate::model::settings::to_ron;
use crate::model::toggles::{Placement, Remembered, SessionKind};
use crate::model::{Sessions, Topology};
use crate::sim::Sim;
use crate::sim::snapshot::Snapshot;
use crate::units::Duration;
use choices::{Run, before_crash, essence, runs, serving, snapshots};
use trial::{Basis, loss};

/// The topology has to stand still for this long before anything is measured, in seconds.
const STILL_S: f64 = 0.4;
/// While time runs, what is known is measured again after so many seconds, and after so many times as long as it took.
const AGAIN_S: f64 = 2.0;
/// See [`AGAIN_S`].
const AGAIN_TIMES: f64 = 4.0;

/// The losses that are known, and the runs that measure more.
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
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// A copy of the running system is being made for these runs.
    Copying(Receiver<Sim>, Vec<Run>),
    /// Their figures come in the order of these.
    Trying(Batch<Option<u64>>, Vec<Slot>),
}

impl Stage {
    fn trying(ctx: &Context, pool: &Pool, basis: Basis, runs: Vec<Run>) -> Self {
        let ctx = ctx.clone();
        let mut batch = pool.batch(Priority::Background, move || ctx.request_repaint());
        let slots = runs.iter().map(|run| run.slot).collect();
        let basis = Arc::new(basis);
        for run in runs {
            let basis = Arc::clone(&basis);
            batch.submit(move |turn| loss(&run, &basis, turn));
        }
        Self::Trying(batch, slots)
    }
}

/// Which figure a run is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slot {
    Placement(usize),
    Sessions(usize),
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

impl Measured {
    fn at(&mut self, slot: Slot) -> &mut LossFigure {
        match slot {
            Slot::Placement(i) => &mut self.placements[i],
            Slot::Sessions(i) => &mut self.sessions[i],
        }
    }
}

impl Measure {
    /// Takes in what is known by now and starts what is missing; once a frame. `copy` makes a copy of the running system,
    /// after which a frame comes.
    pub fn update(
        &mut self,
        ctx: &Context,
        pool: &Pool,
        asked: &Asked,
        copy: impl FnOnce() -> Receiver<Sim>,
    ) {
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
        self.receive(ctx, pool, now);
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
        self.begin(ctx, pool, asked, from, copy);
        self.took = (now, now);
        self.receive(ctx, pool, now);
    }

    /// Takes in results; new ones are shown once all are there, so that they can be compared.
    fn receive(&mut self, ctx: &Context, pool: &Pool, now: f64) {
        let Some(running) = &mut self.running else {
            return;
        };
        if let Stage::Copying(copy, runs) = &mut running.stage {
            match copy.try_recv() {
                Ok(sim) => {
                    let basis = Basis::Now(Box::new(sim));
                    running.stage = Stage::trying(ctx, pool, basis, std::mem::take(runs));
                }
                Err(TryRecvError::Empty) => return,
                // It is gone: there is nothing to measure.
                Err(TryRecvError::Disconnected) => runs.clear(),
            }
        }
        let measured = &mut running.measured;
        if let Stage::Trying(batch, slots) = &mut running.stage {
            while let Some(outcome) = batch.next_within(WallTime::ZERO) {
                let slot = slots.remove(0);
                // A defect of the simulator costs a figure, not the window.
                if let Ok(Some(loss)) = outcome {
                    *measured.at(slot) = LossFigure::Lost(loss);
                }
            }
            if !batch.is_over() {
                return;
            }
        }
        self.known = Some(std::mem::take(measured));
        self.running = None;
        self.took.1 = now;
    }

    fn begin(
        &mut self,
        ctx: &Context,
        pool: &Pool,
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
        let fresh_for = from.is_none().then(|| before_crash(&bare));
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
        let stage = match fresh_for {
            None => Stage::Copying(copy(), runs),
            Some(before) => {
                let basis = Basis::Fresh(Box::new(bare), before);
                Stage::trying(ctx, pool, basis, runs)
            }
        };
        self.running = Some(Running { measured, stage });
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

/// What decides the losses, to be compared.
fn key(topology: &Topology, service: Option<&str>) -> String {
    let bare = essence(topology);
    format!("{}\n{}", service.unwrap_or_default(), to_ron(&bare))
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
