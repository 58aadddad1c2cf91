//! Dots that flow along a link, as many and as fast as calls do.

use std::collections::HashMap;

use egui::{Shape, Stroke};

use super::curve::Walk;
use super::paint::{Emphasis, paint_selected, paint_way};
use super::{Lane, Line};
use crate::app::panes::canvas::ink::Ink;
use crate::app::panes::canvas::troubled;

/// At most so many dots a link.
pub(super) const MOST_DOTS: usize = 40;
/// Dots never move faster, in points a second.
pub(super) const MOST_SPEED: f32 = 240.0;

/// The dots on every link: how far they have moved.
#[derive(Debug, Default)]
pub struct Flows(HashMap<u64, Flow>);

#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// From 0 to 1: how far the first dot is on its way to where the next one starts.
    pub(super) phase: f32,
    /// Dots that have started so far.
    pub(super) started: u64,
    /// From one dot to the next, as a share of the way.
    pub(super) gap: f32,
    /// Passed without being drawn, to forget links that are gone.
    pub(super) age: u32,
}

impl Flows {
    /// Call once a frame: forgets links that have not been drawn for a while.
    pub fn begin(&mut self) {
        self.0.retain(|_, flow| {
            flow.age += 1;
            flow.age < 600
        });
    }

    /// Paints a link; `seconds` is the reader's time since the last frame (0: dots stand), `speed` simulated seconds a
    /// second. Says whether something moves.
    pub fn paint(
        &mut self,
        ink: &Ink,
        line: &Line,
        emphasis: Emphasis,
        seconds: f32,
        speed: f64,
    ) -> bool {
        let mut moves = false;
        let most = (MOST_DOTS / line.lanes.len().max(1)).max(2);
        if emphasis.lifted {
            for lane in &line.lanes {
                let points = lane.curve.on_screen(&ink.transform).points();
                let stroke = Stroke::new(1.0, ink.palette.edge);
                ink.painter
                    .extend(Shape::dashed_line(&points, stroke, 3.0, 3.0));
            }
            return false;
        }
        if emphasis.selected {
            paint_selected(ink, line);
        }
        for lane in &line.lanes {
            paint_way(ink, lane, emphasis);
        }
        for (number, lane) in line.lanes.iter().enumerate() {
            if lane.refused {
                continue;
            }
            let key = egui::util::hash((&line.key, number));
            moves |= self.paint_dots(ink, key, lane, most, seconds, speed);
        }
        moves
    }

    pub(super) fn paint_dots(
        &mut self,
        ink: &Ink,
        key: u64,
        lane: &Lane,
        most: usize,
        seconds: f32,
        speed: f64,
    ) -> bool {
        let total = lane.rates.total();
        // Operations a second of the reader; as fast as possible is taken for a lively flow.
        let flow = total * if speed.is_finite() { speed } else { 10.0 };
        if flow <= 0.0 {
            self.0.remove(&key);
            return false;
        }
        let points = lane.points(&ink.transform);
        let Some(points) = troubled::flow(lane, points, ink.zoom()) else {
            return false;
        };
        let length: f32 = points.windows(2).map(|p| (p[1] - p[0]).length()).sum();
        let world_length = length / ink.zoom();
        if world_length < 4.0 {
            return false;
        }
        // A slow flow shows each request; of a fast one the dots show how fast, not how many.
        let fast = (flow as f32).max(0.0).ln_1p() / std::f32::consts::LN_10;
        let pace = (40.0 + 36.0 * fast).min(MOST_SPEED);
        let closest = (40.0 - 7.0 * fast).max(14.0);
        let spacing = (pace / flow as f32).max(closest);
        let gap = (spacing / world_length).max(1.0 / most as f32);
        let entry = self.0.entry(key).or_insert(Flow {
            phase: (key % 97) as f32 / 97.0,
            started: 0,
            gap,
            age: 0,
        });
        entry.age = 0;
        // Small changes of the flow must not move dots that are under way.
        if !(0.8..1.25).contains(&(gap / entry.gap)) {
            entry.gap = gap;
        }
        entry.phase += pace * seconds / world_length / entry.gap;
        let whole = entry.phase.floor();
        entry.phase -= whole;
        entry.started = entry.started.wrapping_add(whole as u64);

        let failed = lane.rates.failed / total;
        let retried = lane.rates.retried / total;
        let palette = ink.palette;
        let radius = 2.2 * ink.zoom().max(0.6);
        let mut walk = Walk::new(&points);
        let mut dot = 0;
        loop {
            let t = (entry.phase + dot as f32) * entry.gap;
            if t > 1.0 || dot > MOST_DOTS as u64 {
                break;
            }
            let at = walk.at(t * length);
            // Spread outcomes evenly over the dots: multiples of the golden ratio.
            let serial = (entry.started % 1_000_000) as f64 - dot as f64;
            let draw = (serial * 0.618_033_988_75).rem_euclid(1.0);
            let colour = if draw < failed {
                palette.failed
            } else if draw < failed + retried {
                palette.slow
            } else {
                palette.completed
            };
            ink.painter.circle_filled(at, radius, colour);
            dot += 1;
        }
        seconds > 0.0
    }
}
