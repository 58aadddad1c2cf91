//! The whole window, driven by the names that assistive technology reads, without display and without real time.

use std::path::Path;

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use statescope::app::document::draft::Drafts;
use statescope::app::run::measure::Measure;
use statescope::app::shell::{Kept, Shell};
use statescope::app::theme;
use statescope::model::{Loaded, Topology, file, load};
use statescope::sim::snapshot::SessionCounts;

pub const SIZE: [f32; 2] = [1280.0, 800.0];

/// A window, with the presses of the mouse counted.
pub struct Window {
    pub harness: Harness<'static, Option<Shell>>,
    pub clicks: u32,
}

impl Window {
    pub fn start() -> Self {
        Self::with(Kept::default(), None)
    }

    pub fn on(name: &str) -> Self {
        Self::with(Kept::default(), Some(load(name).unwrap()))
    }

    pub fn with(kept: Kept, initial: Option<Loaded>) -> Self {
        Self::made(kept, None, initial)
    }

    /// With drafts of unsaved work in a folder.
    pub fn keeping(folder: &Path, initial: Option<Loaded>) -> Self {
        let drafts = Drafts::open(folder).unwrap();
        Self::made(Kept::default(), Some(drafts), initial)
    }

    /// On a topology of its own, from its text.
    pub fn of(text: &str) -> Self {
        let topology = file::read(text, "test.ron").unwrap();
        let loaded = Loaded {
            path: None,
            name: "test.ron".into(),
            text: text.into(),
            topology,
        };
        Self::with(Kept::default(), Some(loaded))
    }

    pub fn made(kept: Kept, drafts: Option<Drafts>, initial: Option<Loaded>) -> Self {
        let mut given = Some((kept, drafts, initial));
        let harness = Harness::builder()
            .with_size(SIZE)
            .with_step_dt(1.0 / 60.0)
            .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
            .build_ui_state(
                move |ui, shell: &mut Option<Shell>| {
                    if let Some((kept, drafts, initial)) = given.take() {
                        *shell = Some(Shell::stepped(ui.ctx(), kept, drafts, initial));
                    }
                    shell.as_mut().unwrap().ui(ui);
                },
                None,
            );
        let mut window = Self { harness, clicks: 0 };
        window.frames(3);
        window
    }

    pub fn shell(&self) -> &Shell {
        self.harness.state().as_ref().unwrap()
    }

    pub fn frames(&mut self, count: usize) {
        self.harness.run_steps(count);
    }

    /// Lets so much real time pass.
    pub fn wait(&mut self, seconds: f32) {
        self.frames((seconds * 60.0).round() as usize);
    }

    pub fn click(&mut self, name: &str) {
        self.harness.get_by_label(name).click();
        self.clicks += 1;
        self.frames(3);
    }

    pub fn key(&mut self, key: Key) {
        self.harness.key_press(key);
        self.frames(3);
    }

    pub fn keys(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.frames(3);
    }

    pub fn text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.frames(3);
    }

    pub fn has(&self, name: &str) -> bool {
        self.harness.query_all_by_label(name).next().is_some()
    }

    pub fn has_part(&self, part: &str) -> bool {
        self.harness
            .query_all_by_label_contains(part)
            .next()
            .is_some()
    }

    /// Types a path into the field and gives it.
    pub fn give_path(&mut self, title: &str, path: &Path) {
        self.keys(Modifiers::COMMAND, Key::A);
        let field = self.harness.get_by_label(title);
        field.type_text(&path.display().to_string());
        self.frames(2);
        self.key(Key::Enter);
    }

    pub fn topology(&self) -> &Topology {
        self.shell().live().document().topology()
    }

    /// How many there are of that name.
    pub fn count(&self, name: &str) -> usize {
        self.harness.query_all_by_label(name).count()
    }

    /// What a screen reader says after the name.
    pub fn description(&self, name: &str) -> String {
        let node = self.harness.get_by_label(name);
        node.accesskit_node().description().unwrap_or_default()
    }

    /// Whether nothing is to be drawn before something happens.
    pub fn rests(&self) -> bool {
        let output = &self.harness.output().viewport_output;
        output
            .values()
            .all(|viewport| viewport.repaint_delay == std::time::Duration::MAX)
    }

    /// Whether it asks for no further frame once the thread that measures has finished.
    pub fn comes_to_rest(&mut self) -> bool {
        for _ in 0..6000 {
            if self.rests() {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
            self.frames(1);
        }
        false
    }

    /// Lets the thread that measures finish.
    pub fn measured(&mut self, is: impl Fn(&Measure) -> bool) {
        for _ in 0..6000 {
            if is(self.shell().live().view().measure) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
            self.frames(1);
        }
        panic!("not measured: {:?}", self.shell().live().view().measure);
    }

    pub fn sessions(&self) -> SessionCounts {
        self.shell().live().view().snapshot.sessions
    }

    pub fn now(&self) -> f64 {
        self.shell().live().view().snapshot.now.secs()
    }
}
