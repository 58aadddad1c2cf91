//! How much memory a simulation holds, and what holds it.
//!
//! Counted from lengths, not from what the allocator gave: a clone, and a run on another machine, count the same.

use crate::model::{Command, Timed};
use crate::sim::Sim;
use crate::sim::clock::queue::{ENTRY_BYTES, Kind};
use crate::sim::clock::timers::Timer;
use crate::sim::keeping::Newest;
use crate::sim::keeping::keys::KeyTable;
use crate::sim::keeping::ledger::Log;
use crate::sim::keeping::rebalance::Rebalance;
use crate::sim::network::link::LinkSlot;
use crate::sim::observe::counts::{Counted, Fault};
use crate::sim::observe::metrics::Histogram;
use crate::sim::observe::snapshot::{CallCounts, Happening};
use crate::sim::observe::told::{Ended, Told};
use crate::sim::room::room;
use crate::sim::sessions::{PlacedBefore, User};
use crate::sim::stations::balancer::Target;
use crate::sim::stations::instance::Instance;
use crate::sim::stations::node::{Body, NodeSlot};
use crate::sim::traffic::call::Call;
use crate::sim::traffic::operation::{Op, Seat};

/// What holds memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// Requests at a node: waiting for a worker, in work, or waiting for an answer. At clients: operations under way.
    Node(String),
    /// Messages on their way over a link, by its key "a->b", there and back.
    Link(String),
    /// Users, their sessions and their cookies.
    Users,
    /// Keys: their popularity and their newest versions.
    Keys,
    /// Writes that some copy may still lose, and what each copy holds of each key, by the node that keeps them.
    Writes(String),
    /// Everything else: settings, figures, events to come, places that are free again.
    Rest,
}

/// A part of what a simulation holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What holds it.
    pub holder: Holder,
    /// How many: requests, messages, users, keys, or stretches of writes; 0 for the rest.
    pub count: u64,
    /// Bytes of memory.
    pub bytes: usize,
}

impl Sim {
    /// Bytes of memory that the simulation holds, by its own count: the same for a clone and on every machine.
    pub fn size(&self) -> usize {
        self.traffic_bytes()
            + self.users_bytes()
            + self.keys_bytes()
            + self.logs.iter().map(Log::bytes).sum::<usize>()
            + self.other_bytes()
    }

    /// What holds that memory, the most first. The parts add up to `size()`.
    pub fn held_by(&self) -> Vec<Held> {
        let mut parts = Vec::new();
        let per_request = size_of::<Call>() + size_of::<u32>();
        for node in self.nodes.iter().filter(|n| !n.removed) {
            let (count, each) = match &node.body {
                Body::Clients(_) => (node.arrived - node.completed - node.failed, size_of::<Op>()),
                _ => (
                    node.instances.iter().map(|i| i.present.n()).sum(),
                    per_request,
                ),
            };
            parts.push(Held {
                holder: Holder::Node(node.name.clone()),
                count,
                bytes: count as usize * each,
            });
        }
        let per_message = size_of::<Call>() + ENTRY_BYTES;
        let mut count = vec![0; self.links.len()];
        for due in self.queue.pending() {
            if matches!(due.kind, Kind::Request | Kind::Reply) {
                count[self.calls[due.index as usize].link as usize] += 1;
            }
        }
        for (link, count) in self.links.iter().zip(count) {
            if link.removed {
                continue;
            }
            let name = |node: u16| &self.nodes[node as usize].name;
            parts.push(Held {
                holder: Holder::Link(format!("{}->{}", name(link.from), name(link.to))),
                count: count as u64,
                bytes: count * per_message,
            });
        }
        parts.push(Held {
            holder: Holder::Users,
            count: self.users.len() as u64,
            bytes: self.users_bytes(),
        });
        parts.push(Held {
            holder: Holder::Keys,
            count: self.newest.iter().map(|space| space.len() as u64).sum(),
            bytes: self.keys_bytes(),
        });
        for (index, node) in self.nodes.iter().enumerate() {
            let (mut count, mut bytes) = (0, 0);
            for log in self.logs.iter().filter(|l| l.node as usize == index) {
                count += (log.segments() + log.versions.len()) as u64;
                bytes += log.bytes();
            }
            if bytes > 0 {
                parts.push(Held {
                    holder: Holder::Writes(node.name.clone()),
                    count,
                    bytes,
                });
            }
        }
        // Requests were counted one by one; the rest is what their vectors have beyond.
        let counted: usize = parts.iter().map(|p| p.bytes).sum();
        parts.push(Held {
            holder: Holder::Rest,
            count: 0,
            bytes: self.size().saturating_sub(counted),
        });
        parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.holder.cmp(&b.holder)));
        parts
    }

    /// Requests, operations, and the events to come.
    fn traffic_bytes(&self) -> usize {
        let caches = self.nodes.iter().flat_map(|n| &n.instances);
        let caches = caches.map(|i| i.cache.bytes());
        let queues = self.nodes.iter().flat_map(|n| &n.instances);
        room::<Op>(self.ops.len())
            + room::<Call>(self.calls.len())
            + self.connections.bytes()
            + room::<Timer>(self.timers.len())
            + room::<u32>(self.free_timers.len())
            + self.queue.bytes()
            + caches.sum::<usize>()
            + queues
                .map(|i| room::<u32>(i.queue.len() + i.backlog.len()))
                .sum::<usize>()
    }

    fn users_bytes(&self) -> usize {
        let cookies = |n: &NodeSlot| match &n.body {
            Body::Balancer(b) => room::<u16>(b.cookies.len()) + room::<[u32; 4]>(b.led_away.len()),
            _ => 0,
        };
        room::<User>(self.users.len())
            + self
                .sessions_before
                .as_ref()
                .map_or(0, |b| room::<PlacedBefore>(b.users.len()))
            + self.revoking.bytes()
            + room::<Seat>(self.seats.len())
            + room::<u32>(self.free_seats.len())
            + self.nodes.iter().map(cookies).sum::<usize>()
    }

    fn keys_bytes(&self) -> usize {
        let tables = |n: &NodeSlot| match &n.body {
            Body::Clients(c) => c.popularity.as_ref().map_or(0, |p| p.bytes()),
            _ => 0,
        };
        let newest = self.newest.iter().map(KeyTable::bytes);
        let left = self.left_behind.iter().map(|(_, stamps)| stamps.bytes());
        newest.chain(left).sum::<usize>() + self.nodes.iter().map(tables).sum::<usize>()
    }

    fn other_bytes(&self) -> usize {
        let of_node = |n: &NodeSlot| {
            let body = match &n.body {
                Body::Clients(c) => room::<u32>(c.seats.len()),
                Body::Balancer(b) => room::<Target>(b.targets.len()),
                Body::Service(s) => {
                    room::<u16>(s.calls.len())
                        + s.partition.as_ref().map_or(0, |p| p.bytes())
                        + room::<Rebalance>(s.rebalances.len())
                        + room::<u64>(s.served.len())
                }
                Body::Store(s) => room::<u16>(s.listeners.len()),
            };
            body + n.response.bytes() + room::<Instance>(n.instances.len())
        };
        let counted = |c: &Counted| {
            c.response.iter().map(Histogram::bytes).sum::<usize>() + c.failed_response.bytes()
        };
        let of_link = |l: &LinkSlot| room::<CallCounts>(l.calls.len());
        size_of::<Self>()
            + room::<NodeSlot>(self.nodes.len())
            + room::<KeyTable<Newest>>(self.newest.len())
            + room::<[[u32; 6]; 2]>(self.message_bytes.len())
            + self.nodes.iter().map(of_node).sum::<usize>()
            + room::<LinkSlot>(self.links.len())
            + self.links.iter().map(of_link).sum::<usize>()
            + room::<Command>(self.commands.len())
            + room::<Timed>(self.recording.len())
            + room::<Fault>(self.faults.len())
            + room::<Happening>(self.observers.log.kept.len())
            + self.observers.results.iter().map(counted).sum::<usize>()
            + self.observers.operations.as_ref().map_or(0, |told| {
                let of = |t: &Told| room::<u64>(t.started.len()) + room::<Ended>(t.ended.len());
                room::<Told>(told.len()) + told.iter().map(of).sum::<usize>()
            })
            + self.observers.intervals.as_ref().map_or(0, |i| i.bytes())
    }
}
