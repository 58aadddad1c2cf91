//! The same simulation gives the same bytes: cloned at any moment, run in steps of any size, and replayed from a recording.

use statescope::model::{Command, Stop, Topology, presets};
use statescope::sim::{Sim, Watch};
use statescope::units::{Duration, SECOND};

fn preset(name: &str) -> Topology {
    statescope::model::file::load(name).unwrap().topology
}

fn start(topology: &Topology, seed: u64) -> Sim {
    Sim::new(topology, seed, Watch { live: true })
}

/// Everything a simulation shows at its end.
fn shown(mut sim: Sim, until: Duration) -> String {
    sim.run_until(until);
    format!("{:?}\n{:?}", sim.results(), sim.snapshot())
}

#[test]
fn a_clone_runs_on_like_the_one_it_was_cloned_from() {
    for preset in presets::all() {
        let topology = statescope::model::file::load(preset.name).unwrap().topology;
        let until = topology.duration;
        let whole = shown(start(&topology, 3), until);
        // Events of the start, of the middle, and around the faults.
        let mut sim = start(&topology, 3);
        for events in [1, 1000, 100_003, 7, 50_000] {
            sim.run_some(until, events);
            let clone = sim.clone();
            assert_eq!(
                shown(clone, until),
                whole,
                "{}: cloned at {:?}",
                preset.name,
                sim.now()
            );
        }
        assert_eq!(shown(sim, until), whole, "{}: run on in steps", preset.name);
    }
}

#[test]
fn a_clone_leaves_its_original_alone() {
    let topology = preset("sticky-in-memory");
    let whole = shown(start(&topology, 1), topology.duration);
    let mut sim = start(&topology, 1);
    sim.run_until(Duration(20 * SECOND));
    let mut other = sim.clone();
    other.apply(&Command::Crash("api".to_owned(), 1)).unwrap();
    other.run_until(topology.duration);
    assert_eq!(shown(sim, topology.duration), whole);
}

#[test]
fn a_recording_replays_to_the_same_bytes() {
    let mut topology = preset("sticky-in-memory");
    topology.scenario.clear();
    let until = Duration(60 * SECOND);
    let mut live = start(&topology, 5);
    let clicks = [
        (5_000_000_001, Command::Crash("api".to_owned(), 2)),
        (9_123_456_789, Command::Restart("api".to_owned(), 2)),
        (
            15_000_000_000,
            Command::Set("nodes.api.workers".to_owned(), "4".to_owned()),
        ),
        (20_500_000_000, Command::Hang("api".to_owned(), 1)),
        (24_000_000_000, Command::Resume("api".to_owned(), 1)),
        (
            25_000_000_000,
            Command::Set("nodes.store".to_owned(), "RedisLike()".to_owned()),
        ),
        (
            25_000_000_000,
            Command::Set(
                "nodes.api.state".to_owned(),
                "External(store: \"store\")".to_owned(),
            ),
        ),
        (
            25_000_000_000,
            Command::Set(
                "sessions".to_owned(),
                "ServerSide(store: \"store\")".to_owned(),
            ),
        ),
        (35_000_000_000, Command::AddInstances("api".to_owned(), 1)),
        (
            45_000_000_000,
            Command::Deploy("api".to_owned(), Stop::Drained),
        ),
    ];
    for (at, command) in &clicks {
        live.run_until(Duration(*at));
        live.apply(command).unwrap();
    }
    let mut replayed_topology = topology.clone();
    replayed_topology.scenario = live.recording().to_vec();
    live.run_until(until);
    let mut replayed = start(&replayed_topology, 5);
    replayed.run_until(until);
    assert_eq!(
        format!("{:?}", replayed.results()),
        format!("{:?}", live.results())
    );
    assert!(live.snapshot().faults.len() >= 2);
}

#[test]
fn what_is_not_watched_changes_nothing_but_what_it_computes() {
    let mut topology = preset("stateless-web");
    topology.scenario.clear();
    let run = |live| {
        let mut sim = Sim::new(&topology, 1, Watch { live });
        sim.run_until(Duration(30 * SECOND));
        format!("{:?}", sim.results())
    };
    assert_eq!(run(true), run(false));
}
