//! From the topology's coordinates to the screen: pan and zoom.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

/// Least and greatest zoom; 1 is 100 %.
pub const ZOOM_RANGE: std::ops::RangeInclusive<f32> = 0.05..=4.0;
/// Below this zoom small text would be illegible, so it is left out.
pub const READABLE_ZOOM: f32 = 0.45;
/// Fitting never magnifies beyond this.
const FIT_ZOOM: f32 = 1.4;
/// Room that fitting leaves for the tool bar at the left, the hint and zoom bar at the bottom, and the rest.
const FIT_MARGIN: (Vec2, Vec2) = (vec2(64.0, 24.0), vec2(24.0, 56.0));

/// Pan and zoom. World coordinates are those of the file's `canvas`, in points at 100 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform {
    /// Where the world's origin is on the screen.
    pub origin: Pos2,
    /// Screen points a world point.
    pub zoom: f32,
}

impl Default for Transform {
    fn default() -> Self {
        Self {
            origin: Pos2::ZERO,
            zoom: 1.0,
        }
    }
}

impl Transform {
    /// A point of the world on the screen.
    pub fn at(&self, world: Pos2) -> Pos2 {
        self.origin + world.to_vec2() * self.zoom
    }

    /// A rectangle of the world on the screen.
    pub fn rect(&self, world: Rect) -> Rect {
        Rect::from_min_max(self.at(world.min), self.at(world.max))
    }

    /// A point of the screen in the world.
    pub fn world(&self, screen: Pos2) -> Pos2 {
        ((screen - self.origin) / self.zoom).to_pos2()
    }

    /// A rectangle of the screen in the world.
    pub fn world_rect(&self, screen: Rect) -> Rect {
        Rect::from_min_max(self.world(screen.min), self.world(screen.max))
    }

    /// Zooms to a scale; what is at `fixed` on the screen stays there.
    pub fn zoom_around(&mut self, fixed: Pos2, zoom: f32) {
        if !zoom.is_finite() {
            return;
        }
        let under = self.world(fixed);
        self.zoom = zoom.clamp(*ZOOM_RANGE.start(), *ZOOM_RANGE.end());
        self.origin = fixed - under.to_vec2() * self.zoom;
    }

    /// The view in which all of `world` is seen on `screen`, at a whole 5 % where that is possible.
    pub fn fitting(world: Rect, screen: Rect, most: f32) -> Self {
        if !world.is_finite() || !screen.is_positive() {
            return Self {
                origin: screen.min,
                zoom: 1.0,
            };
        }
        let (before, after) = FIT_MARGIN;
        let room = Rect::from_min_max(screen.min + before, screen.max - after);
        let room = if room.width() > 40.0 && room.height() > 40.0 {
            room
        } else {
            screen
        };
        let scale = (room.width() / world.width().max(1.0))
            .min(room.height() / world.height().max(1.0))
            .min(most.min(FIT_ZOOM));
        let stepped = (scale * 20.0).floor() / 20.0;
        let zoom = if stepped >= 0.3 { stepped } else { scale }
            .clamp(*ZOOM_RANGE.start(), *ZOOM_RANGE.end());
        let mut origin = room.center() - world.center().to_vec2() * zoom;
        // Whole points keep hairlines crisp.
        origin = pos2(origin.x.round(), origin.y.round());
        Self { origin, zoom }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_point_under_the_pointer() {
        let mut view = Transform {
            origin: pos2(37.0, -12.0),
            zoom: 0.8,
        };
        let pointer = pos2(400.0, 300.0);
        let before = view.world(pointer);
        view.zoom_around(pointer, 1.7);
        assert!((view.world(pointer) - before).length() < 1e-3);
        view.zoom_around(pointer, 1e9);
        assert_eq!(view.zoom, *ZOOM_RANGE.end());
        view.zoom_around(pointer, f32::NAN);
        assert_eq!(view.zoom, *ZOOM_RANGE.end());
    }

    #[test]
    fn fitting_shows_everything() {
        let screen = Rect::from_min_size(pos2(0.0, 44.0), vec2(1000.0, 513.0));
        for world in [
            Rect::from_min_size(pos2(-300.0, 80.0), vec2(2400.0, 700.0)),
            Rect::from_min_size(pos2(70.0, 50.0), vec2(190.0, 94.0)),
            Rect::from_min_size(pos2(0.0, 0.0), vec2(10.0, 5000.0)),
        ] {
            let view = Transform::fitting(world, screen, 4.0);
            assert!(screen.contains_rect(view.rect(world)), "{view:?}");
            assert!(view.zoom <= FIT_ZOOM);
        }
        assert_eq!(Transform::fitting(Rect::NOTHING, screen, 4.0).zoom, 1.0);
    }
}
