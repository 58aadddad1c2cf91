//! What an instance's cache holds: versions of keys, in the order in which they were used. What is done with it is in
//! `stations/caching.rs`.

use std::collections::BTreeMap;

use crate::sim::ids::NONE;
use crate::sim::keeping::keys::{Key, KeyTable};
use crate::sim::room::room;

/// An entry, in the chain from the one used last to the one not used for longest.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Key,
    stamp: u64,
    expires: u64,
    newer: u32,
    older: u32,
}

/// A key that is being fetched.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Fetch {
    /// How often, at the moment.
    pub under_way: u32,
    /// A fetch of something older than this is not kept.
    pub least: u64,
    /// Calls that wait for it, with tokens.
    pub waiting: Vec<(u32, u32)>,
}

/// The entries of one instance.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Cache {
    places: KeyTable<u32>,
    entries: Vec<Entry>,
    newest: u32,
    oldest: u32,
    /// First of the places that are free again, which are chained by `older`.
    free: u32,
    /// Keys that are being fetched, of which somebody wants to know.
    pub fetches: BTreeMap<Key, Fetch>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            places: KeyTable::default(),
            entries: Vec::new(),
            newest: NONE,
            oldest: NONE,
            free: NONE,
            fetches: BTreeMap::new(),
        }
    }
}

impl Cache {
    pub(in crate::sim) fn len(&self) -> usize {
        self.places.len()
    }

    pub(in crate::sim) fn bytes(&self) -> usize {
        let waiting = self.fetches.values().map(|f| f.waiting.len()).sum();
        self.places.bytes()
            + room::<Entry>(self.entries.len())
            + room::<(Key, Fetch)>(self.fetches.len())
            + room::<(u32, u32)>(waiting)
    }

    /// The version it has of a key, which is used by that; none whose time is over.
    pub(in crate::sim) fn get(&mut self, key: Key, now: u64) -> Option<u64> {
        let at = *self.places.get(key)?;
        let entry = self.entries[at as usize];
        if entry.expires <= now {
            self.delete(key);
            return None;
        }
        self.unchain(at);
        self.chain(at);
        Some(entry.stamp)
    }

    /// Has this version of a key, until then, unless it has a newer one; gives how many others made room for it.
    pub(in crate::sim) fn put(
        &mut self,
        key: Key,
        stamp: u64,
        expires: u64,
        capacity: Option<u32>,
    ) -> u64 {
        if let Some(&at) = self.places.get(key) {
            let entry = &mut self.entries[at as usize];
            if entry.stamp > stamp {
                return 0;
            }
            (entry.stamp, entry.expires) = (stamp, expires);
            self.unchain(at);
            self.chain(at);
            return 0;
        }
        let room = capacity.map_or(usize::MAX, |capacity| capacity.max(1) as usize);
        let evicted = self.shrink(room - 1);
        let entry = Entry {
            key,
            stamp,
            expires,
            newer: NONE,
            older: NONE,
        };
        let at = self.free;
        let at = if at == NONE {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        } else {
            self.free = self.entries[at as usize].older;
            self.entries[at as usize] = entry;
            at
        };
        *self.places.entry(key) = at;
        self.chain(at);
        evicted
    }

    /// Those not used for longest go, until no more are left than that; gives how many.
    pub(in crate::sim) fn shrink(&mut self, room: usize) -> u64 {
        let mut evicted = 0;
        while self.len() > room && self.oldest != NONE {
            self.delete(self.entries[self.oldest as usize].key);
            evicted += 1;
        }
        evicted
    }

    /// A fetch of a key is over; gives what it must be at least to be kept, and who waited for it.
    pub(in crate::sim) fn end_fetch(&mut self, key: Key) -> (u64, Vec<(u32, u32)>) {
        let Some(fetch) = self.fetches.get_mut(&key) else {
            return (0, Vec::new());
        };
        let ended = (fetch.least, std::mem::take(&mut fetch.waiting));
        fetch.under_way = fetch.under_way.saturating_sub(1);
        if fetch.under_way == 0 {
            self.fetches.remove(&key);
        }
        ended
    }

    /// Deletes an entry if its version is older than that; gives whether it has.
    pub(in crate::sim) fn invalidate(&mut self, key: Key, stamp: u64) -> bool {
        let older = |&at: &u32| self.entries[at as usize].stamp < stamp;
        let goes = self.places.get(key).is_some_and(older);
        if goes {
            self.delete(key);
        }
        goes
    }

    fn delete(&mut self, key: Key) {
        if let Some(at) = self.places.remove(key) {
            self.unchain(at);
            self.entries[at as usize].older = std::mem::replace(&mut self.free, at);
        }
    }

    /// It becomes the one used last.
    fn chain(&mut self, at: u32) {
        let before = std::mem::replace(&mut self.newest, at);
        let entry = &mut self.entries[at as usize];
        (entry.newer, entry.older) = (NONE, before);
        match self.entries.get_mut(before as usize) {
            Some(before) => before.newer = at,
            None => self.oldest = at,
        }
    }

    fn unchain(&mut self, at: u32) {
        let Entry { newer, older, .. } = self.entries[at as usize];
        match self.entries.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
        match self.entries.get_mut(older as usize) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
    }

    /// Whether the chain has each entry once.
    pub(in crate::sim) fn is_sound(&self) -> bool {
        let (mut at, mut newer, mut seen) = (self.newest, NONE, 0);
        while let Some(entry) = self.entries.get(at as usize) {
            seen += 1;
            if entry.newer != newer || self.places.get(entry.key) != Some(&at) || seen > self.len()
            {
                return false;
            }
            (newer, at) = (at, entry.older);
        }
        newer == self.oldest && seen == self.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a list in the order of use.
        #[test]
        fn it_holds_what_was_used_last(
            steps in proptest::collection::vec((0u8..8, 0u64..12, 0u64..20), 0..400),
            capacity in 1u32..8,
        ) {
            let mut cache = Cache::default();
            // (key, stamp, expires), used last at the end.
            let mut list: Vec<(u64, u64, u64)> = Vec::new();
            for (now, (what, key, stamp)) in (0u64..).zip(steps) {
                let at = list.iter().position(|e| e.0 == key);
                match what {
                    0..=3 => {
                        let found = at.map(|at| list.remove(at)).filter(|e| e.2 > now);
                        list.extend(found);
                        prop_assert_eq!(cache.get(key, now), found.map(|e| e.1));
                    }
                    4..=6 => {
                        let expires = now + 1 + stamp;
                        let evicted = cache.put(key, stamp, expires, Some(capacity));
                        match at {
                            Some(at) if list[at].1 > stamp => {}
                            Some(at) => {
                                list.remove(at);
                                list.push((key, stamp, expires));
                            }
                            None => {
                                prop_assert_eq!(evicted == 1, list.len() == capacity as usize);
                                if evicted == 1 {
                                    list.remove(0);
                                }
                                list.push((key, stamp, expires));
                            }
                        }
                    }
                    _ => {
                        let older = at.filter(|&at| list[at].1 < stamp);
                        prop_assert_eq!(cache.invalidate(key, stamp), older.is_some());
                        older.map(|at| list.remove(at));
                    }
                }
                prop_assert_eq!(cache.len(), list.len());
                prop_assert!(cache.is_sound());
            }
        }
    }
}
