//! Which links there are, and which of them each node uses for what.

use crate::model::check::{Why, implied_links};
use crate::model::node::LinkSettings;
use crate::model::settings::with_profile;
use crate::model::{Node, Topology};
use crate::sim::Sim;
use crate::sim::network::link::{LinkSlot, Way};
use crate::sim::observe::snapshot::NodeKind;
use crate::sim::stations::node::Body;
use crate::sim::streams::draw;

/// A link as the topology wants it.
struct Wanted {
    from: u16,
    to: u16,
    latency: u64,
    ns_per_byte: f64,
    implied: bool,
}

impl Wanted {
    fn new((from, to): (u16, u16), settings: &LinkSettings, implied: bool) -> Self {
        let ns_per_byte = 1e9 / settings.bandwidth.0;
        Self {
            from,
            to,
            latency: settings.latency.0,
            ns_per_byte: if ns_per_byte.is_finite() {
                ns_per_byte
            } else {
                0.0
            },
            implied,
        }
    }
}

impl Sim {
    /// Brings links up to date, and what each node uses them for.
    pub(in crate::sim) fn connect(&mut self, topology: &Topology) {
        let implied: Vec<(u16, u16, Why)> = implied_links(topology)
            .into_iter()
            .filter_map(|l| Some((self.slot_of(l.from)?, self.slot_of(l.to)?, l.why)))
            .collect();
        let mut wanted = Vec::new();
        for link in &topology.links.0 {
            if let (Some(from), Some(to)) = (self.slot_of(&link.from), self.slot_of(&link.to)) {
                wanted.push(Wanted::new((from, to), &link.settings, false));
            }
        }
        let default = with_profile(topology.profile, LinkSettings::default);
        for &(from, to, _) in &implied {
            if !wanted.iter().any(|w| (w.from, w.to) == (from, to)) {
                wanted.push(Wanted::new((from, to), &default, true));
            }
        }
        for slot in 0..self.nodes.len() as u16 {
            // Instances forward what another has the key of.
            let partitioned = self.service(slot).is_some_and(|s| s.partitioned);
            if partitioned && !self.nodes[slot as usize].removed {
                wanted.push(Wanted::new((slot, slot), &default, true));
            }
        }
        for link in &mut self.links {
            link.removed = !wanted
                .iter()
                .any(|w| (w.from, w.to) == (link.from, link.to));
        }
        for link in &wanted {
            self.bring_link(link);
        }
        for (name, node) in &topology.nodes {
            if let Some(slot) = self.slot_of(name) {
                self.assign_links(topology, slot, node, &implied);
            }
        }
    }

    /// Makes a link, or changes the one that is there.
    fn bring_link(&mut self, wanted: &Wanted) {
        let ends = (wanted.from, wanted.to);
        let existing = self.links.iter().position(|l| (l.from, l.to) == ends);
        let index = existing.unwrap_or_else(|| self.new_link(wanted));
        let link = &mut self.links[index];
        let faster = wanted.ns_per_byte < link.ns_per_byte;
        if faster {
            // What comes now waits until what is still to be sent would have gone at this speed.
            link.leaves_faster(self.now, wanted.ns_per_byte / link.ns_per_byte);
        }
        link.removed = false;
        link.implied = wanted.implied;
        link.latency = wanted.latency;
        link.ns_per_byte = wanted.ns_per_byte;
    }

    fn new_link(&mut self, wanted: &Wanted) -> usize {
        let (from, to) = (wanted.from, wanted.to);
        let kinds = (self.nodes[from as usize].kind, self.nodes[to as usize].kind);
        self.links.push(LinkSlot {
            way: match kinds {
                _ if from == to => Way::ToPeer,
                (NodeKind::LoadBalancer, _) => Way::FromBalancer,
                (_, NodeKind::Service | NodeKind::LoadBalancer) => Way::ToService,
                _ => Way::ToStore,
            },
            from,
            to,
            removed: false,
            implied: wanted.implied,
            salt: 0,
            latency: wanted.latency,
            ns_per_byte: wanted.ns_per_byte,
            busy_until: [0; 2],
            messages: 0,
            bytes: 0,
            messages_at_warmup: 0,
            bytes_at_warmup: 0,
            calls: Vec::new(),
            turn: 0,
        });
        self.links.len() - 1
    }

    /// What a node uses its links for: to enter the system, for its state, its sessions, and for further calls.
    fn assign_links(
        &mut self,
        topology: &Topology,
        slot: u16,
        node: &Node,
        implied: &[(u16, u16, Why)],
    ) {
        let name = &self.nodes[slot as usize].name;
        let mine = topology.links.0.iter().filter(|l| l.from == *name);
        let out: Vec<u16> = mine
            .filter_map(|l| self.link_between(slot, self.slot_of(&l.to)?))
            .collect();
        match (node, &mut self.nodes[slot as usize].body) {
            (Node::Clients(_), Body::Clients(body)) => {
                body.entry_link = out.first().copied().unwrap_or(u16::MAX);
            }
            (Node::Service(_), Body::Service(_)) => {
                let named = |wanted: Why| {
                    let mine = |&&(from, _, why): &&(u16, u16, Why)| from == slot && why == wanted;
                    let (_, to, _) = implied.iter().find(mine)?;
                    self.link_between(slot, *to)
                };
                let (state, session) = (named(Why::State), named(Why::Sessions));
                let snapshots = named(Why::Snapshots);
                let others = |&l: &u16| ![state, session, snapshots].contains(&Some(l));
                let calls: Vec<u16> = out.into_iter().filter(others).collect();
                self.salt_links(state.into_iter().chain(session));
                self.salt_links(calls.iter().copied());
                let peers = self.link_between(slot, slot);
                if let Some(body) = self.service_mut(slot) {
                    body.peer_link = peers.unwrap_or(u16::MAX);
                    body.state_link = state.unwrap_or(u16::MAX);
                    body.session_link = session.unwrap_or(u16::MAX);
                    body.calls = calls;
                }
            }
            _ => {}
        }
    }

    /// Gives the links of a service's calls what tells their draws apart: what is asked in the end, whether a balancer
    /// stands in between or not, and the how manieth call it is there.
    fn salt_links(&mut self, links: impl Iterator<Item = u16>) {
        let mut asked: Vec<u64> = Vec::new();
        for link in links {
            let mut to = self.links[link as usize].to;
            if self.nodes[to as usize].kind == NodeKind::LoadBalancer
                && let Some(behind) = self.links.iter().find(|l| l.from == to && !l.removed)
            {
                to = behind.to;
            }
            let key = self.nodes[to as usize].key;
            let times = asked.iter().filter(|&&before| before == key).count();
            asked.push(key);
            self.links[link as usize].salt = draw(key, times as u64);
        }
    }

    fn link_between(&self, from: u16, to: u16) -> Option<u16> {
        self.links
            .iter()
            .position(|l| !l.removed && (l.from, l.to) == (from, to))
            .map(|i| i as u16)
    }
}
