//! What can be pulled at a card's edge: its lower one for more or fewer instances, its right one for a link.

use egui::{
    Color32, CursorIcon, Id, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};

use super::ink::{Ink, face};
use super::link::Curve;
use super::menu::set_instances;
use super::scene::{Card, Scene};
use super::transform::Transform;
use super::words;
use crate::app::action::Action;
use crate::app::theme::{self, Weight, radius, size};
use crate::model::{Command, Node, Topology};
use crate::sim::snapshot::NodeKind;

/// What is being pulled.
#[derive(Clone, Debug, PartialEq)]
pub enum Pull {
    /// A service gets so many instances.
    Instances {
        /// The service.
        name: String,
        /// How many it would have.
        count: u32,
    },
    /// A link from this node to what is under the pointer.
    Link {
        /// The calling node.
        from: String,
        /// Where the pointer is, in the world.
        to: Pos2,
    },
}

/// The handle at the lower edge, in the world.
fn lower(card: &Card) -> Rect {
    Rect::from_center_size(
        pos2(card.rect.center().x, card.rect.bottom()),
        vec2(40.0, 12.0),
    )
}

/// The port at the right edge, in the world.
fn port(card: &Card) -> Pos2 {
    card.rect.right_center()
}

/// How far a pull must go for one instance, in the world.
fn step(card: &Card) -> f32 {
    if card.heavy { card.row_height() } else { 24.0 }
}

/// Lets the handles of the card that is pointed at or pulled be pulled; returns where an edge was let go in the empty.
pub fn interact(
    ui: &Ui,
    transform: &Transform,
    scene: &Scene,
    topology: &Topology,
    card: &Card,
    pull: &mut Option<Pull>,
    actions: &mut Vec<Action>,
) -> Option<Pos2> {
    let mut empty = None;
    if let Node::Service(service) = card.node {
        let rect = transform.rect(lower(card)).expand2(vec2(0.0, 4.0));
        let response = handle(ui, "instances", card.name, rect, || {
            format!("Pull for instances of {}", card.name)
        });
        if response.hovered() || response.dragged() {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeVertical);
        }
        if let Some(total) = response.total_drag_delta() {
            let steps = (total.y / transform.zoom / step(card)).round() as i32;
            let count = service
                .instances
                .saturating_add_signed(steps)
                .clamp(1, 1000);
            *pull = Some(Pull::Instances {
                name: card.name.to_owned(),
                count,
            });
        }
        if response.drag_stopped()
            && let Some(Pull::Instances { count, .. }) = pull.take()
            && count != service.instances
        {
            actions.push(set_instances(card.name, count));
        }
    }
    if !card.node.is_store() {
        let at = transform.at(port(card));
        let response = handle(
            ui,
            "port",
            card.name,
            Rect::from_center_size(at, vec2(16.0, 16.0)),
            || format!("Pull a link from {}", card.name),
        );
        if response.hovered() || response.dragged() {
            ui.ctx().set_cursor_icon(CursorIcon::Crosshair);
        }
        if response.dragged()
            && let Some(pointer) = response.interact_pointer_pos()
        {
            *pull = Some(Pull::Link {
                from: card.name.to_owned(),
                to: transform.world(pointer),
            });
        }
        if response.drag_stopped()
            && let Some(Pull::Link { to, .. }) = pull.take()
        {
            let Some(target) = target(scene, topology, card.name, to) else {
                let hits = |card: &Card| card.rect.expand(4.0).contains(to);
                empty = Some(to).filter(|_| !scene.cards.iter().any(hits));
                return empty;
            };
            let path = format!("{} -> {}", card.name, target.name);
            let label = format!("Link {} to {}", card.name, target.name);
            actions.push(Action::Edit(vec![Command::Link(path)], label));
        }
    }
    empty
}

fn handle(ui: &Ui, kind: &str, name: &str, rect: Rect, label: impl Fn() -> String) -> Response {
    let id: Id = ui.scope_id().with((kind, name));
    let response = ui.interact(rect, id, Sense::DRAG);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
    response
}

/// The card at a point that can be called from `from` and is not yet.
fn target<'s, 'a>(
    scene: &'s Scene<'a>,
    topology: &Topology,
    from: &str,
    at: Pos2,
) -> Option<&'s Card<'a>> {
    scene
        .cards
        .iter()
        .rev()
        .find(|card| card.rect.contains(at))
        .filter(|card| card.kind != NodeKind::Clients && card.name != from)
        .filter(|card| {
            topology
                .links
                .find(&format!("{from}->{}", card.name))
                .is_none()
        })
}

/// The handles of a card that is pointed at.
pub fn paint(ink: &Ink, card: &Card) {
    let palette = ink.palette;
    if matches!(card.node, Node::Service(_)) {
        let rect = lower(card);
        ink.fill(rect, 6.0, palette.text);
        let (x, y) = (rect.center().x, rect.center().y);
        ink.line((x - 8.0, y), (x + 8.0, y), 1.6, palette.on_ink);
        ink.line((x, y - 3.5), (x, y + 3.5), 1.6, palette.on_ink);
    }
    if !card.node.is_store() {
        let at = ink.transform.at(port(card));
        let stroke = Stroke::new(1.5, palette.text);
        ink.painter.circle(at, 5.0, palette.card, stroke);
    }
}

/// What a pull would do.
pub fn paint_pull(ink: &mut Ink, scene: &Scene, topology: &Topology, pull: &Pull) {
    let palette = ink.palette;
    match pull {
        Pull::Instances { name, count } => {
            let Some(card) = scene.card(name) else {
                return;
            };
            let Node::Service(service) = card.node else {
                return;
            };
            let change = i64::from(*count) - i64::from(service.instances);
            let height = (change as f32 * step(card)).max(24.0 - card.rect.height());
            let edge = card.rect.bottom() + height;
            let ghost = Rect::from_min_max(card.rect.min, pos2(card.rect.right(), edge));
            ink.dashed(ghost, radius::CARD, Stroke::new(1.5, palette.text2));
            let text = words::count(u64::from(*count), "instance");
            label(ink, pos2(card.rect.center().x, edge + 18.0), &text);
        }
        Pull::Link { from, to } => paint_edge(ink, scene, topology, from, *to),
    }
}

/// An edge that is pulled from a card, to what it would call or into the empty.
pub fn paint_edge(ink: &Ink, scene: &Scene, topology: &Topology, from: &str, to: Pos2) {
    let palette = ink.palette;
    let Some(card) = scene.card(from) else {
        return;
    };
    let start = port(card);
    let target = target(scene, topology, from, to);
    let end = target.map_or(to, |target| target.rect.left_center());
    let bend = vec2(((end.x - start.x).abs() * 0.46).clamp(16.0, 160.0), 0.0);
    let curve = Curve([start, start + bend, end - bend, end].map(|p| ink.transform.at(p)));
    let points: Vec<Pos2> = (0..=32).map(|i| curve.at(i as f32 / 32.0)).collect();
    let stroke = Stroke::new(2.0, palette.text);
    if let Some(target) = target {
        ink.painter.line(points, stroke);
        ink.painter.rect_stroke(
            ink.rect(target.rect).expand(3.0),
            radius::CARD * ink.zoom() + 3.0,
            stroke,
            StrokeKind::Inside,
        );
    } else {
        ink.painter
            .extend(Shape::dashed_line(&points, stroke, 5.0, 4.0));
        for end in [start, end] {
            ink.painter
                .circle(ink.transform.at(end), 5.0, palette.canvas, stroke);
        }
    }
}

/// A short word on an ink ground, around a point of the world.
fn label(ink: &mut Ink, at: Pos2, text: &str) {
    let palette = ink.palette;
    let weight = Weight::Medium;
    let on_screen = ink.transform.at(at);
    let width = ink
        .texts
        .get(ink.painter, text, size::SMALL, weight)
        .galley
        .size()
        .x;
    let rect = Rect::from_center_size(on_screen, vec2(width + 16.0, theme::height::BADGE));
    ink.painter.rect_filled(rect, radius::TAG, palette.text);
    let colour: Color32 = palette.on_ink;
    ink.text_on_screen(
        on_screen + vec2(0.0, 4.0),
        egui::Align::Center,
        text,
        face(size::SMALL, weight, colour),
    );
}
