//! Events that are not due soon, by when they are due.
//!
//! A ring of slots, each of the same time, and each in no order: putting an event in costs the same however many there are. When a
//! slot's time comes its events are put in order, among the few that are due next.

use crate::sim::ids::NONE;
use crate::sim::room::room;

/// Slots, a power of two.
const SLOTS: usize = 1024;
/// Time of a slot at first, as a power of two of nanoseconds.
const SHIFT: u32 = 17;
/// Its bounds.
const SHIFTS: std::ops::RangeInclusive<u32> = 6..=40;
/// After so many slots their time is doubled if they held fewer events than these on average, halved if more.
const LOOK_AFTER: u32 = 64;
const EACH: std::ops::RangeInclusive<u32> = 2..=9;

#[derive(Clone, Debug)]
pub(super) struct Wheel {
    /// A slot takes 2 to the power of this, in nanoseconds.
    shift: u32,
    /// Number of the first slot that has not been emptied yet: time by a slot's time.
    from: u64,
    /// When the first event may be due: the begin of its slot; the end of time if there is none.
    pub(super) due: u64,
    /// First entry of each slot; empty until there is a first event.
    first: Vec<u32>,
    /// One bit for each slot that has entries.
    occupied: [u64; SLOTS / 64],
    /// Keys, and the next entry of the same slot or of those that are free.
    entries: Vec<(u128, u32)>,
    free: u32,
    len: u32,
    /// Slots and events taken out since the slots' time was looked at.
    emptied: u32,
    taken: u32,
}

impl Default for Wheel {
    fn default() -> Self {
        Self {
            shift: SHIFT,
            from: 0,
            due: u64::MAX,
            first: Vec::new(),
            occupied: [0; SLOTS / 64],
            entries: Vec::new(),
            free: NONE,
            len: 0,
            emptied: 0,
            taken: 0,
        }
    }
}

impl Wheel {
    /// Puts an event in, if its time is among those of the slots. `soonest`: nothing is put in before this from now on.
    #[inline(always)]
    pub(super) fn put(&mut self, key: u128, soonest: u64) -> bool {
        if self.len == 0 {
            self.begin(soonest);
        }
        let slot = (key >> 64) as u64 >> self.shift;
        if slot.wrapping_sub(self.from) >= SLOTS as u64 {
            return false;
        }
        self.due = self.due.min(slot << self.shift);
        let slot = slot as usize % SLOTS;
        self.occupied[slot / 64] |= 1 << (slot % 64);
        let first = &mut self.first[slot];
        let entry = (key, *first);
        self.len += 1;
        if let Some(place) = self.entries.get_mut(self.free as usize) {
            *first = std::mem::replace(&mut self.free, place.1);
            *place = entry;
        } else {
            *first = self.entries.len() as u32;
            self.entries.push(entry);
        }
        true
    }

    #[cold]
    fn begin(&mut self, soonest: u64) {
        self.first.resize(SLOTS, NONE);
        self.from = soonest >> self.shift;
    }

    /// Takes the events of the first slot out, in no order.
    #[inline(always)]
    pub(super) fn empty_slot(&mut self, mut into: impl FnMut(u128)) {
        if self.len == 0 {
            return;
        }
        let number = self.due >> self.shift;
        let slot = number as usize % SLOTS;
        let first = std::mem::replace(&mut self.first[slot], NONE);
        let mut at = first;
        while let Some(entry) = self.entries.get_mut(at as usize) {
            into(entry.0);
            self.len -= 1;
            self.taken += 1;
            at = entry.1;
            if at == NONE {
                // All of the slot's entries are free now.
                entry.1 = std::mem::replace(&mut self.free, first);
            }
        }
        self.emptied += 1;
        self.occupied[slot / 64] &= !(1 << (slot % 64));
        self.from = number + 1;
        self.due = self.next_slot();
    }

    /// The begin of the first slot that has entries.
    fn next_slot(&self) -> u64 {
        if self.len == 0 {
            return u64::MAX;
        }
        let words = self.occupied.len();
        let from = self.from as usize % SLOTS;
        let (word, bit) = (from / 64, from % 64);
        let here = self.occupied[word] >> bit;
        if here != 0 {
            return (self.from + u64::from(here.trailing_zeros())) << self.shift;
        }
        // The rest of the first word comes last, after a whole turn.
        let others = (1..=words).map(|further| (further, self.occupied[(word + further) % words]));
        let ahead = others
            .filter(|(_, bits)| *bits != 0)
            .map(|(further, bits)| 64 * further + bits.trailing_zeros() as usize - bit)
            .next();
        (self.from + ahead.unwrap_or(0) as u64) << self.shift
    }

    /// Whether slots should take another time now, since they held many events or hardly any.
    #[inline(always)]
    pub(super) fn should_change(&self) -> bool {
        self.emptied >= LOOK_AFTER
    }

    /// Gives the slots another time if that is better; then everything is taken out, to be put in again.
    #[cold]
    pub(super) fn change(&mut self) -> Vec<u128> {
        let each = self.taken / self.emptied;
        (self.taken, self.emptied) = (0, 0);
        let shift = if each < *EACH.start() {
            self.shift + 1
        } else if each > *EACH.end() {
            self.shift - 1
        } else {
            return Vec::new();
        };
        if !SHIFTS.contains(&shift) {
            return Vec::new();
        }
        let all = self.keys().collect();
        *self = Self {
            shift,
            ..Self::default()
        };
        all
    }

    /// Every event, in no order.
    pub(super) fn keys(&self) -> impl Iterator<Item = u128> {
        let slots = self.first.iter().copied();
        slots.flat_map(|first| {
            let entry = |at: u32| self.entries.get(at as usize);
            std::iter::successors(entry(first), move |(_, next)| entry(*next)).map(|(key, _)| *key)
        })
    }

    pub(super) fn bytes(&self) -> usize {
        room::<u32>(self.first.len()) + room::<(u128, u32)>(self.entries.len())
    }
}
