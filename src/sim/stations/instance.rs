//! An instance: its queue, its workers, and what it has been doing.

use std::collections::VecDeque;

use crate::sim::ids::NONE;
use crate::sim::keeping::cache::Cache;
use crate::sim::observe::metrics::Areas;
use crate::sim::observe::snapshot::Status;
use crate::sim::stations::pool::Pool;
use crate::sim::traffic::call::Call;

/// Empty places in a queue that are not worth moving up for.
const FEW_PLACES: usize = 64;

/// An instance of a service or a member of a store.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Instance {
    /// By which it is in a zone and has settings of its own: from 1, by its place, or what it was before a replacement took that.
    pub number: u32,
    pub status: Status,
    pub since: u64,
    /// Counts its lives, so that timers of an earlier one do nothing.
    pub life: u32,
    pub workers: u32,
    /// Workers held, calls waiting and calls present (waiting or not), and workers there are.
    pub busy: Level,
    pub waiting: Level,
    pub present: Level,
    pub capacity: Level,
    /// Calls that wait, in order, or `NONE` for one that was taken out.
    pub queue: VecDeque<u32>,
    /// Position of the front; each behind has the next.
    pub first: u32,
    /// Connections that the kernel has taken for it while it hangs.
    pub backlog: VecDeque<u32>,
    /// What it was working on when it began to hang: calls with their tokens, and how long each still takes.
    pub frozen: Vec<(u32, u32, u64)>,
    /// A round of its event loop, where everything in a round waits for one fsync.
    pub round: Round,
    /// Its workers are taking what waits: a worker freed meanwhile is seen by that loop.
    pub taking: bool,
    pub speed: f64,
    /// So many times slower a fault makes it; 1: not.
    pub slowed: f64,
    /// When it began to serve, and whether it is slower since then and until it has warmed up, whatever it does meanwhile.
    pub warm_from: u64,
    pub cold: bool,
    pub areas_at_warmup: Areas,
    /// Sum of the times that calls which have left spent here.
    pub spent: u128,
    /// Its log of data and of sessions.
    pub data_log: u32,
    pub session_log: u32,
    pub fault: Option<u32>,
    pub lost_writes: u64,
    pub lost_sessions: u64,
    /// Of a service: its connections to stores. Of a store: connections that are open and carry no call.
    pub pools: Vec<Pool>,
    pub reserved: u64,
    /// What a deployment is doing with it.
    pub replaced_by_surge: bool,
    pub leaving: bool,
    pub deploying: bool,
    /// It has been told to stop once its requests have ended, even if it hangs meanwhile.
    pub draining: bool,
    /// It has been told to stop, and serves on for a while.
    pub in_pre_stop: bool,
    /// Whoever calls it without a balancer knows of it.
    pub announced: bool,
    /// It has an address that some balancer does not know of yet.
    pub moved: bool,
    /// When it died last.
    pub died_at: u64,
    pub cache: Cache,
}

/// A round of an event loop: all that waits when it begins is carried out, then synced together, then answered.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Round {
    /// Counts rounds, so that the end of an fsync finds its own.
    pub number: u32,
    pub open: bool,
    /// Calls of it that are still to be carried out.
    pub left: u32,
    pub wrote: bool,
    /// Its fsync runs, and then is over though the process hangs.
    pub syncing: bool,
    pub synced: bool,
    /// Calls that wait for its end, with their tokens.
    pub done: Vec<(u32, u32)>,
}

impl Instance {
    pub(in crate::sim) fn new(now: u64, number: u32, workers: u32, speed: f64) -> Self {
        let mut instance = Self {
            number,
            status: Status::Up,
            since: now,
            life: 0,
            workers,
            busy: Level::default(),
            waiting: Level::default(),
            present: Level::default(),
            capacity: Level::default(),
            queue: VecDeque::new(),
            first: 0,
            backlog: VecDeque::new(),
            frozen: Vec::new(),
            round: Round::default(),
            taking: false,
            speed,
            slowed: 1.0,
            warm_from: 0,
            cold: false,
            areas_at_warmup: Areas::default(),
            spent: 0,
            data_log: NONE,
            session_log: NONE,
            fault: None,
            lost_writes: 0,
            lost_sessions: 0,
            pools: Vec::new(),
            reserved: 0,
            replaced_by_surge: false,
            leaving: false,
            deploying: false,
            draining: false,
            in_pre_stop: false,
            announced: true,
            moved: false,
            died_at: 0,
            cache: Cache::default(),
        };
        instance.set_capacity(now);
        instance
    }

    /// Another instance in the place of one that was removed. Areas and times spent are the place's, and go on; so does
    /// the count of lives.
    pub(in crate::sim) fn begin_anew(&mut self, now: u64, number: u32, workers: u32, speed: f64) {
        debug_assert!(self.present.n() == 0 && self.status == Status::Removed);
        self.number = number;
        self.status = Status::Up;
        self.since = now;
        self.workers = workers;
        self.speed = speed;
        self.slowed = 1.0;
        self.fault = None;
        self.lost_writes = 0;
        self.lost_sessions = 0;
        self.pools.clear();
        self.replaced_by_surge = false;
        self.leaving = false;
        self.deploying = false;
        self.draining = false;
        self.in_pre_stop = false;
        self.announced = true;
        self.moved = false;
        self.cold = false;
        self.set_capacity(now);
    }

    /// The areas up to now.
    pub(in crate::sim) fn areas_at(&self, now: u64) -> Areas {
        Areas {
            busy: self.busy.area(now),
            waiting: self.waiting.area(now),
            present: self.present.area(now),
            capacity: self.capacity.area(now),
        }
    }

    /// Sets how many workers can be held, after a change of status or workers: one that is not wanted any more works until
    /// it is free.
    pub(in crate::sim) fn set_capacity(&mut self, now: u64) {
        let up = self.runs();
        let workers = u64::from(self.workers).max(self.busy.n());
        self.capacity.set(now, if up { workers } else { 0 });
    }

    /// A worker is free again, or goes if it is not wanted any more.
    #[inline(always)]
    pub(in crate::sim) fn free_worker(&mut self, now: u64) {
        self.busy.remove(now);
        if self.capacity.n() > u64::from(self.workers) {
            self.set_capacity(now);
        }
    }

    /// Whether its process is there, though it may hang.
    pub(in crate::sim) fn runs(&self) -> bool {
        self.status.serves() || self.status == Status::Hung
    }

    /// Whether a worker that is free again has something to do.
    #[inline(always)]
    pub(in crate::sim) fn has_next(&self) -> bool {
        self.waiting.n() > 0 || self.round.open
    }

    #[inline(always)]
    pub(in crate::sim) fn has_free_worker(&self) -> bool {
        self.busy.n() < u64::from(self.workers)
    }

    /// Whether a call may come without a connection that is open already.
    #[inline(always)]
    pub(in crate::sim) fn has_room(&self) -> bool {
        self.busy.n() + self.reserved < u64::from(self.workers)
    }

    /// A call comes in.
    #[inline(always)]
    pub(in crate::sim) fn enter(&mut self, call: &mut Call, now: u64) {
        call.present = true;
        call.arrived = now;
        self.present.add(now);
    }

    /// A worker takes a call.
    #[inline(always)]
    pub(in crate::sim) fn occupy_worker(&mut self, call: &mut Call, now: u64) {
        call.queued = false;
        call.holds_worker = true;
        self.busy.add(now);
    }

    /// Puts a call at the end of the queue; it knows its position, by which it can be taken out again.
    #[inline(always)]
    pub(in crate::sim) fn enqueue(&mut self, call: &mut Call, index: u32, now: u64) {
        self.waiting.add(now);
        call.queued = true;
        call.position = self.first.wrapping_add(self.queue.len() as u32);
        self.queue.push_back(index);
    }

    #[inline(always)]
    pub(in crate::sim) fn dequeue(&mut self, now: u64) -> Option<u32> {
        loop {
            let call = self.queue.pop_front()?;
            self.first = self.first.wrapping_add(1);
            if call != NONE {
                self.waiting.remove(now);
                return Some(call);
            }
        }
    }

    /// Takes one call out of the queue, wherever it stands: its place stays empty until its turn comes, or until most
    /// places are empty. Then the rest moves up, and the answer is true: they stand from `first` on now.
    pub(in crate::sim) fn dequeue_one(&mut self, now: u64, call: u32, position: u32) -> bool {
        match self
            .queue
            .get_mut(position.wrapping_sub(self.first) as usize)
        {
            Some(place) if *place == call => {
                *place = NONE;
                self.waiting.remove(now);
            }
            _ => self.backlog.retain(|&waiting| waiting != call),
        }
        let sparse = self.queue.len() > FEW_PLACES + 2 * self.waiting.n() as usize;
        if sparse {
            self.queue.retain(|&waiting| waiting != NONE);
        }
        sparse
    }

    pub(in crate::sim) fn clear_queue(&mut self, now: u64) {
        self.queue.clear();
        self.backlog.clear();
        self.frozen.clear();
        self.waiting.set(now, 0);
    }
}

/// A number that goes up and down, and the area under its curve.
///
/// The area is n times now, less the times at which it went up, plus those at which it went down: one addition a
/// change, exact to the nanosecond (the sum wraps around, the area does not).
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sim) struct Level {
    n: u64,
    sum: u128,
}

impl Level {
    #[inline]
    pub(in crate::sim) fn n(self) -> u64 {
        self.n
    }

    #[inline]
    pub(in crate::sim) fn add(&mut self, now: u64) {
        self.n += 1;
        self.sum = self.sum.wrapping_sub(u128::from(now));
    }

    #[inline]
    pub(in crate::sim) fn remove(&mut self, now: u64) {
        self.n -= 1;
        self.sum = self.sum.wrapping_add(u128::from(now));
    }

    pub(in crate::sim) fn set(&mut self, now: u64, n: u64) {
        let (before, after) = (u128::from(self.n), u128::from(n));
        self.sum = self
            .sum
            .wrapping_add(before.wrapping_sub(after).wrapping_mul(u128::from(now)));
        self.n = n;
    }

    pub(in crate::sim) fn area(self, now: u64) -> u128 {
        (u128::from(self.n) * u128::from(now)).wrapping_add(self.sum)
    }
}
