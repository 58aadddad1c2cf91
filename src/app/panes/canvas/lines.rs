//! Links as things that can be pointed at and reached by the keyboard.

use egui::{
    CursorIcon, EventFilter, Id, Key, PointerButton, Pos2, Rect, Role, Sense, Ui, Vec2, WidgetInfo,
};

use super::Canvas;
use super::cards::menu_key;
use super::link::Line;
use super::scene::Scene;
use crate::app::action::{Action, Selection};
use crate::app::run::state::View;
use crate::app::widgets::tooltip;
use crate::app::words::{format, nodes, troubles};

/// How near to a link the pointer must be to be on it, in points.
const NEAR: f32 = 7.0;

/// The links that the pointer or the keyboard is on.
#[derive(Debug, Default)]
pub(super) struct Lit {
    /// The one that is shown as such.
    pub hovered: Option<usize>,
    /// The one under the pointer, also where it is on a handle there.
    pub near: Option<usize>,
}

/// Whether a link is selected.
pub(super) fn is_selected(view: &View, line: &Line) -> bool {
    matches!(view.selection, Some(Selection::Link(key)) if *key == line.key)
}

pub(super) fn link_id(ui: &Ui, key: &str) -> Id {
    ui.scope_id().with(("link", key))
}

impl Canvas {
    /// The link under a point of the screen.
    fn nearest(&self, lines: &[Line], pointer: Pos2) -> Option<usize> {
        let world = self.transform.world(pointer);
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
    }

    /// Links: the one under the pointer can be clicked where the pointer is, the others in their middle.
    #[expect(clippy::too_many_arguments, reason = "all that a frame knows")]
    pub(super) fn links(
        &mut self,
        ui: &Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        lines: &[Line],
        covered: bool,
        actions: &mut Vec<Action>,
    ) -> Lit {
        let pointer = ui
            .input(|input| input.pointer.hover_pos())
            .filter(|_| !covered && self.drag.is_none() && self.frame.is_none());
        let near = pointer.and_then(|pointer| self.nearest(lines, pointer));
        let mut lit = Lit {
            near,
            hovered: None,
        };
        for (index, line) in lines.iter().enumerate() {
            let middle = line.middle(scene);
            let (at, sense) = match (pointer, middle) {
                (Some(pointer), _) if near == Some(index) => (pointer, Sense::click()),
                (_, Some(middle)) => (self.transform.at(middle), Sense::click()),
                // Cards over all of it are what is meant there; the keyboard still finds it.
                (_, None) => {
                    let middle = line.lanes[line.lanes.len() / 2].curve.at(0.5);
                    (self.transform.at(middle), Sense::focusable_noninteractive())
                }
            };
            let rect = Rect::from_center_size(at, Vec2::splat(2.0 * NEAR));
            let id = link_id(ui, &line.key);
            let response = ui.interact(rect, id, sense);
            let ends = (scene.cards[line.from].name, scene.cards[line.to].name);
            let label = || format!("Link {} to {}", ends.0, ends.1);
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
            ui.ctx().accesskit_node_builder(id, |node| {
                node.set_description(describe(line).join(", "));
            });
            let about = Selection::Link(line.key.clone());
            let selected = is_selected(view, line);
            if response.clicked_by(PointerButton::Primary) {
                response.request_focus();
            }
            if response.clicked() || response.gained_focus() {
                actions.push(Action::Select(Some(about.clone())));
            }
            if response.gained_focus() && !area.intersects(rect) {
                self.transform.origin += area.center() - rect.center();
            }
            if response.has_focus() {
                // Arrows are for cards: they neither move one nor lead away from here.
                let held = EventFilter {
                    horizontal_arrows: true,
                    vertical_arrows: true,
                    ..EventFilter::default()
                };
                ui.memory_mut(|memory| memory.set_focus_lock_filter(id, held));
            }
            let enter = response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if response.double_clicked() || enter && selected && !self.has_menu() {
                self.type_latency(&line.key);
            }
            if response.secondary_clicked() || response.has_focus() && menu_key(ui) {
                actions.push(Action::Select(Some(about.clone())));
                self.open_menu(ui, Some(about), at, id);
            }
            if near == Some(index) && response.hovered() {
                lit.hovered = Some(index);
                ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
                // Of the selected one its readout says it all.
                if !selected {
                    let title = format!("{} \u{2192} {}", ends.0, ends.1);
                    let told = describe(line);
                    let told: Vec<&str> = told.iter().map(String::as_str).collect();
                    tooltip(&response, &title, &told);
                }
            } else if response.has_focus() {
                lit.hovered = Some(index);
            }
        }
        lit
    }
}

/// Bytes a second: "1.1 MiB/s".
pub(super) fn bytes_per_second(line: &Line) -> String {
    format!("{}/s", format::joined(format::bytes(line.bytes)))
}

/// What is wrong on it, how much flows and with what outcome, how long it takes, and how many bytes it is.
fn describe(line: &Line) -> Vec<String> {
    let total = line.rates.total();
    let mut calls = nodes::per_second(total);
    if total > 0.0 && line.rates.failed > 0.0 {
        let share = nodes::percent(line.rates.failed / total);
        calls = format!("{calls}, {share} failed");
    }
    if total > 0.0 && line.rates.retried > 0.0 {
        let share = nodes::percent(line.rates.retried / total);
        calls = format!("{calls}, {share} retried");
    }
    let latency = format::joined(format::time(line.latency.secs()));
    let mut parts: Vec<String> = line.trouble.iter().flat_map(troubles::in_words).collect();
    parts.extend([calls, format!("latency {latency}"), bytes_per_second(line)]);
    if line.implied {
        parts.push("follows from a setting".into());
    }
    parts
}
