//! Diagonal stripes: what exists only here, an instance that drains, the time that has not come yet.

use egui::epaint::{Mesh, Vertex};
use egui::{Color32, Pos2, Shape};

/// A pattern of stripes that rise to the right.
#[derive(Debug, Clone, Copy)]
pub struct Hatch {
    /// From one stripe to the next, across them, in points.
    pub pitch: f32,
    /// Of a stripe, in points.
    pub width: f32,
    /// Of the stripes; what lies between is left as it is.
    pub colour: Color32,
}

/// The stripes inside a convex outline (clockwise or not), as one mesh.
///
/// They are cut at the outline exactly and smoothed along their sides by one pixel, so they are crisp at every zoom.
/// `anchor` is a point on the middle of a stripe: with a corner of the thing itself, the stripes move along with it.
pub fn hatch(outline: &[Pos2], anchor: Pos2, pattern: Hatch, pixels_per_point: f32) -> Shape {
    let mut mesh = Mesh::default();
    let across =
        |point: Pos2| (point.x - anchor.x + point.y - anchor.y) * std::f32::consts::FRAC_1_SQRT_2;
    let (first, last) = outline
        .iter()
        .map(|&point| across(point))
        .fold((f32::MAX, f32::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    // A pattern too fine to be seen, or an outline too large, would only cost time.
    let stripes = (last - first) / pattern.pitch;
    if outline.len() < 3 || !(stripes.is_finite() && stripes < 2000.0) {
        return Shape::Noop;
    }
    let smooth = (0.5 / pixels_per_point.max(0.1)).min(pattern.width / 2.0);
    let half = pattern.width / 2.0;
    let mut cut = Cut::default();
    let mut stripe = (first / pattern.pitch).floor() as i32;
    while stripe as f32 * pattern.pitch - pattern.width < last {
        let middle = stripe as f32 * pattern.pitch;
        // Opacity rises, stays and falls across the stripe.
        let [a, b, c, d] = [-half - smooth, -half + smooth, half - smooth, half + smooth]
            .map(|part| middle + part);
        for (from, to, alpha_from, alpha_to) in
            [(a, b, 0.0, 1.0), (b, c, 1.0, 1.0), (c, d, 1.0, 0.0)]
        {
            let corners = cut.band(outline, across, from, to);
            let base = mesh.vertices.len() as u32;
            for &corner in corners {
                let share = ((across(corner) - from) / (to - from).max(1e-6)).clamp(0.0, 1.0);
                let alpha = alpha_from + (alpha_to - alpha_from) * share;
                mesh.vertices.push(Vertex::untextured(
                    corner,
                    pattern.colour.gamma_multiply(alpha),
                ));
            }
            for i in 2..corners.len() as u32 {
                mesh.add_triangle(base, base + i - 1, base + i);
            }
        }
        stripe += 1;
    }
    Shape::mesh(mesh)
}

/// Cuts bands out of convex outlines, keeping its buffers.
#[derive(Default)]
struct Cut {
    half: Vec<Pos2>,
    whole: Vec<Pos2>,
}

impl Cut {
    fn band(
        &mut self,
        outline: &[Pos2],
        across: impl Fn(Pos2) -> f32,
        from: f32,
        to: f32,
    ) -> &[Pos2] {
        clip(outline, |point| across(point) - from, &mut self.half);
        clip(&self.half, |point| to - across(point), &mut self.whole);
        &self.whole
    }
}

/// Keeps the part of a convex outline where `inside` is not negative (Sutherland and Hodgman, 1974).
fn clip(outline: &[Pos2], inside: impl Fn(Pos2) -> f32, out: &mut Vec<Pos2>) {
    out.clear();
    for (i, &point) in outline.iter().enumerate() {
        let before = outline[(i + outline.len() - 1) % outline.len()];
        let (value, value_before) = (inside(point), inside(before));
        if (value < 0.0) != (value_before < 0.0) {
            out.push(before + (point - before) * (value_before / (value_before - value)));
        }
        if value >= 0.0 {
            out.push(point);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Rect, pos2, vec2};

    #[test]
    fn stripes_cover_their_share_and_stay_inside() {
        let rect = Rect::from_min_size(pos2(3.0, 7.0), vec2(100.0, 80.0));
        let outline = [
            rect.left_top(),
            rect.right_top(),
            rect.right_bottom(),
            rect.left_bottom(),
        ];
        let pattern = Hatch {
            pitch: 5.0,
            width: 1.8,
            colour: Color32::WHITE,
        };
        let Shape::Mesh(mesh) = hatch(&outline, rect.left_top(), pattern, 1.0) else {
            panic!("no mesh");
        };
        let mut area = 0.0;
        for corners in mesh.indices.chunks_exact(3) {
            let [a, b, c] = [0, 1, 2].map(|i| mesh.vertices[corners[i] as usize]);
            assert!(rect.expand(1e-3).contains(a.pos));
            let opacity = [a, b, c]
                .map(|v| f32::from(v.color.a()))
                .iter()
                .sum::<f32>()
                / 3.0
                / 255.0;
            let (ab, ac) = (b.pos - a.pos, c.pos - a.pos);
            area += opacity * (ab.x * ac.y - ab.y * ac.x).abs() / 2.0;
        }
        let share = area / rect.area();
        assert!((share - 1.8 / 5.0).abs() < 0.01, "{share}");
    }

    #[test]
    fn nothing_is_drawn_where_nothing_can_be_seen() {
        let pattern = Hatch {
            pitch: 1e-4,
            width: 1e-5,
            colour: Color32::WHITE,
        };
        let outline = [pos2(0.0, 0.0), pos2(900.0, 0.0), pos2(900.0, 900.0)];
        assert!(matches!(
            hatch(&outline, Pos2::ZERO, pattern, 1.0),
            Shape::Noop
        ));
        assert!(matches!(
            hatch(
                &[],
                Pos2::ZERO,
                Hatch {
                    pitch: 4.0,
                    ..pattern
                },
                1.0
            ),
            Shape::Noop
        ));
    }
}
