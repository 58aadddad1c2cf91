//! What a choice means for the balancers that clients call.

use super::remembered::{Policies, Remembered};
use super::{Change, SessionKind};
use crate::model::node::{Node, Policy};
use crate::model::settings::to_ron;
use crate::model::{Command, Topology};

/// What becomes of a balancer's policy, where that is worth a word.
#[derive(Clone, Debug, PartialEq)]
pub struct Routing {
    /// The balancer's name.
    pub balancer: String,
    /// Its policy after the change.
    pub policy: Policy,
    /// Whether it was that before: users stick to an instance though nothing kept in sessions needs it any more.
    pub stays: bool,
}

/// Adds what the change means for the balancers: users stick to an instance where only it has their session; and where
/// nothing needs that any more, the policy is again what it was before. `before` are the policies that were in use with
/// what is chosen, when that was in use last.
pub(super) fn add_routing(
    topology: &Topology,
    remembered: &Remembered,
    before: Option<&Policies>,
    change: &mut Change,
) {
    let mut changed = topology.clone();
    for command in &change.commands {
        let _ = changed.apply(command); // what cannot be carried out is told by whoever judges the change
    }
    let sticky_sessions = |t: &Topology| SessionKind::of(&t.sessions) == SessionKind::Sticky;
    let let_go = sticky_sessions(topology) && !sticky_sessions(&changed);
    let balancers = first_balancers(&changed);
    change.balancers = balancers.len();
    for (balancer, old) in balancers {
        let was_sticky =
            before.and_then(|before| before.get(&balancer)) == Some(&Policy::StickyCookie);
        let loose = remembered.loose.get(&balancer).copied();
        let policy = if sticky_sessions(&changed) || was_sticky {
            Policy::StickyCookie
        } else if old != Policy::StickyCookie {
            old
        } else if let (true, Some(loose)) = (sticky_sessions(topology), loose) {
            loose
        } else if needs_sticky(topology) && !needs_sticky(&changed) {
            loose.unwrap_or_else(|| fallback(&changed, &balancer))
        } else {
            old
        };
        let stays = policy == old;
        if !stays {
            let path = format!("nodes.{balancer}.policy");
            change.commands.push(Command::Set(path, to_ron(&policy)));
        }
        if !stays || let_go && policy == Policy::StickyCookie {
            change.routing.push(Routing {
                balancer,
                policy,
                stays,
            });
        }
    }
}

/// Whether anything only works, or only works well, where a user's requests go to the same instance.
fn needs_sticky(topology: &Topology) -> bool {
    let local = |node: &Node| matches!(node, Node::Service(s) if s.state.is_local());
    SessionKind::of(&topology.sessions) == SessionKind::Sticky || topology.nodes.values().any(local)
}

/// Where a balancer sends users without a cookie.
fn fallback(topology: &Topology, balancer: &str) -> Policy {
    match topology.nodes.get(balancer) {
        Some(Node::LoadBalancer(lb)) if lb.fallback != Policy::StickyCookie => lb.fallback,
        _ => Policy::RoundRobin,
    }
}

/// The balancers that clients call, with their policies.
pub(super) fn first_balancers(topology: &Topology) -> Vec<(String, Policy)> {
    let called_by_clients = |name: &String| {
        topology.links.0.iter().any(|link| {
            link.to == *name && matches!(topology.nodes.get(&link.from), Some(Node::Clients(_)))
        })
    };
    let balancers = topology.nodes.iter().filter_map(|(name, node)| match node {
        Node::LoadBalancer(lb) if called_by_clients(name) => Some((name.clone(), lb.policy)),
        _ => None,
    });
    balancers.collect()
}
