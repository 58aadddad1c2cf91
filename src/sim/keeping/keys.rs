//! Keys, and tables of what is known of them.
//!
//! A table holds only keys that have been written, so memory follows what is written, however many keys there are and
//! however many copies. What it gives does not depend on the order in which it holds them.

use crate::sim::room::room;

/// A key: of the one space that all clients share, or a user's own. Spaces and users stay apart however they grow.
pub(in crate::sim) type Key = u64;

const NUMBER_BITS: u32 = 10;
const USER_BITS: u32 = 24;

/// A key that all clients share.
#[inline]
pub(in crate::sim) fn shared(number: u32) -> Key {
    u64::from(number)
}

/// A key that belongs to a user of a clients node; `user` counts from 0 there. At most 10 million users have at most a
/// thousand keys each.
#[inline]
pub(in crate::sim) fn own(clients: u16, user: u32, number: u32) -> Key {
    debug_assert!(user < 1 << USER_BITS && number < 1 << NUMBER_BITS);
    (u64::from(clients) + 1) << (USER_BITS + NUMBER_BITS)
        | u64::from(user) << NUMBER_BITS
        | u64::from(number)
}

/// Whose key it is: the clients node and its user's number; nobody's if it is of the space that all share.
pub(in crate::sim) fn owner(key: Key) -> Option<(u16, u32)> {
    let clients = (key >> (USER_BITS + NUMBER_BITS)).checked_sub(1)?;
    let user = (key >> NUMBER_BITS) & ((1 << USER_BITS) - 1);
    Some((clients as u16, user as u32))
}

/// A version of a key in a log: the stamp of its write, and whether its client has been told that it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) struct Version(u64);

impl Version {
    /// Nothing has been written.
    pub(in crate::sim) const NONE: Self = Self(0);

    #[inline]
    pub(in crate::sim) fn written(stamp: u64) -> Self {
        Self(stamp << 1)
    }

    #[inline]
    pub(in crate::sim) fn stamp(self) -> u64 {
        self.0 >> 1
    }

    pub(in crate::sim) fn is_told(self) -> bool {
        self.0 & 1 == 1
    }

    pub(in crate::sim) fn told(self) -> Self {
        Self(self.0 | 1)
    }
}

/// No key.
const FREE: Key = Key::MAX;
const LEAST: usize = 16;
/// The golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// From keys to values, by open addressing: a key stands at the first free place from its own on.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct KeyTable<V> {
    places: Vec<(Key, V)>,
    used: usize,
    /// What a key is multiplied by, and how far the product is shifted, to give a place (Dietzfelbinger et al. 1997).
    spread: u64,
    shift: u32,
}

impl<V: Copy + Default> KeyTable<V> {
    pub(in crate::sim) fn len(&self) -> usize {
        self.used
    }

    pub(in crate::sim) fn bytes(&self) -> usize {
        room::<(Key, V)>(self.places.len())
    }

    /// Where a key stands, or would.
    #[inline]
    fn find(&self, key: Key) -> usize {
        let mask = self.places.len() - 1;
        let mut at = (key.wrapping_mul(self.spread) >> self.shift) as usize;
        while self.places[at].0 != key && self.places[at].0 != FREE {
            at = (at + 1) & mask;
        }
        at
    }

    #[inline(always)]
    pub(in crate::sim) fn get(&self, key: Key) -> Option<&V> {
        if self.places.is_empty() {
            return None;
        }
        let place = &self.places[self.find(key)];
        (place.0 == key).then_some(&place.1)
    }

    /// The value of a key, made if it is not there yet.
    #[inline]
    pub(in crate::sim) fn entry(&mut self, key: Key) -> &mut V {
        // At most three quarters full, so that ways stay short.
        if 4 * self.used >= 3 * self.places.len() {
            self.grow();
        }
        let at = self.find(key);
        let place = &mut self.places[at];
        if place.0 == FREE {
            place.0 = key;
            self.used += 1;
        }
        &mut place.1
    }

    /// Takes a key out, with its value.
    pub(in crate::sim) fn remove(&mut self, key: Key) -> Option<V> {
        if self.places.is_empty() {
            return None;
        }
        let mut hole = self.find(key);
        let (there, value) = self.places[hole];
        if there != key {
            return None;
        }
        // What stands behind moves up, unless it would come before its own place (Knuth, volume 3, 6.4, algorithm R).
        let mask = self.places.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let next = self.places[at].0;
            if next == FREE {
                break;
            }
            let own = (next.wrapping_mul(self.spread) >> self.shift) as usize;
            if at.wrapping_sub(own) & mask >= at.wrapping_sub(hole) & mask {
                self.places[hole] = self.places[at];
                hole = at;
            }
        }
        self.places[hole] = (FREE, V::default());
        self.used -= 1;
        Some(value)
    }

    #[cold]
    fn grow(&mut self) {
        let wider = (2 * self.places.len()).max(LEAST);
        let before = std::mem::replace(&mut self.places, vec![(FREE, V::default()); wider]);
        let bits = wider.trailing_zeros();
        self.shift = 64 - bits;
        // Another for each size: what comes in the order of a larger table would fill this one from one end, each behind all
        // that came before.
        self.spread = GOLDEN.wrapping_pow(2 * bits + 1);
        for (key, value) in before.into_iter().filter(|(key, _)| *key != FREE) {
            let at = self.find(key);
            self.places[at] = (key, value);
        }
    }

    pub(in crate::sim) fn iter(&self) -> impl Iterator<Item = (Key, &V)> {
        let used = self.places.iter().filter(|(key, _)| *key != FREE);
        used.map(|(key, value)| (*key, value))
    }

    /// Keeps only what is worth keeping, in no more room than that needs.
    pub(in crate::sim) fn retain(&mut self, worth: impl Fn(Key, &V) -> bool) {
        let before = std::mem::take(self);
        for (key, value) in before.places {
            if key != FREE && worth(key, &value) {
                *self.entry(key) = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against a map of the standard library.
        #[test]
        fn a_table_holds_what_was_put_in(steps in proptest::collection::vec((0u16..3, 0u32..40, 0u32..3, 0u8..9), 0..600)) {
            let (mut table, mut model) = (KeyTable::<u64>::default(), BTreeMap::new());
            for (stamp, (space, user, number, what)) in (1u64..).zip(steps) {
                let key = if space == 0 { shared(user) } else { own(space, user, number) };
                if what == 0 {
                    table.retain(|_, &v| v % 3 != 0);
                    model.retain(|_, &mut v| v % 3 != 0);
                } else if what < 6 {
                    *table.entry(key) = stamp;
                    model.insert(key, stamp);
                } else if what < 8 {
                    prop_assert_eq!(table.remove(key), model.remove(&key));
                }
                prop_assert_eq!(table.get(key), model.get(&key));
                prop_assert_eq!(table.len(), model.len());
            }
            let mut all: Vec<(Key, u64)> = table.iter().map(|(k, v)| (k, *v)).collect();
            all.sort_unstable();
            prop_assert_eq!(all, model.into_iter().collect::<Vec<_>>());
        }
    }

    /// Places that are looked at to find each key, on average.
    fn way(table: &KeyTable<u64>) -> f64 {
        let mask = table.places.len() - 1;
        let ways = table.iter().map(|(key, _)| {
            let from = (key.wrapping_mul(table.spread) >> table.shift) as usize;
            (table.find(key).wrapping_sub(from) & mask) + 1
        });
        ways.sum::<usize>() as f64 / table.len() as f64
    }

    #[test]
    fn ways_stay_short_in_whatever_order_keys_come() {
        // Linear probing, three quarters full: 2.5 on average (Knuth, volume 3, 6.4).
        let mut large = KeyTable::<u64>::default();
        for user in 0..40_000 {
            for number in 0..5 {
                *large.entry(own(1, user, number)) = 1;
            }
        }
        let (mut copy, mut longest) = (KeyTable::<u64>::default(), way(&large));
        for (at, (key, _)) in large.iter().enumerate() {
            *copy.entry(key) = 1;
            if at % 4_999 == 0 {
                longest = longest.max(way(&copy));
            }
        }
        assert!(longest < 4.0, "{longest}");
    }

    #[test]
    fn keys_of_different_owners_differ() {
        let mut keys: Vec<Key> = (0..1000).map(shared).collect();
        for clients in 0..3 {
            for user in [0, 1, 2, 9_999_999] {
                keys.extend((0..1000).map(|n| own(clients, user, n)));
            }
        }
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }
}
