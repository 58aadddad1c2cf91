//! Several cards are selected: by a frame drawn around them, and what can be done with them then, in a bar above them.

use egui::{
    Key, PointerButton, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    WidgetInfo, pos2, vec2,
};

use super::Canvas;
use super::ink::Ink;
use super::scene::Scene;
use super::tools::{Tool, float};
use crate::app::action::{Action, Arrange, Selection};
use crate::app::icons::Icon;
use crate::app::run::meant::remove;
use crate::app::run::state::View;
use crate::app::theme::{Palette, height, stroke};
use crate::app::widgets::{Button, Cover, separator};

/// How far the outline of a selection stands off, in points on the screen.
const OFF: f32 = 10.0;
const BAR: f32 = 32.0;

/// A frame that is being drawn to select what it touches.
#[derive(Debug)]
pub(super) struct Frame {
    /// Where it began, in the world.
    from: Pos2,
    to: Pos2,
    /// What was selected before and stays so.
    before: Vec<String>,
}

impl Frame {
    pub(super) fn rect(&self) -> Rect {
        Rect::from_two_pos(self.from, self.to)
    }
}

impl Canvas {
    /// A drag that begins beside everything selects what its frame touches; with Shift, besides what is selected.
    pub(super) fn draw_frame(
        &mut self,
        ui: &Ui,
        view: &View,
        scene: &Scene,
        background: &Response,
        panning: bool,
        actions: &mut Vec<Action>,
    ) {
        if background.drag_started_by(PointerButton::Primary)
            && !panning
            && self.tool == Tool::Select
            && let Some(pressed) = ui.input(|input| input.pointer.press_origin())
        {
            let more = ui.input(|input| input.modifiers.shift);
            let before = view.selection.filter(|_| more).map(Selection::names);
            let from = self.transform.world(pressed);
            self.frame = Some(Frame {
                from,
                to: from,
                before: before.unwrap_or_default().to_vec(),
            });
            // What it selects is moved by arrows then, not what had the keyboard before.
            ui.memory_mut(|memory| {
                if let Some(focused) = memory.focused() {
                    memory.surrender_focus(focused);
                }
            });
        }
        let Some(frame) = &mut self.frame else { return };
        if ui.input(|input| input.key_pressed(Key::Escape)) || !background.dragged() {
            self.frame = None;
            return;
        }
        if let Some(pointer) = background.interact_pointer_pos() {
            frame.to = self.transform.world(pointer);
        }
        let rect = frame.rect();
        let mut names = frame.before.clone();
        for card in &scene.cards {
            if card.rect.intersects(rect) && !names.iter().any(|name| name == card.name) {
                names.push(card.name.to_owned());
            }
        }
        let selection = Selection::of(names);
        if selection.as_ref() != view.selection {
            actions.push(Action::Select(selection));
        }
    }

    /// The bar above several selected cards.
    pub(super) fn selection_bar(
        &mut self,
        ui: &mut Ui,
        area: Rect,
        view: &View,
        scene: &Scene,
        actions: &mut Vec<Action>,
    ) {
        let Some(Selection::Nodes(names)) = view.selection else {
            return;
        };
        let busy = self.frame.is_some() || self.drag.as_ref().is_some_and(super::Drag::is_held);
        let Some(around) = around(names, scene).filter(|_| !busy) else {
            return;
        };
        let around = self.transform.rect(around).expand(OFF);
        let width = 10.0 * height::BUTTON + 3.0 * 9.0 + 8.0;
        if area.width() < width + 24.0 || area.height() < 120.0 {
            return;
        }
        let above = around.top() - OFF - BAR;
        let top = if above >= area.top() + 4.0 {
            above
        } else {
            around.bottom() + OFF
        };
        let left = around.right() - width;
        let bar = Rect::from_min_size(
            pos2(
                left.clamp(area.left() + 12.0, area.right() - width - 12.0)
                    .round(),
                top.clamp(area.top() + 4.0, area.bottom() - BAR - 4.0)
                    .round(),
            ),
            vec2(width, BAR),
        );
        self.occupied.push(Cover::bar(bar));
        float(ui, bar, "selection bar");
        let inner = bar.shrink2(vec2(4.0, 2.0));
        let builder = UiBuilder::new()
            .max_rect(inner)
            .layout(egui::Layout::left_to_right(egui::Align::Center));
        ui.scope_builder(builder, |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            for way in Arrange::ALL {
                if [Arrange::Top, Arrange::Across].contains(&way) {
                    separator(ui);
                }
                let shortcut = way.shortcut();
                let button = Button::icon_only(way.icon(), way.name()).shortcut(&shortcut);
                if ui.add_enabled(names.len() >= way.least(), button).clicked() {
                    actions.extend(self.arrange(view, scene, way));
                }
            }
            separator(ui);
            let copy = Button::icon_only(Icon::Duplicate, "Duplicate").shortcut("Ctrl+D");
            if ui.add(copy).clicked() {
                actions.push(Action::AskCopies(names.clone()));
            }
            let delete = Button::icon_only(Icon::Delete, "Delete").shortcut("Del");
            if ui.add(delete).clicked() {
                actions.push(remove(names));
            }
        });
    }

    /// Puts what is selected in line, or at equal distances.
    pub(super) fn arrange(&self, view: &View, scene: &Scene, way: Arrange) -> Option<Action> {
        let names = view.selection.map(Selection::names)?;
        let cards: Vec<(&String, Rect)> = names
            .iter()
            .filter_map(|name| Some((name, scene.card(name)?.rect)))
            .collect();
        if cards.len() < way.least() {
            return None;
        }
        let rects: Vec<Rect> = cards.iter().map(|(_, rect)| *rect).collect();
        let places = way.places(&rects);
        let moved = cards.iter().map(|(name, _)| (*name).clone()).zip(places);
        let placed = self.arranged(view, moved.collect());
        Some(Action::Arrange(placed, way.label(cards.len())))
    }
}

/// What is around all of them, in the world.
fn around(names: &[String], scene: &Scene) -> Option<Rect> {
    let cards = names.iter().filter_map(|name| scene.card(name));
    let all = cards.fold(Rect::NOTHING, |all, card| all.union(card.rect));
    all.is_positive().then_some(all)
}

/// The wash behind several selected cards.
pub(super) fn paint_wash(ink: &Ink, view: &View, scene: &Scene) {
    let Some(Selection::Nodes(names)) = view.selection else {
        return;
    };
    if let Some(around) = around(names, scene) {
        let rect = ink.transform.rect(around).expand(OFF);
        let palette: &Palette = ink.palette;
        ink.painter.rect(
            rect,
            14.0,
            palette.raised.gamma_multiply(0.4),
            Stroke::new(stroke::HAIR, palette.edge),
            StrokeKind::Inside,
        );
    }
}

/// The frame that is being drawn.
pub(super) fn paint_frame(ink: &Ink, frame: &Frame) {
    let rect = ink.transform.rect(frame.rect());
    ink.painter.rect(
        rect,
        2.0,
        ink.palette.raised.gamma_multiply(0.4),
        Stroke::new(stroke::HAIR, ink.palette.text2),
        StrokeKind::Inside,
    );
}

/// Tells assistive technology what is selected.
pub(super) fn announce(ui: &Ui, area: Rect, view: &View) {
    let Some(Selection::Nodes(names)) = view.selection else {
        return;
    };
    let at = Rect::from_min_size(area.left_top(), vec2(1.0, 1.0));
    let response = ui.interact(at, ui.scope_id().with("selected"), Sense::hover());
    let text = format!("{} selected: {}", names.len(), names.join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &text));
}
