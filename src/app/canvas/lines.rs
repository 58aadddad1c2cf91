//! Links as things that can be pointed at.

use egui::{CursorIcon, Rect, Role, Sense, Ui, Vec2, WidgetInfo};

use super::cards::menu_key;
use super::link::Line;
use super::scene::Scene;
use super::{Canvas, words};
use crate::app::action::{Action, Selection};
use crate::app::widgets::tooltip;

/// How near to a link the pointer must be to be on it, in points.
const NEAR: f32 = 7.0;

impl Canvas {
    /// Links: the one under the pointer can be clicked where the pointer is, the others in their middle.
    pub(super) fn links(
        &mut self,
        ui: &Ui,
        scene: &Scene,
        lines: &[Line],
        covered: bool,
        actions: &mut Vec<Action>,
    ) -> Option<usize> {
        let pointer = ui
            .input(|input| input.pointer.hover_pos())
            .filter(|_| !covered && self.drag.is_none() && self.frame.is_none());
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
                self.open_menu(ui, Some(about), at, id);
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
