//! Whether the engine's own books agree: for tests, and for whoever looks for a defect.

use super::Sim;
use super::parts::{Body, Call, NONE};
use super::snapshot::{NodeKind, Status};

/// What an audit of a simulation finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Contradictions, in words; empty unless the engine has a defect.
    pub faults: Vec<String>,
    /// Places for requests, operations, timers and stretches of logs: what memory has grown to.
    pub places: usize,
}

impl Sim {
    /// Compares the engine's books with each other: who is where, who waits for whom, who holds a worker, and the
    /// balances of writes, sessions and operations. Takes time in proportion to all that is in flight.
    pub fn audit(&self) -> Audit {
        let mut faults = Vec::new();
        self.audit_calls(&mut faults);
        self.audit_instances(&mut faults);
        self.audit_balances(&mut faults);
        let segments: usize = self.logs.iter().map(super::ledger::Log::segments).sum();
        Audit {
            faults,
            places: self.calls.len() + self.ops.len() + self.timers.len() + segments,
        }
    }

    fn live_calls(&self) -> impl Iterator<Item = (usize, &Call)> {
        self.calls.iter().enumerate().filter(|(_, c)| !c.free)
    }

    fn audit_calls(&self, faults: &mut Vec<String>) {
        let mut references: Vec<u32> = self.ops.iter().map(|op| u32::from(op.active)).collect();
        for (index, call) in self.live_calls() {
            references[call.op as usize] += 1;
            let node = &self.nodes[call.node as usize];
            if !call.present {
                continue;
            }
            let hung = node
                .instances
                .get(call.instance as usize)
                .is_some_and(|i| i.status == Status::Hung);
            if !call.queued && call.wait == 0 && call.resume == 0 && !hung {
                faults.push(format!(
                    "call {index} at {} waits for nothing, at step {}",
                    node.name, call.step
                ));
            }
            if call.wait != 0 && !self.will_hear(call) {
                faults.push(format!("call {index} at {} waits for ever", node.name));
            }
        }
        for (index, (op, counted)) in self.ops.iter().zip(references).enumerate() {
            if op.references != counted {
                faults.push(format!(
                    "operation {index} counts {} references and has {counted}",
                    op.references
                ));
            }
        }
    }

    /// Whether a call that waits has something to wait for: an answer, a time limit of its own, or a client that has not
    /// given up.
    fn will_hear(&self, call: &Call) -> bool {
        let mut call = call;
        loop {
            let limited = match &self.nodes[call.node as usize].body {
                Body::Balancer(b) => b.settings.response_timeout.is_some(),
                Body::Service(s) => s.settings.call_timeout.is_some(),
                Body::Clients(_) | Body::Store(_) => false,
            };
            let child = self.calls.get(call.child as usize);
            if limited || child.is_some_and(|c| !c.free && c.parent_wait == call.wait) {
                return true;
            }
            if call.parent == NONE {
                return self.ops[call.op as usize].wait == call.parent_wait;
            }
            let parent = &self.calls[call.parent as usize];
            if parent.free || parent.wait != call.parent_wait {
                return false;
            }
            // Whoever it answers to waits for it: what matters is whether that one ever gives up.
            let asks = &self.nodes[parent.node as usize].body;
            let gives_up = match asks {
                Body::Balancer(b) => b.settings.response_timeout.is_some(),
                Body::Service(s) => s.settings.call_timeout.is_some(),
                Body::Clients(_) | Body::Store(_) => false,
            };
            if gives_up {
                return true;
            }
            if parent.parent == NONE {
                return self.ops[parent.op as usize].wait == parent.parent_wait;
            }
            call = parent;
        }
    }

    fn audit_instances(&self, faults: &mut Vec<String>) {
        for (at, node) in self.nodes.iter().enumerate() {
            for (number, here) in node.instances.iter().enumerate() {
                let ours = || {
                    self.live_calls().filter(move |(_, c)| {
                        c.node as usize == at && c.instance as usize == number && c.present
                    })
                };
                let present = ours().count() as u64;
                let busy = ours().filter(|(_, c)| c.holds_worker).count() as u64;
                let queued = ours().filter(|(_, c)| c.queued).count() as u64;
                let counts = (here.present.n(), here.busy.n(), here.queue.len() as u64);
                let name = format!("{} {}", node.name, number + 1);
                if counts != (present, busy, queued) {
                    faults.push(format!(
                        "{name} counts {counts:?} present, busy and queued, and has {:?}",
                        (present, busy, queued)
                    ));
                }
                let has_workers = node.kind != NodeKind::LoadBalancer;
                if has_workers
                    && here.status.serves()
                    && here.busy.n() < u64::from(here.workers)
                    && queued > 0
                {
                    faults.push(format!("{name} lets requests wait beside a free worker"));
                }
            }
            let Body::Balancer(balancer) = &node.body else {
                continue;
            };
            for (number, target) in balancer.targets.iter().enumerate() {
                let sent = self
                    .live_calls()
                    .filter(|(_, c)| {
                        c.parent != NONE
                            && self.links[c.link as usize].from as usize == at
                            && c.target as usize == number
                    })
                    .count();
                if target.in_flight as usize != sent {
                    faults.push(format!(
                        "{} counts {} requests sent to its target {number}, and has {sent}",
                        node.name, target.in_flight
                    ));
                }
            }
        }
    }

    fn audit_balances(&self, faults: &mut Vec<String>) {
        let writes = self.write_counts();
        if writes.acknowledged != writes.held + writes.lost || writes.unavailable > writes.held {
            faults.push(format!("writes do not balance: {writes:?}"));
        }
        let by_cause: u64 = self.writes.lost_by_cause.iter().sum();
        if by_cause != writes.lost {
            faults.push(format!("{by_cause} losses have a cause: {writes:?}"));
        }
        let sessions = self.session_counts();
        let ended = sessions.expired + sessions.logged_out + sessions.lost;
        if sessions.initial + sessions.created != sessions.live + ended {
            faults.push(format!("sessions do not balance: {sessions:?}"));
        }
        for counted in &self.counted {
            let failed: u64 = counted.by_cause.iter().sum();
            if failed != counted.failed || counted.completed + counted.failed > counted.offered {
                faults.push("operations do not balance".to_owned());
            }
        }
        let in_flight = self.ops.iter().filter(|op| op.active).count() as u64;
        if self.operation_counts().in_flight != in_flight {
            faults.push(format!(
                "{in_flight} operations are in flight: {:?}",
                self.operation_counts()
            ));
        }
        for (node, area, spent) in self.littles_law() {
            if area != spent {
                faults.push(format!("Little's law at {node}: {area} and {spent}"));
            }
        }
    }
}
