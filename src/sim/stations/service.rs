//! Services: queue, workers, and the steps of a request.
//!
//! A request is worked on; then its session is looked up, its state read or written, and further calls are made, in
//! that order. With blocking I/O its worker is held until the reply is sent; with asynchronous I/O until the first
//! wait for something else.

use crate::model::node::{Io, Queue};
use crate::model::{Sessions, State, node};
use crate::sim::Sim;
use crate::sim::clock::queue::{Kind, Queue as EventQueue};
use crate::sim::control::deploy::Deploying;
use crate::sim::ids::NONE;
use crate::sim::keeping::partition::Partition;
use crate::sim::keeping::rebalance::Rebalance;
use crate::sim::network::link::Way;
use crate::sim::observe::snapshot::{Cause, Status};
use crate::sim::stations::caching::Caching;
use crate::sim::stations::instance::Instance;
use crate::sim::stations::node::Body;
use crate::sim::stations::store::APPLY;
use crate::sim::streams::{Purpose as Draw, Sampler, draw, purpose_key, unit, whole_ns};
use crate::sim::traffic::call::{Asked, Call, Outcome, Verb};

#[derive(Clone, Debug)]
pub(in crate::sim) struct ServiceBody {
    pub settings: node::Service,
    pub sampler: Sampler,
    pub service_key: u64,
    pub error_key: u64,
    pub call_lane: u32,
    /// Longest time limit that entries of that lane may have.
    pub longest_timeout: Option<crate::units::Duration>,
    /// Links of the calls it makes for each request, in order.
    pub calls: Vec<u16>,
    pub state_link: u16,
    pub session_link: u16,
    pub deploying: Option<Deploying>,
    /// The caches of its instances, if they have any.
    pub cache: Option<Box<Caching>>,
    pub asynchronous: bool,
    pub pooled: bool,
    pub queue: Queue,
    /// Requests with a credential are beyond what it takes of a header.
    pub refuses_tokens: bool,
    /// Keys are kept by one instance each: whoever gets a request for one finds out by which.
    pub partitioned: bool,
    pub partition: Option<Box<Partition>>,
    /// What its instances forward such requests over.
    pub peer_link: u16,
    pub rebalances: Vec<Rebalance>,
    /// Reads and writes that each instance has carried out for keys that it has, by its place.
    pub served: Vec<u64>,
}

/// What follows for a call that comes to an instance, or whose turn it is there.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) enum Next {
    /// It waits, or is worked on.
    Waits,
    /// It has been worked on, which took no time.
    Proceeds,
    /// A worker has taken it, and looks at its credential first.
    ShowsCredential,
    /// It goes to where its key is.
    Routes,
    Fails(Cause),
}

/// A call's steps after the work, with which it begins.
const SESSION: u16 = 1;
const STATE: u16 = 2;
const ACCESS: u16 = 3;
const COPIES: u16 = 4;
/// With a cache: it looks again, and the store has answered.
pub(super) const LOOKUP: u16 = 5;
pub(super) const CACHED: u16 = 6;
pub(super) const CALLS: u16 = 7;

impl ServiceBody {
    /// Whose draws follow from this key, and the time limits of whose calls stand in this lane.
    pub(in crate::sim) fn new(settings: &node::Service, key: u64, call_lane: u32) -> Self {
        Self {
            settings: settings.clone(),
            sampler: Sampler::Constant(0.0),
            service_key: purpose_key(key, Draw::Service),
            error_key: purpose_key(key, Draw::Error),
            call_lane,
            longest_timeout: None,
            calls: Vec::new(),
            state_link: u16::MAX,
            session_link: u16::MAX,
            deploying: None,
            cache: None,
            asynchronous: false,
            pooled: false,
            queue: Queue::Unlimited,
            refuses_tokens: false,
            partitioned: false,
            partition: None,
            peer_link: u16::MAX,
            rebalances: Vec::new(),
            served: Vec::new(),
        }
    }

    /// Has these settings from now on.
    pub(in crate::sim) fn set(&mut self, settings: &node::Service) {
        self.settings = settings.clone();
        self.sampler = Sampler::new(&settings.service_time);
        self.asynchronous = settings.io == Io::Asynchronous;
        self.pooled = settings.pool.is_some();
        self.queue = settings.queue;
        self.cache = settings.caches().map(|wanted| match self.cache.take() {
            Some(mut cache) => {
                cache.settings = wanted.clone();
                cache
            }
            None => Box::new(Caching::new(wanted)),
        });
        self.partitioned = settings.state.partitioning().is_some();
    }
}

impl Sim {
    pub(in crate::sim) fn service(&self, node: u16) -> Option<&ServiceBody> {
        match &self.nodes[node as usize].body {
            Body::Service(service) => Some(service),
            _ => None,
        }
    }

    pub(in crate::sim) fn service_mut(&mut self, node: u16) -> Option<&mut ServiceBody> {
        match &mut self.nodes[node as usize].body {
            Body::Service(service) => Some(service),
            _ => None,
        }
    }

    /// Goes on with a call that was let in, or that a worker has taken.
    #[inline(always)]
    pub(in crate::sim) fn follow_up(&mut self, index: u32, next: Next) {
        match next {
            Next::Waits => {}
            Next::Proceeds => self.proceed(index),
            Next::ShowsCredential => self.check_credential(index),
            Next::Routes => self.route(index),
            Next::Fails(cause) => self.reply_failed(index, cause),
        }
    }

    /// At the first service behind the clients a worker checks the credential before it does anything else.
    fn check_credential(&mut self, index: u32) {
        if !self.credential_accepted_here(index) {
            return self.reply_failed(index, Cause::Unauthorized);
        }
        let credential_ns = self.credential_ns(self.calls[index as usize].verb);
        let call = &mut self.calls[index as usize];
        let slot = &mut self.nodes[call.node as usize];
        let here = &slot.instances[call.instance as usize];
        let Body::Service(service) = &slot.body else {
            return;
        };
        let ns = service.work_ns(here, call, credential_ns, self.now);
        if call.verb == Verb::Login {
            slot.login_ns += u128::from(ns);
        }
        let next = call.begin_work(index, ns, &mut self.queue, self.now);
        self.follow_up(index, next);
    }

    /// A worker is free again, and takes the next call.
    #[inline(always)]
    pub(in crate::sim) fn release_worker(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        call.holds_worker = false;
        let (node, instance) = (call.node, call.instance);
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.free_worker(self.now);
        if here.has_next() {
            self.take_next(node, instance);
        }
    }

    /// Free workers of an instance take what waits. Work that takes no time frees its worker at once: the loop that
    /// is running takes the next then, so that a long queue does not nest as deep as it is long.
    #[inline(always)]
    pub(in crate::sim) fn take_next(&mut self, node: u16, instance: u16) {
        let now = self.now;
        loop {
            let slot = &mut self.nodes[node as usize];
            let here = &mut slot.instances[instance as usize];
            if here.taking {
                return;
            }
            if here.round.is_carried_out(here.waiting.n() == 0)
                && here.busy.n() == 0
                && here.status.serves()
            {
                here.taking = true;
                self.end_round(node, instance);
            } else if !here.has_free_worker() || !here.status.serves() {
                return;
            } else {
                let Some(index) = here.dequeue(now) else {
                    return;
                };
                let call = &mut self.calls[index as usize];
                let next = match &slot.body {
                    Body::Service(service) => {
                        service.start(here, call, index, &mut self.queue, now)
                    }
                    Body::Store(store) => store.start(here, call, index, &mut self.queue, now),
                    Body::Clients(_) | Body::Balancer(_) => return,
                };
                if matches!(next, Next::Waits) {
                    // Nothing else has happened since.
                    if here.has_next() && here.has_free_worker() {
                        continue;
                    }
                    return;
                }
                here.taking = true;
                self.follow_up(index, next);
            }
            self.nodes[node as usize].instances[instance as usize].taking = false;
        }
    }

    /// Whether what a call waits for is its worker's work, or its store's.
    pub(in crate::sim) fn is_worked_on(&self, index: u32) -> bool {
        let call = &self.calls[index as usize];
        match self.nodes[call.node as usize].body {
            Body::Store(_) => call.step == APPLY,
            _ => call.holds_worker && call.step == SESSION,
        }
    }

    /// Goes on with a call, unless its instance hangs; then it does so when the instance goes on.
    pub(in crate::sim) fn proceed(&mut self, index: u32) {
        self.proceed_here(index);
    }

    /// The same, for whoever does this often.
    #[inline(always)]
    pub(in crate::sim) fn proceed_here(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let slot = &self.nodes[call.node as usize];
        if slot.instances[call.instance as usize].status == Status::Hung {
            return;
        }
        match (call.outcome, &slot.body) {
            (Outcome::Done, Body::Store(_)) => self.store_step(index),
            (Outcome::Done, _) => self.service_step(index),
            (Outcome::Failed(cause), _) => self.failed_here(index, cause),
        }
    }

    /// What a call waited for has failed, and so does the call.
    #[cold]
    fn failed_here(&mut self, index: u32, cause: Cause) {
        if self.calls[index as usize].step == CACHED {
            self.fetch_failed(index);
        }
        self.reply_failed(index, cause);
    }

    /// The call's next steps, up to the first for which it must wait, or to its end. Its instance does not hang.
    #[inline(always)]
    fn service_step(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let Body::Service(service) = &self.nodes[call.node as usize].body else {
            return;
        };
        match call.step {
            ..=STATE if call.entry => self.session_step(index),
            ..=STATE => self.state_step(index),
            ACCESS => self.access_step(index),
            COPIES => self.copies_step(index),
            LOOKUP => self.state_step(index),
            CACHED => self.cached_step(index),
            step => match service.calls.get(usize::from(step - CALLS)) {
                Some(&link) => self.call_on(index, step + 1, link, call.verb, 3),
                None => self.reply(index, Outcome::Done),
            },
        }
    }

    /// Makes the first of a request's further calls, or answers it.
    pub(super) fn calls_step(&mut self, index: u32) {
        self.calls[index as usize].step = CALLS;
        self.service_step(index);
    }

    /// Goes on once enough copies have what was written.
    fn copies_step(&mut self, index: u32) {
        if self.waits_for_copies(index) {
            return self.wait_without_worker(index);
        }
        self.calls_step(index);
    }

    /// Looks the session of a request up, or makes one.
    fn session_step(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (step, verb) = (call.step, call.verb);
        if step <= SESSION {
            let login = verb == Verb::Login;
            match &self.topology.sessions {
                Sessions::InMemory(_) if login => {
                    let place = self.create_session_here(index);
                    self.calls[index as usize].place = place;
                    self.calls[index as usize].step = STATE;
                    if self.waits_for_copies(index) {
                        return self.wait_without_worker(index);
                    }
                }
                // A new token needs no store.
                Sessions::Jwt(_) if login => {}
                sessions if sessions.asks_store() => {
                    let link = self.service(call.node).map_or(u16::MAX, |s| s.session_link);
                    if self.is_believed(index) {
                        return self.state_step(index);
                    }
                    let asked = match verb {
                        Verb::Login => Verb::StoreSession,
                        _ => Verb::FindSession,
                    };
                    return self.call_on(index, STATE, link, asked, 1);
                }
                _ => {}
            }
        }
        if self.session_found(index) {
            self.state_step(index);
        } else {
            self.reply_failed(index, Cause::Unauthorized);
        }
    }

    /// Goes to where the request's state is.
    fn state_step(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        let verb = call.verb;
        let Body::Service(service) = &self.nodes[call.node as usize].body else {
            return;
        };
        if !matches!(verb, Verb::Read | Verb::Write) {
            return self.reply(index, Outcome::Done);
        }
        let wait = |read: u64, write: u64| if verb == Verb::Read { read } else { write };
        let ns = match &service.settings.state {
            State::Stateless => return self.calls_step(index),
            State::External(_) => {
                let link = service.state_link;
                if service.cache.is_some() {
                    return self.cache_step(index, link);
                }
                return self.call_on(index, CALLS, link, verb, 2);
            }
            State::InMemory(_) => 0,
            State::LocalDisk(d) => wait(d.read_time.0, d.write_time.0),
            State::LocalDatabase(d) => wait(d.read_time.0, d.write_time.0),
        };
        if ns > 0 {
            self.wait_without_worker(index);
            return self.resume_after(index, ACCESS, ns);
        }
        self.access_step(index);
    }

    /// Reads or writes the state that an instance keeps itself.
    fn access_step(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (node, verb) = (call.node, call.verb);
        let is_local = |s: &ServiceBody| s.settings.state.is_local();
        if !self.service(node).is_some_and(is_local) {
            // Its state is kept elsewhere by now: there it goes.
            return self.state_step(index);
        }
        let log = match self.log_to_access(index) {
            Ok(log) => log,
            Err(owner) => return self.forward(index, owner),
        };
        if verb == Verb::Read {
            self.read_from(index, log);
            return self.calls_step(index);
        }
        self.calls[index as usize].step = COPIES;
        if self.refuses_writes(log) {
            return self.reply_failed(index, Cause::Error);
        }
        self.write_to(index, log);
        if self.must_wait_for_fsync(log) {
            self.wait_without_worker(index);
            return self.wait_for_fsync(index, log);
        }
        self.copies_step(index);
    }

    /// The log in which an instance reads or writes for a call; or who has its key, if that has gone to another meanwhile.
    fn log_to_access(&mut self, index: u32) -> Result<u32, u16> {
        let call = &self.calls[index as usize];
        let (node, instance) = (call.node, call.instance);
        if self.partition(node).is_none() {
            return Ok(self.data_log(node, instance));
        }
        let key = self.ops[call.op as usize].key;
        let (log, owner) = match self.place_of_key(node, instance, key) {
            Some(place) => place,
            None => (self.data_log(node, instance), instance),
        };
        if owner != instance {
            return Err(owner);
        }
        if let Some(service) = self.service_mut(node) {
            let places = service.served.len().max(usize::from(instance) + 1);
            service.served.resize(places, 0);
            service.served[usize::from(instance)] += 1;
        }
        Ok(log)
    }

    /// The call goes on with a step after a time.
    #[inline]
    fn resume_after(&mut self, index: u32, step: u16, ns: u64) {
        let number = self
            .queue
            .push(self.now.saturating_add(ns), Kind::Resume, index);
        let call = &mut self.calls[index as usize];
        call.step = step;
        call.resume = number;
    }

    /// With asynchronous I/O the worker does other work from here on.
    pub(super) fn wait_without_worker(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let asynchronous = self.service(call.node).is_some_and(|s| s.asynchronous);
        if asynchronous && call.holds_worker {
            self.release_worker(index);
        }
    }

    /// Makes a call for the request and waits for it; then the request goes on with a step. `counter` tells calls of one
    /// request over one link apart.
    pub(super) fn call_on(&mut self, index: u32, step: u16, link: u16, verb: Verb, counter: u64) {
        let salt = match self.links.get(link as usize) {
            Some(link) if !link.removed => link.salt,
            _ => return self.reply_failed(index, Cause::StoreUnavailable),
        };
        let call = &mut self.calls[index as usize];
        call.step = step;
        let (op, node, worker) = (call.op, call.node, call.holds_worker);
        // Its place in the program and what it asks for, by whatever way: its draws depend on that alone.
        let bits = draw(salt ^ counter, call.draw);
        let asked = Asked {
            op,
            parent: index,
            asker: node,
            link,
            instance: 0,
            verb,
            bits,
            entry: false,
            credential: 0,
            target: 0,
        };
        let Body::Service(service) = &self.nodes[node as usize].body else {
            return;
        };
        if service.pooled && self.links[link as usize].way == Way::ToStore {
            return self.call_pooled(asked);
        }
        let (timeout, lane) = (service.settings.call_timeout, service.call_lane);
        if !service.asynchronous || !worker {
            let instance = self.choose_instance(link, index);
            let limit = timeout.map(|timeout| (timeout, lane));
            return self.call(Asked { instance, ..asked }, limit);
        }
        let (child, token) = self.open_call(asked, timeout.is_some());
        if let Some(timeout) = timeout {
            self.queue
                .push_lane(lane, self.now + timeout.0, index, token);
        }
        self.release_worker(index);
        // Only now: another call that the worker took has had its turn.
        self.calls[child as usize].instance = self.choose_instance(link, index);
        self.send(child);
    }

    /// A call that a service or balancer made has not been answered in time.
    pub(in crate::sim) fn call_timeout(&mut self, index: u32, token: u32) {
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
        if self.calls[index as usize].connection != NONE {
            self.ends_over(index, Outcome::Failed(Cause::Timeout));
        }
        match self.nodes[self.calls[index as usize].node as usize].body {
            Body::Balancer(_) => self.balancer_returned(index, Outcome::Failed(Cause::Timeout)),
            _ => {
                self.calls[index as usize].outcome = Outcome::Failed(Cause::StoreUnavailable);
                self.proceed(index);
            }
        }
    }
}

impl Call {
    /// A worker begins to work on it for so many nanoseconds.
    #[inline(always)]
    pub(in crate::sim) fn begin_work(
        &mut self,
        index: u32,
        ns: u64,
        queue: &mut EventQueue,
        now: u64,
    ) -> Next {
        if ns == 0 {
            return Next::Proceeds;
        }
        self.resume = queue.push(now.saturating_add(ns), Kind::Resume, index);
        Next::Waits
    }
}

impl ServiceBody {
    /// Whether nothing is left to do for a call, at whose step it is, but to answer it.
    #[inline(always)]
    pub(in crate::sim) fn has_done(&self, call: &Call) -> bool {
        if call.step >= CALLS {
            return usize::from(call.step - CALLS) >= self.calls.len();
        }
        let keeps = matches!(call.verb, Verb::Read | Verb::Write);
        let stateless = !keeps || matches!(self.settings.state, State::Stateless);
        call.step <= STATE && !call.entry && stateless && self.calls.is_empty()
    }

    /// A request that has come in is served, queued or turned away, or goes to where its key is.
    #[inline(always)]
    pub(in crate::sim) fn admit(
        &self,
        here: &mut Instance,
        call: &mut Call,
        index: u32,
        queue: &mut EventQueue,
        now: u64,
    ) -> Next {
        if self.partitioned && matches!(call.verb, Verb::Read | Verb::Write) {
            return Next::Routes;
        }
        self.admit_to(here, call, index, queue, now)
    }

    /// A request that has come in is served, queued or turned away.
    #[inline(always)]
    pub(in crate::sim) fn admit_to(
        &self,
        here: &mut Instance,
        call: &mut Call,
        index: u32,
        queue: &mut EventQueue,
        now: u64,
    ) -> Next {
        let errors = self.settings.error_share.0;
        if errors > 0.0 && unit(draw(self.error_key, call.draw)) < errors {
            return Next::Fails(Cause::Error);
        }
        if self.refuses_tokens && call.shows_token() {
            return Next::Fails(Cause::HeaderTooLarge);
        }
        let limit = match self.queue {
            Queue::Limit(limit) => u64::from(limit),
            Queue::Unlimited => u64::MAX,
        };
        if here.has_free_worker() {
            self.start(here, call, index, queue, now)
        } else if here.waiting.n() < limit {
            here.enqueue(call, index, now);
            Next::Waits
        } else {
            Next::Fails(Cause::QueueFull)
        }
    }

    /// A worker takes the call.
    #[inline(always)]
    fn start(
        &self,
        here: &mut Instance,
        call: &mut Call,
        index: u32,
        queue: &mut EventQueue,
        now: u64,
    ) -> Next {
        here.occupy_worker(call, now);
        call.step = SESSION;
        if call.entry {
            return Next::ShowsCredential;
        }
        let ns = self.work_ns(here, call, 0.0, now);
        call.begin_work(index, ns, queue, now)
    }

    /// Worker time of a request at an instance, in nanoseconds; `more_ns`: what its credential takes.
    #[inline(always)]
    fn work_ns(&self, here: &Instance, call: &Call, more_ns: f64, now: u64) -> u64 {
        let mut ns = self.sampler.sample(draw(self.service_key, call.draw)) + more_ns;
        if call.verb == Verb::Login {
            ns += self.settings.login_time.0 as f64;
        }
        if here.cold {
            let (warm_up, cold) = (self.settings.warm_up.0 as f64, self.settings.cold_factor);
            let done = ((now - here.warm_from) as f64 / warm_up).min(1.0);
            ns *= cold - (cold - 1.0) * done;
        }
        if here.speed != here.slowed {
            ns = ns * here.slowed / here.speed;
        }
        whole_ns(ns)
    }
}
