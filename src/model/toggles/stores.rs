//! Stores that a choice uses, adds or leaves behind.

use crate::model::naming::free_name;
use crate::model::node::{Node, RedisLike};
use crate::model::{Command, State, Topology};

/// Name of a store that is added, unless it is taken.
const STORE: &str = "store";

/// A store where something is kept after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedStore {
    /// Its name.
    pub name: String,
    /// Whether the change adds it.
    pub added: bool,
}

/// Sees to it that a setting names a store that is there and fits: one is added if there is none.
pub(super) fn find_store(
    topology: &Topology,
    store: &mut String,
    fits: impl Fn(&Node) -> bool,
    commands: &mut Vec<Command>,
) -> UsedStore {
    let mut added = false;
    if !topology.nodes.get(store.as_str()).is_some_and(&fits) {
        (*store, added) = store_for(topology, fits, commands);
    }
    UsedStore {
        name: store.clone(),
        added,
    }
}

/// A store that fits: one named `store` first, then the first of the file; else one is added.
fn store_for(
    topology: &Topology,
    fits: impl Fn(&Node) -> bool,
    commands: &mut Vec<Command>,
) -> (String, bool) {
    if topology.nodes.get(STORE).is_some_and(&fits) {
        return (STORE.to_owned(), false);
    }
    let redis_first = |node: &Node| !matches!(node, Node::RedisLike(_));
    let existing = topology
        .nodes
        .iter()
        .filter(|(_, node)| fits(node))
        .min_by_key(|(_, node)| redis_first(node));
    if let Some((name, _)) = existing {
        return (name.clone(), false);
    }
    let name = free_name(topology, STORE);
    commands.push(Command::Add(
        name.clone(),
        Node::RedisLike(RedisLike::default()),
    ));
    (name, true)
}

/// A store that something used before and nothing uses or calls now.
pub fn store_left_unused(before: &Topology, after: &Topology) -> Option<String> {
    after
        .nodes
        .iter()
        .find(|(name, node)| node.is_store() && is_used(before, name) && !is_used(after, name))
        .map(|(name, _)| name.clone())
}

/// Whether a store is there that nothing uses or calls.
pub fn is_unused(topology: &Topology, store: &str) -> bool {
    topology.nodes.contains_key(store) && !is_used(topology, store)
}

fn is_used(topology: &Topology, store: &str) -> bool {
    let by_sessions = topology.sessions.store().is_some_and(|s| s == store);
    let by_service = |node: &Node| match node {
        Node::Service(service) => {
            matches!(&service.state, State::External(external) if external.store == store)
        }
        _ => false,
    };
    by_sessions
        || topology.nodes.values().any(by_service)
        || topology.links.0.iter().any(|link| link.to == store)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{file, presets};

    #[test]
    fn a_name_that_is_taken_is_not_used() {
        let mut topology = file::read(presets::find("sticky-in-memory").unwrap().text, "").unwrap();
        topology.set_path("nodes.store", "Service()").unwrap();
        topology
            .set_path("links.api->store", "\"api -> store\"")
            .unwrap();
        let mut commands = Vec::new();
        let (name, added) = store_for(&topology, Node::is_store, &mut commands);
        assert_eq!((name.as_str(), added), ("store2", true));
    }
}
