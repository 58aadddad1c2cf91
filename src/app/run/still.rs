//! What is seen at one instant, whole: it can be drawn on another thread while the system goes on.

use crate::app::run::history::History;
use crate::app::run::measure::Measure;
use crate::app::run::notices::Notices;
use crate::app::run::readings::Readings;
use crate::app::run::runner::Promise;
use crate::app::run::state::{Dismissed, View};
use crate::model::toggles::Remembered;
use crate::model::{Timed, Topology};
use crate::sim::snapshot::Snapshot;
use crate::units::Duration;

/// A view that holds what another borrows; nothing is selected or pointed at in it.
#[derive(Debug, Default)]
pub struct Still {
    topology: Topology,
    snapshot: Snapshot,
    readings: Readings,
    history: History,
    playing: bool,
    seed: u64,
    speed: f64,
    speed_got: Option<f64>,
    dismissed: Dismissed,
    notices: Notices,
    schedule: Vec<Duration>,
    recording: Vec<Timed>,
    promises: Vec<Promise>,
    measure: Measure,
    remembered: Remembered,
}

impl Still {
    /// A topology before it runs, without any figures.
    pub fn before(topology: &Topology) -> Self {
        Self {
            topology: topology.clone(),
            seed: topology.seed,
            speed: 1.0,
            ..Self::default()
        }
    }

    /// What a view shows now.
    pub fn of(view: &View) -> Self {
        Self {
            topology: view.topology.clone(),
            snapshot: view.snapshot.clone(),
            readings: view.readings.clone(),
            history: view.history.clone(),
            playing: view.playing,
            seed: view.seed,
            speed: view.speed,
            speed_got: view.speed_got,
            dismissed: view.dismissed.clone(),
            notices: view.notices.clone(),
            schedule: view.schedule.to_vec(),
            recording: view.recording.to_vec(),
            promises: view.promises.to_vec(),
            measure: Measure::default(),
            remembered: Remembered::default(),
        }
    }

    /// To draw from.
    pub fn view(&self) -> View<'_> {
        View {
            topology: &self.topology,
            file: None,
            snapshot: &self.snapshot,
            readings: &self.readings,
            history: &self.history,
            selection: None,
            playing: self.playing,
            speed: self.speed,
            speed_got: self.speed_got,
            seed: self.seed,
            cursor: None,
            dismissed: &self.dismissed,
            preview: &[],
            problem: None,
            remembered: &self.remembered,
            measure: &self.measure,
            notices: &self.notices,
            warnings: &[],
            schedule: &self.schedule,
            recording: &self.recording,
            promises: &self.promises,
            results: None,
        }
    }
}
