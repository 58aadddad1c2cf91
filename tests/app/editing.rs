//! Drawing in the window: naming, selecting, moving, copying and adding, by mouse, keyboard and clipboard.

use crate::support::hand::{Hand, header};
use crate::support::window::Window;
use egui::{Event, Key, Modifiers, Rect, pos2, vec2};
use egui_kittest::kittest::Queryable;
use statescope::app::words::format;
use statescope::model::{Node, Topology, file};

const SHOP: &str = r#"Topology(
    schema: 1,
    name: "Shop",
    nodes: {
        "clients": Clients(),
        "lb": LoadBalancer(),
        "api": Service(state: External(store: "store"), workers: 4),
        "search": Service(workers: 4),
        "store": RedisLike(),
    },
    links: ["clients -> lb", "lb -> api", "lb -> search", "search -> store"],
    scenario: [At("50s", Crash("api", 1))],
    expects: ["nodes.api.utilisation < 0.9"],
    canvas: {"clients": (80, 120), "lb": (260, 112), "api": (440, 60), "search": (440, 200), "store": (700, 120)},
)"#;

const BLANK: &str = "Topology(schema: 1)";

fn text(topology: &Topology) -> String {
    file::write(topology)
}

#[test]
fn a_double_click_on_a_name_renames_and_all_follows() {
    let mut window = Window::of(SHOP);
    let card = window.rect("Service api");
    window.double_click_at(header(card));
    window.frames(3);
    window.type_name("api", "desk");
    assert!(window.has("Service desk") && !window.has("Service api"));
    assert_eq!(window.rect("Service desk"), card, "it stays where it was");
    let topology = window.topology();
    assert_eq!(topology.nodes["desk"].id(), "api");
    assert!(topology.links.find("lb->desk").is_some());
    assert_eq!(topology.expects, ["nodes.desk.utilisation < 0.9"]);
    assert_eq!(topology.scenario[0].command().node(), Some("desk"));
    assert_eq!(window.selected(), ["desk"]);
    assert_eq!(window.undo_label(), "Renamed api to desk");
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.selected(), ["api"]);
    assert_eq!(window.shell().live().document().text(), SHOP);
    window.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(window.selected(), ["desk"]);
}

#[test]
fn names_that_cannot_be_are_refused_at_the_field() {
    let mut window = Window::of(SHOP);
    window.harness.get_by_label("Service api").click();
    window.frames(3);
    window.key(Key::F2);
    window.type_name("api", "lb");
    assert!(window.has_part("There is a node lb already"));
    assert_eq!(
        text(window.topology()),
        text(&file::read(SHOP, "").unwrap())
    );
    // It is still there to be mended.
    window.type_name("api", "a b");
    let told = "A b cannot be a node's name because of the space: use letters, digits, hyphens and underscores";
    assert!(window.has(told));
    window.key(Key::Escape);
    assert!(!window.has("Name of api") && window.has("Service api"));
    // While a name is typed, letters and digits go nowhere else.
    window.key(Key::F2);
    window.key(Key::Num3);
    window.key(Key::Delete);
    window.key(Key::Escape);
    assert_eq!(window.names().len(), 5);
}

#[test]
fn a_name_can_be_typed_in_the_inspector_and_from_the_menu() {
    let mut window = Window::of(SHOP);
    window.harness.get_by_label("Service search").click();
    window.wait(0.7);
    let title = window
        .harness
        .get_by_label_contains("search, service")
        .rect();
    window.double_click_at(pos2(title.left() + 60.0, title.center().y));
    window.frames(2);
    window.type_name("search", "find");
    assert!(window.has("Service find"));
    window
        .harness
        .get_by_label("Service find")
        .click_secondary();
    window.choose("Rename");
    window.type_name("find", "search");
    assert_eq!(window.topology().nodes["search"].id(), "");
}

#[test]
fn a_running_system_goes_on_under_the_new_name() {
    let run = |rename: bool| {
        let mut window = Window::on("sticky-in-memory");
        window.key(Key::Space);
        window.wait(2.0);
        if rename {
            window.harness.get_by_label("Service api").click();
            window.frames(3);
            window.key(Key::F2);
            window.type_name("api", "apiqq");
        }
        // As many frames either way.
        while window.now() < 5.0 {
            window.frames(1);
        }
        window.key(Key::Space);
        window
    };
    let (plain, renamed) = (run(false), run(true));
    let cards = |window: &Window, name: &str| window.description(&format!("Service {name}"));
    assert_eq!(cards(&renamed, "apiqq"), cards(&plain, "api"));
    let shown = |window: &Window| {
        let view = window.shell().live().view();
        format!("{:?}", view.snapshot)
    };
    assert!(shown(&renamed).contains("apiqq"));
    assert_eq!(shown(&renamed).replace("apiqq", "api"), shown(&plain));
    let session = renamed.shell().live().session();
    assert!(
        session
            .scenario
            .iter()
            .all(|timed| timed.command().node() != Some("api"))
    );
    assert!(
        !renamed.shell().live().has_recording(),
        "it is no event of the run"
    );
}

#[test]
fn several_are_selected_by_shift_frame_and_keys() {
    let mut window = Window::of(SHOP);
    let at = |window: &Window, label: &str| header(window.rect(label));
    window.click_at(at(&window, "Service api"), Modifiers::NONE);
    assert_eq!(window.selected(), ["api"]);
    let search = at(&window, "Service search");
    window.click_at(search, Modifiers::SHIFT);
    assert_eq!(window.selected(), ["api", "search"]);
    assert!(window.has_part("2 selected: api, search"));
    window.click_at(search, Modifiers::SHIFT);
    assert_eq!(window.selected(), ["api"]);
    let (api, store) = (
        window.rect("Service api"),
        window.rect("Redis-like store store"),
    );
    let above = api.left_top() - vec2(12.0, 12.0);
    window.drag(
        above,
        pos2(api.right() + 10.0, store.bottom() + 100.0),
        Modifiers::NONE,
    );
    assert_eq!(window.selected(), ["api", "search"]);
    let below = store.left_bottom() + vec2(-20.0, 30.0);
    window.drag(below, store.center(), Modifiers::SHIFT);
    assert_eq!(window.selected(), ["api", "search", "store"]);
    window.key(Key::Escape);
    assert_eq!(window.selected(), [""; 0]);
    window.keys(Modifiers::COMMAND, Key::A);
    assert_eq!(window.selected().len(), 5);
    // From one to the next with the keyboard alone.
    window.key(Key::Escape);
    window.harness.get_by_label("Load balancer lb").focus();
    window.frames(3);
    window.keys(Modifiers::COMMAND, Key::Tab);
    window.keys(Modifiers::COMMAND, Key::Tab);
    assert_eq!(window.selected(), ["lb", "api", "search"]);
    let here = window.harness.get_by_label("Service search");
    assert!(here.is_focused());
}

#[test]
fn several_are_moved_nudged_and_removed_in_one_step_each() {
    let mut window = Window::of(SHOP);
    let before = window.topology().clone();
    window.keys(Modifiers::COMMAND, Key::A);
    let from = header(window.rect("Service api"));
    window.drag(from, from + vec2(-30.0, 55.0), Modifiers::COMMAND);
    for name in window.names() {
        let (x, y) = before.canvas[&name];
        assert_eq!(window.place(&name), vec2(x - 30.0, y + 55.0), "{name}");
    }
    assert_eq!(window.selected().len(), 5, "they stay selected");
    window.key(Key::ArrowRight);
    assert_eq!(window.place("store").x, before.canvas["store"].0 - 22.0);
    assert_eq!(window.place("lb").x, before.canvas["lb"].0 - 22.0);
    for _ in 0..2 {
        window.keys(Modifiers::COMMAND, Key::Z);
    }
    assert_eq!(*window.topology(), before);
    window.harness.get_by_label("Service api").click();
    window.wait(0.7);
    window.click_at(header(window.rect("Service search")), Modifiers::SHIFT);
    window.key(Key::Delete);
    assert_eq!(window.names(), ["clients", "lb", "store"]);
    assert_eq!(window.undo_label(), "Removed 2 nodes");
    assert!(window.selected().is_empty());
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(*window.topology(), before);
}

#[test]
fn a_key_that_is_held_nudges_on_in_one_step() {
    let mut window = Window::of(SHOP);
    window.harness.get_by_label("Service search").click();
    window.frames(3);
    let arrow = |pressed| Event::Key {
        key: Key::ArrowDown,
        physical_key: None,
        pressed,
        // Told by egui itself.
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    for _ in 0..6 {
        window.harness.event(arrow(true));
        window.frames(1);
    }
    window.harness.event(arrow(false));
    window.frames(2);
    assert_eq!(window.place("search"), vec2(440.0, 248.0));
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.shell().live().document().text(), SHOP);
}

#[test]
fn escape_lets_go_of_what_is_dragged() {
    let mut window = Window::of(SHOP);
    let from = header(window.rect("Service search"));
    window.press(from, Modifiers::NONE);
    window.hover(from + vec2(20.0, 20.0));
    window.hover(from + vec2(40.0, 90.0));
    window.key(Key::Escape);
    window.let_go(from + vec2(40.0, 90.0), Modifiers::NONE);
    window.frames(4);
    assert_eq!(window.shell().live().document().text(), SHOP);
    assert_eq!(window.selected(), ["search"]);
}

#[test]
fn what_is_dragged_snaps_to_others_and_control_lets_it_go() {
    let mut window = Window::of(SHOP);
    let from = header(window.rect("Service search"));
    // Its left edge is that of the card above, but for 3 points.
    window.drag(from, from + vec2(3.0, 60.0), Modifiers::NONE);
    assert_eq!(window.place("search"), vec2(440.0, 260.0));
    let from = header(window.rect("Service search"));
    window.drag(from, from + vec2(3.0, 33.0), Modifiers::COMMAND);
    assert_eq!(window.place("search"), vec2(443.0, 293.0));
}

#[test]
fn cards_are_aligned_and_distributed_from_the_bar() {
    let mut window = Window::of(SHOP);
    window.key(Key::Escape);
    for label in ["Service api", "Service search", "Redis-like store store"] {
        window.click_at(header(window.rect(label)), Modifiers::SHIFT);
    }
    window.click("Align left edges");
    assert_eq!(window.place("store").x, 440.0);
    assert_eq!(window.undo_label(), "Aligned left edges of 3 nodes");
    window.click("Distribute down");
    let rects =
        ["Service api", "Redis-like store store", "Service search"].map(|label| window.rect(label));
    let gaps = [
        rects[1].top() - rects[0].bottom(),
        rects[2].top() - rects[1].bottom(),
    ];
    assert!((gaps[0] - gaps[1]).abs() <= 1.0, "{gaps:?}");
    window.harness.get_by_label("Service api").click_secondary();
    window.choose("Align right edges");
    let rights = ["Service api", "Redis-like store store"].map(|label| window.rect(label).right());
    assert!((rights[0] - rights[1]).abs() < 0.5);
    for _ in 0..2 {
        window.keys(Modifiers::COMMAND, Key::Z);
    }
    // All of them are in the bar and have keys.
    let tops = |window: &Window| {
        ["Service api", "Redis-like store store"].map(|label| window.rect(label).top())
    };
    window.click("Align top edges");
    assert_eq!(tops(&window)[0], tops(&window)[1]);
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_ne!(tops(&window)[0], tops(&window)[1]);
    for (key, done) in [
        (Key::A, "left edges"),
        (Key::H, "centres"),
        (Key::D, "right edges"),
        (Key::W, "top edges"),
        (Key::V, "middles"),
        (Key::S, "bottom edges"),
    ] {
        let before = text(window.topology());
        window.keys(Modifiers::ALT, key);
        if text(window.topology()) != before {
            assert_eq!(window.undo_label(), format!("Aligned {done} of 3 nodes"));
            window.keys(Modifiers::COMMAND, Key::Z);
        } else {
            // They stand so already.
            assert_eq!(key, Key::A);
        }
    }
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.shell().live().document().text(), SHOP);
}

#[test]
fn settings_that_several_have_in_common_are_set_together() {
    let mut window = Window::of(SHOP);
    window.key(Key::Escape);
    for label in ["Service api", "Service search"] {
        window.click_at(header(window.rect(label)), Modifiers::SHIFT);
    }
    assert!(window.has_part("2 services"));
    window.click("Workers: one more");
    let workers = |window: &Window, name: &str| match &window.topology().nodes[name] {
        Node::Service(service) => service.workers,
        _ => 0,
    };
    assert_eq!(
        (workers(&window, "api"), workers(&window, "search")),
        (5, 5)
    );
    assert_eq!(window.undo_label(), "2 nodes: workers 5");
    window.click("Let go of search");
    assert_eq!(window.selected(), ["api"]);
    window.click("Workers: one more");
    window.click_at(header(window.rect("Service search")), Modifiers::SHIFT);
    // Mixed: a step shifts each.
    window.click("Workers: one more");
    assert_eq!(
        (workers(&window, "api"), workers(&window, "search")),
        (7, 6)
    );
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(
        (workers(&window, "api"), workers(&window, "search")),
        (6, 5)
    );
}

#[test]
fn the_state_of_several_services_moves_with_one_click() {
    let mut window = Window::of(SHOP);
    window.key(Key::Escape);
    for label in ["Service api", "Service search"] {
        window.click_at(header(window.rect(label)), Modifiers::SHIFT);
    }
    window.click("Disk");
    assert_eq!(window.undo_label(), "2 services keep state on their disks");
    for name in ["api", "search"] {
        let state = window.topology().get_path(&format!("nodes.{name}.state"));
        assert_eq!(state.unwrap(), "LocalDisk()");
    }
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.shell().live().document().text(), SHOP);
}

#[test]
fn copies_go_through_the_clipboard_as_text() {
    let mut window = Window::of(SHOP);
    window.key(Key::Escape);
    for label in ["Service search", "Redis-like store store"] {
        window.click_at(header(window.rect(label)), Modifiers::SHIFT);
    }
    window.harness.event(Event::Copy);
    window.frames(1);
    let copied = window.copied();
    let part = file::read(&copied, "copied").unwrap();
    assert_eq!(part.nodes.len(), 2);
    assert_eq!(part.links.0.len(), 1);
    let zoom = window.rect("Service api").width();
    window.paste(&copied);
    assert_eq!(window.names()[5..], ["search2", "store2"]);
    assert_eq!(window.selected(), ["search2", "store2"]);
    assert!(window.topology().links.find("search2->store2").is_some());
    assert_eq!(window.undo_label(), "Pasted 2 nodes");
    assert_eq!(window.rect("Service api").width(), zoom, "zoom stays");
    free_and_seen(&window, &["Service search2", "Redis-like store store2"]);
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.shell().live().document().text(), SHOP);
    // Into another window.
    let mut other = Window::of(BLANK);
    other.paste(&copied);
    assert_eq!(other.names(), ["search", "store"]);
    // Cut takes them away here.
    window.keys(Modifiers::COMMAND, Key::A);
    window.harness.event(Event::Cut);
    window.frames(4);
    assert!(window.names().is_empty());
    assert_eq!(window.undo_label(), "Cut 5 nodes");
}

#[test]
fn the_view_goes_back_with_what_it_was_moved_for() {
    let mut window = Window::of(SHOP);
    let part = r#"Topology(schema: 1, nodes: {"a": Service(), "b": Service(), "c": Service(), "d": Service()},
        canvas: {"a": (0, 0), "b": (700, 0), "c": (0, 640), "d": (700, 640)})"#;
    let before = window.rect("Service api");
    window.paste(part);
    let moved = window.rect("Service api");
    assert_ne!(moved, before, "what is pasted is seen");
    window.keys(Modifiers::COMMAND, Key::Z);
    window.frames(2);
    assert_eq!(window.rect("Service api"), before);
    // Who has looked elsewhere since goes on looking there.
    window.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.paste(part);
    window.key(Key::F);
    let there = window.rect("Service api");
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.rect("Service api"), there);
}

#[test]
fn what_is_added_hides_no_link() {
    let mut window = Window::of(SHOP);
    window.key(Key::Escape);
    // Beside what is selected run links to the store.
    for at in ["Service api", "Service search", "Load balancer lb"] {
        window.click_at(header(window.rect(at)), Modifiers::NONE);
        let links = [
            "Link lb to api",
            "Link lb to search",
            "Link search to store",
        ];
        let before = links.map(|link| window.rect(link).center());
        window.key(Key::Num3);
        window.frames(4);
        let name = window.selected()[0].clone();
        let card = window.rect(&format!("Service {name}"));
        let after = links.map(|link| window.rect(link).center());
        assert_eq!(before, after, "they run as before");
        assert!(before.iter().all(|link| !card.contains(*link)), "{card:?}");
    }
}

#[test]
fn a_double_click_on_its_icon_names_a_node_as_one_on_its_name_does() {
    let mut window = Window::of(SHOP);
    window.double_click_at(window.rect("Service api").min + vec2(18.0, 17.0));
    window.frames(2);
    assert!(window.has("Name of api"));
    window.key(Key::Escape);
    window.wait(0.7);
    let title = window.harness.get_by_label_contains("api, service").rect();
    window.double_click_at(pos2(title.left() + 20.0, title.center().y));
    window.frames(2);
    assert!(window.has("Name of api"));
}

#[test]
fn what_does_not_run_yet_says_so_from_its_menu() {
    let mut window = Window::of(BLANK);
    window.key(Key::Num3);
    window.frames(3);
    window
        .harness
        .get_by_label("Service service")
        .click_secondary();
    window.frames(4);
    assert!(window.has("Menu of service"));
    window.choose("Deploy, drained");
    assert!(window.has_part("Cannot run yet: There are no clients"));
}

#[test]
fn a_whole_file_pasted_into_the_blank_is_that_file() {
    let page = include_str!("../../README.md");
    let example = page
        .split("```ron")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    for text in [SHOP, example.unwrap()] {
        let mut window = Window::of(BLANK);
        window.paste(text);
        assert_eq!(*window.topology(), file::read(text, "test").unwrap());
        assert_eq!(window.shell().live().view().problem, None);
    }
    // Where something is, its nodes come.
    let mut window = Window::of(SHOP);
    window.paste(SHOP);
    assert_eq!(window.names().len(), 10);
    assert_eq!(window.topology().scenario.len(), 1);
}

#[test]
fn what_is_no_topology_is_told_and_changes_nothing() {
    let mut window = Window::of(SHOP);
    let mut told = |paste: &dyn Fn(&mut Window), why: &str| {
        paste(&mut window);
        window.wait(1.2);
        assert!(window.has_part(why), "{why}");
        assert_eq!(window.shell().live().document().text(), SHOP);
        assert!(window.shell().live().document().undo_label().is_none());
    };
    told(&|w| w.paste("lorem ipsum"), "Not pasted: it is no topology");
    told(
        &|w| w.paste(&"x".repeat((4 << 20) + 1)),
        "Not pasted: it is larger than 4 MiB",
    );
    told(
        &|w| w.paste("Topology(schema: 1, nodes: {"),
        "Not pasted: it is no whole topology",
    );
    // The key alone: nothing came of it.
    told(
        &|w| w.keys(Modifiers::COMMAND, Key::V),
        "there is no text in the clipboard",
    );
    told(&|w| w.paste(" \n"), "Not pasted: there is no text");
    // Of the press nothing is told, and Ctrl may be let go of first.
    let mut window = Window::of(SHOP);
    let letter = |pressed| Event::Key {
        key: Key::V,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    window.harness.event(letter(false));
    window.frames(3);
    assert!(window.has_part("there is no text in the clipboard"));
    // The letter alone chooses a tool.
    let mut window = Window::of(SHOP);
    window.harness.event(letter(true));
    window.harness.event(letter(false));
    window.frames(3);
    assert!(!window.has_part("Not pasted"));
}

/// Of nodes that are alike the sum, else each: a request that goes through both would be counted twice.
#[test]
fn several_selected_tell_what_they_do_now() {
    let mut window = Window::of(SHOP);
    window.key(Key::Space);
    window.wait(3.0);
    window.key(Key::Space);
    let now = |window: &Window, part: &str| {
        let found = window.harness.get_by_label_contains(part);
        found.value().unwrap_or_default()
    };
    let select = |window: &mut Window, names: &[&str]| {
        window.key(Key::Escape);
        for name in names {
            let at = header(window.rect(name));
            window.click_at(at, Modifiers::SHIFT);
        }
    };
    let rate = |window: &Window, name: &str| {
        let readings = window.shell().live().view().readings;
        readings.node(name).unwrap().throughput
    };
    select(&mut window, &["Service api", "Service search"]);
    let sum = format::joined(format::rate(rate(&window, "api") + rate(&window, "search")));
    assert_eq!(
        now(&window, "Throughput: ").replace(' ', ""),
        format!("Throughput:{sum}")
    );
    assert!(window.has_part("Utilisation: ") && window.has_part("In flight: "));
    select(&mut window, &["Load balancer lb", "Service api"]);
    let each = ["lb", "api"].map(|name| format::rate(rate(&window, name)).0);
    assert_eq!(
        now(&window, "Throughput: "),
        format!("Throughput: {} /s", each.join(" · "))
    );
    assert!(!window.has_part("Utilisation: "), "a balancer has none");
}

#[test]
fn duplicates_stand_beside_and_by_a_drag_with_alt_where_they_are_dropped() {
    let mut window = Window::of(SHOP);
    window.harness.get_by_label("Service api").click();
    window.frames(3);
    window.keys(Modifiers::COMMAND, Key::D);
    assert_eq!(window.selected(), ["api2"]);
    assert!(window.topology().links.find("lb->api2").is_some());
    free_and_seen(&window, &["Service api2"]);
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.shell().live().document().text(), SHOP);
    window.wait(0.7);
    let card = window.rect("Service search");
    let to = header(card) + vec2(7.0, 131.0);
    window.drag(header(card), to, Modifiers::ALT | Modifiers::COMMAND);
    assert_eq!(window.place("search2"), vec2(447.0, 331.0));
    assert_eq!(window.rect("Service search"), card, "the original stays");
    assert_eq!(window.undo_label(), "Duplicated search as search2");
}

/// The cards overlap no other, and lie within what is seen of the canvas.
fn free_and_seen(window: &Window, labels: &[&str]) {
    let pane = window.rect("Canvas");
    let kinds = [
        "Clients ",
        "Load balancer ",
        "Service ",
        "Redis-like store ",
        "SQL database ",
        "Object store ",
    ];
    let mut all: Vec<(String, Rect)> = Vec::new();
    for name in window.names() {
        let label = kinds
            .iter()
            .map(|kind| format!("{kind}{name}"))
            .find(|label| window.has(label));
        let label = label.unwrap();
        let rect = window.rect(&label);
        all.push((label, rect));
    }
    for label in labels {
        let rect = window.rect(label);
        assert!(pane.contains_rect(rect), "{label} {rect:?}");
        for (other, at) in &all {
            assert!(
                other == label || !at.intersects(rect),
                "{label} over {other}"
            );
        }
    }
}

#[test]
fn keys_add_what_runs_at_once_where_it_is_seen() {
    let mut window = Window::of(BLANK);
    for key in [Key::Num1, Key::Num2, Key::Num3, Key::Num5] {
        window.key(key);
        window.frames(3);
    }
    assert_eq!(window.names(), ["clients", "lb", "service", "database"]);
    let keys: Vec<String> = window
        .topology()
        .links
        .0
        .iter()
        .map(statescope::model::Link::key)
        .collect();
    assert_eq!(keys, ["clients->lb", "lb->service", "service->database"]);
    assert_eq!(window.shell().live().view().problem, None);
    assert_eq!(window.selected(), ["database"]);
    let first = window.rect("Clients clients");
    window.key(Key::Num6);
    window.frames(3);
    let now = window.rect("Clients clients");
    assert_eq!(now.size(), first.size(), "zoom stays");
    window.keys(Modifiers::COMMAND, Key::Z);
    free_and_seen(
        &window,
        &[
            "Clients clients",
            "Load balancer lb",
            "Service service",
            "SQL database database",
        ],
    );
    for _ in 0..4 {
        window.keys(Modifiers::COMMAND, Key::Z);
    }
    assert!(
        window.names().is_empty(),
        "a node and its links are one step"
    );
}

#[test]
fn a_double_click_on_the_empty_canvas_asks_what_to_add_here() {
    let mut window = Window::of(SHOP);
    let at = pos2(300.0, 460.0);
    window.double_click_at(at);
    window.choose("Service");
    assert!(window.rect("Service service").contains(at));
    assert_eq!(window.selected(), ["service"]);
    // By its key, too.
    window.wait(0.7);
    window.double_click_at(pos2(700.0, 460.0));
    window.frames(3);
    window.key(Key::Num5);
    window.frames(3);
    assert_eq!(window.selected(), ["database"]);
    assert_eq!(window.names().len(), 7);
}

#[test]
fn an_edge_pulled_into_the_empty_adds_what_it_leads_to() {
    let mut window = Window::of(SHOP);
    window.hover(window.rect("Service api").center());
    window.frames(2);
    let port = window.rect("Pull a link from api").center();
    window.drag(port, pos2(port.x + 60.0, port.y + 300.0), Modifiers::NONE);
    assert!(window.has("What to add"));
    // The likeliest is lit.
    window.key(Key::Enter);
    window.frames(4);
    assert_eq!(window.selected(), ["store2"]);
    assert!(window.topology().links.find("api->store2").is_some());
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(
        window.shell().live().document().text(),
        SHOP,
        "node and link are one step"
    );
    window.wait(0.7);
    window.hover(window.rect("Service api").center());
    window.frames(2);
    let port = window.rect("Pull a link from api").center();
    window.drag(port, pos2(port.x + 60.0, port.y + 300.0), Modifiers::NONE);
    window.key(Key::Escape);
    window.frames(3);
    assert!(!window.has("What to add"));
    assert_eq!(
        window.shell().live().document().text(),
        SHOP,
        "Esc takes the edge back"
    );
}

/// What is added is selected, and has the keyboard instead of what had it before.
#[test]
fn the_keyboard_goes_to_what_is_added() {
    let mut window = Window::of(SHOP);
    window.click("Service api");
    window.keys(Modifiers::COMMAND, Key::D);
    window.frames(3);
    assert!(window.harness.get_by_label("Service api2").is_focused());
}
