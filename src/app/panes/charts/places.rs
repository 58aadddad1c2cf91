//! Where lanes, track and axis lie.

use egui::{Rangef, Rect};

use super::{AXIS, TRACK};

/// Width of the gutter with titles at the left, and of the one with values at the right.
pub(super) const TITLES: f32 = 124.0;
pub(super) const VALUES: f32 = 112.0;

/// How the room is divided.
pub(super) struct Places {
    pub(super) whole: Rect,
    pub(super) track: Rect,
    pub(super) lanes: [Rect; 3],
    pub(super) across: Rangef,
    pub(super) bottom: f32,
}

impl Places {
    pub(super) fn new(whole: Rect) -> Self {
        let track = whole.with_max_y(whole.top() + TRACK);
        let height = ((whole.height() - TRACK - AXIS) / 3.0).floor().max(24.0);
        let lane = |i: f32| {
            let top = track.bottom() + i * height;
            Rect::from_x_y_ranges(whole.x_range(), top..=top + height)
        };
        let lanes = [lane(0.0), lane(1.0), lane(2.0)];
        let right = (whole.right() - VALUES).max(whole.left() + TITLES + 1.0);
        Self {
            whole,
            track,
            lanes,
            across: Rangef::new(whole.left() + TITLES, right),
            bottom: lanes[2].bottom(),
        }
    }

    /// Where a lane's data is drawn.
    pub(super) fn inner(&self, lane: usize) -> Rect {
        Rect::from_x_y_ranges(self.across, self.lanes[lane].y_range())
    }

    /// Where the data of all lanes is drawn.
    pub(super) fn data(&self) -> Rect {
        Rect::from_x_y_ranges(self.across, self.track.bottom()..=self.bottom)
    }
}
