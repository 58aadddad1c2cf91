//! What lies where: messages beside what they speak of, bars of a low canvas, the start screen of a narrow window, and
//! cards of hundreds of instances.

use crate::support::window::Window;
use egui::{Event, Key, Modifiers, Rect, Vec2, pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use statescope::app::widgets::LOSS_TAG_HEIGHT;

fn rect(window: &Window, label: &str) -> Rect {
    window.harness.get_by_label(label).rect()
}

fn rects(window: &Window, part: &str) -> Vec<Rect> {
    let found = window.harness.query_all_by_label_contains(part);
    found.map(|node| node.rect()).collect()
}

/// A window of this size, on a text or on the preset of the first minute.
fn sized(mut window: Window, size: Vec2) -> Window {
    window.harness.set_size(size);
    window.frames(4);
    window
}

fn apart(what: &str, rects: &[Rect]) {
    for (i, a) in rects.iter().enumerate() {
        for b in &rects[i + 1..] {
            let shared = a.shrink(0.5).intersect(b.shrink(0.5));
            assert!(!shared.is_positive(), "{what}: {a:?} and {b:?}");
        }
    }
}

/// A card where messages would lie first, and one in the opposite corner.
const CORNERS: &str = r#"Topology(schema: 1, nodes: {
    "clients": Clients(),
    "api": Service(workers: 4),
}, links: ["clients -> api"], canvas: {"clients": (0, 0), "api": (640, 300)})"#;

#[test]
fn a_message_does_not_lie_over_what_it_speaks_of() {
    let mut window = Window::of(CORNERS);
    window.harness.get_by_label("Service api").click();
    window.frames(3);
    window.text("+");
    window.keys(Modifiers::COMMAND, Key::Z);
    window.harness.event(Event::Paste("lorem ipsum".to_owned()));
    window.wait(0.8);
    let messages = |window: &Window| {
        let all = ["Undone: ", "Not pasted: "].map(|text| rects(window, text));
        all.concat()
    };
    let shown = messages(&window);
    assert_eq!(shown.len(), 2);
    let canvas = rect(&window, "Canvas");
    assert!(shown.iter().all(|message| canvas.contains_rect(*message)));
    let others = ["Service api", "Clients clients", "Fit all", "Add service"];
    let others = others.map(|label| rect(&window, label));
    apart("messages", &[&shown[..], &others[..]].concat());

    // They stay where they are while the view moves.
    window.text("f");
    window.wait(0.2);
    assert_eq!(messages(&window), shown);
}

#[test]
fn a_low_canvas_keeps_its_tools_and_what_was_lost_is_seen() {
    for size in [vec2(1280.0, 560.0), vec2(1067.0, 467.0), vec2(914.0, 400.0)] {
        let mut window = sized(Window::on("sticky-in-memory"), size);
        window.text("f");
        window.key(Key::Space);
        window.wait(0.5);
        window.key(Key::C);
        window.wait(0.5);
        let canvas = rect(&window, "Canvas");
        let mut bars = rects(&window, "Add ");
        bars.retain(|bar| canvas.contains_rect(*bar));
        assert_eq!(bars.len(), 6, "{size:?}");
        bars.extend(["Select", "Move the view"].map(|tool| rect(&window, tool)));
        bars.extend(["Zoom in", "Zoom out", "Fit all"].map(|tool| rect(&window, tool)));
        let api = rect(&window, "Service api");
        assert!(canvas.contains_rect(api), "{size:?}: {api:?}");
        let zoom = api.width() / 248.0;
        let lost = api.with_max_y(api.bottom() + LOSS_TAG_HEIGHT * zoom);
        for bar in &bars {
            apart(&format!("{size:?}"), &[lost, *bar]);
        }
        apart(&format!("{size:?}"), &bars);
    }
}

#[test]
fn the_start_screen_of_a_narrow_window_says_all_it_has_to_say() {
    for size in [
        vec2(960.0, 600.0),
        vec2(800.0, 500.0),
        vec2(640.0, 400.0),
        vec2(480.0, 400.0),
    ] {
        let window = sized(Window::start(), size);
        let parts: Vec<Rect> = ["Lose a session", "Play", "Your first minute"]
            .into_iter()
            .map(|label| rect(&window, label))
            .chain(rects(&window, "Crash one, see who is logged out"))
            .collect();
        assert_eq!(parts.len(), 4);
        apart(&format!("{size:?}"), &parts);
        let head = ["Search topologies", "Open", "Blank canvas"].map(|label| rect(&window, label));
        apart(&format!("{size:?}"), &head);
        let window = Rect::from_min_max(pos2(0.0, 0.0), size.to_pos2());
        for part in parts.iter().chain(&head) {
            assert!(window.x_range().contains(part.left()) && part.right() <= window.right());
            assert!(part.width() > 20.0, "{size:?}: {part:?}");
        }
    }
}

#[test]
fn hundreds_of_instances_stay_within_their_card() {
    for (instances, state) in [
        (200, "External(store: \"db\")"),
        (10_000, "External(store: \"db\")"),
        (200, "InMemory()"),
        (10_000, "InMemory()"),
    ] {
        let text = format!(
            r#"Topology(schema: 1, nodes: {{
                "clients": Clients(), "lb": LoadBalancer(),
                "api": Service(instances: {instances}, state: {state}), "db": SqlDatabase(),
            }}, links: ["clients -> lb", "lb -> api"], scenario: [At("10ms", Crash("api", 150))])"#
        );
        let mut window = Window::of(&text);
        window.key(Key::Space);
        window.wait(0.5);
        let card = rect(&window, "Service api");
        let zoom = card.width() / if state.starts_with('I') { 248.0 } else { 190.0 };
        assert!(card.height() / zoom < 280.0, "{card:?}");
        let is_pip = |label: &str| {
            let number = label.strip_prefix("api ").map(str::parse::<u32>);
            number.is_some_and(|number| number.is_ok())
        };
        let pips: Vec<Rect> = window
            .harness
            .query_all_by_label_contains("api ")
            .filter(|node| node.accesskit_node().label().is_some_and(|l| is_pip(&l)))
            .map(|node| node.rect())
            .collect();
        assert!((40..=64).contains(&pips.len()), "{}", pips.len());
        assert!(pips.iter().all(|pip| card.contains_rect(*pip)));
        // The one in trouble is among them.
        assert!(window.has("api 150"), "{instances}");
        assert!(!window.has(&format!("api {}", instances - 1)));
    }
}

/// A name of any length is cut, and there in full in a tip.
#[test]
fn long_names_end_in_time() {
    let name = "a-name-of-a-service-that-is-as-long-as-a-name-may-be-in-a-file";
    let text = format!(
        r#"Topology(schema: 1, nodes: {{"clients": Clients(), "{name}": Service(), "b": Service()}},
            links: ["clients -> {name}", "clients -> b"])"#
    );
    let mut window = Window::of(&text);
    window
        .harness
        .get_by_label(&format!("Service {name}"))
        .click();
    window.frames(3);
    window.click("Scale");
    let label = rects(&window, "Instances of a-name");
    let number = rects(&window, "Number of instances");
    assert!(!label.is_empty() && !number.is_empty());
    apart("scale", &[label[0], number[0]]);
    window.key(Key::Escape);
    window.keys(Modifiers::COMMAND, Key::A);
    let inspector = rect(&window, "Inspector");
    let tag = rect(&window, &format!("Let go of {name}"));
    assert!(inspector.contains_rect(tag), "{tag:?}");
}
