//! The canvas, used by mouse, keyboard and screen reader.

use crate::support::drawn::Drawn;
use egui::accesskit::Role;
use egui::{Key, Modifiers, Pos2, Rect, UiBuilder, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use statescope::app::action::{Action, Selection};
use statescope::app::panes::canvas::Canvas;
use statescope::app::theme;
use statescope::model::{Command, Stop};

const SIZE: Vec2 = vec2(1000.0, 513.0);

/// A window with nothing but a canvas, which does as the canvas asks where that changes what the canvas shows.
struct Window {
    drawn: Drawn,
    canvas: Canvas,
    actions: Vec<Action>,
}

fn window(drawn: Drawn) -> Harness<'static, Window> {
    let state = Window {
        drawn,
        canvas: Canvas::default(),
        actions: Vec::new(),
    };
    let mut harness = Harness::builder()
        .with_size(SIZE)
        .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
        .build_ui_state(
            |ui, window: &mut Window| {
                let area = Rect::from_min_size(Pos2::ZERO, SIZE);
                let actions = ui
                    .scope_builder(UiBuilder::new().max_rect(area), |ui| {
                        window.canvas.ui(ui, &window.drawn.view())
                    })
                    .inner;
                for action in &actions {
                    match action {
                        Action::Select(selection) => window.drawn.selection.clone_from(selection),
                        Action::Move(places) => {
                            window.drawn.topology.canvas.extend(places.iter().cloned());
                        }
                        Action::Edit(commands, _) => {
                            for command in commands {
                                window.drawn.topology.apply(command).unwrap();
                            }
                        }
                        Action::Fit => window.canvas.fit(),
                        _ => {}
                    }
                }
                window.actions.extend(actions);
            },
            state,
        );
    harness.run_steps(8);
    harness.state_mut().actions.clear();
    harness
}

/// What was asked for since the last call, but for selections.
fn asked(harness: &mut Harness<'static, Window>) -> Vec<Action> {
    let mut actions = std::mem::take(&mut harness.state_mut().actions);
    actions.retain(|action| !matches!(action, Action::Select(_)));
    actions
}

fn choose(harness: &mut Harness<'static, Window>, item: &str) {
    harness.run_steps(4);
    harness.get_by_role_and_label(Role::MenuItem, item).click();
    harness.run_steps(4);
}

fn drag(harness: &mut Harness<'static, Window>, from: Pos2, to: Pos2) {
    harness.drag_at(from);
    harness.run_steps(2);
    harness.hover_at(from + (to - from) / 2.0);
    harness.run_steps(2);
    harness.hover_at(to);
    harness.run_steps(2);
    harness.drop_at(to);
    harness.run_steps(4);
}

#[test]
fn a_click_on_a_pip_opens_its_menu_and_crash_crashes_it() {
    let mut harness = window(Drawn::new());
    harness.get_by_label("api 3").click();
    choose(&mut harness, "Crash process");
    assert_eq!(
        asked(&mut harness),
        [Action::Run(Command::Crash("api".into(), 3))]
    );
    assert_eq!(
        harness.state().drawn.selection,
        Some(Selection::Instance("api".into(), 3))
    );
    assert!(harness.query_by_label("Crash process").is_none());
}

#[test]
fn the_menu_offers_what_the_instance_can_do() {
    let mut harness = window(Drawn::new());
    harness.get_by_label("api 2").click();
    harness.run_steps(4);
    let enabled = |label: &str| {
        !harness
            .get_by_role_and_label(Role::MenuItem, label)
            .accesskit_node()
            .is_disabled()
    };
    assert!(!enabled("Crash process") && !enabled("Hang") && enabled("Restart"));
    choose(&mut harness, "Restart");
    assert_eq!(
        asked(&mut harness),
        [Action::Run(Command::Restart("api".into(), 2))]
    );
    harness.get_by_label("products 1").click();
    choose(&mut harness, "Fail over to a replica");
    assert_eq!(
        asked(&mut harness),
        [Action::Run(Command::Failover("products".into()))]
    );
}

#[test]
fn a_node_has_a_menu_of_all_it_can_do() {
    let mut harness = window(Drawn::new());
    for (item, action) in [
        (
            "Deploy, abruptly",
            Action::Run(Command::Deploy("api".into(), Stop::Abrupt)),
        ),
        (
            "Add an instance",
            Action::Edit(
                vec![Command::Set("nodes.api.instances".into(), "5".into())],
                "api: 5 instances".into(),
            ),
        ),
    ] {
        harness.get_by_label("Service api").click_secondary();
        choose(&mut harness, item);
        assert_eq!(asked(&mut harness), [action]);
    }
    harness
        .get_by_label("Object store receipts")
        .click_secondary();
    choose(&mut harness, "Delete");
    assert!(harness.query_by_label("Object store receipts").is_none());
}

#[test]
fn screen_readers_are_told_how_instances_are() {
    let harness = window(Drawn::new());
    let described = |label: &str| {
        harness
            .get_by_label(label)
            .accesskit_node()
            .description()
            .unwrap()
    };
    assert_eq!(
        described("api 1"),
        "up, 58 % busy, queue 10 of 64, 550 sessions, 39 unsaved"
    );
    assert_eq!(
        described("api 2"),
        "down 6.4 s, 512 sessions lost, 49 writes lost"
    );
    assert_eq!(
        described("Service api"),
        "In memory, sessions in memory, 3 of 4 up, 56 % busy, Only here: 1,651 sessions, 118 writes, \
         512 sessions lost, 49 acknowledged writes lost"
    );
    assert_eq!(
        described("Link clients to lb"),
        "398/s, latency 125 µs, 0 B/s"
    );
}

#[test]
fn dragging_a_card_moves_it_alone_in_one_step() {
    let mut harness = window(Drawn::new());
    let at = harness.get_by_label("Service catalog").rect();
    let from = at.min + vec2(60.0, 16.0);
    let others = harness.get_by_label("Service api").rect();
    drag(&mut harness, from, from + vec2(-40.0, 210.0));
    let (x, y) = (778.0 - 40.0, 58.0 + 210.0);
    assert_eq!(
        asked(&mut harness),
        [Action::Move(vec![("catalog".into(), (x, y))])]
    );
    let now = harness.get_by_label("Service catalog").rect();
    assert!((now.min - at.min - vec2(-40.0, 210.0)).length() < 0.5);
    assert_eq!(harness.get_by_label("Service api").rect(), others);
}

#[test]
fn the_first_move_fixes_the_places_that_the_file_did_not_give() {
    let mut drawn = Drawn::new();
    drawn.topology.canvas.clear();
    let mut harness = window(drawn);
    let before = harness.get_by_label("Clients clients").rect();
    let at = harness.get_by_label("Object store receipts").rect();
    let from = at.min + vec2(60.0, 16.0);
    drag(&mut harness, from, from + vec2(0.0, -30.0));
    let actions = asked(&mut harness);
    let [Action::Move(places)] = &actions[..] else {
        panic!("{actions:?}");
    };
    assert_eq!(places.len(), 6);
    assert_eq!(harness.get_by_label("Clients clients").rect(), before);
}

#[test]
fn without_places_cards_are_laid_out_along_the_links_and_do_not_overlap() {
    let mut drawn = Drawn::new();
    drawn.topology.canvas.clear();
    let harness = window(drawn);
    let rects: Vec<Rect> = [
        "Clients clients",
        "Load balancer lb",
        "Service api",
        "Service catalog",
        "Object store receipts",
        "SQL database products",
    ]
    .iter()
    .map(|label| harness.get_by_label(label).rect())
    .collect();
    for (i, a) in rects.iter().enumerate() {
        for b in &rects[i + 1..] {
            assert!(!a.intersects(*b), "{a:?} {b:?}");
        }
    }
    assert!(rects[0].right() < rects[1].left() && rects[1].right() < rects[2].left());
    assert!(rects[2].right() < rects[3].left() && rects[3].right() < rects[5].left());
}

#[test]
fn the_keyboard_reaches_cards_and_pips() {
    let mut harness = window(Drawn::new());
    harness.get_by_label("Load balancer lb").focus();
    harness.run_steps(3);
    harness.key_press(Key::Tab);
    harness.run_steps(3);
    assert!(harness.get_by_label("Service api").is_focused());
    assert_eq!(
        harness.state().drawn.selection,
        Some(Selection::Node("api".into()))
    );
    harness.key_press(Key::ArrowRight);
    harness.run_steps(3);
    assert_eq!(
        asked(&mut harness),
        [Action::Move(vec![("api".into(), (478.0, 82.0))])]
    );
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert!(harness.get_by_label("api 1").is_focused());
    harness.key_press(Key::ArrowDown);
    harness.run_steps(3);
    harness.key_press(Key::ArrowDown);
    harness.run_steps(3);
    assert!(harness.get_by_label("api 3").is_focused());
    harness.key_press(Key::Enter);
    harness.run_steps(4);
    // Into the menu, and to its second entry.
    for key in [Key::ArrowDown, Key::ArrowDown, Key::Enter] {
        harness.key_press(key);
        harness.run_steps(4);
    }
    assert_eq!(
        asked(&mut harness),
        [Action::Run(Command::LoseMachine("api".into(), 3))]
    );
    assert!(harness.get_by_label("api 3").is_focused());
    harness.key_press(Key::Tab);
    harness.run_steps(4);
    assert!(harness.get_by_label("Service catalog").is_focused());
}

#[test]
fn what_was_lost_can_be_dismissed() {
    let mut harness = window(Drawn::new());
    harness.get_by_label("Dismiss what api lost").click();
    harness.run_steps(3);
    assert_eq!(asked(&mut harness), [Action::DismissLoss("api".into())]);
}

#[test]
fn links_can_be_selected_and_removed() {
    let mut harness = window(Drawn::new());
    harness.get_by_label("Link lb to api").click();
    harness.run_steps(3);
    assert_eq!(
        harness.state().drawn.selection,
        Some(Selection::Link("lb->api".into()))
    );
    asked(&mut harness);
    harness
        .get_by_label("Link api to receipts")
        .click_secondary();
    choose(&mut harness, "Remove link");
    assert!(harness.query_by_label("Link api to receipts").is_none());
}

#[test]
fn tools_add_nodes_where_they_are_clicked() {
    let mut harness = window(Drawn::new());
    harness.get_by_label("Add redis-like store").click();
    harness.run_steps(3);
    harness.hover_at(pos2(560.0, 440.0));
    harness.run_steps(2);
    harness.drag_at(pos2(560.0, 440.0));
    harness.drop_at(pos2(560.0, 440.0));
    harness.run_steps(4);
    let card = harness.get_by_label("Redis-like store store").rect();
    assert!(card.contains(pos2(560.0, 440.0)), "{card:?}");
    let actions = asked(&mut harness);
    assert!(
        matches!(&actions[0], Action::Edit(commands, _) if matches!(commands[..], [Command::Add(..)]))
    );
    assert!(matches!(&actions[1], Action::Move(_)));
}

#[test]
fn edges_are_pulled_for_instances_and_links() {
    let mut harness = window(Drawn::new());
    let card = harness.get_by_label("Service catalog").rect();
    harness.hover_at(card.center());
    harness.run_steps(3);
    let handle = harness.get_by_label("Pull for instances of catalog").rect();
    drag(
        &mut harness,
        handle.center(),
        handle.center() + vec2(0.0, 50.0),
    );
    assert_eq!(
        asked(&mut harness),
        [Action::Edit(
            vec![Command::Set("nodes.catalog.instances".into(), "5".into())],
            "catalog: 5 instances".into()
        )]
    );
    let to = harness.get_by_label("Object store receipts").rect();
    let card = harness.get_by_label("Service catalog").rect();
    harness.hover_at(card.center());
    harness.run_steps(3);
    let port = harness.get_by_label("Pull a link from catalog").rect();
    drag(&mut harness, port.center(), to.center());
    assert_eq!(
        asked(&mut harness),
        [Action::Edit(
            vec![Command::Link("catalog -> receipts".into())],
            "Linked catalog → receipts".into()
        )]
    );
}

#[test]
fn the_view_is_zoomed_moved_and_fitted() {
    let mut harness = window(Drawn::new());
    let before = harness.get_by_label("Service api").rect();
    harness.get_by_label("Zoom in").click();
    harness.run_steps(3);
    let zoomed = harness.get_by_label("Service api").rect();
    assert!((zoomed.width() / before.width() - 1.25).abs() < 1e-3);
    // The tool that moves the view; a drag with the other one selects.
    harness.key_press(Key::H);
    harness.run_steps(2);
    drag(&mut harness, pos2(420.0, 460.0), pos2(400.0, 400.0));
    harness.key_press(Key::V);
    let moved = harness.get_by_label("Service api").rect();
    assert!((moved.min - zoomed.min - vec2(-20.0, -60.0)).length() < 0.5);
    harness.get_by_label("Fit all").click();
    harness.run_steps(3);
    assert_eq!(harness.get_by_label("Service api").rect(), before);
    assert_eq!(asked(&mut harness), [Action::Fit]);
    let pointer = pos2(600.0, 150.0);
    harness.hover_at(pointer);
    harness.run_steps(2);
    harness.event_modifiers(egui::Event::Zoom(1.5), Modifiers::NONE);
    harness.run_steps(3);
    let zoomed = harness.get_by_label("Service api").rect();
    let along = |rect: Rect| (pointer.x - rect.left()) / rect.width();
    assert!((along(zoomed) - along(before)).abs() < 1e-3);
}

#[test]
fn an_empty_canvas_says_how_to_begin() {
    let mut drawn = Drawn::new();
    drawn.topology.nodes.clear();
    drawn.topology.links.0.clear();
    drawn.snapshot = statescope::sim::snapshot::Snapshot::default();
    let mut harness = window(drawn);
    harness.get_by_label("Add service").click();
    harness.run_steps(3);
    harness.hover_at(pos2(300.0, 200.0));
    harness.drag_at(pos2(300.0, 200.0));
    harness.drop_at(pos2(300.0, 200.0));
    harness.run_steps(4);
    harness.get_by_label("Service service");
}

/// Not a test: `cargo test --release --test app canvas -- --ignored --nocapture` prints what a frame costs.
#[test]
#[ignore = "measures"]
fn frame_cost() {
    let drawn = Drawn::many(200, 5);
    for zoom in [1.0_f32, 0.5, 0.3] {
        let mut canvas = Canvas::default();
        canvas.zoom_to(zoom);
        let ctx = egui::Context::default();
        theme::install(&ctx, theme::Settings::default());
        let mut best = f64::MAX;
        let mut ui_only = f64::MAX;
        let mut raster = statescope::app::picture::raster::Raster::default();
        for frame in 0..200 {
            let input = egui::RawInput {
                screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1580.0, 900.0))),
                time: Some(f64::from(frame) / 60.0),
                ..egui::RawInput::default()
            };
            let start = std::time::Instant::now();
            let mut output = ctx.run_ui(input, |ui| {
                let _ = canvas.ui(ui, &drawn.view());
            });
            let ui = start.elapsed().as_secs_f64();
            let primitives = ctx.tessellate(output.shapes, output.pixels_per_point);
            let all = start.elapsed().as_secs_f64();
            assert!(!primitives.is_empty());
            raster.apply(&mut output.textures_delta);
            if frame > 20 {
                best = best.min(all);
                ui_only = ui_only.min(ui);
            }
        }
        println!(
            "zoom {zoom}: {:.2} ms ui, {:.2} ms with tessellation",
            ui_only * 1e3,
            best * 1e3
        );
    }
}
