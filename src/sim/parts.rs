//! What the running system consists of: operations, calls, instances, nodes, links, users. Plain data.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::keeping::keys::Key;
use super::keeping::ledger::Place;
use super::observe::metrics::{Areas, Histogram};
use super::observe::snapshot::{CallCounts, Cause, NodeKind, Status};
use super::streams::{Alias, Sampler};
use crate::model::node::{Policy, Queue};
use crate::model::{node, workload};

/// Empty places in a queue that are not worth moving up for.
const FEW_PLACES: usize = 64;

/// No call, no operation, no instance.
pub(super) const NONE: u32 = u32::MAX;
pub(super) const NO_INSTANCE: u16 = u16::MAX;
/// No stamp: nothing has been read.
pub(super) const UNREAD: u64 = u64::MAX;

/// Kinds of operation, and of the calls made for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Verb {
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
    pub(super) fn writes(self) -> bool {
        matches!(self, Self::Write | Self::StoreSession)
    }
}

pub(super) const VERBS: [Verb; 6] = [
    Verb::Read,
    Verb::Write,
    Verb::Login,
    Verb::Logout,
    Verb::FindSession,
    Verb::StoreSession,
];

/// Kinds of operation, in the order of results.
pub(super) const KINDS: [(&str, Verb); 4] = [
    ("read", Verb::Read),
    ("write", Verb::Write),
    ("login", Verb::Login),
    ("logout", Verb::Logout),
];

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    #[default]
    Done,
    Failed(Cause),
}

/// Something a user wants done.
#[derive(Clone, Debug, Default)]
pub(super) struct Op {
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
    /// How often its write was applied.
    pub applied: u16,
    /// Where it was applied last, at the first of the keepers on its way.
    pub place: Option<Place>,
    /// Newest acknowledged stamp of its key when it was intended.
    pub expects_stamp: u64,
    /// For a login: the operations that wait for it, as a chain.
    pub waiting: u32,
    /// Next in such a chain.
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

/// A request on its way through one link and one node, and its reply.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
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
    pub step: u8,
    pub outcome: Outcome,
    /// Its identity for random draws.
    pub draw: u64,
    /// Token of the call it made and waits for; 0: none.
    pub wait: u32,
    pub child: u32,
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

/// Requests in flight, sent by a balancer to an instance, and what its checks say.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub node: u16,
    pub instance: u16,
    pub link: u16,
    pub in_flight: u32,
    pub up: bool,
    pub failed_probes: u32,
    pub good_probes: u32,
    pub removed: bool,
    pub probing: bool,
    /// What it sends to is an address where nobody is any more, until its checks find that out.
    pub old_address: bool,
}

/// An instance of a service or a member of a store.
#[derive(Clone, Debug)]
pub(super) struct Instance {
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
    /// A round of its event loop, where everything in a round waits for one fsync.
    pub round: Round,
    /// Its workers are taking what waits: a worker freed meanwhile is seen by that loop.
    pub taking: bool,
    pub speed: f64,
    /// When it began to serve, and whether it is slower since then and until it has warmed up, whatever it does meanwhile.
    pub warm_from: u64,
    pub cold: bool,
    pub areas_at_warmup: Areas,
    pub areas_at_interval: Areas,
    /// Sum of the times that calls which have left spent here.
    pub spent: u128,
    /// Its log of data and of sessions.
    pub data_log: u32,
    pub session_log: u32,
    pub fault: Option<u32>,
    pub lost_writes: u64,
    pub lost_sessions: u64,
    /// What a deployment is doing with it.
    pub replaced_by_surge: bool,
    pub leaving: bool,
    pub deploying: bool,
    /// It has been told to stop once its requests have ended, even if it hangs meanwhile.
    pub draining: bool,
    /// Whoever calls it without a balancer knows of it.
    pub announced: bool,
    /// It has an address that some balancer does not know of yet.
    pub moved: bool,
    /// When it died last.
    pub died_at: u64,
}

/// A round of an event loop: all that waits when it begins is carried out, then synced together, then answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
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

impl Call {
    /// The request is on its link, and has not reached its node.
    pub(super) fn on_its_way(&self) -> bool {
        !self.free && !self.present && self.arrived == 0 && self.outcome == Outcome::Done
    }
}

impl Instance {
    pub(super) fn new(now: u64, workers: u32, speed: f64) -> Self {
        let mut instance = Self {
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
            round: Round::default(),
            taking: false,
            speed,
            warm_from: 0,
            cold: false,
            areas_at_warmup: Areas::default(),
            areas_at_interval: Areas::default(),
            spent: 0,
            data_log: NONE,
            session_log: NONE,
            fault: None,
            lost_writes: 0,
            lost_sessions: 0,
            replaced_by_surge: false,
            leaving: false,
            deploying: false,
            draining: false,
            announced: true,
            moved: false,
            died_at: 0,
        };
        instance.set_capacity(now);
        instance
    }

    /// Another instance in the place of one that was removed. Areas and times spent are the place's, and go on; so does
    /// the count of lives.
    pub(super) fn begin_anew(&mut self, now: u64, workers: u32, speed: f64) {
        debug_assert!(self.present.n() == 0 && self.status == Status::Removed);
        self.status = Status::Up;
        self.since = now;
        self.workers = workers;
        self.speed = speed;
        self.fault = None;
        self.lost_writes = 0;
        self.lost_sessions = 0;
        self.replaced_by_surge = false;
        self.leaving = false;
        self.deploying = false;
        self.draining = false;
        self.announced = true;
        self.moved = false;
        self.cold = false;
        self.set_capacity(now);
    }

    /// The areas up to now.
    pub(super) fn areas_at(&self, now: u64) -> Areas {
        Areas {
            busy: self.busy.area(now),
            waiting: self.waiting.area(now),
            present: self.present.area(now),
            capacity: self.capacity.area(now),
        }
    }

    /// Sets how many workers can be held, after a change of status or workers.
    pub(super) fn set_capacity(&mut self, now: u64) {
        let up = self.status.serves() || self.status == Status::Hung;
        self.capacity
            .set(now, if up { u64::from(self.workers) } else { 0 });
    }

    /// Whether a worker that is free again has something to do.
    #[inline(always)]
    pub(super) fn has_next(&self) -> bool {
        self.waiting.n() > 0 || self.round.open
    }

    /// Puts a call at the end; gives its position, by which it can be taken out again.
    #[inline]
    pub(super) fn enqueue(&mut self, now: u64, call: u32) -> u32 {
        self.waiting.add(now);
        let position = self.first.wrapping_add(self.queue.len() as u32);
        self.queue.push_back(call);
        position
    }

    #[inline]
    pub(super) fn dequeue(&mut self, now: u64) -> Option<u32> {
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
    pub(super) fn dequeue_one(&mut self, now: u64, call: u32, position: u32) -> bool {
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

    pub(super) fn clear_queue(&mut self, now: u64) {
        self.queue.clear();
        self.backlog.clear();
        self.waiting.set(now, 0);
    }
}

/// A number that goes up and down, and the area under its curve.
///
/// The area is n times now, less the times at which it went up, plus those at which it went down: one addition a
/// change, exact to the nanosecond (the sum wraps around, the area does not).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    n: u64,
    sum: u128,
}

impl Level {
    #[inline]
    pub(super) fn n(self) -> u64 {
        self.n
    }

    #[inline]
    pub(super) fn add(&mut self, now: u64) {
        self.n += 1;
        self.sum = self.sum.wrapping_sub(u128::from(now));
    }

    #[inline]
    pub(super) fn remove(&mut self, now: u64) {
        self.n -= 1;
        self.sum = self.sum.wrapping_add(u128::from(now));
    }

    pub(super) fn set(&mut self, now: u64, n: u64) {
        let (before, after) = (u128::from(self.n), u128::from(n));
        self.sum = self
            .sum
            .wrapping_add(before.wrapping_sub(after).wrapping_mul(u128::from(now)));
        self.n = n;
    }

    pub(super) fn area(self, now: u64) -> u128 {
        (u128::from(self.n) * u128::from(now)).wrapping_add(self.sum)
    }
}

/// What a node does.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Clients(Box<ClientsBody>),
    Balancer(Box<BalancerBody>),
    Service(Box<ServiceBody>),
    Store(Box<StoreBody>),
}

#[derive(Clone, Debug)]
pub(super) struct ClientsBody {
    pub settings: workload::Clients,
    pub rng: rand_xoshiro::Xoshiro256PlusPlus,
    pub keys: ClientKeys,
    /// Mean time between two arrivals; infinite in a closed loop and at rate 0.
    pub mean_gap_ns: f64,
    /// What the last gap was longer than its whole nanoseconds.
    pub over_ns: f64,
    /// When the next operation arrives, and the mean gap by which that was planned: another rate goes on from there.
    pub arrives_at: u64,
    pub planned_gap_ns: f64,
    pub think: Option<Sampler>,
    /// Kinds of operation by cumulative weight, from 0 to 1.
    pub mix: [f64; 4],
    pub only: Option<Verb>,
    pub popularity: Option<Arc<Alias>>,
    pub next_op: u64,
    pub timeout_lane: u32,
    /// Longest time limit that entries of that lane may have.
    pub longest_timeout: Option<crate::units::Duration>,
    pub budget: f64,
    /// Its users in the table of all users: the first of them start here, so many in a row.
    pub first_user: u32,
    pub first_piece: u32,
    /// How many have a place.
    pub users: u32,
    /// Those that came later and found no room behind the ones before: (number of the first, its place). Nobody who is
    /// there already is given another place.
    pub further_users: Vec<(u32, u32)>,
    pub own_keys: bool,
    pub entry_link: u16,
    pub needs_user: bool,
    pub needs_key: bool,
    pub epoch: u32,
    /// Users of a closed loop at work.
    pub seats: Vec<u32>,
}

impl ClientsBody {
    /// Where the user of a number, from 0, stands in the table of all users.
    #[inline]
    pub(super) fn place_of_user(&self, number: u32) -> u32 {
        if number < self.first_piece {
            return self.first_user + number;
        }
        let piece = self
            .further_users
            .partition_point(|&(first, _)| first <= number);
        match piece.checked_sub(1).map(|p| self.further_users[p]) {
            Some((first, place)) => place + (number - first),
            None => self.first_user + number,
        }
    }

    /// Whether the user at that place is one of its own.
    pub(super) fn has_user(&self, place: u32) -> bool {
        let ends = self.further_users.iter().skip(1).map(|&(first, _)| first);
        let further = self.further_users.iter().zip(ends.chain([self.users]));
        let pieces = further.map(|(&(first, start), end)| (start, end - first));
        std::iter::once((self.first_user, self.first_piece))
            .chain(pieces)
            .any(|(start, len)| place.wrapping_sub(start) < len)
    }
}

/// A user of a closed loop: one operation or one thought at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub node: u16,
    pub leaving: bool,
    /// Its number at its clients node, and how many operations began at it: so its draws are its own.
    pub number: u32,
    pub begun: u32,
}

/// Draw keys of a clients node, one for each purpose.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClientKeys {
    pub operation: u64,
    pub user: u64,
    pub kind: u64,
    pub key: u64,
    pub think: u64,
    pub backoff: u64,
}

#[derive(Clone, Debug)]
pub(super) struct BalancerBody {
    pub settings: node::LoadBalancer,
    pub targets: Vec<Target>,
    /// Those that get requests now, in order.
    pub usable: Vec<u16>,
    pub work_lane: u32,
    pub response_lane: u32,
    /// Longest time limit that entries of that lane may have.
    pub longest_timeout: Option<crate::units::Duration>,
    /// Where the next turn begins: behind the last target that was chosen in turn, by the policy or by the fallback.
    pub turn: u32,
    /// Each user's cookie: target, or `NO_INSTANCE`.
    pub cookies: Vec<u16>,
    /// Users whose cookie was changed by a fault: what it struck did not answer, or is out of rotation.
    pub led_away: BTreeMap<u32, u32>,
    pub balance_key: u64,
    pub phase_key: u64,
    pub policy: Policy,
    pub fallback: Policy,
}

#[derive(Clone, Debug)]
pub(super) struct ServiceBody {
    pub settings: node::Service,
    pub sampler: Sampler,
    pub service_key: u64,
    pub error_key: u64,
    pub call_lane: u32,
    /// Longest time limit that entries of that lane may have.
    pub longest_timeout: Option<crate::units::Duration>,
    /// Links of the calls it makes for each request, in order.
    pub calls: Vec<u16>,
    pub state_link: u16,
    pub session_link: u16,
    pub deploying: Option<Deploying>,
    pub asynchronous: bool,
    pub queue: Queue,
}

#[derive(Clone, Debug)]
pub(super) struct Deploying {
    pub stop: crate::model::Stop,
    pub pending: VecDeque<u16>,
    pub active: u32,
    pub fault: u32,
}

#[derive(Clone, Debug)]
pub(super) struct StoreBody {
    /// The service that kept its state here, and keeps it elsewhere or nowhere now, and what change that is through.
    pub left_by: Option<(u16, Option<u32>)>,
    pub read: Sampler,
    pub write: Sampler,
    pub read_key: u64,
    pub primary: u16,
    pub log: u32,
    pub holds_worker_for_fsync: bool,
    /// Requests a second for reads and writes, and what is left of them: (rate, tokens, at).
    pub limits: [Option<(f64, f64, u64)>; 2],
    /// It works in rounds that end with an fsync.
    pub rounds: bool,
    pub backlog: u32,
    pub boot_ns: u64,
    pub restart_after: Option<u64>,
    pub failover: Option<super::control::failover::Failover>,
}

#[derive(Clone, Debug)]
pub(super) struct NodeSlot {
    pub name: String,
    pub kind: NodeKind,
    pub removed: bool,
    /// Whose keys its requests read and write (see `keeping/newest.rs`): a node that stands for all that share them.
    pub space: u16,
    pub key: u64,
    pub body: Body,
    pub instances: Vec<Instance>,
    /// Its instances stand in the first places, up to this one; behind are only places that are free again.
    pub reach: u16,
    pub arrived: u64,
    pub completed: u64,
    pub failed: u64,
    pub completed_at_warmup: u64,
    pub failed_at_warmup: u64,
    pub completed_at_interval: u64,
    pub response: Histogram,
    pub lost_writes: u64,
    pub lost_sessions: u64,
    /// Worker time of requests to log in.
    pub login_ns: u128,
}

impl NodeSlot {
    /// A call leaves its instance, which is what its time there is counted to.
    #[inline(always)]
    pub(super) fn sees_off(&mut self, call: &mut Call, now: u64) -> &mut Instance {
        call.present = false;
        call.resume = 0;
        call.wait = 0;
        let spent = now - call.arrived;
        if call.outcome == Outcome::Done {
            self.completed += 1;
            self.response.record(spent);
        } else {
            self.failed += 1;
        }
        let here = &mut self.instances[call.instance as usize];
        here.present.remove(now);
        here.spent += u128::from(spent);
        here
    }
}

/// What a link's calls are to whoever makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    FromBalancer,
    ToService,
    ToStore,
}

#[derive(Clone, Debug)]
pub(super) struct LinkSlot {
    pub way: Way,
    pub from: u16,
    pub to: u16,
    pub removed: bool,
    pub implied: bool,
    pub salt: u64,
    pub latency: u64,
    /// Nanoseconds a byte takes; 0: none.
    pub ns_per_byte: f64,
    /// When the last byte has left, there and back.
    pub busy_until: [u64; 2],
    pub request_lane: u32,
    pub reply_lane: u32,
    pub messages: u64,
    pub bytes: u64,
    pub messages_at_warmup: u64,
    pub bytes_at_warmup: u64,
    pub calls: Vec<CallCounts>,
    /// Turn of round robin where no balancer stands in front.
    pub turn: u32,
}

impl LinkSlot {
    /// Counts a call that has come back from an instance.
    #[inline(always)]
    pub(super) fn count(&mut self, instance: u16, outcome: Outcome, retried: bool) {
        let instance = instance as usize;
        if self.calls.len() <= instance {
            self.calls.resize(instance + 1, CallCounts::default());
        }
        let counts = &mut self.calls[instance];
        match outcome {
            Outcome::Done if retried => counts.retried += 1,
            Outcome::Done => counts.completed += 1,
            Outcome::Failed(_) => counts.failed += 1,
        }
    }
}

/// A user of a clients node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct User {
    /// The client holds a credential it believes in.
    pub credential: bool,
    /// The session lives.
    pub live: bool,
    /// Counts the user's sessions, so that a credential of an earlier one is known by it.
    pub session: u32,
    /// Where the session is kept: log and number in it; log `NONE`: in the token.
    pub log: u32,
    pub sequence: u64,
    pub expires: u64,
    /// End of the time in which a token can be renewed.
    pub renewable_until: u64,
    /// The login under way, or `NONE`.
    pub login: u32,
    /// The fault that its session was lost through.
    pub lost_through: Option<u32>,
}
