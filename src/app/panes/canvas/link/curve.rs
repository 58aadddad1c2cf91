//! The curve that a link takes from card to card.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use crate::app::panes::canvas::transform::Transform;

/// A cubic Bézier curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve(pub [Pos2; 4]);

impl Curve {
    /// A point of it, from 0 to 1.
    pub fn at(&self, t: f32) -> Pos2 {
        let u = 1.0 - t;
        let [a, b, c, d] = self.0.map(Pos2::to_vec2);
        (a * (u * u * u) + b * (3.0 * u * u * t) + c * (3.0 * u * t * t) + d * (t * t * t))
            .to_pos2()
    }

    /// The rectangle of its control points, which it stays in.
    pub fn bounds(&self) -> Rect {
        Rect::from_points(&self.0)
    }

    /// The points so far from both of its ends, on the screen; never beyond a quarter of it.
    pub fn near_ends(&self, transform: &Transform, off: f32) -> [Pos2; 2] {
        let points = self.on_screen(transform).points();
        let length: f32 = points.windows(2).map(|p| (p[1] - p[0]).length()).sum();
        let off = off.min(length / 4.0);
        let mut walk = Walk::new(&points);
        [walk.at(off), walk.at(length - off)]
    }

    pub(super) fn on_screen(&self, transform: &Transform) -> Self {
        Self(self.0.map(|point| transform.at(point)))
    }

    /// As a line of points about 8 screen points apart.
    pub(super) fn points(&self) -> Vec<Pos2> {
        let [a, b, c, d] = self.0;
        if (a.y - d.y).abs() < 0.5 && (b.y - a.y).abs() < 0.5 && (c.y - d.y).abs() < 0.5 {
            return vec![a, d];
        }
        if (a.x - d.x).abs() < 0.5 && (b.x - a.x).abs() < 0.5 && (c.x - d.x).abs() < 0.5 {
            return vec![a, d];
        }
        let length = (b - a).length() + (c - b).length() + (d - c).length();
        let steps = (length / 8.0).clamp(8.0, 48.0) as usize;
        (0..=steps)
            .map(|i| self.at(i as f32 / steps as f32))
            .collect()
    }

    /// Points of it that are so close that no card fits between two of them.
    pub fn closely(&self) -> impl Iterator<Item = Pos2> + '_ {
        let [a, b, c, d] = self.0;
        let length = (b - a).length() + (c - b).length() + (d - c).length();
        let steps = (length / 12.0).clamp(8.0, 200.0) as usize;
        (0..=steps).map(move |i| self.at(i as f32 / steps as f32))
    }

    /// The same from end to end, further to one side in between: `tension` of what it keeps of its directions there.
    pub(super) fn aside(&self, by: f32, tension: f32) -> Self {
        let [a, b, c, d] = self.0;
        let side = (b - a).normalized().rot90() * by;
        Self([
            a,
            a + (b - a) * tension + side,
            d + (c - d) * tension + side,
            d,
        ])
    }

    /// How far a point is from it, about.
    pub fn distance(&self, to: Pos2) -> f32 {
        let points = self.points();
        points
            .windows(2)
            .map(|pair| {
                let along = pair[1] - pair[0];
                let t = ((to - pair[0]).dot(along) / along.length_sq().max(1e-6)).clamp(0.0, 1.0);
                (pair[0] + along * t - to).length()
            })
            .fold(f32::MAX, f32::min)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

impl Side {
    pub(super) fn outward(self) -> Vec2 {
        match self {
            Self::Left => vec2(-1.0, 0.0),
            Self::Right => vec2(1.0, 0.0),
            Self::Top => vec2(0.0, -1.0),
            Self::Bottom => vec2(0.0, 1.0),
        }
    }

    /// The point of a card's edge, at a share from 0 to 1 along it.
    pub(super) fn port(self, rect: Rect, share: f32) -> Pos2 {
        match self {
            Self::Left => pos2(rect.left(), rect.top() + rect.height() * share),
            Self::Right => pos2(rect.right(), rect.top() + rect.height() * share),
            Self::Top => pos2(rect.left() + rect.width() * share, rect.top()),
            Self::Bottom => pos2(rect.left() + rect.width() * share, rect.bottom()),
        }
    }
}

/// The sides at which a link leaves and arrives, by where the cards lie.
pub(super) fn sides(from: Rect, to: Rect, upright: bool) -> (Side, Side) {
    let gap = 12.0;
    if to.left() >= from.right() - gap {
        (Side::Right, Side::Left)
    } else if to.right() <= from.left() + gap {
        (Side::Left, Side::Right)
    } else if !upright {
        // Lanes end at rows, whatever the place.
        if to.center().x >= from.center().x {
            (Side::Right, Side::Left)
        } else {
            (Side::Left, Side::Right)
        }
    } else if to.center().y >= from.center().y {
        (Side::Bottom, Side::Top)
    } else {
        (Side::Top, Side::Bottom)
    }
}

/// The curve from a port to another; it leaves and arrives at right angles.
pub(super) fn curve(from: Pos2, leaves: Side, to: Pos2, arrives: Side) -> Curve {
    let across = (to - from).dot(leaves.outward()).abs();
    let bend = if leaves.outward().dot(arrives.outward()) < 0.0 && across > 0.0 {
        (across * 0.46).clamp(16.0, 160.0)
    } else {
        60.0
    };
    Curve([
        from,
        from + leaves.outward() * bend,
        to + arrives.outward() * bend,
        to,
    ])
}

/// The point at a share of the length of a line, from 0 to 1, and the direction that it has there.
pub fn along(points: &[Pos2], share: f32) -> (Pos2, Vec2) {
    let length: f32 = points.windows(2).map(|p| (p[1] - p[0]).length()).sum();
    let (mut passed, wanted) = (0.0, share * length);
    let mut last = (points.first().copied().unwrap_or_default(), Vec2::X);
    for pair in points.windows(2) {
        let part = pair[1] - pair[0];
        let length = part.length();
        if length <= 0.0 {
            continue;
        }
        let way = part / length;
        if passed + length >= wanted {
            return (pair[0] + way * (wanted - passed), way);
        }
        passed += length;
        last = (pair[1], way);
    }
    last
}

/// Walks along a line of points.
pub(super) struct Walk<'a> {
    pub(super) points: &'a [Pos2],
    pub(super) at: usize,
    pub(super) passed: f32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(points: &'a [Pos2]) -> Self {
        Self {
            points,
            at: 0,
            passed: 0.0,
        }
    }

    /// The point at a distance from the beginning, not less than the last one asked for.
    pub(super) fn at(&mut self, distance: f32) -> Pos2 {
        loop {
            let (from, to) = (self.points[self.at], self.points[self.at + 1]);
            let length = (to - from).length();
            if distance <= self.passed + length || self.at + 2 >= self.points.len() {
                let share = ((distance - self.passed) / length.max(1e-6)).clamp(0.0, 1.0);
                return from + (to - from) * share;
            }
            self.passed += length;
            self.at += 1;
        }
    }
}
