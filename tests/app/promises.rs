//! Promises: set where they are seen, judged while the system runs.

use crate::support::window::Window;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use statescope::units::{Duration, Share};

const SHOP: &str = r#"Topology(schema: 1, name: "Shop", sessions: InMemory(),
    nodes: {
        "clients": Clients(arrivals: Poisson("200/s")),
        "lb": LoadBalancer(policy: StickyCookie),
        "api": Service(instances: 3, state: InMemory()),
    },
    links: ["clients -> lb", "lb -> api"],
    scenario: [At("3s", Crash("api", 2))],
    canvas: {"clients": (80, 200), "lb": (280, 200), "api": (480, 200)},
)"#;

fn shop(objectives: &str, expects: &str) -> Window {
    let more = format!("objectives: ({objectives}), expects: [{expects}], canvas:");
    let mut window = Window::of(&SHOP.replace("canvas:", &more));
    window.key(Key::Escape);
    window
}

#[test]
fn a_promise_is_made_in_the_overview_edited_and_taken_back() {
    let mut window = shop("", "");
    assert!(window.has_part("Nothing is promised"));
    window.click("Promise");
    window.click("No lost sessions");
    let objectives = |window: &Window| window.topology().objectives.clone();
    assert_eq!(objectives(&window).lost_sessions, Some(0));
    assert!(window.has_part("Promise lost sessions: none"));
    // Its target is open: 5 is written and Enter accepts.
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("5");
    window.key(Key::Enter);
    assert_eq!(objectives(&window).lost_sessions, Some(5));
    assert!(window.has_part("Promise lost sessions: at most 5"));
    window.click("Take it back");
    assert_eq!(objectives(&window).lost_sessions, None);
    for _ in 0..3 {
        window.keys(Modifiers::COMMAND, Key::Z);
    }
    assert!(!window.has_part("unsaved changes"));
}

#[test]
fn a_wrong_target_is_marked_there_with_what_would_be_right() {
    let mut window = shop("p99: \"300ms\"", "");
    window
        .harness
        .get_by_label_contains("Promise p99: at most 300 ms")
        .click();
    window.frames(3);
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("300 apples");
    window.key(Key::Enter);
    assert!(window.has_part("not a unit of a time"));
    assert_eq!(
        window.topology().objectives.p99,
        Some(Duration::from_secs(0.3))
    );
}

#[test]
fn a_broken_promise_is_seen_at_once_and_where_it_broke() {
    let mut window = shop("availability: \"10%\", lost_sessions: 0", "");
    window.click("Play");
    window.wait(1.0);
    assert!(window.has("2 promises kept so far"));
    window.wait(2.5);
    let lost = window.sessions().lost;
    assert!(lost > 100);
    let lost = statescope::app::words::format::grouped(lost);
    let chip = format!("1 of 2 promises broken: lost sessions {lost} > 0");
    assert!(window.has(&chip), "{chip}");
    assert!(window.has_part("Promise lost sessions: none, broken"));
    // On the axis, within a tenth of a second of the crash.
    let told = window
        .harness
        .get_by_label_contains("Lost sessions: lost sessions");
    let told = format!("{told:?}");
    assert!(
        told.contains("broken at 3.0 s") || told.contains("broken at 3.1 s"),
        "{told}"
    );
    // The chip leads to the promises, from whatever is selected.
    window.click("Service api");
    assert!(!window.has_part("Promise lost sessions: none, broken"));
    window.click(&chip);
    assert!(window.has_part("Promise lost sessions: none, broken"));
}

#[test]
fn a_promise_made_while_it_runs_is_judged_on_the_whole_run_and_restarts_nothing() {
    let mut window = shop("", "");
    window.click("Play");
    window.wait(4.0);
    window.click("Pause");
    let before = (
        window.now(),
        window.shell().live().view().snapshot.operations,
    );
    window.click("Promise");
    window.click("No lost sessions");
    window.frames(3);
    let after = (
        window.now(),
        window.shell().live().view().snapshot.operations,
    );
    assert_eq!(before, after);
    assert!(window.has_part("1 of 1 promise broken"));
    // Its figure's verdict is that of the whole run, and no fault is booked for it.
    assert_eq!(window.shell().live().view().snapshot.faults.len(), 1);
}

#[test]
fn a_figure_becomes_a_promise_by_its_menu() {
    let mut window = shop("", "");
    window.click("Play");
    window.wait(2.0);
    window.click("Pause");
    let p99 = window.harness.get_by_label_contains("Figure: p99");
    p99.click_secondary();
    window.frames(4);
    let promise = window
        .harness
        .get_by_label_contains("Promise this: p99 at most");
    promise.click();
    window.frames(3);
    let promised = window.topology().objectives.p99.unwrap();
    let told = window.shell().live().view().promises[0].verdict.clone();
    // What holds now, and a little besides.
    assert_eq!(told.met, Some(true), "{promised} {told:?}");
    let none = window.harness.get_by_label_contains("Figure: sessions");
    none.click_secondary();
    window.frames(4);
    window.click("Promise this: No lost sessions");
    assert_eq!(window.topology().objectives.lost_sessions, Some(0));
    let failed = window.harness.get_by_label_contains("Failed: 0");
    failed.click_secondary();
    window.frames(4);
    let promise = window
        .harness
        .get_by_label_contains("Promise this: Availability at least");
    promise.click();
    window.frames(3);
    assert_eq!(
        window.topology().objectives.availability,
        Some(Share(0.9999))
    );
}

#[test]
fn what_is_expected_of_the_results_is_judged_and_edited() {
    let mut window = shop("", "\"sessions.lost > 0\"");
    assert!(window.has_part("Expected sessions.lost > 0: does not hold yet"));
    window.click("Play");
    window.wait(4.0);
    assert!(window.has_part("Expected sessions.lost > 0: holds so far"));
    window.click("Pause");
    window
        .harness
        .get_by_label_contains("Expected sessions.lost > 0")
        .click();
    window.frames(3);
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("sessions.lots > 0");
    window.key(Key::Enter);
    assert!(window.has_part("did you mean `lost`"));
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("sessions.lost == 0");
    window.key(Key::Enter);
    assert_eq!(window.topology().expects, ["sessions.lost == 0"]);
    assert!(window.has_part("Expected sessions.lost == 0: does not hold yet"));
}

#[test]
fn a_figure_of_a_node_becomes_a_check_of_the_results() {
    let mut window = shop("", "");
    window.click("Play");
    window.wait(2.0);
    window.click("Pause");
    window.click("Service api");
    window
        .harness
        .get_by_label_contains("Utilisation of api")
        .click_secondary();
    window.frames(4);
    let promise = window
        .harness
        .get_by_label_contains("Promise this: at most");
    promise.click();
    window.frames(3);
    let expects = window.topology().expects.clone();
    assert_eq!(expects.len(), 1);
    assert!(
        expects[0].starts_with("nodes.api.utilisation <= "),
        "{expects:?}"
    );
    window.key(Key::Escape);
    assert!(window.has_part("Expected nodes.api.utilisation <= "));
}

/// The row that takes a promise back is as high as its button, and does not push what follows out of sight.
#[test]
fn a_new_promise_leaves_the_others_where_they_can_be_seen() {
    let mut window = shop("lost_writes: 0", "");
    window.click("Promise");
    window.click("No lost sessions");
    let rect = |name: &str| window.harness.get_by_label(name).rect();
    let back = rect("Take it back");
    assert!(back.height() < 40.0, "{back:?}");
    let row = window
        .harness
        .get_all_by_role(egui::accesskit::Role::TextInput);
    let field = row.filter(|node| node.rect().bottom() <= back.top() + 1.0);
    let nearest = field.map(|node| node.rect().bottom()).fold(0.0, f32::max);
    assert!(back.top() - nearest < 24.0, "{back:?} below {nearest}");
}

/// What stands in a field is meant to be saved, too.
#[test]
fn saving_takes_what_is_being_typed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.ron");
    let mut window = shop("", "");
    window.click("Promise");
    window.click("No lost sessions");
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("7");
    window.keys(Modifiers::COMMAND, Key::S);
    window.give_path("Save the topology as", &path);
    let saved = statescope::model::load(&path.to_string_lossy()).unwrap();
    assert_eq!(saved.topology.objectives.lost_sessions, Some(7));
}

/// In a narrow window the buttons of the top bar lie side by side, each to be clicked as itself.
#[test]
fn a_narrow_top_bar_has_no_button_over_another() {
    let mut window = shop("lost_writes: 0", "");
    for width in [1280.0, 960.0, 800.0, 640.0] {
        window.harness.set_size(egui::vec2(width, 600.0));
        window.frames(3);
        let buttons = ["Undo", "Redo", "Crash", "Deploy", "Scale", "Shortcuts"];
        let rects = buttons.map(|name| {
            let starts = |node: &egui_kittest::Node<'_>| {
                let label = node.accesskit_node().label().unwrap_or_default();
                label == name || label.starts_with(&format!("{name}:"))
            };
            let mut all = window
                .harness
                .get_all_by_role(egui::accesskit::Role::Button);
            all.find(starts)
                .unwrap_or_else(|| panic!("{name} at {width}"))
                .rect()
        });
        for (index, one) in rects.iter().enumerate() {
            for other in &rects[index + 1..] {
                assert!(
                    !one.shrink(1.0).intersects(other.shrink(1.0)),
                    "{width}: {rects:?}"
                );
            }
        }
    }
}
