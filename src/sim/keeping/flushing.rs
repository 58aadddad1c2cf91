//! Writes that a cache keeps back: they are in a log of its instance until they are flushed to the store.
//!
//! A flush takes everything at once, each key with its newest version, and takes no time. The log goes on; what was
//! acknowledged in it before, or is later, belongs to the store.

use crate::model::cache::CacheKind;
use crate::model::{Node, State};
use crate::sim::Sim;
use crate::sim::clock::timers::Timer;
use crate::sim::keeping::keys::{Key, Version};
use crate::sim::observe::facts::Fact;
use crate::sim::stations::service::ServiceBody;
use crate::sim::streams::draw;
use crate::units::SECOND;

impl Sim {
    /// Has what a cache keeps back flushed at the next tick of its clock.
    pub(in crate::sim) fn plan_flush(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        if here.flush_due.is_some() || here.versions.len() == 0 {
            return;
        }
        let cache = self.service(here.node).and_then(|s| s.cache.as_ref());
        let every = match cache.map(|cache| &cache.settings.kind) {
            Some(CacheKind::WriteBack(settings)) => settings.flush_every.0,
            // It does so no more, and tries again to get rid of what is left.
            _ => SECOND,
        };
        let at = self.next_tick(log, self.now, every, 3);
        self.logs[log as usize].flush_due = Some(at);
        self.timer_at(at, Timer::Flush { log });
    }

    /// What a cache keeps back is due.
    pub(in crate::sim) fn flush_due(&mut self, log: u32) {
        let here = &mut self.logs[log as usize];
        if here.flush_due != Some(self.now) {
            // It has been planned anew since.
            return;
        }
        here.flush_due = None;
        if self.is_kept_back(log) && !self.flush(log) {
            self.plan_flush(log);
        }
    }

    /// What a cache keeps back goes to its store, if that takes it now; whether nothing is left.
    pub(in crate::sim) fn flush(&mut self, log: u32) -> bool {
        if self.logs[log as usize].versions.len() == 0 {
            return true;
        }
        let Some((store, member)) = self.flushes_to(log) else {
            return false;
        };
        let Some(to) = self.store(store).map(|s| s.log_at(member)) else {
            return false;
        };
        if self.refuses_writes(to) {
            return false;
        }
        let (number, keys) = self.hand_keys_over(log, to);
        let bytes = (keys.len() as u64).saturating_mul(self.value_size);
        self.tell(Fact::Flushed {
            log,
            number: self.logs[log as usize].last(),
            to: (to, number),
            bytes,
        });
        self.keep_up(to);
        self.forget_flushed(log);
        let node = self.logs[log as usize].node;
        if let Some(cache) = self.service_mut(node).and_then(|s| s.cache.as_mut()) {
            cache.counts.flushed += keys.len() as u64;
        }
        for (key, version) in keys {
            self.tell_caches((store, member), key, version.stamp(), draw(key, self.now));
        }
        true
    }

    /// What a log has goes to another, as one write, and with the newest version of each key; gives its number there, and those.
    fn hand_keys_over(&mut self, log: u32, to: u32) -> (u64, Vec<(Key, Version)>) {
        self.stamp += 1;
        let (now, stamp) = (self.now, self.stamp);
        let upto = self.logs[log as usize].last();
        let versions = std::mem::take(&mut self.logs[log as usize].versions);
        let held = self.logs[log as usize].hand_over();
        let bytes = (versions.len() as u64).saturating_mul(self.value_size);
        let mut keys: Vec<_> = versions
            .iter()
            .map(|(key, &version)| (key, version))
            .collect();
        keys.sort_unstable();
        let target = &mut self.logs[to as usize];
        let number = target.take_over(now, stamp, held, bytes);
        let newest = &mut self.newest[target.space as usize];
        for &(key, theirs) in &keys {
            if target.versions.get(key).is_none_or(|&mine| mine < theirs) {
                let told = newest.get(key).copied();
                target.put_version(key, theirs, |stamp| {
                    told.is_some_and(|n| n.log == to && n.stamp == stamp)
                });
            }
            if newest.get(key).is_some_and(|n| n.log == log && n.stamp > 0) {
                newest.entry(key).log = to;
            }
        }
        self.logs[log as usize].flushed_to(upto, stamp, (to, number));
        (number, keys)
    }

    /// The store, and its member, that a cache's instance flushes to now; none if it reaches none that takes it.
    fn flushes_to(&self, log: u32) -> Option<(u16, u16)> {
        let here = &self.logs[log as usize];
        let Node::Service(service) = self
            .topology
            .nodes
            .get(&self.nodes[here.node as usize].name)?
        else {
            return None;
        };
        let State::External(external) = &service.state else {
            return None;
        };
        let slot = self.slot_of(&external.store)?;
        let store = self.store(slot).filter(|s| s.failover.is_none())?;
        let member = match store.deposed {
            None => store.primary,
            Some(_) => self.believed_primary(slot, (here.node, here.primary)),
        };
        let to = store.log_at(member);
        let there = self.is_kept_back(log) && here.online && self.logs[to as usize].online;
        self.way_between(log, to).filter(|_| there)?;
        Some((slot, member))
    }

    /// Whether a log is what an instance's cache keeps back, and not on its way elsewhere.
    pub(in crate::sim) fn is_kept_back(&self, log: u32) -> bool {
        let here = &self.logs[log as usize];
        let instance = &self.nodes[here.node as usize].instances[here.primary as usize];
        let external = |s: &ServiceBody| matches!(s.settings.state, State::External(_));
        instance.data_log == log
            && !here.retired
            && here.moving.is_none()
            && self.service(here.node).is_some_and(external)
    }

    /// Forgets which flush took what that no request can name any more.
    fn forget_flushed(&mut self, log: u32) {
        if !self.logs[log as usize].has_many_flushes() {
            return;
        }
        let calls = self.calls.iter().filter(|c| !c.free).map(|c| c.place);
        let ops = self.ops.iter().filter(|o| o.references > 0);
        let places = calls.chain(ops.map(|o| o.place)).flatten();
        let here = places.filter(|place| place.log == log);
        let least = here.map(|place| place.sequence).min();
        self.logs[log as usize].forget_flushes(least.unwrap_or(u64::MAX));
    }

    /// The version of a key that an instance keeps back.
    pub(in crate::sim) fn kept_back(&self, node: u16, instance: u16, key: Key) -> Option<u64> {
        let log = self.nodes[node as usize].instances[instance as usize].data_log;
        let log = self.logs.get(log as usize).filter(|log| !log.retired)?;
        log.versions.get(key).map(|version| version.stamp())
    }

    /// The logs of what the instances of a service keep back, by another rule from now on, or not any more.
    pub(in crate::sim) fn tend_flushes(&mut self, node: u16, keeps_back: bool) {
        for instance in 0..self.nodes[node as usize].instances.len() {
            let log = self.nodes[node as usize].instances[instance].data_log;
            let Some(here) = self.logs.get_mut(log as usize) else {
                continue;
            };
            if here.flush_due.take().is_some() && (keeps_back || !self.flush(log)) {
                self.plan_flush(log);
            }
        }
    }
}
