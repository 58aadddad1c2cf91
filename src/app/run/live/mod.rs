//! The document and the running system together: edits go to both, faults to the system alone.

mod edits;
mod following;
mod messages;
mod runs;
#[cfg(test)]
mod tests;

use std::sync::{Arc, mpsc};

use crate::analysis::Estimate;
use crate::analysis::jobs::Pool;
use crate::app::action::{Action, Selection};
use crate::app::document::{Document, session_as_scenario};
use crate::app::run::history::History;
use crate::app::run::meant::service;
use crate::app::run::measure::{Asked, Measure};
use crate::app::run::notices::Notices;
use crate::app::run::readings::Readings;
use crate::app::run::runner::{Latest, Order, Runner};
use crate::app::run::state::{Dismissed, Seen, View};
use crate::app::widgets::Toast;
use crate::app::words::problems;
use crate::model::check::Problem;
use crate::model::{Command, Node, Renaming, Topology};
use crate::sim::figures::Figures;
use crate::units::Duration;
use messages::ToldChange;
use runs::Aside;

/// What the action of a message does.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// An action of the window.
    Do(Action),
    /// Shows a longer text.
    Details(String),
}

/// A document, the system that runs it, and what is shown of both.
#[derive(Debug)]
pub struct Live {
    document: Document,
    runner: Runner,
    /// Number of the current run.
    run: u64,
    /// How often nodes of the running system have got other names.
    renamed: u64,
    latest: Arc<Latest>,
    /// The document as it was when this run started.
    at_reset: Topology,
    /// What the running system has by now.
    running: Topology,
    /// Why the document cannot be run as it is.
    problem: Option<String>,
    /// The run stands only because of that, and goes on once the document can be run again.
    held: bool,
    /// What is probably not meant in it.
    warnings: Vec<Problem>,
    history: History,
    notices: Notices,
    readings: Readings,
    selection: Option<Selection>,
    speed: f64,
    cursor: Option<Duration>,
    dismissed: Dismissed,
    preview: Vec<Command>,
    /// The failure that was told already.
    told: Option<String>,
    /// The run before the last reset.
    aside: Option<Aside>,
    /// The last change of the document that went to the running system, as it was told.
    told_change: Option<ToldChange>,
    measure: Measure,
    /// Does all that is simulated beside the run.
    pool: Pool,
    /// When the events of the document's scenario happen.
    schedule: Vec<Duration>,
    /// Whether the runner was told to make results.
    wants_results: bool,
    /// Messages for the shell to show.
    messages: Vec<Toast<Answer>>,
    /// Names that nodes of the document have got, for whoever keeps something by name.
    renamings: Vec<Renaming>,
}

impl Live {
    /// With an empty document.
    pub fn new(runner: Runner) -> Self {
        let mut live = Self {
            document: Document::default(),
            runner,
            run: 0,
            renamed: 0,
            latest: Arc::default(),
            at_reset: Topology::default(),
            running: Topology::default(),
            problem: None,
            held: false,
            warnings: Vec::new(),
            history: History::default(),
            notices: Notices::default(),
            readings: Readings::default(),
            selection: None,
            speed: 1.0,
            cursor: None,
            dismissed: Dismissed::default(),
            preview: Vec::new(),
            told: None,
            aside: None,
            told_change: None,
            measure: Measure::default(),
            pool: Pool::beside_a_run(),
            schedule: Vec::new(),
            wants_results: false,
            messages: Vec::new(),
            renamings: Vec::new(),
        };
        live.start();
        live
    }

    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The same, for saving.
    pub fn document_mut(&mut self) -> &mut Document {
        &mut self.document
    }

    /// Takes another document, stopped at time 0, with the service selected whose toggles one comes for.
    pub fn open(&mut self, document: Document) {
        self.document = document;
        self.selection = None;
        self.selection = service(&self.view()).map(Selection::Node);
        self.preview.clear();
        self.aside = None;
        self.runner.order(Order::Forget);
        self.start();
    }

    /// What panels draw from.
    pub fn view(&self) -> View<'_> {
        View {
            topology: self.document.topology(),
            file: self.document.path(),
            snapshot: &self.latest.snapshot,
            readings: &self.readings,
            history: &self.history,
            selection: self.selection.as_ref(),
            playing: self.latest.playing,
            speed: self.speed,
            speed_got: self.latest.speed_got,
            seed: self.document.topology().seed,
            cursor: self.cursor,
            dismissed: &self.dismissed,
            preview: &self.preview,
            problem: self.problem.as_deref(),
            remembered: self.document.remembered(),
            measure: &self.measure,
            notices: &self.notices,
            warnings: &self.warnings,
            schedule: &self.schedule,
            recording: &self.latest.recording,
            promises: &self.latest.promises,
            results: self.latest.results.as_deref(),
        }
    }

    /// Whether this run is another than that of the document it began with.
    pub fn has_recording(&self) -> bool {
        !self.latest.recording.is_empty() || *self.latest.scenario != self.at_reset.scenario
    }

    /// Asks the running system for its results so far; nothing comes where nothing runs.
    pub fn take_results(&mut self) -> mpsc::Receiver<Figures<Estimate>> {
        let (answer, results) = mpsc::channel();
        self.runner.order(Order::Take(answer));
        results
    }

    /// This run so far as a scenario: replays to the same bytes.
    pub fn session(&self) -> Topology {
        let Latest {
            scenario,
            recording,
            snapshot,
            ..
        } = &*self.latest;
        session_as_scenario(&self.at_reset, scenario, recording, snapshot.now)
    }

    /// Messages since the last call.
    pub fn take_messages(&mut self) -> Vec<Toast<Answer>> {
        std::mem::take(&mut self.messages)
    }

    /// Names that nodes of the document have got since the last call.
    pub fn take_renamings(&mut self) -> Vec<Renaming> {
        std::mem::take(&mut self.renamings)
    }

    /// Takes in what the running system has done; once a frame. `now` and `passed` are real seconds.
    pub fn tick(&mut self, now: f64, passed: f64) {
        self.runner.advance(passed);
        let latest = self.runner.latest();
        if latest.run != self.run || latest.renamed != self.renamed {
            // The thread has not begun the new run yet, or not got the new names: the old picture stays for a moment.
            return;
        }
        self.latest = latest;
        for interval in self.runner.take_intervals(self.run) {
            self.history.push(interval);
        }
        self.history.remember(&self.latest.snapshot);
        self.readings.update(&self.latest.snapshot, now);
        self.notices.update(&self.latest.snapshot, &self.running);
        self.tell_dropped();
        for refusal in self.runner.take_refusals() {
            let why = problems::refusal(&refusal.error, self.document.topology());
            let text = format!("Not carried out: {why}");
            self.messages
                .push(Toast::error(text).with_action("Reset", Answer::Do(Action::Reset)));
        }
        if let Some(failure) = self.latest.failure.clone().filter(|_| self.told.is_none()) {
            let short = "The simulation failed. The document is unharmed.";
            self.messages
                .push(Toast::error(short).with_action("Show", Answer::Details(failure.clone())));
            self.told = Some(failure);
        }
        if self.latest.full.is_some() && self.told.is_none() {
            self.tell_full();
        }
    }

    /// Has measured in the background what the choices of the toggles would lose; once a frame.
    pub fn measure(&mut self, ctx: &egui::Context) {
        if self.problem.is_some() || self.latest.run != self.run {
            return;
        }
        let topology = self.document.topology();
        let selected = self.selection.as_ref().and_then(Selection::node);
        let is_service = |name: &&str| matches!(topology.nodes.get(*name), Some(Node::Service(_)));
        let asked = Asked {
            topology,
            remembered: self.document.remembered(),
            service: selected.filter(is_service),
            run: self.run,
            snapshot: &self.latest.snapshot,
            playing: self.latest.playing,
        };
        let runner = &mut self.runner;
        self.measure.update(ctx, &self.pool, &asked, || {
            let (answer, copy) = mpsc::channel();
            runner.order(Order::Copy(answer));
            copy
        });
    }

    /// Selects one thing, several nodes, or nothing.
    pub fn select(&mut self, selection: Option<Selection>) {
        self.selection = selection;
    }

    /// Selects every node.
    pub fn select_all(&mut self) {
        let names = self.document.topology().nodes.keys().cloned();
        self.selection = Selection::of(names.collect());
    }

    /// Takes away the tag with the loss of this node, until it loses more.
    pub fn dismiss_loss(&mut self, name: &str) {
        if let Some(seen) = self.view().node(name).map(Seen::of) {
            self.dismissed.insert(name.to_owned(), seen);
        }
    }

    /// The instant that charts and inspector read; `None`: now.
    pub fn set_cursor(&mut self, cursor: Option<Duration>) {
        self.cursor = cursor;
    }

    /// The edit that is pointed at, for this frame.
    pub fn preview(&mut self, commands: Vec<Command>) {
        self.preview = commands;
    }

    /// Forgets what was pointed at; before the panels of a frame say what is.
    pub fn clear_preview(&mut self) {
        self.preview.clear();
    }
}
