//! A call over a link: what it asks for, where it is, and how it ends.

use crate::sim::ids::NONE;
use crate::sim::keeping::ledger::Place;
use crate::sim::observe::snapshot::Cause;

/// No stamp: nothing has been read.
pub(in crate::sim) const UNREAD: u64 = u64::MAX;
/// No stamp either: the session that was looked up is not there.
pub(in crate::sim) const NO_SESSION: u64 = u64::MAX - 1;

/// Kinds of operation, and of the calls made for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sim) enum Verb {
    #[default]
    Read,
    Write,
    Login,
    Logout,
    /// A session is looked up in its store.
    FindSession,
    /// A session is created in its store.
    StoreSession,
}

impl Verb {
    /// Whether it changes what a store keeps.
    pub(in crate::sim) fn writes(self) -> bool {
        matches!(self, Self::Write | Self::StoreSession)
    }
}

pub(in crate::sim) const VERBS: [Verb; 6] = [
    Verb::Read,
    Verb::Write,
    Verb::Login,
    Verb::Logout,
    Verb::FindSession,
    Verb::StoreSession,
];

/// Kinds of operation, in the order of results.
pub(in crate::sim) const KINDS: [(&str, Verb); 4] = [
    ("read", Verb::Read),
    ("write", Verb::Write),
    ("login", Verb::Login),
    ("logout", Verb::Logout),
];

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::sim) enum Outcome {
    #[default]
    Done,
    Failed(Cause),
}

/// A request on its way through one link and one node, and its reply.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Call {
    pub op: u32,
    /// Who made it: a call, or `NONE` for the client.
    pub parent: u32,
    /// The parent's token at that time: the reply is dropped if it has changed.
    pub parent_wait: u32,
    pub link: u16,
    pub node: u16,
    pub instance: u16,
    /// Whose message it is: its size is what that node sends. A balancer passes on what it got.
    pub asker: u16,
    pub verb: Verb,
    /// Where it is in its node's program.
    pub step: u16,
    pub outcome: Outcome,
    /// Its identity for random draws.
    pub draw: u64,
    /// The pooled connection that it goes over, or that the call it waits for does, or `NONE`.
    pub connection: u32,
    /// Token of the call it made and waits for; 0: none.
    pub wait: u32,
    /// Also the next free place, once it is over.
    pub child: u32,
    /// It waits for that no longer than its node would have it when the call was made.
    pub limited: bool,
    /// Number of the event that resumes it; 0: none.
    pub resume: u32,
    pub sent_at: u64,
    pub arrived: u64,
    pub present: bool,
    pub queued: bool,
    pub holds_worker: bool,
    /// On its way to the first service behind the clients, which checks credentials; never without sessions.
    pub entry: bool,
    /// Which of its user's sessions its credential is of.
    pub credential: u32,
    pub free: bool,
    /// Attempts a balancer has made.
    pub tries: u8,
    /// The target a balancer has chosen.
    pub target: u16,
    /// Where it stands in its instance's queue.
    pub position: u32,
    /// Where its write went.
    pub place: Option<Place>,
    /// Stamp of what its read found, in the first place that keeps anything; `UNREAD` before.
    pub found: u64,
}

/// A call that is to be made.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Asked {
    pub op: u32,
    /// The call that makes it, and then waits for it, or `NONE` for the client.
    pub parent: u32,
    pub asker: u16,
    pub link: u16,
    pub instance: u16,
    pub verb: Verb,
    /// Its identity for random draws.
    pub bits: u64,
    pub entry: bool,
    pub credential: u32,
    pub target: u16,
}

impl Call {
    /// Becomes this call, to that node. It waits for nothing and is nowhere, as whatever was in its place when that ended.
    #[inline(always)]
    pub(in crate::sim) fn begin(&mut self, asked: Asked, node: u16, token: u32, now: u64) {
        // Field by field: a whole struct is built elsewhere first and then copied, which takes longer.
        self.op = asked.op;
        self.parent = asked.parent;
        self.parent_wait = token;
        self.link = asked.link;
        self.node = node;
        self.instance = asked.instance;
        self.asker = asked.asker;
        self.verb = asked.verb;
        self.step = 0;
        self.outcome = Outcome::Done;
        self.draw = asked.bits;
        self.child = NONE;
        self.connection = NONE;
        self.sent_at = now;
        self.arrived = 0;
        self.entry = asked.entry;
        self.credential = asked.credential;
        self.free = false;
        self.tries = 0;
        self.target = asked.target;
        self.place = None;
        self.found = UNREAD;
    }

    /// It is over, after it has left its node. `next`: the place that was free before.
    #[inline(always)]
    pub(in crate::sim) fn end(&mut self, next: u32) {
        debug_assert!(
            !self.free && !self.present && !self.queued && !self.holds_worker,
            "a call ends once, and where it was it has left"
        );
        self.free = true;
        self.child = next;
        self.wait = 0;
        self.resume = 0;
    }

    /// Whether it comes from clients with a credential.
    #[inline(always)]
    pub(in crate::sim) fn shows_token(&self) -> bool {
        self.entry && self.verb != Verb::Login
    }

    /// Whether it is at an instance, or on its way there.
    pub(in crate::sim) fn ends_with(&self, node: u16, instance: u16) -> bool {
        (self.node, self.instance) == (node, instance)
            && !self.free
            && (self.present || self.on_its_way())
    }

    /// The request is on its link, and has not reached its node.
    pub(in crate::sim) fn on_its_way(&self) -> bool {
        !self.free && !self.present && self.arrived == 0 && self.outcome == Outcome::Done
    }
}
