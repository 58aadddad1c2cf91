//! Versions of keys in a log, and how a cut takes them back.

use std::collections::VecDeque;

use super::{Log, Mark};
use crate::sim::keeping::keys::{Key, KeyTable, Version};
use crate::sim::room::room;

/// Versions that marks which still matter may have, oldest first: each key's last before the first write to it in a
/// segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Overwritten {
    ones: VecDeque<One>,
    /// With so many it is time to look for those that no mark can tell apart any more.
    limit: usize,
}

/// So many of them are kept without a thought.
const FEW: usize = 64;

/// What a key had before a write, by the write's number.
#[derive(Clone, Copy, Debug)]
struct One {
    by: u64,
    key: Key,
    before: Version,
}

impl Overwritten {
    pub(super) fn clear(&mut self) {
        self.ones.clear();
    }

    /// Those that writes beyond a number overwrote, counted from there.
    pub(super) fn beyond(&self, number: u64) -> Self {
        let ones = self.ones.iter().filter(|one| one.by > number);
        let ones = ones.map(|one| One {
            by: one.by - number,
            ..*one
        });
        Self {
            ones: ones.collect(),
            limit: self.limit,
        }
    }

    /// Those of some keys matter no more.
    pub(super) fn forget(&mut self, keys: impl Fn(Key) -> bool) {
        self.ones.retain(|one| !keys(one.key));
    }

    pub(super) fn bytes(&self) -> usize {
        room::<One>(self.ones.len())
    }
}

impl Log {
    /// A key has another version by the last write. `told`: whether the client of the version before, of that stamp, has
    /// been told.
    #[inline]
    pub(in crate::sim) fn put_version(
        &mut self,
        key: Key,
        version: Version,
        told: impl Fn(u64) -> bool,
    ) {
        let slot = self.versions.entry(key);
        let before = std::mem::replace(slot, version);
        let Some(last) = self.segments.back() else {
            return;
        };
        // Within a segment, and before the first, no mark can fall.
        if last.first > 1 && before.stamp() < last.first_stamp {
            let before = match told(before.stamp()) {
                true => before.told(),
                false => before,
            };
            self.overwritten.ones.push_back(One {
                by: self.next - 1,
                key,
                before,
            });
        }
    }

    /// Whether it has a version of a key that is at least as new as that.
    pub(in crate::sim) fn has_version(&self, key: Key, stamp: u64) -> bool {
        self.versions.get(key).is_some_and(|v| v.stamp() >= stamp)
    }

    /// What another log has as well is acknowledged there.
    pub(super) fn count_none_of(&mut self, other: &Self) {
        for (key, theirs) in other.versions.iter() {
            let mine = self.versions.entry(key);
            if mine.stamp() == theirs.stamp() {
                *mine = Version::written(theirs.stamp());
            }
        }
    }

    /// A client has been told of a write, which may be the newest of its key here.
    pub(in crate::sim) fn tell_version(&mut self, key: Key, stamp: u64) {
        if let Some(&version) = self.versions.get(key)
            && version.stamp() == stamp
        {
            *self.versions.entry(key) = version.told();
        }
    }

    /// Keys have the versions again that they had at a mark, to which the log is about to be cut; gives those keys, in
    /// order.
    pub(in crate::sim) fn take_back(&mut self, mark: Mark) -> Vec<Key> {
        let mut keys = Vec::new();
        if mark.sequence < self.base_end.max(1) {
            self.overwritten.ones.clear();
            let all = std::mem::take(&mut self.versions);
            keys.extend(all.iter().map(|(key, _)| key));
        } else {
            while let Some(last) = self
                .overwritten
                .ones
                .pop_back_if(|last| last.by > mark.sequence)
            {
                *self.versions.entry(last.key) = last.before;
                keys.push(last.key);
            }
            if !keys.is_empty() {
                self.versions.retain(|_, version| *version != Version::NONE);
            }
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Forgets versions that no mark can have any more: of what is put together with everything before, and, where segments
    /// have been `joined`, within those.
    pub(super) fn forget_overwritten(&mut self, joined: bool) {
        let overwritten = &mut self.overwritten;
        while let Some(first) = overwritten.ones.front()
            && first.by <= self.base_end
        {
            overwritten.ones.pop_front();
        }
        if !joined || overwritten.ones.len() < overwritten.limit.max(FEW) {
            return;
        }
        // The segment in which each key was overwritten last, counted from 1.
        let mut last: KeyTable<u32> = KeyTable::default();
        let segments = &self.segments;
        overwritten.ones.retain(|one| {
            let segment = segments.partition_point(|s| s.first <= one.by) as u32;
            std::mem::replace(last.entry(one.key), segment) != segment
        });
        overwritten.limit = 2 * overwritten.ones.len();
    }
}
