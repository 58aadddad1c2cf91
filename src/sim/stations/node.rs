//! A node of the topology as it runs: what all kinds have in common, and the body of each kind.

use crate::sim::clock::queue::Queue;
use crate::sim::observe::metrics::Histogram;
use crate::sim::observe::snapshot::{NodeKind, Status};
use crate::sim::stations::balancer::BalancerBody;
use crate::sim::stations::instance::Instance;
use crate::sim::stations::pool::PoolCounts;
use crate::sim::stations::service::{Next, ServiceBody};
use crate::sim::stations::store::StoreBody;
use crate::sim::traffic::call::{Call, Outcome};
use crate::sim::traffic::clients::ClientsBody;

/// What a node does.
#[derive(Clone, Debug)]
pub(in crate::sim) enum Body {
    Clients(Box<ClientsBody>),
    Balancer(Box<BalancerBody>),
    Service(Box<ServiceBody>),
    Store(Box<StoreBody>),
}

/// What there is to do where a call has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sim) struct After {
    /// A worker is free for what waits.
    pub has_next: bool,
    /// The instance is being drained.
    pub drains: bool,
}

#[derive(Clone, Debug)]
pub(in crate::sim) struct NodeSlot {
    pub name: String,
    pub kind: NodeKind,
    pub removed: bool,
    /// Whose keys its requests read and write (see `keeping/newest.rs`): a node that stands for all that share them.
    pub space: u16,
    pub key: u64,
    /// Numbers of the zones that its instances are in, in turn.
    pub zones: Vec<u16>,
    pub body: Body,
    pub instances: Vec<Instance>,
    /// Its instances stand in the first places, up to this one; behind are only places that are free again.
    pub reach: u16,
    pub arrived: u64,
    pub completed: u64,
    pub failed: u64,
    pub completed_at_warmup: u64,
    pub failed_at_warmup: u64,
    pub response: Histogram,
    pub lost_writes: u64,
    pub lost_sessions: u64,
    /// Worker time of requests to log in.
    pub login_ns: u128,
    /// What its pools of connections have done, and had done when the warm-up ended.
    pub pool: PoolCounts,
    pub pool_at_warmup: PoolCounts,
}

impl NodeSlot {
    /// A request comes to an instance of a service that serves; gives what follows. `None`: it is no such node.
    #[inline(always)]
    pub(in crate::sim) fn takes_in(
        &mut self,
        call: &mut Call,
        index: u32,
        queue: &mut Queue,
        now: u64,
    ) -> Option<Next> {
        let Body::Service(service) = &self.body else {
            return None;
        };
        let here = &mut self.instances[call.instance as usize];
        if self.removed || here.moved || !here.status.serves() {
            return None;
        }
        here.enter(call, now);
        self.arrived += 1;
        Some(service.admit(here, call, index, queue, now))
    }

    /// A call has been worked on: if there is nothing left but to answer it, it leaves with that.
    #[inline(always)]
    pub(in crate::sim) fn answers(&mut self, call: &mut Call, now: u64) -> Option<After> {
        let Body::Service(service) = &self.body else {
            return None;
        };
        let hangs = self.instances[call.instance as usize].status == Status::Hung;
        let over = call.outcome == Outcome::Done && !hangs && service.has_done(call);
        over.then(|| self.lets_go(call, now))
    }

    /// A call leaves its instance, and its worker if it still holds one.
    #[inline(always)]
    pub(in crate::sim) fn lets_go(&mut self, call: &mut Call, now: u64) -> After {
        let here = self.sees_off(call, now);
        let mut after = After {
            has_next: false,
            drains: here.status == Status::Draining,
        };
        if std::mem::take(&mut call.holds_worker) {
            here.free_worker(now);
            after.has_next = here.has_next();
        }
        after
    }

    /// A call leaves its instance, which is what its time there is counted to.
    #[inline(always)]
    pub(in crate::sim) fn sees_off(&mut self, call: &mut Call, now: u64) -> &mut Instance {
        let here = &mut self.instances[call.instance as usize];
        let spent = now - call.arrived;
        call.present = false;
        call.resume = 0;
        call.wait = 0;
        if call.outcome == Outcome::Done {
            self.completed += 1;
            self.response.record(spent);
        } else {
            self.failed += 1;
        }
        here.present.remove(now);
        here.spent += u128::from(spent);
        here
    }
}
