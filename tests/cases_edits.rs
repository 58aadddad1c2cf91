//! Edits and changes while the system runs; draws, time and growth: inputs that once went wrong, each with what must
//! come out.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use statescope::model::{Topology, presets};
use statescope::sim::size::Holder;
use statescope::sim::{Sim, Watch};
use statescope::units::{Duration, SECOND};

fn load(text: &str) -> Topology {
    statescope::model::file::read(text, "case").unwrap()
}

fn start(topology: &Topology, seed: u64) -> Sim {
    Sim::new(topology, seed, Watch { live: false })
}

/// Memory does not grow with the length of a run, though a scenario watches for faults.
#[test]
fn memory_stays_flat_with_a_scenario() {
    let text = r#"Topology(schema: 1, duration: "3h",
        nodes: {
            "clients": Clients(arrivals: Poisson("60/s"), users: 500, keys: 500),
            "lb": LoadBalancer(policy: StickyCookie),
            "api": Service(instances: 3, state: InMemory(snapshot_every: "5s")),
        },
        links: ["clients -> lb", "lb -> api"],
        scenario: [At("60s", Crash("api", 2)), At("70s", Restart("api", 2))],
    )"#;
    let mut sim = start(&load(text), 1);
    sim.run_until(Duration(20 * 60 * SECOND));
    let early = sim.size();
    sim.run_until(Duration(3 * 3600 * SECOND));
    let late = sim.size();
    assert!(late <= early + early / 4, "{early} bytes, then {late}");
    assert_eq!(sim.clone().size(), late, "a clone counts the same");
}

/// Intervals that nobody takes are bounded, too, and one with very many answers still has its percentiles.
#[test]
fn an_interval_that_nobody_takes_is_bounded() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "100s",
        nodes: {
            "clients": Clients(arrivals: Steady("5000/s")),
            "api": Service(workers: 100, service_time: Uniform("10ms")),
        },
        links: ["clients -> api"],
    )"#;
    let mut sim = Sim::new(&load(text), 1, Watch { live: true });
    sim.run_until(Duration(60 * SECOND));
    let early = sim.size();
    sim.run_until(Duration(100 * SECOND));
    assert!(sim.size() <= early + early / 4);
    let interval = sim.take_interval();
    assert!(interval.completed > 400_000);
    let [p50, p95, p99] = interval.percentiles.unwrap();
    for (found, exact) in [(p50, 0.010), (p95, 0.019), (p99, 0.0198)] {
        assert!((found / exact - 1.0).abs() < 0.02, "{found} for {exact}");
    }
}

/// What holds the most is named, and the parts add up.
#[test]
fn a_backlog_is_named() {
    let text = r#"Topology(schema: 1, profile: Bare, duration: "30s",
        nodes: {
            "clients": Clients(arrivals: Steady("20000/s")),
            "front": Service(workers: 1000, service_time: Constant("1ms"), io: Asynchronous),
            "db": RedisLike(command_time: "1ms"),
        },
        links: ["clients -> front", "front -> db"],
    )"#;
    let mut sim = start(&load(text), 1);
    sim.run_until(Duration(10 * SECOND));
    let held = sim.held_by();
    assert_eq!(held.iter().map(|h| h.bytes).sum::<usize>(), sim.size());
    let of = |name: &str| {
        let at = Holder::Node(name.to_owned());
        held.iter().find(|h| h.holder == at).unwrap().count
    };
    // Twenty come while one is served; all of them wait, in front for the store's answer.
    for name in ["db", "front", "clients"] {
        assert!(
            (189_000..191_000).contains(&of(name)),
            "{name}: {}",
            of(name)
        );
    }
    for preset in presets::all() {
        let topology = statescope::model::load(preset.name).unwrap().topology;
        let mut sim = start(&topology, 1);
        sim.run_until(Duration(5 * SECOND));
        let sum: usize = sim.held_by().iter().map(|h| h.bytes).sum();
        assert_eq!(sum, sim.size(), "{}", preset.name);
    }
}
