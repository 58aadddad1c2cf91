//! A run and the twins of its faults: what each fault or change did is the difference from the same run without it.
//!
//! ```text
//!   run   ───────●──────────────●───────────▶     ● a fault: a clone is made just before it
//!   twin         └──────────────●──────▶ ✕          it is spared this one, gets every later one, and ends with the watch
//! ```
//!
//! Both draw the same numbers for the same operations, so what differs between them is the fault's doing.

use std::collections::BTreeMap;

use super::comparison::{STEP_NS, listens_from};
use super::comparisons::{Comparisons, Found, History};
use super::objectives::{self, NOT_YET, SO_FAR, Verdict};
use crate::model::check::{Problem, Severity, check};
use crate::model::scenario::watched_rows;
use crate::model::settings::{SettingError, to_ron};
use crate::model::workload::Arrivals;
use crate::model::{Command, Node, Objectives, Renaming, Sides, Timed, Topology};
use crate::sim::figures::{Figures, Plain};
use crate::sim::snapshot::{Interval, Recovery, Snapshot, Without};
use crate::sim::{Halt, Sim, Told, Watch};
use crate::units::{Duration, SECOND};

/// Twins that run at a time.
const TWINS_MAX: usize = 4;
/// A larger system gets no second one beside it, by the simulator's own count.
const TWIN_BYTES_MAX: usize = 256 << 20;
/// Changes that follow each other within this are one.
const ONE_CHANGE_NS: u64 = SECOND;
/// A restart that is planned within this of a fault is part of what is watched.
const RESTART_SOON_NS: u64 = 60 * SECOND;
/// Events between two looks at what operations did, so that what waits to be looked at stays small.
const EVENTS_AT_ONCE: u64 = 1 << 16;
/// From one look at a watch to the next. Run and twin take turns as often: longer turns find their data in the
/// processor's cache more often.
const LOOK_NS: u64 = 5 * STEP_NS;
/// Above this share of worker time a closed loop and its twin fall out of step for good.
const NEAR_SATURATION: f64 = 0.9;

/// The same system without a fault.
#[derive(Clone, Debug)]
struct Twin {
    sim: Sim,
    comparison: Comparisons,
    /// Since when the command's own work is over; `None` while it lasts.
    quiet_since: Option<u64>,
    /// A restart of what it struck is planned for then.
    restart_at: u64,
    /// Worker time held and available at each node when it began.
    began: BTreeMap<String, (u128, u128)>,
}

/// How far a row is.
#[derive(Clone, Debug)]
enum Watched {
    /// Its command has not come, or did nothing.
    Not,
    /// It takes an earlier change back, and is told with that.
    TakesBack,
    Open(Box<Twin>),
    Over {
        found: Found,
        rough: bool,
    },
    /// There was no twin, or not to the end.
    Cut {
        why: Recovery,
        caused: Option<i64>,
    },
}

/// A fault or a change, or several at one instant.
#[derive(Clone, Debug)]
struct Row {
    /// As planned; those that came from outside, as they came.
    commands: Vec<Command>,
    at: Option<u64>,
    last_at: u64,
    is_change: bool,
    /// Its accounts in the simulator.
    faults: Vec<usize>,
    /// The topology before it, if it changed that.
    before: Option<Topology>,
    watched: Watched,
}

impl Row {
    fn new(commands: Vec<Command>) -> Self {
        Self {
            is_change: commands.iter().all(Command::is_change),
            commands,
            at: None,
            last_at: 0,
            faults: Vec::new(),
            before: None,
            watched: Watched::Not,
        }
    }

    /// Whether nothing is left of it once the topology is again what it was: scaling may have moved or lost state.
    fn can_be_taken_back(&self) -> bool {
        self.commands.iter().all(Command::is_edit)
    }

    fn twin(&mut self) -> Option<&mut Twin> {
        match &mut self.watched {
            Watched::Open(twin) => Some(twin),
            _ => None,
        }
    }
}

/// What a track keeps beside the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeps {
    /// Twins of faults and changes.
    pub twins: bool,
    /// Intervals for charts; somebody has to take them.
    pub intervals: bool,
    /// Commands may come from outside at any moment.
    pub live: bool,
}

impl Keeps {
    /// For a run of a scenario to its end.
    pub const SCENARIO: Self = Self {
        twins: true,
        intervals: false,
        live: false,
    };
    /// For a window.
    pub const LIVE: Self = Self {
        twins: true,
        intervals: true,
        live: true,
    };
}

/// A running system with the twins of its faults.
#[derive(Clone, Debug)]
pub struct Track {
    sim: Sim,
    keeps: Keeps,
    rows: Vec<Row>,
    /// By place in the scenario: the row.
    row_of: Vec<Option<usize>>,
    /// Watched commands of the scenario that have not come.
    to_come: usize,
    /// When restarts are planned, and their places in the scenario, in order.
    restarts: Vec<(u64, usize)>,
    before: History,
    told: Vec<Told>,
    /// The run stands at an instant at which twins have to catch up with it; whether a command is next.
    meeting: Option<bool>,
    watched_ns: u64,
    /// From when on operations are listened to.
    listens_from: u64,
}

impl Track {
    /// The topology at time 0. It must have passed its check without errors.
    pub fn new(topology: &Topology, seed: u64, keeps: Keeps) -> Self {
        let watch = Watch {
            live: keeps.intervals,
        };
        let mut sim = Sim::new(topology, seed, watch);
        if !keeps.live {
            sim.end_at(topology.duration);
        }
        let groups = watched_rows(&topology.scenario);
        let mut row_of = vec![None; topology.scenario.len()];
        for (row, places) in groups.iter().enumerate() {
            for &place in places {
                row_of[place] = Some(row);
            }
        }
        let command = |place: &usize| topology.scenario[*place].command().clone();
        let rows = groups
            .iter()
            .map(|places| Row::new(places.iter().map(command).collect()))
            .collect();
        let to_come = row_of.iter().flatten().count();
        let planned = sim.planned().iter().zip(&row_of);
        let first = planned
            .filter_map(|(&at, row)| row.is_some().then_some(at))
            .min();
        let listens_from = match first {
            _ if !keeps.twins => u64::MAX,
            _ if keeps.live => 0,
            Some(first) => listens_from(first, least_rate(topology)),
            None => u64::MAX,
        };
        let restarts = restarts(&sim);
        Self {
            sim,
            keeps,
            rows,
            row_of,
            to_come,
            restarts,
            before: History::since(listens_from),
            told: Vec::new(),
            meeting: None,
            watched_ns: 0,
            listens_from,
        }
    }

    /// The running system.
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    /// Simulated time.
    pub fn now(&self) -> Duration {
        self.sim.now()
    }

    /// Bytes of memory that the run, its twins and what is compared of them hold, by the simulator's own count.
    pub fn size(&self) -> usize {
        let twins = self.rows.iter().filter_map(|row| match &row.watched {
            Watched::Open(twin) => Some(twin.sim.size() + twin.comparison.size()),
            _ => None,
        });
        self.sim.size() + twins.sum::<usize>() + self.rows.len() * size_of::<Row>()
    }

    /// Simulated time that twins have run, in nanoseconds.
    pub fn watched_ns(&self) -> u64 {
        self.watched_ns
    }

    /// Runs to `until`.
    pub fn run_until(&mut self, until: Duration) {
        while !self.run_some(until, u64::MAX) {}
    }

    /// Runs to `until`, twins too, but stops after about `events` events so that the caller can look around; true when
    /// `until` is reached.
    pub fn run_some(&mut self, until: Duration, events: u64) -> bool {
        let mut left = events;
        loop {
            if left == 0 {
                return false;
            }
            if self.meeting.is_none() {
                let mut until = until;
                if self.sim.now().0 < self.listens_from {
                    until = until.min(Duration(self.listens_from));
                } else if self.listens_from < u64::MAX {
                    self.listens_from = u64::MAX;
                    self.sim.tell_operations();
                }
                let stop = if self.watches() {
                    // Looked at at the same instants whatever the caller asks for.
                    until.min(Duration((self.sim.now().0 / LOOK_NS + 1) * LOOK_NS))
                } else {
                    until
                };
                let begun = self.sim.events();
                let halt = self.sim.run_to_command(stop, left.min(EVENTS_AT_ONCE));
                left = left.saturating_sub(self.sim.events() - begun);
                self.listen();
                match halt {
                    Halt::Budget => continue,
                    Halt::Reached => self.meeting = Some(false),
                    Halt::Command => self.meeting = Some(true),
                }
            }
            if !self.catch_up(&mut left) {
                return false;
            }
            if self.meeting.take() == Some(true) {
                self.next_command();
                continue;
            }
            // Not where the caller happens to stop: what is found must not depend on that.
            if self.sim.now().0.is_multiple_of(LOOK_NS) {
                self.look();
            }
            if self.to_come == 0 && !self.keeps.live && !self.watches() {
                self.sim.tell_no_operations();
            }
            if self.sim.now() >= until {
                return true;
            }
        }
    }

    fn watches(&self) -> bool {
        self.rows
            .iter()
            .any(|row| matches!(row.watched, Watched::Open(_)))
    }

    fn twins(&mut self) -> impl Iterator<Item = &mut Twin> {
        self.rows.iter_mut().filter_map(Row::twin)
    }

    /// Lets the twins run to where the run is; false if that takes more events than are left.
    fn catch_up(&mut self, left: &mut u64) -> bool {
        let now = self.sim.now();
        let mut told = std::mem::take(&mut self.told);
        let mut watched = 0;
        let mut done = true;
        for twin in self.rows.iter_mut().filter_map(Row::twin) {
            while done {
                let (begun, from) = (twin.sim.events(), twin.sim.now());
                let halt = twin.sim.run_to_command(now, (*left).min(EVENTS_AT_ONCE));
                *left = left.saturating_sub(twin.sim.events() - begun);
                watched += twin.sim.now().0 - from.0;
                twin.sim.take_told(&mut told);
                twin.comparison.take_in_there(&twin.sim, &told);
                if halt != Halt::Budget {
                    break;
                }
                done = *left > 0;
            }
        }
        self.told = told;
        self.watched_ns += watched;
        done
    }

    /// Takes in what operations did in the run.
    fn listen(&mut self) {
        let mut told = std::mem::take(&mut self.told);
        self.sim.take_told(&mut told);
        for twin in self.rows.iter_mut().filter_map(Row::twin) {
            twin.comparison.take_in_here(&self.sim, &told);
        }
        if self.keeps.live || self.to_come > 0 {
            self.before.take_in(&self.sim, &told);
        }
        self.told = told;
    }

    /// The scenario's next command, for the run and the twins.
    fn next_command(&mut self) {
        let row = self
            .sim
            .command_place()
            .and_then(|place| self.row_of.get(place).copied().flatten());
        let here = self.after_next();
        let Some(row) = row else {
            self.twins().for_each(|twin| {
                let can_be = here.as_ref().is_none_or(|here| here.can_be(&twin.sim));
                twin.sim.take_command(can_be);
            });
            self.sim.take_command(true);
            return;
        };
        self.to_come -= 1;
        let mut fork = self.fork(row);
        for (index, other) in self.rows.iter_mut().enumerate() {
            if let Some(twin) = other.twin() {
                let can_be = here.as_ref().is_none_or(|here| here.can_be(&twin.sim));
                twin.sim.take_command(index != row && can_be);
            }
        }
        if let Some(twin) = &mut fork {
            twin.take_command(false);
        }
        let (known, before) = (self.sim.faults(), self.topology_before(row));
        self.sim.take_command(true);
        self.begin_or_join(row, known, fork, before);
        if self.to_come == 0 && !self.keeps.live {
            self.before = History::default();
        }
    }

    /// The scenario's next command, if it is an edit and somebody else would have to follow it.
    fn after_next(&mut self) -> Option<Edit> {
        if !self.watches() {
            return None;
        }
        let place = self.sim.command_place()?;
        let command = self.sim.scenario().get(place)?.command();
        Edit::of(command, self.sim.topology())
    }

    /// Carries out a command now, and records it.
    ///
    /// # Errors
    /// What it names does not exist or cannot be so; then nothing has changed.
    pub fn apply(&mut self, command: &Command) -> Result<(), SettingError> {
        let now = self.sim.now();
        // All that is due now comes first, also commands of the scenario.
        while !self.run_some(now, u64::MAX) {}
        let edit = self
            .watches()
            .then(|| Edit::of(command, self.sim.topology()))
            .flatten();
        // What cannot be done there does nothing there.
        let follow = |twin: &mut Twin| {
            if edit.as_ref().is_none_or(|edit| edit.can_be(&twin.sim)) {
                let _ = twin.sim.apply(command);
            }
        };
        if !command.has_row() {
            self.sim.apply(command)?;
            self.twins().for_each(follow);
            return Ok(());
        }
        let joins = self.rows.len().checked_sub(1).filter(|&last| {
            let row = &self.rows[last];
            let from_outside = last >= self.row_of.iter().flatten().max().map_or(0, |&row| row + 1);
            let within = if row.is_change && command.is_change() {
                ONE_CHANGE_NS
            } else {
                0
            };
            from_outside && row.at.is_some() && now.0 <= row.last_at + within
        });
        let row = joins.unwrap_or_else(|| {
            self.rows.push(Row::new(Vec::new()));
            self.rows.len() - 1
        });
        let fork = self.fork(row);
        let (known, before) = (self.sim.faults(), self.topology_before(row));
        let done = self.sim.apply(command);
        let has_effect = self.sim.faults() > known;
        if joins.is_none() && !has_effect {
            self.rows.pop();
        }
        done?;
        for (index, other) in self.rows.iter_mut().enumerate() {
            if index != row
                && let Some(twin) = other.twin()
            {
                follow(twin);
            }
        }
        if has_effect {
            let here = &mut self.rows[row];
            here.is_change = command.is_change() && (here.at.is_none() || here.is_change);
            here.commands.push(command.clone());
            self.begin_or_join(row, known, fork, before);
        }
        Ok(())
    }

    /// Gives nodes other names, in the run and in all that is kept of it.
    pub fn rename(&mut self, names: &Renaming) {
        self.sim.rename(names);
        self.before.rename(names);
        for row in &mut self.rows {
            for command in &mut row.commands {
                names.command(command);
            }
            if let Some(before) = &mut row.before {
                names.topology(before);
            }
            if let Watched::Open(twin) = &mut row.watched {
                twin.sim.rename(names);
                twin.comparison.rename(names);
                names.keys(&mut twin.began);
            }
        }
    }

    /// What is still to come gives way to what lies ahead of now in this scenario, for the run and the twins; what has
    /// happened stays as it was.
    pub fn reschedule(&mut self, scenario: &[Timed]) {
        let now = self.sim.now();
        // All that is due now comes first.
        while !self.run_some(now, u64::MAX) {}
        let drawn = self.sim.drawn(scenario);
        let kept = self.sim.reschedule(&drawn);
        self.twins().for_each(|twin| {
            twin.sim.reschedule(&drawn);
        });

        let scenario = self.sim.scenario().to_vec();
        let known = std::mem::take(&mut self.row_of);
        let mut rows: Vec<Option<Row>> = std::mem::take(&mut self.rows)
            .into_iter()
            .map(Some)
            .collect();
        self.row_of = vec![None; scenario.len()];
        for places in watched_rows(&scenario) {
            let old = places.iter().find_map(|&place| known[*kept.get(place)?]);
            let commands = places
                .iter()
                .map(|&place| scenario[place].command().clone());
            let mut row = Row::new(commands.collect());
            if let Some(begun) = old.and_then(|old| rows[old].take()) {
                row = Row {
                    commands: row.commands,
                    ..begun
                };
            }
            for place in places {
                self.row_of[place] = Some(self.rows.len());
            }
            self.rows.push(row);
        }
        // Those that came from outside follow; what was only planned is forgotten.
        for planned in known.into_iter().flatten() {
            rows[planned] = None;
        }
        self.rows.extend(rows.into_iter().flatten());
        self.to_come = self.row_of[kept.len()..].iter().flatten().count();
        self.restarts = restarts(&self.sim);
        for row in 0..self.rows.len() {
            let restart = self.restart_of(row, self.rows[row].at.unwrap_or(0));
            if let Some(twin) = self.rows[row].twin() {
                twin.restart_at = restart;
            }
        }
    }

    /// A second one of the system as it is, for a row that has not begun, or that may turn out to do more than take back.
    fn fork(&mut self, row: usize) -> Option<Sim> {
        let begins = matches!(self.rows[row].watched, Watched::Not | Watched::TakesBack);
        let wanted = self.keeps.twins && begins;
        (wanted && self.sim.size() <= TWIN_BYTES_MAX).then(|| self.sim.twin())
    }

    fn topology_before(&self, row: usize) -> Option<Topology> {
        let row = &self.rows[row];
        let first = row.before.is_none() && row.can_be_taken_back();
        first.then(|| self.sim.topology().clone())
    }

    /// A command of a row has been carried out: the row begins with it, or goes on.
    fn begin_or_join(
        &mut self,
        row: usize,
        known: usize,
        fork: Option<Sim>,
        before: Option<Topology>,
    ) {
        if self.sim.faults() == known {
            return;
        }
        let now = self.sim.now().0;
        let here = &mut self.rows[row];
        here.faults.extend(known..self.sim.faults());
        here.last_at = now;
        if here.before.is_none() && here.can_be_taken_back() {
            here.before = before;
        }
        let takes_back = self.takes_back(row);
        let here = &mut self.rows[row];
        if let Watched::Open(twin) = &mut here.watched {
            let shares = asks_otherwise(&self.sim, &twin.sim);
            twin.comparison.compare_shares(shares);
            twin.quiet_since = None;
        }
        if !matches!(here.watched, Watched::Not | Watched::TakesBack) {
            return;
        }
        here.at = Some(now);
        let watched = if takes_back {
            Watched::TakesBack
        } else {
            self.watch(row, now, fork)
        };
        self.rows[row].watched = watched;
    }

    /// Whether a row's edits only restore what an earlier one found. Fewer instances than before are never only that:
    /// what they held had to go somewhere.
    fn takes_back(&self, row: usize) -> bool {
        let now = self.sim.topology();
        let scales_in = |before: &Topology| {
            before.nodes.iter().any(|(name, node)| match node {
                Node::Service(_) => now
                    .nodes
                    .get(name)
                    .is_some_and(|n| n.members() < node.members()),
                _ => false,
            })
        };
        let row = &self.rows[row];
        let before = row.before.as_ref().filter(|_| row.can_be_taken_back());
        before.is_some_and(|before| !scales_in(before))
            && self.rows.iter().any(|row| row.before.as_ref() == Some(now))
    }

    /// What becomes of the clone that was made before a row began.
    fn watch(&mut self, row: usize, now: u64, fork: Option<Sim>) -> Watched {
        match fork {
            Some(twin) if self.make_room(row) => {
                let shares = asks_otherwise(&self.sim, &twin);
                Watched::Open(Box::new(Twin {
                    comparison: Comparisons::new(
                        now,
                        &self.before,
                        &twin,
                        shares,
                        is_closed(&twin),
                    ),
                    quiet_since: None,
                    restart_at: self.restart_of(row, now),
                    began: worker_time(&twin),
                    sim: twin,
                }))
            }
            Some(_) => Watched::Cut {
                why: Recovery::NotWatchedToTheEnd,
                caused: None,
            },
            None => Watched::Cut {
                why: Recovery::NoTwin,
                caused: None,
            },
        }
    }

    /// At most so many twins run: the oldest goes, but a change never takes the place of a fault. False if there is none.
    fn make_room(&mut self, row: usize) -> bool {
        let open = |row: &Row| matches!(row.watched, Watched::Open(_));
        if self.rows.iter().filter(|row| open(row)).count() < TWINS_MAX {
            return true;
        }
        let only_changes = self.rows[row].is_change;
        let oldest = self
            .rows
            .iter_mut()
            .filter(|row| open(row) && (row.is_change || !only_changes))
            .min_by_key(|row| row.at);
        let Some(oldest) = oldest else { return false };
        let caused = oldest.twin().map(|twin| twin.comparison.caused_so_far());
        oldest.watched = Watched::Cut {
            why: Recovery::NotWatchedToTheEnd,
            caused,
        };
        true
    }

    /// The last planned end, soon after `now`, of what a row strikes: a restart, a resume, or a heal.
    fn restart_of(&self, row: usize, now: u64) -> u64 {
        let commands = &self.rows[row].commands;
        let struck = |wanted: (&str, u32)| {
            commands.iter().any(|command| match command {
                Command::LoseZone(zone) => {
                    let node = self.sim.topology().nodes.get(wanted.0);
                    node.is_some_and(|node| node.zone(wanted.1) == Some(zone))
                }
                other => other.instance() == Some(wanted),
            })
        };
        let parted = |healed: &Sides| {
            let mut begun = commands.iter().filter_map(Command::sides);
            begun.any(|sides| sides == healed || *sides == healed.reversed())
        };
        let soon = now..=now.saturating_add(RESTART_SOON_NS);
        let first = self.restarts.partition_point(|(at, _)| at < soon.start());
        let planned = self.restarts[first..]
            .iter()
            .take_while(|(at, _)| soon.contains(at));
        planned
            .filter(|(_, place)| match self.sim.scenario()[*place].command() {
                Command::Restart(node, number) | Command::Resume(node, number) => {
                    struck((node, *number))
                }
                Command::Heal(sides) => parted(sides),
                _ => false,
            })
            .map(|(at, _)| *at)
            .max()
            .unwrap_or(0)
    }

    /// Compares what can be compared by now.
    fn look(&mut self) {
        let now = self.sim.now().0;
        for row in &mut self.rows {
            let Watched::Open(twin) = &mut row.watched else {
                continue;
            };
            let soon = row.at.unwrap_or(0) + RESTART_SOON_NS;
            let works = now < twin.restart_at
                || row
                    .faults
                    .iter()
                    .any(|&fault| self.sim.is_at_work(fault, soon));
            if works {
                twin.quiet_since = None;
            } else if twin.quiet_since.is_none() {
                twin.quiet_since = Some(now);
            }
            if let Some(found) = twin.comparison.advance(now, twin.quiet_since) {
                let rough = twin.is_rough();
                row.watched = Watched::Over { found, rough };
            }
        }
    }

    /// What is shown of the system, with what each fault did.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.sim.snapshot();
        for row in &self.rows {
            let (recovery, caused) = match &row.watched {
                Watched::Not | Watched::TakesBack => (None, None),
                Watched::Open(twin) => (
                    Some(Recovery::Watching),
                    Some(twin.comparison.caused_so_far()),
                ),
                Watched::Over { found, .. } => (Some(found.recovery), Some(found.caused)),
                Watched::Cut { why, caused } => (Some(*why), *caused),
            };
            for &fault in &row.faults {
                if let Some(view) = snapshot.faults.get_mut(fault) {
                    view.recovery = recovery;
                    view.caused = caused;
                }
            }
        }
        snapshot
    }

    /// What happened since the last call (or the start), for charts, with what would have happened without the latest
    /// fault while that is watched. Needs [`Keeps::intervals`].
    pub fn take_interval(&mut self) -> Interval {
        let mut events = u64::MAX;
        self.catch_up(&mut events);
        let mut interval = self.sim.take_interval();
        let mut latest = None;
        for row in &mut self.rows {
            let at = row.at;
            if let Some(twin) = row.twin() {
                let without = twin.sim.take_interval();
                if latest.as_ref().is_none_or(|(known, _)| *known <= at) {
                    latest = Some((at, without));
                }
            }
        }
        interval.without = latest.map(|(at, without)| Without {
            since: Duration(at.unwrap_or(0)),
            completed: without.completed + without.retried,
            percentiles: without.percentiles,
        });
        interval
    }

    /// The results as if the run ended now, but for `simulation` and what replications decide.
    pub fn results(&self) -> Figures {
        let mut figures = self.sim.results();
        if let Figures::Group(parts) = &mut figures {
            let at = parts
                .iter()
                .position(|(name, _)| name == "nodes")
                .unwrap_or(parts.len());
            parts.insert(at, ("recovery".to_owned(), self.recovery_figures(true)));
        }
        figures
    }

    /// What each objective of the topology, as it is now, says of the run so far.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let objectives = &self.sim.topology().objectives;
        if *objectives == Objectives::default() {
            return Vec::new();
        }
        let mut parts = self.sim.totals();
        parts.push(("recovery".to_owned(), self.recovery_figures(false)));
        objectives::verdicts(&Figures::Group(parts), objectives)
    }

    /// What is still watched is told as if the run `ended` now, or as not decided yet.
    fn recovery_figures(&self, ended: bool) -> Figures {
        let faults = self.sim.fault_views();
        let (now, end) = (self.sim.now().0, self.sim.topology().duration.0);
        // What is looked at in the middle of a live run is told as if that was all of it.
        let is_cut = ended && !self.keeps.live;
        let is_ahead = |row: usize| {
            let mut planned = self.sim.planned().iter().zip(&self.row_of);
            planned.any(|(&at, of)| *of == Some(row) && now < at && at <= end)
        };
        let rows = self.rows.iter().enumerate().map(|(index, row)| {
            let mine = || row.faults.iter().filter_map(|&fault| faults.get(fault));
            let happened = row.at.is_some();
            let sum = |count: fn(&crate::sim::snapshot::FaultView) -> u64| {
                Figures::Figure(happened.then(|| mine().map(count).sum::<u64>() as f64))
            };
            let (recovery, caused, rough) = match &row.watched {
                Watched::Not | Watched::TakesBack => (None, None, false),
                Watched::Open(twin) => {
                    let found = twin.comparison.at_end(self.sim.now().0);
                    (Some(found.recovery), Some(found.caused), twin.is_rough())
                }
                Watched::Over { found, rough } => {
                    (Some(found.recovery), Some(found.caused), *rough)
                }
                Watched::Cut { why, caused } => (Some(*why), *caused, false),
            };
            let (time, recovered) = match recovery {
                Some(Recovery::After(after)) => (Some(after.secs()), Some(1.0)),
                Some(Recovery::NotByTheEnd) => (None, Some(0.0)),
                _ => (None, None),
            };
            let detected = mine().filter_map(|fault| fault.detected).min();
            let commands: Vec<String> = row.commands.iter().map(to_ron).collect();
            let at = row
                .at
                .map_or(Plain::Null, |at| Plain::Number(at as f64 / 1e9));
            let watch = match (&row.watched, recovery) {
                (Watched::Not, _) if is_cut && is_ahead(index) => "still_ahead",
                (Watched::Not, _) => "did_not_happen",
                (Watched::TakesBack, _) => "takes_back",
                (Watched::Open(_), Some(Recovery::NotByTheEnd | Recovery::TooNearTheEnd))
                    if !ended =>
                {
                    NOT_YET
                }
                (_, Some(Recovery::NotByTheEnd)) => "not_recovered_by_the_end",
                (_, Some(Recovery::TooNearTheEnd)) => "too_near_the_end",
                (_, Some(Recovery::NotWatchedToTheEnd)) => "not_watched_to_the_end",
                (_, Some(Recovery::NoTwin)) => "no_twin",
                _ => "recovered",
            };
            // What was known when the run ended, or is by now.
            let so_far = match (&row.watched, recovery) {
                (Watched::Open(twin), Some(Recovery::TooNearTheEnd | Recovery::NotByTheEnd)) => {
                    Some(twin.comparison.not_recovered_for(self.sim.now().0).secs())
                }
                _ => None,
            };
            Figures::group([
                ("fault", Figures::text(commands.join("; "))),
                ("at_s", Figures::Plain(at)),
                ("change", Figures::Plain(Plain::Flag(row.is_change))),
                ("detected_s", Figures::Figure(detected.map(Duration::secs))),
                ("recovery_time_s", Figures::Figure(time)),
                ("recovered", Figures::Figure(recovered)),
                (SO_FAR, Figures::Figure(so_far)),
                (
                    "watch",
                    Figures::Group(vec![(watch.to_owned(), Figures::count(1))]),
                ),
                (
                    "rough",
                    Figures::Figure(recovered.map(|_| f64::from(u8::from(rough)))),
                ),
                ("lost_writes", sum(|fault| fault.lost_writes)),
                ("lost_sessions", sum(|fault| fault.lost_sessions)),
                (
                    "failed_operations",
                    Figures::Figure(caused.map(|caused| caused as f64)),
                ),
                ("failed_met", sum(|fault| fault.failed_met)),
                (
                    "failed_sent_after_detection",
                    sum(|fault| fault.failed_sent_after_detection),
                ),
                (
                    "called_off",
                    sum(|fault| u64::from(fault.called_off.is_some())),
                ),
            ])
        });
        Figures::List(rows.collect())
    }
}

/// An edit that twins are to follow, and what is wrong with the run's topology after it.
struct Edit {
    command: Command,
    wrong: Vec<Problem>,
}

impl Edit {
    /// `None` for what is no edit, or cannot be made.
    fn of(command: &Command, topology: &Topology) -> Option<Self> {
        command.is_edit().then_some(())?;
        Some(Self {
            command: command.clone(),
            wrong: wrong_after(command, topology)?,
        })
    }

    /// Whether it leads to nothing in a twin that could not run, unless it does so in the run as well: a store that the run
    /// does not need any more is not taken away where it still is.
    fn can_be(&self, twin: &Sim) -> bool {
        let there = wrong_after(&self.command, twin.topology());
        there.is_none_or(|there| there.iter().all(|problem| self.wrong.contains(problem)))
    }
}

/// Why a topology could not run after an edit; whether it could bear its load is not asked.
fn wrong_after(command: &Command, topology: &Topology) -> Option<Vec<Problem>> {
    let mut after = topology.clone();
    after.apply(command).ok()?;
    after.duration = Duration(1);
    let mut problems = check(&after);
    problems.retain(|problem| problem.severity == Severity::Error);
    Some(problems)
}

impl Twin {
    /// A closed loop near saturation goes on as chance has it: nothing brings it and its twin into step again.
    fn is_rough(&self) -> bool {
        // By name: an edit may have taken nodes away, and one that came again counts from 0.
        let since = |now: u128, began: u128| now.saturating_sub(began) as f64;
        let busiest = worker_time(&self.sim)
            .iter()
            .map(|(name, now)| {
                let began = self.began.get(name).copied().unwrap_or_default();
                (since(now.0, began.0), since(now.1, began.1))
            })
            .filter(|(_, capacity)| *capacity > 0.0)
            .map(|(busy, capacity)| busy / capacity)
            .fold(0.0, f64::max);
        is_closed(&self.sim) && busiest > NEAR_SATURATION
    }
}

/// Whether there are users that wait for an answer before they ask again.
fn is_closed(sim: &Sim) -> bool {
    sim.topology().nodes.values().any(|node| {
        matches!(node, Node::Clients(clients) if matches!(clients.arrivals, Arrivals::Closed(_)))
    })
}

/// Worker time held and available at each node so far.
fn worker_time(sim: &Sim) -> BTreeMap<String, (u128, u128)> {
    sim.worker_time()
        .map(|(name, busy, available)| (name.to_owned(), (busy, available)))
        .collect()
}

/// Places of planned restarts in a run's scenario, by when they come.
fn restarts(sim: &Sim) -> Vec<(u64, usize)> {
    let planned = sim.planned().iter().zip(sim.scenario()).zip(0..);
    let mut restarts: Vec<(u64, usize)> = planned
        .filter(|((_, timed), _)| {
            matches!(
                timed.command(),
                Command::Restart(..) | Command::Resume(..) | Command::Heal(_)
            )
        })
        .map(|((&at, _), place)| (at, place))
        .collect();
    restarts.sort_unstable();
    restarts
}

/// Whether clients ask for other things in one than in the other.
fn asks_otherwise(one: &Sim, other: &Sim) -> bool {
    fn clients(sim: &Sim) -> impl Iterator<Item = (&String, &Node)> {
        let nodes = sim.topology().nodes.iter();
        nodes.filter(|(_, node)| matches!(node, Node::Clients(_)))
    }
    !clients(one).eq(clients(other))
}

/// Operations that those clients that ask least start a second without waiting for an answer; 0 where some wait.
fn least_rate(topology: &Topology) -> f64 {
    let rates = topology.nodes.values().filter_map(|node| match node {
        Node::Clients(clients) => Some(match &clients.arrivals {
            Arrivals::Poisson(rate) | Arrivals::Steady(rate) => rate.0,
            Arrivals::Closed(_) => 0.0,
        }),
        _ => None,
    });
    rates.reduce(f64::min).unwrap_or(0.0)
}
