//! The topology, drawn: cards, links, what flows and what is lost.
//!
//! A frame goes: what is shown of the running system (refreshed a few times a second) and the document make a
//! [`scene`] of measured cards; [`place`] and the transform say where they are; [`link`] lays the lines between them;
//! everything that can be clicked is told to egui; then all is painted, links first. The canvas changes nothing: it
//! returns actions.

mod card;
mod handles;
mod ink;
mod link;
mod menu;
pub mod mini;
mod picture;
mod place;
mod scene;
mod shown;
mod tools;
mod transform;
pub(super) mod words;

pub use picture::picture;

use egui::{
    CursorIcon, EventFilter, Id, Key, PointerButton, Pos2, Rect, Response, Role, Sense, Ui,
    UiBuilder, Vec2, WidgetInfo, vec2,
};

use super::action::{Action, Selection};
use super::document::place_new_nodes;
use super::state::View;
use super::theme;
use super::widgets::tooltip;
use crate::model::{Command, Node};
use handles::Pull;
use ink::{Ink, Texts};
use link::{Flows, Line};
use menu::Menu;
use place::Places;
use scene::{Card, PipPlace, Scene, Worst};
use shown::Shown;
use tools::Tool;
use transform::Transform;

/// How far an arrow key moves a card, in points at 100 %.
const NUDGE: f32 = 8.0;
/// How near to a link the pointer must be to be on it, in points.
const NEAR: f32 = 7.0;

/// The canvas: its pan and zoom, what is being dragged, and what is kept from frame to frame.
#[derive(Debug, Default)]
pub struct Canvas {
    transform: Transform,
    fit: Fit,
    /// A new node that is to be seen.
    reveal: Option<String>,
    zoom_to: Option<f32>,
    tool: Tool,
    places: Places,
    drag: Option<Drag>,
    menu: Option<Menu>,
    pull: Option<Pull>,
    flows: Flows,
    texts: Texts,
    worst: Worst,
    shown: Shown,
    /// The ghosts are placed with the nodes that are there, and keep their place while they are shown.
    ghosts: Places,
}

/// Whether everything is to be fitted into the canvas at the next frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fit {
    /// The first time: never magnified.
    #[default]
    First,
    /// On demand.
    Again,
    Done,
}

/// A card that is being moved.
#[derive(Debug)]
struct Drag {
    name: String,
    /// Where it is now, in the world.
    at: Pos2,
    /// From its corner to where it was taken.
    grip: Vec2,
    /// After the drop: frames until the document must have moved it.
    dropped: Option<u32>,
}

/// What the pointer or keyboard is on.
#[derive(Debug, Default)]
struct On {
    card: Option<usize>,
    link: Option<usize>,
    focused: Option<usize>,
    /// The card whose handles are shown.
    handles: Option<usize>,
}

impl Canvas {
    /// Zooms to a scale (1 is 100 %) around the middle.
    pub fn zoom_to(&mut self, zoom: f32) {
        self.zoom_to = Some(zoom);
    }

    /// Brings a node into view once it is there, moving the view no more than it takes.
    pub fn reveal(&mut self, name: &str) {
        self.reveal = Some(name.to_owned());
    }

    /// Zooms and moves so that everything is seen, at the next frame.
    pub fn fit(&mut self) {
        self.fit = Fit::Again;
    }

    /// Shows the canvas in all the room there is; returns what was asked for.
    pub fn ui(&mut self, ui: &mut Ui, view: &View) -> Vec<Action> {
        let area = ui.available_rect_before_wrap();
        let mut child = ui.new_child(UiBuilder::new().id_salt("canvas").max_rect(area));
        child.set_clip_rect(area.intersect(ui.clip_rect()));
        let actions = self.show(&mut child, area, view);
        ui.advance_cursor_after_rect(area);
        actions
    }

    /// All that is drawn, in the world.
    fn bounds(&mut self, view: &View) -> Rect {
        let mut scene = Scene::measure(
            view,
            &view.snapshot.nodes,
            view.snapshot.now,
            &mut self.worst,
        );
        self.places.update(view.topology, &scene);
        scene.put(|name| self.place(view, name));
        scene.bounds()
    }

    /// Paints everything at 100 % into an area, without what floats above.
    fn paint_alone(&mut self, ui: &Ui, area: Rect, view: &View) {
        let snapshot = view.snapshot;
        let mut scene = Scene::measure(view, &snapshot.nodes, snapshot.now, &mut self.worst);
        self.places.update(view.topology, &scene);
        scene.put(|name| self.place(view, name));
        let bounds = scene.bounds();
        self.transform = if scene.cards.is_empty() {
            Transform::default()
        } else {
            Transform {
                origin: (area.center() - bounds.center().to_vec2()).round(),
                zoom: 1.0,
            }
        };
        let lines = link::lines(view.topology, &scene, &snapshot.links, view.readings);
        self.paint(ui, area, view, &scene, &lines, &On::default(), 0.0);
    }

    fn show(&mut self, ui: &mut Ui, area: Rect, view: &View) -> Vec<Action> {
        let mut actions = Vec::new();
        let (seconds, time) = ui.input(|input| (input.stable_dt.min(0.1), input.time));
        let background = ui.interact(
            area,
            ui.scope_id().with("background"),
            Sense::CLICK | Sense::DRAG,
        );

        // Taken out so that the scene may borrow it while the rest of the canvas changes.
        let mut shown = std::mem::take(&mut self.shown);
        shown.update(view, time);
        let mut scene = Scene::measure(view, &shown.nodes, shown.now, &mut self.worst);
        scene.operations = shown.operations;
        self.places.update(view.topology, &scene);
        self.settle_drop(view);
        scene.put(|name| self.place(view, name));
        self.choose_view(area, &scene);
        if let Some(tool) = tools::by_key(ui) {
            self.tool = tool;
        }

        let panning = self.navigate(ui, area, &background);
        let lines = link::lines(view.topology, &scene, &shown.links, view.readings);
        let on = self.interact(ui, area, view, &scene, &lines, panning, &mut actions);
        self.clicks(ui, view, &background, &mut actions);
        scene.put(|name| self.place(view, name));

        self.paint(ui, area, view, &scene, &lines, &on, seconds);
        if scene.cards.is_empty() && view.preview.is_empty() {
            tools::nothing_here(ui, area);
        }
        if let Some(tool) = tools::tool_bar(ui, area, self.tool) {
            self.tool = tool;
        }
        tools::zoom_bar(ui, area, &mut self.transform, &mut actions);
        if let Some(menu) = self.menu.take()
            && menu::show(ui, &menu, &scene, &mut actions)
        {
            self.menu = Some(menu);
        }
        drop(scene);
        self.shown = shown;
        actions
    }

    /// Where a node is now: being dragged, or where the document or the automatic layout has it.
    fn place(&self, view: &View, name: &str) -> Pos2 {
        match &self.drag {
            Some(drag) if drag.name == name => drag.at,
            _ => self.places.get(view.topology, name),
        }
    }

    /// After a drop the card waits where it was dropped until the document has it there.
    fn settle_drop(&mut self, view: &View) {
        let Some(drag) = &mut self.drag else {
            return;
        };
        let gone = !view.topology.nodes.contains_key(&drag.name);
        let settled = match &mut drag.dropped {
            Some(frames) => {
                *frames = frames.saturating_sub(1);
                let there = view.topology.canvas.get(&drag.name);
                *frames == 0 || there == Some(&(drag.at.x, drag.at.y))
            }
            None => false,
        };
        if gone || settled {
            self.drag = None;
        }
    }

    fn choose_view(&mut self, area: Rect, scene: &Scene) {
        if self.fit != Fit::Done && !scene.cards.is_empty() && area.is_positive() {
            // A document opens as large as it is drawn, a little larger where there is much room.
            let first = if area.width() > 1200.0 { 1.4 } else { 1.0 };
            let most = if self.fit == Fit::First { first } else { 4.0 };
            self.transform = Transform::fitting(scene.bounds(), area, most);
            self.fit = Fit::Done;
        } else if self.fit == Fit::First {
            self.transform = Transform {
                origin: area.min,
                zoom: 1.0,
            };
        }
        if let Some(zoom) = self.zoom_to.take() {
            self.transform.zoom_around(area.center(), zoom);
        }
        if let Some(card) = self.reveal.as_ref().and_then(|name| scene.card(name)) {
            // Beside the tool bar and above the zoom bar.
            let room = Rect::from_min_max(area.min + vec2(66.0, 16.0), area.max - vec2(16.0, 56.0));
            let all = self.transform.rect(scene.bounds());
            if !room.contains_rect(self.transform.rect(card.rect)) {
                if all.width() <= room.width() && all.height() <= room.height() {
                    self.transform.origin += way_into(all, room);
                } else {
                    let most = self.transform.zoom;
                    self.transform = Transform::fitting(scene.bounds(), area, most);
                }
            }
            self.reveal = None;
        }
    }

    /// Pan and zoom; returns whether drags move the view rather than a card.
    fn navigate(&mut self, ui: &Ui, area: Rect, background: &Response) -> bool {
        let (space, middle, delta) = ui.input(|input| {
            (
                input.key_down(Key::Space),
                input.pointer.button_down(PointerButton::Middle),
                input.pointer.delta(),
            )
        });
        let space = space && !ui.ctx().text_edit_focused();
        let panning = self.tool == Tool::Pan || space || middle;
        if background.contains_pointer() {
            let (scroll, zoom, pointer) = ui.input(|input| {
                (
                    input.smooth_scroll_delta(),
                    input.zoom_delta(),
                    input.pointer.hover_pos(),
                )
            });
            if zoom != 1.0 {
                let fixed = pointer.unwrap_or(area.center());
                self.transform
                    .zoom_around(fixed, self.transform.zoom * zoom);
            } else {
                self.transform.origin += scroll;
            }
            if panning {
                ui.ctx()
                    .set_cursor_icon(if ui.input(|i| i.pointer.any_down()) {
                        CursorIcon::Grabbing
                    } else {
                        CursorIcon::Grab
                    });
            } else if matches!(self.tool, Tool::Add(_)) {
                ui.ctx().set_cursor_icon(CursorIcon::Crosshair);
            }
        }
        if background.dragged() {
            self.transform.origin += delta;
        }
        panning
    }

    /// Tells egui what can be clicked, dragged and reached by the keyboard, and turns what happened into actions.
    #[expect(clippy::too_many_arguments, reason = "all that a frame knows")]
    fn interact(
        &mut self,
        ui: &Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        lines: &[Line],
        panning: bool,
        actions: &mut Vec<Action>,
    ) -> On {
        let mut on = On::default();
        let focus = ui.memory(egui::Memory::focused);
        for (index, card) in scene.cards.iter().enumerate() {
            let response = self.card(ui, area, view, scene, card, panning, actions);
            if response.contains_pointer() {
                on.card = Some(index);
            }
            if response.has_focus() {
                on.focused = Some(index);
            }
        }
        // Pips come after all cards, so that Tab goes from card to card.
        let visible = self.transform.world_rect(area);
        for (index, card) in scene.cards.iter().enumerate() {
            if !card.rect.intersects(visible) {
                continue;
            }
            self.pips(ui, scene, index, focus, actions);
            self.loss_cross(ui, card, actions);
        }
        on.handles = self.handles(ui, view, scene, &on, panning, actions);
        let covered = on.card.is_some() || self.pull.is_some();
        on.link = self.links(ui, scene, lines, covered, actions);
        on
    }

    /// The handles of the card that is pointed at, or pulled at; returns which card that is.
    fn handles(
        &mut self,
        ui: &Ui,
        view: &View,
        scene: &Scene,
        on: &On,
        panning: bool,
        actions: &mut Vec<Action>,
    ) -> Option<usize> {
        if panning || self.drag.is_some() || self.menu.is_some() || self.tool != Tool::Select {
            return None;
        }
        let pulled = self.pull.as_ref().map(|pull| match pull {
            Pull::Instances { name, .. } | Pull::Link { from: name, .. } => name.as_str(),
        });
        // A handle reaches over the edge, so the pointer may be on it and no longer on the card.
        let pointer = ui.input(|input| input.pointer.hover_pos());
        let near = |card: &Card| {
            pointer.is_some_and(|pointer| {
                self.transform
                    .rect(card.rect)
                    .expand(10.0)
                    .contains(pointer)
            })
        };
        let index = match pulled {
            Some(name) => scene.cards.iter().position(|card| card.name == name),
            None => on.card.or_else(|| scene.cards.iter().rposition(near)),
        }?;
        if self.transform.zoom < transform::READABLE_ZOOM {
            return None;
        }
        let mut pull = self.pull.take();
        handles::interact(
            ui,
            &self.transform,
            scene,
            view.topology,
            &scene.cards[index],
            &mut pull,
            actions,
        );
        self.pull = pull.filter(|_| ui.input(|input| input.pointer.any_down()));
        Some(index)
    }

    #[expect(clippy::too_many_arguments, reason = "all that a frame knows")]
    fn card(
        &mut self,
        ui: &Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        card: &Card,
        panning: bool,
        actions: &mut Vec<Action>,
    ) -> Response {
        let rect = self.transform.rect(card.rect);
        let id = card_id(ui, card.name);
        let response = ui.interact(rect, id, Sense::click_and_drag());
        let label = || {
            format!(
                "{} {}",
                super::canvas::words::kind_name(card.kind),
                card.name
            )
        };
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
        ui.ctx().accesskit_node_builder(id, |node| {
            node.set_description(card::describe(scene, card));
        });

        let select = Action::Select(Some(Selection::Node(card.name.to_owned())));
        let is_selected = view.selection == Some(&Selection::Node(card.name.to_owned()));
        if response.clicked() || response.gained_focus() && !is_selected {
            actions.push(select.clone());
        }
        if response.clicked_by(PointerButton::Primary) {
            response.request_focus();
        }
        if response.gained_focus() && !area.intersects(rect) {
            self.transform.origin += area.center() - rect.center();
        }
        if response.secondary_clicked() || response.has_focus() && menu_key(ui) {
            if !is_selected {
                actions.push(select);
            }
            let at = response
                .interact_pointer_pos()
                .filter(|_| response.secondary_clicked())
                .unwrap_or(rect.left_bottom());
            self.open_menu(ui, Selection::Node(card.name.to_owned()), at, id);
        }
        if response.has_focus() {
            self.nudge(ui, view, card, id, actions);
            let enter = ui.input(|input| input.key_pressed(Key::Enter));
            if enter
                && self.menu.is_none()
                && let Some(first) = card.pips.iter().find(|place| !place.again)
            {
                ui.memory_mut(|memory| memory.request_focus(pip_id(ui, card, first)));
            }
        }
        self.drag_card(ui, &response, view, card, panning, actions);
        response
    }

    /// Arrows move the card that has the keyboard.
    fn nudge(&self, ui: &Ui, view: &View, card: &Card, id: Id, actions: &mut Vec<Action>) {
        // In a menu arrows go from entry to entry.
        let arrows = EventFilter {
            horizontal_arrows: self.menu.is_none(),
            vertical_arrows: self.menu.is_none(),
            ..EventFilter::default()
        };
        ui.ctx()
            .memory_mut(|memory| memory.set_focus_lock_filter(id, arrows));
        let mut by = Vec2::ZERO;
        ui.input(|input| {
            for (key, direction) in [
                (Key::ArrowLeft, vec2(-1.0, 0.0)),
                (Key::ArrowRight, vec2(1.0, 0.0)),
                (Key::ArrowUp, vec2(0.0, -1.0)),
                (Key::ArrowDown, vec2(0.0, 1.0)),
            ] {
                let large = if input.modifiers.shift { 4.0 } else { 1.0 };
                by += direction * NUDGE * large * input.num_presses(key) as f32;
            }
        });
        if by != Vec2::ZERO && self.menu.is_none() {
            actions.push(self.moved(view, card.name, card.rect.min + by));
        }
    }

    /// The action that moves a node; nodes that the file does not place yet are fixed where they are, so that they stay.
    fn moved(&self, view: &View, name: &str, to: Pos2) -> Action {
        let mut places: Vec<(String, (f32, f32))> = self
            .places
            .unsaved()
            .filter(|(other, _)| *other != name && view.topology.nodes.contains_key(*other))
            .map(|(other, place)| (other.clone(), place))
            .collect();
        places.insert(0, (name.to_owned(), (to.x, to.y)));
        Action::Move(places)
    }

    fn drag_card(
        &mut self,
        ui: &Ui,
        response: &Response,
        view: &View,
        card: &Card,
        panning: bool,
        actions: &mut Vec<Action>,
    ) {
        let mine = self
            .drag
            .as_ref()
            .is_some_and(|drag| drag.name == card.name && drag.dropped.is_none());
        if response.dragged() && panning && !mine {
            self.transform.origin += ui.input(|input| input.pointer.delta());
            return;
        }
        if response.drag_started_by(PointerButton::Primary)
            && let Some(pressed) = ui.input(|input| input.pointer.press_origin())
        {
            self.drag = Some(Drag {
                name: card.name.to_owned(),
                at: card.rect.min,
                grip: self.transform.world(pressed) - card.rect.min,
                dropped: None,
            });
            actions.push(Action::Select(Some(Selection::Node(card.name.to_owned()))));
        }
        let Some(drag) = self.drag.as_mut().filter(|drag| drag.name == card.name) else {
            return;
        };
        if drag.dropped.is_some() {
            return;
        }
        if ui.input(|input| input.key_pressed(Key::Escape)) {
            self.drag = None;
            return;
        }
        if let Some(pointer) = response.interact_pointer_pos() {
            let at = self.transform.world(pointer) - drag.grip;
            drag.at = Pos2::new(at.x.round(), at.y.round());
            ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        }
        if response.drag_stopped() {
            drag.dropped = Some(4);
            let to = drag.at;
            if to != self.places.get(view.topology, card.name) {
                actions.push(self.moved(view, card.name, to));
            }
        }
    }

    /// Pips that can be clicked: each opens the menu of its instance. Enter on a card goes to its pips, arrows from pip
    /// to pip, Escape back to the card.
    ///
    /// `focus` is what had the keyboard when the frame began: one key does one thing.
    fn pips(
        &mut self,
        ui: &Ui,
        scene: &Scene,
        index: usize,
        focus: Option<Id>,
        actions: &mut Vec<Action>,
    ) {
        let card = &scene.cards[index];
        let zoom = self.transform.zoom;
        let enter = ui.input(|input| input.key_pressed(Key::Enter));
        let mut has_focus = ui.memory(egui::Memory::focused);
        for place in &card.pips {
            let instance = &card.instances[place.instance];
            let least: f32 = if place.dense {
                13.0
            } else {
                theme::height::HIT
            };
            let rect =
                Rect::from_center_size(self.transform.at(place.at), Vec2::splat(least * zoom));
            let id = pip_id(ui, card, place);
            let focused = focus == Some(id);
            let response = if has_focus == Some(id) {
                ui.interact(rect, id, Sense::click())
            } else {
                // Tab goes from card to card, not through a hundred pips.
                ui.interact(rect, id, Sense::CLICK)
            };
            if !place.again {
                let label = || format!("{} {}", card.name, instance.number);
                response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
                ui.ctx().accesskit_node_builder(id, |node| {
                    node.set_description(words::instance(instance, scene.now));
                    node.set_has_popup(egui::accesskit::HasPopup::Menu);
                });
            }
            if focused && self.menu.is_none() {
                walk(ui, scene, index, id);
                has_focus = ui.memory(egui::Memory::focused);
            } else if focused {
                ui.memory_mut(|memory| memory.set_focus_lock_filter(id, EventFilter::default()));
            }
            let about = Selection::Instance(card.name.to_owned(), instance.number);
            let clicked = response.clicked() && (focused || !enter);
            if clicked || response.secondary_clicked() {
                actions.push(Action::Select(Some(about.clone())));
                let at = rect.right_center() + vec2(6.0, -12.0);
                self.open_menu(ui, about, at, id);
                continue;
            }
            if response.gained_focus() {
                actions.push(Action::Select(Some(about)));
            }
            if response.hovered() && self.menu.is_none() {
                ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
                let words = words::instance(instance, scene.now);
                let lines: Vec<&str> = words.split(", ").collect();
                let name = format!("{} {}", card.name, instance.number);
                tooltip(&response, &name, &lines);
            }
        }
    }

    /// The cross of the tag with what was lost.
    fn loss_cross(&self, ui: &Ui, card: &Card, actions: &mut Vec<Action>) {
        if card.loss.is_none() {
            return;
        }
        let tag = super::widgets::LOSS_TAG_HEIGHT;
        let middle = Pos2::new(card.rect.right() - 17.0, card.rect.bottom() + tag / 2.0);
        let rect = Rect::from_center_size(
            self.transform.at(middle),
            Vec2::splat(24.0 * self.transform.zoom),
        );
        let response = ui.interact(
            rect,
            ui.scope_id().with(("loss", card.name)),
            Sense::click(),
        );
        let label = || format!("Dismiss what {} lost", card.name);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
        if response.hovered() {
            ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
        }
        if response.clicked() {
            actions.push(Action::DismissLoss(card.name.to_owned()));
        }
    }

    /// Links: the one under the pointer can be clicked where the pointer is, the others in their middle.
    fn links(
        &mut self,
        ui: &Ui,
        scene: &Scene,
        lines: &[Line],
        covered: bool,
        actions: &mut Vec<Action>,
    ) -> Option<usize> {
        let pointer = ui
            .input(|input| input.pointer.hover_pos())
            .filter(|_| !covered && self.drag.is_none());
        let world = pointer.map(|pointer| self.transform.world(pointer));
        let near = world.and_then(|world| {
            let reach = NEAR / self.transform.zoom;
            let distance = |line: &Line| {
                line.lanes
                    .iter()
                    .filter(|lane| lane.curve.bounds().expand(reach).contains(world))
                    .map(|lane| lane.curve.distance(world))
                    .fold(f32::MAX, f32::min)
            };
            let nearest = lines
                .iter()
                .enumerate()
                .map(|(index, line)| (index, distance(line)));
            nearest
                .filter(|(_, distance)| *distance <= reach)
                .min_by(|a, b| a.1.total_cmp(&b.1))
                .map(|(index, _)| index)
        });
        let mut hovered = None;
        for (index, line) in lines.iter().enumerate() {
            let middle = line.lanes[line.lanes.len() / 2].curve.at(0.5);
            let at = match pointer {
                Some(pointer) if near == Some(index) => pointer,
                _ => self.transform.at(middle),
            };
            let rect = Rect::from_center_size(at, Vec2::splat(2.0 * NEAR));
            // A card over the middle of a link is what is meant there.
            let hidden = scene.cards.iter().any(|card| card.rect.contains(middle));
            if hidden && near != Some(index) {
                continue;
            }
            let id = ui.scope_id().with(("link", &line.key));
            let response = ui.interact(rect, id, Sense::click());
            let ends = (scene.cards[line.from].name, scene.cards[line.to].name);
            let label = || format!("Link {} to {}", ends.0, ends.1);
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
            ui.ctx().accesskit_node_builder(id, |node| {
                node.set_description(describe_flow(line));
            });
            let about = Selection::Link(line.key.clone());
            if response.clicked() || response.gained_focus() {
                actions.push(Action::Select(Some(about.clone())));
            }
            if !line.implied
                && (response.secondary_clicked() || response.has_focus() && menu_key(ui))
            {
                actions.push(Action::Select(Some(about.clone())));
                self.open_menu(ui, about, at, id);
            }
            if near == Some(index) && response.hovered() {
                hovered = Some(index);
                ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
                let flow = describe_flow(line);
                let title = format!("{} \u{2192} {}", ends.0, ends.1);
                tooltip(&response, &title, &[&flow]);
            } else if response.has_focus() {
                hovered = Some(index);
            }
        }
        hovered
    }

    fn open_menu(&mut self, ui: &Ui, about: Selection, at: Pos2, of: Id) {
        self.menu = Some(Menu { about, at, of });
        menu::open(ui);
    }

    /// Clicks beside everything: with a tool they add a node, else they select nothing.
    fn clicks(&mut self, ui: &Ui, view: &View, background: &Response, actions: &mut Vec<Action>) {
        if !background.clicked() {
            return;
        }
        let Tool::Add(kind) = self.tool else {
            if view.selection.is_some() {
                actions.push(Action::Select(None));
            }
            return;
        };
        let Some(pointer) = ui.input(|input| input.pointer.interact_pos()) else {
            return;
        };
        let at = tools::corner_for(self.transform.world(pointer));
        let (name, node) = tools::new_node(kind, view.topology);
        self.places.reserve(&name, at);
        actions.push(Action::Edit(
            vec![Command::Add(name.clone(), node)],
            format!("Add {name}"),
        ));
        actions.push(Action::Move(vec![(name.clone(), (at.x, at.y))]));
        actions.push(Action::Select(Some(Selection::Node(name))));
        self.tool = Tool::Select;
    }

    #[expect(clippy::too_many_arguments, reason = "all that a frame knows")]
    fn paint(
        &mut self,
        ui: &Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        lines: &[Line],
        on: &On,
        seconds: f32,
    ) {
        let palette = theme::palette(ui);
        let settings = theme::settings(ui);
        let painter = ui.painter();
        painter.rect_filled(area, 0.0, palette.canvas);
        self.texts.begin(ui.ctx(), painter);
        let mut ink = Ink {
            painter,
            transform: self.transform,
            palette,
            texts: &mut self.texts,
        };
        paint_grid(&ink, area);

        let visible = self.transform.world_rect(area);
        let moves = view.playing && !settings.reduced_motion;
        let (seconds, speed) = if moves {
            (seconds, view.speed_got.unwrap_or(view.speed))
        } else {
            (0.0, view.speed)
        };
        self.flows.begin();
        let mut moving = false;
        for (index, line) in lines.iter().enumerate() {
            let bounds = line.lanes.iter().fold(Rect::NOTHING, |bounds, lane| {
                bounds.union(lane.curve.bounds())
            });
            if !bounds.expand(8.0).intersects(visible) {
                continue;
            }
            let emphasis = link::Emphasis {
                hovered: on.link == Some(index),
                selected: matches!(view.selection, Some(Selection::Link(key)) if *key == line.key),
            };
            moving |= self.flows.paint(&ink, line, emphasis, seconds, speed);
        }

        paint_ghosts(&mut ink, view, scene, &mut self.ghosts);
        let dragged = self.drag.as_ref().map(|drag| drag.name.as_str());
        let last = scene
            .cards
            .iter()
            .position(|card| Some(card.name) == dragged);
        let order = (0..scene.cards.len())
            .filter(|index| Some(*index) != last)
            .chain(last);
        for index in order {
            let card = &scene.cards[index];
            let id = ui.scope_id().with(("tag", card.name));
            let out = if settings.reduced_motion {
                f32::from(u8::from(card.loss.is_some()))
            } else {
                ui.ctx()
                    .animate_bool_with_time(id, card.loss.is_some(), 0.16)
            };
            if !card.outer().intersects(visible) {
                continue;
            }
            let emphasis = card::Emphasis {
                selected: view.selection.and_then(Selection::node) == Some(card.name),
                hovered: on.card == Some(index) && on.link.is_none(),
                focused: on.focused == Some(index)
                    && ui.input(|i| i.pointer.latest_pos().is_none())
                    || on.focused == Some(index)
                        && view.selection.and_then(Selection::node) != Some(card.name),
                instance: match view.selection {
                    Some(Selection::Instance(name, number)) if name == card.name => Some(*number),
                    _ => None,
                },
                tag: out,
            };
            card::paint(&mut ink, scene, card, view.topology, emphasis);
            if on.handles == Some(index) {
                handles::paint(&ink, card);
            }
        }
        if let Some(pull) = &self.pull {
            handles::paint_pull(&mut ink, scene, view.topology, pull);
        }
        if moving {
            ui.ctx().request_repaint();
        }
    }
}

fn card_id(ui: &Ui, name: &str) -> Id {
    ui.scope_id().with(("card", name))
}

fn pip_id(ui: &Ui, card: &Card, place: &PipPlace) -> Id {
    let kind = if place.again { "pip again" } else { "pip" };
    let number = card.instances[place.instance].number;
    ui.scope_id().with((kind, card.name, number))
}

/// The key that opens the menu of what has the keyboard.
fn menu_key(ui: &Ui) -> bool {
    ui.input(|input| input.modifiers.shift && input.key_pressed(Key::F10))
}

/// From the pip that has the keyboard to another, back to its card, or on to the next card.
fn walk(ui: &Ui, scene: &Scene, index: usize, focused: Id) {
    let all = EventFilter {
        tab: true,
        horizontal_arrows: true,
        vertical_arrows: true,
        escape: true,
    };
    let card = &scene.cards[index];
    let pips: Vec<Id> = card
        .pips
        .iter()
        .filter(|place| !place.again)
        .map(|place| pip_id(ui, card, place))
        .collect();
    let here = pips.iter().position(|id| *id == focused).unwrap_or(0);
    let pressed = |key| ui.input(|input| input.key_pressed(key));
    let back = ui.input(|input| input.modifiers.shift);
    let next = if pressed(Key::Escape) {
        Some(card_id(ui, card.name))
    } else if pressed(Key::Tab) {
        let neighbour = if back {
            index.checked_sub(1)
        } else {
            Some(index + 1)
        };
        // Beyond the last card, egui goes on from the card itself.
        let card = neighbour.and_then(|at| scene.cards.get(at)).unwrap_or(card);
        Some(card_id(ui, card.name))
    } else if pressed(Key::ArrowRight) || pressed(Key::ArrowDown) {
        pips.get(here + 1).copied()
    } else if pressed(Key::ArrowLeft) || pressed(Key::ArrowUp) {
        here.checked_sub(1).map(|at| pips[at])
    } else {
        None
    };
    ui.memory_mut(|memory| {
        memory.set_focus_lock_filter(focused, all);
        if let Some(next) = next {
            memory.request_focus(next);
        }
    });
}

/// How much flows, and with what outcome.
fn describe_flow(line: &Line) -> String {
    let total = line.rates.total();
    let mut parts = vec![words::per_second(total)];
    if total > 0.0 && line.rates.failed > 0.0 {
        parts.push(format!(
            "{} failed",
            words::percent(line.rates.failed / total)
        ));
    }
    if total > 0.0 && line.rates.retried > 0.0 {
        parts.push(format!(
            "{} retried",
            words::percent(line.rates.retried / total)
        ));
    }
    if line.implied {
        parts.push("follows from a setting".into());
    }
    parts.join(", ")
}

/// The shortest way to move a rectangle into a room that it fits into.
fn way_into(rect: Rect, room: Rect) -> Vec2 {
    let way = |least: f32, most: f32| least.max(0.0) + most.min(0.0);
    vec2(
        way(room.left() - rect.left(), room.right() - rect.right()),
        way(room.top() - rect.top(), room.bottom() - rect.bottom()),
    )
    .round()
}

/// Dots 24 points apart; further apart when zoomed out, so that they never become a grey.
fn paint_grid(ink: &Ink, area: Rect) {
    let mut step = 24.0 * ink.zoom();
    while step < 14.0 {
        step *= 2.0;
    }
    let radius = 0.9 * ink.zoom().clamp(0.7, 1.5);
    let half = Vec2::splat(step / 2.0);
    let first = ink.transform.origin + half - area.min.to_vec2();
    let (x0, y0) = (first.x.rem_euclid(step), first.y.rem_euclid(step));
    // One mesh: thousands of separate dots would be the dearest thing on the canvas.
    let mut mesh = egui::Mesh::default();
    let (columns, rows) = (
        (area.width() / step) as usize + 1,
        (area.height() / step) as usize + 1,
    );
    let white = egui::epaint::WHITE_UV;
    let size = radius * 1.8;
    for row in 0..rows {
        for column in 0..columns {
            let at = area.min + vec2(x0 + column as f32 * step, y0 + row as f32 * step);
            mesh.add_rect_with_uv(
                Rect::from_center_size(at, Vec2::splat(size)),
                Rect::from_min_max(white, white),
                ink.palette.hair,
            );
        }
    }
    ink.painter.add(mesh);
}

/// Nodes that the edit that is pointed at would add.
fn paint_ghosts(ink: &mut Ink, view: &View, scene: &Scene, ghosts: &mut Places) {
    let added: Vec<(&String, &Node)> = view
        .preview
        .iter()
        .filter_map(|command| match command {
            Command::Add(name, node) if !view.topology.nodes.contains_key(name) => {
                Some((name, node))
            }
            _ => None,
        })
        .collect();
    if added.is_empty() {
        return;
    }
    let mut preview = view.topology.clone();
    for command in view.preview {
        // What cannot be applied is simply not shown; choosing it says why.
        let _ = preview.apply(command);
    }
    for card in &scene.cards {
        let at = card.rect.min;
        preview.canvas.insert(card.name.to_owned(), (at.x, at.y));
    }
    place_new_nodes(&mut preview);
    let mut worst = Worst::default();
    let with_preview = View {
        topology: &preview,
        ..*view
    };
    let mut future = Scene::measure(&with_preview, &[], scene.now, &mut worst);
    ghosts.update(&preview, &future);
    future.put(|name| ghosts.get(&preview, name));
    for (name, node) in added {
        let Some(card) = future.card(name) else {
            continue;
        };
        for (from, to) in link::implied(&preview) {
            if to == name
                && let Some(user) = scene.card(from)
            {
                link::paint_ghost(ink, user.rect, card.rect);
            }
        }
        let size = vec2(card.rect.width(), 62.0);
        card::paint_ghost(ink, Rect::from_min_size(card.rect.min, size), node, name);
    }
}
