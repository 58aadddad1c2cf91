//! What happens: the discrete-event simulator.

pub mod figures;
pub mod snapshot;

use crate::model::settings::SettingError;
use crate::model::{Command, Timed, Topology};
use crate::units::Duration;
use figures::Figures;
use snapshot::{Interval, Snapshot};

/// What is computed besides counts, because it costs time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Recovery after faults, and intervals for charts.
    pub live: bool,
}

/// A running system. Cloned at any moment and run on, it gives the same bytes as the one it was cloned from.
#[derive(Clone, Debug)]
pub struct Sim {
    topology: Topology,
    now: Duration,
    recording: Vec<Timed>,
}

impl Sim {
    /// The topology at time 0, not started. The topology must have passed `model::check` without errors.
    pub fn new(topology: &Topology, seed: u64, _watch: Watch) -> Self {
        let _ = seed;
        Self {
            topology: topology.clone(),
            now: Duration(0),
            recording: Vec::new(),
        }
    }

    /// Simulated time.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// Handles every event up to and including `until`, then stands at `until`.
    pub fn run_until(&mut self, until: Duration) {
        self.now = until;
    }

    /// The same, but stops after `events` events so that the caller can look around; true when `until` is reached.
    pub fn run_some(&mut self, until: Duration, _events: u64) -> bool {
        self.run_until(until);
        true
    }

    /// Carries out a command now, and records it.
    ///
    /// # Errors
    /// What it names does not exist or cannot be so; then nothing has changed.
    pub fn apply(&mut self, command: &Command) -> Result<(), SettingError> {
        self.topology.apply(command)?;
        self.recording.push(Timed::At(self.now, command.clone()));
        Ok(())
    }

    /// The topology as it is now, edits included.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// What was applied from outside so far, with its time: replayed as a scenario it gives the same bytes.
    pub fn recording(&self) -> &[Timed] {
        &self.recording
    }

    /// The system as it is now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            now: self.now,
            ..Snapshot::default()
        }
    }

    /// What happened since the last call (or the start), for charts. Needs `Watch::live`.
    pub fn take_interval(&mut self) -> Interval {
        Interval {
            to: self.now,
            ..Interval::default()
        }
    }

    /// The results as if the run ended now, but for `simulation` and what replications decide.
    pub fn results(&self) -> Figures {
        Figures::Group(Vec::new())
    }
}
