//! Which links there are, and which of them each node uses for what.

use crate::model::check::{Why, implied_links};
use crate::model::{Node, Topology};
use crate::sim::Sim;
use crate::sim::clock::timers::LanePurpose;
use crate::sim::network::link::{LinkSlot, Way};
use crate::sim::observe::snapshot::NodeKind;
use crate::sim::stations::node::Body;
use crate::sim::streams::draw;

impl Sim {
    pub(in crate::sim) fn connect(&mut self, topology: &Topology) {
        let mut wanted: Vec<(u16, u16, u64, f64, bool)> = Vec::new();
        for link in &topology.links.0 {
            if let (Some(from), Some(to)) = (self.slot_of(&link.from), self.slot_of(&link.to)) {
                let ns_per_byte = 1e9 / link.settings.bandwidth.0;
                wanted.push((from, to, link.settings.latency.0, ns_per_byte, false));
            }
        }
        let default = crate::model::settings::with_profile(
            topology.profile,
            crate::model::node::LinkSettings::default,
        );
        let implied: Vec<(u16, u16, Why)> = implied_links(topology)
            .into_iter()
            .filter_map(|l| Some((self.slot_of(l.from)?, self.slot_of(l.to)?, l.why)))
            .collect();
        for &(from, to, _) in &implied {
            if !wanted.iter().any(|w| (w.0, w.1) == (from, to)) {
                wanted.push((from, to, default.latency.0, 1e9 / default.bandwidth.0, true));
            }
        }
        for link in &mut self.links {
            link.removed = !wanted.iter().any(|w| (w.0, w.1) == (link.from, link.to));
        }
        for (from, to, latency, ns_per_byte, implied) in wanted {
            let ns_per_byte = if ns_per_byte.is_finite() {
                ns_per_byte
            } else {
                0.0
            };
            let existing = self.links.iter().position(|l| (l.from, l.to) == (from, to));
            let index = existing.unwrap_or_else(|| {
                let (request_lane, reply_lane) = (
                    self.new_lane(LanePurpose::Request),
                    self.new_lane(LanePurpose::Reply),
                );
                let kinds = (self.nodes[from as usize].kind, self.nodes[to as usize].kind);
                self.links.push(LinkSlot {
                    way: match kinds {
                        (NodeKind::LoadBalancer, _) => Way::FromBalancer,
                        (_, NodeKind::Service | NodeKind::LoadBalancer) => Way::ToService,
                        _ => Way::ToStore,
                    },
                    from,
                    to,
                    removed: false,
                    implied,
                    salt: 0,
                    latency,
                    ns_per_byte,
                    busy_until: [0; 2],
                    request_lane,
                    reply_lane,
                    messages: 0,
                    bytes: 0,
                    messages_at_warmup: 0,
                    bytes_at_warmup: 0,
                    calls: Vec::new(),
                    turn: 0,
                });
                self.links.len() - 1
            });
            let before = self.links[index].ns_per_byte;
            let faster = ns_per_byte < before;
            if faster {
                // What comes now waits until what is still to be sent would have gone at this speed.
                let (now, share) = (self.now, ns_per_byte / before);
                for busy_until in &mut self.links[index].busy_until {
                    let left = busy_until.saturating_sub(now);
                    *busy_until = now.saturating_add((left as f64 * share) as u64);
                }
            }
            if faster || latency < self.links[index].latency {
                // What is sent from now on may overtake what is under way.
                let lanes = (
                    self.new_lane(LanePurpose::Request),
                    self.new_lane(LanePurpose::Reply),
                );
                let link = &mut self.links[index];
                (link.request_lane, link.reply_lane) = lanes;
            }
            let link = &mut self.links[index];
            link.removed = false;
            link.implied = implied;
            link.latency = latency;
            link.ns_per_byte = ns_per_byte;
        }
        for (name, node) in &topology.nodes {
            let Some(slot) = self.slot_of(name) else {
                continue;
            };
            let out: Vec<u16> = topology
                .links
                .0
                .iter()
                .filter(|l| l.from == *name)
                .filter_map(|l| self.link_between(slot, self.slot_of(&l.to)?))
                .collect();
            match (node, &mut self.nodes[slot as usize].body) {
                (Node::Clients(_), Body::Clients(body)) => {
                    body.entry_link = out.first().copied().unwrap_or(u16::MAX);
                }
                (Node::Service(_), Body::Service(_)) => {
                    let named = |wanted: Why| {
                        let mine =
                            |&&(from, _, why): &&(u16, u16, Why)| from == slot && why == wanted;
                        let (_, to, _) = implied.iter().find(mine)?;
                        self.link_between(slot, *to)
                    };
                    let (state, session) = (named(Why::State), named(Why::Sessions));
                    let snapshots = named(Why::Snapshots);
                    let calls: Vec<u16> = out
                        .into_iter()
                        .filter(|&l| ![state, session, snapshots].contains(&Some(l)))
                        .collect();
                    self.salt_links(state.into_iter().chain(session));
                    self.salt_links(calls.iter().copied());
                    if let Some(body) = self.service_mut(slot) {
                        body.state_link = state.unwrap_or(u16::MAX);
                        body.session_link = session.unwrap_or(u16::MAX);
                        body.calls = calls;
                    }
                }
                _ => {}
            }
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
