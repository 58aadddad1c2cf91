//! The whole window, driven by the names that assistive technology reads, without display and without real time.

#![cfg(feature = "gui")]
#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use std::path::{Path, PathBuf};

use egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use statescope::app::shell::{Kept, Shell};
use statescope::app::theme;
use statescope::model::{Loaded, load};
use statescope::sim::snapshot::SessionCounts;

const SIZE: [f32; 2] = [1280.0, 800.0];

/// A window, with the presses of the mouse counted.
struct Window {
    harness: Harness<'static, Option<Shell>>,
    clicks: u32,
}

impl Window {
    fn start() -> Self {
        Self::with(Kept::default(), None)
    }

    fn on(name: &str) -> Self {
        Self::with(Kept::default(), Some(load(name).unwrap()))
    }

    fn with(kept: Kept, initial: Option<Loaded>) -> Self {
        let mut given = Some((kept, initial));
        let harness = Harness::builder()
            .with_size(SIZE)
            .with_step_dt(1.0 / 60.0)
            .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
            .build_ui_state(
                move |ui, shell: &mut Option<Shell>| {
                    if let Some((kept, initial)) = given.take() {
                        *shell = Some(Shell::stepped(ui.ctx(), kept, initial));
                    }
                    shell.as_mut().unwrap().ui(ui);
                },
                None,
            );
        let mut window = Self { harness, clicks: 0 };
        window.frames(3);
        window
    }

    fn shell(&self) -> &Shell {
        self.harness.state().as_ref().unwrap()
    }

    fn frames(&mut self, count: usize) {
        self.harness.run_steps(count);
    }

    /// Lets so much real time pass.
    fn wait(&mut self, seconds: f32) {
        self.frames((seconds * 60.0).round() as usize);
    }

    fn click(&mut self, name: &str) {
        self.harness.get_by_label(name).click();
        self.clicks += 1;
        self.frames(3);
    }

    fn key(&mut self, key: Key) {
        self.harness.key_press(key);
        self.frames(3);
    }

    fn keys(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.frames(3);
    }

    fn text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.frames(3);
    }

    fn has(&self, name: &str) -> bool {
        self.harness.query_all_by_label(name).next().is_some()
    }

    fn has_part(&self, part: &str) -> bool {
        self.harness
            .query_all_by_label_contains(part)
            .next()
            .is_some()
    }

    /// Types a path into the field and gives it.
    fn give_path(&mut self, title: &str, path: &Path) {
        self.keys(Modifiers::COMMAND, Key::A);
        let field = self.harness.get_by_label(title);
        field.type_text(&path.display().to_string());
        self.frames(2);
        self.key(Key::Enter);
    }

    fn sessions(&self) -> SessionCounts {
        self.shell().live().view().snapshot.sessions
    }

    fn now(&self) -> f64 {
        self.shell().live().view().snapshot.now.secs()
    }
}

fn sticky() -> &'static str {
    "sticky-in-memory"
}

#[test]
fn the_start_screen_offers_the_first_minute_and_every_preset() {
    let window = Window::start();
    assert!(window.has("Play") && window.has("Open") && window.has("Blank canvas"));
    for preset in statescope::model::presets::all() {
        assert!(window.has(preset.title), "{}", preset.title);
    }
}

#[test]
fn the_main_view_has_its_panes() {
    let mut window = Window::on(sticky());
    for pane in [
        "Top bar",
        "Canvas",
        "Transport",
        "Charts",
        "Log",
        "Inspector",
    ] {
        assert!(window.has(pane), "{pane}");
    }
    for control in [
        "Reset", "Play", "Step", "Crash", "Deploy", "Scale", "Undo", "Redo",
    ] {
        assert!(window.has(control), "{control}");
    }
    assert!(window.has_part("Document: Sticky sessions in memory"));
    // At every size it may have, nothing overlaps and nothing fails.
    for size in [[960.0, 600.0], [1920.0, 1080.0], [3840.0, 2160.0]] {
        window.harness.set_size(size.into());
        window.frames(3);
        assert!(window.has("Play"));
    }
}

#[test]
fn play_and_pause_by_mouse() {
    let mut window = Window::on(sticky());
    assert_eq!(window.now(), 0.0);
    window.click("Play");
    window.wait(1.0);
    assert!(window.now() > 0.9, "{}", window.now());
    window.click("Pause");
    let stands = window.now();
    window.wait(0.5);
    assert_eq!(window.now(), stands);
    window.click("Reset");
    assert_eq!(window.now(), 0.0);
}

#[test]
fn everything_by_keyboard() {
    let mut window = Window::on(sticky());
    window.key(Key::Space);
    window.wait(0.5);
    assert!(window.now() > 0.4);
    window.key(Key::Space);
    let stands = window.now();
    window.key(Key::Period);
    assert!(window.now() > stands);
    window.key(Key::CloseBracket);
    assert_eq!(window.shell().live().view().speed, 2.0);
    window.key(Key::OpenBracket);
    window.key(Key::OpenBracket);
    assert_eq!(window.shell().live().view().speed, 0.5);
    window.text("+");
    assert!(window.has_part("unsaved changes"));
    window.keys(Modifiers::COMMAND, Key::Z);
    assert!(!window.has_part("unsaved changes"));
    window.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert!(window.has_part("unsaved changes"));
    window.text("?");
    assert!(window.has("Close shortcuts"));
    window.key(Key::Escape);
    assert!(!window.has("Close shortcuts"));
    window.key(Key::R);
    assert_eq!(window.now(), 0.0);
    // F6 goes round the panes.
    for _ in 0..6 {
        window.key(Key::F6);
    }
}

#[test]
fn a_key_typed_into_a_field_is_only_text() {
    let mut window = Window::on(sticky());
    window.click("Seed");
    window.key(Key::Space);
    window.key(Key::R);
    assert!(!window.shell().live().view().playing);
}

#[test]
fn a_seed_is_typed() {
    let mut window = Window::on(sticky());
    window.click("Seed");
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("77");
    window.key(Key::Enter);
    assert_eq!(window.shell().live().view().seed, 77);
}

#[test]
fn the_speed_is_set_by_its_value() {
    let mut window = Window::on(sticky());
    let slider = egui::accesskit::Role::Slider;
    window
        .harness
        .get_by_role_and_label(slider, "Speed")
        .set_value_accesskit(100.0);
    window.frames(3);
    assert_eq!(window.shell().live().view().speed, 100.0);
}

#[test]
fn a_document_is_saved_opened_and_never_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("mine.ron");
    let mut window = Window::on(sticky());
    window.text("+");
    // Leaving asks first, and Cancel stays.
    window.keys(Modifiers::COMMAND, Key::N);
    assert!(window.has("Discard changes"));
    window.click("Cancel");
    assert!(window.has_part("unsaved changes"));

    // Saving where there is no file asks for one; a path is typed.
    window.keys(Modifiers::COMMAND, Key::S);
    window.give_path("Save the topology as", &path);
    assert!(path.exists());
    assert!(!window.has_part("unsaved changes"));
    assert_eq!(window.shell().kept().recent.len(), 1);

    // What was saved opens again.
    let saved = load(&path.to_string_lossy()).unwrap();
    assert_eq!(saved.topology, *window.shell().live().document().topology());
    window.keys(Modifiers::COMMAND, Key::N);
    assert!(window.has_part("Document: Untitled"));
    window.keys(Modifiers::COMMAND, Key::O);
    window.give_path("Open a topology", &path);
    assert!(window.has_part("Document: Sticky sessions in memory"));
    assert_eq!(*window.shell().live().document().topology(), saved.topology);
}

#[test]
fn comments_are_not_dropped_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.ron");
    let preset = load(sticky()).unwrap();
    std::fs::write(&path, &preset.text).unwrap();
    let mut window = Window::on(&path.to_string_lossy());
    window.keys(Modifiers::COMMAND, Key::S);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), preset.text);
    window.text("+");
    window.keys(Modifiers::COMMAND, Key::S);
    assert!(window.has_part("has comments"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), preset.text);
    window.click("Save without comments");
    assert!(!window.has_part("unsaved changes"));
    assert_ne!(std::fs::read_to_string(&path).unwrap(), preset.text);
}

#[test]
fn work_of_others_on_the_file_is_not_replaced_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.ron");
    let text = |instances: u32| {
        format!(
            "Topology(schema: 1, nodes: {{\"c\": Clients(mix: (read: 1)), \"api\": Service(instances: {instances})}}, links: [\"c -> api\"])"
        )
    };
    let now = || std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text(2)).unwrap();
    let mut window = Window::on(&path.to_string_lossy());
    window.text("+");
    // Somebody else saves in between.
    std::fs::write(&path, text(5)).unwrap();
    window.keys(Modifiers::COMMAND, Key::S);
    assert!(window.has_part("mine.ron was changed on disk since it was opened"));
    assert_eq!(now(), text(5));
    window.click("Cancel");
    assert!(window.has_part("unsaved changes"));
    assert_eq!(now(), text(5));
    // Elsewhere is fine.
    window.keys(Modifiers::COMMAND, Key::S);
    window.click("Save as another file...");
    let other = folder.path().join("other.ron");
    window.give_path("Save the topology as", &other);
    assert!(other.exists() && !window.has_part("unsaved changes"));
    assert_eq!(now(), text(5));
    // Its own file, which nobody touched, is saved without a question; one that is gone is written again.
    window.text("+");
    window.keys(Modifiers::COMMAND, Key::S);
    assert!(!window.has_part("unsaved changes"));
    std::fs::remove_file(&other).unwrap();
    window.text("+");
    window.keys(Modifiers::COMMAND, Key::S);
    assert!(other.exists() && !window.has_part("unsaved changes"));
    // And whoever wants to replaces what others wrote.
    std::fs::write(&other, text(7)).unwrap();
    window.text("+");
    window.keys(Modifiers::COMMAND, Key::S);
    window.click("Save anyway");
    assert!(!window.has_part("unsaved changes"));
    assert_ne!(std::fs::read_to_string(&other).unwrap(), text(7));
}

#[test]
fn a_bad_file_is_explained_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.ron");
    std::fs::write(&path, "Topology(\n    schema: 1,\n    nodez: {},\n)").unwrap();
    let mut window = Window::on(sticky());
    window.keys(Modifiers::COMMAND, Key::O);
    window.give_path("Open a topology", &path);
    assert!(window.has_part("bad.ron, line 3"));
    assert!(window.has_part("Document: Sticky sessions in memory"));
    window.click("Show");
    assert!(window.has_part("nodes"));
    window.click("Close details");

    window.keys(Modifiers::COMMAND, Key::O);
    window.give_path("Open a topology", &folder.path().join("missing.ron"));
    assert!(window.has_part("There is no file"));
    window.click("Cancel");
}

#[test]
fn work_that_was_not_saved_comes_back() {
    let mut window = Window::on(sticky());
    window.text("+");
    let kept = window.shell().kept();
    let edited = window.shell().live().document().topology().clone();
    assert!(kept.draft.is_some());
    drop(window);
    // A window on another file leaves it, and offers it.
    let window = Window::with(kept, Some(load("jwt-sessions").unwrap()));
    assert!(window.has("Restore"));
    let kept = window.shell().kept();
    drop(window);
    let window = Window::with(kept, None);
    assert_eq!(*window.shell().live().document().topology(), edited);
    assert!(window.has_part("unsaved changes"));
}

#[test]
fn a_session_is_saved_as_a_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.ron");
    let mut window = Window::on(sticky());
    window.click("Play");
    window.wait(0.5);
    window.text("+");
    window.click("Save session");
    window.give_path("Save the session as a scenario", &path);
    let session = load(&path.to_string_lossy()).unwrap().topology;
    let before = load(sticky()).unwrap().topology;
    assert_eq!(session.scenario.len(), before.scenario.len() + 1);
    assert_eq!(session.nodes, before.nodes);
}

/// Start, play, crash, see what is lost, move the sessions, crash again, lose none: six clicks.
#[test]
fn the_first_minute_takes_six_clicks() {
    let mut window = Window::start();
    window.click("Play");
    window.wait(4.0);
    let live = window.sessions();
    assert!(live.live > 2000 && live.lost == 0, "{live:?}");

    window.click("api 2");
    window.click("Crash process");
    window.wait(3.0);
    let lost = window.sessions().lost;
    assert!(lost > 450, "{lost} sessions lost");
    assert!(window.has("Dismiss what api lost"));

    window.click("Server");
    window.wait(3.0);
    assert!(
        window.has_part("Added store"),
        "a message says what was added"
    );
    assert_eq!(window.sessions().lost, lost, "the sessions have moved");

    window.click("api 3");
    window.click("Crash process");
    window.wait(8.0);
    assert_eq!(
        window.sessions().lost,
        lost,
        "no session is lost with an instance"
    );
    // The clients' own card counts what they met.
    let snapshot = window.shell().live().view().snapshot.clone();
    let clients = snapshot
        .nodes
        .iter()
        .find(|node| node.name == "clients")
        .unwrap();
    assert_eq!(clients.failed, snapshot.operations.failed);
    assert!(clients.failed > 0);
    assert_eq!(clients.completed, snapshot.operations.completed);
    let down = |number: u32| {
        let view = window.shell().live().view();
        view.node("api").unwrap().instances[number as usize - 1]
            .status
            .is_down()
    };
    assert!(down(2) && down(3));
    assert!(window.clicks <= 6, "{} clicks", window.clicks);
}

#[test]
fn a_session_by_keyboard_alone() {
    let mut window = Window::start();
    window.key(Key::Enter);
    window.wait(3.0);
    window.key(Key::C);
    window.wait(0.5);
    assert!(window.sessions().lost > 400);
    window.key(Key::D);
    window.wait(1.0);
    assert!(window.shell().live().has_recording());
}
