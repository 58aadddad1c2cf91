//! What every panel is given to draw from.

use std::collections::BTreeMap;

use super::action::Selection;
use super::history::History;
use super::readings::Readings;
use crate::model::{Command, Topology};
use crate::sim::snapshot::{NodeView, Snapshot};
use crate::units::Duration;

/// The window's state as panels see it: nothing here can be changed by them.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The document.
    pub topology: &'a Topology,
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
}

/// Losses that were seen and dismissed: by node, the writes and sessions lost there by then.
pub type Dismissed = BTreeMap<String, (u64, u64)>;

/// What a node has lost since its tag was last dismissed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Acknowledged writes.
    pub writes: u64,
    /// Sessions.
    pub sessions: u64,
    /// When, if it was a fault's doing: the latest one here that lost something.
    pub at: Option<Duration>,
}

impl View<'_> {
    /// The running system's view of a node; none before it has started there.
    pub fn node(&self, name: &str) -> Option<&NodeView> {
        self.snapshot.nodes.iter().find(|node| node.name == name)
    }

    /// What hangs from a node's card: its loss that has not been dismissed.
    pub fn loss(&self, name: &str) -> Option<Loss> {
        let node = self.node(name)?;
        let (writes, sessions) = self.dismissed.get(name).copied().unwrap_or_default();
        let loss = Loss {
            writes: node.lost_writes.saturating_sub(writes),
            sessions: node.lost_sessions.saturating_sub(sessions),
            at: self
                .snapshot
                .faults
                .iter()
                .rev()
                .find(|fault| {
                    fault.command.node() == Some(name)
                        && (fault.lost_writes > 0 || fault.lost_sessions > 0)
                })
                .map(|fault| fault.at),
        };
        (loss.writes > 0 || loss.sessions > 0).then_some(loss)
    }
}
