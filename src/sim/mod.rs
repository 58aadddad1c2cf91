//! What happens: the discrete-event simulator.
//!
//! A user's *operation* is tried in *attempts*; an attempt is a *call* over a link to a node, which may make further
//! calls before it replies:
//!
//! ```text
//! clients    Op ── attempt ──▶ Call ─ link ─▶ balancer ─ Call ─ link ─▶ service ─ Call ─ link ─▶ store
//!              ◀── returned ───  reply ◀──────────────── reply ◀─────────────── reply ◀────────┘
//! ```
//!
//! Each room has one concern: `clock` orders events; `traffic` is operations and their calls, which `network` carries; at
//! `stations` they are worked on; `keeping` knows what is written where and what a death loses, `sessions` keeps sessions;
//! `control` carries out what comes from outside; `compile` turns a topology, or an edit of one, into what runs; `observe` is
//! what the simulator shows of itself: plain structs, or a tree of figures.
//!
//! All state is plain data in flat vectors: a clone taken at any moment and run on gives the same bytes.

mod clock;
mod compile;
mod control;
mod ids;
mod keeping;
mod network;
mod observe;
mod room;
mod sessions;
mod stations;
mod streams;
mod traffic;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::settings::SettingError;
use crate::model::{Command, Timed, Topology};
use crate::units::Duration;
use clock::queue::{Kind, Queue};
use clock::timers::Timer;
pub use control::faults::Idle;
pub use control::schedule;
use keeping::keys::KeyTable;
use keeping::ledger::Log;
use network::link::LinkSlot;
use network::troubles::Network;
use observe::Observers;
use observe::counts::{Fault, SessionLedger, WriteLedger};
pub(crate) use observe::metrics;
use observe::metrics::Histogram;
pub use observe::told::{Ended, Told};
pub use observe::{audit, backlog, facts, figures, size, snapshot};
use sessions::User;
use stations::node::NodeSlot;
use stations::pool::Connections;
use traffic::call::Call;
use traffic::operation::{Op, Seat};

/// What is computed besides counts, because it costs time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Intervals for charts (see `Sim::take_interval`).
    pub live: bool,
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

/// A running system. Cloned at any moment and run on, it gives the same bytes as the one it was cloned from.
#[derive(Clone, Debug)]
pub struct Sim {
    /// As it is now, without the scenario: every edit makes a new one.
    topology: Topology,
    /// What has happened of it and what is still to come; shared, since clones seldom get another.
    scenario: Arc<Vec<Timed>>,
    seed: u64,
    now: u64,
    /// Nothing is offered from here on.
    end: u64,
    warmup: u64,
    events: u64,
    queue: Queue,
    timers: Vec<Timer>,
    free_timers: Vec<u32>,
    commands: Vec<Command>,
    /// When each of them happens.
    planned: Vec<u64>,
    recording: Vec<Timed>,
    nodes: Vec<NodeSlot>,
    links: Vec<LinkSlot>,
    network: Network,
    /// Bytes of a request and of its reply, by who asks and what for.
    message_bytes: Vec<[[u32; 6]; 2]>,
    ops: Vec<Op>,
    /// The first operation whose place is free, and so on by `Op::next`; and the first call, by `Call::child`.
    free_op: u32,
    calls: Vec<Call>,
    free_call: u32,
    connections: Connections,
    /// Tokens handed out; see `Op::wait`.
    token: u32,
    users: Vec<User>,
    sessions_before: Option<sessions::Before>,
    /// Some sessions are not where the strategy keeps them, since that was not there when they were to go.
    sessions_wait: bool,
    revoking: sessions::Revoking,
    seats: Vec<Seat>,
    free_seats: Vec<u32>,
    logs: Vec<Log>,
    /// Stamps handed out: each applied write gets the next.
    stamp: u64,
    /// By space (see `keeping/newest.rs`).
    newest: Vec<KeyTable<keeping::Newest>>,
    /// By space: stamps of what its clients were told of, and what has been left where others keep it.
    left_behind: Vec<(u16, KeyTable<u64>)>,
    value_size: u64,
    writes: WriteLedger,
    sessions: SessionLedger,
    faults: Vec<Fault>,
    /// The account of the edit that is being carried out.
    edited: Option<u32>,
    /// Commands that changed nothing.
    idle: Vec<Idle>,
    observers: Observers,
}

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
            now: 0,
            end: u64::MAX,
            warmup: topology.warmup.0,
            events: 0,
            queue: Queue::default(),
            timers: Vec::new(),
            free_timers: Vec::new(),
            commands: Vec::new(),
            planned: Vec::new(),
            recording: Vec::new(),
            nodes: Vec::new(),
            links: Vec::new(),
            network: Network::default(),
            message_bytes: Vec::new(),
            ops: Vec::new(),
            free_op: ids::NONE,
            calls: Vec::new(),
            free_call: ids::NONE,
            connections: Connections::default(),
            token: 0,
            users: Vec::new(),
            sessions_before: None,
            sessions_wait: false,
            revoking: sessions::Revoking::default(),
            seats: Vec::new(),
            free_seats: Vec::new(),
            logs: Vec::new(),
            stamp: 0,
            newest: Vec::new(),
            left_behind: Vec::new(),
            value_size: 0,
            writes: WriteLedger::default(),
            sessions: SessionLedger::default(),
            faults: Vec::new(),
            edited: None,
            idle: Vec::new(),
            observers: Observers {
                intervals: watch.live.then(Box::default),
                ..Observers::default()
            },
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

    /// Nothing is offered from an instant on: the run ends there.
    pub fn end_at(&mut self, end: Duration) {
        self.end = end.0;
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
                Kind::Resume => self.resume(due.index, due.number),
                Kind::ClientLimits => self.client_limits_due(due.index),
                Kind::CallLimits => self.call_limits_due(due.index),
                Kind::Timer => {
                    if HALTS && due.is_command() {
                        self.queue.put_back(due);
                        self.events -= 1;
                        return Halt::Command;
                    }
                    self.timer_due(due.index);
                }
                Kind::Retry => {
                    if self.ops[due.index as usize].resume == due.number {
                        self.attempt_later(due.index);
                    }
                }
                Kind::UserReady => self.user_ready(due.index),
                Kind::Request => self.arrive(due.index),
                Kind::Reply => self.arrive_back(due.index),
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
        self.queue.put_back(due);
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
            node.pool_at_warmup = node.pool;
            if let stations::node::Body::Service(service) = &mut node.body
                && let Some(cache) = &mut service.cache
            {
                cache.at_warmup = cache.counts;
            }
            for instance in &mut node.instances {
                instance.areas_at_warmup = instance.areas_at(now);
            }
        }
        let unsent = self.unsent();
        for (link, (messages, bytes)) in self.links.iter_mut().zip(unsent) {
            link.messages_at_warmup = link.messages.saturating_sub(messages);
            link.bytes_at_warmup = link.bytes.saturating_sub(bytes);
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
        let counted = self.observers.results.iter_mut().flat_map(|counted| {
            let failed = std::iter::once(&mut counted.failed_response);
            counted.response.iter_mut().chain(failed)
        });
        nodes.chain(counted)
    }

    /// From now on remembers what operations do, for [`Self::take_told`]; whoever asks for it has to take it, too.
    pub fn tell_operations(&mut self) {
        self.observers.operations = Some(Vec::new());
    }

    /// Nobody asks any more.
    pub fn tell_no_operations(&mut self) {
        self.observers.operations = None;
    }

    /// What operations did since the last call, for [`Self::by_clients`]; `into` is emptied and filled, so that memory is
    /// used again.
    pub fn take_told(&mut self, into: &mut Vec<Told>) {
        into.iter_mut().for_each(Told::clear);
        if let Some(told) = &mut self.observers.operations {
            std::mem::swap(told, into);
        }
    }

    /// What was told, with the names of those whose operations these are.
    pub fn by_clients<'a>(&'a self, told: &'a [Told]) -> impl Iterator<Item = (&'a str, &'a Told)> {
        let nodes = self.nodes.iter().map(|node| node.name.as_str());
        nodes.zip(told).filter(|(_, told)| !told.is_empty())
    }

    /// Operations that have started and not ended, by their clients, without logins that others wait for.
    pub fn operations_in_flight(&self) -> BTreeMap<String, u32> {
        let mut in_flight = BTreeMap::new();
        for op in self.ops.iter().filter(|op| op.active && !op.forced) {
            let name = &self.nodes[op.client as usize].name;
            match in_flight.get_mut(name) {
                Some(count) => *count += 1,
                None => drop(in_flight.insert(name.clone(), 1)),
            }
        }
        in_flight
    }
}
