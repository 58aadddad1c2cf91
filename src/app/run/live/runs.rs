//! Runs of the document: started, stopped, put aside and brought back.

use super::{Answer, Live};
use crate::app::action::Action;
use crate::app::run::history::History;
use crate::app::run::notices::Notices;
use crate::app::run::readings::Readings;
use crate::app::run::runner::Order;
use crate::app::run::state::Dismissed;
use crate::app::widgets::{About, Toast};
use crate::app::words::format;
use crate::model::difference::difference;
use crate::model::{Command, Topology};
use crate::units::Duration;

/// What is shown of a run that was put aside and can be brought back.
#[derive(Debug)]
pub(super) struct Aside {
    pub(super) at_reset: Topology,
    running: Topology,
    history: History,
    notices: Notices,
    dismissed: Dismissed,
    /// How far it had come.
    now: Duration,
}

impl Live {
    /// Lets simulated time run, or says why it cannot.
    pub fn play(&mut self) {
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

    /// Stops simulated time.
    pub fn pause(&mut self) {
        self.held = false;
        self.runner.order(Order::Pause);
    }

    /// Plays if it stands, pauses if it runs.
    pub fn toggle_play(&mut self) {
        if self.latest.playing {
            self.runner.order(Order::Pause);
        } else {
            self.play();
        }
    }

    /// One small step forward, then stops; or says why it cannot.
    pub fn step(&mut self) {
        if self.problem.is_some() {
            self.tell_problem();
        } else {
            self.runner.order(Order::Step);
        }
    }

    /// Simulated seconds a second, from 0.001; infinite: as fast as the machine goes.
    pub fn set_speed(&mut self, speed: f64) {
        self.speed = speed;
        self.runner.order(Order::Speed(speed));
    }

    /// Carries a command out on the running system alone, or says why it cannot.
    pub fn run(&mut self, command: Command) {
        if self.lacks(&command) {
            self.tell_problem();
        } else {
            self.runner.order(Order::Apply(vec![command]));
        }
    }

    /// A new run of the document, stopped at time 0; true if the one until now can be brought back.
    pub(super) fn renew(&mut self) -> bool {
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
    pub fn reset(&mut self) {
        let now = self.latest.snapshot.now;
        if self.renew() {
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
    pub fn restore_run(&mut self) {
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
    pub(super) fn start(&mut self) {
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
}
