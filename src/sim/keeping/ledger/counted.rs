//! How many acknowledged writes of each key a log holds: where keys go to other logs one by one, their writes go with them,
//! counted.

use super::{Log, Mark, Place};
use crate::sim::keeping::keys::{Key, KeyTable, Version};
use crate::sim::room::room;

/// The key of writes of which it is not known whose they are: they came from a place that did not count by key.
pub(in crate::sim) const NOBODYS: Key = Key::MAX - 1;

/// So many stretches are kept without a thought.
const FEW: usize = 64;

/// Counts by key. What a segment has is known beside the sum, since a cut takes it away.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Counted {
    held: KeyTable<u64>,
    /// Of those, by the number of a write in a segment that is still counted apart.
    recent: Vec<(u64, Key, u64)>,
    /// With so many it is time to put together what no mark can tell apart.
    limit: usize,
}

impl Counted {
    pub(super) fn bytes(&self) -> usize {
        self.held.bytes() + room::<(u64, Key, u64)>(self.recent.len())
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Acknowledged writes of a key.
    pub(in crate::sim) fn of(&self, key: Key) -> u64 {
        self.held.get(key).copied().unwrap_or(0)
    }

    pub(super) fn all(&self) -> u64 {
        self.held.iter().map(|(_, count)| count).sum()
    }

    fn add(&mut self, key: Key, number: u64, count: u64, base_end: u64) {
        if count == 0 {
            return;
        }
        *self.held.entry(key) += count;
        if number > base_end {
            self.recent.push((number, key, count));
        }
    }

    /// Those beyond a number are counted no more: gives them.
    pub(super) fn split_off(&mut self, number: u64) -> Self {
        let (beyond, stay): (Vec<_>, Vec<_>) =
            self.recent.drain(..).partition(|(at, ..)| *at > number);
        self.recent = stay;
        let mut taken = Self::default();
        for &(_, key, count) in &beyond {
            *taken.held.entry(key) += count;
            *self.held.entry(key) -= count;
        }
        if !beyond.is_empty() {
            self.held.retain(|_, count| *count > 0);
        }
        taken.recent = beyond;
        taken
    }

    /// Numbers count from there.
    pub(super) fn count_from(&mut self, number: u64) {
        for (at, ..) in &mut self.recent {
            *at -= number;
        }
    }
}

impl Log {
    /// Counts acknowledged writes by key, if it does so.
    #[inline]
    pub(in crate::sim) fn count(&mut self, key: Key, number: u64, count: u64) {
        let base_end = self.base_end;
        let Some(counted) = &mut self.counted else {
            return;
        };
        counted.add(key, number, count, base_end);
        if counted.recent.len() >= counted.limit.max(FEW) {
            self.join_counts();
        }
    }

    /// Puts counts together that no mark can tell apart any more.
    #[cold]
    fn join_counts(&mut self) {
        let (segments, base_end) = (&self.segments, self.base_end);
        let Some(counted) = &mut self.counted else {
            return;
        };
        counted.recent.retain(|(at, ..)| *at > base_end);
        let segment = |at: u64| segments.partition_point(|s| s.first <= at);
        let recent = &mut counted.recent;
        recent.sort_unstable_by_key(|&(at, key, _)| (segment(at), key, at));
        recent.dedup_by(|later, first| {
            let same = (segment(later.0), later.1) == (segment(first.0), first.1);
            first.2 += if same { later.2 } else { 0 };
            same
        });
        counted.limit = 2 * recent.len();
    }

    /// Keys go elsewhere, in order, with their versions and their acknowledged writes: gives those.
    pub(in crate::sim) fn give_away(&mut self, keys: &[Key]) -> Vec<(Key, Version, u64)> {
        let goes = |key: Key| keys.binary_search(&key).is_ok();
        let versions = |key| self.versions.get(key).copied().unwrap_or_default();
        let counted = self.counted.as_deref();
        let of = |key| counted.map_or(0, |counted| counted.of(key));
        let given: Vec<_> = keys.iter().map(|&k| (k, versions(k), of(k))).collect();
        let mut in_base: u64 = given.iter().map(|(.., count)| count).sum();
        if let Some(counted) = &mut self.counted {
            for &(at, _, count) in counted.recent.iter().filter(|(_, key, _)| goes(*key)) {
                let segment = self.segments.partition_point(|s| s.first <= at);
                if at > self.base_end
                    && let Some(segment) = segment.checked_sub(1)
                {
                    self.segments[segment].acknowledged -= count;
                    in_base -= count;
                }
            }
            counted.recent.retain(|(_, key, _)| !goes(*key));
            counted.held.retain(|key, _| !goes(key));
        }
        self.base_acknowledged -= in_base;
        self.versions.retain(|key, _| !goes(key));
        self.overwritten.forget(goes);
        given
    }

    /// Where a write has moved on to before it was acknowledged: with its key, or with all there was.
    pub(in crate::sim) fn moved_on(&self, key: Key, number: u64) -> Option<(u32, u64)> {
        if !self.gone.is_empty()
            && let Ok(at) = self.gone.binary_search_by_key(&number, |gone| gone.0)
        {
            return Some(self.gone[at].1);
        }
        if self.is_lost(number) {
            return None;
        }
        if let Some(to) = self.flush_of(number) {
            return Some(to);
        }
        let home = self.homes.get(key).copied().unwrap_or_default();
        self.forward.get(home as usize).copied()
    }

    /// Writes that are under way have gone on to a place with their keys. Of those that did so before, those stay of which
    /// somebody still speaks; all in order.
    pub(in crate::sim) fn go_on_at(&mut self, named: &[u64], numbers: &[u64], to: (u32, u64)) {
        self.gone
            .retain(|(number, _)| named.binary_search(number).is_ok());
        for &number in numbers {
            if let Err(at) = self.gone.binary_search_by_key(&number, |gone| gone.0) {
                self.gone.insert(at, (number, to));
            }
        }
    }

    /// Whether its counts by key are those of its segments.
    pub(in crate::sim) fn counts_agree(&self) -> bool {
        let Some(counted) = &self.counted else {
            return true;
        };
        let mut apart = vec![0; self.segments.len()];
        let mut known = true;
        for &(at, _, count) in counted.recent.iter().filter(|r| r.0 > self.base_end) {
            let segment = self.segments.partition_point(|s| s.first <= at);
            match segment.checked_sub(1) {
                Some(segment) => apart[segment] += count,
                None => known = false,
            }
        }
        let same = self.segments.iter().zip(apart);
        known
            && counted.all() == self.acknowledged()
            && same.into_iter().all(|(s, count)| s.acknowledged == count)
    }

    /// The fork of a log from a mark on has what was counted beyond it, and what went on from there.
    pub(super) fn fork_counts(&mut self, mark: Mark, fork: &mut Self) {
        let all = mark.sequence < self.base_end || mark.sequence == 0;
        fork.counted = self.counted.as_mut().map(|counted| {
            let mut beyond = match all {
                true => std::mem::take(&mut **counted),
                false => counted.split_off(mark.sequence),
            };
            beyond.count_from(mark.sequence);
            Box::new(beyond)
        });
        let at = self.gone.partition_point(|gone| gone.0 <= mark.sequence);
        fork.gone = self.gone.split_off(at);
        for (number, _) in &mut fork.gone {
            *number -= mark.sequence;
        }
    }
}

/// Numbers of those of a log's writes that are still spoken of, in order.
pub(in crate::sim) fn numbers_in(log: u32, places: impl Iterator<Item = Place>) -> Vec<u64> {
    let mine = places.filter(|place| place.log == log);
    let mut numbers: Vec<u64> = mine.map(|place| place.sequence).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
