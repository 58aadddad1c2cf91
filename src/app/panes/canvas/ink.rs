//! Painting in the topology's coordinates, with text laid out at the zoomed size and kept from frame to frame.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use egui::{Align, Color32, Galley, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, pos2, vec2};

use super::transform::{READABLE_ZOOM, Transform};
use crate::app::icons::Icon;
use crate::app::theme::{self, Palette, Weight, size};

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub struct Face {
    /// Its size, in points.
    pub points: f32,
    /// Its weight.
    pub weight: Weight,
    /// Its colour.
    pub colour: Color32,
}

/// A face by its parts.
pub fn face(points: f32, weight: Weight, colour: Color32) -> Face {
    Face {
        points,
        weight,
        colour,
    }
}

/// A brush that takes world coordinates.
pub struct Ink<'a> {
    /// Where it paints.
    pub painter: &'a Painter,
    /// Pan and zoom.
    pub transform: Transform,
    /// Colours.
    pub palette: &'a Palette,
    /// Laid out text.
    pub texts: &'a mut Texts,
}

impl Ink<'_> {
    /// Whether small text is legible at this zoom.
    pub fn readable(&self) -> bool {
        self.transform.zoom >= READABLE_ZOOM
    }

    /// Screen points a world point.
    pub fn zoom(&self) -> f32 {
        self.transform.zoom
    }

    /// A point on the screen.
    pub fn at(&self, x: f32, y: f32) -> Pos2 {
        self.transform.at(pos2(x, y))
    }

    /// A rectangle on the screen.
    pub fn rect(&self, world: Rect) -> Rect {
        self.transform.rect(world)
    }

    /// A filled rectangle with rounded corners.
    pub fn fill(&self, world: Rect, corner: f32, colour: Color32) {
        self.painter
            .rect_filled(self.rect(world), corner * self.zoom(), colour);
    }

    /// An outline inside a rectangle with rounded corners; its width is not zoomed.
    pub fn outline(&self, world: Rect, corner: f32, stroke: Stroke) {
        self.painter.rect_stroke(
            self.rect(world),
            corner * self.zoom(),
            stroke,
            StrokeKind::Inside,
        );
    }

    /// A dashed outline.
    pub fn dashed(&self, world: Rect, corner: f32, stroke: Stroke) {
        let rect = self.rect(world).shrink(stroke.width / 2.0);
        let shapes = theme::dashed_rect(rect, corner * self.zoom(), stroke, 5.0, 4.0);
        self.painter.extend(shapes);
    }

    /// A straight line; its width is zoomed.
    pub fn line(&self, from: (f32, f32), to: (f32, f32), width: f32, colour: Color32) {
        let points = [self.at(from.0, from.1), self.at(to.0, to.1)];
        self.painter
            .line_segment(points, Stroke::new(width * self.zoom(), colour));
    }

    /// A disc.
    pub fn disc(&self, x: f32, y: f32, radius: f32, colour: Color32) {
        self.painter
            .circle_filled(self.at(x, y), radius * self.zoom(), colour);
    }

    /// An icon around a point.
    pub fn icon(&self, icon: Icon, x: f32, y: f32, side: f32, colour: Color32) {
        let width = theme::stroke::ICON * self.zoom().max(0.6);
        icon.paint_stroked(
            self.painter,
            self.at(x, y),
            side * self.zoom(),
            width,
            colour,
        );
    }

    /// One line of text with its baseline at `y`; returns its width in the world. Left out where it would be illegible.
    pub fn text(&mut self, x: f32, y: f32, align: Align, text: &str, face: Face) -> f32 {
        if !self.readable() || text.is_empty() {
            return 0.0;
        }
        let at = self.at(x, y);
        let zoomed = Face {
            points: face.points * self.zoom(),
            ..face
        };
        self.text_on_screen(at, align, text, zoomed) / self.zoom()
    }

    /// The same, cut with an ellipsis to `room` world points.
    pub fn text_within(
        &mut self,
        x: f32,
        y: f32,
        align: Align,
        room: f32,
        text: &str,
        face: Face,
    ) -> f32 {
        let Face { points, weight, .. } = face;
        if !self.readable() {
            return 0.0;
        }
        let on_screen = points * self.zoom();
        let text = self.cut(text, on_screen, weight, room * self.zoom(), |kept| {
            (kept, 0)
        });
        self.text(x, y, align, &text, face)
    }

    /// A name of which its beginning and its end are shown where it does not fit: names made by a machine differ at the
    /// end. Sizes are those of the screen.
    pub fn elided<'t>(
        &mut self,
        text: &'t str,
        points: f32,
        weight: Weight,
        room: f32,
    ) -> Cow<'t, str> {
        self.cut(text, points, weight, room, |kept| {
            (kept.div_ceil(2), kept / 2)
        })
    }

    /// A text with an ellipsis in place of what there is no room for; `keep` says how many letters of so many stand
    /// before it and after it.
    fn cut<'t>(
        &mut self,
        text: &'t str,
        points: f32,
        weight: Weight,
        room: f32,
        keep: impl Fn(usize) -> (usize, usize),
    ) -> Cow<'t, str> {
        if self.screen_width(text, points, weight) <= room {
            return Cow::Borrowed(text);
        }
        let letters: Vec<char> = text.chars().collect();
        let with = |kept: usize| -> String {
            let (before, after) = keep(kept);
            let before: String = letters[..before].iter().collect();
            let after: String = letters[letters.len() - after..].iter().collect();
            format!("{}…{}", before.trim_end(), after.trim_start())
        };
        // The most that fits: from 0 on, everything up to it does.
        let (mut fits, mut beyond) = (0, letters.len());
        while fits + 1 < beyond {
            let middle = fits.midpoint(beyond);
            if self.screen_width(&with(middle), points, weight) <= room {
                fits = middle;
            } else {
                beyond = middle;
            }
        }
        if fits == 0 {
            Cow::Borrowed("")
        } else {
            Cow::Owned(with(fits))
        }
    }

    /// Small text, 11 points.
    pub fn small(&mut self, x: f32, y: f32, align: Align, text: &str, colour: Color32) -> f32 {
        self.text(
            x,
            y,
            align,
            text,
            face(size::SMALL, Weight::Regular, colour),
        )
    }

    /// How wide a text is in the world.
    pub fn width(&mut self, text: &str, points: f32, weight: Weight) -> f32 {
        self.screen_width(text, points * self.zoom(), weight) / self.zoom()
    }

    /// How wide a text is on the screen, in a size that is not zoomed.
    pub fn screen_width(&mut self, text: &str, points: f32, weight: Weight) -> f32 {
        let kept = self.texts.get(self.painter, text, points, weight);
        kept.galley.size().x
    }

    /// One line of text with its baseline at a point of the screen, in a size that is not zoomed; returns its width.
    pub fn text_on_screen(&mut self, at: Pos2, align: Align, text: &str, face: Face) -> f32 {
        let kept = self.texts.get(self.painter, text, face.points, face.weight);
        let width = kept.galley.size().x;
        let x = match align {
            Align::Min => at.x,
            Align::Center => at.x - width / 2.0,
            Align::Max => at.x - width,
        };
        let shape = Shape::galley(
            pos2(x, at.y - kept.baseline),
            kept.galley.clone(),
            face.colour,
        );
        self.painter.add(shape);
        width
    }

    /// A badge from its top left corner, at most `room` wide; returns its width in the world.
    pub fn badge(
        &mut self,
        x: f32,
        y: f32,
        room: f32,
        icon: Icon,
        text: &str,
        filled: bool,
    ) -> f32 {
        let palette = self.palette;
        let text_width = self
            .width(text, size::SMALL, Weight::Medium)
            .min((room - 31.0).max(0.0));
        let width = if text.is_empty() {
            24.0
        } else if self.readable() {
            text_width + 31.0
        } else {
            60.0
        };
        let rect = Rect::from_min_size(pos2(x, y), vec2(width, theme::height::BADGE));
        if filled {
            self.fill(rect, theme::radius::TAG, palette.raised);
        } else {
            self.outline(
                rect,
                theme::radius::TAG,
                Stroke::new(theme::stroke::HAIR, palette.edge),
            );
        }
        self.icon(icon, x + 12.0, y + 10.0, 14.0, palette.text2);
        self.text_within(
            x + 23.0,
            y + 14.0,
            Align::Min,
            text_width + 0.5,
            text,
            face(size::SMALL, Weight::Medium, palette.text2),
        );
        width
    }
}

/// Laid out lines of text. A number that changes a few times a second and a zoom that stands cost nothing in between.
#[derive(Default)]
pub struct Texts {
    kept: HashMap<u64, Kept>,
    pass: u64,
    probe: Option<Arc<Galley>>,
    pixels_per_point: f32,
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Texts({})", self.kept.len())
    }
}

/// A line of text, laid out.
#[derive(Clone)]
pub struct Kept {
    /// The layout; its colour is given when it is painted.
    pub galley: Arc<Galley>,
    /// From its top to its baseline.
    pub baseline: f32,
    pass: u64,
}

impl Texts {
    /// Call once a frame, before painting.
    pub fn begin(&mut self, ctx: &egui::Context, painter: &Painter) {
        let pass = ctx.cumulative_pass_nr();
        // A full atlas is emptied, as it is for another theme, and with it egui's own layouts: then it makes this one anew.
        let font = theme::font(size::BODY, Weight::Regular);
        let probe = painter.layout_no_wrap("0".to_owned(), font, Color32::PLACEHOLDER);
        let same_atlas = self
            .probe
            .as_ref()
            .is_some_and(|before| Arc::ptr_eq(before, &probe));
        if !same_atlas || painter.pixels_per_point() != self.pixels_per_point {
            self.kept.clear();
        } else if pass.is_multiple_of(64) {
            self.kept.retain(|_, kept| kept.pass + 64 > pass);
        }
        self.pass = pass;
        self.probe = Some(probe);
        self.pixels_per_point = painter.pixels_per_point();
    }

    /// A line of text in a size of screen points, rounded to half a point so that zooming does not fill the font atlas.
    pub fn get(&mut self, painter: &Painter, text: &str, points: f32, weight: Weight) -> Kept {
        let half_points = (points * 2.0).round().max(2.0);
        let key = egui::util::hash((text, half_points as u32, weight as u8));
        if let Some(kept) = self.kept.get_mut(&key)
            && kept.galley.text() == text
        {
            kept.pass = self.pass;
            return kept.clone();
        }
        let font = theme::font(half_points / 2.0, weight);
        let galley = painter.layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER);
        let baseline = galley
            .rows
            .first()
            .and_then(|row| Some(row.pos.y + row.row.glyphs.first()?.pos.y))
            .unwrap_or_default();
        let kept = Kept {
            galley,
            baseline,
            pass: self.pass,
        };
        self.kept.insert(key, kept.clone());
        kept
    }
}
