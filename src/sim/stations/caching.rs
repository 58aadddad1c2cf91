//! The steps of a request at an instance with a cache before its store: what is looked up, fetched, written and invalidated.
//!
//! A cache knows of each entry which version it is. So a read from it is stale by the same ledger as any other, and an
//! invalidation that comes late never deletes what is newer than it.

use crate::model::Node;
use crate::model::cache::{Cache, CacheKind, Invalidation};
use crate::sim::Sim;
use crate::sim::clock::queue::Kind;
use crate::sim::clock::timers::Timer;
use crate::sim::keeping::keys::Key;
use crate::sim::stations::instance::Instance;
use crate::sim::stations::service::{CACHED, CALLS, LOOKUP};
use crate::sim::streams::{Purpose as Draw, draw, purpose_key, unit};
use crate::sim::traffic::call::{Call, Outcome, UNREAD, Verb};

/// What the caches of a service's instances have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sim) struct CacheCounts {
    /// Reads that were answered from a cache, and reads that were not.
    pub hits: u64,
    pub misses: u64,
    /// Of the misses, those that waited for somebody else's fetch.
    pub coalesced: u64,
    /// Of the hits, those that found an older version than the newest that clients had been told of.
    pub stale: u64,
    /// Entries that made room for others, and entries that were deleted since there is something newer.
    pub evictions: u64,
    pub invalidations: u64,
    /// Keys of which what was kept back has gone to the store.
    pub flushed: u64,
}

impl CacheCounts {
    /// What has come since then.
    pub(in crate::sim) fn since(&self, then: &Self) -> Self {
        Self {
            hits: self.hits - then.hits,
            misses: self.misses - then.misses,
            coalesced: self.coalesced - then.coalesced,
            stale: self.stale - then.stale,
            evictions: self.evictions - then.evictions,
            invalidations: self.invalidations - then.invalidations,
            flushed: self.flushed - then.flushed,
        }
    }
}

/// The caches of a service.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Caching {
    pub settings: Cache,
    pub counts: CacheCounts,
    pub at_warmup: CacheCounts,
}

impl Caching {
    pub(in crate::sim) fn new(settings: &Cache) -> Self {
        Self {
            settings: settings.clone(),
            counts: CacheCounts::default(),
            at_warmup: CacheCounts::default(),
        }
    }

    /// Whether somebody may want to know of a fetch that is under way.
    fn follows_fetches(&self) -> bool {
        self.settings.coalesce || self.settings.kind == CacheKind::ReadThrough
    }

    /// An instance has a version of a key from now on.
    fn fill(&mut self, here: &mut Instance, key: Key, stamp: u64, now: u64) {
        let ttl = self.settings.ttl.map_or(u64::MAX, |ttl| ttl.0);
        let (expires, capacity) = (now.saturating_add(ttl), self.settings.capacity);
        self.counts.evictions += here.cache.put(key, stamp, expires, capacity);
    }
}

impl Sim {
    fn caching(&mut self, node: u16, instance: u16) -> Option<(&mut Caching, &mut Instance)> {
        let slot = &mut self.nodes[node as usize];
        let instance = slot.instances.get_mut(instance as usize)?;
        match &mut slot.body {
            crate::sim::stations::node::Body::Service(service) => {
                Some((service.cache.as_deref_mut()?, instance))
            }
            _ => None,
        }
    }

    /// The key that a call is about.
    fn key_of(&self, call: &Call) -> Key {
        self.ops[call.op as usize].key
    }

    /// A request's state is in a store, before which its instance has a cache.
    pub(in crate::sim) fn cache_step(&mut self, index: u32, link: u16) {
        let verb = self.calls[index as usize].verb;
        if verb == Verb::Write && self.keeps_back(index) {
            return self.write_back(index);
        }
        if verb == Verb::Write {
            return self.call_on(index, CACHED, link, verb, 2);
        }
        if self.is_cached(index) {
            return self.calls_step(index);
        }
        // Without a link it is answered at once, and nothing is fetched.
        let linked = self.links.get(link as usize).is_some_and(|l| !l.removed);
        if linked && self.waits_for_fetch(index) {
            return self.wait_without_worker(index);
        }
        self.call_on(index, CACHED, link, verb, 2);
    }

    /// Whether the cache of a call's instance keeps writes back.
    fn keeps_back(&self, index: u32) -> bool {
        let service = self.service(self.calls[index as usize].node);
        let cache = service.and_then(|s| s.cache.as_ref());
        cache.is_some_and(|c| matches!(c.settings.kind, CacheKind::WriteBack(_)))
    }

    /// A write goes into the cache, and no further for now.
    fn write_back(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (node, instance, key) = (call.node, call.instance, self.key_of(call));
        let log = self.data_log(node, instance);
        self.write_to(index, log);
        let (now, place) = (self.now, self.calls[index as usize].place);
        let mut full = false;
        let dirty = self.logs[log as usize].versions.len();
        if let (Some((caching, here)), Some(place)) = (self.caching(node, instance), place) {
            caching.fill(here, key, place.stamp, now);
            let capacity = caching.settings.capacity;
            full = capacity.is_some_and(|capacity| dirty >= capacity as usize);
        }
        if full {
            self.flush(log);
        }
        self.plan_flush(log);
        self.calls_step(index);
    }

    /// Whether a read finds something in the cache, which then is what it has found.
    fn is_cached(&mut self, index: u32) -> bool {
        let call = &self.calls[index as usize];
        let (node, instance, key) = (call.node, call.instance, self.key_of(call));
        let again = call.step == LOOKUP;
        let now = self.now;
        let told = self.told_when_asked(index);
        let kept_back = self.kept_back(node, instance, key);
        let Some((caching, here)) = self.caching(node, instance) else {
            return false;
        };
        let found = here.cache.get(key, now).max(kept_back);
        // Who waited for a fetch that came to nothing has been counted.
        match found {
            Some(stamp) if !again => {
                caching.counts.hits += 1;
                caching.counts.stale += u64::from(stamp < told);
            }
            None if !again => caching.counts.misses += 1,
            _ => {}
        }
        let call = &mut self.calls[index as usize];
        if let Some(stamp) = found
            && call.found == UNREAD
        {
            call.found = stamp;
        }
        found.is_some()
    }

    /// Stamp of the newest version that clients had been told of when a read was wanted, and that is not lost.
    fn told_when_asked(&self, index: u32) -> u64 {
        let call = &self.calls[index as usize];
        let op = &self.ops[call.op as usize];
        let newest = self.newest_of(call.node, op.key);
        let space = |node: u16| self.nodes[node as usize].space;
        if space(op.client) == space(call.node) {
            newest.min(op.expects_stamp)
        } else {
            newest
        }
    }

    /// Whether somebody fetches already what a read lacks, and shares it; else the read does so from now on.
    fn waits_for_fetch(&mut self, index: u32) -> bool {
        let call = &self.calls[index as usize];
        let (node, instance, key) = (call.node, call.instance, self.key_of(call));
        let again = call.step == LOOKUP;
        let token = self.new_token();
        let Some((caching, here)) = self.caching(node, instance) else {
            return false;
        };
        if !caching.follows_fetches() {
            return false;
        }
        let fetch = here.cache.fetches.entry(key).or_default();
        if fetch.under_way == 0 || !caching.settings.coalesce {
            fetch.under_way += 1;
            return false;
        }
        fetch.waiting.push((index, token));
        caching.counts.coalesced += u64::from(!again);
        let call = &mut self.calls[index as usize];
        (call.step, call.resume) = (LOOKUP, token);
        true
    }

    /// The store has answered a request with a cache before it.
    pub(in crate::sim) fn cached_step(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (node, instance, key) = (call.node, call.instance, self.key_of(call));
        let (found, place, reads) = (call.found, call.place, call.verb == Verb::Read);
        let now = self.now;
        let Some((caching, here)) = self.caching(node, instance) else {
            return self.calls_step(index);
        };
        if reads {
            let (least, waiting) = here.cache.end_fetch(key);
            if found < Call::LEAST_NO_STAMP && found >= least {
                caching.fill(here, key, found, now);
            }
            self.share_fetch(waiting, found, Outcome::Done);
        } else if let Some(place) = place {
            match caching.settings.kind {
                CacheKind::CacheAside | CacheKind::ReadThrough => {
                    let goes = here.cache.invalidate(key, place.stamp);
                    caching.counts.invalidations += u64::from(goes);
                }
                CacheKind::WriteThrough => caching.fill(here, key, place.stamp, now),
                CacheKind::WriteAround | CacheKind::WriteBack(_) => {}
            }
            if caching.settings.kind == CacheKind::ReadThrough
                && let Some(fetch) = here.cache.fetches.get_mut(&key)
            {
                fetch.least = fetch.least.max(place.stamp);
            }
        }
        self.calls_step(index);
    }

    /// Whoever waited for a fetch has what it found, or fails as it did.
    fn share_fetch(&mut self, waiting: Vec<(u32, u32)>, found: u64, outcome: Outcome) {
        for (waiting, token) in waiting {
            let call = &mut self.calls[waiting as usize];
            if call.resume != token {
                continue;
            }
            (call.resume, call.step, call.outcome) = (0, CALLS, outcome);
            if call.found == UNREAD {
                call.found = found;
            }
            self.proceed(waiting);
        }
    }

    /// A call fails whose answer others may wait for.
    #[cold]
    pub(in crate::sim) fn fetch_failed(&mut self, index: u32) {
        let outcome = self.calls[index as usize].outcome;
        let waiting = self.give_fetch_up(index);
        self.share_fetch(waiting, UNREAD, outcome);
    }

    /// A call is gone, and with it what it fetched: whoever waits for that looks again, and the first of them fetches it.
    pub(in crate::sim) fn fetch_vanished(&mut self, index: u32) {
        let waiting = self.give_fetch_up(index);
        self.look_again(&waiting);
    }

    fn give_fetch_up(&mut self, index: u32) -> Vec<(u32, u32)> {
        let call = &self.calls[index as usize];
        let (node, instance, key) = (call.node, call.instance, self.key_of(call));
        if !call.fetches() {
            return Vec::new();
        }
        let here = self.caching(node, instance);
        here.map_or(Vec::new(), |(_, here)| here.cache.end_fetch(key).1)
    }

    fn look_again(&mut self, waiting: &[(u32, u32)]) {
        for &(waiting, token) in waiting {
            if self.calls[waiting as usize].resume == token {
                let number = self.queue.push(self.now, Kind::Resume, waiting);
                self.calls[waiting as usize].resume = number;
            }
        }
    }

    /// The settings of a service's caches have changed, or it has none any more.
    pub(in crate::sim) fn settle_caches(&mut self, node: u16) {
        let Some(service) = self.service(node) else {
            return;
        };
        let settings = service.cache.as_ref().map(|c| c.settings.clone());
        let mut waiting = Vec::new();
        for here in &mut self.nodes[node as usize].instances {
            let room = settings.as_ref().map(|s| s.capacity);
            match room {
                Some(Some(room)) => drop(here.cache.shrink(room as usize)),
                Some(None) => {}
                None => {
                    let before = std::mem::take(&mut here.cache);
                    waiting.extend(before.fetches.into_values().flat_map(|f| f.waiting));
                }
            }
        }
        self.look_again(&waiting);
        let kind = settings.map(|s| s.kind);
        self.tend_flushes(node, matches!(kind, Some(CacheKind::WriteBack(_))));
    }

    /// Which services' caches each store tells of writes.
    pub(in crate::sim) fn listen_to_stores(&mut self) {
        let services = self.topology.nodes.iter().filter_map(|(name, node)| {
            let Node::Service(service) = node else {
                return None;
            };
            let tells = matches!(service.caches()?.invalidation, Invalidation::Broadcast(_));
            let crate::model::State::External(external) = &service.state else {
                return None;
            };
            Some((self.slot_of(&external.store)?, self.slot_of(name)?)).filter(|_| tells)
        });
        let all: Vec<(u16, u16)> = services.collect();
        for node in 0..self.nodes.len() as u16 {
            if let Some(store) = self.store_mut(node) {
                let here = all.iter().filter(|(to, _)| *to == node);
                store.listeners = here.map(|(_, service)| *service).collect();
            }
        }
    }

    /// A store's member has applied a call's write: it tells the caches that listen.
    #[cold]
    pub(in crate::sim) fn tell_caches_of(&mut self, index: u32) {
        let call = &self.calls[index as usize];
        let (node, instance, bits) = (call.node, call.instance, call.draw);
        if let Some(place) = call.place.filter(|_| call.verb == Verb::Write) {
            self.tell_caches((node, instance), self.key_of(call), place.stamp, bits);
        }
    }

    /// The member of a store tells caches that there is this version of a key.
    pub(in crate::sim) fn tell_caches(
        &mut self,
        from: (u16, u16),
        key: Key,
        stamp: u64,
        bits: u64,
    ) {
        let Some(store) = self.store(from.0) else {
            return;
        };
        for service in store.listeners.clone() {
            let Some(body) = self.service(service) else {
                continue;
            };
            let Some(Invalidation::Broadcast(broadcast)) =
                body.cache.as_ref().map(|c| c.settings.invalidation.clone())
            else {
                continue;
            };
            let latency = self.links.get(body.state_link as usize);
            let latency = latency.map_or(0, |link| link.latency);
            let lottery = purpose_key(self.nodes[service as usize].key, Draw::Invalidation);
            for instance in 0..self.nodes[service as usize].instances.len() as u16 {
                if !self.nodes[service as usize].instances[instance as usize].runs() {
                    continue;
                }
                let drawn = unit(draw(draw(lottery, bits), u64::from(instance)));
                let path = self.path(self.spot(from.0, from.1), self.spot(service, instance));
                if drawn < broadcast.loss.0 || path.cut.is_some() {
                    continue;
                }
                let told = Timer::Invalidate {
                    from,
                    to: (service, instance),
                    key,
                    stamp,
                };
                let after = broadcast.delay.0.saturating_add(path.takes(latency));
                self.timer_after(after, told);
            }
        }
    }

    /// What a store's member tells an instance comes there, unless it has been cut off on its way.
    pub(in crate::sim) fn invalidate(
        &mut self,
        from: (u16, u16),
        to: (u16, u16),
        key: Key,
        stamp: u64,
    ) {
        let cut = !self.network.is_sound()
            && self
                .parted_by(self.spot(from.0, from.1), self.spot(to.0, to.1))
                .is_some();
        if cut {
            return;
        }
        let Some((caching, here)) = self.caching(to.0, to.1) else {
            return;
        };
        let goes = here.cache.invalidate(key, stamp);
        caching.counts.invalidations += u64::from(goes);
        if caching.settings.kind == CacheKind::ReadThrough
            && let Some(fetch) = here.cache.fetches.get_mut(&key)
        {
            fetch.least = fetch.least.max(stamp);
        }
    }

    /// Calls that wait for a fetch, with tokens, by whoever fetches it: nobody, if nobody does.
    pub(in crate::sim) fn waiting_for_fetches(&self) -> Vec<(Option<u32>, u32, u32)> {
        let mut all = Vec::new();
        for (node, slot) in self.nodes.iter().enumerate() {
            for (instance, here) in slot.instances.iter().enumerate() {
                for (&key, fetch) in &here.cache.fetches {
                    let fetches = |call: &Call| {
                        (call.node as usize, call.instance as usize) == (node, instance)
                            && call.present
                            && call.fetches()
                            && self.key_of(call) == key
                    };
                    let by = self.calls.iter().position(fetches).map(|i| i as u32);
                    let waiting = fetch.waiting.iter();
                    all.extend(waiting.map(|&(call, token)| (by, call, token)));
                }
            }
        }
        all
    }
}

impl Call {
    /// What lies below is the stamp of a version.
    const LEAST_NO_STAMP: u64 = crate::sim::traffic::call::NO_SESSION;

    /// Whether it waits for the store because its instance's cache lacks what it reads.
    pub(in crate::sim) fn fetches(&self) -> bool {
        !self.free && self.step == CACHED && self.verb == Verb::Read
    }
}
