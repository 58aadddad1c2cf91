//! Draws egui's shapes as SVG: the same painting as on the screen, as lines and letters that a document can hold.
//!
//! Text stays text, in the window's typeface where it is installed and as wide as it is there in any other. Shadows are
//! left out: they need filters, which not every program that shows SVG has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use egui::epaint::{
    CircleShape, ClippedShape, ColorMode, CubicBezierShape, EllipseShape, PathShape, PathStroke,
    QuadraticBezierShape, RectShape, StrokeKind, TextShape, WHITE_UV,
};
use egui::{Color32, CornerRadius, Mesh, Pos2, Rect, Shape, Stroke, Vec2, pos2};

use crate::app::theme;
use crate::report::svg::escaped;

/// Shapes as an SVG document of `size` points, on a ground of one colour, with a title for those who hear it.
pub fn svg(shapes: &[ClippedShape], size: Vec2, ground: Color32, title: &str) -> String {
    let (width, height) = (Number(size.x), Number(size.y));
    let mut drawing = Drawing {
        text: format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"'IBM Plex Sans', 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans Condensed', sans-serif\" \
             xml:space=\"preserve\">\n<title>{}</title>\n",
            escaped(title)
        ),
        clips: 0,
    };
    let page = Rect::from_min_size(Pos2::ZERO, size);
    drawing.element("rect", |out| {
        let _ = write!(out, " width=\"{width}\" height=\"{height}\"");
        colour(out, "fill", ground);
    });
    for shape in shapes {
        drawing.clipped(shape, page);
    }
    drawing.text.push_str("</svg>\n");
    drawing.text
}

/// The text so far.
struct Drawing {
    text: String,
    clips: u32,
}

/// A coordinate to the hundredth of a point.
struct Number(f32);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hundredths = (f64::from(self.0) * 100.0).round() / 100.0;
        // Never -0, and nothing that is no number.
        let value = if hundredths.is_finite() {
            hundredths + 0.0
        } else {
            0.0
        };
        write!(f, "{value}")
    }
}

impl Drawing {
    fn element(&mut self, name: &str, attributes: impl FnOnce(&mut String)) {
        self.text.push('<');
        self.text.push_str(name);
        attributes(&mut self.text);
        self.text.push_str("/>\n");
    }

    /// What is seen of a shape; a part of it, where only that is.
    fn clipped(
        &mut self,
        ClippedShape {
            clip_rect, shape, ..
        }: &ClippedShape,
        page: Rect,
    ) {
        let bounds = shape.visual_bounding_rect();
        let seen = clip_rect.intersect(page);
        if !bounds.is_finite() || !seen.is_positive() || !seen.intersects(bounds) {
            return;
        }
        let whole = seen.expand(0.5).contains_rect(bounds);
        let before = self.text.len();
        if !whole {
            let Rect { min, max } = seen;
            let _ = write!(
                self.text,
                "<clipPath id=\"c{n}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>\n<g clip-path=\"url(#c{n})\">\n",
                Number(min.x),
                Number(min.y),
                Number(max.x - min.x),
                Number(max.y - min.y),
                n = self.clips,
            );
        }
        let begun = self.text.len();
        self.shape(shape);
        if self.text.len() == begun {
            self.text.truncate(before);
        } else if !whole {
            self.text.push_str("</g>\n");
            self.clips += 1;
        }
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            // A callback speaks to a graphics card; nothing in the window paints a band.
            Shape::Noop | Shape::Callback(_) | Shape::Band(_) => {}
            Shape::Vec(shapes) => {
                for shape in shapes {
                    self.shape(shape);
                }
            }
            Shape::Circle(circle) => self.circle(circle),
            Shape::Ellipse(ellipse) => self.ellipse(ellipse),
            Shape::LineSegment { points, stroke } => {
                self.path(&line(points), Color32::TRANSPARENT, *stroke);
            }
            Shape::Path(PathShape {
                points,
                closed,
                fill,
                stroke,
            }) => {
                let mut d = line(points);
                if *closed {
                    d.push('Z');
                }
                self.path(&d, *fill, plain(stroke));
            }
            Shape::Rect(rect) => self.rect(rect),
            Shape::Text(text) => self.words(text),
            Shape::Mesh(mesh) => self.mesh(mesh),
            Shape::QuadraticBezier(QuadraticBezierShape {
                points: [a, b, c],
                closed,
                fill,
                stroke,
            }) => {
                let d = format!("M{}Q{} {}{}", at(*a), at(*b), at(*c), end(*closed));
                self.path(&d, *fill, plain(stroke));
            }
            Shape::CubicBezier(CubicBezierShape {
                points: [a, b, c, d],
                closed,
                fill,
                stroke,
            }) => {
                let path = format!(
                    "M{}C{} {} {}{}",
                    at(*a),
                    at(*b),
                    at(*c),
                    at(*d),
                    end(*closed)
                );
                self.path(&path, *fill, plain(stroke));
            }
        }
    }

    fn path(&mut self, d: &str, fill: Color32, stroke: Stroke) {
        if d.is_empty() || !paints(fill, stroke) {
            return;
        }
        self.element("path", |out| {
            let _ = write!(out, " d=\"{d}\"");
            look(out, fill, stroke);
        });
    }

    fn circle(&mut self, circle: &CircleShape) {
        let CircleShape {
            center,
            radius,
            fill,
            stroke,
        } = *circle;
        if paints(fill, stroke) {
            self.element("circle", |out| {
                let (x, y) = (Number(center.x), Number(center.y));
                let _ = write!(out, " cx=\"{x}\" cy=\"{y}\" r=\"{}\"", Number(radius));
                look(out, fill, stroke);
            });
        }
    }

    fn ellipse(&mut self, ellipse: &EllipseShape) {
        let EllipseShape {
            center,
            radius,
            fill,
            stroke,
            angle,
        } = *ellipse;
        if paints(fill, stroke) {
            self.element("ellipse", |out| {
                let (x, y) = (Number(center.x), Number(center.y));
                let (rx, ry) = (Number(radius.x), Number(radius.y));
                let _ = write!(out, " cx=\"{x}\" cy=\"{y}\" rx=\"{rx}\" ry=\"{ry}\"");
                turned(out, angle, center);
                look(out, fill, stroke);
            });
        }
    }

    fn rect(&mut self, shape: &RectShape) {
        let RectShape {
            rect,
            corner_radius,
            fill,
            stroke,
            stroke_kind,
            blur_width,
            angle,
            ..
        } = shape;
        if *blur_width > 0.0 || !paints(*fill, *stroke) {
            return;
        }
        // SVG knows only lines along the middle of an edge.
        let out_by = match stroke_kind {
            StrokeKind::Inside => -stroke.width / 2.0,
            StrokeKind::Middle => 0.0,
            StrokeKind::Outside => stroke.width / 2.0,
        };
        let edge = if stroke.is_empty() {
            *rect
        } else {
            rect.expand(out_by)
        };
        let CornerRadius { nw, ne, sw, se } = *corner_radius;
        let most = edge.size().min_elem() / 2.0;
        let round = |corner: u8| (f32::from(corner) + out_by).clamp(0.0, most.max(0.0));
        if nw == ne && ne == se && se == sw {
            self.element("rect", |out| {
                let (x, y) = (Number(edge.min.x), Number(edge.min.y));
                let (width, height) = (Number(edge.width()), Number(edge.height()));
                let _ = write!(
                    out,
                    " x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\""
                );
                if nw > 0 {
                    let _ = write!(out, " rx=\"{}\"", Number(round(nw)));
                }
                turned(out, *angle, rect.center());
                look(out, *fill, *stroke);
            });
            return;
        }
        let mut d = String::new();
        let corners = [
            (edge.left_top(), pos2(0.0, 1.0), pos2(1.0, 0.0), nw),
            (edge.right_top(), pos2(-1.0, 0.0), pos2(0.0, 1.0), ne),
            (edge.right_bottom(), pos2(0.0, -1.0), pos2(-1.0, 0.0), se),
            (edge.left_bottom(), pos2(1.0, 0.0), pos2(0.0, -1.0), sw),
        ];
        for (corner, from, to, radius) in corners {
            let radius = round(radius);
            let begin = if d.is_empty() { 'M' } else { 'L' };
            let (from, to) = (
                corner + from.to_vec2() * radius,
                corner + to.to_vec2() * radius,
            );
            let r = Number(radius);
            let _ = write!(d, "{begin}{}A{r} {r} 0 0 1 {}", at(from), at(to));
        }
        d.push('Z');
        self.path(&d, *fill, *stroke);
    }

    /// Triangles of one colour are one path, so that no gap shows between neighbours.
    fn mesh(&mut self, mesh: &Mesh) {
        let mut paths: BTreeMap<[u8; 4], String> = BTreeMap::new();
        for corners in mesh.indices.chunks_exact(3) {
            let corner = |i: usize| mesh.vertices.get(corners[i] as usize);
            let (Some(a), Some(b), Some(c)) = (corner(0), corner(1), corner(2)) else {
                continue;
            };
            // What has a texture is a picture of its own, which the window has none of.
            if [a, b, c].iter().any(|corner| corner.uv != WHITE_UV) {
                continue;
            }
            let mean = |channel: fn(Color32) -> u8| {
                let sum: u32 = [a, b, c].map(|v| u32::from(channel(v.color))).iter().sum();
                ((sum + 1) / 3) as u8
            };
            let colour = [
                mean(|c| c.r()),
                mean(|c| c.g()),
                mean(|c| c.b()),
                mean(|c| c.a()),
            ];
            let area = (b.pos - a.pos).rot90().dot(c.pos - a.pos);
            if colour == [0; 4] || area == 0.0 {
                continue;
            }
            // All turn the same way, for the sides that they share.
            let (b, c) = if area > 0.0 { (b, c) } else { (c, b) };
            let path = paths.entry(colour).or_default();
            path.push_str(&line(&[a.pos, b.pos, c.pos]));
            path.push('Z');
        }
        for ([r, g, b, a], d) in paths {
            let colour = Color32::from_rgba_premultiplied(r, g, b, a);
            self.path(&d, colour, Stroke::NONE);
        }
    }

    fn words(&mut self, text: &TextShape) {
        let TextShape {
            pos,
            galley,
            fallback_color,
            override_text_color,
            opacity_factor,
            angle,
            underline: _,
        } = text;
        let job = &galley.job;
        let mut byte = 0;
        for row in &galley.rows {
            let glyphs = &row.glyphs;
            let section_at = |byte: usize| {
                let sections = &job.sections;
                let at = sections.partition_point(|section| section.byte_range.end.0 <= byte);
                sections.get(at.min(sections.len().saturating_sub(1)))
            };
            let mut run = Run::default();
            for glyph in glyphs {
                let Some(section) = section_at(byte) else {
                    continue;
                };
                byte += glyph.chr.len_utf8();
                let vertex = row.visuals.mesh.vertices.get(glyph.first_vertex as usize);
                let own = match vertex.map(|vertex| vertex.color) {
                    // White space has no triangles, and takes the colour that its neighbours have.
                    None if !run.text.is_empty() => run.colour,
                    None | Some(Color32::PLACEHOLDER) => *fallback_color,
                    Some(colour) => colour,
                };
                let colour = override_text_color
                    .unwrap_or(own)
                    .gamma_multiply(*opacity_factor);
                let font = &section.format.font_id;
                let weight = theme::number_of(&font.family);
                let same = (run.size, run.weight, run.colour) == (font.size, weight, colour);
                if !same && !run.text.is_empty() {
                    self.run(&run, *angle, *pos);
                    run = Run::default();
                }
                if run.text.is_empty() {
                    run = Run {
                        at: *pos + row.pos.to_vec2() + glyph.pos.to_vec2(),
                        size: font.size,
                        weight,
                        colour,
                        ..Run::default()
                    };
                }
                run.text.push(glyph.chr);
                run.end = pos.x + row.pos.x + glyph.max_x();
            }
            self.run(&run, *angle, *pos);
            byte += usize::from(row.ends_with_newline);
        }
    }

    fn run(&mut self, run: &Run, angle: f32, around: Pos2) {
        let text = run.text.trim_end();
        if text.is_empty() || run.colour.a() == 0 {
            return;
        }
        let out = &mut self.text;
        let _ = write!(
            out,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\"",
            Number(run.at.x),
            Number(run.at.y),
            Number(run.size)
        );
        if run.weight != 400 {
            let _ = write!(out, " font-weight=\"{}\"", run.weight);
        }
        if text.len() == run.text.len() && text.chars().count() > 1 {
            let width = Number(run.end - run.at.x);
            let _ = write!(
                out,
                " textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\""
            );
        }
        turned(out, angle, around);
        colour(out, "fill", run.colour);
        let _ = writeln!(out, ">{}</text>", escaped(text));
    }
}

/// Letters in a row that look the same.
#[derive(Default)]
struct Run {
    text: String,
    /// Where the baseline begins.
    at: Pos2,
    end: f32,
    size: f32,
    weight: u32,
    colour: Color32,
}

fn paints(fill: Color32, stroke: Stroke) -> bool {
    fill.a() > 0 || !stroke.is_empty() && stroke.color.a() > 0
}

/// The stroke of a path; colours that change along it do not occur.
fn plain(stroke: &PathStroke) -> Stroke {
    match stroke.color {
        ColorMode::Solid(colour) => Stroke::new(stroke.width, colour),
        ColorMode::UV(_) => Stroke::NONE,
    }
}

fn look(out: &mut String, fill: Color32, stroke: Stroke) {
    colour(out, "fill", fill);
    if !stroke.is_empty() {
        colour(out, "stroke", stroke.color);
        let _ = write!(out, " stroke-width=\"{}\"", Number(stroke.width));
    }
}

fn colour(out: &mut String, what: &str, colour: Color32) {
    let [r, g, b, a] = colour.to_srgba_unmultiplied();
    if a == 0 {
        let _ = write!(out, " {what}=\"none\"");
        return;
    }
    let _ = write!(out, " {what}=\"#{r:02x}{g:02x}{b:02x}\"");
    if a < 255 {
        let share = (f32::from(a) / 255.0 * 1000.0).round() / 1000.0;
        let _ = write!(out, " {what}-opacity=\"{share}\"");
    }
}

fn turned(out: &mut String, angle: f32, around: Pos2) {
    if angle != 0.0 {
        let (x, y) = (Number(around.x), Number(around.y));
        let degrees = Number(angle.to_degrees());
        let _ = write!(out, " transform=\"rotate({degrees} {x} {y})\"");
    }
}

fn at(point: Pos2) -> String {
    format!("{} {}", Number(point.x), Number(point.y))
}

fn end(closed: bool) -> &'static str {
    if closed { "Z" } else { "" }
}

/// Straight lines from point to point; nothing with fewer than two.
fn line(points: &[Pos2]) -> String {
    if points.len() < 2 {
        return String::new();
    }
    let points: Vec<String> = points.iter().map(|point| at(*point)).collect();
    format!("M{}", points.join("L"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::picture::raster::Settled;
    use crate::app::theme::{Weight, font, size};
    use egui::{Align2, StrokeKind, vec2};

    fn drawn(paint: impl Fn(&egui::Painter)) -> String {
        let look = (true, theme::Settings::default());
        let settled = Settled::new(vec2(100.0, 50.0), 2.0, look, |ui| paint(ui.painter()));
        settled.svg("A <title>")
    }

    #[test]
    fn words_stay_words() {
        let svg = drawn(|painter| {
            let strong = font(size::BODY, Weight::Semibold);
            let at = pos2(10.0, 20.0);
            painter.text(at, Align2::LEFT_CENTER, "a < b  & c", strong, Color32::RED);
        });
        assert!(svg.contains("<title>A &lt;title&gt;</title>"));
        assert!(svg.contains(">a &lt; b  &amp; c</text>"), "{svg}");
        assert!(
            svg.contains("font-size=\"13\" font-weight=\"600\""),
            "{svg}"
        );
        assert!(svg.contains("fill=\"#ff0000\">"), "{svg}");
        assert!(svg.ends_with("</svg>\n"));
    }

    #[test]
    fn shapes_keep_their_place_and_colour() {
        let svg = drawn(|painter| {
            let rect = Rect::from_min_max(pos2(10.0, 10.0), pos2(30.0, 20.0));
            let stroke = Stroke::new(2.0, Color32::BLUE);
            painter.rect(rect, 4.0, Color32::RED, stroke, StrokeKind::Inside);
            painter.circle_filled(pos2(50.0, 20.0), 3.5, Color32::from_black_alpha(128));
            let clip = Rect::from_min_max(pos2(60.0, 0.0), pos2(70.0, 50.0));
            let ends = [pos2(55.0, 25.0), pos2(90.0, 25.0)];
            painter.with_clip_rect(clip).line_segment(ends, stroke);
            painter.circle_filled(pos2(500.0, 20.0), 3.5, Color32::RED);
        });
        assert!(
            svg.contains(
                "<rect x=\"11\" y=\"11\" width=\"18\" height=\"8\" rx=\"3\" fill=\"#ff0000\" stroke=\"#0000ff\" stroke-width=\"2\"/>"
            ),
            "{svg}"
        );
        assert!(
            svg.contains(
                "<circle cx=\"50\" cy=\"20\" r=\"3.5\" fill=\"#000000\" fill-opacity=\"0.502\"/>"
            ),
            "{svg}"
        );
        assert!(
            svg.contains("<rect x=\"60\" y=\"0\" width=\"10\" height=\"50\"/></clipPath>")
                && svg.contains("<path d=\"M55 25L90 25\" fill=\"none\" stroke=\"#0000ff\""),
            "{svg}"
        );
        assert_eq!(
            svg.matches("<circle").count(),
            1,
            "what is outside is left out"
        );
    }

    #[test]
    fn triangles_of_one_colour_are_one_path() {
        let svg = drawn(|painter| {
            let mut mesh = Mesh::default();
            let (a, b) = (pos2(10.0, 10.0), pos2(20.0, 20.0));
            mesh.add_colored_rect(Rect::from_min_max(a, b), Color32::GREEN);
            painter.add(mesh);
        });
        assert_eq!(svg.matches("<path").count(), 1, "{svg}");
        assert_eq!(svg.matches('Z').count(), 2, "{svg}");
    }
}
