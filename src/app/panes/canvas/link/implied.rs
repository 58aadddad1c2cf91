//! Links that settings imply.

use crate::model::state::SnapshotTo;
use crate::model::{Node, State, Topology};

/// The links that settings imply: to state stores, session stores and the homes of snapshots.
pub fn implied(topology: &Topology) -> Vec<(&str, &str)> {
    let mut links: Vec<(&str, &str)> = Vec::new();
    let mut add = |from: &str, to: &str| {
        let known = topology
            .nodes
            .get_key_value(from)
            .zip(topology.nodes.get_key_value(to));
        if let Some(((from, _), (to, _))) = known
            && !topology
                .links
                .0
                .iter()
                .any(|l| l.from == *from && l.to == *to)
            && !links.contains(&(from.as_str(), to.as_str()))
        {
            links.push((from, to));
        }
    };
    for (name, node) in &topology.nodes {
        let Node::Service(service) = node else {
            continue;
        };
        match &service.state {
            State::External(external) => add(name, &external.store),
            State::InMemory(memory) => {
                if let (Some(_), SnapshotTo::ObjectStore(store)) =
                    (memory.snapshot_every, &memory.snapshot_to)
                {
                    add(name, store);
                }
            }
            _ => {}
        }
    }
    if let Some(store) = topology.sessions.store() {
        for front in &crate::app::panes::canvas::scene::Facts::of(topology).front {
            add(front, store);
        }
    }
    links
}
