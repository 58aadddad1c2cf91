//! Links as things: selected, read, given a latency and other ends, and removed, by mouse and by keyboard.

use crate::support::hand::{Hand, header};
use crate::support::window::Window;
use egui::accesskit::Role;
use egui::{Key, Modifiers, Pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use statescope::app::action::Selection;
use statescope::model::{Command, Topology, file};
use statescope::sim::Sim;
use statescope::sim::snapshot::LinkView;

const SHOP: &str = r#"Topology(
    schema: 1,
    name: "Shop",
    nodes: {
        "clients": Clients(arrivals: Steady("100/s")),
        "lb": LoadBalancer(),
        "api": Service(instances: 2, state: External(store: "store")),
        "search": Service(state: External(store: "store")),
        "store": RedisLike(),
    },
    links: ["clients -> lb", Link(path: "lb -> api", latency: "2ms", bandwidth: "100MiB/s"), "api -> search"],
    scenario: [At("50s", Set("links.lb->api.latency", "100ms")), At("55s", Unlink("lb -> api")), At("55s", Link("lb -> api"))],
    expects: ["links.lb->api.messages_per_s > 0"],
    canvas: {"clients": (80, 120), "lb": (260, 112), "api": (460, 60), "search": (720, 40), "store": (720, 220)},
)"#;

/// A link that is drawn whether or not anything stands on it.
fn link(window: &Window, key: &str) -> statescope::model::Link {
    let links = &window.topology().links;
    links.0[links.find(key).unwrap()].clone()
}

fn selected(window: &Window) -> Option<String> {
    match window.shell().live().view().selection {
        Some(Selection::Link(key)) => Some(key.clone()),
        _ => None,
    }
}

fn middle(window: &Window, label: &str) -> Pos2 {
    window.rect(label).center()
}

/// A click on a link that is none of a double one.
fn select(window: &mut Window, label: &str) {
    let at = middle(window, label);
    window.click_at(at, Modifiers::NONE);
}

fn field<'w>(window: &'w Window, name: &'w str) -> egui_kittest::Node<'w> {
    window.harness.get_by_role_and_label(Role::TextInput, name)
}

fn has_field(window: &Window, name: &str) -> bool {
    let mut fields = window
        .harness
        .query_all_by_role_and_label(Role::TextInput, name);
    fields.next().is_some()
}

/// Drags over what lies between without letting go, so that what is said on the way can be read.
fn pull(window: &mut Window, from: Pos2, to: Pos2) {
    window.press(from, Modifiers::NONE);
    for part in [0.3, 0.7, 1.0] {
        window.hover(from + (to - from) * part);
    }
    window.frames(2);
}

fn calls(window: &Window, from: &str, to: &str) -> u64 {
    let snapshot = window.shell().live().view().snapshot;
    let is = |link: &&LinkView| link.from == from && link.to == to;
    let link = snapshot.links.iter().find(is);
    let counts = link.into_iter().flat_map(|link| &link.calls);
    counts.map(|c| c.completed + c.retried + c.failed).sum()
}

#[test]
fn a_link_is_selected_by_a_click_and_read_below_its_cards() {
    let mut window = Window::of(SHOP);
    window.key(Key::Space);
    window.wait(3.0);
    window.key(Key::Space);
    // For whoever points at it or hears it: calls, latency, bytes.
    let told = window.description("Link clients to lb");
    assert!(
        told.contains("/s, latency 125 µs, ") && told.ends_with("iB/s"),
        "{told}"
    );
    select(&mut window, "Link clients to lb");
    assert_eq!(selected(&window).as_deref(), Some("clients->lb"));
    assert!(
        window
            .harness
            .get_by_label("Link clients to lb")
            .is_focused()
    );
    let readout = window.rect("Latency of clients to lb: 125 µs");
    let lower = window.rect("Load balancer lb").bottom();
    assert!(
        (lower..lower + 40.0).contains(&readout.top()),
        "{readout:?}"
    );
    // The empty canvas lets go, and so does Escape.
    window.click_at(readout.center() + vec2(0.0, 120.0), Modifiers::NONE);
    assert_eq!(selected(&window), None);
    assert!(!window.has_part("Latency of clients to lb"));
    select(&mut window, "Link lb to api");
    window.key(Key::Escape);
    assert_eq!(selected(&window), None);
}

#[test]
fn its_latency_is_typed_where_it_is_shown() {
    let mut window = Window::of(SHOP);
    select(&mut window, "Link lb to api");
    window.key(Key::Enter);
    let name = "Latency of lb to api";
    assert!(field(&window, name).is_focused());
    // What is typed goes nowhere else, and takes the place of what was there.
    field(&window, name).type_text("5 parsec");
    window.key(Key::Enter);
    assert!(window.has_part("not a unit of a time"));
    assert_eq!(link(&window, "lb->api").settings.latency.to_string(), "2ms");
    window.keys(Modifiers::COMMAND, Key::A);
    field(&window, name).type_text("750us");
    window.key(Key::Enter);
    assert_eq!(
        link(&window, "lb->api").settings.latency.to_string(),
        "750us"
    );
    assert_eq!(window.undo_label(), "lb → api latency 750us");
    assert!(!has_field(&window, name) && window.has("Latency of lb to api: 750 µs"));
    assert!(window.harness.get_by_label("Link lb to api").is_focused());
    // Keys mean something again: one step back, and Escape leaves what was.
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.shell().live().document().text(), SHOP);
    window.key(Key::Enter);
    field(&window, name).type_text("9s");
    window.key(Key::Escape);
    assert_eq!(window.shell().live().document().text(), SHOP);
    assert_eq!(selected(&window).as_deref(), Some("lb->api"));
    // After a click on an end of the link as well.
    window.key(Key::Escape);
    window.click("Pull the end of lb to api");
    window.key(Key::Enter);
    assert!(field(&window, name).is_focused());
    window.key(Key::Escape);
    // By a click on it, and from the menu.
    window.click("Latency of lb to api: 2 ms");
    assert!(field(&window, name).is_focused());
    window.key(Key::Escape);
    window
        .harness
        .get_by_label("Link api to store")
        .click_secondary();
    window.choose("Type the latency");
    field(&window, "Latency of api to store").type_text("3ms");
    window.key(Key::Enter);
    assert_eq!(
        link(&window, "api->store").settings.latency.to_string(),
        "3ms"
    );
}

#[test]
fn its_latency_is_pulled_at_the_handle_in_its_middle() {
    let mut window = Window::of(SHOP);
    select(&mut window, "Link lb to api");
    let handle = window.rect("Pull the latency of lb to api").center();
    // Ten steps of a ladder of ten a tenfold.
    pull(&mut window, handle, handle - vec2(0.0, 90.0));
    assert!(window.has("Latency of lb to api: 20 ms"));
    assert_eq!(window.shell().live().document().text(), SHOP);
    window.let_go(handle - vec2(0.0, 90.0), Modifiers::NONE);
    assert_eq!(
        link(&window, "lb->api").settings.latency.to_string(),
        "20ms"
    );
    assert_eq!(window.undo_label(), "lb → api latency 20ms");
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.shell().live().document().text(), SHOP);
    let handle = window.rect("Pull the latency of lb to api").center();
    pull(&mut window, handle, handle - vec2(0.0, 60.0));
    window.key(Key::Escape);
    window.let_go(handle, Modifiers::NONE);
    assert_eq!(window.shell().live().document().text(), SHOP);
}

#[test]
fn latency_and_bandwidth_are_set_in_the_inspector() {
    let mut window = Window::of(SHOP);
    select(&mut window, "Link lb to api");
    for (name, text) in [("Latency", "4ms"), ("Bandwidth", "1MiB/s")] {
        field(&window, name).click();
        window.frames(3);
        window.keys(Modifiers::COMMAND, Key::A);
        field(&window, name).type_text(text);
        window.key(Key::Enter);
    }
    let settings = link(&window, "lb->api").settings;
    assert_eq!(settings.latency.to_string(), "4ms");
    assert_eq!(settings.bandwidth.to_string(), "1MiB/s");
    assert_eq!(window.undo_label(), "lb → api bandwidth 1MiB/s");
}

#[test]
fn delete_removes_it_in_one_step() {
    let mut window = Window::of(SHOP);
    select(&mut window, "Link lb to api");
    window.key(Key::Delete);
    assert!(window.topology().links.find("lb->api").is_none());
    assert_eq!(window.topology().nodes.len(), 5);
    assert_eq!(window.undo_label(), "Removed the link lb → api");
    assert_eq!(selected(&window), None);
    // What named it is still there, and why nothing runs is said in words.
    assert_eq!(window.topology().scenario.len(), 3);
    assert!(window.has_part("Cannot run yet"));
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.shell().live().document().text(), SHOP);
    assert!(!window.has_part("Cannot run yet"));
    // One that a setting implies stays, and it is said what to do instead.
    select(&mut window, "Link api to store");
    window.key(Key::Delete);
    assert_eq!(window.shell().live().document().text(), SHOP);
    assert!(window.has_part("A setting implies the link api to store"));
}

#[test]
fn its_end_is_dragged_to_another_node_and_all_follows() {
    let mut window = Window::of(&SHOP.replace(", \"api -> search\"", ""));
    let before = window.shell().live().document().text().into_owned();
    select(&mut window, "Link lb to api");
    let end = window.rect("Pull the end of lb to api").center();
    let search = window.rect("Service search").center();
    pull(&mut window, end, search);
    assert_eq!(window.shell().live().document().text(), before);
    window.let_go(search, Modifiers::NONE);
    window.frames(4);
    let after = file::read(
        &before
            .replace("lb -> api", "lb -> search")
            .replace("lb->api", "lb->search"),
        "",
    )
    .unwrap();
    assert_eq!(*window.topology(), after);
    assert_eq!(window.undo_label(), "Reconnected lb → search");
    assert!(window.has_part("and 3 events of the scenario with it"));
    assert_eq!(selected(&window).as_deref(), Some("lb->search"));
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.shell().live().document().text(), before);
    assert_eq!(selected(&window).as_deref(), Some("lb->api"));
    window.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(*window.topology(), after);
    assert_eq!(selected(&window).as_deref(), Some("lb->search"));
}

#[test]
fn its_start_is_dragged_as_well_and_an_unselected_link_shows_its_ends_too() {
    let mut window = Window::of(SHOP);
    let before = window.topology().clone();
    let at = middle(&window, "Link api to search");
    window.hover(at);
    window.frames(3);
    let start = window.rect("Pull the start of api to search").center();
    let lb = window.rect("Load balancer lb").center();
    window.drag(start, lb, Modifiers::NONE);
    let links: Vec<String> = window
        .topology()
        .links
        .0
        .iter()
        .map(statescope::model::Link::key)
        .collect();
    assert_eq!(links, ["clients->lb", "lb->api", "lb->search"]);
    window.keys(Modifiers::COMMAND, Key::Z);
    assert_eq!(*window.topology(), before);
    // Let go in the empty, or taken back by Escape, it stays where it was; a click on it selects.
    let at = middle(&window, "Link api to search");
    window.hover(at);
    window.frames(3);
    let end = window.rect("Pull the end of api to search").center();
    window.drag(end, end + vec2(-60.0, 200.0), Modifiers::NONE);
    assert_eq!(*window.topology(), before);
    let at = middle(&window, "Link api to search");
    window.hover(at);
    window.frames(3);
    pull(&mut window, start, lb);
    window.key(Key::Escape);
    window.let_go(lb, Modifiers::NONE);
    assert_eq!(*window.topology(), before);
    let at = middle(&window, "Link api to search");
    window.hover(at);
    window.frames(3);
    window.click_at(end, Modifiers::NONE);
    assert_eq!(selected(&window).as_deref(), Some("api->search"));
    assert_eq!(*window.topology(), before);
}

#[test]
fn what_cannot_be_joined_says_why_at_the_pointer() {
    let mut window = Window::of(SHOP);
    let cases = [
        (
            "Load balancer lb",
            "lb",
            "Redis-like store store",
            "members of a store are not alike",
        ),
        (
            "Load balancer lb",
            "lb",
            "Clients clients",
            "Nothing calls clients",
        ),
        (
            "Load balancer lb",
            "lb",
            "Service api",
            "There is a link lb to api already",
        ),
        (
            "Service search",
            "search",
            "Load balancer lb",
            "round for ever: search to lb to api to search",
        ),
    ];
    for (card, name, target, why) in cases {
        let at = header(window.rect(card));
        window.hover(at);
        window.frames(3);
        let port = window.rect(&format!("Pull a link from {name}")).center();
        let target = window.rect(target).center();
        pull(&mut window, port, target);
        let said: Vec<String> = window
            .harness
            .query_all_by_role(Role::Alert)
            .filter_map(|node| node.accesskit_node().label())
            .collect();
        assert!(
            said.iter().any(|text| text.contains(why)),
            "{card}: {said:?}"
        );
        window.let_go(target, Modifiers::NONE);
        window.frames(3);
        assert_eq!(window.shell().live().document().text(), SHOP);
        assert!(!window.has_part(why) && !window.has("What to add"));
    }
    // The same for an end that is dragged; a node itself is only what is meant once it was left.
    select(&mut window, "Link lb to api");
    let end = window.rect("Pull the end of lb to api").center();
    let store = window.rect("Redis-like store store").center();
    pull(&mut window, end, store);
    assert!(window.has_part("members of a store are not alike"));
    let lb = window.rect("Load balancer lb").center();
    window.hover(lb);
    window.frames(2);
    assert!(window.has_part("A node cannot call itself"));
    window.let_go(lb, Modifiers::NONE);
    assert_eq!(window.shell().live().document().text(), SHOP);
}

#[test]
fn escape_takes_a_pulled_edge_back() {
    let mut window = Window::of(SHOP);
    for target in ["Service search", "nothing"] {
        let at = header(window.rect("Load balancer lb"));
        window.hover(at);
        window.frames(3);
        let port = window.rect("Pull a link from lb").center();
        let to = match target {
            "nothing" => port + vec2(20.0, 180.0),
            card => window.rect(card).center(),
        };
        pull(&mut window, port, to);
        window.key(Key::Escape);
        window.let_go(to, Modifiers::NONE);
        window.frames(3);
        assert_eq!(window.shell().live().document().text(), SHOP, "{target}");
        assert!(!window.has("What to add"));
    }
}

#[test]
fn everything_is_done_by_the_keyboard_alone() {
    let mut window = Window::of(&SHOP.replace(", \"api -> search\"", ""));
    // From card to card and on to the links.
    window
        .harness
        .get_by_label("Redis-like store store")
        .focus();
    window.frames(3);
    window.key(Key::Tab);
    assert_eq!(selected(&window).as_deref(), Some("clients->lb"));
    window.key(Key::Tab);
    assert_eq!(selected(&window).as_deref(), Some("lb->api"));
    // Other ends are chosen in the inspector, where only those stand that can be.
    window.harness.get_by_label("To: api").focus();
    window.frames(2);
    window.key(Key::Enter);
    let options: Vec<String> = window
        .harness
        .query_all_by_role(Role::ListBoxOption)
        .filter_map(|node| node.accesskit_node().label())
        .collect();
    assert_eq!(options, ["api", "search"]);
    for key in [Key::ArrowDown, Key::ArrowDown, Key::Enter] {
        window.key(key);
    }
    assert!(window.topology().links.find("lb->search").is_some());
    assert_eq!(
        link(&window, "lb->search").settings.latency.to_string(),
        "2ms"
    );
    assert_eq!(window.undo_label(), "Reconnected lb → search");
    assert_eq!(selected(&window).as_deref(), Some("lb->search"));
    assert!(window.harness.get_by_label("To: search").is_focused());
    window.harness.get_by_label("Link lb to search").focus();
    window.frames(2);
    window.key(Key::Delete);
    assert!(window.topology().links.find("lb->search").is_none());
    // A node's links are listed with it, too.
    window.harness.get_by_label("Load balancer lb").focus();
    window.frames(3);
    window.click("Called by clients");
    assert_eq!(selected(&window).as_deref(), Some("clients->lb"));
}

#[test]
fn a_link_under_a_card_is_found_by_the_keyboard_and_hides_nothing() {
    // The card in between covers all of the link.
    let text = r#"Topology(
        schema: 1,
        nodes: {"clients": Clients(), "api": Service(), "other": Service()},
        links: ["clients -> api", "clients -> other"],
        canvas: {"clients": (80, 120), "api": (400, 120), "other": (200, 125)},
    )"#;
    let mut window = Window::of(text);
    let covered = middle(&window, "Link clients to api");
    window.click_at(covered, Modifiers::NONE);
    assert_eq!(window.selected(), ["other"]);
    window.harness.get_by_label("Link clients to api").focus();
    window.frames(3);
    assert_eq!(selected(&window).as_deref(), Some("clients->api"));
    window.key(Key::Delete);
    assert_eq!(window.topology().links.0.len(), 1);
}

#[test]
fn what_is_for_nodes_leaves_a_selected_link_alone() {
    let mut window = Window::of(SHOP);
    select(&mut window, "Link lb to api");
    for key in [Key::F2, Key::ArrowLeft, Key::ArrowDown] {
        window.key(key);
    }
    for key in [Key::C, Key::X, Key::D] {
        window.keys(Modifiers::COMMAND, key);
    }
    window.harness.event(egui::Event::Copy);
    window.harness.event(egui::Event::Cut);
    window.frames(3);
    assert_eq!(window.copied(), "");
    assert_eq!(window.shell().live().document().text(), SHOP);
    window.harness.get_by_label("Link lb to api").focus();
    window.frames(2);
    assert_eq!(selected(&window).as_deref(), Some("lb->api"));
    let at = header(window.rect("Service search"));
    window.click_at(at, Modifiers::SHIFT);
    assert_eq!(window.selected(), ["search"]);
    select(&mut window, "Link lb to api");
    window.keys(Modifiers::COMMAND, Key::A);
    assert_eq!(window.selected().len(), 5);
    assert_eq!(selected(&window), None);
}

#[test]
fn a_lane_of_a_sticky_balancer_is_the_same_link() {
    let text = SHOP
        .replace("LoadBalancer()", "LoadBalancer(policy: StickyCookie)")
        .replace(", \"api -> search\"", "");
    let mut window = Window::of(&text);
    select(&mut window, "Link lb to api");
    assert_eq!(selected(&window).as_deref(), Some("lb->api"));
    assert_eq!(window.count("Link lb to api"), 1);
    let end = window.rect("Pull the end of lb to api").center();
    let search = window.rect("Service search").center();
    window.drag(end, search, Modifiers::NONE);
    assert!(window.topology().links.find("lb->search").is_some());
    assert_eq!(window.topology().links.0.len(), 2);
}

#[test]
fn a_running_system_is_reconnected_live() {
    // With health checks, what is new gets requests only once it has passed some.
    let text = SHOP
        .replace(", \"api -> search\"", "")
        .replace("LoadBalancer()", "LoadBalancer(health_checks: None)");
    let mut window = Window::of(&text);
    window.key(Key::Space);
    window.wait(3.0);
    select(&mut window, "Link lb to api");
    let end = window.rect("Pull the end of lb to api").center();
    let search = window.rect("Service search").center();
    assert!(calls(&window, "lb", "api") > 100);
    window.drag(end, search, Modifiers::NONE);
    window.wait(2.0);
    let problem = window.shell().live().view().problem;
    assert!(calls(&window, "lb", "search") > 100, "{problem:?}");
    assert_eq!(calls(&window, "lb", "api"), 0, "there is no such link");
    assert!(!window.has_part("Not carried out"));
    let failed = window.shell().live().view().snapshot.operations.failed;
    assert_eq!(failed, 0);
    // One event, in words; what was scheduled for the link is for it still.
    let recording = &window.shell().live().view().recording;
    let wanted = Command::Set("links.lb->api.path".into(), "\"lb -> search\"".into());
    assert_eq!(recording.len(), 1);
    assert_eq!(*recording[0].command(), wanted);
    // The session replays to the same.
    window.key(Key::Space);
    let session = window.shell().live().session();
    let errors = statescope::model::check(&session);
    assert!(
        errors
            .iter()
            .all(|p| p.severity != statescope::model::Severity::Error),
        "{errors:?}"
    );
    let view = window.shell().live().view();
    let watch = statescope::sim::Watch { live: true };
    let mut replayed = Sim::new(&session, session.seed, watch);
    replayed.run_until(view.snapshot.now);
    assert_eq!(replayed.snapshot().operations, view.snapshot.operations);
    assert_eq!(replayed.snapshot().links, view.snapshot.links);
    // Taken back, calls go where they went before.
    window.key(Key::Space);
    window.keys(Modifiers::COMMAND, Key::Z);
    window.wait(0.3);
    let before = calls(&window, "lb", "api");
    window.wait(2.0);
    assert!(calls(&window, "lb", "api") > before + 100);
    assert_eq!(calls(&window, "lb", "search"), 0);
    assert!(!window.has_part("Not carried out"));
}

#[test]
fn a_removed_link_comes_back_to_its_place_in_a_running_system() {
    // Clients call the first node that they are linked to.
    let text = r#"Topology(
        schema: 1,
        nodes: {
            "clients": Clients(arrivals: Steady("100/s")),
            "api": Service(state: External(store: "store")),
            "other": Service(state: External(store: "store")),
            "store": RedisLike(),
        },
        links: ["clients -> api", "clients -> other"],
        canvas: {"clients": (80, 120), "api": (400, 40), "other": (400, 220), "store": (720, 120)},
    )"#;
    let mut window = Window::of(text);
    window.key(Key::Space);
    window.wait(1.0);
    select(&mut window, "Link clients to api");
    window.key(Key::Delete);
    window.wait(1.0);
    let problem = window.shell().live().view().problem;
    assert!(calls(&window, "clients", "other") > 50, "{problem:?}");
    window.keys(Modifiers::COMMAND, Key::Z);
    window.wait(0.3);
    let (api, other) = (
        calls(&window, "clients", "api"),
        calls(&window, "clients", "other"),
    );
    window.wait(1.0);
    assert!(calls(&window, "clients", "api") > api + 50);
    assert!(calls(&window, "clients", "other") <= other + 5);
}

#[test]
fn what_cannot_run_with_another_end_says_so_and_goes_on_once_it_can() {
    // The writes would have no home at a service that keeps nothing.
    let text = SHOP.replace(
        "Service(state: External(store: \"store\")),\n        \"store\"",
        "Service(),\n        \"store\"",
    );
    let mut window = Window::of(&text);
    window.key(Key::Space);
    window.wait(1.0);
    select(&mut window, "Link clients to lb");
    let end = window.rect("Pull the end of clients to lb").center();
    let search = window.rect("Service search").center();
    window.drag(end, search, Modifiers::NONE);
    window.wait(0.5);
    assert!(window.topology().links.find("clients->search").is_some());
    assert!(window.has_part("Cannot go on yet: "));
    let end = window.rect("Pull the end of clients to search").center();
    let lb = window.rect("Load balancer lb").center();
    window.drag(end, lb, Modifiers::NONE);
    assert!(!window.has_part("Cannot go on yet: "));
    // It goes on by itself.
    let before = calls(&window, "clients", "lb");
    window.wait(1.0);
    assert!(calls(&window, "clients", "lb") > before + 50);
    assert!(!window.has_part("Not carried out"));
}

/// The window never draws what the check of a file refuses.
#[test]
fn nothing_that_is_drawn_is_refused_by_the_file() {
    let window = Window::of(SHOP);
    let topology: &Topology = window.topology();
    for from in topology.nodes.keys() {
        for to in topology.nodes.keys() {
            if topology.may_be_linked(from, to).is_ok() {
                let mut linked = topology.clone();
                linked
                    .apply(&Command::Link(format!("{from} -> {to}")))
                    .unwrap();
                let wrong = statescope::model::check(&linked)
                    .into_iter()
                    .any(|problem| problem.path.starts_with("links"));
                assert!(!wrong, "{from} -> {to}");
            }
        }
    }
}

#[test]
fn a_short_link_shows_as_many_handles_as_there_is_room_for() {
    let at = |x: f32| {
        let text = format!(
            r#"Topology(schema: 1, nodes: {{"clients": Clients(), "lb": LoadBalancer(), "api": Service(state: InMemory())}},
                links: ["clients -> lb", "lb -> api"],
                canvas: {{"clients": (80, 120), "lb": ({x}, 120), "api": (600, 120)}})"#
        );
        let mut window = Window::of(&text);
        select(&mut window, "Link clients to lb");
        window.frames(3);
        [
            window.has("Pull the latency of clients to lb"),
            window.has("Pull the end of clients to lb"),
        ]
    };
    let width = 128.0;
    assert_eq!(at(80.0 + width + 120.0), [true, true]);
    assert_eq!(at(80.0 + width + 56.0), [false, true]);
    assert_eq!(at(80.0 + width + 20.0), [false, false]);
}

fn network(window: &Window) -> Vec<String> {
    let snapshot = window.shell().live().view().snapshot;
    let faults = snapshot
        .network
        .iter()
        .map(|&fault| &snapshot.faults[fault]);
    faults.map(|fault| format!("{:?}", fault.command)).collect()
}

fn menu(window: &mut Window, label: &str, item: &str) {
    window.harness.get_by_label(label).click_secondary();
    window.choose(item);
    window.wait(0.5);
}

/// What a screen reader says of an instance.
fn pip(window: &Window, name: &str) -> String {
    let node = window.harness.get_by_role_and_label(Role::Button, name);
    node.accesskit_node().description().unwrap_or_default()
}

#[test]
fn a_link_is_cut_slowed_made_lossy_and_healed_from_its_menu() {
    let mut window = Window::of(SHOP);
    window.key(Key::Space);
    window.wait(1.0);
    let label = "Link api to store";
    window.harness.get_by_label(label).focus();
    window.frames(2);
    window.keys(Modifiers::SHIFT, Key::F10);
    let heal = window.harness.get_by_role_and_label(Role::MenuItem, "Heal");
    assert!(heal.accesskit_node().is_disabled());
    window.key(Key::Escape);
    for (item, told) in [
        ("Slow down 100 times", "100 times slower"),
        ("Lose 10 % of messages", "10 % of messages lost"),
        ("Cut from store to api only", "replies cut off"),
        ("Cut", "cut"),
    ] {
        menu(&mut window, label, item);
        let said = window.description(label);
        assert!(
            said.starts_with(told) || said.contains(&format!("{told}, ")),
            "{item}: {said}"
        );
    }
    assert_eq!(network(&window).len(), 4);
    // The inspector says what is wrong, since when, and ends one of them.
    assert!(window.has_part("Cut from store to api") && window.has_part("since "));
    assert!(window.has_part("Cut between api and store"));
    menu(&mut window, label, "Heal");
    assert_eq!(network(&window), Vec::<String>::new());
    assert!(!window.description(label).contains("cut"));
    assert!(window.description("Faults").contains("nothing is wrong"));
    // Nothing of it is an edit.
    assert_eq!(window.shell().live().document().text(), SHOP);
    // In the log and on the axis of time, in words.
    assert!(window.has_part("Cut between api and store"));
}

#[test]
fn an_instance_is_slowed_cut_off_and_healed_by_keys_alone() {
    let text = SHOP.replace(
        "Service(instances: 2,",
        "Service(instances: 2, zones: [\"a\", \"b\"],",
    );
    let mut window = Window::of(&text);
    window.key(Key::Space);
    window.wait(1.0);
    let choose = |window: &mut Window, item: &str| {
        window.harness.get_by_label("Service api").focus();
        window.frames(3);
        for key in [Key::Enter, Key::ArrowDown, Key::Enter] {
            window.key(key);
        }
        window.frames(2);
        let item = window.harness.get_by_role_and_label(Role::MenuItem, item);
        item.focus();
        window.frames(2);
        window.key(Key::Enter);
        window.wait(0.5);
    };
    assert!(pip(&window, "api 2").contains("zone b"));
    choose(&mut window, "Slow down 10 times");
    assert!(pip(&window, "api 2").contains("10 times slower"));
    choose(&mut window, "Cut off from everything");
    assert!(window.description("Link lb to api").contains("cut in part"));
    choose(&mut window, "Cut off zone b");
    assert_eq!(network(&window).len(), 2);
    choose(&mut window, "Heal all of it");
    assert_eq!(network(&window).len(), 0);
    choose(&mut window, "Resume at full speed");
    assert!(!pip(&window, "api 2").contains("slower"));
    choose(&mut window, "Lose zone b");
    assert!(pip(&window, "api 2").starts_with("machine lost"));
    assert!(pip(&window, "api 1").starts_with("up"));
}

#[test]
fn what_is_wrong_ends_in_the_inspector_and_zones_are_typed_there() {
    let mut window = Window::of(SHOP);
    window.key(Key::Space);
    window.wait(1.0);
    select(&mut window, "Link lb to api");
    window.click("Slow 10 times");
    window.wait(0.5);
    assert!(window.has_part("10 times slower between lb and api"));
    window.click("Heal");
    window.wait(0.5);
    assert_eq!(network(&window), Vec::<String>::new());
    window.click("Service api");
    window.harness.set_size(vec2(1280.0, 3000.0));
    window.frames(4);
    let buttons = window.harness.query_all_by_role(Role::Button);
    let is_more = |label: String| label.ends_with(" more");
    let more: Vec<_> = buttons
        .filter(|button| button.accesskit_node().label().is_some_and(is_more))
        .collect();
    more[more.len() - 1].click();
    window.frames(4);
    field(&window, "Zones").focus();
    window.frames(3);
    field(&window, "Zones").type_text("east, west");
    window.key(Key::Enter);
    assert_eq!(window.topology().nodes["api"].zones(), ["east", "west"]);
    assert_eq!(window.undo_label(), "api zones east, west");
}
