//! Where the requests in flight stand, for whoever has to say what they wait for.

use std::collections::BTreeMap;

use crate::sim::Sim;
use crate::sim::ids::NONE;
use crate::sim::observe::snapshot::Status;

/// Where a request or an operation stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a queue of a node, for a worker.
    Queue(String),
    /// At an instance that hangs; its number.
    Hung(String, u32),
    /// At a node that works on it, or waits for a disk.
    Served(String),
    /// On its way between two nodes, there or back.
    Link(String, String),
    /// At its clients, which wait to retry it or for a login.
    Clients(String),
}

impl Sim {
    /// Where the requests in flight stand, the largest number first. One that waits for a call of its own is where that
    /// call is. Takes time in proportion to all that is in flight.
    pub fn backlogs(&self) -> Vec<(Place, u64)> {
        let name = |node: u16| self.nodes[node as usize].name.clone();
        let mut backlogs: BTreeMap<Place, u64> = BTreeMap::new();
        for call in self.calls.iter().filter(|call| !call.free) {
            let status = self.nodes[call.node as usize]
                .instances
                .get(call.instance as usize)
                .map(|instance| instance.status);
            let place = if !call.present {
                let link = &self.links[call.link as usize];
                Place::Link(name(link.from), name(link.to))
            } else if call.wait != 0 && call.child != NONE {
                continue;
            } else if status == Some(Status::Hung) {
                Place::Hung(name(call.node), u32::from(call.instance) + 1)
            } else if call.queued {
                Place::Queue(name(call.node))
            } else {
                Place::Served(name(call.node))
            };
            *backlogs.entry(place).or_default() += 1;
        }
        for op in self.ops.iter().filter(|op| op.active && op.wait == 0) {
            *backlogs.entry(Place::Clients(name(op.client))).or_default() += 1;
        }
        let mut backlogs: Vec<(Place, u64)> = backlogs.into_iter().collect();
        backlogs.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        backlogs
    }
}
