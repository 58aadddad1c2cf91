//! How a link is drawn.

use egui::{Color32, Pos2, Rect, Shape, Stroke, vec2};

use super::curve::{curve, sides};
use super::{Lane, Line, strangers};
use crate::app::panes::canvas::ink::Ink;
use crate::app::panes::canvas::scene::Scene;
use crate::app::panes::canvas::troubled;

/// How links look while the pointer or the selection is on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emphasis {
    /// The pointer is on it.
    pub hovered: bool,
    /// It is selected.
    pub selected: bool,
    /// One of its ends is pulled away from where it is.
    pub lifted: bool,
}

/// How wide a link with so many calls a second is, in points at 100 %.
pub fn width(per_second: f64) -> f32 {
    1.2 + (per_second.max(1.0) as f32).log10()
}

/// Ink with the canvas in it, under all ways of a selected link.
pub(super) fn paint_selected(ink: &Ink, line: &Line) {
    let zoom = ink.zoom().max(0.5);
    let (palette, rails) = (
        ink.palette,
        [(8.0, ink.palette.text), (4.0, ink.palette.canvas)],
    );
    for (width, colour) in std::iter::once((12.0, palette.canvas)).chain(rails) {
        for lane in &line.lanes {
            let points = lane.curve.on_screen(&ink.transform).points();
            let wider = (thickness(ink, lane) - 4.0 * zoom).max(0.0);
            let stroke = Stroke::new(width * zoom + wider, colour);
            ink.painter.line(points, stroke);
        }
    }
}

/// What of a line other cards cover, above them: seen, but below what is on them.
pub fn paint_covered(ink: &Ink, scene: &Scene, line: &Line) {
    let cards = strangers(line, scene);
    let zoom = ink.zoom();
    let stroke = Stroke::new(1.2 * zoom, ink.palette.edge.gamma_multiply(0.6));
    for lane in &line.lanes {
        let bounds = lane.curve.bounds();
        let near: Vec<&Rect> = cards.iter().filter(|c| c.intersects(bounds)).collect();
        let covered = |at: &Pos2| near.iter().any(|card| card.contains(*at));
        let points: Vec<Pos2> = lane.curve.closely().collect();
        for run in points.chunk_by(|a, b| covered(a) == covered(b)) {
            if run.len() > 1 && covered(&run[0]) {
                let run: Vec<Pos2> = run.iter().map(|at| ink.transform.at(*at)).collect();
                let dashes = Shape::dashed_line(&run, stroke, 3.0 * zoom, 5.0 * zoom);
                ink.painter.extend(dashes);
            }
        }
    }
}

pub(super) fn thickness(ink: &Ink, lane: &Lane) -> f32 {
    width(lane.rates.total()) * ink.zoom().max(0.5)
}

pub(super) fn paint_way(ink: &Ink, lane: &Lane, emphasis: Emphasis) {
    let palette = ink.palette;
    let zoom = ink.zoom();
    let points = lane.curve.on_screen(&ink.transform).points();
    let thickness = thickness(ink, lane);
    if !emphasis.selected {
        // A border in the ground's colour sets links apart where they cross.
        let stroke = Stroke::new(thickness + 4.0 * zoom, palette.canvas);
        ink.painter.line(points.clone(), stroke);
    }
    if lane.refused {
        let stroke = Stroke::new(1.5 * zoom.max(0.6), palette.down);
        ink.painter
            .extend(Shape::dashed_line(&points, stroke, 4.0 * zoom, 4.0 * zoom));
        let middle = ink.transform.at(lane.curve.at(0.72));
        cross(ink, middle, palette.canvas, palette.failed);
        return;
    }
    let colour = if emphasis.hovered {
        palette.edge
    } else {
        mix(palette.canvas, palette.edge, 0.55)
    };
    let stroke = Stroke::new(thickness, colour);
    if lane.is_sound() {
        ink.painter.line(points, stroke);
    } else {
        troubled::paint_way(ink, lane, &points, stroke, emphasis.selected);
    }
}

/// An opaque mixture, so that the parts of a line do not show where they overlap.
pub(super) fn mix(ground: Color32, colour: Color32, share: f32) -> Color32 {
    ground.lerp_to_gamma(colour, share)
}

/// A cross at a point of the screen.
pub fn cross(ink: &Ink, at: Pos2, ground: Color32, colour: Color32) {
    let zoom = ink.zoom().max(0.5);
    ink.painter.circle_filled(at, 6.5 * zoom, ground);
    let arm = 3.5 * zoom;
    for diagonal in [vec2(arm, arm), vec2(arm, -arm)] {
        let stroke = Stroke::new(2.0 * zoom, colour);
        ink.painter
            .line_segment([at - diagonal, at + diagonal], stroke);
        ink.painter.circle_filled(at - diagonal, zoom, colour);
        ink.painter.circle_filled(at + diagonal, zoom, colour);
    }
}

/// A dashed line to a card that would be added.
pub fn paint_ghost(ink: &Ink, from: Rect, to: Rect) {
    let (leaves, arrives) = sides(from, to, true);
    let way = curve(
        leaves.port(from, 0.5),
        leaves,
        arrives.port(to, 0.5),
        arrives,
    );
    let points = way.on_screen(&ink.transform).points();
    let stroke = Stroke::new(1.5, ink.palette.text2);
    ink.painter
        .extend(Shape::dashed_line(&points, stroke, 4.0, 4.0));
}
