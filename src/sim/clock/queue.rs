//! The order of events.
//!
//! An event's place is (time, number). A few events stand in a sorted list, which is faster than a heap as long as they are
//! few; what finds no room there stands in a heap. Time limits, and messages when many are on their way, go through lanes, where
//! each entry is due no earlier than the one before it, so that only a lane's head stands among the others. A timer that nobody waits for any
//! more is skipped when its lane gets to it, without having stood there.

use std::collections::VecDeque;

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
    /// A message on its way that is in no lane.
    Request,
    Reply,
    /// The head of a lane, whose entries are of one kind: time limits of clients, and of services and balancers; messages
    /// on their way, there and back; a balancer's work.
    ClientLimits,
    CallLimits,
    Requests,
    Replies,
    Works,
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
    kinds[Kind::Requests as usize] = Kind::Requests;
    kinds[Kind::Replies as usize] = Kind::Replies;
    kinds[Kind::Works as usize] = Kind::Works;
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

impl Lane {
    fn len(&self) -> usize {
        usize::from(self.head.is_some()) + self.behind.len()
    }
}

/// Events in the sorted list.
const FEW: usize = 32;
/// What has a lane goes past it as long as no more stand in the list.
const FEW_WITHOUT_LANES: usize = 24;

#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Queue {
    /// Keys: time in the upper 64 bits, then number, then kind and index. The next is last, at `few_len` - 1.
    few: [u128; FEW],
    few_len: usize,
    /// More keys: a heap of four children a node.
    heap: Vec<u128>,
    /// The top has been handed out; the next push takes its place, which spares moving the last key up and down again.
    top_is_spent: bool,
    number: u32,
    commands: u32,
    lanes: Vec<Lane>,
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
        self.drop_spent();
        let mut all = self.few[..std::mem::take(&mut self.few_len)].to_vec();
        all.append(&mut self.heap);
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

    /// Whether so few events are to come that it does not pay to go through a lane.
    #[inline(always)]
    pub(in crate::sim) fn has_few(&self) -> bool {
        self.few_len <= FEW_WITHOUT_LANES
    }

    /// Puts a message on its way in, into its lane if there is much else.
    #[inline(always)]
    pub(in crate::sim) fn push_message(&mut self, at: u64, kind: Kind, lane: u32, index: u32) {
        if self.has_few() {
            self.push(at, kind, index);
        } else {
            self.push_lane(lane, at, index, 1);
        }
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
        if self.top_is_spent || self.few_len == FEW {
            return self.insert_in_heap(key);
        }
        self.few_len += 1;
        // From the end, since most of what comes is due soon.
        if let Some((mut place, mut others)) = self.few[..self.few_len].split_last_mut() {
            while let Some((sooner, rest)) = others.split_last_mut()
                && *sooner < key
            {
                *place = *sooner;
                (place, others) = (sooner, rest);
            }
            *place = key;
        }
    }

    fn insert_in_heap(&mut self, key: u128) {
        if self.top_is_spent {
            self.top_is_spent = false;
            return self.sift_down(key);
        }
        self.heap.push(key);
        let mut at = self.heap.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 4;
            if self.heap[parent] <= key {
                break;
            }
            self.heap[at] = self.heap[parent];
            at = parent;
        }
        self.heap[at] = key;
    }

    /// Puts `key` in place of the top.
    #[inline]
    fn sift_down(&mut self, key: u128) {
        let heap = &mut self.heap[..];
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

    #[inline]
    fn drop_spent(&mut self) {
        if self.top_is_spent {
            self.top_is_spent = false;
            if let Some(last) = self.heap.pop()
                && !self.heap.is_empty()
            {
                self.sift_down(last);
            }
        }
    }

    /// Takes the next event if it is due at `until` or before.
    #[inline]
    pub(in crate::sim) fn pop(&mut self, until: u64) -> Option<Due> {
        self.drop_spent();
        let (next, is_few) = self.next()?;
        let at = (next >> 64) as u64;
        if at > until {
            return None;
        }
        if is_few {
            self.few_len -= 1;
        } else {
            self.top_is_spent = true;
        }
        Some(due(next))
    }

    /// The next key, and whether it is one of the few.
    #[inline]
    fn next(&self) -> Option<(u128, bool)> {
        match (self.few[..self.few_len].last(), self.heap.first()) {
            (Some(&few), Some(&top)) if top < few => Some((top, false)),
            (Some(&few), _) => Some((few, true)),
            (None, Some(&top)) => Some((top, false)),
            (None, None) => None,
        }
    }

    /// How many lanes there are.
    pub(in crate::sim) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Entries of a lane.
    pub(in crate::sim) fn lane_len(&self, lane: u32) -> usize {
        self.lanes[lane as usize].len()
    }

    pub(in crate::sim) fn bytes(&self) -> usize {
        let lanes = self.lanes.iter().map(|l| room::<Entry>(l.behind.len()));
        room::<u128>(self.heap.len()) + room::<Lane>(self.lanes.len()) + lanes.sum::<usize>()
    }

    /// Puts the event that was taken last back, before anything else is done: it still stands where it was.
    #[inline]
    pub(in crate::sim) fn untake(&mut self) {
        if self.top_is_spent {
            self.top_is_spent = false;
        } else {
            debug_assert!(self.few_len < FEW, "nothing was taken");
            self.few_len += 1;
        }
    }

    /// Everything that is due some time, in no order.
    pub(in crate::sim) fn pending(&self) -> impl Iterator<Item = Due> {
        let heap = &self.heap[usize::from(self.top_is_spent)..];
        self.few[..self.few_len]
            .iter()
            .chain(heap)
            .map(|&key| due(key))
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
        self.drop_spent();
        self.next().map(|(key, _)| (key >> 64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is put in, in heap or lanes, comes out in the order of time, and of putting in at equal times.
        #[test]
        fn events_come_in_order(steps in proptest::collection::vec((0u64..50, 0u32..4, any::<bool>()), 1..300)) {
            let mut queue = Queue::default();
            let lanes = [Kind::Requests, Kind::Replies].map(|kind| queue.add_lane(kind));
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
}
