//! Facts: what happens to writes and their copies, told plainly, for whoever keeps books of their own beside the
//! simulator's. Nothing is told unless [`Sim::tell_facts`] was called, and the simulation does not depend on it.
//!
//! A *log* is a sequence of writes with one place of authority: an instance's, or a store's. Its writes are numbered
//! from 1 on.

use crate::sim::Sim;
pub use crate::sim::keeping::ledger::Holder;
use crate::sim::keeping::ledger::Purpose;
use crate::units::Duration;

/// By which rules the writes of a log are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// They are in files; whether those outlive the machine.
    pub file: Option<bool>,
    /// There are snapshots; whether those outlive the machine.
    pub snapshots: Option<bool>,
    /// Whoever takes over finds the snapshots, too.
    pub shared_snapshots: bool,
    /// How long a write is on its way to copies.
    pub lag: Duration,
    /// So many bytes of what is on its way outlive the primary's process.
    pub send_buffer: u64,
}

/// Where a log's content comes from when its authority is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Whatever the instance that has authority still holds.
    Own,
    /// Nobody has authority, and this is not settled: whatever somebody has that could get it.
    Survivors,
    /// A copy that takes over.
    Copy(u16),
    /// Nothing is left.
    Nothing,
}

/// A write: its log, and its number there.
pub type Write = (u32, u64);

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A log begins, empty. `data`: of clients' writes; otherwise of sessions.
    Began {
        /// The log.
        log: u32,
        /// What it is for.
        data: bool,
    },
    /// The keys of a log are of this space from now on.
    Belongs(u32, u16),
    /// The rules of a log are these from now on.
    Ruled(u32, Rules),
    /// A log is served from now on, or not.
    Served(u32, bool),
    /// A log's primary has applied a write of so many bytes.
    Written(Write, u64),
    /// A client has the success of a write.
    Acknowledged {
        /// Where it was written; `None` if nobody ever kept it.
        place: Option<Write>,
        /// Where it, or what overwrote it, is now, if all of that log has moved on.
        now: Option<Write>,
        /// The key that was written.
        key: u64,
    },
    /// What was written up to a number has reached a holder; of that, with `by`, what had come to copies by that time.
    Reached {
        /// The log.
        log: u32,
        /// Where it is now.
        holder: Holder,
        /// Up to this number.
        number: u64,
        /// Come by this time.
        by: Option<Duration>,
    },
    /// A log's primary sends nothing more to its copies. What the kernel has of what is on its way arrives, unless that is
    /// cut off.
    StreamEnded {
        /// The log.
        log: u32,
        /// Nothing arrives any more.
        cut: bool,
    },
    /// A copy that followed when the stream ended: it gets what still arrives, and has what it was filled with.
    Follows {
        /// The log.
        log: u32,
        /// Where the copy is.
        copy: u16,
        /// The last write it was filled with.
        filled: u64,
        /// What the way to it adds to the lag.
        way: Duration,
    },
    /// A copy that lacked something when the stream ended, and gets no more.
    Behind {
        /// The log.
        log: u32,
        /// Where the copy is.
        copy: u16,
        /// The last write that it has.
        number: u64,
    },
    /// The process of a copy stands still, or is gone. Its file has what had come to it: if it `followed` the stream that, and
    /// what it was filled with; otherwise what it had, up to that number.
    CopyStopped {
        /// The log.
        log: u32,
        /// Where the copy is.
        copy: u16,
        /// It followed.
        followed: bool,
        /// The last write that it was filled with, or that it had.
        filled: u64,
        /// What the way to it adds to the lag.
        way: Duration,
        /// Its process is gone.
        gone: bool,
    },
    /// The machine of such a copy is gone: its file has no more than what was synced.
    CopyCut {
        /// The log.
        log: u32,
        /// Where the copy is.
        copy: u16,
    },
    /// Such a copy runs again with what its file had.
    CopyBack {
        /// The log.
        log: u32,
        /// Where the copy is.
        copy: u16,
    },
    /// A holder is gone, with all that it held.
    Gone(u32, Holder),
    /// The process that has authority over a log is gone, or its machine.
    Died {
        /// The log.
        log: u32,
        /// Its machine.
        machine: bool,
    },
    /// What a log holds is what this source has, and nothing else, once and for good.
    Settled(u32, Source),
    /// What was written beyond a number goes on as a log of its own, which counts from there, with whoever led it.
    Forked {
        /// The log.
        log: u32,
        /// The last write that stays.
        number: u64,
        /// The other.
        fork: u32,
    },
    /// All that was written up to a number has gone to another log, as one write of so many bytes; the log goes on.
    Flushed {
        /// The log.
        log: u32,
        /// The last write that has gone.
        number: u64,
        /// Where to.
        to: Write,
        /// Bytes of it there.
        bytes: u64,
    },
    /// Some keys of a log go to another, with all that was written to them, as one write of so many bytes there.
    KeysMoved {
        /// The log.
        log: u32,
        /// Where to.
        to: Write,
        /// The keys, in order.
        keys: Vec<u64>,
        /// Bytes of the write.
        bytes: u64,
    },
    /// All of a log goes to others: of its acknowledged writes, in order, so many to each of these places.
    HandedOver {
        /// The log, which ends here.
        log: u32,
        /// Where to, and how many.
        to: Vec<(Write, u64)>,
        /// Bytes of each.
        value_size: u64,
    },
}

impl Sim {
    /// From now on facts are kept for [`Sim::take_facts`]. To be called before the first event.
    pub fn tell_facts(&mut self) {
        if self.observers.facts.is_some() {
            return;
        }
        self.observers.facts = Some(Vec::new());
        for log in 0..self.logs.len() as u32 {
            self.tell_of_log(log);
            for number in 1..=self.logs[log as usize].last() {
                // Sessions are all there is before the first event.
                self.tell(Fact::Written((log, number), self.session_bytes()));
            }
            let here = &self.logs[log as usize];
            let (disk, snapshot) = (here.synced.sequence, here.snapshot.sequence);
            self.reached(log, Holder::Disk, disk);
            self.reached(log, Holder::Snapshot, snapshot);
        }
    }

    /// The facts since the last call, with their times.
    pub fn take_facts(&mut self) -> Vec<(Duration, Fact)> {
        self.observers
            .facts
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    #[inline]
    pub(in crate::sim) fn tell(&mut self, fact: Fact) {
        if let Some(facts) = &mut self.observers.facts {
            facts.push((Duration(self.now), fact));
        }
    }

    /// A holder has everything up to a number.
    pub(in crate::sim) fn reached(&mut self, log: u32, holder: Holder, number: u64) {
        self.tell(Fact::Reached {
            log,
            holder,
            number,
            by: None,
        });
    }

    /// A log begins.
    pub(in crate::sim) fn tell_of_log(&mut self, log: u32) {
        let here = &self.logs[log as usize];
        let (data, served) = (here.purpose == Purpose::Data, here.online);
        let space = here.space;
        self.tell(Fact::Began { log, data });
        self.tell(Fact::Belongs(log, space));
        self.tell(Fact::Served(log, served));
        self.tell_rules(log);
    }

    /// The rules of a log are new.
    pub(in crate::sim) fn tell_rules(&mut self, log: u32) {
        use crate::sim::keeping::durability::SnapshotPlace;
        if self.observers.facts.is_none() {
            return;
        }
        let here = &self.logs[log as usize];
        let kept = &here.durability;
        let place = kept.snapshots.map(|s| s.place);
        let rules = Rules {
            file: kept.file.map(|f| f.volume),
            snapshots: place.map(|p| p != SnapshotPlace::Instance),
            shared_snapshots: place == Some(SnapshotPlace::ObjectStore),
            lag: Duration(kept.lag_ns),
            send_buffer: kept.send_buffer,
        };
        let (disk, snapshot) = (here.synced.sequence, here.snapshot.sequence);
        let unsynced = here.replicas.iter().filter(|r| r.disk.sequence == 0);
        let unsynced: Vec<u16> = unsynced.map(|r| r.instance).collect();
        self.tell(Fact::Ruled(log, rules));
        // What the new rules do not know to be there does not count.
        if disk == 0 {
            self.tell(Fact::Gone(log, Holder::Disk));
        }
        if snapshot == 0 {
            self.tell(Fact::Gone(log, Holder::Snapshot));
        }
        for copy in unsynced {
            self.tell(Fact::Gone(log, Holder::CopyDisk(copy)));
        }
    }
}
