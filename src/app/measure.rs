//! What each choice of the two toggles would lose, measured by small runs in the background.
//!
//! A run is fresh and short: the topology with that choice, its scenario left out, and one crash of one instance; what
//! counts is what was lost since the crash. The same instant, the same seed and the same instance for every choice, so
//! that they can be compared. The thread sleeps as long as it works and stops when the topology changes; what is not known
//! yet is a dash.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::time::Instant;

use egui::Context;

use super::toggles::{self, Offer, Placement, SessionKind};
use super::widgets::LossFigure;
use crate::model::check::first_services;
use crate::model::settings::to_ron;
use crate::model::workload::{Arrivals, Distribution};
use crate::model::{Command, Node, Topology};
use crate::sim::{Sim, Watch};
use crate::units::{Duration, SECOND};

/// The crash comes after this much simulated time, sooner where there is much traffic.
const BEFORE: Duration = Duration(17 * SECOND);
/// About so many operations come before it at most.
const OPERATIONS_MAX: f64 = 100_000.0;
/// Time for a copy to take over, after which what is lost is settled.
const AFTER: Duration = Duration(7 * SECOND);
/// A run that needs more events is given up.
const EVENTS_MAX: u64 = 20_000_000;
/// Events between two looks at whether the run is still wanted.
const SLICE_EVENTS: u64 = 4_096;
/// The topology has to stand still for this long before anything is measured, in seconds.
const STILL_S: f64 = 0.4;
/// As many topologies are remembered.
const REMEMBERED: usize = 32;

/// The losses that are known, and the thread that measures more.
#[derive(Debug, Default)]
pub struct Measure {
    /// The topology and service that are shown now, and the key made of them.
    seen: Option<(Topology, Option<String>)>,
    key: String,
    /// Since when they have been shown.
    since: f64,
    known: VecDeque<(String, Losses)>,
    running: Option<Running>,
}

/// By choice, in the order of the toggles: acknowledged writes, sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Losses {
    placements: [LossFigure; 5],
    sessions: [LossFigure; 4],
}

#[derive(Debug)]
struct Running {
    key: String,
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

/// One run: which figure it is for, what is run, and whose instance crashes.
#[derive(Debug)]
struct Run {
    slot: Slot,
    topology: Topology,
    service: String,
}

impl Measure {
    /// Takes in what is known by now and starts what is missing; once a frame. `service` is the one whose state is asked
    /// about, if one is selected.
    pub fn update(&mut self, ctx: &Context, topology: &Topology, service: Option<&str>) {
        let now = ctx.input(|input| input.time);
        let seen = self.seen.as_ref();
        if seen.is_none_or(|(t, s)| t != topology || s.as_deref() != service) {
            self.seen = Some((topology.clone(), service.map(str::to_owned)));
            let key = key(topology, service);
            // Moving or describing something changes no result.
            if key != self.key {
                self.key = key;
                self.since = now;
            }
            if let Some(running) = self.running.take_if(|running| running.key != self.key) {
                // Half measured is not measured: it starts again when it is shown again.
                self.known.retain(|(key, _)| *key != running.key);
            }
        }
        if let Some(running) = &self.running {
            let losses = entry(&mut self.known, &running.key);
            let finished = loop {
                match running.results.try_recv() {
                    Ok((Slot::Placement(i), loss)) => losses.placements[i] = LossFigure::Lost(loss),
                    Ok((Slot::Sessions(i), loss)) => losses.sessions[i] = LossFigure::Lost(loss),
                    Err(TryRecvError::Empty) => break false,
                    Err(TryRecvError::Disconnected) => break true,
                }
            };
            if finished {
                self.running = None;
            }
        }
        let known = self.known.iter().any(|(key, _)| *key == self.key);
        if known || self.running.is_some() {
            return;
        }
        if now - self.since < STILL_S {
            let rest = std::time::Duration::from_secs_f64(STILL_S - (now - self.since).max(0.0));
            ctx.request_repaint_after(rest);
            return;
        }
        entry(&mut self.known, &self.key);
        self.running = start(ctx, self.key.clone(), runs(topology, service));
    }

    /// Acknowledged writes lost if one instance dies.
    pub fn placement(&self, choice: Placement) -> LossFigure {
        let at = Placement::ALL.iter().position(|c| *c == choice);
        self.losses().placements[at.unwrap_or(0)]
    }

    /// Sessions lost if one instance dies.
    pub fn sessions(&self, choice: SessionKind) -> LossFigure {
        let at = SessionKind::ALL.iter().position(|c| *c == choice);
        self.losses().sessions[at.unwrap_or(0)]
    }

    fn losses(&self) -> Losses {
        let known = self.known.iter().find(|(key, _)| *key == self.key);
        known.map_or_else(Losses::default, |(_, losses)| *losses)
    }
}

/// The losses under a key, with room made for it.
fn entry<'a>(known: &'a mut VecDeque<(String, Losses)>, key: &str) -> &'a mut Losses {
    let at = known.iter().position(|(k, _)| k == key);
    let at = at.unwrap_or_else(|| {
        if known.len() >= REMEMBERED {
            known.pop_front();
        }
        known.push_back((key.to_owned(), Losses::default()));
        known.len() - 1
    });
    &mut known[at].1
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

/// The runs for every choice that can be.
fn runs(topology: &Topology, service: Option<&str>) -> Vec<Run> {
    let bare = essence(topology);
    let mut runs = Vec::new();
    let mut add = |slot, offer, service: &str| {
        let mut changed = bare.clone();
        match offer {
            Offer::Current => {}
            Offer::Edit(commands, _) => {
                if commands.iter().any(|c| changed.apply(c).is_err()) {
                    return;
                }
            }
            Offer::Not { .. } => return,
        }
        if toggles::problem(&changed).is_none() {
            runs.push(Run {
                slot,
                topology: changed,
                service: service.to_owned(),
            });
        }
    };
    if let Some(service) = service {
        for (i, choice) in Placement::ALL.into_iter().enumerate() {
            let offer = toggles::place(&bare, service, choice);
            add(Slot::Placement(i), offer, service);
        }
    }
    if let Some(first) = first_services(&bare).first() {
        for (i, choice) in SessionKind::ALL.into_iter().enumerate() {
            // Without sessions none can be lost: that is no merit to show.
            if choice != SessionKind::None {
                let offer = toggles::keep_sessions(&bare, choice);
                add(Slot::Sessions(i), offer, first);
            }
        }
    }
    runs
}

fn start(ctx: &Context, key: String, runs: Vec<Run>) -> Option<Running> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let (results, receiver) = mpsc::channel();
    let (ctx, stop) = (ctx.clone(), Arc::clone(&cancelled));
    let work = move || measure_all(&runs, &results, &stop, || ctx.request_repaint());
    // Without a thread the figures stay dashes.
    std::thread::Builder::new()
        .name("measure".into())
        .spawn(work)
        .ok()?;
    Some(Running {
        key,
        cancelled,
        results: receiver,
    })
}

fn measure_all(
    runs: &[Run],
    results: &Sender<(Slot, u64)>,
    cancelled: &AtomicBool,
    wake: impl Fn(),
) {
    for run in runs {
        if cancelled.load(Ordering::Relaxed) {
            return;
        }
        // A defect of the simulator costs a figure, not the window.
        let measured = catch_unwind(AssertUnwindSafe(|| losses(run, cancelled)));
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
}

/// Writes and sessions lost by the crash of instance 1; nothing if it was cancelled or would take too long.
fn losses(run: &Run, cancelled: &AtomicBool) -> Option<(u64, u64)> {
    let mut sim = Sim::new(&run.topology, run.topology.seed, Watch { live: false });
    // Half a second past, because what is saved every second or every five has then been half exposed, which is typical.
    let whole = OPERATIONS_MAX / offered_per_second(&run.topology);
    let crash_at = Duration::from_secs(whole.min(BEFORE.secs()).floor() + 0.5);
    let mut events = 0;
    advance(&mut sim, crash_at, &mut events, cancelled)?;
    let before = sim.snapshot();
    let crash = Command::Crash(run.service.clone(), 1);
    sim.apply(&crash).ok()?;
    let end = Duration(crash_at.0 + AFTER.0);
    advance(&mut sim, end, &mut events, cancelled)?;
    let after = sim.snapshot();
    Some((
        after.writes.lost.saturating_sub(before.writes.lost),
        after.sessions.lost.saturating_sub(before.sessions.lost),
    ))
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
    /// As if so much had been measured, for pictures.
    pub fn pretend(
        &mut self,
        topology: &Topology,
        service: Option<&str>,
        placements: [LossFigure; 5],
        sessions: [LossFigure; 4],
    ) {
        *entry(&mut self.known, &key(topology, service)) = Losses {
            placements,
            sessions,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::Sample;

    fn measured(topology: &Topology, service: Option<&str>) -> Vec<(Slot, u64)> {
        let (results, receiver) = mpsc::channel();
        let runs = runs(topology, service);
        measure_all(&runs, &results, &AtomicBool::new(false), || {});
        drop(results);
        receiver.iter().collect()
    }

    #[test]
    fn memory_loses_and_a_store_does_not() {
        let preset = crate::model::presets::find("sticky-in-memory").unwrap();
        let topology = crate::model::file::read(preset.text, preset.name).unwrap();
        let losses = measured(&topology, Some("api"));
        let of = |slot| {
            let found = losses.iter().find(|(s, _)| *s == slot);
            found.map(|(_, loss)| *loss)
        };
        let memory = of(Slot::Placement(1)).unwrap();
        let sticky = of(Slot::Sessions(3)).unwrap();
        assert!(memory > 0 && sticky > 0, "{losses:?}");
        for at in [2, 3, 4] {
            assert_eq!(of(Slot::Placement(at)), Some(0), "{losses:?}");
        }
        for at in [1, 2] {
            assert_eq!(of(Slot::Sessions(at)), Some(0), "{losses:?}");
        }
        assert_eq!(of(Slot::Sessions(0)), None);
        // The same question has the same answer.
        assert_eq!(measured(&topology, Some("api")), losses);
    }

    #[test]
    fn a_cancelled_run_gives_nothing() {
        let runs = runs(&Sample::new().topology, Some("api"));
        assert_eq!(losses(&runs[0], &AtomicBool::new(true)), None);
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
        let mut sample = Sample::new();
        // A small one, so that the test is quick.
        let set = sample
            .topology
            .set_path("nodes.clients.arrivals", "Poisson(\"20/s\")");
        set.unwrap();
        let mut measure = Measure::default();
        let frame = |time: f64, topology: &Topology, measure: &mut Measure| {
            let input = egui::RawInput {
                time: Some(time),
                ..Default::default()
            };
            ctx.run_ui(input, |ui| measure.update(ui.ctx(), topology, Some("api")))
                .drop_without_applying_deltas();
        };
        frame(0.0, &sample.topology, &mut measure);
        assert!(measure.running.is_none());
        frame(1.0, &sample.topology, &mut measure);
        let mut frames = 0;
        while measure.running.is_some() && frames < 3_000 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            frames += 1;
            frame(
                1.0 + f64::from(frames) * 0.01,
                &sample.topology,
                &mut measure,
            );
        }
        assert_eq!(measure.placement(Placement::External), LossFigure::Lost(0));
        sample
            .topology
            .set_path("nodes.api.instances", "9")
            .unwrap();
        frame(100.0, &sample.topology, &mut measure);
        assert_eq!(measure.placement(Placement::External), LossFigure::Unknown);
    }
}
