//! A node's card: its surface, header and what hangs from it; what is inside depends on its kind.

mod balancer;
mod clients;
pub mod far;
mod service;
mod store;

use egui::{Align, Color32, CornerRadius, Rect, Stroke, StrokeKind, pos2};

use super::ink::{Ink, face};
use super::scene::{Card, PipPlace, Scene};
use crate::app::theme::{self, Weight, radius, size, stroke};
use crate::app::widgets::{self, LOSS_TAG_HEIGHT, Pip, PipState};
use crate::app::words::format::{number, span};
use crate::app::words::nodes;
use crate::model::{Node, Topology};
use crate::sim::snapshot::{InstanceView, NodeKind, Role, Status};
use crate::units::Duration;

/// How a card looks while the pointer, the keyboard or the selection is on it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Emphasis {
    /// It is selected.
    pub selected: bool,
    /// The pointer is on it.
    pub hovered: bool,
    /// It has the keyboard.
    pub focused: bool,
    /// The selected instance, by number.
    pub instance: Option<u32>,
    /// How far the tag of what was lost has come out, from 0 to 1.
    pub tag: f32,
}

/// Paints a card; returns whether all of its name could be shown.
pub fn paint(
    ink: &mut Ink,
    scene: &Scene,
    card: &Card,
    topology: &Topology,
    emphasis: Emphasis,
) -> bool {
    paint_loss(ink, card, emphasis.tag);
    surface(ink, ink.rect(card.rect), ink.palette.card, emphasis);
    let whole = header(ink, card, scene.now);
    match card.kind {
        NodeKind::Clients => clients::paint(ink, scene, card),
        NodeKind::LoadBalancer => balancer::paint(ink, card, topology),
        NodeKind::Service if card.heavy => {
            service::paint_heavy(ink, card, &scene.facts, scene.now);
        }
        NodeKind::Service => service::paint_light(ink, card),
        NodeKind::RedisLike | NodeKind::SqlDatabase | NodeKind::ObjectStore => {
            store::paint(ink, card);
        }
    }
    for place in &card.pips {
        paint_pip(ink, card, place, scene.now, emphasis.instance);
    }
    if card.more.0 > 0 {
        let off = if card.heavy { 14.0 } else { 17.0 };
        let at = (card.rect.left() + 18.0, card.rect.bottom() - off);
        let colour = if card.more.1 > 0 {
            ink.palette.failed
        } else {
            ink.palette.text2
        };
        ink.small(at.0, at.1, Align::Min, &card.more_words(), colour);
    }
    whole
}

/// The ground of a card, on the screen.
fn surface(ink: &Ink, rect: Rect, fill: Color32, emphasis: Emphasis) {
    let palette = ink.palette;
    let outline = if emphasis.selected {
        Stroke::new(stroke::SELECTED, palette.text)
    } else {
        Stroke::new(stroke::HAIR, palette.hair)
    };
    ink.painter
        .extend(theme::surface(rect, fill, outline, palette, ink.zoom()));
    let ring = if emphasis.focused {
        Some(Stroke::new(stroke::FOCUS, palette.text))
    } else if emphasis.hovered && !emphasis.selected {
        Some(Stroke::new(stroke::HAIR, palette.edge))
    } else {
        None
    };
    if let Some(ring) = ring {
        let corner = (radius::CARD * ink.zoom()).round() + 3.0;
        ink.painter.rect_stroke(
            rect.expand(3.0),
            CornerRadius::same(corner.min(255.0) as u8),
            ring,
            StrokeKind::Inside,
        );
    }
}

/// Icon, name, and how busy it is; whether the name is there in full.
fn header(ink: &mut Ink, card: &Card, now: Duration) -> bool {
    let (x, y, right) = (card.rect.left(), card.rect.top(), card.rect.right());
    let palette = ink.palette;
    ink.icon(
        nodes::kind_icon(card.kind),
        x + 18.0,
        y + 17.0,
        16.0,
        palette.text,
    );
    let (state, colour) = summary(card, now, ink.palette);
    let used = ink.small(right - 12.0, y + 21.0, Align::Max, &state, colour);
    let room = card.rect.width() - 33.0 - 12.0 - if used > 0.0 { used + 8.0 } else { 0.0 };
    ink.text_within(
        x + 33.0,
        y + 21.0,
        Align::Min,
        room,
        card.name,
        face(size::BODY, Weight::Semibold, palette.text),
    );
    ink.width(card.name, size::BODY, Weight::Semibold) <= room
}

/// The words at the right of the header, and their colour.
fn summary(card: &Card, now: Duration, palette: &theme::Palette) -> (String, Color32) {
    let quiet = palette.text2;
    let (up, all) = card.serving();
    if let Some(moving) = card.view.map(|view| view.moving_bytes).filter(|&b| b > 0) {
        return (format!("moving {}", nodes::bytes(moving)), palette.text);
    }
    match card.kind {
        NodeKind::Clients | NodeKind::LoadBalancer => (String::new(), quiet),
        _ if all == 0 => (String::new(), quiet),
        _ if up == 0 => {
            let starts = |i: &InstanceView| i.status == Status::Booting;
            if card.instances.iter().any(starts) {
                ("booting".into(), palette.text)
            } else if let Some(hung) = card.instances.iter().find(|i| i.status == Status::Hung) {
                (nodes::status(hung, now), palette.failed)
            } else {
                let since = card.instances.iter().map(|i| i.since).max();
                let down = Duration(now.0.saturating_sub(since.unwrap_or_default().0));
                (format!("down {}", span(down)), palette.failed)
            }
        }
        NodeKind::RedisLike | NodeKind::SqlDatabase if primary_is_down(card) => {
            ("electing".into(), palette.text)
        }
        NodeKind::ObjectStore => (String::new(), quiet),
        // Nothing is known of a node that does not run.
        _ if card.view.is_none() => (String::new(), quiet),
        _ => (format!("{} busy", nodes::percent(card.busy())), quiet),
    }
}

fn primary_is_down(card: &Card) -> bool {
    card.instances
        .iter()
        .any(|i| i.role == Role::Primary && i.status.is_down())
}

/// What was lost hangs below, painted first so that it comes from behind the card.
fn paint_loss(ink: &Ink, card: &Card, out: f32) {
    let Some(loss) = card.loss else { return };
    let behind = 10.0;
    let below = LOSS_TAG_HEIGHT * out.clamp(0.0, 1.0);
    let tag = Rect::from_min_max(
        pos2(card.rect.left(), card.rect.bottom() - behind),
        pos2(card.rect.right(), card.rect.bottom() + below),
    );
    let when = loss
        .at
        .map_or_else(|| "in all".to_owned(), crate::app::words::format::instant);
    let losses = [(loss.sessions, "sessions"), (loss.writes, "writes")];
    let losses: Vec<(u64, &str)> = losses
        .into_iter()
        .map(|(count, what)| {
            (
                count,
                if count == 1 {
                    &what[..what.len() - 1]
                } else {
                    what
                },
            )
        })
        .collect();
    widgets::loss_tag(
        ink.painter,
        ink.rect(tag),
        ink.zoom(),
        &losses,
        Some(&when),
        ink.palette,
    );
}

/// What an instance's pip says of it, without its load.
fn pip_state(instance: &InstanceView) -> PipState {
    match instance.status {
        Status::Up if !instance.in_rotation => PipState::FailingCheck,
        Status::Up | Status::Warming if instance.slowed > 1.0 => PipState::Slow,
        Status::Up => PipState::Up,
        Status::Booting => PipState::Booting,
        Status::Warming => PipState::Warming,
        Status::Draining => PipState::Draining,
        Status::Hung => PipState::Hung,
        Status::Crashed | Status::MachineLost | Status::Removed => PipState::Down,
    }
}

/// An instance as its pip shows it.
pub fn pip(card: &Card, instance: &InstanceView, now: Duration) -> Pip {
    let (load, queue) = card.load(instance);
    let state = pip_state(instance);
    let warmed = match card.node {
        Node::Service(service) if service.warm_up.0 > 0 => {
            now.0.saturating_sub(instance.since.0) as f32 / service.warm_up.0 as f32
        }
        _ => 0.0,
    };
    Pip {
        state,
        load,
        queue,
        warmed,
        selected: false,
    }
}

fn paint_pip(ink: &mut Ink, card: &Card, place: &PipPlace, now: Duration, selected: Option<u32>) {
    let instance = &card.instances[place.instance];
    let mut pip = pip(card, instance, now);
    pip.selected = selected == Some(instance.number);
    let at = ink.transform.at(place.at);
    if place.dense {
        widgets::paint_dense_pip(ink.painter, at, ink.zoom(), &pip, ink.palette);
        return;
    }
    widgets::paint_pip(ink.painter, at, ink.zoom(), &pip, ink.palette);
    let letter = match instance.role {
        Role::Primary => "P",
        Role::Replica => "R",
        Role::Deposed => "P?",
        Role::Alone => return,
    };
    if !card.heavy {
        let colour = ink.palette.text3;
        ink.small(
            place.at.x + 14.0,
            place.at.y + 4.0,
            Align::Min,
            letter,
            colour,
        );
    }
}

/// Where a node would be added: a dashed card that says so.
pub fn paint_ghost(ink: &mut Ink, world: Rect, node: &Node, name: &str) {
    ghost(ink, world, node, name, "Would be added");
}

/// Where a copy of a node would be.
pub fn paint_copy(ink: &mut Ink, world: Rect, node: &Node, name: &str) {
    ghost(ink, world, node, name, "Copy");
}

fn ghost(ink: &mut Ink, world: Rect, node: &Node, name: &str, what: &str) {
    let palette = ink.palette;
    ink.fill(world, radius::CARD, palette.canvas);
    ink.dashed(world, radius::CARD, Stroke::new(1.5, palette.text2));
    let icon = nodes::kind_icon(nodes::kind(node));
    let (x, y) = (world.left(), world.top());
    ink.icon(icon, x + 20.0, y + 18.0, 16.0, palette.text2);
    ink.text_within(
        x + 35.0,
        y + 22.0,
        Align::Min,
        world.width() - 47.0,
        name,
        face(size::BODY, Weight::Semibold, palette.text),
    );
    ink.small(x + 12.0, y + 46.0, Align::Min, what, palette.text2);
}

/// All there is to say about a card, for screen readers.
pub fn describe(scene: &Scene, card: &Card) -> String {
    let mut parts = Vec::new();
    match card.node {
        Node::Clients(clients) => {
            parts.push(nodes::arrivals(&clients.arrivals));
            let (_, failed) = clients::outcomes(scene, card);
            if failed > 0 {
                parts.push(format!(
                    "{} failed",
                    crate::app::words::format::grouped(failed)
                ));
            }
        }
        Node::LoadBalancer(balancer) => parts.push(balancer.policy.words().to_owned()),
        Node::Service(service) => {
            parts.push(nodes::placement(&service.state).1);
            if let Some(cache) = service.caches() {
                let counted = card.view.and_then(|view| view.cache);
                parts.push(nodes::cached(cache, counted.unwrap_or_default()));
            }
        }
        _ => {}
    }
    if card.keeps_sessions {
        parts.push("sessions in memory".into());
    }
    let (up, all) = card.serving();
    if all > 0 {
        parts.push(format!("{up} of {all} up"));
        parts.push(format!("{} busy", nodes::percent(card.busy())));
    }
    if let Some(view) = card.view
        && view.only_here_sessions + view.only_here_writes > 0
    {
        parts.push(only_here(view.only_here_sessions, view.only_here_writes));
    }
    if let Some(loss) = card.loss {
        let lost = [
            (loss.sessions, "session"),
            (loss.writes, "acknowledged write"),
        ];
        for (count, what) in lost.into_iter().filter(|(count, _)| *count > 0) {
            parts.push(format!("{} lost", nodes::count(count, what)));
        }
    }
    parts.join(", ")
}

/// What would be lost with the instances: "Only here: 1,651 sessions, 118 writes".
pub fn only_here(sessions: u64, writes: u64) -> String {
    let mut parts = Vec::new();
    if sessions > 0 {
        parts.push(nodes::count(sessions, "session"));
    }
    if writes > 0 {
        parts.push(nodes::count(writes, "write"));
    }
    if parts.is_empty() {
        "Nothing exists only here".into()
    } else {
        format!("Only here: {}", parts.join(", "))
    }
}

/// The same in rounded figures, where those in full have no room.
fn only_about(sessions: u64, writes: u64) -> String {
    let (sessions, writes) = (number(sessions as f64), number(writes as f64));
    format!("Only here: {sessions} sessions, {writes} writes")
}
