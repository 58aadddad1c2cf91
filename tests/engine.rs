//! What always holds in a running system.

use statescope::model::{Topology, presets};
use statescope::sim::{Sim, Watch};

fn run(topology: &Topology, seed: u64) -> Sim {
    let mut sim = Sim::new(topology, seed, Watch { live: false });
    sim.run_until(topology.duration);
    sim
}

fn balances(sim: &Sim, what: &str) {
    let snapshot = sim.snapshot();
    let (writes, sessions, operations) = (snapshot.writes, snapshot.sessions, snapshot.operations);
    assert_eq!(
        writes.acknowledged,
        writes.held + writes.lost,
        "{what}: {writes:?}"
    );
    assert_eq!(
        sessions.initial + sessions.created,
        sessions.live + sessions.expired + sessions.logged_out + sessions.lost,
        "{what}: {sessions:?}"
    );
    assert_eq!(
        operations.offered,
        operations.completed + operations.failed + operations.in_flight,
        "{what}"
    );
    for (node, area, spent) in sim.littles_law() {
        assert_eq!(area, spent, "{what}: Little's law at {node}");
    }
}

#[test]
fn every_preset_balances() {
    for preset in presets::all() {
        let topology = statescope::model::load(preset.name)
            .expect("loads")
            .topology;
        let sim = run(&topology, 1);
        balances(&sim, preset.name);
        let s = sim.snapshot();
        println!(
            "{}: {:?}\n  {:?}\n  {:?}\n  {:?}",
            preset.name, s.operations, s.writes, s.sessions, s.faults
        );
    }
}
