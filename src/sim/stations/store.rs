//! Stores: Redis-like, SQL, object store.
//!
//! A Redis-like store with an fsync for each write works in rounds, as its event loop does: a round takes all that waits,
//! carries it out, makes one fsync if anything was written, on the same thread, and then sends every reply.

use crate::model::Node;
use crate::model::node::Persistence;
use crate::model::state::FsyncPolicy;
use crate::model::workload::Distribution;
use crate::sim::Sim;
use crate::sim::clock::queue::Queue;
use crate::sim::clock::timers::Timer;
use crate::sim::control::failover::Failover;
use crate::sim::ids::NONE;
use crate::sim::keeping::ledger::Mark;
use crate::sim::observe::facts::Holder;
use crate::sim::observe::snapshot::{Cause, NodeKind, Status};
use crate::sim::stations::instance::{Instance, Round};
use crate::sim::stations::node::Body;
use crate::sim::stations::service::Next;
use crate::sim::streams::{Purpose as Draw, Sampler, draw, purpose_key, whole_ns};
use crate::sim::traffic::call::{Call, NO_SESSION, Outcome, Verb};
use crate::units::Duration;

/// A service kept its state in a store, and keeps it elsewhere or nowhere now.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Left {
    pub service: u16,
    /// When that was moved out.
    pub at: u64,
    /// The change that this is through.
    pub through: Option<u32>,
}

#[derive(Clone, Debug)]
pub(in crate::sim) struct StoreBody {
    pub left_by: Option<Left>,
    pub read: Sampler,
    pub write: Sampler,
    pub read_key: u64,
    pub primary: u16,
    pub log: u32,
    /// A primary that does not know that another has taken over, and what it serves.
    pub deposed: Option<(u16, u32)>,
    pub holds_worker_for_fsync: bool,
    /// Requests a second for reads and writes, and what is left of them: (rate, tokens, at).
    pub limits: [Option<(f64, f64, u64)>; 2],
    /// It works in rounds that end with an fsync.
    pub rounds: bool,
    pub backlog: u32,
    pub boot_ns: u64,
    pub restart_after: Option<u64>,
    pub failover: Option<Failover>,
    /// Services whose caches it tells of each write.
    pub listeners: Vec<u16>,
}

pub(in crate::sim) const APPLY: u16 = 1;
const SYNCED: u16 = 2;

impl Sim {
    pub(in crate::sim) fn store(&self, node: u16) -> Option<&StoreBody> {
        match &self.nodes[node as usize].body {
            Body::Store(store) => Some(store),
            _ => None,
        }
    }

    pub(in crate::sim) fn store_mut(&mut self, node: u16) -> Option<&mut StoreBody> {
        match &mut self.nodes[node as usize].body {
            Body::Store(store) => Some(store),
            _ => None,
        }
    }

    /// A call that has come in is served, waits, or is turned away.
    #[inline(always)]
    pub(in crate::sim) fn admit_to_store(&mut self, index: u32) {
        let now = self.now;
        let pooled = self.calls[index as usize].connection != NONE;
        if pooled && !self.comes_over(index) {
            return self.reply_failed(index, Cause::Refused);
        }
        let call = &mut self.calls[index as usize];
        let slot = &mut self.nodes[call.node as usize];
        let Body::Store(store) = &mut slot.body else {
            return;
        };
        // A replica, or a primary that was deposed while the call was on its way, does not answer for the store.
        let (leads, writes) = (store.primary == call.instance, call.verb.writes());
        if !leads && store.deposed.is_none_or(|(old, _)| old != call.instance) {
            return self.reply_failed(index, Cause::Refused);
        }
        if !store.admits(now, writes) {
            return self.reply_failed(index, Cause::QueueFull);
        }
        // Writes wait for a planned failover.
        if writes && leads && store.failover.is_some() {
            return self.hold_write(index);
        }
        let here = &mut slot.instances[call.instance as usize];
        let free = match pooled {
            true => here.has_free_worker(),
            false => here.has_room(),
        };
        let next = if free {
            store.start(here, call, index, &mut self.queue, now)
        } else if slot.kind == NodeKind::SqlDatabase {
            // A call is a connection; a further one is turned away at once, as PostgreSQL does.
            Next::Fails(Cause::Refused)
        } else {
            here.enqueue(call, index, now);
            Next::Waits
        };
        self.follow_up(index, next);
    }

    /// A call has been worked on: it is carried out, and answered once what it wrote is safe.
    #[inline(always)]
    pub(in crate::sim) fn store_step(&mut self, index: u32) {
        let call = &mut self.calls[index as usize];
        let slot = &self.nodes[call.node as usize];
        let Body::Store(store) = &slot.body else {
            return;
        };
        let (instance, writes) = (call.instance, call.verb.writes());
        if call.step == SYNCED {
            return self.answer_when_copied(index);
        }
        call.step = SYNCED;
        let holds_worker = store.holds_worker_for_fsync;
        let log = store.log_at(instance);
        let is_split = store.deposed.is_some();
        let is_heard = !store.listeners.is_empty();
        let in_round = slot.instances[instance as usize].round.open;
        if writes && self.refuses_writes(log) {
            return self.reply(index, Outcome::Failed(Cause::Error));
        }
        if writes {
            self.write_to(index, log);
            if is_heard {
                self.tell_caches_of(index);
            }
        } else if self.calls[index as usize].verb == Verb::Read {
            self.read_from(index, log);
        } else if is_split && self.is_session_on_other_side(index, log) {
            self.calls[index as usize].found = NO_SESSION;
        }
        if in_round {
            return self.wait_for_round(index, writes);
        }
        if writes && self.must_wait_for_fsync(log) {
            if !holds_worker {
                self.release_worker(index);
            }
            return self.wait_for_fsync(index, log);
        }
        self.answer_when_copied(index);
    }

    /// A call is answered, or waits for the copies that its write depends on.
    #[inline(always)]
    fn answer_when_copied(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (node, writes) = (call.node, call.verb.writes());
        if !writes || !self.waits_for_copies(index) {
            return self.reply(index, Outcome::Done);
        }
        // A connection waits; the one thread of a Redis-like store does not.
        let connected = self.nodes[node as usize].kind == NodeKind::SqlDatabase;
        if self.calls[index as usize].holds_worker && !connected {
            self.release_worker(index);
        }
    }
}

impl Sim {
    fn round_of(&mut self, node: u16, instance: u16) -> &mut Round {
        &mut self.nodes[node as usize].instances[instance as usize].round
    }

    /// The call has been carried out; its reply follows the end of the round.
    fn wait_for_round(&mut self, index: u32, wrote: bool) {
        let token = self.new_token();
        let call = &mut self.calls[index as usize];
        call.resume = token;
        let (node, instance) = (call.node, call.instance);
        let round = self.round_of(node, instance);
        round.wrote |= wrote;
        round.done.push((index, token));
        self.release_worker(index);
    }

    /// All of a round has been carried out: it is synced if anything was written, and answered after that.
    pub(in crate::sim) fn end_round(&mut self, node: u16, instance: u16) {
        let now = self.now;
        let leads =
            |s: &StoreBody| s.primary == instance || s.deposed.is_some_and(|d| d.0 == instance);
        let log = self
            .store(node)
            .filter(|s| leads(s))
            .map(|s| s.log_at(instance));
        let round = self.round_of(node, instance);
        if let (true, Some(log)) = (round.wrote, log) {
            round.wrote = false;
            round.syncing = true;
            let number = round.number;
            let stamp = self.stamp;
            let here = &mut self.logs[log as usize];
            let mark = here.mark(stamp);
            let ns = here.durability.file.map_or(0, |f| f.fsync_ns);
            self.nodes[node as usize].instances[instance as usize]
                .busy
                .add(now);
            let synced = Timer::RoundSynced {
                node,
                instance,
                number,
                log,
                mark,
            };
            return self.timer_after(ns, synced);
        }
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        if here.round.syncing {
            here.busy.remove(now);
        }
        let done = here.round.close();
        for (call, token) in done {
            if self.calls[call as usize].resume == token {
                self.calls[call as usize].resume = 0;
                self.answer_when_copied(call);
            }
        }
    }

    /// The fsync of a round is over.
    pub(in crate::sim) fn round_synced(
        &mut self,
        node: u16,
        instance: u16,
        number: u32,
        log: u32,
        mark: Mark,
    ) {
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        if !here.round.syncing || here.round.number != number {
            return;
        }
        let hangs = here.status == Status::Hung;
        here.round.synced = true;
        let log_here = &mut self.logs[log as usize];
        let counts = log_here.primary == instance && log_here.online && !log_here.retired;
        if counts && log_here.reach_disk(mark) {
            self.reached(log, Holder::Disk, mark.sequence);
        }
        if !hangs {
            self.end_round(node, instance);
            self.take_next(node, instance);
        }
    }
}

impl Round {
    /// A call is carried out next: the first of a new round, which takes all that waits, or the next of this one.
    pub(in crate::sim) fn take(&mut self, waiting: usize) {
        if self.open {
            self.left = self.left.saturating_sub(1);
        } else {
            self.open = true;
            self.left = waiting as u32;
        }
    }

    /// Whether a round has come to its end but for the fsync. `empty`: nothing waits any more.
    pub(in crate::sim) fn is_carried_out(&self, empty: bool) -> bool {
        self.open && !self.syncing && (self.left == 0 || empty)
    }

    /// Ends it; gives the calls that wait for that.
    pub(in crate::sim) fn close(&mut self) -> Vec<(u32, u32)> {
        let ended = std::mem::take(self);
        self.number = ended.number.wrapping_add(1);
        ended.done
    }
}

impl StoreBody {
    /// The log that a member serves: its primary, or one that has been deposed and does not know it.
    #[inline(always)]
    pub(in crate::sim) fn log_at(&self, instance: u16) -> u32 {
        match self.deposed {
            Some((old, fork)) if old == instance => fork,
            _ => self.log,
        }
    }

    /// Whose draws follow from this key.
    pub(in crate::sim) fn new(key: u64) -> Self {
        Self {
            read: Sampler::Constant(0.0),
            write: Sampler::Constant(0.0),
            read_key: purpose_key(key, Draw::Service),
            left_by: None,
            primary: 0,
            log: NONE,
            deposed: None,
            holds_worker_for_fsync: false,
            limits: [None, None],
            rounds: false,
            backlog: 0,
            boot_ns: 0,
            restart_after: None,
            failover: None,
            listeners: Vec::new(),
        }
    }

    /// Has the settings of that store from now on; gives how much it works on at a time.
    pub(in crate::sim) fn set(&mut self, node: &Node, now: u64) -> Option<u32> {
        let constant = |d: Duration| Sampler::new(&Distribution::Constant(d));
        match node {
            Node::RedisLike(settings) => {
                self.rounds = settings.fsync_time.0 > 0
                    && settings.persistence == Persistence::AppendOnly(FsyncPolicy::Always);
                self.backlog = settings.backlog;
                self.read = constant(settings.command_time);
                self.write = self.read;
                self.boot_ns = settings.boot_time.0;
                self.restart_after = settings.restart_after.map(|d| d.0);
                Some(1)
            }
            Node::SqlDatabase(settings) => {
                self.backlog = settings.backlog;
                self.read = constant(settings.read_time);
                self.write = constant(settings.write_time);
                self.holds_worker_for_fsync = settings.fsync == FsyncPolicy::Always;
                self.boot_ns = settings.boot_time.0;
                self.restart_after = settings.restart_after.map(|d| d.0);
                Some(settings.connections)
            }
            Node::ObjectStore(settings) => {
                self.backlog = settings.backlog;
                self.read = Sampler::new(&settings.get_time);
                self.write = Sampler::new(&settings.put_time);
                let rates = [settings.get_rate.0, settings.put_rate.0];
                for (limit, rate) in self.limits.iter_mut().zip(rates) {
                    let (left, at) = limit.map_or((rate, now), |(_, left, at)| (left, at));
                    *limit = Some((rate, left.min(rate), at));
                }
                Some(u32::MAX)
            }
            Node::Clients(_) | Node::LoadBalancer(_) | Node::Service(_) => None,
        }
    }
}

impl StoreBody {
    /// It works on a call next.
    #[inline(always)]
    pub(in crate::sim) fn start(
        &self,
        here: &mut Instance,
        call: &mut Call,
        index: u32,
        queue: &mut Queue,
        now: u64,
    ) -> Next {
        here.occupy_worker(call, now);
        call.step = APPLY;
        if self.rounds || here.round.open {
            here.round.take(here.waiting.n() as usize);
        }
        let sampler = if call.verb.writes() {
            &self.write
        } else {
            &self.read
        };
        let mut ns = sampler.sample_ns(draw(self.read_key, call.draw));
        if here.slowed > 1.0 {
            ns = whole_ns(ns as f64 * here.slowed);
        }
        call.begin_work(index, ns, queue, now)
    }

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
