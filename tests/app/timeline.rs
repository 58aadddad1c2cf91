//! The schedule edited on the time line, by mouse and by keyboard.

use crate::support::window::Window;
use egui::{Key, Modifiers, Pos2, vec2};
use egui_kittest::kittest::Queryable;
use statescope::model::{Command, Sides, Timed};
use statescope::units::{Duration, Share};

const SHOP: &str = r#"Topology(schema: 1, name: "Shop", sessions: InMemory(), duration: "2m",
    nodes: {
        "clients": Clients(arrivals: Poisson("200/s")),
        "lb": LoadBalancer(policy: StickyCookie),
        "api": Service(instances: 3, state: InMemory()),
    },
    links: ["clients -> lb", "lb -> api"],
    scenario: [At("20s", Crash("api", 2)), At("30s", Restart("api", 2))],
    canvas: {"clients": (80, 200), "lb": (280, 200), "api": (480, 200)},
)"#;

fn s(seconds: f64) -> Duration {
    Duration::from_secs(seconds)
}

fn scenario(window: &Window) -> Vec<Timed> {
    window.topology().scenario.clone()
}

fn crash(at: f64) -> Timed {
    Timed::At(s(at), Command::Crash("api".into(), 2))
}

fn place(window: &Window, part: &str) -> Pos2 {
    window.harness.get_by_label_contains(part).rect().center()
}

/// Points of the axis for a second.
fn per_second(window: &Window) -> f32 {
    let (crash, restart) = (
        place(window, "20.0 s  Crash"),
        place(window, "30.0 s  Restart"),
    );
    (restart.x - crash.x) / 10.0
}

fn drag(window: &mut Window, from: Pos2, to: Pos2) {
    window.harness.hover_at(from);
    window.frames(2);
    window.harness.drag_at(from);
    window.frames(2);
    window.harness.hover_at(from + (to - from) / 2.0);
    window.frames(2);
    window.harness.hover_at(to);
    window.frames(2);
    window.harness.drop_at(to);
    window.frames(3);
}

fn click_at(window: &mut Window, at: Pos2) {
    window.harness.hover_at(at);
    window.frames(2);
    window.harness.drag_at(at);
    window.harness.drop_at(at);
    window.frames(3);
}

#[test]
fn the_whole_scenario_is_seen_from_the_start_and_the_next_event_is_announced() {
    let mut window = Window::of(&SHOP.replace("\"30s\"", "\"100s\""));
    assert!(window.has_part("100.0 s  Restart api 2 (scheduled)"));
    assert!(window.has_part("Next: crash api 2 in 20 s"));
    window.click("Play");
    window.wait(1.0);
    assert!(window.has_part("Next: crash api 2 in 19"));
}

#[test]
fn a_drag_moves_an_event_in_one_step() {
    let mut window = Window::of(SHOP);
    let from = place(&window, "20.0 s  Crash");
    let second = per_second(&window);
    drag(&mut window, from, from + vec2(4.6 * second, 3.0));
    assert_eq!(scenario(&window)[0], crash(24.5));
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(scenario(&window)[0], crash(20.0));
    assert!(window.has("Undone: Moved crash api 2 to 24.5 s"));
    window.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(scenario(&window)[0], crash(24.5));
}

#[test]
fn a_run_goes_on_as_it_was_and_nothing_is_moved_before_now() {
    let mut window = Window::of(SHOP);
    window.click("Play");
    window.wait(5.0);
    window.click("Pause");
    let now = window.now();
    let before = window.shell().live().view().snapshot.operations;
    let from = place(&window, "20.0 s  Crash");
    let second = per_second(&window);
    drag(&mut window, from, from - vec2(18.0 * second, 0.0));
    let Timed::At(at, _) = scenario(&window)[0] else {
        panic!("{:?}", scenario(&window));
    };
    assert!(at > s(now) && at <= s(now + 0.5), "{at} at {now}");
    // The run stands where it stood, and what happened is what it was.
    assert_eq!(window.now(), now);
    assert_eq!(window.shell().live().view().snapshot.operations, before);
    window.click("Play");
    window.wait(1.0);
    let view = window.shell().live().view();
    assert_eq!(view.snapshot.faults.len(), 1);
    assert_eq!(view.snapshot.faults[0].at, at);
    // What has happened does not happen again when the edit is taken back: the schedule says 20 s, and that is to come.
    window.keys(Modifiers::COMMAND, Key::Z);
    assert!(window.has_part("20.0 s  Crash api 2 (scheduled)"));
}

#[test]
fn a_click_adds_what_fits_the_selection() {
    let mut window = Window::of(SHOP);
    let crash = place(&window, "20.0 s  Crash");
    let second = per_second(&window);
    click_at(&mut window, crash + vec2(5.1 * second, 0.0));
    assert!(window.has_part("At 25.0 s"));
    assert!(window.has("Crash api 1") && !window.has_part("ail over"));
    window.click("Hang api 1");
    let hang = Timed::At(s(25.0), Command::Hang("api".into(), 1));
    assert_eq!(scenario(&window)[2], hang);
    assert!(window.has_part("25.0 s  Hang api 1 (scheduled)"));
    // It has the keyboard: an arrow moves it, Delete takes it out again.
    window.key(Key::ArrowRight);
    assert_eq!(
        scenario(&window)[2],
        Timed::At(s(25.5), Command::Hang("api".into(), 1))
    );
    window.key(Key::Delete);
    assert_eq!(scenario(&window).len(), 2);
    assert!(window.topology().nodes.contains_key("api"));
    for _ in 0..3 {
        window.keys(Modifiers::COMMAND, Key::Z);
    }
    assert_eq!(scenario(&window).len(), 2);
    assert!(!window.has_part("unsaved changes"));
}

#[test]
fn everything_by_keyboard() {
    let mut window = Window::of(SHOP);
    window
        .harness
        .get_by_label_contains("20.0 s  Crash")
        .focus();
    window.frames(2);
    window.keys(Modifiers::SHIFT, Key::ArrowRight);
    assert_eq!(scenario(&window)[0], crash(25.0));
    window.key(Key::ArrowLeft);
    assert_eq!(scenario(&window)[0], crash(24.5));
    // Enter opens it, with the keyboard in the field of its time.
    window.key(Key::Enter);
    assert!(window.has("When"));
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("40s");
    window.key(Key::Enter);
    assert_eq!(scenario(&window)[0], crash(40.0));
    window.key(Key::Escape);
    assert!(!window.has("When"));
    // And an event is added from the track itself.
    window
        .harness
        .get_by_label_contains("Schedule: 2 events")
        .focus();
    window.frames(2);
    window.key(Key::Enter);
    assert!(window.has("Crash api 1"));
}

#[test]
fn a_form_says_what_would_be_right_and_makes_an_instant_random() {
    let mut window = Window::of(&SHOP.replace("\"30s\"", "\"45s\""));
    window.click("Play");
    window.wait(2.0);
    window.click("Pause");
    window
        .harness
        .get_by_label_contains("20.0 s  Crash")
        .focus();
    window.frames(2);
    window.key(Key::Enter);
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("1s");
    window.key(Key::Enter);
    assert!(window.has_part("already: write a later time"));
    assert_eq!(scenario(&window)[0], crash(20.0));
    window.key(Key::Escape);
    window.click("Random instant: on");
    let between = Timed::Between(s(20.0), s(30.0), Command::Crash("api".into(), 2));
    assert_eq!(scenario(&window)[0], between);
    assert!(window.has("Earliest") && window.has("Latest"));
    window.click("Close");
    // Its span has two handles.
    let end = place(&window, "crash api 2: latest 30.0 s");
    let begin = place(&window, "crash api 2: earliest 20.0 s");
    let second = (end.x - begin.x) / 10.0;
    drag(&mut window, begin, begin - vec2(5.0 * second, 0.0));
    drag(&mut window, end, end + vec2(2.0 * second, 0.0));
    let wider = Timed::Between(s(15.0), s(32.0), Command::Crash("api".into(), 2));
    assert_eq!(scenario(&window)[0], wider);
}

#[test]
fn what_was_done_by_hand_can_be_kept() {
    let mut window = Window::of(SHOP);
    window.click("Play");
    window.wait(2.0);
    window.click("Crash");
    window.wait(0.5);
    let crashed = window.harness.get_by_label_contains("Done by hand");
    crashed.click_secondary();
    window.frames(4);
    window.click("Keep crash api 1 in the scenario");
    let kept = scenario(&window);
    assert_eq!(kept.len(), 3);
    assert_eq!(kept[2].command(), &Command::Crash("api".into(), 1));
    window.frames(20);
    assert!(!window.has_part("Done by hand"));
    // It has happened: it does not happen again in this run, but in the next.
    let faults = window.shell().live().view().snapshot.faults.len();
    assert_eq!(faults, 1);
}

#[test]
fn an_edit_of_the_schedule_is_saved_with_the_session() {
    let mut window = Window::of(SHOP);
    window.click("Play");
    window.wait(2.0);
    window
        .harness
        .get_by_label_contains("20.0 s  Crash")
        .focus();
    window.frames(1);
    window.keys(Modifiers::SHIFT, Key::ArrowLeft);
    let session = window.shell().live().session();
    assert_eq!(session.scenario[0], crash(15.0));
    assert!(window.shell().live().has_recording());
}

#[test]
fn what_has_happened_is_opened_and_taken_out_for_the_next_run() {
    let mut window = Window::of(&SHOP.replace("\"20s\"", "\"1s\""));
    window.click("Play");
    window.wait(2.0);
    window.click("Pause");
    let crashed = window.harness.get_by_label_contains("1.0 s  api 2 crashed");
    crashed.focus();
    window.frames(2);
    window.key(Key::Enter);
    assert!(window.has_part("a change counts from the next one"));
    window.key(Key::Escape);
    window.key(Key::Escape);
    window
        .harness
        .get_by_label_contains("1.0 s  api 2 crashed")
        .focus();
    window.frames(2);
    window.key(Key::Delete);
    assert_eq!(scenario(&window).len(), 1);
    // What happened stays.
    assert!(window.has_part("1.0 s  api 2 crashed"));
    assert_eq!(window.shell().live().view().snapshot.faults.len(), 1);
}

#[test]
fn an_event_of_the_list_opens_where_it_stands() {
    let mut window = Window::of(SHOP);
    window.key(Key::Escape);
    let row = window
        .harness
        .get_by_label_contains("30.0 s Restart api 2.");
    row.click();
    window.frames(4);
    assert!(window.has("When") && window.has("Take out"));
}

#[test]
fn after_typing_letters_mean_nothing_until_esc() {
    let mut window = Window::of(SHOP);
    window.key(Key::Escape);
    let seed = window.harness.query_all_by_label("Seed").next();
    seed.unwrap().focus();
    window.frames(2);
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("7");
    window.key(Key::Enter);
    assert_eq!(window.topology().seed, 7);
    // Who goes on typing adds no node and crashes nothing.
    window.key(Key::Num4);
    window.key(Key::C);
    window.key(Key::Delete);
    assert_eq!(window.topology().nodes.len(), 3);
    assert!(!window.shell().live().has_recording());
    // What is done with Ctrl still is, and Space plays.
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.topology().seed, 1);
    window.key(Key::Escape);
    window.key(Key::Num4);
    window.frames(3);
    assert_eq!(window.topology().nodes.len(), 4);
}

#[test]
fn an_event_gets_another_node_and_esc_closes_what_is_open_only() {
    let shop = SHOP.replace(
        r#""api": Service("#,
        r#""cart": Service(instances: 1, state: InMemory()), "api": Service("#,
    );
    let mut window = Window::of(&shop.replace(r#""lb -> api""#, r#""lb -> api", "api -> cart""#));
    let open = |window: &mut Window| {
        let event = window.harness.get_by_label_contains("20.0 s  Crash");
        event.focus();
        window.frames(2);
        window.key(Key::Enter);
        assert!(window.has("When"));
    };
    open(&mut window);
    window.click("What: Crash");
    assert!(window.has("Hang"));
    window.key(Key::Escape);
    assert!(window.has("When") && !window.has("Hang"));
    window.key(Key::Escape);
    assert!(!window.has("When"));

    open(&mut window);
    window.click("Node: api");
    assert!(!window.has("lb"), "a balancer cannot crash");
    window.click("cart");
    // It has fewer instances.
    let there = Timed::At(s(20.0), Command::Crash("cart".into(), 1));
    assert_eq!(scenario(&window)[0], there);
    assert!(window.has("Node: cart"));
}

#[test]
fn an_event_is_no_later_than_the_longest_run() {
    let mut window = Window::of(SHOP);
    let event = window.harness.get_by_label_contains("20.0 s  Crash");
    event.focus();
    window.frames(2);
    window.key(Key::Enter);
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("99999h");
    window.key(Key::Enter);
    assert!(window.has_part("out of range"));
    assert_eq!(scenario(&window)[0], crash(20.0));
    // After the end it happens in the window alone, and is told so.
    window.keys(Modifiers::COMMAND, Key::A);
    window.text("3m");
    window.key(Key::Enter);
    assert_eq!(scenario(&window)[0], crash(180.0));
    assert!(window.has_part("after the end"));
}

#[test]
fn a_seed_that_is_none_is_refused_in_words() {
    let mut window = Window::of(SHOP);
    for (typed, told) in [
        ("many", "A seed is a whole number, such as 7"),
        (
            "99999999999999999999",
            "The largest seed is 18446744073709551615",
        ),
    ] {
        window.harness.get_by_label("Seed").focus();
        window.frames(2);
        window.keys(Modifiers::COMMAND, Key::A);
        window.text(typed);
        window.key(Key::Enter);
        assert!(window.has(told), "{typed}");
        window.key(Key::Escape);
        assert!(!window.has(told), "{typed}");
    }
    assert_eq!(window.topology().seed, 1);
}

#[test]
fn a_fault_of_the_network_is_planned_between_two_sides() {
    let mut window = Window::of(&SHOP.replace(
        "Service(instances: 3,",
        "Service(instances: 3, zones: [\"a\", \"b\"],",
    ));
    window.click("Link lb to api");
    let crash = place(&window, "20.0 s  Crash");
    let second = per_second(&window);
    click_at(&mut window, crash + vec2(5.1 * second, 0.0));
    window.click("Cut between lb and api");
    let planned = |window: &Window| scenario(window)[2].command().clone();
    let sides = |text: &str| text.parse::<Sides>().unwrap();
    assert_eq!(planned(&window), Command::Cut(sides("lb -> api")));
    window.key(Key::Enter);
    for (list, choice) in [
        ("What: Cut", "Slow down"),
        ("And: api", "api 2"),
        ("Between: lb", "everything else"),
        ("And: api 2", "zone b"),
    ] {
        window.click(list);
        window.frames(3);
        let option = egui::accesskit::Role::ListBoxOption;
        window.harness.get_by_role_and_label(option, choice).click();
        window.frames(3);
    }
    assert_eq!(planned(&window), Command::Slow(sides("* -> @b"), 10.0));
    let type_in = |window: &mut Window, name: &str, text: &str| {
        window
            .harness
            .get_by_role_and_label(egui::accesskit::Role::TextInput, name)
            .focus();
        window.frames(3);
        window.keys(Modifiers::COMMAND, Key::A);
        window.text(text);
        window.key(Key::Enter);
    };
    type_in(&mut window, "Times slower", "0.5");
    assert!(window.has_part("times slower: more than 1"));
    type_in(&mut window, "Times slower", "25");
    assert_eq!(planned(&window), Command::Slow(sides("* -> @b"), 25.0));
    assert!(window.has_part("25.0 s  Slow down 25 times between everything else and zone b"));
    window.click("What: Slow down");
    window.frames(3);
    window.click("Lose messages");
    type_in(&mut window, "Share lost", "5 %");
    assert_eq!(
        planned(&window),
        Command::Lose(sides("* -> @b"), Share(0.05))
    );
}
