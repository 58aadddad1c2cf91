//! Services: queue, workers, and the steps of a request.
//!
//! A request is worked on; then its session is looked up, its state read or written, and further calls are made, in
//! that order. With blocking I/O its worker is held until the reply is sent; with asynchronous I/O until the first
//! wait for something else.

use super::parts::{Body, NONE, Outcome, ServiceBody, Verb};
use super::snapshot::{Cause, Status};
use super::streams::{draw, unit, whole_ns};
use super::{Kind, Sim};
use crate::model::node::Queue;
use crate::model::{Sessions, State};

/// A call's steps after the work, with which it begins.
const SESSION: u8 = 1;
const STATE: u8 = 2;
const ACCESS: u8 = 3;
const CALLS: u8 = 4;

impl Sim {
    pub(super) fn service(&self, node: u16) -> Option<&ServiceBody> {
        match &self.nodes[node as usize].body {
            Body::Service(service) => Some(service),
            _ => None,
        }
    }

    pub(super) fn service_mut(&mut self, node: u16) -> Option<&mut ServiceBody> {
        match &mut self.nodes[node as usize].body {
            Body::Service(service) => Some(service),
            _ => None,
        }
    }

    /// A request that has come in is served, queued or turned away.
    #[inline(always)]
    pub(super) fn admit_to_service(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (node, instance, bits) = (call.node as usize, call.instance as usize, call.draw);
        let now = self.now;
        let slot = &mut self.nodes[node];
        let Body::Service(service) = &slot.body else {
            return;
        };
        if service.settings.error_share.0 > 0.0
            && unit(draw(service.error_key, bits)) < service.settings.error_share.0
        {
            return self.reply(index, Outcome::Failed(Cause::Error));
        }
        let limit = match service.queue {
            Queue::Limit(limit) => limit as usize,
            Queue::Unlimited => usize::MAX,
        };
        let here = &mut slot.instances[instance];
        if here.busy.n() < u64::from(here.workers) {
            self.start_work(index);
        } else if (here.waiting.n() as usize) < limit {
            let position = here.enqueue(now, index);
            let call = &mut self.calls[index as usize];
            call.queued = true;
            call.position = position;
        } else {
            self.reply(index, Outcome::Failed(Cause::QueueFull));
        }
    }

    /// A worker takes the call and works on it.
    #[inline(always)]
    pub(super) fn start_work(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        call.queued = false;
        call.holds_worker = true;
        let slot = &mut self.nodes[call.node as usize];
        let here = &mut slot.instances[call.instance as usize];
        here.busy.add(self.now);
        if let Body::Store(store) = &slot.body {
            if store.rounds || here.round.open {
                here.round.take(here.waiting.n() as usize);
            }
            return self.proceed(index);
        }
        if call.entry && !self.credential_accepted_here(index) {
            return self.reply(index, Outcome::Failed(Cause::Unauthorized));
        }
        let ns = self.work_ns(index);
        let call = &self.calls[index as usize];
        if call.verb == Verb::Login {
            self.nodes[call.node as usize].login_ns += u128::from(ns);
        }
        match ns {
            0 => self.proceed(index),
            ns => self.resume_after(index, SESSION, ns),
        }
    }

    /// A worker is free again, and takes the next call.
    #[inline(always)]
    pub(super) fn release_worker(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        call.holds_worker = false;
        let (node, instance) = (call.node, call.instance);
        let now = self.now;
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.busy.remove(now);
        self.take_next(node, instance);
    }

    /// Free workers of an instance take what waits. Work that takes no time frees its worker at once: the loop that
    /// is running takes the next then, so that a long queue does not nest as deep as it is long.
    #[inline(always)]
    pub(super) fn take_next(&mut self, node: u16, instance: u16) {
        let now = self.now;
        if self.nodes[node as usize].instances[instance as usize].taking {
            return;
        }
        loop {
            let here = &mut self.nodes[node as usize].instances[instance as usize];
            here.taking = false;
            if here.round.is_carried_out(here.waiting.n() == 0)
                && here.busy.n() == 0
                && here.status.serves()
            {
                here.taking = true;
                self.end_round(node, instance);
                continue;
            }
            if here.busy.n() >= u64::from(here.workers) || !here.status.serves() {
                return;
            }
            let Some(next) = here.dequeue(now) else {
                return;
            };
            here.taking = true;
            self.start_work(next);
        }
    }

    /// Goes on with a call, unless its instance hangs; then it does so when the instance goes on.
    pub(super) fn proceed(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let slot = &self.nodes[call.node as usize];
        if slot.instances[call.instance as usize].status == Status::Hung {
            return;
        }
        let outcome = match (call.outcome, &slot.body) {
            (Outcome::Done, Body::Store(_)) => return self.store_step(index),
            (Outcome::Done, _) => self.service_step(index),
            (failed, _) => Some(failed),
        };
        if let Some(outcome) = outcome {
            self.reply(index, outcome);
        }
    }

    /// The call's next steps, up to the first for which it must wait, or to its end. Its instance does not hang.
    #[inline(always)]
    fn service_step(&mut self, index: u32) -> Option<Outcome> {
        let call = &self.calls[index as usize];
        let (node, instance, mut step, verb, entry) =
            (call.node, call.instance, call.step, call.verb, call.entry);
        if step <= SESSION {
            step = STATE;
            if entry && matches!(self.topology.sessions, Sessions::ServerSide(_)) {
                let link = self.service(node).map_or(u16::MAX, |s| s.session_link);
                let asked = match verb {
                    Verb::Login => Verb::StoreSession,
                    _ => Verb::FindSession,
                };
                return self.call_on(index, step, link, asked, 1);
            }
            if entry
                && verb == Verb::Login
                && matches!(self.topology.sessions, Sessions::InMemory(_))
            {
                let place = self.create_session_here(index);
                self.calls[index as usize].place = place;
            }
        }
        if step == STATE {
            if entry && !self.session_found(index) {
                return Some(Outcome::Failed(Cause::Unauthorized));
            }
            if !matches!(verb, Verb::Read | Verb::Write) {
                return Some(Outcome::Done);
            }
            let service = self.service(node)?;
            let wait = |read: u64, write: u64| if verb == Verb::Read { read } else { write };
            step = ACCESS;
            let ns = match &service.settings.state {
                State::Stateless => {
                    step = CALLS;
                    0
                }
                State::External(_) => {
                    let link = service.state_link;
                    return self.call_on(index, CALLS, link, verb, 2);
                }
                State::InMemory(_) => 0,
                State::LocalDisk(d) => wait(d.read_time.0, d.write_time.0),
                State::LocalDatabase(d) => wait(d.read_time.0, d.write_time.0),
            };
            if ns > 0 {
                self.wait_without_worker(index);
                self.resume_after(index, step, ns);
                return None;
            }
        }
        if step == ACCESS && !self.service(node)?.settings.state.is_local() {
            // Its state is kept elsewhere by now: there it goes.
            self.calls[index as usize].step = STATE;
            return self.service_step(index);
        }
        if step == ACCESS {
            let log = self.data_log(node, instance);
            step = CALLS;
            if verb == Verb::Read {
                self.read_from(index, log);
            } else {
                self.write_to(index, log);
                if self.must_wait_for_fsync(log) {
                    self.calls[index as usize].step = step;
                    self.wait_without_worker(index);
                    self.wait_for_fsync(index, log);
                    return None;
                }
            }
        }
        let k = usize::from(step - CALLS);
        match self.service(node)?.calls.get(k) {
            Some(&link) => self.call_on(index, step + 1, link, verb, 3),
            None => Some(Outcome::Done),
        }
    }

    /// The call goes on with a step after a time.
    #[inline]
    fn resume_after(&mut self, index: u32, step: u8, ns: u64) {
        let number = self
            .queue
            .push(self.now.saturating_add(ns), Kind::Resume, index);
        let call = &mut self.calls[index as usize];
        call.step = step;
        call.resume = number;
    }

    /// With asynchronous I/O the worker does other work from here on.
    fn wait_without_worker(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let asynchronous = self.service(call.node).is_some_and(|s| s.asynchronous);
        if asynchronous && call.holds_worker {
            self.release_worker(index);
        }
    }

    /// Makes a call for the request and waits for it; then the request goes on with a step.
    fn call_on(
        &mut self,
        index: u32,
        step: u8,
        link: u16,
        verb: Verb,
        counter: u64,
    ) -> Option<Outcome> {
        if link == u16::MAX || self.links[link as usize].removed {
            return Some(Outcome::Failed(Cause::StoreUnavailable));
        }
        let call = &mut self.calls[index as usize];
        call.step = step;
        let (op, node, worker) = (call.op, call.node, call.holds_worker);
        // Its place in the program and what it asks for, by whatever way: its draws depend on that alone.
        let above = self.calls[index as usize].draw;
        let bits = draw(self.links[link as usize].salt ^ counter, above);
        let child = self.new_call(op, index, link, verb, bits);
        let service = self.service(node)?;
        let (timeout, lane) = (service.settings.call_timeout, service.call_lane);
        let releases = service.asynchronous && worker;
        if let Some(timeout) = timeout {
            let token = self.calls[index as usize].wait;
            self.queue
                .push_lane(lane, self.now + timeout.0, index, token);
        }
        if releases {
            self.release_worker(index);
        }
        self.choose_instance(child);
        self.send(child);
        None
    }

    /// A call that a service or balancer made has not been answered in time.
    pub(super) fn call_timeout(&mut self, index: u32, token: u32) {
        if self.calls[index as usize].wait != token {
            return;
        }
        let child = self.calls[index as usize].child;
        self.calls[index as usize].wait = 0;
        self.calls[index as usize].child = NONE;
        // The child may have vanished with its machine, and its slot hold another.
        if child != NONE
            && !self.calls[child as usize].free
            && self.calls[child as usize].parent_wait == token
        {
            self.meets_fault(child);
            self.abandon(child, false);
        }
        match self.nodes[self.calls[index as usize].node as usize].body {
            Body::Balancer(_) => self.balancer_returned(index, Outcome::Failed(Cause::Timeout)),
            _ => self.service_returned(index, Outcome::Failed(Cause::StoreUnavailable)),
        }
    }

    /// A call that the request made has been answered.
    pub(super) fn service_returned(&mut self, index: u32, outcome: Outcome) {
        if let Outcome::Failed(cause) = outcome {
            self.calls[index as usize].outcome = Outcome::Failed(cause);
        }
        self.proceed(index);
    }

    /// Worker time of a request, in nanoseconds.
    #[inline(always)]
    fn work_ns(&self, index: u32) -> u64 {
        let call = &self.calls[index as usize];
        let slot = &self.nodes[call.node as usize];
        let Body::Service(service) = &slot.body else {
            return 0;
        };
        let here = &slot.instances[call.instance as usize];
        let mut ns = service.sampler.sample(draw(service.service_key, call.draw));
        if call.entry {
            ns += self.credential_ns(call.verb);
        }
        if call.verb == Verb::Login {
            ns += service.settings.login_time.0 as f64;
        }
        if here.status == Status::Warming {
            let (warm_up, cold) = (
                service.settings.warm_up.0 as f64,
                service.settings.cold_factor,
            );
            let done = ((self.now - here.warm_from) as f64 / warm_up).min(1.0);
            ns *= cold - (cold - 1.0) * done;
        }
        if here.speed != 1.0 {
            ns /= here.speed;
        }
        whole_ns(ns)
    }
}
