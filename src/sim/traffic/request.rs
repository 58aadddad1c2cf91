//! The way of a call: over its link, into its node, and back; and what cuts it short.

use crate::model::headers::HeaderLimits;
use crate::model::node::HEADER_BYTES;
use crate::model::settings::Profile;
use crate::model::{Node, check};
use crate::sim::Sim;
use crate::sim::clock::queue::Kind;
use crate::sim::ids::NONE;
use crate::sim::network::link::Way;
use crate::sim::observe::snapshot::{Cause, NodeKind, Status, What};
use crate::sim::stations::forwarding::passed_on;
use crate::sim::stations::node::{After, Body};
use crate::sim::traffic::call::{Asked, Call, Outcome, UNREAD, VERBS, Verb};
use crate::units::Duration;

/// How an instance that goes away leaves whoever is connected to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Leave {
    /// Its kernel resets their connections, and they know.
    Reset,
    /// They hear nothing any more.
    Silent,
}

impl Sim {
    /// A call, not sent yet, and the token by which whoever makes it waits for it, for a `limited` time or for ever.
    #[inline(always)]
    pub(in crate::sim) fn open_call(&mut self, asked: Asked, limited: bool) -> (u32, u32) {
        let token = self.new_token();
        if self.free_call == NONE {
            self.free_call = self.calls.len() as u32;
            self.calls.push(Call {
                child: NONE,
                ..Call::default()
            });
        }
        let index = self.free_call;
        let node = self.links[asked.link as usize].to;
        let call = &mut self.calls[index as usize];
        self.free_call = call.child;
        call.begin(asked, node, token, self.now);
        let op = &mut self.ops[asked.op as usize];
        op.references += 1;
        if asked.parent == NONE {
            op.wait = token;
            op.call = index;
        } else {
            let parent = &mut self.calls[asked.parent as usize];
            parent.wait = token;
            parent.child = index;
            parent.limited = limited;
        }
        (index, token)
    }

    /// Makes a call and sends it. `limit`: how long whoever makes it waits, and the lane of such limits.
    #[inline(always)]
    pub(in crate::sim) fn call(&mut self, asked: Asked, limit: Option<(Duration, u32)>) {
        let (index, token) = self.open_call(asked, limit.is_some());
        if let Some((limit, lane)) = limit {
            let waiting = match asked.parent {
                NONE => asked.op,
                parent => parent,
            };
            self.queue
                .push_lane(lane, self.now + limit.0, waiting, token);
        }
        self.send(index);
    }

    /// Sends a call's request on its way.
    #[inline(always)]
    pub(in crate::sim) fn send(&mut self, index: u32) {
        let now = self.now;
        let call = &mut self.calls[index as usize];
        let bytes = self.message_bytes[call.asker as usize][0][call.verb as usize];
        if !self.network.is_plain() {
            return self.send_through(index, false, bytes);
        }
        let link = &mut self.links[call.link as usize];
        let (at, _) = link.carry(bytes, false, now);
        if at > now {
            self.queue.push(at, Kind::Request, index);
            return;
        }
        let slot = &mut self.nodes[link.to as usize];
        match slot.takes_in(call, index, &mut self.queue, now) {
            Some(next) => self.follow_up(index, next),
            None => self.reach_other_node(index),
        }
    }

    #[inline(always)]
    pub(in crate::sim) fn free_call(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        call.end(std::mem::replace(&mut self.free_call, index));
        let op = call.op;
        self.release_op(op);
    }

    /// Works out anew how big the messages of each node are.
    pub(in crate::sim) fn measure_messages(&mut self) {
        let credential = self.credential_bytes();
        let (value, session) = (self.value_size, self.session_bytes());
        let bare = self.topology.profile == Profile::Bare;
        let sizes = self.nodes.iter().map(|node| {
            let bytes = |verb: Verb, reply: bool| match (&node.body, verb, reply) {
                (Body::Clients(c), _, true) => c.settings.response.0,
                // In that profile a request without a size has no credential and no value either.
                (Body::Clients(c), _, false) if bare && c.settings.request.0 == 0 => 0,
                (Body::Clients(c), Verb::Write, false) => {
                    c.settings.request.0 + credential + c.settings.value_size.0
                }
                (Body::Clients(c), _, false) => c.settings.request.0 + credential,
                (_, Verb::Read, true) | (_, Verb::Write, false) => HEADER_BYTES + value,
                (_, Verb::FindSession, true) | (_, Verb::StoreSession, false) => {
                    HEADER_BYTES + session
                }
                _ => HEADER_BYTES,
            };
            [false, true]
                .map(|reply| VERBS.map(|verb| bytes(verb, reply).min(u64::from(u32::MAX)) as u32))
        });
        self.message_bytes = sizes.collect();
    }

    /// Works out anew which nodes take the header that tokens travel in, and tells where that has changed.
    pub(in crate::sim) fn measure_headers(&mut self) {
        let sessions = &self.topology.sessions;
        let first = check::first_services(&self.topology);
        let mut changed = Vec::new();
        for slot in self.nodes.iter_mut().filter(|slot| !slot.removed) {
            let (refuses, limits) = match (&mut slot.body, self.topology.nodes.get(&slot.name)) {
                (Body::Balancer(body), Some(Node::LoadBalancer(settings))) => {
                    (&mut body.refuses_tokens, settings.header_limits)
                }
                (Body::Service(body), Some(Node::Service(settings))) => {
                    let checks = first.contains(&slot.name.as_str());
                    let limits = if checks {
                        settings.header_limits
                    } else {
                        HeaderLimits::Unlimited
                    };
                    (&mut body.refuses_tokens, limits)
                }
                _ => continue,
            };
            let refused = sessions.beyond(limits).map(|(limit, _)| limit);
            let before = std::mem::replace(refuses, refused.is_some());
            if before != refused.is_some() {
                changed.push(What::Headers {
                    node: slot.name.clone(),
                    refused,
                });
            }
        }
        changed.into_iter().for_each(|what| self.happen(what));
    }

    /// By link: messages, and their bytes, that are counted on it but still wait for others before it is done with them.
    pub(in crate::sim) fn unsent(&self) -> Vec<(u64, u64)> {
        let mut unsent = vec![(0, 0); self.links.len()];
        let on_their_way = self.queue.pending().filter_map(|due| match due.kind {
            Kind::Request => Some((due.at, due.index, 0)),
            Kind::Reply => Some((due.at, due.index, 1)),
            _ => None,
        });
        for (at, index, way) in on_their_way {
            let call = &self.calls[index as usize];
            let link = &self.links[call.link as usize];
            if link.ns_per_byte > 0.0 && at > self.now.saturating_add(link.latency) {
                let bytes = self.message_bytes[call.asker as usize][way][call.verb as usize];
                let here = &mut unsent[call.link as usize];
                *here = (here.0 + 1, here.1 + u64::from(bytes));
            }
        }
        unsent
    }

    /// Sends a request, or a reply, on its way through a network in which it may meet something.
    #[cold]
    fn send_through(&mut self, index: u32, reply: bool, bytes: u32) {
        let link = &mut self.links[self.calls[index as usize].link as usize];
        let (at, sending) = link.carry(bytes, reply, self.now);
        let kind = if reply { Kind::Reply } else { Kind::Request };
        let later = self.hindered(index, reply, sending, at);
        if later.is_some() || at > self.now {
            self.queue.push(later.unwrap_or(at), kind, index);
        } else if reply {
            self.arrive_back(index);
        } else {
            self.arrive(index);
        }
    }

    /// A call's request comes to the end of its way.
    #[inline(always)]
    pub(in crate::sim) fn arrive(&mut self, index: u32) {
        if !self.network.is_sound()
            && let Some(fault) = self.cut_through(index, false)
        {
            self.op_meets(self.calls[index as usize].op, fault);
            return self.not_connected(index);
        }
        self.reach_node(index);
    }

    /// A call's request has reached its node.
    #[inline(always)]
    fn reach_node(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        let slot = &mut self.nodes[call.node as usize];
        match slot.takes_in(call, index, &mut self.queue, self.now) {
            Some(next) => self.follow_up(index, next),
            None => self.reach_other(index),
        }
    }

    /// A call's request has reached a node that is no service, or an instance that does not serve.
    #[inline(always)]
    fn reach_other(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        let slot = &mut self.nodes[call.node as usize];
        if slot.removed {
            return self.refuse(index, Cause::Refused);
        }
        match &slot.body {
            Body::Balancer(_) => return self.balancer_arrive(index),
            Body::Clients(_) => return self.refuse(index, Cause::Refused),
            Body::Service(_) | Body::Store(_) => {}
        }
        let here = &mut slot.instances[call.instance as usize];
        if here.moved || !here.status.serves() {
            return self.knock(index);
        }
        here.enter(call, self.now);
        slot.arrived += 1;
        self.admit_to_store(index);
    }

    /// The same for whoever does not often get here, and stays small without it.
    fn reach_other_node(&mut self, index: u32) {
        self.reach_other(index);
    }

    /// A call's request has reached an instance that does not serve, or has moved.
    #[cold]
    fn knock(&mut self, index: u32) {
        if self.accepts(index) {
            self.enter(index);
            self.admit(index);
        }
    }

    /// A call that is at its instance is served, queued or turned away.
    pub(in crate::sim) fn admit(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        let slot = &mut self.nodes[call.node as usize];
        let Body::Service(service) = &slot.body else {
            return self.admit_to_store(index);
        };
        let here = &mut slot.instances[call.instance as usize];
        let next = service.admit(here, call, index, &mut self.queue, self.now);
        self.follow_up(index, next);
    }

    /// Whether such an instance takes the connection and serves it at once; if not, the call is seen to.
    fn accepts(&mut self, index: u32) -> bool {
        let call = &self.calls[index as usize];
        let here = &self.nodes[call.node as usize].instances[call.instance as usize];
        let (status, moved) = (here.status, here.moved);
        if moved && self.sent_to_old_address(index) {
            self.meets_fault(index);
            self.refuse(index, Cause::Refused);
            return false;
        }
        match status {
            Status::Up | Status::Warming | Status::Draining => return true,
            Status::Hung => self.wait_in_backlog(index),
            Status::Booting | Status::Crashed | Status::Removed => {
                self.not_accepted(index, false);
            }
            Status::MachineLost => self.not_accepted(index, true),
        }
        false
    }

    /// The kernel takes connections for a process that hangs, as many as its backlog holds; a further one is not made in
    /// time.
    #[cold]
    fn wait_in_backlog(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (node, instance) = (call.node as usize, call.instance as usize);
        let room = match &self.nodes[node].body {
            Body::Service(service) => service.settings.backlog,
            Body::Store(store) => store.backlog,
            Body::Clients(_) | Body::Balancer(_) => 0,
        };
        let is_full = self.nodes[node].instances[instance].backlog.len() >= room as usize;
        if is_full && !self.is_established(index) {
            return self.not_accepted(index, true);
        }
        self.enter(index);
        self.calls[index as usize].queued = true;
        self.nodes[node].instances[instance]
            .backlog
            .push_back(index);
    }

    #[cold]
    fn not_accepted(&mut self, index: u32, silently: bool) {
        self.meets_fault(index);
        if !silently {
            return self.refuse(index, Cause::Refused);
        }
        self.not_connected(index);
    }

    /// Nobody answers: whoever calls gives the connection up when its time for that is over.
    #[cold]
    fn not_connected(&mut self, index: u32) {
        if self.is_established(index) {
            // Its connection was made long ago: it is sent, and never answered.
            return self.never_heard(index);
        }
        let call = &self.calls[index as usize];
        let at = (call.sent_at + self.connect_timeout(call.link)).max(self.now);
        self.calls[index as usize].outcome = Outcome::Failed(Cause::ConnectTimeout);
        self.calls[index as usize].resume = self.queue.push(at, Kind::Resume, index);
    }

    /// How long whoever calls over this link waits for a connection.
    fn connect_timeout(&self, link: u16) -> u64 {
        match &self.nodes[self.links[link as usize].from as usize].body {
            Body::Clients(c) => c.settings.connect_timeout.0,
            Body::Balancer(b) => b.settings.connect_timeout.0,
            Body::Service(s) => s.settings.connect_timeout.0,
            Body::Store(_) => 0,
        }
    }

    /// Books on the operation that it met the fault of the instance it was sent to.
    pub(in crate::sim) fn meets_fault(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let Some(instance) = self.nodes[call.node as usize]
            .instances
            .get(call.instance as usize)
        else {
            return;
        };
        if let Some(fault) = instance.fault {
            self.op_meets(call.op, fault);
        }
    }

    pub(in crate::sim) fn op_meets(&mut self, op: u32, fault: u32) {
        let op = &mut self.ops[op as usize];
        op.met = Some(fault);
        op.met_now = true;
    }

    /// The connection is not taken: the answer goes back without the call having been at the node.
    #[cold]
    pub(in crate::sim) fn refuse(&mut self, index: u32, cause: Cause) {
        self.calls[index as usize].outcome = Outcome::Failed(cause);
        self.send_back(index);
    }

    /// The call enters its instance.
    #[inline(always)]
    pub(in crate::sim) fn enter(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        let slot = &mut self.nodes[call.node as usize];
        slot.arrived += 1;
        slot.instances[call.instance as usize].enter(call, self.now);
    }

    /// The call leaves its instance, which is what its time there is counted to.
    #[inline(always)]
    pub(in crate::sim) fn leave(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        self.nodes[call.node as usize].sees_off(call, self.now);
    }

    /// The node does not do what is asked.
    #[cold]
    pub(in crate::sim) fn reply_failed(&mut self, index: u32, cause: Cause) {
        self.reply(index, Outcome::Failed(cause));
    }

    /// The node has done with the call: it leaves, and its reply goes back.
    #[inline(always)]
    pub(in crate::sim) fn reply(&mut self, index: u32, outcome: Outcome) {
        let call = &mut self.calls[index as usize];
        call.outcome = outcome;
        let over = call.connection;
        let after = self.nodes[call.node as usize].lets_go(call, self.now);
        if over != NONE {
            self.leaves_open(index);
        }
        self.answered(index, after);
    }

    /// A call has left its node: what that makes way for goes on, and its reply goes back.
    #[inline(always)]
    fn answered(&mut self, index: u32, after: After) {
        if after != After::default() {
            self.go_on_at(index, after);
        }
        self.send_back(index);
    }

    /// Where a call was goes on with what waited there.
    fn go_on_at(&mut self, index: u32, after: After) {
        let call = &self.calls[index as usize];
        let (node, instance) = (call.node, call.instance);
        if after.has_next {
            self.take_next(node, instance);
        }
        if after.drains {
            self.drained_if_done(node, instance);
        }
    }

    #[inline(always)]
    pub(in crate::sim) fn send_back(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let bytes = self.message_bytes[call.asker as usize][1][call.verb as usize];
        if !self.network.is_plain() {
            return self.send_through(index, true, bytes);
        }
        let link = &mut self.links[call.link as usize];
        let (at, _) = link.carry(bytes, true, self.now);
        if at == self.now {
            self.returned(index);
        } else {
            self.queue.push(at, Kind::Reply, index);
        }
    }

    /// A reply comes to the end of its way.
    #[inline(always)]
    pub(in crate::sim) fn arrive_back(&mut self, index: u32) {
        if !self.network.is_sound()
            && let Some(fault) = self.cut_through(index, true)
        {
            self.op_meets(self.calls[index as usize].op, fault);
            return self.never_heard(index);
        }
        self.returned(index);
    }

    /// A call's reply has reached whoever made it, or will not.
    pub(in crate::sim) fn returned(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        let op = &mut self.ops[call.op as usize];
        let retried = op.attempt > 0 || call.tries > 0;
        let link = &mut self.links[call.link as usize];
        link.count(call.instance, call.outcome, retried);
        let (parent, token, outcome) = (call.parent, call.parent_wait, call.outcome);
        if parent == NONE {
            let op = call.op;
            return self.client_answered(index, op, token, outcome);
        }
        let (wrote, found) = (call.place.is_some(), call.found);
        let (way, from, target, instance) = (link.way, link.from, call.target, call.instance);
        let op = call.op;
        if call.connection != NONE {
            self.ends_over(index, outcome);
        }
        self.calls[index as usize].end(std::mem::replace(&mut self.free_call, index));
        self.release_op(op);
        if way == Way::FromBalancer {
            self.target_done(from, target, instance);
        }
        let waiting = &mut self.calls[parent as usize];
        if waiting.free || waiting.wait != token {
            return;
        }
        waiting.wait = 0;
        waiting.child = NONE;
        if waiting.connection != NONE {
            self.ends_over(parent, outcome);
        }
        let waiting = &mut self.calls[parent as usize];
        // A try that failed leaves nothing with whoever made it: another may follow.
        if outcome == Outcome::Done {
            if waiting.found == UNREAD {
                waiting.found = found;
            }
            if wrote && waiting.place.is_none() {
                self.calls[parent as usize].place = self.calls[index as usize].place;
            }
        }
        let waiting = &mut self.calls[parent as usize];
        // Whatever went wrong further on, the service's own caller sees a store that did not answer, or an error.
        match (way, outcome) {
            (Way::FromBalancer, outcome) => return self.balancer_returned(parent, outcome),
            (_, Outcome::Done) => {}
            (Way::ToPeer, _) => waiting.outcome = passed_on(outcome),
            (Way::ToStore, _) => waiting.outcome = Outcome::Failed(Cause::StoreUnavailable),
            (Way::ToService, _) => waiting.outcome = Outcome::Failed(Cause::Error),
        }
        self.proceed(parent);
    }

    /// The reply to an operation's attempt has reached its client.
    #[inline(always)]
    fn client_answered(&mut self, index: u32, op: u32, token: u32, outcome: Outcome) {
        if self.ops[op as usize].wait == token {
            match outcome {
                Outcome::Done => self.complete(op, index),
                Outcome::Failed(cause) => {
                    self.ops[op as usize].wait = 0;
                    self.attempt_failed(op, cause);
                }
            }
        }
        self.free_call(index);
    }

    /// An event that a call waited for is due.
    #[inline(always)]
    pub(in crate::sim) fn resume(&mut self, index: u32, number: u32) {
        let call = &mut self.calls[index as usize];
        if call.resume != number {
            return;
        }
        call.resume = 0;
        if !call.present {
            // A connection that was not made in time.
            return self.returned(index);
        }
        let slot = &mut self.nodes[call.node as usize];
        if slot.kind == NodeKind::LoadBalancer {
            return self.balance(index);
        }
        // Most have only to be answered.
        match slot.answers(call, self.now) {
            Some(after) => self.answered(index, after),
            None => self.proceed_here(index),
        }
    }

    /// Takes a call out of its instance's queue, wherever it stands.
    pub(in crate::sim) fn take_out_of_queue(&mut self, index: u32) {
        let now = self.now;
        let call = &mut self.calls[index as usize];
        call.queued = false;
        let here = &mut self.nodes[call.node as usize].instances[call.instance as usize];
        if here.dequeue_one(now, index, call.position) {
            // Its places were mostly empty: the rest has moved up.
            let mut position = here.first;
            for &waiting in &here.queue {
                self.calls[waiting as usize].position = position;
                position = position.wrapping_add(1);
            }
        }
    }

    /// Takes a call out of its instance without a reply: nobody will ever hear of it.
    pub(in crate::sim) fn vanish(&mut self, index: u32) {
        if self.calls[index as usize].fetches() {
            self.fetch_vanished(index);
        }
        let call = &self.calls[index as usize];
        if call.queued {
            self.take_out_of_queue(index);
        }
        let gives_up = Outcome::Failed(Cause::Timeout);
        self.calls[index as usize].outcome = gives_up;
        if self.calls[index as usize].connection != NONE {
            self.leaves_open(index);
            self.ends_over(index, gives_up);
        }
        let worker = std::mem::take(&mut self.calls[index as usize].holds_worker);
        self.leave(index);
        if worker {
            self.calls[index as usize].holds_worker = true;
            self.release_worker(index);
        }
        let (node, instance) = (
            self.calls[index as usize].node,
            self.calls[index as usize].instance,
        );
        self.drained_if_done(node, instance);
        let (parent, link, target) = (
            self.calls[index as usize].parent,
            self.calls[index as usize].link,
            self.calls[index as usize].target,
        );
        let from = self.links[link as usize].from;
        if parent != NONE && self.nodes[from as usize].kind == NodeKind::LoadBalancer {
            self.target_done(from, target, instance);
        }
        self.free_call(index);
    }

    /// The caller has given up. What waits only for calls that vanished is cleared away; with `cancel`, everything.
    pub(in crate::sim) fn abandon(&mut self, index: u32, cancel: bool) {
        let mut at = index;
        let mut chain = Vec::new();
        loop {
            let call = &self.calls[at as usize];
            if call.free || !call.present {
                break;
            }
            chain.push(at);
            if call.wait == 0 || call.child == NONE {
                break;
            }
            let child = &self.calls[call.child as usize];
            if child.free || child.parent != at || child.parent_wait != call.wait {
                // Its child has vanished, so it would wait for ever.
                for &waiting in chain.iter().rev() {
                    self.vanish(waiting);
                }
                return;
            }
            at = call.child;
        }
        let cancel = cancel
            || chain
                .last()
                .is_some_and(|&last| self.gives_up_on_copies(last));
        if cancel {
            for &waiting in chain.iter().rev() {
                self.vanish(waiting);
            }
        }
    }

    /// Cuts off every call at an instance.
    pub(in crate::sim) fn cut_off(&mut self, node: u16, instance: u16, leave: Leave) {
        let here: Vec<u32> = (0..self.calls.len() as u32)
            .filter(|&i| {
                let call = &self.calls[i as usize];
                call.present && !call.free && call.node == node && call.instance == instance
            })
            .collect();
        let now = self.now;
        self.break_connections(node, instance, leave);
        let serves_calls = matches!(self.nodes[node as usize].body, Body::Service(_));
        let slot = &mut self.nodes[node as usize].instances[instance as usize];
        slot.clear_queue(now);
        slot.cache.fetches.clear();
        slot.busy.set(now, 0);
        slot.round.close();
        let mut asked = Vec::new();
        for &index in &here {
            let call = &mut self.calls[index as usize];
            if call.wait != 0 {
                asked.push((call.child, call.wait));
            }
            call.queued = false;
            call.holds_worker = false;
            if serves_calls {
                // What it had borrowed has been closed.
                call.connection = NONE;
            }
            call.outcome = Outcome::Failed(Cause::Reset);
            self.meets_fault(index);
            self.leave(index);
        }
        for index in here {
            match leave {
                Leave::Reset => self.send_back(index),
                Leave::Silent => self.never_heard(index),
            }
        }
        // Nobody waits any more for what they had asked.
        for (child, token) in asked {
            let slot = self.calls.get(child as usize);
            if slot.is_some_and(|slot| !slot.free && slot.parent_wait == token) {
                self.abandon(child, false);
            }
        }
    }

    /// Whoever made a call that has left its node will hear nothing of it.
    #[cold]
    fn never_heard(&mut self, index: u32) {
        if self.calls[index as usize].connection != NONE {
            self.ends_over(index, Outcome::Failed(Cause::Timeout));
        }
        let call = &self.calls[index as usize];
        let (op, link, target) = (call.op, call.link, call.target);
        let (parent, token, instance) = (call.parent, call.parent_wait, call.instance);
        let from = self.links[link as usize].from;
        if parent != NONE && self.nodes[from as usize].kind == NodeKind::LoadBalancer {
            self.target_done(from, target, instance);
        }
        self.free_call(index);
        self.clear_waiters(op, parent, token);
    }

    /// The call of an operation that `waiting` waits for has vanished. Whoever waits for it without a time limit of its own, on behalf of
    /// a client that has given up already, would wait for ever: it vanishes, too.
    fn clear_waiters(&mut self, op: u32, waiting: u32, token: u32) {
        if waiting == NONE && self.ops[op as usize].wait == token {
            // Its client waits for nobody from now on, until its timeout, if it has one.
            self.ops[op as usize].call = NONE;
        }
        let (mut at, mut token, mut chain) = (waiting, token, Vec::new());
        while at != NONE {
            let call = &self.calls[at as usize];
            if call.free || !call.present || call.wait != token {
                // It has gone on without the answer.
                break;
            }
            if call.limited {
                return;
            }
            chain.push(at);
            (at, token) = (call.parent, call.parent_wait);
        }
        let Some(&first) = chain.last() else { return };
        if at == NONE && self.ops[self.calls[first as usize].op as usize].wait == token {
            return;
        }
        for waiting in chain {
            self.vanish(waiting);
        }
    }
}
