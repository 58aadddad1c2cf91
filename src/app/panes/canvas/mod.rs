//! The topology, drawn: cards, links, what flows and what is lost.
//!
//! A frame goes: what is shown of the running system (refreshed a few times a second) and the document make a
//! [`scene`] of measured cards; [`place`] says where they are, and [`view`] which part of them is seen; [`link`] lays the
//! lines between them; everything that can be clicked is told to egui ([`interact`], with [`cards`], [`lines`],
//! [`handles`], [`gestures`], [`selecting`]); then all is painted ([`paint`]), links first. The canvas changes nothing: it
//! returns actions.

mod adding;
mod card;
mod cards;
mod ends;
mod gestures;
mod guides;
mod handles;
mod ink;
mod interact;
mod joining;
mod latency;
mod lines;
mod link;
mod menu;
pub mod mini;
mod named;
mod paint;
mod picture;
mod place;
mod scene;
mod selecting;
mod shown;
mod tools;
mod transform;
mod troubled;
mod view;

pub use picture::{picture, png};
pub use tools::beside_tools;

use egui::{Pos2, Rect, Sense, Ui, UiBuilder};

use crate::app::action::Action;
use crate::app::panes::naming::Naming;
use crate::app::run::state::View;
use crate::app::widgets::Cover;
use crate::model::Renaming;
use adding::{Adding, Wanted};
use gestures::Drag;
use handles::Pull;
use ink::Texts;
use latency::Typing;
use link::{Curve, Flows};
use menu::Menu;
use place::Places;
use scene::{Scene, Worst};
use selecting::Frame;
use shown::Shown;
use tools::Tool;
use transform::Transform;
use view::{Fit, Revealed};

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

impl Canvas {
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

    /// What lay on it at the last frame: cards with what they lost, and bars.
    pub fn occupied(&self) -> &[Cover] {
        &self.occupied
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
}
