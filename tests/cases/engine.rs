//! What always holds in a running system.

use crate::support::cases::{figure, read};
use statescope::model::{Topology, presets};
use statescope::sim::snapshot::NodeKind;
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
        sessions.live + sessions.expired + sessions.logged_out + sessions.revoked + sessions.lost,
        "{what}: {sessions:?}"
    );
    assert_eq!(
        operations.offered,
        operations.completed + operations.failed + operations.in_flight,
        "{what}"
    );
    // Conservation holds at each node, too; at clients, of operations.
    let mut at_clients = [0; 3];
    for node in &snapshot.nodes {
        assert_eq!(
            node.arrived,
            node.completed + node.failed + node.in_flight,
            "{what}: {}",
            node.name
        );
        if node.kind == NodeKind::Clients {
            for (sum, count) in
                at_clients
                    .iter_mut()
                    .zip([node.arrived, node.completed, node.failed])
            {
                *sum += count;
            }
        }
    }
    assert_eq!(
        at_clients,
        [operations.offered, operations.completed, operations.failed],
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

/// The same results on every platform: logarithms, exponentials and powers come from `libm`, and nothing iterates over
/// a hash map with random keys.
#[test]
fn the_simulator_uses_nothing_that_differs_between_platforms() {
    let banned = [
        ".ln()", ".ln_1p(", ".exp()", ".exp_m1(", ".powf(", ".powi(", ".log10(", ".log2(", ".sin(",
        ".cos(", "HashMap", "HashSet",
    ];
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sim")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).expect("a source file");
            files += 1;
            for (number, line) in text.lines().enumerate() {
                for what in banned {
                    assert!(
                        !line.contains(what),
                        "{}:{}: {what}",
                        entry.path().display(),
                        number + 1
                    );
                }
            }
        }
    }
    assert!(files > 10, "the files were found");
}

/// Users that a clients node gets while the system runs are its own, whatever other clients nodes there are.
#[test]
fn users_of_two_clients_nodes_stay_apart() {
    let mut topology = statescope::model::load("sticky-in-memory")
        .expect("loads")
        .topology;
    for (path, value) in [
        (
            "nodes.others",
            "Clients(arrivals: Poisson(\"50/s\"), users: 500, signed_in: true)",
        ),
        ("links.others->lb", "\"others -> lb\""),
        (
            "scenario",
            "[At(\"5s\", Set(\"nodes.clients.users\", \"9000\")), At(\"9s\", Set(\"nodes.others.users\", \"700\"))]",
        ),
        ("duration", "30s"),
    ] {
        topology.set_path(path, value).expect(path);
    }
    let sim = run(&topology, 3);
    balances(&sim, "more users");
    // Nobody died, so nobody was logged out: a user whose record was another's would be.
    assert_eq!(sim.snapshot().sessions.lost, 0);
}

/// Variants are compared on common random numbers: what is added or changed elsewhere leaves a node's draws as they were.
#[test]
fn a_change_leaves_the_draws_of_other_nodes_alone() {
    let mut base = statescope::model::load("stateless-web")
        .expect("loads")
        .topology;
    // Sessions would be looked up in one store by both.
    base.set_path("sessions", "None").expect("no sessions");
    let mut beside = base.clone();
    for (path, value) in [
        ("nodes.others", "Clients(arrivals: Poisson(\"70/s\"))"),
        ("nodes.other", "Service(instances: 2)"),
        ("links.others->other", "\"others -> other\""),
    ] {
        beside.set_path(path, value).expect(path);
    }
    // State is as big as the biggest values of all clients, so they must not differ in that.
    let size = base.get_path("nodes.clients.value_size").expect("a size");
    beside
        .set_path("nodes.others.value_size", &size)
        .expect("a size");
    let (alone, accompanied) = (run(&base, 7).results(), run(&beside, 7).results());
    // Not the balances of writes and sessions: the other clients have theirs in them.
    for part in ["nodes.api", "nodes.lb", "nodes.store", "links.lb->api"] {
        let found = alone.at(part);
        assert!(found.is_some(), "{part}");
        assert_eq!(found, accompanied.at(part), "{part}");
    }
    // Twice as slow: another order of events, the same operations.
    let mut slower = base.clone();
    slower
        .set_path("nodes.api.service_time.mean", "30ms")
        .expect("a service time");
    slower.set_path("scenario", "[]").expect("a scenario");
    let mut calm = base;
    calm.set_path("scenario", "[]").expect("a scenario");
    let offered = |topology: &Topology| run(topology, 7).snapshot().nodes[0].arrived;
    assert_eq!(offered(&slower), offered(&calm));
}

#[test]
fn a_request_may_make_hundreds_of_calls() {
    let behind =
        |i: u32| format!(r#""s{i}": Service(instances: 1, service_time: Constant("1us"))"#);
    let nodes: Vec<String> = (0..300).map(behind).collect();
    let links: Vec<String> = (0..300).map(|i| format!(r#""api -> s{i}""#)).collect();
    let text = format!(
        r#"Topology(schema: 1, profile: Bare, duration: "10s", nodes: {{
            "clients": Clients(arrivals: Steady("1/s"), mix: (read: 1)),
            "api": Service(instances: 1, service_time: Constant("1us")), {} }},
            links: ["clients -> api", {}])"#,
        nodes.join(", "),
        links.join(", ")
    );
    let end = crate::support::cases::run(&read(&text), 1).results();
    let at_each = figure(&end, "operations.completed") / 10.0;
    for node in ["api", "s0", "s255", "s299"] {
        let path = format!("nodes.{node}.throughput_per_s");
        assert_eq!(figure(&end, &path), at_each, "{node}");
    }
    assert!(at_each > 0.8, "{at_each}");
}
