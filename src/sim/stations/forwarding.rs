//! Requests that come to an instance which does not have their key: it forwards them to the one that has it.
//!
//! That one works on them, as if they had come there; who forwards them needs no worker for that, and passes the answer on.
//! A forward crosses the network as any call, and fails as one.

use crate::model::Sessions;
use crate::sim::Sim;
use crate::sim::observe::snapshot::Cause;
use crate::sim::stations::node::Body;
use crate::sim::traffic::call::{Asked, Outcome};

/// A call's step once nothing is left but to pass the answer on.
const ANSWERED: u16 = u16::MAX;

impl Sim {
    /// A read or write has come to an instance of a service whose keys are spread: it is worked on where its key is.
    pub(in crate::sim) fn route(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (node, instance) = (call.node, call.instance);
        let key = self.ops[call.op as usize].key;
        match self.place_of_key(node, instance, key) {
            Some((_, owner)) if owner != instance => self.forward(index, owner),
            _ => self.admit_here(index),
        }
    }

    /// A call that is at its instance is served, queued or turned away there, whoever has its key.
    fn admit_here(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        let slot = &mut self.nodes[call.node as usize];
        let Body::Service(service) = &slot.body else {
            return;
        };
        let here = &mut slot.instances[call.instance as usize];
        let next = service.admit_to(here, call, index, &mut self.queue, self.now);
        self.follow_up(index, next);
    }

    /// Asks another instance of the same service, and passes its answer on.
    pub(in crate::sim) fn forward(&mut self, index: u32, to: u16) {
        let call = &self.calls[index as usize];
        let mut entry = call.entry;
        if entry && matches!(self.topology.sessions, Sessions::InMemory(_)) {
            // The session is in the memory of whoever was asked.
            if !self.credential_accepted_here(index) {
                return self.reply_failed(index, Cause::Unauthorized);
            }
            entry = false;
        }
        let call = &mut self.calls[index as usize];
        let Body::Service(service) = &self.nodes[call.node as usize].body else {
            return;
        };
        let link = service.peer_link;
        if self.links.get(link as usize).is_none_or(|l| l.removed) {
            return self.reply_failed(index, Cause::StoreUnavailable);
        }
        let limit = service.settings.call_timeout;
        let limit = limit.map(|limit| (limit, service.call_lane));
        call.step = ANSWERED;
        let asked = Asked {
            op: call.op,
            parent: index,
            asker: call.asker,
            link,
            instance: to,
            verb: call.verb,
            bits: call.draw,
            entry,
            credential: call.credential,
            target: 0,
        };
        self.call(asked, limit);
    }
}

/// What a caller sees of an answer that was passed on: what whoever has the key said, or that it said nothing.
pub(in crate::sim) fn passed_on(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Failed(
            Cause::Refused
            | Cause::Reset
            | Cause::ConnectTimeout
            | Cause::Timeout
            | Cause::NoInstance,
        ) => Outcome::Failed(Cause::StoreUnavailable),
        said => said,
    }
}
