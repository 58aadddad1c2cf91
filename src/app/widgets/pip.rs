//! The pip: one instance. Outline is health, fill is load, ring is queue.

use std::f32::consts::TAU;

use egui::{Align2, Painter, Pos2, Shape, Stroke, Vec2, vec2};

use super::hatch::{Hatch, hatch};
use super::paint_text;
use crate::app::theme::{Palette, Weight};

/// What an instance does, as its pip shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PipState {
    /// Serves; load and queue are shown.
    #[default]
    Up,
    /// Starts and does not serve yet.
    Booting,
    /// Finishes what it has and takes nothing new.
    Draining,
    /// Crashed, stopped or lost.
    Down,
    /// Serves, but its health check fails.
    FailingCheck,
    /// Accepts and never answers.
    Hung,
    /// Serves with cold caches.
    Warming,
    /// Serves, made slow by a fault.
    Slow,
}

/// One instance, ready to be painted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pip {
    /// What it does.
    pub state: PipState,
    /// Share of its workers that are busy, 0 to 1.
    pub load: f32,
    /// Share of its queue that is taken, 0 to 1; no ring at 0.
    pub queue: f32,
    /// Share of the warming that is done, 0 to 1.
    pub warmed: f32,
    /// Whether the user selected it.
    pub selected: bool,
}

impl Pip {
    /// A pip that serves.
    pub fn up(load: f32, queue: f32) -> Self {
        Self {
            load,
            queue,
            ..Self::default()
        }
    }

    /// A pip in another state.
    pub fn of(state: PipState) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }
}

/// Paints a pip; its disc has a radius of `8 * zoom` points, its ring one of `11.5 * zoom`.
pub fn paint_pip(painter: &Painter, centre: Pos2, zoom: f32, pip: &Pip, palette: &Palette) {
    let disc = 8.0 * zoom;
    let outline = |colour| Stroke::new(1.6 * zoom, colour);
    if pip.selected {
        painter.circle_stroke(centre, 14.5 * zoom, Stroke::new(1.5 * zoom, palette.text));
    }
    match pip.state {
        PipState::Up | PipState::Warming | PipState::Slow => {
            painter.circle_filled(centre, disc, palette.card);
            // Dots need more room between them and the load.
            let slow = pip.state == PipState::Slow;
            let radius = if slow { 5.6 } else { 6.5 } * zoom;
            painter.add(load_shape(centre, radius, pip.load, palette));
            if slow {
                dotted(painter, centre, disc, zoom, palette);
            } else {
                painter.circle_stroke(centre, disc, outline(palette.health));
            }
            if pip.state == PipState::Warming {
                let ring = arc(centre, 11.5 * zoom, share(pip.warmed));
                painter.extend(Shape::dashed_line(
                    &ring,
                    Stroke::new(2.0 * zoom, palette.text3),
                    2.0 * zoom,
                    2.0 * zoom,
                ));
            } else if pip.queue > 0.0 {
                let ring = 11.5 * zoom;
                painter.circle_stroke(centre, ring, Stroke::new(2.2 * zoom, palette.hair));
                let queue = share(pip.queue).max(0.04);
                painter.line(
                    arc(centre, ring, queue),
                    Stroke::new(2.2 * zoom, palette.slow),
                );
            }
        }
        PipState::Booting => {
            // Eight dashes, so that the circle closes evenly.
            let dash = TAU * disc / 16.0;
            let ring = arc(centre, disc, 1.0);
            painter.extend(Shape::dashed_line(
                &ring,
                Stroke::new(1.5 * zoom, palette.text2),
                dash,
                dash,
            ));
        }
        PipState::Draining => {
            let circle: Vec<Pos2> = (0..24)
                .map(|i| on_circle(centre, disc, i as f32 / 24.0))
                .collect();
            let pattern = Hatch {
                pitch: 4.0 * zoom,
                width: 1.5 * zoom,
                colour: palette.text2,
            };
            painter.circle_filled(centre, disc, palette.card);
            painter.add(hatch(&circle, centre, pattern, painter.pixels_per_point()));
            painter.circle_stroke(centre, disc, Stroke::new(1.5 * zoom, palette.text2));
        }
        PipState::Down => {
            painter.circle(
                centre,
                disc,
                palette.raised,
                Stroke::new(1.5 * zoom, palette.down),
            );
            let arm = 3.3 * zoom;
            stroke_round(
                painter,
                centre - Vec2::splat(arm),
                centre + Vec2::splat(arm),
                1.8 * zoom,
                palette.text,
            );
            let (a, b) = (centre + vec2(arm, -arm), centre + vec2(-arm, arm));
            stroke_round(painter, a, b, 1.8 * zoom, palette.text);
        }
        PipState::FailingCheck => {
            painter.circle(centre, disc, palette.card, outline(palette.failed));
            let size = 12.0 * zoom;
            paint_text(
                painter,
                centre,
                Align2::CENTER_CENTER,
                "!",
                size,
                Weight::Semibold,
                palette.failed,
            );
        }
        PipState::Hung => {
            painter.circle(centre, disc, palette.card, outline(palette.failed));
            for side in [-2.5, 2.5] {
                let top = centre + vec2(side, -3.0) * zoom;
                let bottom = centre + vec2(side, 3.0) * zoom;
                stroke_round(painter, top, bottom, 2.0 * zoom, palette.failed);
            }
        }
    }
}

/// Paints a small pip for services of more than 12 instances: outline and, when down, grey with a cross. Place them 13
/// points apart.
pub fn paint_dense_pip(painter: &Painter, centre: Pos2, zoom: f32, pip: &Pip, palette: &Palette) {
    let radius = 4.5 * zoom;
    let colour = match pip.state {
        PipState::Up | PipState::Warming => palette.health,
        PipState::Slow => palette.slow,
        PipState::Booting | PipState::Draining => palette.text2,
        PipState::Down => palette.down,
        PipState::FailingCheck | PipState::Hung => palette.failed,
    };
    let fill = if pip.state == PipState::Down {
        palette.raised
    } else {
        palette.card
    };
    if pip.state == PipState::Slow {
        painter.circle_filled(centre, radius, fill);
        dotted(painter, centre, radius, 0.75 * zoom, palette);
    } else {
        painter.circle(centre, radius, fill, Stroke::new(1.5 * zoom, colour));
    }
    match pip.state {
        PipState::Up | PipState::Warming | PipState::Slow => {
            painter.add(load_shape(centre, 3.2 * zoom, pip.load, palette));
        }
        PipState::Down => {
            let arm = 1.7 * zoom;
            stroke_round(
                painter,
                centre - Vec2::splat(arm),
                centre + Vec2::splat(arm),
                1.2 * zoom,
                palette.text,
            );
            let (a, b) = (centre + vec2(arm, -arm), centre + vec2(-arm, arm));
            stroke_round(painter, a, b, 1.2 * zoom, palette.text);
        }
        PipState::FailingCheck | PipState::Hung => {
            let (top, bottom) = (
                centre - vec2(0.0, 1.8 * zoom),
                centre + vec2(0.0, 1.8 * zoom),
            );
            stroke_round(painter, top, bottom, 1.3 * zoom, palette.failed);
        }
        PipState::Draining => {
            let (a, b) = (
                centre + vec2(-2.2, 2.2) * zoom,
                centre + vec2(2.2, -2.2) * zoom,
            );
            stroke_round(painter, a, b, 1.2 * zoom, palette.text2);
        }
        PipState::Booting => {}
    }
    if pip.selected {
        painter.circle_stroke(centre, 6.5 * zoom, Stroke::new(1.5 * zoom, palette.text));
    }
}

/// An outline of dots: slow.
fn dotted(painter: &Painter, centre: Pos2, radius: f32, zoom: f32, palette: &Palette) {
    // As many as are a dot's width apart.
    let dots = (TAU * radius / (4.2 * zoom)).round().max(6.0) as usize;
    for dot in 0..dots {
        let at = on_circle(centre, radius, dot as f32 / dots as f32);
        painter.circle_filled(at, 1.25 * zoom, palette.slow);
    }
}

fn share(value: f32) -> f32 {
    if value.is_finite() {
        value.clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// A disc filled from below up to a share of its height.
fn load_shape(centre: Pos2, radius: f32, load: f32, palette: &Palette) -> Shape {
    let load = share(load);
    // A thinner sliver would be drawn as dots.
    if load < 0.06 {
        return Shape::Noop;
    }
    if load >= 0.995 {
        return Shape::circle_filled(centre, radius, palette.text2);
    }
    // The angle from straight down to where the surface meets the circle.
    let reach = (1.0 - 2.0 * load).acos();
    let steps = points_on_arc(radius, TAU * load);
    let points = (0..=steps)
        .map(|i| {
            let angle = TAU / 4.0 - reach + 2.0 * reach * i as f32 / steps as f32;
            centre + radius * Vec2::angled(angle)
        })
        .collect();
    Shape::convex_polygon(points, palette.text2, Stroke::NONE)
}

/// Clockwise from 12 o'clock.
fn on_circle(centre: Pos2, radius: f32, turn: f32) -> Pos2 {
    centre + radius * Vec2::angled(TAU * (turn - 0.25))
}

/// As many as keep an arc round for the eye: more on a larger one.
fn points_on_arc(radius: f32, angle: f32) -> usize {
    let a_turn = (radius * 2.5).clamp(16.0, 64.0);
    (angle / TAU * a_turn).ceil().max(6.0) as usize
}

fn arc(centre: Pos2, radius: f32, turns: f32) -> Vec<Pos2> {
    let steps = points_on_arc(radius, TAU * turns);
    (0..=steps)
        .map(|i| on_circle(centre, radius, turns * i as f32 / steps as f32))
        .collect()
}

/// A line with round ends.
fn stroke_round(painter: &Painter, from: Pos2, to: Pos2, width: f32, colour: egui::Color32) {
    painter.line(vec![from, to], Stroke::new(width, colour));
    painter.circle_filled(from, width / 2.0, colour);
    painter.circle_filled(to, width / 2.0, colour);
}
