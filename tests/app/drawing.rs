//! A system is drawn from nothing, as an architect would, and is the same again from its file.

use crate::support::hand::{Hand, header};
use crate::support::window::Window;
use egui::{Key, Modifiers, Pos2, vec2};
use egui_kittest::kittest::Queryable;
use statescope::model::{Command, Timed, Topology, load};

/// A hand whose every key, click, drag and typed word counts.
struct Counted {
    window: Window,
    actions: u32,
}

impl Counted {
    fn key(&mut self, key: Key) {
        self.keys(Modifiers::NONE, key);
    }

    fn keys(&mut self, modifiers: Modifiers, key: Key) {
        self.actions += 1;
        self.window.keys(modifiers, key);
        self.window.frames(3);
    }

    /// The node that is selected gets a name.
    fn name(&mut self, old: &str, new: &str) {
        self.actions += 3;
        self.window.key(Key::F2);
        self.window.type_name(old, new);
    }

    /// Pulls an edge from a node.
    fn pull(&mut self, from: &str, to: Pos2) {
        self.actions += 1;
        // Messages that lie over the canvas have gone by then.
        self.window.wait(9.0);
        self.window.hover(self.window.rect(from).center());
        let name = from.rsplit(' ').next().unwrap();
        let port = self
            .window
            .rect(&format!("Pull a link from {name}"))
            .center();
        self.window.drag(port, to, Modifiers::NONE);
    }

    /// The loss of what is selected is put on the time line by the keyboard, moved, and made random.
    fn schedule(&mut self) {
        let track = self
            .window
            .harness
            .get_by_label_contains("Schedule: 0 events");
        track.focus();
        self.window.frames(2);
        self.key(Key::Enter);
        self.actions += 1;
        self.window.click("Lose machine of memory 1");
        self.key(Key::ArrowRight);
        self.key(Key::Enter);
        self.window.keys(Modifiers::COMMAND, Key::A);
        self.actions += 1;
        self.window.text("5s");
        self.key(Key::Enter);
        self.actions += 2;
        self.window.click("Random instant: on");
        self.window.click("Close");
    }

    fn click(&mut self, at: Pos2, modifiers: Modifiers) {
        self.actions += 1;
        self.window.click_at(at, modifiers);
    }

    fn topology(&self) -> &Topology {
        self.window.topology()
    }
}

#[test]
fn a_system_is_drawn_from_nothing_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.ron");
    let mut hand = Counted {
        window: Window::of("Topology(schema: 1)"),
        actions: 0,
    };
    for (key, old, new) in [
        (Key::Num1, "clients", "users"),
        (Key::Num2, "lb", "front"),
        (Key::Num3, "service", "catalog"),
    ] {
        hand.key(key);
        hand.name(old, new);
    }
    hand.keys(Modifiers::COMMAND, Key::D);
    hand.name("catalog2", "search");
    hand.keys(Modifiers::COMMAND, Key::D);
    hand.name("search2", "cart");
    // What nothing is linked to is linked by hand; what is pulled into the empty comes with its link.
    let right = hand.window.rect("Service catalog").right_top() + vec2(90.0, 60.0);
    hand.pull("Service catalog", right);
    hand.key(Key::Num4);
    hand.name("store", "memory");
    let store = hand.window.rect("Redis-like store memory").center();
    hand.pull("Service search", store);
    let above = hand.window.rect("Redis-like store memory").left_top() + vec2(10.0, -100.0);
    hand.pull("Service cart", above);
    hand.key(Key::Num5);
    hand.name("database", "orders");
    // The services in line.
    hand.window.wait(9.0);
    for (place, service) in ["catalog", "search", "cart"].into_iter().enumerate() {
        let at = header(hand.window.rect(&format!("Service {service}")));
        let more = if place > 0 {
            Modifiers::SHIFT
        } else {
            Modifiers::NONE
        };
        hand.click(at, more);
    }
    for button in ["Align left edges", "Distribute down"] {
        hand.actions += 1;
        hand.window.click(button);
    }

    // What happens, and what is promised.
    let memory = header(hand.window.rect("Redis-like store memory"));
    hand.click(memory, Modifiers::NONE);
    hand.schedule();
    // Where nothing is selected.
    hand.key(Key::Escape);
    hand.key(Key::Escape);
    hand.actions += 2;
    hand.window.click("Promise");
    hand.window.click("No lost writes");

    let drawn = hand.topology().clone();
    let names = [
        "users", "front", "catalog", "search", "cart", "memory", "orders",
    ];
    assert_eq!(hand.window.names(), names);
    let links: Vec<String> = drawn
        .links
        .0
        .iter()
        .map(statescope::model::Link::key)
        .collect();
    assert_eq!(
        links,
        [
            "users->front",
            "front->catalog",
            "front->search",
            "front->cart",
            "catalog->memory",
            "search->memory",
            "cart->orders",
        ]
    );
    assert_eq!(hand.window.shell().live().view().problem, None);
    let [Timed::Between(_, _, Command::LoseMachine(lost, 1))] = &drawn.scenario[..] else {
        panic!("{:?}", drawn.scenario);
    };
    assert_eq!(lost, "memory");
    hand.actions += 2;
    hand.window.click("Play");
    hand.window.wait(16.0);
    hand.window.click("Pause");
    assert!(hand.window.has_part("1 of 1 promise broken"));
    let left = |name: &str| drawn.canvas[name].0;
    assert_eq!(
        (left("catalog"), left("search")),
        (left("cart"), left("cart"))
    );

    // Each step is taken back and done again.
    let mut steps = Vec::new();
    while hand.window.shell().live().document().undo_label().is_some() {
        steps.push(hand.topology().clone());
        hand.window.keys(Modifiers::COMMAND, Key::Z);
    }
    assert!(hand.topology().nodes.is_empty());
    for step in steps.iter().rev() {
        hand.window
            .keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
        assert_eq!(hand.topology(), step);
    }

    hand.keys(Modifiers::COMMAND, Key::S);
    hand.actions += 2;
    hand.window.give_path("Save the topology as", &file);
    hand.window.frames(5);
    assert_eq!(load(file.to_str().unwrap()).unwrap().topology, drawn);
    assert!(hand.actions < 70, "{} actions", hand.actions);
    println!("{} actions", hand.actions);
}
