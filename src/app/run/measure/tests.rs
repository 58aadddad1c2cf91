use std::sync::mpsc;

use super::choices::BEFORE;
use super::trial::{losses_from_now, losses_of_fresh};
use super::*;
use crate::analysis::jobs::Turn;
use crate::app::sample::Sample;
use crate::model::Command;
use crate::sim::Watch;
use crate::units::SECOND;

fn preset(name: &str) -> Topology {
    let preset = crate::model::presets::find(name).unwrap();
    crate::model::file::read(preset.text, preset.name).unwrap()
}

/// What a job gives.
fn tried<T: Send + 'static>(work: impl FnOnce(&Turn) -> T + Send + 'static) -> T {
    let mut batch = Pool::new(1).batch(Priority::Background, || {});
    batch.submit(work);
    batch
        .next_within(WallTime::from_secs(600))
        .unwrap()
        .unwrap()
}

fn measured(basis: Basis, topology: &Topology, victim: (&str, u32)) -> Vec<(Slot, u64)> {
    let victim = Some((victim.0.to_owned(), victim.1));
    let bare = essence(topology);
    let runs = runs(&bare, &Remembered::default(), &[victim.clone(), victim]);
    tried(move |turn| {
        let known = |run: &Run| Some((run.slot, loss(run, &basis, turn)?));
        runs.iter().filter_map(known).collect()
    })
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
        let basis = Basis::Now(Box::new(sim.clone()));
        let losses = measured(basis, &topology, ("api", number));
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
    let losses = measured(Basis::Now(Box::new(sim)), &topology, ("api", 2));
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
        let mut runs = runs.into_iter();
        let memory = runs.find(|run| run.slot == Slot::Placement(1))?;
        let sim = sim.clone();
        tried(move |turn| losses_from_now(&memory, sim, turn))
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
        measure.begin(&ctx, &Pool::new(1), &asked, from, || mpsc::channel().1);
        let about = measure.about_writes();
        assert_eq!(about.contains("before the first snapshot"), told, "{about}");
    }
}

#[test]
fn a_cancelled_run_gives_nothing() {
    let topology = Sample::new().topology;
    let victim = Some(("api".to_owned(), 1));
    let runs = runs(&topology, &Remembered::default(), &[victim, None]);
    let mut batch = Pool::new(1).batch(Priority::Background, || {});
    batch.cancel();
    batch.submit(move |turn| losses_of_fresh(&runs[0], &topology, BEFORE, turn));
    assert_eq!(batch.next_within(WallTime::from_secs(600)), Some(Ok(None)));
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
    let (mut measure, pool) = (Measure::default(), Pool::new(1));
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
            measure.update(ui.ctx(), &pool, &asked, || unreachable!("nothing runs"));
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

/// A copy of what runs may come some frames later, and is measured then.
#[test]
fn a_copy_of_what_runs_is_measured_when_it_comes() {
    let ctx = Context::default();
    let mut topology = Sample::new().topology;
    topology
        .set_path("nodes.clients.arrivals", "Poisson(\"20/s\")")
        .unwrap();
    let mut sim = Sim::new(&topology, 7, Watch { live: true });
    sim.run_until(Duration::from_secs(8.0));
    let snapshot = sim.snapshot();
    let (answer, copy) = mpsc::channel();
    let (mut measure, mut copy, pool) = (Measure::default(), Some(copy), Pool::new(1));
    let mut frame = |time: f64, measure: &mut Measure| {
        let input = egui::RawInput {
            time: Some(time),
            ..Default::default()
        };
        let asked = Asked {
            topology: &topology,
            remembered: &Remembered::default(),
            service: Some("api"),
            run: 1,
            snapshot: &snapshot,
            playing: false,
        };
        let update = |ui: &mut egui::Ui| {
            measure.update(ui.ctx(), &pool, &asked, || copy.take().unwrap());
        };
        ctx.run_ui(input, update).drop_without_applying_deltas();
    };
    frame(0.0, &mut measure);
    frame(1.0, &mut measure);
    assert!(measure.running.is_some());
    frame(1.1, &mut measure);
    assert_eq!(measure.placement(Placement::External), LossFigure::Unknown);
    answer.send(sim).unwrap();
    let mut frames = 0;
    while measure.known.is_none() && frames < 6_000 {
        frame(1.2, &mut measure);
        std::thread::sleep(WallTime::from_millis(10));
        frames += 1;
    }
    assert_eq!(measure.placement(Placement::External), LossFigure::Lost(0));
    assert!(measure.about_writes().ends_with("died at 8.0 s"));
}
