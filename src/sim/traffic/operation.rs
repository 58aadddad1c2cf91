//! What a user wants done: an operation, tried in attempts.

use crate::sim::keeping::keys::Key;
use crate::sim::keeping::ledger::Place;
use crate::sim::traffic::call::Verb;

/// What an operation is to do.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Wanted {
    pub draw: u64,
    pub user: u32,
    pub key: Key,
    pub client: u16,
    pub verb: Verb,
}

/// Something a user wants done.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Op {
    pub intended: u64,
    /// Its identity for random draws.
    pub draw: u64,
    pub user: u32,
    pub key: Key,
    pub client: u16,
    pub verb: Verb,
    pub attempt: u16,
    /// Calls that exist for it, and one for the client while it waits.
    pub references: u32,
    /// The token of the attempt that is waited for; 0: none.
    pub wait: u32,
    pub call: u32,
    pub active: bool,
    pub failed: bool,
    /// A login that other operations wait for: part of them.
    pub forced: bool,
    /// A login that its user makes at once, whoever waits for it or not.
    pub again: bool,
    /// The number of the revoked credential that it comes with, or 0: with its user's own.
    pub stolen: u32,
    /// How often its write was applied.
    pub applied: u16,
    /// Where it was applied last, at the first of the keepers on its way, and who asked that.
    pub place: Option<Place>,
    pub keeper: u16,
    /// Newest acknowledged stamp of its key when it was intended.
    pub expects_stamp: u64,
    /// For a login: the operations that wait for it, as a chain.
    pub waiting: u32,
    /// Next in such a chain, or the next free place.
    pub next: u32,
    /// Seat of a closed-loop user.
    pub slot: u32,
    /// A fault that one of its attempts met, and that the present attempt met.
    pub met: Option<u32>,
    pub met_now: bool,
    pub sent_at: u64,
    /// What it waits for while it waits to be retried.
    pub resume: u32,
}

impl Op {
    #[inline(always)]
    pub(in crate::sim) fn wanted(&self) -> Wanted {
        Wanted {
            draw: self.draw,
            user: self.user,
            key: self.key,
            client: self.client,
            verb: self.verb,
        }
    }

    /// Its client has its answer, and refers to it no more.
    #[inline(always)]
    pub(in crate::sim) fn end(&mut self, now: u64) -> End {
        self.active = false;
        self.wait = 0;
        self.references -= 1;
        End {
            took: now - self.intended,
            draw: self.draw,
            user: self.user,
            client: self.client,
            verb: self.verb,
            retried: self.attempt > 0,
            forced: self.forced,
            again: self.again,
            waiting: self.waiting,
            seat: self.slot,
        }
    }
}

/// An operation that has ended for its client.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct End {
    pub took: u64,
    pub draw: u64,
    pub user: u32,
    pub client: u16,
    pub verb: Verb,
    pub retried: bool,
    pub forced: bool,
    pub again: bool,
    pub waiting: u32,
    pub seat: u32,
}

/// A user of a closed loop: one operation or one thought at a time.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Seat {
    pub node: u16,
    pub leaving: bool,
    /// Its number at its clients node, and how many operations began at it: so its draws are its own.
    pub number: u32,
    pub begun: u32,
}
