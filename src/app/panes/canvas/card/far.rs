//! A card that is too small for its words: its name in a size that can be read, its state as one mark, and its instances
//! where there is room. It may be wider than the card, as far as its neighbours let it.

use egui::{Align, CornerRadius, Rect, pos2, vec2};

use super::{Emphasis, pip, pip_state, surface};
use crate::app::panes::canvas::ink::{Ink, face};
use crate::app::panes::canvas::scene::{Card, Scene};
use crate::app::theme::{Weight, radius, size};
use crate::app::widgets::{self, Pip, PipState};
use crate::app::words::format::{grouped, loss_text};
use crate::app::words::nodes;
use crate::sim::snapshot::InstanceView;
use crate::units::Duration;

/// Least height of a tile on the screen, its height from which it has a second line, and how far lines are apart.
const LEAST: f32 = 20.0;
const TWO_LINES: f32 = 34.0;
const ROW: f32 = 15.0;
/// Between two pips.
const PITCH: f32 = 13.0;
/// From its left edge to the name: the mark stands there.
const NAME: f32 = 20.0;
const END: f32 = 6.0;
/// Between two tiles side by side.
const GAP: f32 = 6.0;

/// Where each card's tile is on the screen: as wide as its name if its neighbours leave room for that.
pub fn tiles(ink: &mut Ink, scene: &Scene) -> Vec<Rect> {
    let least: Vec<Rect> = scene
        .cards
        .iter()
        .map(|card| {
            let rect = ink.rect(card.rect);
            Rect::from_center_size(rect.center(), vec2(rect.width(), rect.height().max(LEAST)))
        })
        .collect();
    let wanted = scene.cards.iter().map(|card| {
        let name = ink.screen_width(card.name, size::SMALL, Weight::Semibold);
        mark_width(ink, card, ink.rect(card.rect).height() >= TWO_LINES) + name + END
    });
    let wanted: Vec<f32> = wanted.collect();
    // To the left and to the right: of what lies between two tiles, half for each.
    let room = |here: usize| {
        let mut room = [f32::MAX; 2];
        for (other, rect) in least.iter().enumerate() {
            let apart = rect.center() - least[here].center();
            let heights = (rect.height() + least[here].height()) / 2.0;
            if other != here && apart.y.abs() < heights {
                let between = apart.x.abs() - (rect.width() + least[here].width()) / 2.0;
                let side = usize::from(apart.x > 0.0);
                room[side] = room[side].min(((between - GAP) / 2.0).max(0.0));
            }
        }
        room
    };
    let wider = |here: usize| {
        let tile = least[here];
        let more = (wanted[here] - tile.width()).max(0.0);
        let [left, right] = room(here);
        // To both sides alike, but what one side has no room for goes to the other.
        let to_right = (more / 2.0).max(more - left).min(right);
        let to_left = (more - to_right).min(left);
        Rect::from_x_y_ranges(
            tile.left() - to_left..=tile.right() + to_right,
            tile.y_range(),
        )
    };
    (0..least.len()).map(wider).collect()
}

/// Paints a card as a tile.
pub fn paint(ink: &mut Ink, card: &Card, tile: Rect, emphasis: Emphasis, now: Duration) {
    let palette = ink.palette;
    let tall = tile.height() >= TWO_LINES;
    let lost = card.loss.is_some();
    // On a low tile what was lost colours all of it, on a tall one a strip at its foot.
    let (fill, colour) = if lost && !tall {
        (palette.lost, palette.on_lost)
    } else {
        (palette.card, palette.text)
    };
    surface(ink, tile, fill, emphasis);
    let whole_pips = tall && !card.instances.is_empty();
    let rows = 1.0 + f32::from(u8::from(whole_pips)) + f32::from(u8::from(lost && tall));
    let first = if tile.height() > (rows + 1.0) * ROW {
        tile.top() + ROW
    } else {
        tile.center().y - (rows - 1.0) * ROW / 2.0
    };
    let left = tile.left() + mark_width(ink, card, tall);
    let at = pos2(tile.left() + NAME / 2.0 + 1.0, first);
    match lost_text(card).filter(|_| !tall) {
        Some(text) => {
            let at = pos2(tile.left() + END, first + 4.0);
            let semibold = face(size::SMALL, Weight::Semibold, colour);
            ink.text_on_screen(at, Align::Min, &text, semibold);
        }
        None => match worst(card, now).filter(|_| !whole_pips) {
            Some(pip) => widgets::paint_dense_pip(ink.painter, at, 1.0, &pip, palette),
            None => nodes::kind_icon(card.kind).paint(ink.painter, at, 12.0, colour),
        },
    }
    let room = tile.right() - END - left;
    let name = ink.elided(card.name, size::SMALL, Weight::Semibold, room);
    let semibold = face(size::SMALL, Weight::Semibold, colour);
    ink.text_on_screen(pos2(left, first + 4.0), Align::Min, &name, semibold);
    if whole_pips {
        pips(ink, card, tile, first + ROW, now);
    }
    if lost && tall {
        foot(ink, card, tile);
    }
}

/// A row of its instances; where not all have room, the worst first, and how many there are.
fn pips(ink: &mut Ink, card: &Card, tile: Rect, y: f32, now: Duration) {
    // Their order is found before their load is looked up: there may be thousands.
    let mut shown: Vec<&InstanceView> = card.instances.iter().collect();
    let places = |width: f32| ((width - NAME) / PITCH).floor().max(0.0) as usize + 1;
    if shown.len() > places(tile.width()) {
        let count = format!("of {}", grouped(shown.len() as u64));
        let width = ink.screen_width(&count, size::SMALL, Weight::Regular);
        shown.sort_by_key(|instance| std::cmp::Reverse(badness(instance)));
        shown.truncate(places(tile.width() - width - END));
        let regular = face(size::SMALL, Weight::Regular, ink.palette.text2);
        let right = pos2(tile.right() - END, y + 4.0);
        ink.text_on_screen(right, Align::Max, &count, regular);
    }
    let mut at = pos2(tile.left() + NAME / 2.0 + 1.0, y);
    for instance in shown {
        let pip = pip(card, instance, now);
        widgets::paint_dense_pip(ink.painter, at, 1.0, &pip, ink.palette);
        at.x += PITCH;
    }
}

/// What was lost, as a strip at the foot of a tall tile.
fn foot(ink: &mut Ink, card: &Card, tile: Rect) {
    let Some(text) = lost_text(card) else { return };
    let strip = tile.with_min_y(tile.bottom() - ROW);
    let corner = (radius::CARD * ink.zoom()).round() as u8;
    let corners = CornerRadius {
        sw: corner,
        se: corner,
        ..CornerRadius::ZERO
    };
    ink.painter.rect_filled(strip, corners, ink.palette.lost);
    let semibold = face(size::SMALL, Weight::Semibold, ink.palette.on_lost);
    let at = pos2(strip.left() + END, strip.center().y + 4.0);
    ink.text_on_screen(at, Align::Min, &text, semibold);
}

/// From the tile's left edge to the name.
fn mark_width(ink: &mut Ink, card: &Card, tall: bool) -> f32 {
    match lost_text(card).filter(|_| !tall) {
        Some(text) => END + ink.screen_width(&text, size::SMALL, Weight::Semibold) + 5.0,
        None => NAME,
    }
}

/// What was lost, in a figure.
fn lost_text(card: &Card) -> Option<String> {
    let loss = card.loss?;
    let count = if loss.sessions > 0 {
        loss.sessions
    } else {
        loss.writes
    };
    Some(loss_text(count))
}

/// The instance that is worst off; of those that serve, one with the load of all.
fn worst(card: &Card, now: Duration) -> Option<Pip> {
    let worst = card.instances.iter().max_by_key(|i| badness(i))?;
    let mut worst = pip(card, worst, now);
    worst.load = card.busy() as f32;
    Some(worst)
}

fn badness(instance: &InstanceView) -> u8 {
    match pip_state(instance) {
        PipState::Down => 4,
        PipState::Hung => 3,
        PipState::FailingCheck => 2,
        PipState::Booting | PipState::Draining | PipState::Slow => 1,
        PipState::Warming | PipState::Up => 0,
    }
}
