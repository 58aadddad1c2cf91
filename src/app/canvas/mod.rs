//! The topology, drawn: cards, links, what flows and what is lost.
//!
//! A frame goes: what is shown of the running system (refreshed a few times a second) and the document make a
//! [`scene`] of measured cards; [`place`] and the transform say where they are; [`link`] lays the lines between them;
//! everything that can be clicked is told to egui ([`cards`], [`lines`], [`handles`], [`gestures`], [`selecting`]); then
//! all is painted ([`paint`]), links first. The canvas changes nothing: it returns actions.

mod adding;
mod card;
mod cards;
mod ends;
mod gestures;
mod guides;
mod handles;
mod ink;
mod joining;
mod latency;
mod lines;
mod link;
mod menu;
pub mod mini;
mod paint;
mod picture;
mod place;
mod scene;
mod selecting;
mod shown;
mod tools;
mod transform;
pub(super) mod words;

pub use picture::{Look, picture, png};
pub use tools::beside_tools;

use egui::{
    CursorIcon, Id, Key, PointerButton, Pos2, Rect, Response, Sense, Ui, UiBuilder, Vec2, pos2,
    vec2,
};

use super::action::{Action, Selection};
use super::naming::{Named, Naming, paint_was};
use super::state::View;
use super::theme;
use super::widgets::Cover;
use crate::model::Renaming;
use adding::{Adding, Wanted};
use gestures::Drag;
use handles::Pull;
use ink::Texts;
use latency::Typing;
use link::{Curve, Flows, Line};
use menu::Menu;
use place::Places;
use scene::{Card, Scene, Worst};
use selecting::Frame;
use shown::Shown;
use tools::Tool;
use transform::{Transform, way_into};

/// The canvas: its pan and zoom, what is being dragged, and what is kept from frame to frame.
#[derive(Debug, Default)]
pub struct Canvas {
    transform: Transform,
    /// Where it was last moved or zoomed in, and how: another size of the window shows what was seen then.
    seen: Option<(Rect, Transform)>,
    /// What came of that in another size.
    resized: Option<(Rect, Transform)>,
    fit: Fit,
    /// A new node that is to be seen.
    reveal: Option<String>,
    /// The card that the keyboard goes on to, which is selected besides the others.
    going_to: Option<String>,
    /// What is selected next is to be seen.
    reveal_selected: bool,
    /// How the view was moved so that what was added is seen.
    revealed: Option<Revealed>,
    zoom_to: Option<f32>,
    tool: Tool,
    places: Places,
    /// Where links run: what is added leaves them free.
    curves: Vec<Curve>,
    drag: Option<Drag>,
    frame: Option<Frame>,
    menu: Option<Menu>,
    adding: Option<Adding>,
    /// What is to be added at the next frame.
    wanted: Vec<Wanted>,
    naming: Option<Naming>,
    /// The latency that is typed at the selected link.
    typing: Option<Typing>,
    /// A name or latency was given or given up by a key, and its card or link has the keyboard since.
    named: bool,
    pull: Option<Pull>,
    /// The link whose ends are shown because the pointer is on it.
    near: Option<String>,
    flows: Flows,
    texts: Texts,
    worst: Worst,
    shown: Shown,
    /// The ghosts are placed with the nodes that are there, and keep their place while they are shown.
    ghosts: Places,
    /// Where cards and bars were at the last frame.
    occupied: Vec<Cover>,
    /// Nobody edits on it: it is drawn for a picture.
    alone: bool,
}

/// The view was moved for these nodes: it goes back when they are gone and it is still there.
#[derive(Debug)]
struct Revealed {
    names: Vec<String>,
    from: Transform,
    to: Transform,
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

/// What the pointer or keyboard is on.
#[derive(Debug, Default)]
struct On {
    card: Option<usize>,
    link: Option<usize>,
    link_handles: ends::Shown,
    focused: Option<usize>,
    /// The card whose handles are shown.
    handles: Option<usize>,
}

impl Canvas {
    /// Zooms to a scale (1 is 100 %) around the middle.
    pub fn zoom_to(&mut self, zoom: f32) {
        self.zoom_to = Some(zoom);
    }

    /// Lets a node's name be typed on its card.
    pub fn name(&mut self, name: &str) {
        self.naming = Some(Naming::new(name));
    }

    /// Whether a name or latency was typed to its end since the last call: its card or link has the keyboard then.
    pub fn take_named(&mut self) -> bool {
        std::mem::take(&mut self.named)
    }

    /// Nodes have other names from now on.
    pub fn rename(&mut self, names: &Renaming) {
        self.places.rename(names);
        for name in self.revealed.iter_mut().flat_map(|moved| &mut moved.names) {
            names.name(name);
        }
        self.shown = Shown::default();
        if let Some(drag) = &mut self.drag {
            drag.rename(names);
        }
    }

    /// Brings a node into view once it is there, moving the view no more than it takes.
    pub fn reveal(&mut self, name: &str) {
        self.reveal = Some(name.to_owned());
    }

    /// What lay on it at the last frame: cards with what they lost, and bars.
    pub fn occupied(&self) -> &[Cover] {
        &self.occupied
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

    /// Paints everything into an area, at a zoom, without what floats above and without what is there to edit by.
    fn paint_alone(&mut self, ui: &Ui, area: Rect, zoom: f32, view: &View) {
        let snapshot = view.snapshot;
        let mut scene = Scene::measure(view, &snapshot.nodes, snapshot.now, &mut self.worst);
        scene.operations = snapshot.operations;
        self.places.update(view.topology, &scene);
        scene.put(|name| self.place(view, name));
        let bounds = scene.bounds();
        self.transform = if scene.cards.is_empty() {
            Transform::default()
        } else {
            Transform {
                origin: (area.center() - bounds.center().to_vec2() * zoom).round(),
                zoom,
            }
        };
        let lines = link::lines(view.topology, &scene, &snapshot.links, view.readings);
        self.paint(ui, area, view, &scene, &lines, &On::default(), 0.0);
    }

    /// Another canvas with everything in the same place, of which nothing is selected, dragged or pointed at.
    pub fn untouched(&self) -> Self {
        Self {
            places: self.places.clone(),
            alone: true,
            ..Self::default()
        }
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
        self.choose_view(area, view, &scene);
        if let Some(tool) = tools::by_key(ui) {
            self.tool = tool;
        }

        let panning = self.navigate(ui, area, &background);
        let lines = link::lines(view.topology, &scene, &shown.links, view.readings);
        let lanes = lines.iter().flat_map(|line| &line.lanes);
        self.curves.clear();
        self.curves.extend(lanes.map(|lane| lane.curve));
        let on = self.interact(ui, area, view, &scene, &lines, panning, &mut actions);
        self.nudge_selected(ui, view, &scene, &mut actions);
        self.draw_frame(ui, view, &scene, &background, panning, &mut actions);
        self.clicks(ui, area, view, &scene, &background, &mut actions);
        self.add_wanted(ui, area, view, &scene, &mut actions);
        scene.put(|name| self.place(view, name));

        let refused = self.paint(ui, area, view, &scene, &lines, &on, seconds);
        if scene.cards.is_empty() && view.preview.is_empty() {
            tools::nothing_here(ui, area);
        }
        self.occupied.clear();
        for card in &scene.cards {
            let rect = self.transform.rect(card.whole());
            self.occupied.push(Cover::named(rect, card.name));
        }
        if let Some((bar, chosen)) = tools::tool_bar(ui, area, self.tool) {
            self.occupied.push(Cover::bar(bar));
            self.tool = chosen.unwrap_or(self.tool);
        }
        let zoom_bar = tools::zoom_bar(ui, area, &mut self.transform, &mut actions);
        self.occupied.extend(zoom_bar.map(Cover::bar));
        self.selection_bar(ui, area, view, &scene, &mut actions);
        self.link_readout(ui, area, view, &scene, &lines, &mut actions);
        selecting::announce(ui, area, view);
        self.name_field(ui, area, view, &scene, &mut actions);
        if let Some(menu) = self.menu.take()
            && self.show_menu(ui, &menu, view, &scene, &mut actions)
        {
            self.menu = Some(menu);
        }
        self.adding_menu(ui, area, view, &scene, &mut actions);
        if let (Some(why), Some(at)) = (refused, ui.input(|input| input.pointer.hover_pos())) {
            joining::say_why(ui, area, at, &why);
        }
        drop(scene);
        self.shown = shown;
        if self.resized.map(|(_, transform)| transform) != Some(self.transform) {
            self.seen = Some((area, self.transform));
            self.resized = None;
        }
        actions
    }

    /// Where a node is now: being dragged, or where the document or the automatic layout has it.
    fn place(&self, view: &View, name: &str) -> Pos2 {
        let dragged = self.drag.as_ref().and_then(|drag| drag.place(name));
        dragged.unwrap_or_else(|| self.places.get(view.topology, name))
    }

    /// Whether a menu is open, in which keys go from entry to entry.
    fn has_menu(&self) -> bool {
        self.menu.is_some() || self.adding.is_some()
    }

    fn open_menu(&mut self, ui: &Ui, about: Option<Selection>, at: Pos2, of: Id) {
        self.menu = Some(Menu { about, at, of });
        menu::open(ui);
    }

    /// Shows the menu while it is open; returns whether it still is.
    fn show_menu(
        &mut self,
        ui: &Ui,
        menu: &Menu,
        view: &View,
        scene: &Scene,
        actions: &mut Vec<Action>,
    ) -> bool {
        let mut asked = menu::Asked::default();
        let open = menu::show(ui, menu, scene, view.topology, &mut asked);
        actions.append(&mut asked.actions);
        if let Some(way) = asked.arrange {
            actions.extend(self.arrange(view, scene, way));
        }
        if asked.add {
            self.ask_what(ui, Adding::new(self.transform.world(menu.at), None));
        }
        open
    }

    /// The field on the card whose name is being typed.
    fn name_field(
        &mut self,
        ui: &mut Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        actions: &mut Vec<Action>,
    ) {
        let Some(mut naming) = self.naming.take() else {
            return;
        };
        let Some(card) = scene.card(naming.name()) else {
            return;
        };
        let zoom = self.transform.zoom;
        // Where the card is small, the field is as large as it must be to be read.
        let large = zoom.max(1.0);
        let corner = self.transform.at(card.rect.min + vec2(28.0, 5.0));
        let size = vec2(128.0, 24.0) * large;
        let mut field = Rect::from_min_size(corner.round(), size);
        if !area.contains_rect(field) {
            let way = way_into(field, area.shrink(8.0));
            self.transform.origin += way;
            field = field.translate(way);
        }
        if zoom >= transform::READABLE_ZOOM {
            let line = card.rect.min + vec2(9.0, 34.0);
            let room = Rect::from_min_size(line, vec2(card.rect.width() - 18.0, 24.0));
            let room = self.transform.rect(room);
            let palette = theme::palette(ui);
            ui.painter().rect_filled(room, 0.0, palette.card);
            let at = pos2(field.left() + 8.0, room.center().y);
            paint_was(ui.painter(), at, zoom, naming.name(), palette);
        }
        let was = naming.name().to_owned();
        let begun = actions.len();
        match naming.show(ui, field, large, view.topology, actions) {
            Named::Not => self.naming = Some(naming),
            Named::Done { by_key } => {
                let name = match actions.get(begun) {
                    Some(Action::Rename(_, new)) => new.clone(),
                    _ => was,
                };
                if by_key {
                    self.named = true;
                    let id = cards::card_id(ui, &name);
                    ui.memory_mut(|memory| memory.request_focus(id));
                }
            }
        }
    }

    fn choose_view(&mut self, area: Rect, view: &View, scene: &Scene) {
        if self.fit != Fit::Done && !scene.cards.is_empty() && area.is_positive() {
            // A document opens as large as it is drawn, a little larger where there is much room.
            let first = if area.width() > 1200.0 { 1.4 } else { 1.0 };
            let most = if self.fit == Fit::First { first } else { 4.0 };
            let room = fit_room(area);
            self.transform = Transform::fitting(scene.bounds(), room, most);
            // What may be lost has room, too: below the cards, and above the zoom bar.
            let with_losses = scene.bounds_with_losses();
            if !room.contains_rect(self.transform.rect(with_losses)) {
                self.transform = Transform::fitting(with_losses, room, most);
            }
            self.fit = Fit::Done;
        } else if self.fit == Fit::First {
            self.transform = Transform {
                origin: area.min,
                zoom: 1.0,
            };
        } else if let Some((before, transform)) = self.seen
            && self.resized.map_or(before, |(at, _)| at) != area
        {
            // What stood clear of the bars at the edges does so again, with what hangs from it or may yet.
            let mut all = [scene.bounds_with_losses(), scene.bounds()].into_iter();
            let is_clear = |all: &Rect| room(before).contains_rect(transform.rect(*all));
            self.transform = match all.find(is_clear) {
                Some(all) => transform.resized(all, room(before), room(area)),
                None => transform.resized(scene.bounds(), before, area),
            };
            self.resized = Some((area, self.transform));
        }
        if let Some(zoom) = self.zoom_to.take() {
            self.transform.zoom_around(area.center(), zoom);
        }
        let is_there = |name: &String| view.topology.nodes.contains_key(name);
        let gone = |moved: &mut Revealed| !moved.names.iter().any(is_there);
        if let Some(moved) = self.revealed.take_if(gone)
            && moved.to == self.transform
        {
            self.transform = moved.from;
        }
        if std::mem::take(&mut self.reveal_selected) {
            let names = view.selection.map(Selection::names).unwrap_or_default();
            self.show_nodes(names.to_vec(), area, scene);
        }
        if let Some(name) = self.reveal.take_if(|name| scene.card(name).is_some()) {
            self.show_nodes(vec![name], area, scene);
        }
    }

    /// Moves the view no more than it takes to see these.
    fn show_nodes(&mut self, names: Vec<String>, area: Rect, scene: &Scene) {
        let cards = names.iter().filter_map(|name| scene.card(name));
        let all = cards.fold(Rect::NOTHING, |all, card| all.union(card.rect));
        let way = way_into(self.transform.rect(all), room(area));
        if !all.is_positive() || way == Vec2::ZERO {
            return;
        }
        let from = self.transform;
        self.transform.origin += way;
        let to = self.transform;
        self.revealed = Some(Revealed { names, from, to });
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
        if background.dragged() && (panning || !background.dragged_by(PointerButton::Primary)) {
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
            if !card.rect.intersects(visible) || self.transform.zoom < transform::READABLE_ZOOM {
                continue;
            }
            self.pips(ui, scene, index, focus, actions);
            self.loss_cross(ui, card, actions);
        }
        on.handles = self.handles(ui, view, scene, &on, panning, actions);
        let covered = on.card.is_some() || self.pull.is_some() || self.adding.is_some();
        let lit = self.links(ui, area, view, scene, lines, covered, actions);
        on.link = lit.hovered;
        on.link_handles = self.link_handles(ui, view, scene, lines, (lit.near, panning), actions);
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
        if panning
            || self.drag.is_some()
            || self.frame.is_some()
            || self.has_menu()
            || self.tool != Tool::Select
        {
            return None;
        }
        let pulled = match &self.pull {
            None => None,
            Some(Pull::Instances { name, .. } | Pull::Link { from: name, .. }) => Some(&**name),
            Some(Pull::End { .. } | Pull::Latency { .. }) => return None,
        };
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
        let empty_end = handles::interact(
            ui,
            &self.transform,
            scene,
            view.topology,
            &scene.cards[index],
            &mut pull,
            actions,
        );
        if let Some(end) = empty_end {
            self.ask_what(
                ui,
                Adding::new(end, Some(scene.cards[index].name.to_owned())),
            );
            pull = None;
        }
        self.pull = pull.filter(|_| ui.input(|input| input.pointer.any_down()));
        Some(index)
    }
}

/// Where cards are seen: beside the tool bar and above the zoom bar.
fn room(area: Rect) -> Rect {
    let corner = pos2(beside_tools(area) - 4.0, area.top() + 16.0);
    Rect::from_min_max(corner, area.max - vec2(16.0, 56.0))
}

/// Where everything is fitted into: the same, with more air where there is enough of it.
fn fit_room(area: Rect) -> Rect {
    let air = if area.height() < 300.0 { 16.0 } else { 24.0 };
    let corner = pos2(beside_tools(area) - 6.0, area.top() + air);
    let room = Rect::from_min_max(corner, area.max - vec2(24.0, 56.0));
    if room.width() > 40.0 && room.height() > 40.0 {
        room
    } else {
        area
    }
}
