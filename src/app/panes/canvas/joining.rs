//! A loose end of a link, pulled to a card: whether it can be joined there, and if it cannot, why, said at the pointer.

use egui::{
    Color32, CursorIcon, Id, LayerId, Order, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind,
    Ui, WidgetInfo, pos2, vec2,
};

use super::ink::Ink;
use super::link::{Curve, cross};
use super::scene::{Card, Scene};
use crate::app::theme::{self, Weight, radius, size};
use crate::app::words::spoken;
use crate::app::words::spoken::capitalised;
use crate::model::Topology;

/// How wide the words at the pointer become at most.
const WORDS: f32 = 250.0;
/// A pull begins at the edge of its own card: so near to it that card is not yet what is meant.
const NEAR: f32 = 24.0;

/// A link with an end that leads nowhere yet.
#[derive(Clone, Copy, Debug)]
pub struct Loose<'p> {
    /// The link that is being given another end, by key; none for a new one.
    pub link: Option<&'p str>,
    /// The node at its other end.
    pub fixed: &'p str,
    /// Whether its start is loose, where the calling node is; else its end.
    pub start: bool,
}

/// What a loose end is over.
#[derive(Debug)]
pub struct Over<'s, 'a> {
    /// The card.
    pub card: &'s Card<'a>,
    /// Why it cannot be joined there.
    pub why: Option<String>,
}

impl<'p> Loose<'p> {
    /// The calling and the called node, were it joined to this one.
    pub fn ends<'n>(&self, name: &'n str) -> (&'n str, &'n str)
    where
        'p: 'n,
    {
        if self.start {
            (name, self.fixed)
        } else {
            (self.fixed, name)
        }
    }

    /// What is at a point of the world.
    pub fn over<'s, 'a>(
        &self,
        scene: &'s Scene<'a>,
        topology: &Topology,
        at: Pos2,
    ) -> Option<Over<'s, 'a>> {
        let mut cards = scene.cards.iter().rev();
        let card = cards.find(|card| card.rect.contains(at))?;
        let edge = if self.start {
            card.rect.left_center()
        } else {
            card.rect.right_center()
        };
        if card.name == self.fixed && edge.distance(at) < NEAR {
            return None;
        }
        let (from, to) = self.ends(card.name);
        let may = match self.link {
            Some(key) => topology.may_be_reconnected(key, from, to),
            None => topology.may_be_linked(from, to),
        };
        let why = may.err().map(|why| {
            let is_name = |name: &str| topology.nodes.contains_key(name);
            capitalised(&spoken::sentence(&why, is_name))
        });
        Some(Over { card, why })
    }

    /// Paints it from where it is fixed to where it would be joined, or to a point of the world.
    pub fn paint(&self, ink: &Ink, fixed: Pos2, at: Pos2, over: Option<&Over>) {
        let palette = ink.palette;
        let joined = over.filter(|over| over.why.is_none());
        let loose = joined.map_or(at, |over| {
            if self.start {
                over.card.rect.right_center()
            } else {
                over.card.rect.left_center()
            }
        });
        let (start, end) = if self.start {
            (loose, fixed)
        } else {
            (fixed, loose)
        };
        let bend = vec2(((end.x - start.x).abs() * 0.46).clamp(16.0, 160.0), 0.0);
        let curve = Curve([start, start + bend, end - bend, end].map(|p| ink.transform.at(p)));
        let points: Vec<Pos2> = (0..=32).map(|i| curve.at(i as f32 / 32.0)).collect();
        let stroke = Stroke::new(2.0, palette.text);
        if let Some(over) = joined {
            ink.painter.line(points, stroke);
            ink.painter.rect_stroke(
                ink.rect(over.card.rect).expand(3.0),
                radius::CARD * ink.zoom() + 3.0,
                stroke,
                StrokeKind::Inside,
            );
            return;
        }
        ink.painter
            .extend(Shape::dashed_line(&points, stroke, 5.0, 4.0));
        for end in [fixed, loose] {
            ink.painter
                .circle(ink.transform.at(end), 5.0, palette.canvas, stroke);
        }
        if over.is_some() {
            cross(ink, ink.transform.at(loose), palette.canvas, palette.failed);
        }
    }
}

/// Says at the pointer why a loose end cannot be joined to what it is over.
pub fn say_why(ui: &Ui, area: Rect, pointer: Pos2, why: &str) {
    let palette = theme::palette(ui);
    ui.ctx().set_cursor_icon(CursorIcon::NotAllowed);
    let font = theme::font(size::SMALL, Weight::Medium);
    let words = why.to_owned();
    let galley = ui
        .painter()
        .layout(words, font, Color32::PLACEHOLDER, WORDS);
    let wanted = galley.size() + vec2(20.0, 12.0);
    let below = pointer + vec2(14.0, 18.0);
    let most = area.max - wanted - vec2(8.0, 8.0);
    let left = below.x.min(most.x).max(area.left() + 8.0);
    // Where there is no room below the pointer, above it.
    let top = if below.y > most.y {
        pointer.y - 12.0 - wanted.y
    } else {
        below.y
    };
    let plate = Rect::from_min_size(pos2(left, top).round(), wanted);
    let layer = LayerId::new(Order::Tooltip, Id::unique("why not"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(plate, radius::CONTROL, palette.text);
    painter.galley(plate.min + vec2(10.0, 6.0), galley, palette.on_ink);
    let said = ui.interact(plate, ui.scope_id().with("why not"), Sense::hover());
    said.widget_info(|| WidgetInfo::labeled(Role::Alert, true, why));
}
