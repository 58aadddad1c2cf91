//! The order of events.
//!
//! An event's place is (time, number). A few events stand in a sorted list. As soon as there are more, those that are due later
//! stand in a wheel (see `wheel.rs`), from which they come to the list when their time is near; what finds no room in either
//! stands in a heap. Time limits go through lanes, where each entry is due no earlier than the one before it, so that only a
//! lane's head stands among the others. A timer that nobody waits for any more is skipped when its lane gets to it, without
//! having stood there.

use std::collections::VecDeque;

use crate::sim::clock::wheel::Wheel;
use crate::sim::room::room;

/// What is due. The index is a node, a call, a timer, an operation, a seat or a lane, as the kind says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(in crate::sim) enum Kind {
    Arrival,
    Resume,
    Timer,
    Retry,
    UserReady,
    /// A message on its way.
    Request,
    Reply,
    /// The head of a lane, whose entries are of one kind: time limits of clients, and of services and balancers.
    ClientLimits,
    CallLimits,
}

/// By number; as many as four bits can name.
const KINDS: [Kind; 16] = {
    let mut kinds = [Kind::Arrival; 16];
    kinds[Kind::Resume as usize] = Kind::Resume;
    kinds[Kind::Timer as usize] = Kind::Timer;
    kinds[Kind::Retry as usize] = Kind::Retry;
    kinds[Kind::UserReady as usize] = Kind::UserReady;
    kinds[Kind::Request as usize] = Kind::Request;
    kinds[Kind::Reply as usize] = Kind::Reply;
    kinds[Kind::ClientLimits as usize] = Kind::ClientLimits;
    kinds[Kind::CallLimits as usize] = Kind::CallLimits;
    kinds
};
const INDEX_BITS: u32 = 28;

/// Commands come after everything else that is due at the same time, in their own order.
const COMMANDS_FROM: u32 = 0xf000_0000;

/// An event that is due.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Due {
    pub at: u64,
    pub number: u32,
    pub kind: Kind,
    pub index: u32,
}

impl Due {
    /// Whether it is a command of the scenario.
    #[inline]
    pub(in crate::sim) fn is_command(self) -> bool {
        self.number >= COMMANDS_FROM
    }
}

/// An entry of a lane; `token` tells whether somebody still waits for it.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Entry {
    pub at: u64,
    number: u32,
    pub index: u32,
    pub token: u32,
}

pub(in crate::sim) const ENTRY_BYTES: usize = size_of::<Entry>();

/// Events of one kind and delay, in order.
#[derive(Clone, Debug)]
struct Lane {
    kind: Kind,
    /// The first, which stands in the queue; mostly there is no other.
    head: Option<Entry>,
    behind: VecDeque<Entry>,
}

/// Events in the sorted list.
const FEW: usize = 32;
/// As long as no more stand in the list, everything goes there.
const EASY: usize = 20;
/// Once there are more, what is due later than so many of them does not.
const SOON: usize = 12;

/// Keys in order, the least last.
#[derive(Clone, Debug, Default)]
struct Few {
    keys: [u128; FEW],
    len: usize,
}

impl Few {
    fn all(&self) -> &[u128] {
        &self.keys[..self.len]
    }

    #[inline(always)]
    fn least(&self) -> Option<u128> {
        self.keys.get(self.len.wrapping_sub(1)).copied()
    }

    /// Whether a key should stand here, though there are many already.
    fn takes(&self, key: u128) -> bool {
        let soon = self.keys.get(self.len.wrapping_sub(SOON));
        soon.is_none_or(|soon| key < *soon) && self.len < FEW
    }

    /// Puts a key in; there is room.
    #[inline(always)]
    fn insert(&mut self, key: u128) {
        self.len += 1;
        // From the end, since most of what comes is due soon.
        if let Some((mut place, mut others)) = self.keys[..self.len].split_last_mut() {
            while let Some((sooner, rest)) = others.split_last_mut()
                && *sooner < key
            {
                *place = *sooner;
                (place, others) = (sooner, rest);
            }
            *place = key;
        }
    }
}

/// Everything that is due some time. A key: time in the upper 64 bits, then number, then kind and index.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Queue {
    /// What is due first, and perhaps more.
    few: Few,
    /// Keys that are due later.
    wheel: Wheel,
    /// More keys: a heap of four children a node.
    heap: Vec<u128>,
    /// Less than this comes before all that is in the wheel and on the heap.
    rest: u128,
    number: u32,
    commands: u32,
    lanes: Vec<Lane>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            few: Few::default(),
            wheel: Wheel::default(),
            heap: Vec::new(),
            rest: u128::MAX,
            number: 0,
            commands: 0,
            lanes: Vec::new(),
        }
    }
}

fn key(at: u64, number: u32, kind: Kind, index: u32) -> u128 {
    debug_assert!(
        index < 1 << INDEX_BITS,
        "more than 268 million things at once"
    );
    u128::from(at) << 64
        | u128::from(number) << 32
        | u128::from((kind as u32) << INDEX_BITS | index)
}

#[inline(always)]
fn due(key: u128) -> Due {
    let what = key as u32;
    Due {
        at: (key >> 64) as u64,
        number: (key >> 32) as u32,
        kind: KINDS[(what >> INDEX_BITS) as usize],
        index: what & ((1 << INDEX_BITS) - 1),
    }
}

/// Which of four keys is the least. Without branches: a processor would guess wrong as often as not.
#[inline(always)]
fn least_of_four(keys: &[u128; 4]) -> usize {
    let left = usize::from(keys[1] < keys[0]);
    let right = 2 | usize::from(keys[3] < keys[2]);
    let is_right = usize::from(keys[right] < keys[left]);
    left ^ ((left ^ right) & is_right.wrapping_neg())
}

impl Queue {
    #[inline(always)]
    fn next_number(&mut self) -> u32 {
        self.number += 1;
        if self.number == COMMANDS_FROM {
            // 0 never names an event; the upper numbers are for commands.
            self.number = 1;
        }
        self.number
    }

    /// Puts an event in; returns its number, by which the receiver can tell that it is still the one it waits for.
    #[inline(always)]
    pub(in crate::sim) fn push(&mut self, at: u64, kind: Kind, index: u32) -> u32 {
        let number = self.next_number();
        self.insert(key(at, number, kind, index));
        number
    }

    /// Puts a command in: after everything else that is due at its time.
    pub(in crate::sim) fn push_command(&mut self, at: u64, index: u32) {
        let number = COMMANDS_FROM + self.commands;
        self.commands = (self.commands + 1).min(u32::MAX - COMMANDS_FROM);
        self.insert(key(at, number, Kind::Timer, index));
    }

    /// Takes out every command that is still to come; returns what they were put in with.
    pub(in crate::sim) fn take_commands(&mut self) -> Vec<u32> {
        let all: Vec<u128> = self.keys().collect();
        self.few.len = 0;
        self.heap.clear();
        self.wheel = Wheel::default();
        self.rest = u128::MAX;
        let (commands, others): (Vec<u128>, Vec<u128>) =
            all.into_iter().partition(|&key| due(key).is_command());
        for key in others {
            self.insert(key);
        }
        commands.into_iter().map(|key| due(key).index).collect()
    }

    pub(in crate::sim) fn add_lane(&mut self, kind: Kind) -> u32 {
        self.lanes.push(Lane {
            kind,
            head: None,
            behind: VecDeque::new(),
        });
        self.lanes.len() as u32 - 1
    }

    /// Puts an entry at a lane's end. Due before the entry in front of it, it waits for that one: a lane keeps order.
    #[inline]
    pub(in crate::sim) fn push_lane(&mut self, lane: u32, at: u64, index: u32, token: u32) {
        let number = self.next_number();
        let entries = &mut self.lanes[lane as usize];
        let mut entry = Entry {
            at,
            number,
            index,
            token,
        };
        if let Some(head) = &entries.head {
            let last = entries.behind.back().unwrap_or(head);
            entry.at = at.max(last.at);
            entries.behind.push_back(entry);
        } else {
            entries.head = Some(entry);
            let kind = entries.kind;
            self.insert(key(at, number, kind, lane));
        }
    }

    /// Takes a lane's head, which was due, and puts the next entry for which `waited_for` holds in its place.
    #[inline(always)]
    pub(in crate::sim) fn pop_lane(
        &mut self,
        lane: u32,
        waited_for: impl Fn(&Entry) -> bool,
    ) -> Option<Entry> {
        let entries = &mut self.lanes[lane as usize];
        let due = entries.head.take();
        while let Some(next) = entries.behind.pop_front() {
            if waited_for(&next) {
                entries.head = Some(next);
                let kind = entries.kind;
                self.insert(key(next.at, next.number, kind, lane));
                break;
            }
        }
        due
    }

    #[inline(always)]
    fn insert(&mut self, key: u128) {
        if self.few.len <= EASY {
            self.few.insert(key);
        } else {
            self.insert_among_many(key);
        }
    }

    fn insert_among_many(&mut self, key: u128) {
        if self.few.takes(key) {
            return self.few.insert(key);
        }
        let soonest = self.few.least().map_or(0, |least| (least >> 64) as u64);
        if !self.wheel.put(key, soonest) {
            insert_in_heap(&mut self.heap, key);
        }
        self.see_rest();
    }

    /// Sees anew when the first in the wheel or on the heap may be due.
    #[inline(always)]
    fn see_rest(&mut self) {
        let in_wheel = u128::from(self.wheel.due) << 64;
        let on_heap = self.heap.first().map_or(u128::MAX, |&top| top);
        self.rest = in_wheel.min(on_heap);
    }

    /// Takes the next event if it is due at `until` or before.
    #[inline(always)]
    pub(in crate::sim) fn pop(&mut self, until: u64) -> Option<Due> {
        let next = match self.few.least() {
            Some(next) if next < self.rest => next,
            _ => self.bring_next()?,
        };
        if (next >> 64) as u64 > until {
            return None;
        }
        self.few.len -= 1;
        Some(due(next))
    }

    /// Brings the next event to the list from where it stands.
    #[inline(never)]
    fn bring_next(&mut self) -> Option<u128> {
        self.turn();
        let next = self.few.least();
        if let Some(&top) = self.heap.first()
            && next.is_none_or(|next| top < next)
        {
            remove_top(&mut self.heap);
            if self.few.len == FEW {
                // What is due last makes room.
                insert_in_heap(&mut self.heap, self.few.keys[0]);
                self.few.keys.copy_within(1.., 0);
                self.few.len -= 1;
            }
            self.few.insert(top);
        }
        self.see_rest();
        self.few.least()
    }

    /// Brings what may be due next from the wheel.
    #[inline(always)]
    fn turn(&mut self) {
        while self.wheel.due < u64::MAX {
            let least = self
                .few
                .least()
                .into_iter()
                .chain(self.heap.first().copied());
            if least
                .min()
                .is_some_and(|least| ((least >> 64) as u64) < self.wheel.due)
            {
                break;
            }
            let (few, heap) = (&mut self.few, &mut self.heap);
            self.wheel.empty_slot(|key| {
                if few.len < FEW {
                    few.insert(key);
                } else {
                    insert_in_heap(heap, key);
                }
            });
        }
        if self.wheel.should_change() {
            for key in self.wheel.change() {
                self.insert(key);
            }
        }
    }

    /// How many lanes there are.
    pub(in crate::sim) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub(in crate::sim) fn bytes(&self) -> usize {
        let lanes = self.lanes.iter().map(|l| room::<Entry>(l.behind.len()));
        self.wheel.bytes()
            + room::<u128>(self.heap.len())
            + room::<Lane>(self.lanes.len())
            + lanes.sum::<usize>()
    }

    /// Puts an event that was taken back, before time has gone on.
    pub(in crate::sim) fn put_back(&mut self, due: Due) {
        self.insert(key(due.at, due.number, due.kind, due.index));
    }

    fn keys(&self) -> impl Iterator<Item = u128> {
        self.few
            .all()
            .iter()
            .chain(&self.heap)
            .copied()
            .chain(self.wheel.keys())
    }

    /// Everything that is due some time, in no order.
    pub(in crate::sim) fn pending(&self) -> impl Iterator<Item = Due> {
        self.keys().map(due)
    }

    /// The entries of every lane, with the lane and their kind.
    pub(in crate::sim) fn entries(&self) -> impl Iterator<Item = (u32, Kind, &Entry)> {
        (0..).zip(&self.lanes).flat_map(|(lane, entries)| {
            let all = entries.head.iter().chain(&entries.behind);
            all.map(move |entry| (lane, entries.kind, entry))
        })
    }

    /// When the next event is due.
    pub(in crate::sim) fn next_at(&mut self) -> Option<u64> {
        self.bring_next().map(|next| (next >> 64) as u64)
    }
}

/// Puts a key on a heap.
fn insert_in_heap(heap: &mut Vec<u128>, key: u128) {
    heap.push(key);
    let mut at = heap.len() - 1;
    while at > 0 {
        let parent = (at - 1) / 4;
        if heap[parent] <= key {
            break;
        }
        heap[at] = heap[parent];
        at = parent;
    }
    heap[at] = key;
}

/// Takes the least key off a heap.
fn remove_top(heap: &mut Vec<u128>) {
    let Some(key) = heap.pop() else { return };
    if heap.is_empty() {
        return;
    }
    let mut at = 0;
    loop {
        let first = 4 * at + 1;
        let Some(children) = heap.get(first..) else {
            break;
        };
        let least = match children.first_chunk() {
            Some(children) => first + least_of_four(children),
            None => match (0..children.len()).min_by_key(|&child| children[child]) {
                Some(child) => first + child,
                None => break,
            },
        };
        if heap[least] >= key {
            break;
        }
        heap[at] = heap[least];
        at = least;
    }
    heap[at] = key;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::streams::draw;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is put in, in heap or lanes, comes out in the order of time, and of putting in at equal times.
        #[test]
        fn events_come_in_order(steps in proptest::collection::vec((0u64..50, 0u32..4, any::<bool>()), 1..300)) {
            let mut queue = Queue::default();
            let lanes = [Kind::ClientLimits, Kind::CallLimits].map(|kind| queue.add_lane(kind));
            let (mut now, mut pending, mut handled) = (0, 0, Vec::new());
            let mut take = |queue: &mut Queue, now: &mut u64| {
                if let Some(due) = queue.pop(u64::MAX) {
                    let number = if due.kind != Kind::Resume {
                        queue.pop_lane(due.index, |_| true).map_or(0, |e| e.number)
                    } else {
                        due.number
                    };
                    *now = due.at;
                    handled.push((due.at, number));
                    true
                } else {
                    false
                }
            };
            for (index, (delay, way, pop)) in steps.into_iter().enumerate() {
                match way {
                    0 | 1 => { queue.push(now + delay, Kind::Resume, index as u32); }
                    lane => queue.push_lane(lanes[lane as usize - 2], now + 20 + u64::from(lane), index as u32, 1),
                }
                pending += 1;
                if pop && take(&mut queue, &mut now) {
                    pending -= 1;
                }
            }
            while take(&mut queue, &mut now) {
                pending -= 1;
            }
            prop_assert_eq!(pending, 0);
            prop_assert!(handled.is_sorted());
        }
    }

    /// With many events, due soon or late, together or apart: what is asked for meanwhile changes nothing.
    #[test]
    fn many_events_come_in_order() {
        for (seed, most) in [(1, 40), (2, 300), (3, 4_000)] {
            let (mut queue, mut now, mut inside, mut handled) =
                (Queue::default(), 0, 0, Vec::new());
            for step in 0..60_000 {
                let bits = draw(seed, step);
                if inside < most && bits & 1 == 0 {
                    // From nanoseconds to minutes, some of them at the same time.
                    let delay =
                        ((bits >> 8) % (1 << ((bits >> 2) % 38))) & (u64::MAX << ((bits >> 1) % 7));
                    queue.push(now + delay, Kind::Resume, step as u32);
                    inside += 1;
                } else if let Some(due) = queue.pop(u64::MAX) {
                    now = due.at;
                    if bits & 6 == 6 {
                        queue.put_back(due);
                    } else {
                        handled.push((due.at, due.number));
                        inside -= 1;
                    }
                }
                if bits & 0xff00 == 0 {
                    assert_eq!(queue.pending().count(), inside);
                    assert_eq!(queue.next_at(), queue.pending().map(|due| due.at).min());
                }
            }
            assert!(handled.is_sorted());
        }
    }
}
