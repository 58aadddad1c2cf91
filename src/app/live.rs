//! The document and the running system together: edits go to both, faults to the system alone.

use std::sync::{Arc, mpsc};

use super::action::{Action, Selection};
use super::document::{Document, session_as_scenario};
use super::events;
use super::format;
use super::history::History;
use super::keys;
use super::measure::{Asked, Measure};
use super::notices::Notices;
use super::readings::Readings;
use super::runner::{Latest, Order, Runner, SPEED_MAX, SPEED_MIN};
use super::spoken;
use super::state::{Dismissed, Seen, View};
use super::widgets::{About, Toast};
use crate::analysis::Estimate;
use crate::model::check::{Problem, Severity, check, implied_links};
use crate::model::difference::{difference, reconnected};
use crate::model::toggles::{is_unused, store_left_unused};
use crate::model::{Command, Node, Renaming, Topology};
use crate::sim::figures::Figures;
use crate::sim::schedule::instants;
use crate::sim::snapshot::What;
use crate::units::Duration;

/// What the action of a message does.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// An action of the window.
    Do(Action),
    /// Shows a longer text.
    Details(String),
}

/// The speeds that keys and slider stop at: 1, 2, 5 in each decade, then as fast as the machine goes.
pub const SPEEDS: [f64; 20] = [
    SPEED_MIN,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
    100.0,
    200.0,
    500.0,
    SPEED_MAX,
    f64::INFINITY,
];

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
    /// When the events of the document's scenario happen.
    schedule: Vec<Duration>,
    /// Whether the runner was told to make results.
    wants_results: bool,
    /// Messages for the shell to show.
    messages: Vec<Toast<Answer>>,
    /// Names that nodes of the document have got, for whoever keeps something by name.
    renamings: Vec<Renaming>,
}

/// What is shown of a run that was put aside and can be brought back.
#[derive(Debug)]
struct Aside {
    at_reset: Topology,
    running: Topology,
    history: History,
    notices: Notices,
    dismissed: Dismissed,
    /// How far it had come.
    now: Duration,
}

/// A change whose message waits for what it does to the sessions and writes that there are.
#[derive(Debug)]
struct ToldChange {
    message: Toast<Answer>,
    /// Happenings up to here came before it.
    after: Option<u64>,
    dropped: [u64; 2],
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
        self.selection = keys::service(&self.view()).map(Selection::Node);
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
            let why = spoken::refusal(&refusal.error, self.document.topology());
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

    /// The run has filled its memory and stands still.
    fn tell_full(&mut self) {
        if let Some(full) = self.latest.full.clone() {
            let short = "Paused: too much has piled up in the simulation";
            self.messages
                .push(Toast::error(short).with_action("Show", Answer::Details(full.clone())));
            self.told = Some(full);
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
        self.measure.update(ctx, &asked, || {
            let (answer, copy) = mpsc::channel();
            runner.order(Order::Copy(answer));
            copy
        });
    }

    /// Carries out what concerns document and running system; false for anything else.
    pub fn act(&mut self, action: &Action, dragging: bool) -> bool {
        match action {
            Action::Run(command) if self.lacks(command) => self.tell_problem(),
            Action::Run(command) => self.runner.order(Order::Apply(vec![command.clone()])),
            Action::Edit(commands, label) => self.edit(commands, label),
            Action::Preview(commands) => self.preview.clone_from(commands),
            Action::Move(places) => self.document.move_nodes(places, dragging),
            Action::MoveOn(places) => self.document.move_on(places),
            Action::Arrange(places, label) => self.document.arrange(places, label),
            Action::Rename(name, new) => self.rename(name, new),
            Action::Reconnect(key, from, to) => self.reconnect(key, from, to),
            Action::Duplicate(names, by, fixed) => {
                let before = self.document.topology().clone();
                let copies = self.document.duplicate(names, *by, fixed);
                self.added(&before, copies);
            }
            Action::Insert(part, label, fixed) => {
                let before = self.document.topology().clone();
                let names = self.document.insert(part, label, fixed);
                self.added(&before, names);
            }
            Action::SelectAll => {
                let names = self.document.topology().nodes.keys().cloned();
                self.selection = Selection::of(names.collect());
            }
            Action::Select(selection) => self.selection.clone_from(selection),
            Action::Play => self.play(),
            Action::Pause => {
                self.held = false;
                self.runner.order(Order::Pause);
            }
            Action::TogglePlay if self.latest.playing => self.runner.order(Order::Pause),
            Action::TogglePlay => self.play(),
            Action::Step if self.problem.is_none() => self.runner.order(Order::Step),
            Action::Step => self.tell_problem(),
            Action::Reset => self.reset_and_tell(),
            Action::SetSpeed(speed) => {
                self.speed = *speed;
                self.runner.order(Order::Speed(*speed));
            }
            Action::SetSeed(seed) => {
                let label = format!("Seed {seed}");
                self.document
                    .change(&label, |topology| topology.seed = *seed);
                self.reset();
                let message = self.step_message(&label);
                self.messages.extend(message);
            }
            Action::Undo => {
                if let Some(number) = self.document.undo_number() {
                    self.undo(number);
                }
            }
            Action::Redo => {
                if let Some(number) = self.document.redo_number() {
                    self.redo(number);
                }
            }
            Action::UndoStep(number) => self.undo(*number),
            Action::RedoStep(number) => self.redo(*number),
            Action::RestoreRun => self.restore_run(),
            Action::DismissLoss(name) => {
                if let Some(seen) = self.view().node(name).map(Seen::of) {
                    self.dismissed.insert(name.clone(), seen);
                }
            }
            Action::SetCursor(cursor) => self.cursor = *cursor,
            _ => return false,
        }
        true
    }

    /// Forgets what was pointed at; before the panels of a frame say what is.
    pub fn clear_preview(&mut self) {
        self.preview.clear();
    }

    fn edit(&mut self, commands: &[Command], label: &str) {
        let before = self.document.topology().clone();
        if let Err(error) = self.document.edit(commands, label) {
            let why = spoken::refusal(&error, self.document.topology());
            self.messages.push(Toast::error(why));
            return;
        }
        self.keep_selection();
        let adds_or_removes = |command: &Command| {
            matches!(
                command,
                Command::Add(..) | Command::Remove(_) | Command::Unlink(_)
            )
        };
        // What changes more than was pointed at says so.
        let more = commands.len() > 1 || commands.iter().any(adds_or_removes);
        let text = match commands {
            [Command::Unlink(path)] if self.is_implied(path) => {
                format!("{label}; the calls that a setting implies stay")
            }
            _ => label.to_owned(),
        };
        let message = self.step_message(&text);
        self.await_dropped(message.clone());
        if more && let Some(message) = message {
            self.messages.push(message);
        }
        if let Some(store) = store_left_unused(&before, self.document.topology()) {
            let remove = Action::Edit(
                vec![Command::Remove(store.clone())],
                format!("Removed {store}"),
            );
            let text = format!("Nothing uses {store} any more");
            self.messages
                .push(Toast::info(text).with_action("Remove it", Answer::Do(remove)));
        }
        let same_start = self.running == before;
        self.follow(same_start.then(|| commands.to_vec()));
    }

    fn rename(&mut self, name: &str, new: &str) {
        let before = self.document.topology().clone();
        match self.document.rename(name, new) {
            Ok(()) => {
                self.follow_selection(&before);
                self.follow(None);
            }
            Err(error) => self.messages.push(Toast::error(error)),
        }
    }

    fn reconnect(&mut self, key: &str, from: &str, to: &str) {
        let before = self.document.topology().clone();
        if let Err(error) = self.document.reconnect(key, from, to) {
            let why = spoken::sentence(&error, |name| before.nodes.contains_key(name));
            self.messages.push(Toast::error(events::capitalised(&why)));
            return;
        }
        self.follow_selection(&before);
        let after = self.document.topology();
        let commands = difference(&before, after);
        let followed = before.scenario.iter().zip(&after.scenario);
        let followed = followed.filter(|(old, new)| old != new).count() as u64;
        if followed > 0 {
            let label = self.document.undo_label().unwrap_or_default();
            let events = format::counted(followed, "event", "events");
            let text = format!("{label}, and {events} of the scenario with it");
            let message = self.step_message(&text);
            self.messages.extend(message);
        }
        let same_start = self.running == before;
        self.follow(same_start.then_some(commands));
    }

    /// After nodes were added to the document, or could not be: they are selected, and the step is told.
    fn added(&mut self, before: &Topology, names: Result<Vec<String>, String>) {
        let names = match names {
            Ok(names) => names,
            Err(error) => {
                self.messages.push(Toast::error(error));
                return;
            }
        };
        self.selection = Selection::of(names);
        let label = self.document.undo_label().unwrap_or_default().to_owned();
        let message = self.step_message(&label);
        self.await_dropped(message.clone());
        self.messages.extend(message);
        let commands = difference(before, self.document.topology());
        let same_start = self.running == *before;
        self.follow(same_start.then_some(commands));
    }

    /// What is selected is the same as before a step, by whatever name it goes now.
    fn follow_selection(&mut self, before: &Topology) {
        let names = Renaming::between(before, self.document.topology());
        if !names.is_empty() {
            if let Some(selection) = &mut self.selection {
                selection.rename(&names);
            }
            self.renamings.push(names);
        }
        let after = self.document.topology();
        if let Some(Selection::Link(key)) = &mut self.selection
            && let Some(at) = before.links.find(key)
            && let Some(link) = reconnected(before, after, &before.links.0[at])
        {
            *key = link.key();
        }
        self.keep_selection();
    }

    /// Nodes that are called differently in the document are called so in the running system, too, in what was recorded of
    /// it and in what is shown; the run goes on undisturbed.
    fn follow_names(&mut self) {
        let mut names = Renaming::between(&self.running, self.document.topology());
        if names.is_empty() {
            return;
        }
        let events = self.latest.recording.iter().chain(&*self.latest.scenario);
        let events = events.chain(&self.at_reset.scenario);
        let added = events.filter_map(|timed| timed.command().adds());
        let known = self.at_reset.nodes.keys().chain(self.running.nodes.keys());
        names.make_way(known.map(String::as_str).chain(added));
        self.renamed += 1;
        names.topology(&mut self.running);
        names.topology(&mut self.at_reset);
        let latest = Arc::make_mut(&mut self.latest);
        latest.snapshot.rename(&names);
        for events in [&mut latest.recording, &mut latest.scenario] {
            for timed in Arc::make_mut(events) {
                names.timed(timed);
            }
        }
        self.history.rename(&names);
        self.notices.rename(&names);
        self.readings.rename(&names);
        names.keys(&mut self.dismissed);
        self.runner.order(Order::Rename(self.renamed, names));
    }

    /// The message about the last step, with the way back.
    fn step_message(&self, text: &str) -> Option<Toast<Answer>> {
        let number = self.document.undo_number()?;
        let message = Toast::info(text)
            .with_action("Undo", Answer::Do(Action::UndoStep(number)))
            .about(About::Step(number));
        Some(message)
    }

    fn undo(&mut self, number: u64) {
        if self.document.undo_number() != Some(number) {
            return;
        }
        let label = self.document.undo_label().unwrap_or_default().to_owned();
        let before = self.document.topology().clone();
        self.document.undo();
        self.follow_selection(&before);
        let text = format!("Undone: {label}");
        self.after_turn(&text, "Redo", Action::RedoStep(number));
    }

    fn redo(&mut self, number: u64) {
        if self.document.redo_number() != Some(number) {
            return;
        }
        let label = self.document.redo_label().unwrap_or_default().to_owned();
        let before = self.document.topology().clone();
        self.document.redo();
        self.follow_selection(&before);
        let text = format!("Done again: {label}");
        self.after_turn(&text, "Undo", Action::UndoStep(number));
    }

    fn after_turn(&mut self, text: &str, word: &str, back: Action) {
        let message = Toast::info(text)
            .with_action(word, Answer::Do(back))
            .about(About::Turn);
        self.await_dropped(Some(message.clone()));
        self.messages.push(message);
        if self.document.topology().seed != self.at_reset.seed {
            // Another seed is another run; the one it was taken from may still be there.
            let seed = self.document.topology().seed;
            match &self.aside {
                Some(aside) if aside.at_reset.seed == seed => self.restore_run(),
                _ => drop(self.reset()),
            }
            return;
        }
        self.follow(None);
    }

    /// Whether a message still says what can be done; its action is taken away where only that is out of date.
    pub fn stands(&self, message: &mut Toast<Answer>) -> bool {
        if let Some(About::Step(number)) = message.about
            && !self.document.is_done(number)
        {
            return false;
        }
        let Some((_, Answer::Do(action))) = &message.action else {
            return true;
        };
        match action {
            Action::UndoStep(number) if self.document.undo_number() == Some(*number) => true,
            Action::UndoStep(number) => {
                let done = self.document.is_done(*number);
                message.action = None;
                done
            }
            Action::RedoStep(number) => self.document.redo_number() == Some(*number),
            Action::RestoreRun => self.aside.is_some(),
            Action::Edit(commands, _) => commands.iter().all(|command| match command {
                Command::Remove(store) => is_unused(self.document.topology(), store),
                _ => true,
            }),
            _ => true,
        }
    }

    /// From now on, what a change drops belongs to this message.
    fn await_dropped(&mut self, message: Option<Toast<Answer>>) {
        let last = self.latest.snapshot.happenings.last();
        let after = last.map(|happening| happening.id);
        self.told_change = message.map(|message| ToldChange {
            message,
            after,
            dropped: [0, 0],
        });
    }

    /// Says what the last change has dropped, once that is known.
    fn tell_dropped(&mut self) {
        let Some(told) = &mut self.told_change else {
            return;
        };
        let mut dropped = [0, 0];
        for happening in &self.latest.snapshot.happenings {
            if told.after.is_none_or(|id| happening.id > id)
                && let What::Migrated {
                    node,
                    dropped: lost,
                    ..
                } = &happening.what
            {
                dropped[usize::from(!node.is_empty())] += lost;
            }
        }
        let Some(text) = events::losses(dropped[1], dropped[0]) else {
            return;
        };
        if dropped != told.dropped {
            told.dropped = dropped;
            let mut message = told.message.clone();
            message.text = format!("{}. {}", message.text, text.text.trim_end_matches('.'));
            self.messages.push(message);
        }
    }

    /// Brings the running system to what the document says: by these commands, or by the difference.
    fn follow(&mut self, commands: Option<Vec<Command>>) {
        self.follow_names();
        self.check();
        if self.problem.is_some() {
            self.held |= self.latest.playing;
            self.runner.order(Order::Pause);
            return;
        }
        let document = self.document.topology();
        let commands = commands.unwrap_or_else(|| difference(&self.running, document));
        let fresh = self.latest.run == self.run
            && self.latest.snapshot.now == Duration(0)
            && !self.latest.playing
            && self.latest.recording.is_empty();
        if fresh || self.latest.failure.is_some() || self.running.nodes.is_empty() {
            self.start();
            return;
        }
        self.bring_up_to_date(commands);
        if std::mem::take(&mut self.held) {
            self.runner.order(Order::Play);
        }
    }

    /// Does this to the running system, and gives it the document's schedule for what is still to come.
    fn bring_up_to_date(&mut self, commands: Vec<Command>) {
        let document = self.document.topology().clone();
        let known = std::mem::replace(&mut self.running, document);
        let commands: Vec<Command> = (commands.into_iter())
            .filter(Command::is_of_system)
            .collect();
        if !commands.is_empty() {
            self.runner.order(Order::Apply(commands));
        }
        if known.scenario != self.running.scenario {
            let scenario = self.running.scenario.clone();
            self.runner.order(Order::Reschedule(scenario));
        }
    }

    fn check(&mut self) {
        let topology = self.document.topology();
        (self.problem, self.warnings) = checked(topology);
        self.schedule = instants(&topology.nodes, &topology.scenario, topology.seed);
        let wanted = !topology.expects.is_empty();
        if wanted != self.wants_results {
            self.wants_results = wanted;
            self.runner.order(Order::Results(wanted));
        }
    }

    fn play(&mut self) {
        if self.problem.is_some() {
            self.tell_problem();
            return;
        }
        if self.latest.failure.is_some() {
            self.start();
        }
        self.tell_full();
        self.runner.order(Order::Play);
    }

    fn tell_problem(&mut self) {
        let text = self.view().cannot_run();
        self.messages.extend(text.map(Toast::error));
    }

    /// A new run of the document, stopped at time 0; true if the one until now can be brought back.
    fn reset(&mut self) -> bool {
        let ran = self.latest.run == self.run
            && self.latest.snapshot.now > Duration(0)
            && self.latest.failure.is_none();
        if ran {
            self.aside = Some(self.put_aside());
        }
        self.start_run(ran);
        ran
    }

    /// The same, and says how to go back.
    fn reset_and_tell(&mut self) {
        let now = self.latest.snapshot.now;
        if self.reset() {
            let text = format!("Reset: a run of {} was put away", format::span(now));
            let message = Toast::info(text)
                .with_action("Bring it back", Answer::Do(Action::RestoreRun))
                .about(About::Run)
                .lasting(15.0);
            self.messages.push(message);
        }
    }

    fn put_aside(&mut self) -> Aside {
        for interval in self.runner.take_intervals(self.run) {
            self.history.push(interval);
        }
        let mut fresh = History::default();
        fresh.changed_since(self.history.changes());
        Aside {
            at_reset: std::mem::take(&mut self.at_reset),
            running: std::mem::take(&mut self.running),
            history: std::mem::replace(&mut self.history, fresh),
            notices: std::mem::take(&mut self.notices),
            dismissed: std::mem::take(&mut self.dismissed),
            now: self.latest.snapshot.now,
        }
    }

    /// The run before the last reset goes on where it stood, with the document as it is now.
    fn restore_run(&mut self) {
        let Some(aside) = self.aside.take() else {
            return;
        };
        let text = format!("Back at {}", format::instant(aside.now));
        self.messages.push(Toast::info(text).about(About::Run));
        self.run += 1;
        self.at_reset = aside.at_reset;
        self.running = aside.running;
        let changes = self.history.changes();
        self.history = aside.history;
        self.history.changed_since(changes);
        self.readings = Readings::default();
        self.notices = aside.notices;
        self.dismissed = aside.dismissed;
        self.cursor = None;
        self.told = None;
        self.held = false;
        self.runner.order(Order::Restore { run: self.run });
        self.follow_names();
        self.check();
        if self.problem.is_none() {
            let commands = difference(&self.running, self.document.topology());
            self.bring_up_to_date(commands);
        }
    }

    /// A new run of the document, stopped at time 0.
    fn start(&mut self) {
        self.start_run(false);
    }

    fn start_run(&mut self, keep: bool) {
        self.check();
        self.run += 1;
        self.history.clear();
        self.notices.clear();
        self.readings = Readings::default();
        self.dismissed.clear();
        self.cursor = None;
        self.told = None;
        self.told_change = None;
        self.held = false;
        self.at_reset = self.document.topology().clone();
        // What cannot be run shows an empty system.
        let topology = self.problem.is_none().then(|| self.at_reset.clone());
        self.running = topology.clone().unwrap_or_default();
        self.runner.order(Order::Start {
            run: self.run,
            seed: self.at_reset.seed,
            topology: topology.map(Box::new),
            keep,
        });
        self.runner.order(Order::Speed(self.speed));
    }

    /// Whether a command is about a node that does not run, because the document cannot be run as it is.
    fn lacks(&self, command: &Command) -> bool {
        let known = |node| self.running.nodes.contains_key(node);
        self.problem.is_some() && !command.node().is_some_and(known)
    }

    /// Whether a setting of the document implies a link.
    fn is_implied(&self, path: &str) -> bool {
        let ends = path
            .split_once("->")
            .map(|(from, to)| (from.trim(), to.trim()));
        implied_links(self.document.topology())
            .iter()
            .any(|implied| Some((implied.from, implied.to)) == ends)
    }

    /// Drops a selection of what is gone.
    fn keep_selection(&mut self) {
        let topology = self.document.topology();
        if let Some(Selection::Nodes(names)) = &mut self.selection {
            names.retain(|name| topology.nodes.contains_key(name));
            self.selection = Selection::of(std::mem::take(names));
        }
        let there = match &self.selection {
            None | Some(Selection::Nodes(_)) => true,
            Some(Selection::Node(name) | Selection::Instance(name, _)) => {
                topology.nodes.contains_key(name)
            }
            Some(Selection::Link(key)) => {
                topology.links.find(key).is_some() || self.is_implied(key)
            }
        };
        if !there {
            self.selection = None;
        }
    }
}

/// Why a topology cannot be run, in a sentence, if so; and what is probably not meant though it can be.
fn checked(topology: &Topology) -> (Option<String>, Vec<Problem>) {
    let is_error = |problem: &Problem| problem.severity == Severity::Error;
    let (errors, warnings): (Vec<_>, Vec<_>) = check(topology).into_iter().partition(is_error);
    let first = errors.first();
    (
        first.map(|error| spoken::problem(error, topology)),
        warnings,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load;

    fn live() -> Live {
        let mut live = Live::new(Runner::stepped());
        live.open(Document::from_loaded(load("sticky-in-memory").unwrap()));
        live.tick(0.0, 0.0);
        live
    }

    fn run(live: &mut Live, seconds: f64) {
        for frame in 0..(seconds * 60.0) as u32 {
            live.tick(f64::from(frame) / 60.0, 1.0 / 60.0);
        }
    }

    fn set(path: &str, value: &str) -> Command {
        Command::Set(path.into(), value.into())
    }

    fn instances(topology: &Topology) -> u32 {
        match &topology.nodes["api"] {
            Node::Service(service) => service.instances,
            _ => 0,
        }
    }

    #[test]
    fn before_it_runs_an_edit_starts_afresh_and_later_it_is_recorded() {
        let mut live = live();
        live.act(
            &Action::Edit(vec![set("nodes.api.instances", "5")], "5 instances".into()),
            false,
        );
        live.tick(0.0, 0.0);
        assert!(!live.has_recording());
        assert_eq!(instances(&live.at_reset), 5);

        live.act(&Action::Play, false);
        run(&mut live, 1.0);
        live.act(
            &Action::Edit(vec![set("nodes.api.instances", "6")], "6 instances".into()),
            false,
        );
        live.act(&Action::Run(Command::Crash("api".into(), 1)), false);
        live.tick(2.0, 0.0);
        assert_eq!(live.latest.recording.len(), 2);
        // The fault is not in the document and not in what undo takes back.
        assert_eq!(instances(live.document().topology()), 6);
        live.act(&Action::Undo, false);
        live.tick(2.0, 0.0);
        assert_eq!(instances(live.document().topology()), 5);
        assert_eq!(live.latest.recording.len(), 3);
        let session = live.session();
        assert_eq!(instances(&session), 5);
        assert_eq!(session.scenario.len(), live.at_reset.scenario.len() + 3);
    }

    #[test]
    fn what_cannot_run_says_so_and_runs_again_once_it_can() {
        let mut live = live();
        live.act(
            &Action::Edit(vec![Command::Remove("api".into())], "Removed api".into()),
            false,
        );
        assert!(live.view().problem.is_some());
        live.act(&Action::Play, false);
        live.tick(0.0, 0.1);
        assert!(!live.view().playing);
        let messages = live.take_messages();
        assert!(
            messages
                .iter()
                .any(|m| m.text.starts_with("Cannot run yet")),
            "{messages:?}"
        );
        live.act(&Action::Undo, false);
        assert_eq!(live.view().problem, None);
        live.act(&Action::Play, false);
        run(&mut live, 0.5);
        assert!(live.view().playing && live.view().snapshot.now > Duration(0));
    }

    #[test]
    fn a_run_goes_on_where_it_stood_once_the_document_can_be_run_again() {
        let service = Command::Add("orders".into(), Node::Service(Default::default()));
        let link = Command::Link("lb -> orders".into());
        let add = Action::Edit(vec![service, link], "Added orders".into());
        let unlink = Command::Unlink("lb -> orders".into());
        let mend = Action::Edit(vec![unlink], "Removed the link".into());
        for back in [Action::Undo, mend] {
            let mut live = live();
            live.act(&Action::Play, false);
            run(&mut live, 1.0);
            let stood = live.view().snapshot.now;
            live.act(&add, false);
            run(&mut live, 0.5);
            let view = live.view();
            assert!(!view.playing && view.snapshot.now == stood);
            let told = view.cannot_run().unwrap();
            let names = told.starts_with("Cannot go on yet: ") && told.contains("orders");
            assert!(names, "{told}");
            assert!(!told.contains(['`', '(', '"', '_']), "{told}");
            live.act(&back, false);
            run(&mut live, 0.5);
            assert!(live.view().playing && live.view().snapshot.now > stood);
            assert_eq!(live.running, *live.document().topology());
        }
        // Whoever stopped it finds it stopped.
        let mut live = live();
        live.act(&Action::Play, false);
        run(&mut live, 1.0);
        live.act(&add, false);
        live.act(&Action::Pause, false);
        live.act(&Action::Undo, false);
        run(&mut live, 0.5);
        assert!(!live.view().playing);
    }

    #[test]
    fn a_wrong_edit_changes_nothing_and_says_why() {
        let mut live = live();
        let before = live.document().topology().clone();
        live.act(
            &Action::Edit(vec![set("nodes.api.workers", "many")], "w".into()),
            false,
        );
        assert_eq!(*live.document().topology(), before);
        assert_eq!(live.take_messages().len(), 1);
    }

    #[test]
    fn a_reset_forgets_what_happened_and_keeps_the_document() {
        let mut live = live();
        live.act(&Action::Play, false);
        run(&mut live, 1.0);
        live.act(&Action::Run(Command::Crash("api".into(), 1)), false);
        live.tick(1.0, 0.0);
        live.act(&Action::Reset, false);
        live.tick(1.0, 0.0);
        assert!(!live.has_recording());
        assert_eq!(live.view().snapshot.now, Duration(0));
        assert!(live.view().history.intervals().is_empty());
        assert!(!live.document().dirty());
    }

    #[test]
    fn another_seed_is_part_of_the_document() {
        let mut live = live();
        live.act(&Action::SetSeed(7), false);
        live.tick(0.0, 0.0);
        assert_eq!(live.view().seed, 7);
        assert!(live.document().dirty());
    }

    #[test]
    fn a_name_is_given_and_taken_back_while_it_runs() {
        let mut live = live();
        live.act(&Action::Play, false);
        run(&mut live, 1.0);
        live.act(&Action::Run(Command::Crash("api".into(), 1)), false);
        live.tick(1.0, 0.0);
        live.act(&Action::Rename("api".into(), "shop".into()), false);
        live.tick(1.0, 0.0);
        assert!(live.view().node("shop").is_some() && live.view().node("api").is_none());
        let recorded = |live: &Live| live.session().scenario.last().cloned();
        let crash = |name: &str| Command::Crash(name.into(), 1);
        assert_eq!(recorded(&live).unwrap().command(), &crash("shop"));
        assert_eq!(live.latest.recording.len(), 1, "a name is no event");
        assert!(
            live.view()
                .history
                .happenings()
                .all(|happening| { !format!("{happening:?}").contains("api") })
        );
        live.act(&Action::Undo, false);
        live.tick(1.0, 0.0);
        assert!(live.view().node("api").is_some());
        assert_eq!(recorded(&live).unwrap().command(), &crash("api"));
        live.act(&Action::Redo, false);
        run(&mut live, 0.5);
        let messages = live.take_messages();
        assert!(
            !messages
                .iter()
                .any(|m| m.text.starts_with("Not carried out"))
        );
        assert_eq!(live.running, *live.document().topology());
    }

    #[test]
    fn the_name_of_a_node_that_is_gone_can_be_given_again() {
        let mut live = live();
        live.act(&Action::Play, false);
        run(&mut live, 0.5);
        let late = Node::Service(Default::default());
        for (commands, label) in [
            (vec![Command::Add("late".into(), late)], "add"),
            (vec![Command::Remove("late".into())], "remove"),
        ] {
            live.act(&Action::Edit(commands, label.into()), false);
            run(&mut live, 0.5);
        }
        live.act(&Action::Rename("api".into(), "late".into()), false);
        run(&mut live, 0.5);
        live.act(&Action::Run(Command::Crash("late".into(), 2)), false);
        run(&mut live, 0.5);
        live.act(&Action::Pause, false);
        live.tick(3.0, 0.0);
        let messages = live.take_messages();
        assert!(
            !messages
                .iter()
                .any(|m| m.text.starts_with("Not carried out")),
            "{messages:?}"
        );
        // What is gone goes by another name, so that the session can be told apart and replayed.
        let session = live.session();
        assert!(
            session
                .scenario
                .iter()
                .any(|timed| timed.command().node() == Some("late2"))
        );
        assert_eq!(crate::model::check::errors(&session), []);
        let mut replayed =
            crate::sim::Sim::new(&session, session.seed, crate::sim::Watch { live: true });
        replayed.run_until(live.view().snapshot.now);
        let lost = |snapshot: &crate::sim::snapshot::Snapshot| {
            let nodes = snapshot.nodes.iter().filter(|node| node.name == "late");
            nodes
                .map(|node| (node.arrived, node.lost_writes, node.lost_sessions))
                .collect::<Vec<_>>()
        };
        assert_eq!(lost(&replayed.snapshot()), lost(live.view().snapshot));
    }

    #[test]
    fn a_run_that_is_brought_back_gets_the_names_of_now() {
        let mut live = live();
        live.act(&Action::Play, false);
        run(&mut live, 1.0);
        let before = live.view().node("api").cloned().unwrap();
        live.act(&Action::Reset, false);
        live.tick(1.0, 0.0);
        live.act(&Action::Rename("api".into(), "shop".into()), false);
        live.act(&Action::RestoreRun, false);
        live.tick(1.0, 0.0);
        let after = live.view().node("shop").cloned().unwrap();
        assert_eq!(after.arrived, before.arrived);
        assert!(live.view().node("api").is_none());
        run(&mut live, 0.2);
        let messages = live.take_messages();
        assert!(
            !messages
                .iter()
                .any(|m| m.text.starts_with("Not carried out")),
            "{messages:?}"
        );
    }

    #[test]
    fn a_selection_goes_with_what_was_selected() {
        let mut live = live();
        let node = Selection::Node("api".into());
        live.act(&Action::Select(Some(node.clone())), false);
        assert_eq!(live.view().selection, Some(&node));
        live.act(
            &Action::Edit(vec![Command::Remove("api".into())], "r".into()),
            false,
        );
        assert_eq!(live.view().selection, None);
    }
}
