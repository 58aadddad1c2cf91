//! What happens: the discrete-event simulator.
//!
//! A user's *operation* is tried in *attempts*; an attempt is a *call* over a link to a node, which may make further
//! calls before it replies:
//!
//! ```text
//! clients.rs    Op ── attempt ──▶ Call ─ link ─▶ balancer.rs ─ Call ─ link ─▶ service.rs ─ Call ─ link ─▶ store.rs
//!                 ◀── returned ───  reply ◀─────────────────── reply ◀─────────────────── reply ◀────────┘
//! ```
//!
//! `request.rs` moves calls over links; `keeping.rs` and `ledger.rs` know what is written where and what a death
//! loses; `sessions.rs` keeps sessions; `faults.rs`, `deploy.rs` and `change.rs` carry out commands. What the
//! simulator shows of itself leaves it as plain structs (`snapshot.rs`) or as a tree of figures (`figures.rs`).
//!
//! All state is plain data in flat vectors: a clone taken at any moment and run on gives the same bytes.

mod clock;
mod compile;
mod control;
mod keeping;
mod observe;
mod parts;
mod sessions;
mod stations;
mod streams;
mod traffic;

pub use control::schedule;
pub(crate) use observe::metrics;
pub use observe::{audit, backlog, facts, figures, size, snapshot};

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::settings::SettingError;
use crate::model::{Command, Timed, Topology};
use crate::units::Duration;
use clock::queue::{Kind, Queue};
pub use control::faults::Idle;
use keeping::keys::KeyTable;
use keeping::ledger::{Log, Mark, Writing};
use observe::metrics::Histogram;
use parts::{Call, LinkSlot, NodeSlot, Op, Seat, User};
use snapshot::{Happening, What};

/// What is computed besides counts, because it costs time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Intervals for charts (see `Sim::take_interval`).
    pub live: bool,
}

/// Why writes and sessions were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LossCause {
    Crash,
    MachineLoss,
    Promotion,
    Deployment,
    ScaleIn,
    Misrouted,
    SigningKey,
    Change,
}

impl LossCause {
    const ALL: [Self; 8] = [
        Self::Crash,
        Self::MachineLoss,
        Self::Promotion,
        Self::Deployment,
        Self::ScaleIn,
        Self::Misrouted,
        Self::SigningKey,
        Self::Change,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::MachineLoss => "machine_loss",
            Self::Promotion => "promotion",
            Self::Deployment => "deployment",
            Self::ScaleIn => "scale_in",
            Self::Misrouted => "misrouted",
            Self::SigningKey => "signing_key",
            Self::Change => "change",
        }
    }
}

/// Something due that is neither a request nor its reply.
#[derive(Clone, Debug)]
enum Timer {
    Free,
    Command(u32),
    WarmUpEnds,
    Probe {
        balancer: u16,
        target: u16,
    },
    ProbeEnds {
        balancer: u16,
        target: u16,
    },
    Booted {
        node: u16,
        instance: u16,
        life: u32,
    },
    Warm {
        node: u16,
        instance: u16,
        life: u32,
    },
    RestartAfter {
        node: u16,
        instance: u16,
        life: u32,
    },
    Fsync {
        log: u32,
    },
    /// An fsync of a log's primary and of its copies is over.
    FsyncDone {
        log: u32,
        by: u16,
        mark: Mark,
        copies: Vec<(u16, Mark)>,
    },
    Snapshot {
        log: u32,
    },
    SnapshotDone {
        log: u32,
        writing: Writing,
    },
    Detect {
        log: u32,
        since: u64,
    },
    Promote {
        log: u32,
        since: u64,
    },
    Moved {
        log: u32,
        number: u32,
    },
    SessionsMoved,
    DeployStops {
        node: u16,
        instance: u16,
        life: u32,
    },
    DrainEnds {
        node: u16,
        instance: u16,
        life: u32,
    },
    /// The copies of a draining instance have got everything.
    Drained {
        node: u16,
        instance: u16,
        life: u32,
    },
    DeployNext {
        node: u16,
        instance: u16,
    },
    RoundSynced {
        node: u16,
        instance: u16,
        number: u32,
        log: u32,
        mark: Mark,
    },
    /// A planned failover: the copy may have everything.
    CaughtUp {
        node: u16,
        since: u64,
    },
    HandOver {
        node: u16,
        since: u64,
    },
}

/// Why a run stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The wanted time is reached.
    Reached,
    /// As many events as were allowed have been handled.
    Budget,
    /// The next event is a command of the scenario.
    Command,
}

/// How an operation ended, for whoever compares runs (see [`Sim::tell_operations`]).
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// When it was meant to start, in nanoseconds.
    pub intended: u64,
    /// From then to its end.
    pub took: u64,
    /// It completed.
    pub completed: bool,
    /// It completed within the objective, or else its client's timeout.
    pub good: bool,
}

/// What operations did since somebody asked last. Logins that another operation waits for belong to that one.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// When operations were meant to start, in nanoseconds, in order.
    pub started: Vec<u64>,
    /// Operations that ended.
    pub ended: Vec<Ended>,
}

/// Counts of operations of one part of the run: before the warm-up's end, or after.
#[derive(Clone, Debug, Default)]
struct Counted {
    offered: u64,
    completed: u64,
    after_retry: u64,
    good: u64,
    failed: u64,
    by_cause: [u64; 9],
    attempts: u64,
    reads: u64,
    stale: u64,
    offered_by_kind: [u64; 4],
    response: [Histogram; 4],
    failed_response: Histogram,
}

#[derive(Clone, Debug)]
struct Fault {
    at: u64,
    command: Command,
    detected: Option<u64>,
    lost_writes: u64,
    lost_sessions: u64,
    failed_met: u64,
    failed_after_detection: u64,
    saved: u64,
    /// Why the failover that was asked for did not come about.
    called_off: Option<&'static str>,
}

#[derive(Clone, Debug, Default)]
struct WriteLedger {
    acknowledged: u64,
    lost: u64,
    lost_by_cause: [u64; 8],
    keys_lost: u64,
    unacknowledged: u64,
    twice: u64,
}

#[derive(Clone, Debug, Default)]
struct SessionLedger {
    initial: u64,
    created: u64,
    expired: u64,
    logged_out: u64,
    lost: u64,
    lost_by_cause: [u64; 8],
}

#[derive(Clone, Debug, Default)]
struct IntervalCounts {
    from: u64,
    completed: u64,
    retried: u64,
    failed: u64,
    /// Response times, as long as there are few; all of them in `more_responses` once they are many.
    responses: Vec<u64>,
    more_responses: Histogram,
}

/// Response times of an interval that are kept one by one.
const MOST_RESPONSES: usize = 1 << 16;

impl IntervalCounts {
    fn respond(&mut self, ns: u64) {
        if self.more_responses.is_empty() {
            self.responses.push(ns);
            if self.responses.len() < MOST_RESPONSES {
                return;
            }
            for &ns in &self.responses {
                self.more_responses.record(ns);
            }
            self.responses = Vec::new();
        } else {
            self.more_responses.record(ns);
        }
    }

    /// Median, p95 and p99 in seconds; `None` if nothing was answered.
    fn percentiles(&mut self) -> Option<[f64; 3]> {
        const SHARES: [f64; 3] = [0.5, 0.95, 0.99];
        if !self.more_responses.is_empty() {
            return Some(SHARES.map(|share| self.more_responses.quantile(share).unwrap_or(0.0)));
        }
        let n = self.responses.len();
        (n > 0).then(|| {
            SHARES.map(|share| {
                let rank = ((share * n as f64).ceil() as usize).clamp(1, n) - 1;
                *self.responses.select_nth_unstable(rank).1 as f64 / 1e9
            })
        })
    }
}

/// A running system. Cloned at any moment and run on, it gives the same bytes as the one it was cloned from.
#[derive(Clone, Debug)]
pub struct Sim {
    /// As it is now, without the scenario: every edit makes a new one.
    topology: Topology,
    /// What has happened of it and what is still to come; shared, since clones seldom get another.
    scenario: Arc<Vec<Timed>>,
    seed: u64,
    watch: Watch,
    now: u64,
    warmup: u64,
    events: u64,
    queue: Queue,
    lanes: Vec<LanePurpose>,
    timers: Vec<Timer>,
    free_timers: Vec<u32>,
    commands: Vec<Command>,
    /// When each of them happens.
    planned: Vec<u64>,
    recording: Vec<Timed>,
    nodes: Vec<NodeSlot>,
    links: Vec<LinkSlot>,
    /// Bytes of a request and of its reply, by who asks and what for.
    message_bytes: Vec<[[u32; 6]; 2]>,
    ops: Vec<Op>,
    free_ops: Vec<u32>,
    calls: Vec<Call>,
    free_calls: Vec<u32>,
    /// Tokens handed out; see `Op::wait`.
    token: u32,
    users: Vec<User>,
    sessions_before: Option<sessions::Before>,
    /// Some sessions are not where the strategy keeps them, since that was not there when they were to go.
    sessions_wait: bool,
    seats: Vec<Seat>,
    free_seats: Vec<u32>,
    logs: Vec<Log>,
    /// Stamps handed out: each applied write gets the next.
    stamp: u64,
    /// By space (see `keeping/newest.rs`).
    newest: Vec<KeyTable<keeping::Newest>>,
    value_size: u64,
    /// Indexed by whether the operation counts: 0 for those before the warm-up's end.
    counted: [Counted; 2],
    writes: WriteLedger,
    sessions: SessionLedger,
    faults: Vec<Fault>,
    /// The account of the edit that is being carried out.
    edited: Option<u32>,
    happenings: VecDeque<Happening>,
    /// Commands that changed nothing.
    idle: Vec<Idle>,
    happened: u64,
    told: Option<Told>,
    interval: IntervalCounts,
    /// What has happened to writes, if anybody listens.
    facts: Option<Vec<(Duration, facts::Fact)>>,
}

/// Happenings that are kept.
const HAPPENINGS: usize = 256;

impl Sim {
    /// The topology at time 0, not started. The topology must have passed its check without errors.
    pub fn new(topology: &Topology, seed: u64, watch: Watch) -> Self {
        let mut sim = Self {
            topology: Topology {
                nodes: indexmap::IndexMap::new(),
                ..Topology::default()
            },
            scenario: Arc::new(topology.scenario.clone()),
            seed,
            watch,
            now: 0,
            warmup: topology.warmup.0,
            events: 0,
            queue: Queue::default(),
            lanes: Vec::new(),
            timers: Vec::new(),
            free_timers: Vec::new(),
            commands: Vec::new(),
            planned: Vec::new(),
            recording: Vec::new(),
            nodes: Vec::new(),
            links: Vec::new(),
            message_bytes: Vec::new(),
            ops: Vec::new(),
            free_ops: Vec::new(),
            calls: Vec::new(),
            free_calls: Vec::new(),
            token: 0,
            users: Vec::new(),
            sessions_before: None,
            sessions_wait: false,
            seats: Vec::new(),
            free_seats: Vec::new(),
            logs: Vec::new(),
            stamp: 0,
            newest: Vec::new(),
            value_size: 0,
            counted: [Counted::default(), Counted::default()],
            writes: WriteLedger::default(),
            sessions: SessionLedger::default(),
            faults: Vec::new(),
            edited: None,
            happenings: VecDeque::new(),
            idle: Vec::new(),
            happened: 0,
            told: None,
            interval: IntervalCounts::default(),
            facts: None,
        };
        sim.reconfigure(Topology {
            scenario: Vec::new(),
            ..topology.clone()
        });
        sim.start_sessions();
        sim.schedule_scenario();
        if sim.warmup > 0 {
            sim.timer_at(sim.warmup, Timer::WarmUpEnds);
        }
        sim
    }

    /// Simulated time.
    pub fn now(&self) -> Duration {
        Duration(self.now)
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// When the next event is due; `None` if nothing will ever happen again.
    pub fn next_event(&mut self) -> Option<Duration> {
        self.queue.next_at().map(Duration)
    }

    /// Handles every event up to and including `until`, then stands at `until`.
    pub fn run_until(&mut self, until: Duration) {
        self.run::<false>(until, u64::MAX);
    }

    /// The same, but stops after `events` events so that the caller can look around; true when `until` is reached.
    pub fn run_some(&mut self, until: Duration, events: u64) -> bool {
        self.run::<false>(until, events) == Halt::Reached
    }

    /// The same, but stops before a command of the scenario, too, when everything else that is due at its time is
    /// done: the caller then calls [`Self::take_command`].
    pub fn run_to_command(&mut self, until: Duration, events: u64) -> Halt {
        self.run::<true>(until, events)
    }

    fn run<const HALTS: bool>(&mut self, until: Duration, events: u64) -> Halt {
        let mut left = events;
        while left > 0 {
            let Some(due) = self.queue.pop(until.0) else {
                self.now = self.now.max(until.0);
                return Halt::Reached;
            };
            debug_assert!(due.at >= self.now, "time runs backwards");
            self.now = due.at;
            left -= 1;
            self.events += 1;
            match due.kind {
                Kind::Arrival => self.arrival(due.index, due.number),
                Kind::Resume => {
                    if self.calls[due.index as usize].resume == due.number {
                        self.resume(due.index);
                    }
                }
                Kind::Lane => self.lane_due(due.index),
                Kind::Timer => {
                    if HALTS && due.is_command() {
                        self.queue.untake();
                        self.events -= 1;
                        return Halt::Command;
                    }
                    self.timer_due(due.index);
                }
                Kind::Retry => {
                    if self.ops[due.index as usize].resume == due.number {
                        self.attempt(due.index);
                    }
                }
                Kind::UserReady => self.user_ready(due.index),
            }
        }
        Halt::Budget
    }

    /// After [`Halt::Command`]: carries the command out, or leaves it out as if it had never been planned.
    pub fn take_command(&mut self, carry_out: bool) {
        let Some(due) = self.queue.pop(self.now) else {
            return;
        };
        debug_assert!(due.is_command(), "stands before no command");
        self.events += 1;
        if carry_out {
            self.timer_due(due.index);
        } else {
            self.timers[due.index as usize] = Timer::Free;
            self.free_timers.push(due.index);
        }
    }

    /// After [`Halt::Command`]: the place of that command in the scenario.
    pub fn command_place(&mut self) -> Option<usize> {
        let due = self.queue.pop(self.now)?;
        self.queue.untake();
        match self.timers[due.index as usize] {
            Timer::Command(place) => Some(place as usize),
            _ => None,
        }
    }

    /// When each event of the scenario happens, in its order: `Between` has been drawn.
    pub fn planned(&self) -> &[u64] {
        &self.planned
    }

    /// Carries out a command now, after everything else that is due now, and records it.
    ///
    /// # Errors
    /// What it names does not exist or cannot be so; then nothing has changed.
    pub fn apply(&mut self, command: &Command) -> Result<(), SettingError> {
        self.run_until(Duration(self.now));
        self.carry_out(command)?;
        self.recording
            .push(Timed::At(Duration(self.now), command.clone()));
        Ok(())
    }

    /// The topology as it is now, edits included; its scenario is apart, see [`scenario`](Self::scenario).
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// What is planned for this run: what has happened of it and what is still to come.
    pub fn scenario(&self) -> &[Timed] {
        &self.scenario
    }

    /// What was applied from outside so far, with its time: replayed as a scenario it gives the same bytes.
    pub fn recording(&self) -> &[Timed] {
        &self.recording
    }

    fn new_timer(&mut self, timer: Timer) -> u32 {
        match self.free_timers.pop() {
            Some(index) => {
                self.timers[index as usize] = timer;
                index
            }
            None => {
                self.timers.push(timer);
                self.timers.len() as u32 - 1
            }
        }
    }

    fn timer_at(&mut self, at: u64, timer: Timer) {
        let index = self.new_timer(timer);
        self.queue.push(at.max(self.now), Kind::Timer, index);
    }

    fn timer_after(&mut self, delay: u64, timer: Timer) {
        self.timer_at(self.now.saturating_add(delay), timer);
    }

    fn timer_due(&mut self, index: u32) {
        let timer = std::mem::replace(&mut self.timers[index as usize], Timer::Free);
        self.free_timers.push(index);
        match timer {
            Timer::Free => {}
            Timer::Command(command) => {
                let command = self.commands[command as usize].clone();
                // A scenario was checked when it was loaded; what an edit made impossible since then does nothing.
                if let Err(error) = self.carry_out(&command) {
                    self.idle(&command, error.to_string());
                }
            }
            Timer::WarmUpEnds => self.warm_up_ends(),
            Timer::Probe { balancer, target } => self.probe(balancer, target),
            Timer::ProbeEnds { balancer, target } => self.probe_ends(balancer, target, false),
            Timer::Booted {
                node,
                instance,
                life,
            } => self.booted(node, instance, life),
            Timer::Warm {
                node,
                instance,
                life,
            } => self.warm(node, instance, life),
            Timer::RestartAfter {
                node,
                instance,
                life,
            } => {
                let here = &self.nodes[node as usize].instances[instance as usize];
                if here.life == life && here.status.is_down() {
                    self.restart(node, instance);
                }
            }
            Timer::Fsync { log } => self.fsync(log),
            Timer::FsyncDone {
                log,
                by,
                mark,
                copies,
            } => self.fsync_done(log, by, mark, &copies),
            Timer::Snapshot { log } => self.snapshot_due(log),
            Timer::SnapshotDone { log, writing } => self.snapshot_done(log, writing),
            Timer::Detect { log, since } => self.primary_missed(log, since),
            Timer::Promote { log, since } => self.promote_if_orphan(log, since),
            Timer::Moved { log, number } => self.moved(log, number),
            Timer::SessionsMoved => self.sessions_moved(),
            Timer::DeployStops {
                node,
                instance,
                life,
            } => {
                if self.nodes[node as usize].instances[instance as usize].life == life {
                    self.stop_for_deployment(node, instance);
                }
            }
            Timer::DrainEnds {
                node,
                instance,
                life,
            } => {
                let here = &self.nodes[node as usize].instances[instance as usize];
                if here.life == life && here.draining {
                    self.drained(node, instance);
                }
            }
            Timer::Drained {
                node,
                instance,
                life,
            } => {
                if self.nodes[node as usize].instances[instance as usize].life == life {
                    self.drained_if_done(node, instance);
                }
            }
            Timer::RoundSynced {
                node,
                instance,
                number,
                log,
                mark,
            } => self.round_synced(node, instance, number, log, mark),
            Timer::CaughtUp { node, since } => self.caught_up(node, since),
            Timer::HandOver { node, since } => self.hand_over(node, since),
            Timer::DeployNext { node, instance } => self.deployed_one(node, instance),
        }
    }

    fn lane_due(&mut self, lane: u32) {
        let (ops, calls) = (&self.ops, &self.calls);
        let purpose = self.lanes[lane as usize];
        let entry = match purpose {
            LanePurpose::ClientTimeout => self
                .queue
                .pop_lane(lane, |e| ops[e.index as usize].wait == e.token),
            LanePurpose::CallTimeout => self
                .queue
                .pop_lane(lane, |e| calls[e.index as usize].wait == e.token),
            LanePurpose::Request | LanePurpose::Reply | LanePurpose::Work => {
                self.queue.pop_lane(lane, |_| true)
            }
        };
        let Some(entry) = entry else { return };
        match purpose {
            LanePurpose::ClientTimeout => self.client_timeout(entry.index, entry.token),
            LanePurpose::CallTimeout => self.call_timeout(entry.index, entry.token),
            LanePurpose::Request => self.arrive(entry.index),
            LanePurpose::Reply => self.returned(entry.index),
            LanePurpose::Work => self.resume_if(entry.index, entry.token),
        }
    }

    fn happen(&mut self, what: What) {
        self.happened += 1;
        if self.happenings.len() == HAPPENINGS {
            self.happenings.pop_front();
        }
        self.happenings.push_back(Happening {
            id: self.happened,
            at: Duration(self.now),
            what,
        });
    }

    fn new_token(&mut self) -> u32 {
        self.token = if self.token == u32::MAX {
            1
        } else {
            self.token + 1
        };
        self.token
    }

    fn warm_up_ends(&mut self) {
        let now = self.now;
        for node in &mut self.nodes {
            node.completed_at_warmup = node.completed;
            node.failed_at_warmup = node.failed;
            node.response.clear();
            for instance in &mut node.instances {
                instance.areas_at_warmup = instance.areas_at(now);
            }
        }
        for link in &mut self.links {
            link.messages_at_warmup = link.messages;
            link.bytes_at_warmup = link.bytes;
        }
    }

    /// A second one that goes on in the same way, but keeps no histograms of response times: whoever compares the two
    /// listens to operations.
    pub fn twin(&mut self) -> Self {
        let kept: Vec<_> = self
            .response_times()
            .map(|histogram| std::mem::replace(histogram, Histogram::silent()))
            .collect();
        let twin = self.clone();
        for (histogram, kept) in self.response_times().zip(kept) {
            *histogram = kept;
        }
        twin
    }

    fn response_times(&mut self) -> impl Iterator<Item = &mut Histogram> {
        let nodes = self.nodes.iter_mut().map(|node| &mut node.response);
        let counted = self.counted.iter_mut().flat_map(|counted| {
            let failed = std::iter::once(&mut counted.failed_response);
            counted.response.iter_mut().chain(failed)
        });
        nodes.chain(counted)
    }

    /// From now on remembers what operations do, for [`Self::take_told`]; whoever asks for it has to take it, too.
    pub fn tell_operations(&mut self) {
        self.told = Some(Told::default());
    }

    /// Nobody asks any more.
    pub fn tell_no_operations(&mut self) {
        self.told = None;
    }

    /// What operations did since the last call; `into` is emptied and filled, so that memory is used again.
    pub fn take_told(&mut self, into: &mut Told) {
        into.started.clear();
        into.ended.clear();
        if let Some(told) = &mut self.told {
            std::mem::swap(told, into);
        }
    }

    /// Operations that have started and not ended, without logins that others wait for.
    pub fn operations_in_flight(&self) -> u32 {
        self.ops.iter().filter(|op| op.active && !op.forced).count() as u32
    }
}

/// What a lane's entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LanePurpose {
    ClientTimeout,
    CallTimeout,
    Request,
    Reply,
    Work,
}
