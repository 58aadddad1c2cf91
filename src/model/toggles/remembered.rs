//! What was written for choices that are not in use.

use std::collections::BTreeMap;

use super::{Placement, SessionKind};
use crate::model::node::{Node, Policy};
use crate::model::{Renaming, Sessions, State, Topology};

/// What was written for choices that are not in use now: per service and placement, and per session strategy. A document
/// has one, so that a toggle comes back whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remembered {
    pub(super) states: BTreeMap<(String, Placement), (State, Policies)>,
    pub(super) sessions: BTreeMap<SessionKind, (Sessions, Policies)>,
    /// The policies that gave way to sticky cookies.
    pub(super) loose: Policies,
}

/// Balancers' policies by name.
pub(super) type Policies = BTreeMap<String, Policy>;

fn policies(topology: &Topology) -> Policies {
    let balancers = topology.nodes.iter().filter_map(|(name, node)| match node {
        Node::LoadBalancer(lb) => Some((name.clone(), lb.policy)),
        _ => None,
    });
    balancers.collect()
}

impl Remembered {
    /// Nodes have other names from now on.
    fn rename(&mut self, names: &Renaming) {
        if names.is_empty() {
            return;
        }
        let states = std::mem::take(&mut self.states);
        for ((mut name, placement), (mut state, mut policies)) in states {
            names.name(&mut name);
            names.state(&mut state);
            names.keys(&mut policies);
            self.states.insert((name, placement), (state, policies));
        }
        for (sessions, policies) in self.sessions.values_mut() {
            names.sessions(sessions);
            names.keys(policies);
        }
        names.keys(&mut self.loose);
    }

    /// Takes in a step of the document.
    pub fn note(&mut self, before: &Topology, after: &Topology) {
        self.rename(&Renaming::between(before, after));
        let state = |topology: &Topology, name: &str| match topology.nodes.get(name) {
            Some(Node::Service(service)) => Some(service.state.clone()),
            _ => None,
        };
        let mut toggled = false;
        for name in before.nodes.keys() {
            if let (Some(old), Some(new)) = (state(before, name), state(after, name))
                && Placement::of(&old) != Placement::of(&new)
            {
                let key = (name.clone(), Placement::of(&old));
                self.states.insert(key, (old, policies(before)));
                toggled = true;
            }
        }
        let kind = SessionKind::of(&before.sessions);
        if kind != SessionKind::of(&after.sessions) {
            let kept = (before.sessions.clone(), policies(before));
            self.sessions.insert(kind, kept);
            toggled = true;
        }
        for (name, new) in policies(after) {
            if new != Policy::StickyCookie {
                self.loose.remove(&name);
            } else if toggled
                && let Some(Node::LoadBalancer(lb)) = before.nodes.get(&name)
                && lb.policy != Policy::StickyCookie
            {
                self.loose.insert(name, lb.policy);
            }
        }
    }
}
