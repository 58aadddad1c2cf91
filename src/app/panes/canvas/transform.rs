//! From the topology's coordinates to the screen: pan and zoom.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

/// Least and greatest zoom; 1 is 100 %.
pub const ZOOM_RANGE: std::ops::RangeInclusive<f32> = 0.05..=4.0;
/// Below this zoom small text would be illegible: a card is its name and its state then.
pub const READABLE_ZOOM: f32 = 0.6;
/// Fitting never magnifies beyond this.
const FIT_ZOOM: f32 = 1.4;

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

    /// The view on `after` in which is still seen what was seen of `contents` on `before`: moved no more than it takes,
    /// and smaller only where it would not fit.
    pub fn resized(&self, contents: Rect, before: Rect, after: Rect) -> Self {
        let mut view = *self;
        view.origin += after.min - before.min;
        let seen = contents.intersect(self.world_rect(before));
        if !seen.is_positive() || !after.is_positive() {
            return view;
        }
        let now = view.rect(seen);
        let scale = (after.width() / now.width()).min(after.height() / now.height());
        view.zoom_around(after.min, view.zoom * scale.min(1.0));
        view.origin += way_into(view.rect(seen), after);
        view
    }

    /// The view in which all of `world` is seen in `room`, at a whole 5 % where that is possible.
    pub fn fitting(world: Rect, room: Rect, most: f32) -> Self {
        if !world.is_finite() || !room.is_positive() {
            return Self {
                origin: room.min,
                zoom: 1.0,
            };
        }
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

/// The shortest way to move a rectangle into a room that it fits into.
pub fn way_into(rect: Rect, room: Rect) -> Vec2 {
    let way = |least: f32, most: f32| least.max(0.0) + most.min(0.0);
    vec2(
        way(room.left() - rect.left(), room.right() - rect.right()),
        way(room.top() - rect.top(), room.bottom() - rect.bottom()),
    )
    .round()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_seen_in_a_smaller_window_too() {
        let before = Rect::from_min_size(pos2(0.0, 44.0), vec2(1000.0, 513.0));
        let contents = Rect::from_min_size(pos2(0.0, 0.0), vec2(900.0, 400.0));
        let view = Transform::fitting(contents, before, 1.0);
        for size in [vec2(700.0, 513.0), vec2(1000.0, 300.0), vec2(420.0, 200.0)] {
            let after = Rect::from_min_size(before.min, size);
            let now = view.resized(contents, before, after);
            let seen = after.expand(0.5).contains_rect(now.rect(contents));
            assert!(seen, "{size:?}: {now:?}");
        }
        // Where all of it stays in view, nothing moves.
        let larger = Rect::from_min_size(before.min, vec2(1400.0, 900.0));
        assert_eq!(view.resized(contents, before, larger), view);
        // What was out of view does not come into it.
        let near = Transform {
            origin: before.min,
            zoom: 4.0,
        };
        let narrower = Rect::from_min_size(before.min, vec2(999.0, 513.0));
        assert!(near.resized(contents, before, narrower).zoom > 3.9);
    }

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
