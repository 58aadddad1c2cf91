//! Which part of the topology is seen: pan, zoom, and what is brought into view.

use egui::{CursorIcon, Key, PointerButton, Rect, Response, Ui, Vec2, pos2, vec2};

use super::Canvas;
use super::scene::Scene;
use super::tools::Tool;
use super::tools::beside_tools;
use super::transform::{Transform, way_into};
use crate::app::action::Selection;
use crate::app::run::state::View;

/// The view was moved for these nodes: it goes back when they are gone and it is still there.
#[derive(Debug)]
pub(super) struct Revealed {
    pub(super) names: Vec<String>,
    pub(super) from: Transform,
    pub(super) to: Transform,
}

/// Whether everything is to be fitted into the canvas at the next frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fit {
    /// The first time: never magnified.
    #[default]
    First,
    /// On demand.
    Again,
    Done,
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

    pub(super) fn choose_view(&mut self, area: Rect, view: &View, scene: &Scene) {
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
    pub(super) fn show_nodes(&mut self, names: Vec<String>, area: Rect, scene: &Scene) {
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
    pub(super) fn navigate(&mut self, ui: &Ui, area: Rect, background: &Response) -> bool {
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
}

/// Where cards are seen: beside the tool bar and above the zoom bar.
pub(super) fn room(area: Rect) -> Rect {
    let corner = pos2(beside_tools(area) - 4.0, area.top() + 16.0);
    Rect::from_min_max(corner, area.max - vec2(16.0, 56.0))
}

/// Where everything is fitted into: the same, with more air where there is enough of it.
pub(super) fn fit_room(area: Rect) -> Rect {
    let air = if area.height() < 300.0 { 16.0 } else { 24.0 };
    let corner = pos2(beside_tools(area) - 6.0, area.top() + air);
    let room = Rect::from_min_max(corner, area.max - vec2(24.0, 56.0));
    if room.width() > 40.0 && room.height() > 40.0 {
        room
    } else {
        area
    }
}
