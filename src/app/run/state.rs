//! What every panel is given to draw from.

use std::collections::BTreeMap;
use std::path::Path;

use crate::app::action::Selection;
use crate::app::run::history::History;
use crate::app::run::measure::Measure;
use crate::app::run::notices::Notices;
use crate::app::run::readings::Readings;
use crate::app::run::runner::Promise;
use crate::model::check::Problem;
use crate::model::toggles::Remembered;
use crate::model::{Command, Timed, Topology};
use crate::sim::figures::Figures;
use crate::sim::snapshot::{FaultView, Interval, NodeView, Snapshot};
use crate::units::Duration;

/// The window's state as panels see it: nothing here can be changed by them.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The document.
    pub topology: &'a Topology,
    /// Its file, once it has one.
    pub file: Option<&'a Path>,
    /// The running system at its latest instant.
    pub snapshot: &'a Snapshot,
    /// The same, smoothed for reading.
    pub readings: &'a Readings,
    /// What happened so far, for charts.
    pub history: &'a History,
    /// What is selected.
    pub selection: Option<&'a Selection>,
    /// Whether simulated time runs.
    pub playing: bool,
    /// Simulated seconds a second that were asked for.
    pub speed: f64,
    /// Those that were reached lately; `None` while it stands.
    pub speed_got: Option<f64>,
    /// The seed of this run.
    pub seed: u64,
    /// The instant that charts and inspector read; `None`: now.
    pub cursor: Option<Duration>,
    /// Losses whose tags were dismissed.
    pub dismissed: &'a Dismissed,
    /// The edit that is pointed at, for ghosts on the canvas.
    pub preview: &'a [Command],
    /// Why the document cannot be run as it is, in a sentence.
    pub problem: Option<&'a str>,
    /// What was written for choices of the toggles that are not in use.
    pub remembered: &'a Remembered,
    /// What each choice of the toggles would lose.
    pub measure: &'a Measure,
    /// What goes on without a command.
    pub notices: &'a Notices,
    /// What is probably not meant in the document, though it can be run.
    pub warnings: &'a [Problem],
    /// When the events of the document's scenario happen, in its order.
    pub schedule: &'a [Duration],
    /// What was done to this run from outside.
    pub recording: &'a [Timed],
    /// What is said of each promise so far.
    pub promises: &'a [Promise],
    /// The results so far; only while something is expected of them.
    pub results: Option<&'a Figures>,
}

/// Losses that were seen and dismissed, by node: what had been lost there by then.
pub type Dismissed = BTreeMap<String, Seen>;

/// What had been lost at a node when its tag was dismissed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Acknowledged writes.
    pub writes: u64,
    /// Sessions.
    pub sessions: u64,
    /// Writes and sessions of each instance, by number.
    pub instances: BTreeMap<u32, (u64, u64)>,
}

impl Seen {
    /// What a node has lost by now.
    pub fn of(node: &NodeView) -> Self {
        let instances = node.instances.iter();
        Self {
            writes: node.lost_writes,
            sessions: node.lost_sessions,
            instances: instances
                .map(|i| (i.number, (i.lost_writes, i.lost_sessions)))
                .collect(),
        }
    }
}

/// What a node has lost since its tag was last dismissed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Acknowledged writes.
    pub writes: u64,
    /// Sessions.
    pub sessions: u64,
    /// When, if all of it was one fault's doing.
    pub at: Option<Duration>,
}

impl View<'_> {
    /// Why the document cannot be run as it is, as it is told; none if it can.
    pub fn cannot_run(&self) -> Option<String> {
        let what = if self.snapshot.now > Duration(0) {
            "go on"
        } else {
            "run"
        };
        let problem = self.problem?;
        Some(format!("Cannot {what} yet: {problem}"))
    }

    /// The running system's view of a node; none before it has started there.
    pub fn node(&self, name: &str) -> Option<&NodeView> {
        self.snapshot.nodes.iter().find(|node| node.name == name)
    }

    /// The last moments as one interval: as long as the readings' memory.
    pub fn recent(&self) -> Option<Interval> {
        let speed = self.speed_got.unwrap_or(self.speed).clamp(0.1, 1000.0);
        self.history.latest(Duration::from_secs(2.5 * speed))
    }

    /// What hangs from a node's card: its loss that has not been dismissed. `node` is the node as it is shown.
    pub fn loss(&self, node: &NodeView) -> Option<Loss> {
        let seen = self.dismissed.get(&node.name);
        let (writes, sessions) = seen.map_or((0, 0), |seen| (seen.writes, seen.sessions));
        let (writes, sessions) = (
            node.lost_writes.saturating_sub(writes),
            node.lost_sessions.saturating_sub(sessions),
        );
        let all_of_it = |fault: &&FaultView| {
            let elsewhere = fault.command.node().is_some_and(|at| at != node.name);
            !elsewhere && (fault.lost_writes, fault.lost_sessions) == (writes, sessions)
        };
        let at = self.snapshot.faults.iter().rev().find(all_of_it);
        (writes > 0 || sessions > 0).then_some(Loss {
            writes,
            sessions,
            at: at.map(|fault| fault.at),
        })
    }
}
