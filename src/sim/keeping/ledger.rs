//! The ledger: which copy holds which writes.
//!
//! Writes go to a log, numbered from 1. A copy of a log holds a prefix, known by a [`Mark`]: the last number it holds.
//! What lies beyond every mark that can still matter is kept in segments with their count of acknowledged writes; the
//! rest is one count. So memory stays flat, and what a death loses is counted, never computed.

pub(in crate::sim) mod counted;
mod versions;

use std::collections::VecDeque;

use crate::model::State;
use crate::sim::keeping::durability::{Durability, SnapshotPlace, SnapshotPolicy};
use crate::sim::keeping::keys::{Key, KeyTable, Version};
use crate::sim::keeping::loss::LossCause;
use crate::sim::room::room;
use counted::Counted;
use versions::Overwritten;

/// The end of a prefix of a log: the last write in it, and the stamp up to which it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) struct Mark {
    pub sequence: u64,
    pub stamp: u64,
}

/// A write's place, by which its acknowledgement is booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Place {
    pub log: u32,
    pub sequence: u64,
    pub stamp: u64,
}

/// Writes in a row that are lost, and what through.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Lost {
    from: u64,
    to: u64,
    pub cause: LossCause,
    pub fault: Option<u32>,
}

/// So few lost ranges are kept without a thought.
const FEW_RANGES: usize = 64;

/// Some writes in a row. Marks fall only between segments.
#[derive(Clone, Copy, Debug)]
struct Segment {
    first: u64,
    first_stamp: u64,
    /// When it reaches the copies that follow: never before what was written earlier.
    arrives: u64,
    bytes: u64,
    acknowledged: u64,
    closed: bool,
}

/// How an instance ends, or seems to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum End {
    /// Its process does nothing any more, and may go on.
    Hang,
    /// Its process is gone; its kernel still sends, and writes back.
    Process,
    /// Its machine is gone.
    Machine,
    /// It is told to stop: another takes its place, and what outlives that.
    Replaced,
    /// It is taken out of service for good.
    Removed,
}

/// Something that holds writes of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// The memory of the instance that has authority.
    Memory,
    /// Its files, as the operating system shows them.
    File,
    /// What of its files has been synced.
    Disk,
    /// The last complete snapshot of its memory.
    Snapshot,
    /// A copy on another instance.
    Copy(u16),
    /// What of such a copy has been synced there.
    CopyDisk(u16),
    /// What the file of such a copy has whose process hangs, or is gone.
    CopyFile(u16),
}

/// What a log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Purpose {
    /// What clients write.
    Data,
    /// Sessions in a service's memory.
    Sessions,
}

/// What the way from a primary to a copy adds to the replication lag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::sim) struct Way {
    /// So much later than the lag a write arrives.
    pub behind: u64,
    /// So much later again its primary hears of that.
    pub back: u64,
    /// One way between zones.
    pub far: u64,
    /// So many times as long each part takes.
    pub slower: f64,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            behind: 0,
            back: 0,
            far: 0,
            slower: 1.0,
        }
    }
}

impl Way {
    /// How long what would take so long on a plain way, and does still, takes from now on, if it was on its way before.
    pub(in crate::sim) fn takes(&self, before: &Self, left: u64) -> u64 {
        let far = |way: &Self| way.far as f64 * way.slower;
        let left = left as f64 - far(before);
        (left.max(0.0) / before.slower * self.slower + far(self)) as u64
    }
}

/// A copy on another instance.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Replica {
    pub instance: u16,
    /// Complete, and following, from then on.
    pub synced_at: u64,
    /// What it was filled with: complete, it has that, however long what was written before stays in the stream.
    pub filled: Mark,
    /// What it has before that; nothing that could take over, while it is filled for the first time.
    pub has: Option<Mark>,
    /// What it will have got when the stream has ended, while nobody has authority.
    pub mark: Option<Mark>,
    /// What its own disk has, where files are synced from time to time. (With `Always` a copy syncs what it gets.)
    pub disk: Mark,
    /// What its own file has, while its process hangs or is gone.
    pub file: Option<Mark>,
    pub gone: bool,
    /// Nothing comes to it from its primary: it stands still with what it has.
    pub cut: bool,
    /// What the way to it adds to the lag.
    pub way: Way,
    /// It came back while nobody had authority, with what its file has: whoever gets it fills the copy anew.
    pub anew: bool,
}

impl Replica {
    /// A copy that is filled with this by then.
    pub(in crate::sim) fn new(instance: u16, synced_at: u64, filled: Mark, disk: Mark) -> Self {
        Self {
            instance,
            synced_at,
            filled,
            has: None,
            mark: None,
            disk,
            file: None,
            gone: false,
            cut: false,
            way: Way::default(),
            anew: false,
        }
    }

    /// Whether its primary's stream comes to it.
    pub(in crate::sim) fn gets_stream(&self) -> bool {
        !self.gone && !self.anew
    }
}

/// The primary is gone (or hangs) and copies that could take over exist: nobody has authority.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Orphan {
    pub since: u64,
    /// What the primary's own disk still has.
    pub own: Mark,
    pub hang: bool,
    /// When it has been missed for long enough, or somebody knows that it is gone.
    pub missed: u64,
    /// When the stream of what is under way to the copies ends: none is promoted before.
    pub stream_ends: u64,
    /// What it will have brought by then.
    pub sent: Mark,
    /// What the primary is missed through.
    pub fault: Option<u32>,
    pub cause: LossCause,
    /// Who wants a copy promoted without waiting any longer: what that loses is lost by it.
    pub asked: Option<u32>,
    /// Acknowledged writes lost since, because nobody had them any more.
    pub lost: u64,
}

/// The primary serves, but whoever watches it has not seen it since.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Missed {
    pub since: u64,
    /// The fault of the network through which.
    pub fault: u32,
}

/// What a log is whose primary does not know that another has taken over: the suffix that the other lacks, and what has
/// been written since.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Deposed {
    /// The log that the other leads, and the last write in it that both sides have.
    pub by: u32,
    pub at: Mark,
    pub fault: u32,
    pub cause: LossCause,
    /// Callers, by node and instance, that have not been told.
    pub believers: Vec<(u16, u16)>,
    /// When it is told, if that does not depend on the network.
    pub told_at: Option<u64>,
}

/// A snapshot that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Writing {
    pub mark: Mark,
    pub started: u64,
    pub ends: u64,
}

/// A log is on its way to where its service keeps state now.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Moving {
    pub service: u16,
    /// Tells this move from an earlier one that was called off.
    pub number: u32,
    pub copying: Copying,
    /// The placement it comes from.
    pub from: Placement,
    /// New writes of its instance went to it.
    pub home: bool,
}

/// What is copied from one place to another, and how far that is.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Copying {
    /// When it began, or began anew; `None` while that has not come.
    pub began: Option<u64>,
    /// It runs since then, and takes so long from there on at full speed; `None` while it stands still.
    pub since: Option<u64>,
    pub left: u64,
    /// So many times as long it takes.
    pub slower: f64,
}

/// What a placement is, as far as content has to move when it becomes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Placement {
    kind: std::mem::Discriminant<State>,
    partitioned: bool,
}

impl Placement {
    pub(in crate::sim) fn of(state: &State) -> Self {
        Self {
            kind: std::mem::discriminant(state),
            partitioned: state.partitioning().is_some(),
        }
    }
}

impl Default for Copying {
    fn default() -> Self {
        Self {
            began: None,
            since: None,
            left: 0,
            slower: 1.0,
        }
    }
}

impl Copying {
    /// When it is over, if it goes on as it does now.
    pub(in crate::sim) fn ends(&self, now: u64) -> u64 {
        let takes = (self.left as f64 * self.slower) as u64;
        self.since.unwrap_or(now).saturating_add(takes)
    }

    /// It goes no further.
    pub(in crate::sim) fn stand_still(&mut self, now: u64) {
        let ran = self.since.take().map_or(0, |since| now - since);
        let did = (ran as f64 / self.slower) as u64;
        self.left = self.left.saturating_sub(did);
    }
}

#[derive(Clone, Debug)]
pub(in crate::sim) struct Log {
    pub node: u16,
    pub primary: u16,
    pub purpose: Purpose,
    /// The placement whose keys it holds (see `NodeSlot::space`).
    pub space: u16,
    pub durability: Durability,
    /// Its primary serves it.
    pub online: bool,
    /// Nothing is kept here any more; what comes late belongs to one of those numbers of other logs, by its key.
    pub retired: bool,
    pub forward: Vec<(u32, u64)>,
    /// Which of them each key went to of which a request was under way; the first where there is only one.
    pub homes: KeyTable<u32>,
    /// It is being moved to another place, and answers until then.
    pub moving: Option<Moving>,
    pub replicas: Vec<Replica>,
    /// The most that the way to a copy adds to the lag, and the most until its primary hears from there.
    pub behind: u64,
    pub heard: u64,
    pub orphan: Option<Orphan>,
    /// Last completed fsync, and last complete snapshot with its start.
    pub synced: Mark,
    pub snapshot: Mark,
    pub snapshot_at: Option<u64>,
    /// When its file is synced next, by its process or by the kernel.
    pub fsync_due: Option<u64>,
    /// What the fsync that calls wait for will have covered.
    pub fsync_running: Option<Mark>,
    /// When the next snapshot begins.
    pub snapshot_due: Option<u64>,
    /// The snapshot that is being written, and whether the next has been due meanwhile.
    pub snapshot_running: Option<Writing>,
    pub snapshot_overdue: bool,
    /// Whoever watches its primary has not seen it since.
    pub missed: Option<Missed>,
    /// It goes on under a primary that another has taken over from, for those who have not been told.
    pub deposed: Option<Deposed>,
    /// Since when fewer copies follow than must.
    pub short_since: Option<u64>,
    /// Calls that wait until enough copies have their writes, with tokens and numbers.
    pub awaiting: VecDeque<(u32, u32, u64)>,
    /// Calls that wait for a covering fsync: of the running one, and of the next.
    pub waiting_now: Vec<(u32, u32)>,
    pub waiting_next: Vec<(u32, u32)>,
    /// Newest version of each key that has been written.
    pub versions: KeyTable<Version>,
    overwritten: Overwritten,
    /// Acknowledged writes of each key, where keys go elsewhere one by one.
    pub counted: Option<Box<Counted>>,
    /// Writes that have gone on to another log with their keys before they were acknowledged, in order.
    pub gone: Vec<(u64, (u32, u64))>,
    next: u64,
    base_end: u64,
    base_acknowledged: u64,
    segments: VecDeque<Segment>,
    /// Ranges of lost writes, in order, to recognise an acknowledgement of one of them that comes late.
    lost: Vec<Lost>,
    /// With so many ranges it is time to look for those that nothing names any more.
    lost_limit: usize,
    /// Of a cache that keeps writes back: when they are flushed, and where those up to which number have gone, in order.
    pub flush_due: Option<u64>,
    flushed: VecDeque<(Mark, (u32, u64))>,
    flushed_limit: usize,
}

impl Log {
    pub(in crate::sim) fn new(
        node: u16,
        primary: u16,
        purpose: Purpose,
        durability: Durability,
    ) -> Self {
        Self {
            node,
            primary,
            purpose,
            space: node,
            durability,
            online: true,
            retired: false,
            forward: Vec::new(),
            homes: KeyTable::default(),
            moving: None,
            replicas: Vec::new(),
            behind: 0,
            heard: 0,
            orphan: None,
            synced: Mark::default(),
            snapshot: Mark::default(),
            snapshot_at: None,
            fsync_due: None,
            fsync_running: None,
            snapshot_due: None,
            snapshot_running: None,
            snapshot_overdue: false,
            missed: None,
            deposed: None,
            short_since: None,
            awaiting: VecDeque::new(),
            waiting_now: Vec::new(),
            waiting_next: Vec::new(),
            versions: KeyTable::default(),
            overwritten: Overwritten::default(),
            counted: None,
            gone: Vec::new(),
            next: 1,
            base_end: 0,
            base_acknowledged: 0,
            segments: VecDeque::new(),
            lost: Vec::new(),
            lost_limit: FEW_RANGES,
            flush_due: None,
            flushed: VecDeque::new(),
            flushed_limit: FEW_RANGES,
        }
    }

    /// Appends a write of so many bytes; gives its number.
    pub(in crate::sim) fn append(&mut self, now: u64, stamp: u64, bytes: u64) -> u64 {
        let arrives = now.saturating_add(self.durability.lag_ns);
        let arrives = arrives.max(self.arrives());
        let each_alone = self.durability.replicas > 0 && arrives.saturating_add(self.heard) > now;
        let sequence = self.next;
        if each_alone || self.segments.back().is_none_or(|s| s.closed) {
            // Before the new write is numbered: it must not be put together with what everybody holds.
            self.prune(now);
            self.segments.push_back(Segment {
                first: sequence,
                first_stamp: stamp,
                arrives,
                bytes: 0,
                acknowledged: 0,
                closed: false,
            });
        }
        if let Some(last) = self.segments.back_mut() {
            last.bytes = last.bytes.saturating_add(bytes);
        }
        self.next += 1;
        sequence
    }

    /// Ends a segment here, so that a copy made now holds all before.
    pub(in crate::sim) fn mark(&mut self, stamp: u64) -> Mark {
        if let Some(last) = self.segments.back_mut() {
            last.closed = true;
        }
        Mark {
            sequence: self.next - 1,
            stamp,
        }
    }

    /// All of the log.
    pub(in crate::sim) fn end(&self) -> Mark {
        Mark {
            sequence: self.next - 1,
            stamp: u64::MAX,
        }
    }

    /// How many segments have reached the copies that follow by `time`.
    fn segments_until(&self, time: u64) -> usize {
        self.segments.partition_point(|s| s.arrives <= time)
    }

    /// What comes before a segment.
    fn before(segment: &Segment) -> Mark {
        Mark {
            sequence: segment.first - 1,
            stamp: segment.first_stamp.saturating_sub(1),
        }
    }

    /// What has reached the copies that follow by `time`.
    pub(in crate::sim) fn arrived(&self, time: u64) -> Mark {
        let under_way = self.segments.get(self.segments_until(time));
        under_way.map_or(self.end(), Self::before)
    }

    /// What has come to a copy that follows by `time`.
    pub(in crate::sim) fn come_to(&self, copy: &Replica, time: u64) -> Mark {
        let arrived = match time.checked_sub(copy.way.behind) {
            Some(time) => self.arrived(time),
            None => Mark::default(),
        };
        arrived.max(copy.filled)
    }

    /// What a copy that is so far behind the lag will have got once the primary's process has died, or hangs: what has
    /// arrived, and of what is on its way as much as the kernel's send buffer holds. Also when the last of that has arrived,
    /// and the stream ends.
    pub(in crate::sim) fn buffered(&self, now: u64, behind: u64) -> (Mark, u64) {
        let (mut left, mut last) = (self.durability.send_buffer, now);
        let arrived = now
            .checked_sub(behind)
            .map_or(0, |time| self.segments_until(time));
        for segment in self.segments.range(arrived..) {
            if segment.bytes > left {
                return (Self::before(segment), last);
            }
            left -= segment.bytes;
            last = segment.arrives.saturating_add(behind);
        }
        let end_of_stream = now.saturating_add(self.durability.lag_ns);
        (self.end(), last.max(end_of_stream.saturating_add(behind)))
    }

    /// When the last write reaches copies to which the way adds nothing.
    fn arrives(&self) -> u64 {
        self.segments.back().map_or(0, |s| s.arrives)
    }

    /// When the last write has reached all copies that follow.
    pub(in crate::sim) fn reaches_all(&self) -> u64 {
        self.arrives().saturating_add(self.behind)
    }

    /// When the primary hears that copies have the last write, from each.
    pub(in crate::sim) fn hears(&self) -> impl Iterator<Item = u64> {
        self.hears_of(self.arrives())
    }

    fn hears_of(&self, arrives: u64) -> impl Iterator<Item = u64> {
        let after = |copy: &Replica| copy.way.behind.saturating_add(copy.way.back);
        let following = self.replicas.iter().filter(|copy| copy.gets_stream());
        following.map(move |copy| arrives.saturating_add(after(copy)))
    }

    /// The same of everything that it has not heard of yet.
    pub(in crate::sim) fn all_heard(&self, now: u64) -> impl Iterator<Item = u64> {
        let all = self.segments.iter().map(|segment| segment.arrives);
        let all = all.flat_map(|arrives| self.hears_of(arrives));
        all.filter(move |&at| at > now)
    }

    /// What lies beyond a mark waited in a process that stood still, and arrives so much later.
    pub(in crate::sim) fn hold_up(&mut self, beyond: Mark, by: u64) {
        for segment in self.beyond(beyond) {
            segment.arrives = segment.arrives.saturating_add(by);
        }
    }

    /// What lies beyond a mark is sent anew, behind what is still under way.
    pub(in crate::sim) fn send_again(&mut self, beyond: Mark, now: u64) {
        let before = self
            .segments
            .partition_point(|s| s.first <= beyond.sequence);
        let before = before.checked_sub(1).and_then(|at| self.segments.get(at));
        let before = before.map_or(0, |segment| segment.arrives);
        let arrives = now.saturating_add(self.durability.lag_ns).max(before);
        for segment in self.beyond(beyond) {
            segment.arrives = arrives;
        }
    }

    fn beyond(&mut self, mark: Mark) -> impl Iterator<Item = &mut Segment> {
        let from = self.segments.partition_point(|s| s.first <= mark.sequence);
        self.segments.range_mut(from..)
    }

    /// What a copy has that could take over now, while the primary serves.
    pub(in crate::sim) fn held_by(&self, copy: &Replica, now: u64) -> Option<Mark> {
        if copy.gone {
            copy.file
        } else if copy.synced_at <= now {
            Some(self.come_to(copy, now))
        } else {
            copy.has
        }
    }

    /// What its primary knows a copy to have, while it serves.
    pub(in crate::sim) fn known_of(&self, copy: &Replica, now: u64) -> Option<Mark> {
        if copy.synced_at <= now {
            Some(self.come_to(copy, now.saturating_sub(copy.way.back)))
        } else {
            copy.has
        }
    }

    /// Nobody serves it from now on: what each copy has by now, it has. Those that have nothing yet go.
    pub(in crate::sim) fn set_marks(&mut self, now: u64) {
        let mut copies = std::mem::take(&mut self.replicas);
        copies.retain_mut(|copy| {
            copy.mark = self.held_by(copy, now);
            copy.mark.is_some()
        });
        self.replicas = copies;
    }

    /// The process of a copy hangs, or is gone: of what it has, or will have got, its own file has this.
    pub(in crate::sim) fn stopped(&mut self, copy: usize, now: u64, stamp: u64) -> Mark {
        let all = self.mark(stamp);
        let here = &self.replicas[copy];
        let has = match (here.file, here.mark, self.orphan) {
            (Some(file), _, _) => file,
            (None, Some(mark), Some(orphan)) if here.synced_at <= orphan.since && !here.anew => {
                mark.min(self.come_to(here, now))
            }
            (None, Some(mark), _) => mark,
            (None, None, _) => self.held_by(here, now).unwrap_or_default(),
        };
        has.min(all)
    }

    /// What somebody has that could get authority, while nobody has it.
    pub(in crate::sim) fn surviving(&self) -> Mark {
        let own = self.orphan.map_or(Mark::default(), |orphan| orphan.own);
        let copies = self.replicas.iter().filter_map(|r| r.mark);
        copies.fold(own, Mark::max)
    }

    /// When a copy takes over from a primary that is gone: it has been missed for long enough, and all that still comes
    /// from it has come.
    pub(in crate::sim) fn promotion_due(&self) -> Option<u64> {
        let orphan = self.orphan?;
        let begins = orphan.missed.max(orphan.stream_ends);
        Some(begins.saturating_add(self.durability.promotion_ns))
    }

    /// When the last of what its copies still get has come to all that get it, and they know that it was the last.
    pub(in crate::sim) fn stream_comes(&self, orphan: &Orphan) -> u64 {
        let last_sent = |mark: Mark| {
            let sent = self.segments.partition_point(|s| s.first <= mark.sequence);
            let last = sent.checked_sub(1).and_then(|at| self.segments.get(at));
            last.map_or(0, |segment| segment.arrives)
        };
        let closed = orphan.since.saturating_add(self.durability.lag_ns);
        let all = self.next - 1;
        let gets = |copy: &&Replica| copy.gets_stream() && !copy.cut;
        let comes = self.replicas.iter().filter(gets).map(|copy| {
            let last = copy.mark.map_or(0, last_sent);
            let ends = orphan.hang || copy.mark.is_some_and(|mark| mark.sequence >= all);
            let last = if ends { last.max(closed) } else { last };
            last.saturating_add(copy.way.behind)
        });
        comes.max().unwrap_or(0)
    }

    /// Puts segments that every copy that matters holds into the one count.
    fn prune(&mut self, now: u64) {
        let mut floor = self.next - 1;
        let mut until_on_disks = 0;
        if let Some(file) = self.durability.file {
            floor = floor.min(self.synced.sequence);
            if file.period_ns().is_some() {
                // A copy that has synced nothing yet has nothing: all or none of what is put together is its.
                let syncs = self.replicas.iter().filter(|r| r.file.is_none());
                let disks = syncs.map(|r| r.disk.sequence);
                floor = disks.filter(|&d| d > 0).fold(floor, u64::min);
                until_on_disks = file.fsync_ns;
            }
        }
        if self.durability.snapshots.is_some() {
            floor = floor.min(self.snapshot.sequence);
        }
        if self.orphan.is_some() {
            return;
        }
        let stays = self.marks_that_stay(now).min().unwrap_or(u64::MAX);
        let mut at = 0;
        while let Some(&segment) = self.segments.get(at) {
            let end = self
                .segments
                .get(at + 1)
                .map_or(self.next - 1, |next| next.first - 1);
            let arrived = segment.arrives.saturating_add(self.heard);
            let arrived = arrived.saturating_add(until_on_disks);
            let behind = self.durability.replicas > 0 && arrived > now;
            if end > floor || behind {
                break;
            }
            if end <= stays {
                self.base_end = end;
                self.base_acknowledged += segment.acknowledged;
                self.segments.pop_front();
            } else if at > 0
                && !self
                    .marks_that_stay(now)
                    .any(|mark| mark == segment.first - 1)
            {
                // Nothing tells it from the one before any more.
                let before = &mut self.segments[at - 1];
                before.arrives = segment.arrives;
                before.bytes = before.bytes.saturating_add(segment.bytes);
                before.acknowledged += segment.acknowledged;
                before.closed = segment.closed;
                self.segments.remove(at);
            } else {
                at += 1;
            }
        }
        self.forget_overwritten(at > 0);
    }

    /// Marks that do not move with the log: what a disk or a snapshot has that the rules do not use now, since other rules
    /// may find it there again, and what a copy has that lacks something, or stands still.
    fn marks_that_stay(&self, now: u64) -> impl Iterator<Item = u64> {
        let file = self.durability.file.is_none();
        let stands = move |copy: &Replica| file || copy.file.is_some();
        let of_copies = self.replicas.iter().flat_map(move |copy| {
            [
                Some(copy.disk).filter(|_| stands(copy)),
                copy.file,
                copy.has.filter(|_| copy.synced_at > now),
            ]
        });
        let own = [
            Some(self.flushed()),
            Some(self.synced).filter(|_| file),
            Some(self.snapshot).filter(|_| self.durability.snapshots.is_none()),
        ];
        let marks = of_copies.chain(own).flatten();
        marks.map(|mark| mark.sequence).filter(|&mark| mark > 0)
    }

    /// The range that a write was lost in, if it has been lost already.
    pub(in crate::sim) fn lost(&self, sequence: u64) -> Option<Lost> {
        let at = self.lost.partition_point(|range| range.to < sequence);
        let range = self.lost.get(at)?;
        (range.from <= sequence).then_some(*range)
    }

    pub(in crate::sim) fn is_lost(&self, sequence: u64) -> bool {
        self.lost(sequence).is_some()
    }

    /// Adds a range of lost writes up to the last. What was lost in it before stays lost through what it was lost through.
    fn book_lost(&mut self, new: Lost) {
        let at = self.lost.partition_point(|range| range.to < new.from);
        let mut next = new.from;
        for before in self.lost.split_off(at) {
            if next < before.from {
                let to = before.from - 1;
                self.lost.push(Lost {
                    from: next,
                    to,
                    ..new
                });
            }
            next = before.to + 1;
            self.lost.push(before);
        }
        if next <= new.to {
            self.lost.push(Lost { from: next, ..new });
        }
    }

    /// Whether there are so many lost ranges that some may be forgotten.
    pub(in crate::sim) fn has_many_lost(&self) -> bool {
        self.lost.len() >= self.lost_limit
    }

    /// Forgets lost ranges that nothing under way names. `named`: all that is named, in order.
    pub(in crate::sim) fn forget_lost(&mut self, named: &[u64]) {
        self.lost.retain(|range| {
            let first = named.partition_point(|&sequence| sequence < range.from);
            named
                .get(first)
                .is_some_and(|&sequence| sequence <= range.to)
        });
        // Looking costs as much as there is under way: it must not come with every loss.
        self.lost_limit = FEW_RANGES.max(2 * self.lost.len());
    }

    /// Books an acknowledgement of a key; gives how the write has been lost, if it has been already.
    pub(in crate::sim) fn acknowledge(&mut self, key: Key, sequence: u64) -> Option<Lost> {
        if let Some(lost) = self.lost(sequence) {
            return Some(lost);
        }
        if sequence <= self.base_end {
            self.base_acknowledged += 1;
        } else {
            let at = self.segments.partition_point(|s| s.first <= sequence);
            match at.checked_sub(1) {
                Some(at) => self.segments[at].acknowledged += 1,
                None => self.base_acknowledged += 1,
            }
        }
        self.count(key, sequence, 1);
        None
    }

    /// Acknowledged writes that are held.
    pub(in crate::sim) fn acknowledged(&self) -> u64 {
        self.base_acknowledged + self.segments.iter().map(|s| s.acknowledged).sum::<u64>()
    }

    /// Acknowledged writes beyond a mark.
    pub(in crate::sim) fn acknowledged_after(&self, mark: Mark) -> u64 {
        let beyond: u64 = self
            .segments
            .iter()
            .rev()
            .take_while(|s| s.first > mark.sequence)
            .map(|s| s.acknowledged)
            .sum();
        if mark.sequence < self.base_end {
            debug_assert_eq!(mark.sequence, 0, "a mark inside what was put together");
            beyond + self.base_acknowledged
        } else {
            beyond
        }
    }

    /// Cuts everything beyond a mark off; gives the number of acknowledged writes that are lost by it.
    pub(in crate::sim) fn truncate(
        &mut self,
        mark: Mark,
        cause: LossCause,
        fault: Option<u32>,
    ) -> u64 {
        if mark.sequence + 1 >= self.next {
            return 0;
        }
        let lost = self.acknowledged_after(mark);
        while self
            .segments
            .back()
            .is_some_and(|s| s.first > mark.sequence)
        {
            self.segments.pop_back();
        }
        let all = mark.sequence < self.base_end;
        if let Some(counted) = &mut self.counted {
            match all {
                true => counted.clear(),
                false => drop(counted.split_off(mark.sequence)),
            }
        }
        if all {
            self.base_end = 0;
            self.base_acknowledged = 0;
        }
        self.base_end = self.base_end.max(if self.segments.is_empty() {
            mark.sequence
        } else {
            0
        });
        if let Some(last) = self.segments.back_mut() {
            last.closed = true;
        }
        self.book_lost(Lost {
            from: mark.sequence + 1,
            to: self.next - 1,
            cause,
            fault,
        });
        self.take_marks_back(mark);
        lost
    }

    /// Nobody has more than this: numbers go on, so a mark beyond would cover new writes.
    fn take_marks_back(&mut self, mark: Mark) {
        self.synced = self.synced.min(mark);
        self.snapshot = self.snapshot.min(mark);
        for replica in &mut self.replicas {
            replica.disk = replica.disk.min(mark);
            replica.filled = replica.filled.min(mark);
            replica.has = replica.has.map(|has| has.min(mark));
            replica.mark = replica.mark.map(|will_have| will_have.min(mark));
            replica.file = replica.file.map(|file| file.min(mark));
        }
    }

    /// Takes writes of another log over, as one batch of so many bytes under one number; so many of them are acknowledged.
    pub(in crate::sim) fn take_over(
        &mut self,
        now: u64,
        stamp: u64,
        acknowledged: u64,
        bytes: u64,
    ) -> u64 {
        self.mark(stamp);
        let number = self.append(now, stamp, bytes);
        if let Some(last) = self.segments.back_mut() {
            last.acknowledged = acknowledged;
            last.closed = true;
        }
        number
    }

    /// What the copies have got so far, by now and with numbers up to a stamp: for their disks, if an fsync begins now.
    pub(in crate::sim) fn received(&mut self, now: u64, stamp: u64) -> Vec<(u16, Mark)> {
        if self.replicas.is_empty() {
            return Vec::new();
        }
        let all = self.mark(stamp);
        let complete = self.replicas.iter().filter(|r| r.synced_at <= now);
        complete
            .filter(|r| !r.gone)
            .map(|r| {
                let got = self.come_to(r, now).min(all);
                // A process that hangs has not written what its kernel has for it.
                (r.instance, r.file.map_or(got, |file| got.min(file)))
            })
            .collect()
    }

    /// A copy's fsync that began at this mark is over; gives what has it now, if it counts.
    pub(in crate::sim) fn copy_reaches_disk(
        &mut self,
        instance: u16,
        mark: Mark,
    ) -> Option<Holder> {
        if mark.sequence < self.base_end {
            return None;
        }
        if instance == self.primary {
            // It has taken over since.
            return self.reach_disk(mark).then_some(Holder::Disk);
        }
        let mut copies = self.replicas.iter_mut();
        let copy = copies.find(|r| r.instance == instance)?;
        copy.disk = copy.disk.max(mark);
        Some(Holder::CopyDisk(instance))
    }

    /// Its primary serves it from now on, and syncs its file at its own times.
    pub(in crate::sim) fn serve_again(&mut self) {
        self.online = true;
        self.fsync_due = None;
    }

    /// The copy on an instance takes over, complete up to a mark: its own disk, and its own snapshots, count from now on.
    /// What other copies lack of that it sends them.
    pub(in crate::sim) fn led_by(&mut self, instance: u16, mark: Mark, disk: Mark, now: u64) {
        if let Some(last) = self.segments.back_mut() {
            last.closed = true;
        }
        self.primary = instance;
        self.orphan = None;
        self.serve_again();
        self.snapshot_running = None;
        self.snapshot_overdue = false;
        self.send_again(self.arrived(now), now);
        let caught_up = now.saturating_add(self.durability.lag_ns);
        self.replicas.retain_mut(|copy| {
            let stays = copy.instance != instance && copy.mark.is_some() && !copy.anew;
            let has = copy.mark.take().map(|has| has.min(mark));
            copy.way = Way::default();
            if copy.gone {
                copy.file = has;
            } else if has.is_some_and(|has| has.sequence == mark.sequence) {
                (copy.synced_at, copy.filled, copy.has) = (now, mark, None);
            } else {
                (copy.synced_at, copy.has) = (caught_up, has);
            }
            stays
        });
        self.synced = match self.durability.file {
            Some(_) => disk.min(mark),
            None => Mark::default(),
        };
        let everybodys = |s: &SnapshotPolicy| s.place == SnapshotPlace::ObjectStore;
        if !self.durability.snapshots.as_ref().is_some_and(everybodys) {
            self.snapshot = Mark::default();
            self.snapshot_at = None;
        }
    }

    /// An fsync that began at this mark is over. Marks inside what was put together, left from an earlier policy, cannot
    /// be told apart any more and do not count.
    pub(in crate::sim) fn reach_disk(&mut self, mark: Mark) -> bool {
        let counts = mark.sequence >= self.base_end;
        if counts {
            self.synced = self.synced.max(mark);
        }
        counts
    }

    /// Keeps its content by other rules from now on. What is on disks and in snapshots stays there; what is not is not there
    /// yet. What was planned by another period is to be planned anew.
    pub(in crate::sim) fn set_durability(&mut self, durability: Durability, now: u64, stamp: u64) {
        if let Some(last) = self.segments.back_mut() {
            // What comes now may be on its way for another time.
            last.closed = true;
        }
        let before = self.durability;
        if before.file.map(|f| f.fsync) != durability.file.map(|f| f.fsync) {
            self.fsync_due = None;
        }
        if before.snapshots.map(|s| s.every_ns) != durability.snapshots.map(|s| s.every_ns) {
            self.snapshot_due = None;
        }
        if durability.file.is_none() {
            self.replicas.retain(|copy| !copy.gone);
            for copy in &mut self.replicas {
                copy.file = None;
            }
        }
        let at_once = |d: &Durability| d.file.is_some_and(|f| f.period_ns().is_none());
        if at_once(&before) && !at_once(&durability) {
            // Its copies have synced what they have got.
            let got = self.received(now, stamp);
            for replica in &mut self.replicas {
                let here = got.iter().find(|(copy, _)| *copy == replica.instance);
                let got = here.map_or(Mark::default(), |&(_, mark)| mark);
                replica.disk = replica.file.or(replica.mark).unwrap_or(got);
            }
        }
        self.durability = durability;
    }

    /// What lies beyond a mark goes on as a log of its own, whose numbers count from there, with the copies that are not of
    /// those `left` behind. Both have each key's newest version of what comes before.
    pub(in crate::sim) fn fork(&mut self, mark: Mark, left: impl Fn(&Replica) -> bool) -> Self {
        debug_assert!(mark.sequence == 0 || mark.sequence >= self.base_end);
        let beyond = |other: Mark| Mark {
            sequence: other.sequence.saturating_sub(mark.sequence),
            stamp: other.stamp,
        };
        let mut fork = Self::new(self.node, self.primary, self.purpose, self.durability);
        fork.space = self.space;
        fork.online = true;
        fork.short_since = self.short_since;
        (fork.behind, fork.heard) = (self.behind, self.heard);
        fork.versions = self.versions.clone();
        fork.overwritten = self.overwritten.beyond(mark.sequence);
        fork.next = self.next - mark.sequence;
        fork.synced = beyond(self.synced);
        let at = self.segments.partition_point(|s| s.first <= mark.sequence);
        fork.segments = self.segments.split_off(at);
        for segment in &mut fork.segments {
            segment.first -= mark.sequence;
        }
        self.fork_counts(mark, &mut fork);
        if mark.sequence < self.base_end {
            // No copy but an empty one can lack some of what is put together, and that lacks all.
            fork.base_end = std::mem::take(&mut self.base_end);
            fork.base_acknowledged = std::mem::take(&mut self.base_acknowledged);
        }
        let at = self.lost.partition_point(|range| range.to <= mark.sequence);
        fork.lost = self.lost.split_off(at);
        for range in &mut fork.lost {
            range.from = range.from.saturating_sub(mark.sequence).max(1);
            range.to -= mark.sequence;
        }
        let copies = std::mem::take(&mut self.replicas);
        let (mine, its): (Vec<Replica>, Vec<Replica>) = copies.into_iter().partition(|c| left(c));
        self.replicas = mine;
        fork.replicas = its;
        for copy in &mut fork.replicas {
            copy.filled = beyond(copy.filled);
            copy.disk = beyond(copy.disk);
            copy.has = copy.has.map(beyond);
            copy.file = copy.file.map(beyond);
        }
        fork.awaiting = std::mem::take(&mut self.awaiting);
        for (_, _, number) in &mut fork.awaiting {
            *number = number.saturating_sub(mark.sequence);
        }
        self.take_back(mark);
        fork.count_none_of(self);
        if let Some(last) = self.segments.back_mut() {
            last.closed = true;
        }
        if self.segments.is_empty() {
            self.base_end = self.base_end.max(mark.sequence);
        }
        self.take_marks_back(mark);
        fork
    }

    /// Bytes written beyond a mark.
    pub(in crate::sim) fn bytes_beyond(&self, mark: Mark) -> u64 {
        let beyond = self.segments.iter().rev();
        let beyond = beyond.take_while(|s| s.first > mark.sequence);
        beyond.fold(0, |sum, segment| sum.saturating_add(segment.bytes))
    }

    /// Empties it because its content is elsewhere now; gives the number of acknowledged writes it held.
    pub(in crate::sim) fn hand_over(&mut self) -> u64 {
        let held = self.acknowledged();
        self.base_end = self.next - 1;
        self.base_acknowledged = 0;
        self.segments.clear();
        self.overwritten.clear();
        if let Some(counted) = &mut self.counted {
            counted.clear();
        }
        held
    }

    /// What is in the store of a cache that keeps writes back: up to there nothing of it is lost any more.
    pub(in crate::sim) fn flushed(&self) -> Mark {
        self.flushed.back().map_or(Mark::default(), |last| last.0)
    }

    /// All up to a number has been flushed, to that place.
    pub(in crate::sim) fn flushed_to(&mut self, upto: u64, stamp: u64, to: (u32, u64)) {
        let mark = Mark {
            sequence: upto,
            stamp,
        };
        self.flushed.push_back((mark, to));
    }

    /// Where a write is that has been flushed.
    pub(in crate::sim) fn flush_of(&self, sequence: u64) -> Option<(u32, u64)> {
        if self.flushed().sequence < sequence {
            return None;
        }
        let at = (self.flushed).partition_point(|flush| flush.0.sequence < sequence);
        self.flushed.get(at).map(|flush| flush.1)
    }

    /// Whether there are so many flushes that some may be forgotten.
    pub(in crate::sim) fn has_many_flushes(&self) -> bool {
        self.flushed.len() >= self.flushed_limit
    }

    /// Forgets flushes of what comes before a number, but for the last of all.
    pub(in crate::sim) fn forget_flushes(&mut self, before: u64) {
        let last = self.flushed().sequence;
        let goes = |mark: Mark| mark.sequence < before && mark.sequence < last;
        while self.flushed.front().is_some_and(|first| goes(first.0)) {
            self.flushed.pop_front();
        }
        self.flushed_limit = FEW_RANGES.max(2 * self.flushed.len());
    }

    /// What the primary itself still has if it stops now: of a process or machine that is gone, what survives on its disk.
    pub(in crate::sim) fn own_remains(&self, end: End) -> Mark {
        let stays = match end {
            End::Hang => return self.end(),
            End::Process => true,
            End::Machine => self.durability.outlives_machine(),
            End::Replaced => self.durability.outlives(false),
            End::Removed => self.durability.outlives(true),
        };
        match (stays, self.durability.file) {
            (false, _) => self.flushed(),
            (true, Some(_)) if end == End::Machine => self.synced,
            (true, Some(_)) => self.end(),
            (true, None) if self.durability.snapshots.is_none() => self.flushed(),
            (true, None) => self.snapshot,
        }
    }

    /// Acknowledged writes that would be lost if the primary's machine died now.
    pub(in crate::sim) fn exposed(&self, now: u64) -> u64 {
        let mut safe = self.own_remains(End::Machine);
        for replica in &self.replicas {
            let has = replica.mark.or_else(|| self.held_by(replica, now));
            safe = safe.max(has.unwrap_or_default());
        }
        if safe.sequence < self.base_end {
            self.acknowledged_after(Mark::default())
        } else {
            self.acknowledged_after(safe)
        }
    }

    /// The last write that every copy that matters is known to hold.
    pub(in crate::sim) fn base_end(&self) -> u64 {
        self.base_end
    }

    /// Stretches that are counted apart.
    pub(in crate::sim) fn segments(&self) -> usize {
        self.segments.len()
    }

    pub(in crate::sim) fn bytes(&self) -> usize {
        size_of::<Self>()
            + room::<Segment>(self.segments.len())
            + self.versions.bytes()
            + self.homes.bytes()
            + self.counted.as_ref().map_or(0, |counted| counted.bytes())
            + room::<(u64, (u32, u64))>(self.gone.len())
            + self.overwritten.bytes()
            + room::<Lost>(self.lost.len())
            + room::<(u32, u32)>(self.waiting_now.len() + self.waiting_next.len())
            + room::<(u32, u32, u64)>(self.awaiting.len())
            + room::<Replica>(self.replicas.len())
            + room::<(Mark, (u32, u64))>(self.flushed.len())
    }

    /// Number of the last write.
    pub(in crate::sim) fn last(&self) -> u64 {
        self.next - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::state::FsyncPolicy;
    use crate::sim::keeping::durability::FilePolicy;
    use crate::units::SECOND;
    use proptest::prelude::*;

    /// A log with one write a segment.
    fn log_of(writes: u64) -> (Log, Vec<Mark>) {
        let snapshots = SnapshotPolicy {
            every_ns: SECOND,
            place: SnapshotPlace::Volume,
            bytes_per_s: f64::INFINITY,
        };
        let durability = Durability {
            snapshots: Some(snapshots),
            ..Durability::default()
        };
        let mut log = Log::new(0, 0, Purpose::Data, durability);
        let mut marks = vec![Mark::default()];
        for stamp in 1..=writes {
            log.append(stamp, stamp, 1);
            marks.push(log.mark(stamp));
        }
        (log, marks)
    }

    /// What is cut off is on no disk and in no snapshot any more: numbers go on, so a mark beyond would cover new writes.
    #[test]
    fn a_cut_takes_every_mark_back_to_it() {
        let (mut log, marks) = log_of(3);
        (log.synced, log.snapshot) = (marks[3], marks[3]);
        for (instance, disk) in [(1, marks[3]), (2, marks[1])] {
            log.replicas
                .push(Replica::new(instance, 0, Mark::default(), disk));
        }
        log.truncate(marks[2], LossCause::Crash, None);
        assert_eq!((log.synced, log.snapshot), (marks[2], marks[2]));
        let disks: Vec<Mark> = log.replicas.iter().map(|r| r.disk).collect();
        assert_eq!(disks, [marks[2], marks[1]]);
    }

    /// What an empty place hands over comes before the first version of all.
    #[test]
    fn what_comes_before_the_first_version_can_be_cut_off() {
        let durability = Durability {
            replicas: 1,
            lag_ns: 10,
            ..Durability::default()
        };
        let mut log = Log::new(0, 0, Purpose::Data, durability);
        log.take_over(5, 0, 0, 1);
        assert_eq!(log.buffered(5, 0).0, Mark::default());
        assert_eq!(log.arrived(5), Mark::default());
    }

    #[test]
    fn what_was_lost_before_a_cut_stays_lost_through_what_it_was_lost_through() {
        let (mut log, marks) = log_of(3);
        log.truncate(marks[2], LossCause::Crash, Some(1));
        log.append(4, 4, 1);
        log.truncate(marks[1], LossCause::Promotion, Some(2));
        let faults: Vec<Option<u32>> = (1..=4)
            .map(|number| log.lost(number).and_then(|lost| lost.fault))
            .collect();
        assert_eq!(faults, [None, Some(2), Some(1), Some(2)]);
    }

    proptest! {
        /// Against a list of all writes: what a cut loses, what is held, and each key's newest version come out the same,
        /// though the log is kept by other rules at times.
        #[test]
        fn counts_agree_with_a_list_of_every_write(
            steps in proptest::collection::vec((0u8..8, 0u64..4), 1..400),
            lag in 0u64..5,
            mut on_file in any::<bool>(),
        ) {
            let file = FilePolicy { fsync: FsyncPolicy::EverySecond, fsync_ns: 0, volume: true };
            let durability = Durability { file: on_file.then_some(file), replicas: 1, lag_ns: lag, ..Durability::default() };
            let mut log = Log::new(0, 0, Purpose::Data, durability);
            // (number, time, acknowledged, lost), and the key and stamp of each.
            let mut all: Vec<(u64, u64, bool, bool)> = Vec::new();
            let mut keys: Vec<(u64, u64)> = Vec::new();
            let (mut stamp, mut lost, mut late) = (0, 0, 0);
            for (now, (step, key)) in steps.into_iter().enumerate() {
                let now = now as u64;
                match step {
                    0 | 1 => {
                        stamp += 1;
                        let number = log.append(now, stamp, 1);
                        log.put_version(key, Version::written(stamp), |_| false);
                        all.push((number, now, false, false));
                        keys.push((key, stamp));
                    }
                    2 | 3 => {
                        if let Some(write) = all.iter_mut().rev().filter(|w| !w.2).nth(usize::from(step - 2)) {
                            write.2 = true;
                            let held = log.acknowledge(0, write.0).is_none();
                            prop_assert_eq!(held, !write.3);
                            late += u64::from(!held);
                        }
                    }
                    4 if on_file => log.synced = log.mark(stamp),
                    4 => {}
                    5 => {
                        on_file = !on_file;
                        let durability = Durability { file: on_file.then_some(file), ..log.durability };
                        log.set_durability(durability, now, stamp);
                    }
                    _ => {
                        let mark = log.synced.max(log.arrived(now));
                        let expected = all.iter().filter(|w| w.0 > mark.sequence && w.2 && !w.3).count() as u64;
                        log.take_back(mark);
                        prop_assert_eq!(log.truncate(mark, LossCause::Crash, None), expected);
                        lost += expected;
                        for write in all.iter_mut().filter(|w| w.0 > mark.sequence) {
                            write.3 = true;
                        }
                    }
                }
                let acknowledged = all.iter().filter(|w| w.2).count() as u64;
                prop_assert_eq!(acknowledged, log.acknowledged() + lost + late);
                for key in 0..4 {
                    let held = all.iter().zip(&keys).filter(|(w, k)| !w.3 && k.0 == key);
                    let newest = held.map(|(_, k)| k.1).max().unwrap_or(0);
                    prop_assert_eq!(log.versions.get(key).map_or(0, |v| v.stamp()), newest);
                }
            }
        }
    }
}
