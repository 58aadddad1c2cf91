//! The whole window, driven by the names that assistive technology reads, without display and without real time.

use std::path::PathBuf;

use crate::support::window::Window;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use statescope::app::shell::Kept;
use statescope::app::widgets::LossFigure;
use statescope::model::node::Policy;
use statescope::model::toggles::{Placement, SessionKind};
use statescope::model::{Node, Sessions, Topology, load};

const BLANK: &str = "Topology(schema: 1)";

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
fn what_has_no_name_is_called_by_its_file_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.ron");
    let mut window = Window::of("Topology(schema: 1)");
    assert_eq!(window.count("Untitled"), 1);
    window.keys(Modifiers::COMMAND, Key::S);
    window.give_path("Save the topology as", &path);
    assert!(window.has_part("Document: shop"));
    assert!(!window.has_part("Untitled") && window.has("shop"));
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
    assert!(window.has_part("bad.ron, line 3: there is no field"));
    assert!(window.has_part("Document: Sticky sessions in memory"));
    // The path stays in the field, which has the keyboard: letters are no shortcuts.
    let typed = |window: &Window| {
        let field = window.harness.get_by_label("Open a topology");
        assert!(field.is_focused());
        field.value().unwrap_or_default()
    };
    assert_eq!(typed(&window), path.display().to_string());
    for letter in ["c", "x", "1"] {
        window.text(letter);
    }
    assert_eq!(typed(&window), format!("{}cx1", path.display()));
    assert_eq!(window.topology().nodes.len(), 3);

    // As it does where there is no such file; and what is mended in it opens.
    window.give_path("Open a topology", &folder.path().join("missing.ron"));
    assert!(window.has_part("There is no file"));
    assert!(!window.has_part("bad.ron, line 3"));
    std::fs::write(&path, BLANK).unwrap();
    window.give_path("Open a topology", &path);
    assert!(window.has_part("Document: bad") && !window.has("Open a topology"));

    // Of late there is no field: then it is told in a message, with all of it behind Show.
    std::fs::write(&path, "Topology(\n    schema: 1,\n    nodez: {},\n)").unwrap();
    let kept = Kept {
        recent: vec![path],
        ..Kept::default()
    };
    let mut window = Window::with(kept, None);
    window.click("bad.ron");
    assert!(window.has_part("bad.ron, line 3"));
    window.click("Show");
    assert!(window.has_part("settings in brackets"));
    window.click("Close details");
}

/// Nothing is asked about unsaved work for the sake of a file that cannot be opened.
#[test]
fn a_bad_file_does_not_ask_about_unsaved_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.ron");
    std::fs::write(&path, "no topology").unwrap();
    let mut window = Window::on(sticky());
    window.text("+");
    window.keys(Modifiers::COMMAND, Key::O);
    window.give_path("Open a topology", &path);
    assert!(window.has_part("bad.ron, line 1") && !window.has("Discard changes"));
    std::fs::write(&path, BLANK).unwrap();
    window.key(Key::Enter);
    assert!(window.has("Discard changes"));
}

/// Where a file cannot be written its path stays, too; and who gives up saving does not leave with the next save.
#[test]
fn what_cannot_be_saved_is_said_at_the_field() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::on(sticky());
    window.text("+");
    window.keys(Modifiers::COMMAND, Key::N);
    window.click("Save");
    // No system has names of such a length.
    window.give_path("Save the topology as", &folder.path().join("n".repeat(600)));
    assert!(window.has_part("could not be written"));
    let field = window.harness.get_by_label("Save the topology as");
    assert!(field.is_focused() && field.value().unwrap().contains("nnn"));
    window.key(Key::Escape);
    window.keys(Modifiers::COMMAND, Key::S);
    window.give_path("Save the topology as", &folder.path().join("mine.ron"));
    assert!(window.has("Service api"), "it only saved");
}

/// Within a second of an edit it is on the disk; a window that ends without a word leaves it there.
#[test]
fn work_that_was_not_saved_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::keeping(folder.path(), Some(load(sticky()).unwrap()));
    window.text("+");
    window.wait(0.8);
    window.shell().wait_for_draft();
    let edited = window.topology().clone();
    drop(window);
    // A window on another file leaves it, and offers it, whatever is done there.
    let mut window = Window::keeping(folder.path(), Some(load("jwt-sessions").unwrap()));
    assert!(window.has("Restore"));
    window.text("+");
    window.wait(0.8);
    window.keys(Modifiers::COMMAND, Key::Z);
    window.wait(0.8);
    drop(window);
    let mut window = Window::keeping(folder.path(), None);
    assert_eq!(*window.topology(), edited);
    assert!(window.has_part("unsaved changes"));
    // Given up, it does not come back again.
    window.click("Discard");
    window.wait(0.8);
    assert!(!window.has_part("unsaved changes"));
    drop(window);
    let window = Window::keeping(folder.path(), None);
    assert!(window.has("Blank canvas"), "the start screen");
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

/// Instants are written in seconds, as far as it takes: "At("0.5166667s", ..." and not in microseconds with fractions.
#[test]
fn a_session_tells_its_instants_in_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.ron");
    let mut window = Window::on(sticky());
    window.click("Play");
    window.wait(2.2);
    window.text("+");
    window.click("Save session");
    window.give_path("Save the session as a scenario", &path);
    let text = std::fs::read_to_string(&path).unwrap();
    let event = text
        .lines()
        .find(|line| line.contains("instances\", \""))
        .unwrap();
    let instant = event.split('"').nth(1).unwrap();
    let seconds: f64 = instant
        .strip_suffix('s')
        .unwrap()
        .parse()
        .unwrap_or_else(|_| panic!("{event}"));
    assert!((2.0..3.0).contains(&seconds), "{event}");
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
    // Until it was found dead, and whoever waited for it has signed in elsewhere.
    window.wait(6.0);
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

fn policy(topology: &Topology) -> Policy {
    match &topology.nodes["lb"] {
        Node::LoadBalancer(lb) => lb.policy,
        _ => panic!("lb is a balancer"),
    }
}

const TOKENS: &str = r#"Topology(
    schema: 1,
    sessions: Jwt(lifetime: "7m"),
    nodes: {
        "clients": Clients(arrivals: Poisson("100/s"), users: 500, signed_in: true),
        "lb": LoadBalancer(policy: LeastConnections),
        "api": Service(state: External(store: "store")),
        "store": RedisLike(),
    },
    links: ["clients -> lb", "lb -> api"],
)"#;

#[test]
fn a_toggle_comes_back_whole_and_says_what_it_changes_beside_itself() {
    let mut window = Window::on(sticky());
    let before = window.topology().clone();
    window.click("External");
    assert!(window.has_part("Added store, where api keeps state"));
    window.click("Memory");
    assert_eq!(
        window.topology().nodes["api"],
        before.nodes["api"],
        "with its snapshots"
    );

    let mut window = Window::of(TOKENS);
    let before = window.topology().clone();
    assert!(
        window
            .description("Sticky")
            .contains("balancer: sticky cookie")
    );
    window.click("Sticky");
    assert_eq!(policy(window.topology()), Policy::StickyCookie);
    assert!(window.has_part("balancer: sticky cookie"));
    window.click("Server");
    assert_eq!(policy(window.topology()), Policy::LeastConnections);
    assert!(window.has_part("balancer: least connections"));
    window.click("Sticky");
    window.click("JWT");
    assert_eq!(*window.topology(), before);
    // And the same by way of undo.
    window.keys(Modifiers::COMMAND, Key::Z);
    assert!(matches!(window.topology().sessions, Sessions::InMemory(_)));
    window.click("JWT");
    assert_eq!(*window.topology(), before);
}

/// Where the document itself says sticky, the routing stays as long as anything needs it, and that is said.
#[test]
fn sticky_routing_ends_with_what_needed_it() {
    let mut window = Window::on(sticky());
    let before = window.topology().clone();
    window.click("Server");
    assert_eq!(policy(window.topology()), Policy::StickyCookie);
    assert!(
        window.has_part("balancer: stays sticky cookie"),
        "state is in memory still"
    );
    window.click("External");
    assert_eq!(policy(window.topology()), Policy::RoundRobin);
    assert!(window.has_part("balancer: round robin"));
    window.click("Memory");
    assert_eq!(policy(window.topology()), Policy::StickyCookie);
    window.click("Sticky");
    assert_eq!(window.topology().sessions, before.sessions);
    assert_eq!(window.topology().nodes["api"], before.nodes["api"]);
    assert_eq!(window.topology().nodes["lb"], before.nodes["lb"]);
}

#[test]
fn an_event_in_the_way_is_named_and_dropped_with_the_change_in_one_step() {
    let mut window = Window::on("jwt-sessions");
    let before = window.topology().clone();
    window.click("Server");
    assert_eq!(*window.topology(), before, "asked first");
    assert!(window.has_part("the scenario has \"replace signing key\" at 80.0 s"));
    window.click("Drop it with the change");
    let after = window.topology().clone();
    assert!(matches!(after.sessions, Sessions::ServerSide(_)));
    assert_eq!(after.scenario, before.scenario[..2]);
    assert_eq!(window.shell().live().view().problem, None);
    assert!(window.has_part("dropped \"replace signing key\" at 80.0 s"));
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(*window.topology(), before);
}

/// A tile of the choice in use says what a crash of the instance that it names costs at that very moment.
#[test]
fn tiles_tell_what_a_crash_now_costs() {
    let mut window = Window::on(sticky());
    window.measured(|m| m.sessions(SessionKind::Sticky) != LossFigure::Unknown);
    let measure = window.shell().live().view().measure;
    assert!(
        measure.about_sessions().ends_with("dies at 17.5 s"),
        "{}",
        measure.about_sessions()
    );
    assert!(measure.told().unwrap().contains("fresh run"));

    window.click("Play");
    window.wait(4.0);
    window.click("Pause");
    let now = window.now();
    let words = format!("at {now:.1} s");
    window.measured(|m| m.told().is_some_and(|told| told.contains(&words)) && m.held().is_some());
    window.measured(|m| m.placement(Placement::Memory) != LossFigure::Unknown);
    let measure = window.shell().live().view().measure;
    let (name, held, _) = measure.held().unwrap();
    assert_eq!(
        measure.about_sessions(),
        format!("lost if {name} died at {now:.1} s")
    );
    assert!(window.has_part(&format!("{name} held {held} sessions at {now:.1} s")));
    let sticky = window.description("Sticky");
    let memory = window.description("Memory");
    let heading = window
        .harness
        .get_by_role_and_label(egui::accesskit::Role::Heading, "Sessions kept");
    let remark = heading.accesskit_node().description();
    assert_eq!(remark, Some(format!("lost if {name} died at {now:.1} s")));

    window.click(&name);
    window.click("Crash process");
    window.click("Play");
    window.wait(7.5);
    let snapshot = window.shell().live().view().snapshot.clone();
    let (writes, sessions) = (snapshot.writes.lost, snapshot.sessions.lost);
    assert!(
        sticky.starts_with(&format!("Loses {sessions} if ")),
        "{sticky} {sessions}"
    );
    assert!(
        memory.starts_with(&format!("Loses {writes} if ")),
        "{memory} {writes}"
    );
    assert!(sessions.abs_diff(held) < 20, "{sessions} of {held}");
}

/// What a change drops is told in its message, and it is one number on the card, in the charts and in the log.
#[test]
fn a_change_that_drops_sessions_says_so_everywhere_alike() {
    for (text, card) in [
        (TOKENS.to_owned(), "clients"),
        (load(sticky()).unwrap().text, "api"),
    ] {
        let mut window = Window::of(&text);
        window.click("Play");
        window.wait(2.0);
        let live = window.sessions().live;
        assert!(live > 400);
        window.click("None");
        window.wait(0.5);
        let lost = window.sessions().lost;
        assert_eq!(lost, live);
        let told = statescope::app::words::format::counted(lost, "session", "sessions");
        let message = format!("{told} lost");
        let messages = window.harness.query_all_by_label_contains(&message);
        let said = messages.filter_map(|node| node.accesskit_node().label());
        let said: Vec<String> = said
            .filter(|text| text.starts_with("No sessions"))
            .collect();
        assert_eq!(said.len(), 1, "the message");
        let view = window.shell().live().view();
        assert_eq!(view.node(card).unwrap().lost_sessions, lost, "the card");
        let interval = view.history.intervals().last().unwrap();
        assert_eq!(interval.lost_sessions, lost, "the chart");
        assert!(window.has_part(&format!("{told} ")), "the log");
    }
}

#[test]
fn undo_on_a_message_undoes_its_own_edit_or_is_gone() {
    let mut window = Window::on(sticky());
    let before = window.topology().clone();
    window.click("Server");
    assert_eq!(window.count("Undo"), 2, "in the bar and on the message");
    window.text("+");
    assert!(window.has_part("Added store"));
    assert_eq!(window.count("Undo"), 1, "it would undo something else");
    window.keys(Modifiers::COMMAND, Key::Z);
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(*window.topology(), before);
    assert!(!window.has("Added store, where sessions are kept; balancer: stays sticky cookie"));
    assert!(window.has_part("Undone: Added store"));
    assert!(
        !window.has_part("Undone: api: 5 instances"),
        "one message about it, not two"
    );
    window.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(window.count("Dismiss message"), 1, "no pile");
    assert!(window.has_part("Done again: api: 5 instances"));
}

#[test]
fn a_reset_can_be_taken_back() {
    let mut window = Window::on(sticky());
    window.click("Play");
    window.wait(2.0);
    window.key(Key::C);
    window.wait(0.5);
    window.click("Pause");
    let snapshot = window.shell().live().view().snapshot.clone();
    let intervals = window.shell().live().view().history.intervals().to_vec();
    assert!(snapshot.sessions.lost > 0);
    window.key(Key::R);
    assert_eq!(window.now(), 0.0);
    assert!(!window.shell().live().has_recording());
    window.click("Bring it back");
    assert_eq!(window.shell().live().view().snapshot, &snapshot);
    assert!(window.shell().live().has_recording());
    let back = window.shell().live().view().history.intervals();
    assert_eq!(back[..intervals.len()], intervals);
    window.click("Play");
    window.wait(0.5);
    assert!(window.now() > snapshot.now.secs() + 0.4);
    // A seed is a document's: taking it back brings the run back, too.
    window.click("Pause");
    let ran = window.now();
    window.click("Seed");
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("77");
    window.key(Key::Enter);
    assert_eq!(window.now(), 0.0);
    window.keys(Modifiers::COMMAND, Key::Z);
    assert!((window.now() - ran).abs() < 0.2, "{} {ran}", window.now());
}

/// A card far away takes no new one beside it into a search without end.
#[test]
fn a_node_is_added_however_far_the_others_are() {
    for far in ["1e10", "-3e38", "999999"] {
        let text = format!(
            r#"Topology(schema: 1, nodes: {{"c": Clients(), "s": Service(state: InMemory())}}, links: ["c -> s"], canvas: {{"c": ({far}, {far}), "s": ({far}, {far})}})"#
        );
        let mut window = Window::of(&text);
        window.key(Key::Num5);
        window.frames(3);
        assert!(window.topology().nodes.contains_key("database"));
    }
}

const TOO_MUCH: &str = r#"Topology(
    schema: 1,
    nodes: {
        "clients": Clients(arrivals: Steady("200/s"), retries: 0, mix: (read: 1)),
        "api": Service(instances: 1, workers: 4, service_time: Constant("40ms"), queue: Limit(16)),
    },
    links: ["clients -> api"],
)"#;

#[test]
fn overload_is_told_in_the_log_and_on_the_canvas() {
    let mut window = Window::of(TOO_MUCH);
    window.click("Play");
    window.wait(8.0);
    // Four workers do half of it.
    let told = |window: &Window| {
        let nodes = window
            .harness
            .query_all_by_label_contains("api is saturated: ");
        let labels: Vec<String> = nodes
            .map(|node| node.accesskit_node().label().unwrap_or_default())
            .collect();
        labels
    };
    let labels = told(&window);
    assert_eq!(labels.len(), 2, "{labels:?}");
    for label in labels {
        assert!(
            label.contains("% fail, most because its queue is full"),
            "{label}"
        );
    }
    window.click("Pause");
    window.wait(1.0);
    assert!(window.comes_to_rest(), "what stands costs nothing");
}

#[test]
fn warnings_of_the_check_stand_on_the_canvas_until_they_are_dismissed() {
    let mut window = Window::of(TOO_MUCH);
    let warning = window.shell().live().view().warnings[0].message.clone();
    assert!(window.has_part(&warning));
    window.key(Key::Escape);
    assert!(
        window.harness.query_all_by_label_contains(&warning).count() >= 2,
        "in the inspector too"
    );
    window.click("Dismiss warning");
    let left = window.shell().live().view().warnings.len() - 1;
    assert_eq!(window.count("Dismiss warning"), usize::from(left > 0));
}

#[test]
fn a_standing_message_costs_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.ron");
    std::fs::write(&path, "Topology(\n    schema: 1,\n    nodez: {},\n)").unwrap();
    let mut window = Window::on(sticky());
    window.measured(|m| m.sessions(SessionKind::Sticky) != LossFigure::Unknown);
    window.keys(Modifiers::COMMAND, Key::O);
    window.give_path("Open a topology", &path);
    window.wait(3.0);
    window.measured(|m| m.placement(Placement::External) != LossFigure::Unknown);
    window.wait(1.0);
    assert!(window.has_part("bad.ron, line 3"));
    assert!(window.comes_to_rest());
}
