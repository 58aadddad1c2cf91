//! What can be pulled: a card's lower edge for more or fewer instances, its right one for a link; a link's ends are in
//! [`super::ends`].

use egui::{
    Color32, CursorIcon, Id, Key, Pos2, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo, pos2,
    vec2,
};

use super::ink::{Ink, face};
use super::joining::Loose;
use super::menu::set_instances;
use super::scene::{Card, Scene};
use super::transform::Transform;
use crate::app::action::Action;
use crate::app::theme::{self, Weight, radius, size};
use crate::app::words::{nodes, spoken};
use crate::model::{Command, Node, Topology};
use crate::units::Duration;

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
    /// An end of a link, to another node.
    End {
        /// The link.
        key: String,
        /// Whether it is its start, where the calling node is.
        start: bool,
        /// Where the end that stays is, in the world.
        fixed: Pos2,
        /// Where the pointer is, in the world.
        at: Pos2,
    },
    /// The latency of a link.
    Latency {
        /// The link.
        key: String,
        /// What it would be.
        latency: Duration,
    },
}

impl Pull {
    /// The link of which something is pulled, by key.
    pub fn link(&self) -> Option<&str> {
        match self {
            Self::End { key, .. } | Self::Latency { key, .. } => Some(key),
            Self::Instances { .. } | Self::Link { .. } => None,
        }
    }
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
        if let Some(Pull::Instances { count, .. }) = let_go(ui, &response, pull)
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
        if let Some(Pull::Link { to, .. }) = let_go(ui, &response, pull) {
            let Some(over) = loose(card.name).over(scene, topology, to) else {
                let hits = |card: &Card| card.rect.expand(4.0).contains(to);
                empty = Some(to).filter(|_| !scene.cards.iter().any(hits));
                return empty;
            };
            if over.why.is_none() {
                let (from, to) = (card.name, over.card.name);
                let label = format!("Linked {}", spoken::link(&format!("{from}->{to}")));
                let link = Command::Link(format!("{from} -> {to}"));
                actions.push(Action::Edit(vec![link], label));
            }
        }
    }
    empty
}

/// What was pulled by a handle that is let go now; nothing where Escape takes it back.
pub fn let_go(ui: &Ui, response: &Response, pull: &mut Option<Pull>) -> Option<Pull> {
    if !response.drag_stopped() {
        return None;
    }
    let pulled = pull.take();
    pulled.filter(|_| !ui.input(|input| input.key_pressed(Key::Escape)))
}

/// The end of a new link from a node.
fn loose(from: &str) -> Loose<'_> {
    Loose {
        link: None,
        fixed: from,
        start: false,
    }
}

fn handle(ui: &Ui, kind: &str, name: &str, rect: Rect, label: impl Fn() -> String) -> Response {
    let id: Id = ui.scope_id().with((kind, name));
    let response = ui.interact(rect, id, Sense::DRAG);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
    response
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

/// How many instances a pull would make.
pub fn paint_instances(ink: &mut Ink, scene: &Scene, name: &str, count: u32) {
    let palette = ink.palette;
    let Some(card) = scene.card(name) else {
        return;
    };
    let Node::Service(service) = card.node else {
        return;
    };
    let change = i64::from(count) - i64::from(service.instances);
    let height = (change as f32 * step(card)).max(24.0 - card.rect.height());
    let edge = card.rect.bottom() + height;
    let ghost = Rect::from_min_max(card.rect.min, pos2(card.rect.right(), edge));
    ink.dashed(ghost, radius::CARD, Stroke::new(1.5, palette.text2));
    let text = nodes::count(u64::from(count), "instance");
    label(ink, pos2(card.rect.center().x, edge + 18.0), &text);
}

/// An edge that is pulled from a card, to what it would call or into the empty; returns why it cannot be drawn.
pub fn paint_edge(
    ink: &Ink,
    scene: &Scene,
    topology: &Topology,
    from: &str,
    to: Pos2,
) -> Option<String> {
    let loose = loose(from);
    let start = port(scene.card(from)?);
    let over = loose.over(scene, topology, to);
    loose.paint(ink, start, to, over.as_ref());
    over?.why
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
