//! Stores: Redis-like, SQL, object store.

use super::parts::{Body, Outcome, StoreBody, Verb};
use super::snapshot::{Cause, Status};
use super::streams::draw;
use super::{Kind, Sim};

const SERVE: u8 = 0;
const APPLY: u8 = 1;
const SYNCED: u8 = 2;

impl Sim {
    pub(super) fn store(&self, node: u16) -> Option<&StoreBody> {
        match &self.nodes[node as usize].body {
            Body::Store(store) => Some(store),
            _ => None,
        }
    }

    pub(super) fn store_mut(&mut self, node: u16) -> Option<&mut StoreBody> {
        match &mut self.nodes[node as usize].body {
            Body::Store(store) => Some(store),
            _ => None,
        }
    }

    pub(super) fn store_arrive(&mut self, index: u32) {
        self.enter(index);
        let call = &self.calls[index as usize];
        let (node, instance, verb) = (call.node, call.instance, call.verb);
        let now = self.now;
        let Some(store) = self.store_mut(node) else {
            return;
        };
        // A replica, or a primary that was deposed while the call was on its way, does not answer for the store.
        if store.primary != instance {
            return self.reply(index, Outcome::Failed(Cause::Refused));
        }
        if !store.admits(now, matches!(verb, Verb::Write | Verb::StoreSession)) {
            return self.reply(index, Outcome::Failed(Cause::QueueFull));
        }
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        if here.busy.n() < u64::from(here.workers) && here.status != Status::Hung {
            self.start_work(index);
        } else {
            here.enqueue(now, index);
            self.calls[index as usize].queued = true;
        }
    }

    pub(super) fn store_step(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (node, verb, bits) = (call.node, call.verb, call.draw);
        let writes = matches!(verb, Verb::Write | Verb::StoreSession);
        match call.step {
            SERVE => {
                let Some(store) = self.store(node) else {
                    return;
                };
                let sampler = if writes { &store.write } else { &store.read };
                let ns = sampler.sample_ns(draw(store.read_key, bits));
                self.calls[index as usize].step = APPLY;
                if ns == 0 {
                    return self.store_step(index);
                }
                self.calls[index as usize].resume =
                    self.queue.push(self.now + ns, Kind::Resume, index);
            }
            APPLY => {
                self.calls[index as usize].step = SYNCED;
                let Some(store) = self.store(node) else {
                    return;
                };
                let (log, holds) = (store.log, store.holds_worker_for_fsync);
                if !writes {
                    if verb == Verb::Read {
                        self.read_from(index, log);
                    }
                    return self.store_step(index);
                }
                self.write_to(index, log);
                if self.must_wait_for_fsync(log) {
                    if !holds {
                        self.release_worker(index);
                    }
                    return self.wait_for_fsync(index, log);
                }
                self.store_step(index);
            }
            _ => self.reply(index, Outcome::Done),
        }
    }
}

impl StoreBody {
    /// Whether the rate limit lets a request through: a bucket that holds one second's worth.
    fn admits(&mut self, now: u64, write: bool) -> bool {
        let Some((rate, tokens, at)) = &mut self.limits[usize::from(write)] else {
            return true;
        };
        *tokens = (*tokens + (now - *at) as f64 / 1e9 * *rate).min(*rate);
        *at = now;
        if *tokens < 1.0 {
            return false;
        }
        *tokens -= 1.0;
        true
    }
}
