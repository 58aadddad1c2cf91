//! Where the track is and how long it is: what marks and gestures on it have in common.

use egui::{Painter, Pos2, Rangef, Rect, Shape, Stroke};

use super::window::TimeWindow;
use crate::app::theme::Palette;
use crate::units::Duration;

pub const RADIUS: f32 = 8.5;
/// Where the centres of marks are, below the track's top.
const MIDDLE: f32 = 11.0;

/// Where the track is, and over which time.
#[derive(Clone, Copy, Debug)]
pub struct Lay<'a> {
    /// The track.
    pub track: Rect,
    /// How far down its lines go.
    pub bottom: f32,
    /// From where to where time is drawn.
    pub across: Rangef,
    /// Which time that is.
    pub window: &'a TimeWindow,
}

impl Lay<'_> {
    /// Where an instant is drawn.
    pub fn x(&self, at: Duration) -> f32 {
        self.window.x(at.secs(), self.across)
    }

    /// The height at which marks stand.
    pub fn middle(&self) -> f32 {
        self.track.top() + MIDDLE
    }
}

/// A place where a mark was, or could be.
pub fn paint_dashed_disc(painter: &Painter, centre: Pos2, palette: &Palette) {
    let points: Vec<Pos2> = (0..=32)
        .map(|i| {
            let angle = i as f32 / 32.0 * std::f32::consts::TAU;
            centre + RADIUS * egui::Vec2::angled(angle)
        })
        .collect();
    let ring = Stroke::new(1.2, palette.text2);
    // No word shines through it.
    painter.circle_filled(centre, RADIUS + 1.0, palette.panel);
    painter.extend(Shape::dashed_line(&points, ring, 3.0, 2.5));
}
