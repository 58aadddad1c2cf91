//! What can be pulled at a link: its two ends, to other nodes, and its middle, for its latency.

use egui::{CursorIcon, Pos2, Rect, Response, Role, Sense, Stroke, Ui, Vec2, WidgetInfo};

use super::handles::{Pull, let_go};
use super::ink::Ink;
use super::joining::Loose;
use super::lines::{is_selected, link_id};
use super::link::Line;
use super::scene::Scene;
use super::tools::Tool;
use super::{Canvas, latency, transform};
use crate::app::action::{Action, Selection};
use crate::app::run::state::View;
use crate::app::words::spoken;
use crate::model::Topology;

/// How far from a card the handle of an end is, along the link: the card's own handle is at its edge.
const OFF: f32 = 16.0;
/// On links that are shorter than these, in points on the screen, there is no room for a handle in the middle, and none
/// for those at the ends.
const SHORT: (f32, f32) = (72.0, 36.0);
/// The radius of the handle in the middle, and of those at the ends.
const MIDDLE: f32 = 4.5;
const END: f32 = 3.5;
/// From one latency of the ladder to the next, in points of a pull.
const STEP: f32 = 9.0;

/// Which handles of the links are shown.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Links whose ends can be pulled.
    ends: Vec<usize>,
    /// The one whose latency can be.
    middle: Option<usize>,
}

/// The end of a link that is pulled, or would be.
fn loose<'p>(scene: &Scene<'p>, line: &'p Line, start: bool) -> Loose<'p> {
    let fixed = if start { line.to } else { line.from };
    Loose {
        link: Some(&line.key),
        fixed: scene.cards[fixed].name,
        start,
    }
}

impl Canvas {
    /// Lets the ends of the links that are selected, pulled or `near` the pointer be pulled, and the latency of the one
    /// that is selected.
    pub(super) fn link_handles(
        &mut self,
        ui: &Ui,
        view: &View,
        scene: &Scene,
        lines: &[Line],
        (near, panning): (Option<usize>, bool),
        actions: &mut Vec<Action>,
    ) -> Shown {
        let mut shown = Shown::default();
        let pulled = self.pull.as_ref().and_then(Pull::link).map(str::to_owned);
        let busy = panning
            || self.drag.is_some()
            || self.frame.is_some()
            || self.has_menu()
            || self.tool != Tool::Select
            || self.pull.is_some() && pulled.is_none();
        if busy || self.transform.zoom < transform::READABLE_ZOOM {
            return shown;
        }
        // What was near when a button went down may be what is pulled.
        if !ui.input(|input| input.pointer.any_down()) {
            self.near = near.and_then(|near| Some(lines.get(near)?.key.clone()));
        }
        for (index, line) in lines.iter().enumerate() {
            let mine = pulled.as_ref() == Some(&line.key);
            if pulled.is_some() && !mine {
                continue;
            }
            let selected = is_selected(view, line);
            let length = line.length() * self.transform.zoom;
            if length < SHORT.1 {
                continue;
            }
            if !line.implied && (selected || mine || self.near.as_ref() == Some(&line.key)) {
                shown.ends.push(index);
                self.end_handles(ui, view, scene, line, actions);
            }
            let long = length >= SHORT.0;
            if selected && long && self.middle_handle(ui, view, scene, line, actions) {
                shown.middle = Some(index);
            }
        }
        if pulled.is_some() && !ui.input(|input| input.pointer.any_down()) {
            self.pull = None;
        }
        shown
    }

    /// The handles at both ends: of a sticky link, at the end of each lane.
    fn end_handles(
        &mut self,
        ui: &Ui,
        view: &View,
        scene: &Scene,
        line: &Line,
        actions: &mut Vec<Action>,
    ) {
        let topology = view.topology;
        let main = line.lanes.len() / 2;
        for (number, lane) in line.lanes.iter().enumerate() {
            let places = lane.curve.near_ends(&self.transform, OFF);
            for (start, at) in [(true, places[0]), (false, places[1])] {
                if start && number != main {
                    continue;
                }
                let id = ui.scope_id().with(("end", &line.key, start, number));
                let rect = Rect::from_center_size(at, Vec2::splat(16.0));
                let response = ui.interact(rect, id, Sense::CLICK | Sense::DRAG);
                if number == main {
                    let which = if start { "start" } else { "end" };
                    let label = || format!("Pull the {which} of {}", spoken::link_words(&line.key));
                    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
                }
                if response.hovered() && !response.dragged() {
                    ui.ctx().set_cursor_icon(CursorIcon::Grab);
                }
                if response.clicked() {
                    actions.push(Action::Select(Some(Selection::Link(line.key.clone()))));
                    give_keyboard(ui, line);
                }
                self.handle_menu(ui, &response, line);
                if response.dragged()
                    && let Some(pointer) = response.interact_pointer_pos()
                {
                    ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
                    let [a, _, _, b] = lane.curve.0;
                    self.pull = Some(Pull::End {
                        key: line.key.clone(),
                        start,
                        fixed: if start { b } else { a },
                        at: self.transform.world(pointer),
                    });
                }
                let Some(Pull::End { at, .. }) = let_go(ui, &response, &mut self.pull) else {
                    continue;
                };
                let loose = loose(scene, line, start);
                let over = loose.over(scene, topology, at);
                if let Some(over) = over.filter(|over| over.why.is_none()) {
                    let (from, to) = loose.ends(over.card.name);
                    actions.push(reconnect(line, from, to));
                }
            }
        }
    }

    /// The handle in the middle; whether it is seen.
    fn middle_handle(
        &mut self,
        ui: &Ui,
        view: &View,
        scene: &Scene,
        line: &Line,
        actions: &mut Vec<Action>,
    ) -> bool {
        let Some(middle) = line.middle(scene) else {
            return false;
        };
        let rect = Rect::from_center_size(self.transform.at(middle), Vec2::splat(18.0));
        let id = ui.scope_id().with(("latency", &line.key));
        let response = ui.interact(rect, id, Sense::CLICK | Sense::DRAG);
        let words = spoken::link_words(&line.key);
        let label = || format!("Pull the latency of {words}");
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
        if response.hovered() || response.dragged() {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeVertical);
        }
        if response.clicked() {
            give_keyboard(ui, line);
        }
        if response.double_clicked() {
            self.type_latency(&line.key);
        }
        self.handle_menu(ui, &response, line);
        if response.dragged()
            && let Some(total) = response.total_drag_delta()
        {
            // Up is more, and so is to the right.
            let steps = ((total.x - total.y) / STEP).round() as i32;
            self.pull = Some(Pull::Latency {
                key: line.key.clone(),
                latency: latency::further(line.latency, steps),
            });
        }
        if let Some(Pull::Latency { latency, .. }) = let_go(ui, &response, &mut self.pull)
            && latency != line.latency
            && let Ok(edit) = latency::set(view.topology, &line.key, &latency.to_string())
        {
            actions.push(edit);
        }
        true
    }

    /// The menu of a link opens on its handles as well.
    fn handle_menu(&mut self, ui: &Ui, response: &Response, line: &Line) {
        if response.secondary_clicked() {
            let about = Selection::Link(line.key.clone());
            let at = response.rect.center();
            self.open_menu(ui, Some(about), at, link_id(ui, &line.key));
        }
    }
}

/// A click on a handle is one on its link: Enter and Delete mean that.
fn give_keyboard(ui: &Ui, line: &Line) {
    let link = link_id(ui, &line.key);
    ui.memory_mut(|memory| memory.request_focus(link));
}

/// Paints the end that is being pulled; returns why it cannot be joined to what it is over.
pub(super) fn paint_pulled(
    ink: &Ink,
    pull: &Pull,
    scene: &Scene,
    lines: &[Line],
    topology: &Topology,
) -> Option<String> {
    let Pull::End {
        key,
        start,
        fixed,
        at,
    } = pull
    else {
        return None;
    };
    let line = lines.iter().find(|line| line.key == *key)?;
    let loose = loose(scene, line, *start);
    let over = loose.over(scene, topology, *at);
    loose.paint(ink, *fixed, *at, over.as_ref());
    over?.why
}

/// The edit that gives a link other ends.
fn reconnect(line: &Line, from: &str, to: &str) -> Action {
    Action::Reconnect(line.key.clone(), from.to_owned(), to.to_owned())
}

/// The handles of the links.
pub(super) fn paint(ink: &Ink, scene: &Scene, lines: &[Line], shown: &Shown) {
    let palette = ink.palette;
    let dot = |at: Pos2, radius: f32, ground| {
        let stroke = Stroke::new(1.5, palette.text);
        ink.painter.circle(at, radius, ground, stroke);
    };
    for line in shown.ends.iter().filter_map(|&index| lines.get(index)) {
        let main = line.lanes.len() / 2;
        for (number, lane) in line.lanes.iter().enumerate() {
            let [start, end] = lane.curve.near_ends(&ink.transform, OFF);
            dot(end, END, palette.canvas);
            if number == main {
                dot(start, END, palette.canvas);
            }
        }
    }
    let middle = shown
        .middle
        .and_then(|index| lines.get(index)?.middle(scene));
    if let Some(middle) = middle {
        dot(ink.transform.at(middle), MIDDLE, palette.canvas);
    }
}
