//! Draws egui's triangles without a display or a graphics card: pictures for tests, for `export --to png`, and to take away.
//!
//! The same as egui's OpenGL painter does, in whole numbers where it decides which pixels a triangle covers: edges are
//! exact (1/256 pixel, top-left rule), so two triangles that share an edge neither overlap nor leave a gap, and the
//! picture is the same on every machine. Colours are premultiplied and blended in gamma space.

use std::collections::HashMap;

use egui::epaint::{ClippedPrimitive, ClippedShape, ColorImage, ImageData, Primitive, Vertex};
use egui::{
    Color32, Context, FullOutput, LayerId, Pos2, RawInput, Rect, TextureFilter, TextureId,
    TextureOptions, TexturesDelta, Ui, Vec2, ViewportId,
};

use crate::app::picture::vector;
use crate::app::theme;

/// A picture: 8 bits of red, green, blue and alpha a pixel, premultiplied, from the top left, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// `width * height` pixels.
    pub pixels: Vec<Color32>,
}

impl Image {
    /// A picture of one colour.
    pub fn filled(width: usize, height: usize, colour: Color32) -> Self {
        Self {
            width,
            height,
            pixels: vec![colour; width * height],
        }
    }

    /// The picture as egui has pictures, for the clipboard.
    pub fn to_egui(self) -> ColorImage {
        ColorImage::new([self.width, self.height], self.pixels)
    }

    /// The picture as a PNG file.
    pub fn to_png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        let data: Vec<u8> = self
            .pixels
            .iter()
            .flat_map(Color32::to_srgba_unmultiplied)
            .collect();
        let written = encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&data));
        // Writing to memory fails only for a picture without pixels, which is then an empty file.
        if written.is_err() {
            bytes.clear();
        }
        bytes
    }

    /// Reads a PNG file of 8 bits RGBA, such as [`Image::to_png`] writes.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn from_png(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .map_err(|error| error.to_string())?;
        let mut data = vec![
            0;
            reader
                .output_buffer_size()
                .ok_or("the picture is too large")?
        ];
        let info = reader
            .next_frame(&mut data)
            .map_err(|error| error.to_string())?;
        if info.color_type != png::ColorType::Rgba || info.bit_depth != png::BitDepth::Eight {
            return Err("the picture is not 8 bit RGBA".into());
        }
        let pixels = data
            .chunks_exact(4)
            .map(|p| Color32::from_rgba_unmultiplied(p[0], p[1], p[2], p[3]))
            .collect();
        Ok(Self {
            width: info.width as usize,
            height: info.height as usize,
            pixels,
        })
    }

    /// How many pixels differ by more than `tolerance` (0 to 255) in any channel; `None` if the sizes differ.
    pub fn pixels_that_differ(&self, other: &Self, tolerance: u8) -> Option<usize> {
        if (self.width, self.height) != (other.width, other.height) {
            return None;
        }
        let differs = |(a, b): &(&Color32, &Color32)| {
            a.to_array()
                .iter()
                .zip(b.to_array())
                .any(|(&x, y)| x.abs_diff(y) > tolerance)
        };
        Some(
            self.pixels
                .iter()
                .zip(&other.pixels)
                .filter(differs)
                .count(),
        )
    }
}

/// Runs a user interface without input until it has settled, and draws it.
///
/// `size` is in points; the picture has `size * pixels_per_point` pixels. Fonts and styles are [`theme::install`]ed, the
/// ground is the theme's panel.
pub fn render_ui(size: Vec2, pixels_per_point: f32, dark: bool, run: impl FnMut(&mut Ui)) -> Image {
    let settings = theme::Settings::default();
    Settled::new(size, pixels_per_point, (dark, settings), run).image()
}

/// What a user interface without input paints once it has settled.
pub struct Settled {
    ctx: Context,
    raster: Raster,
    output: FullOutput,
    size: Vec2,
}

impl Settled {
    /// Runs it in a context of its own, dark or light.
    pub fn new(
        size: Vec2,
        pixels_per_point: f32,
        (dark, settings): (bool, theme::Settings),
        mut run: impl FnMut(&mut Ui),
    ) -> Self {
        let ctx = Context::default();
        theme::install(&ctx, settings);
        theme::set(&ctx, dark);
        let mut raster = Raster::default();
        let mut output = FullOutput::default();
        // Areas and grids need a second pass to know their size.
        for frame in 0..3 {
            let mut input = RawInput {
                screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)),
                time: Some(f64::from(frame)),
                ..RawInput::default()
            };
            if let Some(viewport) = input.viewports.get_mut(&ViewportId::ROOT) {
                viewport.native_pixels_per_point = Some(pixels_per_point);
            }
            output = ctx.run_ui(input, &mut run);
            raster.apply(&mut output.textures_delta);
        }
        Self {
            ctx,
            raster,
            output,
            size,
        }
    }

    /// As pixels.
    pub fn image(self) -> Image {
        let scale = self.output.pixels_per_point;
        let primitives = self.ctx.tessellate(self.output.shapes, scale);
        let ground = theme::palette(&self.ctx).panel;
        self.raster.draw(&primitives, self.size, scale, ground)
    }

    /// As a drawing of that title, an SVG document.
    pub fn svg(&self, title: &str) -> String {
        let ground = theme::palette(&self.ctx).panel;
        vector::svg(&self.output.shapes, self.size, ground, title)
    }
}

/// A frame of a window as triangles, with the letters in it: can be drawn on another thread, whatever comes after it.
pub struct Frame {
    raster: Raster,
    primitives: Vec<ClippedPrimitive>,
    size: Vec2,
    pixels_per_point: f32,
    ground: Color32,
}

impl Frame {
    /// What has been painted so far in the frame that is being made.
    pub fn of(ctx: &Context) -> Self {
        let mut layers: Vec<LayerId> = ctx.memory(|memory| memory.layer_ids().collect());
        if !layers.contains(&LayerId::background()) {
            layers.insert(0, LayerId::background());
        }
        // From below to above, as egui itself goes through them.
        layers.sort_by_key(|layer| layer.order);
        let shapes: Vec<ClippedShape> = ctx.graphics(|graphics| {
            let lists = layers.iter().filter_map(|layer| graphics.get(*layer));
            lists.flat_map(|list| list.all_entries().cloned()).collect()
        });
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method alone is not general enough over lifetimes"
        )]
        let letters = ctx.fonts(|fonts| fonts.image());
        let mut raster = Raster::default();
        raster
            .textures
            .insert(TextureId::default(), Texture::of(&letters, true));
        let pixels_per_point = ctx.pixels_per_point();
        Self {
            raster,
            primitives: ctx.tessellate(shapes, pixels_per_point),
            size: ctx.content_rect().size(),
            pixels_per_point,
            ground: theme::palette(ctx).panel,
        }
    }

    /// As pixels.
    pub fn image(&self) -> Image {
        let Self {
            raster,
            primitives,
            size,
            pixels_per_point,
            ground,
        } = self;
        raster.draw(primitives, *size, *pixels_per_point, *ground)
    }
}

/// Keeps the textures (the font atlas above all) and draws frames with them.
#[derive(Default)]
pub struct Raster {
    textures: HashMap<TextureId, Texture>,
    /// No longer needed once the current frame has been drawn.
    freed: Vec<TextureId>,
}

struct Texture {
    width: usize,
    height: usize,
    pixels: Vec<Color32>,
    linear: bool,
}

impl Raster {
    /// Takes over new, changed and freed textures. Call once a frame, before drawing it.
    #[expect(
        clippy::iter_over_hash_type,
        reason = "each texture stands for itself, in any order"
    )]
    pub fn apply(&mut self, delta: &mut TexturesDelta) {
        for id in self.freed.drain(..) {
            self.textures.remove(&id);
        }
        self.freed.extend(delta.free.drain());
        for (id, changes) in delta.set.drain() {
            for change in changes {
                let ImageData::Color(image) = &change.image;
                match change.pos {
                    None => {
                        let texture = Texture::of(image, is_linear(change.options));
                        self.textures.insert(id, texture);
                    }
                    Some([x, y]) => {
                        if let Some(texture) = self.textures.get_mut(&id) {
                            texture.patch(x, y, image.size, &image.pixels);
                        }
                    }
                }
            }
        }
    }

    /// Draws one frame of `size` points on a ground of one colour.
    pub fn draw(
        &self,
        primitives: &[ClippedPrimitive],
        size: Vec2,
        pixels_per_point: f32,
        ground: Color32,
    ) -> Image {
        let side = |points: f32| (points * pixels_per_point).round().max(0.0) as usize;
        let mut image = Image::filled(side(size.x), side(size.y), ground);
        for ClippedPrimitive {
            clip_rect,
            primitive,
        } in primitives
        {
            let Primitive::Mesh(mesh) = primitive else {
                continue; // A paint callback speaks to a graphics card.
            };
            let Some(texture) = self.textures.get(&mesh.texture_id) else {
                continue;
            };
            let clip = Clip::new(*clip_rect, pixels_per_point, &image);
            for corners in mesh.indices.chunks_exact(3) {
                let corner =
                    |i: usize| Corner::new(&mesh.vertices[corners[i] as usize], pixels_per_point);
                fill([corner(0), corner(1), corner(2)], texture, clip, &mut image);
            }
        }
        image
    }
}

fn is_linear(options: TextureOptions) -> bool {
    options.magnification == TextureFilter::Linear
}

impl Texture {
    fn of(image: &ColorImage, linear: bool) -> Self {
        Self {
            width: image.size[0],
            height: image.size[1],
            pixels: image.pixels.clone(),
            linear,
        }
    }

    fn patch(&mut self, x: usize, y: usize, [width, height]: [usize; 2], pixels: &[Color32]) {
        if x + width > self.width || y + height > self.height || width == 0 {
            return;
        }
        for (row, source) in pixels.chunks_exact(width).enumerate().take(height) {
            let start = (y + row) * self.width + x;
            self.pixels[start..start + width].copy_from_slice(source);
        }
    }

    fn texel(&self, x: i32, y: i32) -> Color32 {
        let x = x.clamp(0, self.width as i32 - 1) as usize;
        let y = y.clamp(0, self.height as i32 - 1) as usize;
        self.pixels[y * self.width + x]
    }

    /// The colour at (u, v) in 0 to 1, each channel 0 to 255.
    fn sample(&self, u: f32, v: f32) -> [f32; 4] {
        let (x, y) = (u * self.width as f32, v * self.height as f32);
        if !self.linear {
            return channels(self.texel(x.floor() as i32, y.floor() as i32));
        }
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (fx, fy) = (x - left, y - top);
        let (left, top) = (left as i32, top as i32);
        // Glyphs lie on whole pixels, so most samples hit the middle of a texel.
        const HIT: f32 = 1.0 / 512.0;
        if [fx, fy]
            .iter()
            .all(|part| !(HIT..=1.0 - HIT).contains(part))
        {
            return channels(self.texel(left + i32::from(fx > 0.5), top + i32::from(fy > 0.5)));
        }
        let [a, b, c, d] = [(0, 0), (1, 0), (0, 1), (1, 1)]
            .map(|(dx, dy)| channels(self.texel(left + dx, top + dy)));
        std::array::from_fn(|i| {
            let upper = a[i] + (b[i] - a[i]) * fx;
            let lower = c[i] + (d[i] - c[i]) * fx;
            upper + (lower - upper) * fy
        })
    }
}

fn channels(colour: Color32) -> [f32; 4] {
    colour.to_array().map(f32::from)
}

/// The pixels that may be painted: from `min` up to but without `max`.
#[derive(Clone, Copy)]
struct Clip {
    min: [i64; 2],
    max: [i64; 2],
}

impl Clip {
    fn new(rect: Rect, pixels_per_point: f32, image: &Image) -> Self {
        let edge = |points: f32, side: usize| {
            ((points * pixels_per_point).round() as i64).clamp(0, side as i64)
        };
        Self {
            min: [
                edge(rect.min.x, image.width),
                edge(rect.min.y, image.height),
            ],
            max: [
                edge(rect.max.x, image.width),
                edge(rect.max.y, image.height),
            ],
        }
    }
}

/// Parts of a pixel.
const SUB: f32 = 256.0;

#[derive(Clone, Copy)]
struct Corner {
    /// In 1/256 of a pixel.
    x: i64,
    y: i64,
    uv: Pos2,
    colour: Color32,
}

impl Corner {
    fn new(vertex: &Vertex, pixels_per_point: f32) -> Self {
        // Far outside is as good as further outside, and keeps the products below in 64 bits.
        let fixed = |points: f32| {
            let parts = points * pixels_per_point * SUB;
            if parts.is_finite() {
                parts.round().clamp(-3e8, 3e8) as i64
            } else {
                0
            }
        };
        Self {
            x: fixed(vertex.pos.x),
            y: fixed(vertex.pos.y),
            uv: vertex.uv,
            colour: vertex.color,
        }
    }
}

/// One side of a triangle: a pixel is inside when its `value` is not negative.
#[derive(Clone, Copy)]
struct Edge {
    /// Value at the middle of the first pixel of the current row.
    row: i64,
    /// Change from a pixel to the next on its right, and to the one below.
    right: i64,
    down: i64,
}

impl Edge {
    fn new(a: Corner, b: Corner, x: i64, y: i64) -> Self {
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        // A pixel right on a side belongs to the triangle whose top or left side it is, and to no other.
        let bias = if dy < 0 || dy == 0 && dx > 0 { 0 } else { -1 };
        let half = SUB as i64 / 2;
        let (px, py) = (x * SUB as i64 + half, y * SUB as i64 + half);
        Self {
            row: dx * (py - a.y) - dy * (px - a.x) + bias,
            right: -dy * SUB as i64,
            down: dx * SUB as i64,
        }
    }

    /// Narrows the pixels `from..to` (counted from the first of the row) to those inside.
    fn narrow(self, from: &mut i64, to: &mut i64) {
        if self.right > 0 {
            *from = (*from).max(
                (-self.row).div_euclid(self.right)
                    + i64::from((-self.row).rem_euclid(self.right) != 0),
            );
        } else if self.right < 0 {
            *to = (*to).min(self.row.div_euclid(-self.right) + 1);
        } else if self.row < 0 {
            *to = *from;
        }
    }
}

fn fill(mut corners: [Corner; 3], texture: &Texture, clip: Clip, image: &mut Image) {
    let area = {
        let [a, b, c] = corners;
        (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
    };
    if area == 0 {
        return;
    }
    if area < 0 {
        corners.swap(1, 2);
    }
    let [a, b, c] = corners;
    let one = SUB as i64;
    let left = (a.x.min(b.x).min(c.x).div_euclid(one)).max(clip.min[0]);
    let top = (a.y.min(b.y).min(c.y).div_euclid(one)).max(clip.min[1]);
    let right = (a.x.max(b.x).max(c.x).div_euclid(one) + 1).min(clip.max[0]);
    let bottom = (a.y.max(b.y).max(c.y).div_euclid(one) + 1).min(clip.max[1]);
    if left >= right || top >= bottom {
        return;
    }
    let mut edges = [
        Edge::new(b, c, left, top),
        Edge::new(c, a, left, top),
        Edge::new(a, b, left, top),
    ];
    let flat = a.colour == b.colour && b.colour == c.colour;
    let plain = a.uv == b.uv && b.uv == c.uv;
    let texel = texture.sample(a.uv.x, a.uv.y);
    let paint = if flat && plain {
        Paint::Flat(modulate(channels(a.colour), texel))
    } else {
        Paint::Varying {
            corners,
            texel: plain.then_some(texel),
            area: area.unsigned_abs() as f32,
        }
    };
    for y in top..bottom {
        let (mut from, mut to) = (0, right - left);
        for edge in &edges {
            edge.narrow(&mut from, &mut to);
        }
        if from < to {
            let start = y as usize * image.width + left as usize;
            let row = &mut image.pixels[start + from as usize..start + to as usize];
            paint.row(row, &edges, from, texture);
        }
        for edge in &mut edges {
            edge.row += edge.down;
        }
    }
}

enum Paint {
    Flat([f32; 4]),
    Varying {
        corners: [Corner; 3],
        /// The texture's colour, where it is the same all over.
        texel: Option<[f32; 4]>,
        area: f32,
    },
}

impl Paint {
    fn row(&self, row: &mut [Color32], edges: &[Edge; 3], from: i64, texture: &Texture) {
        match self {
            Self::Flat(colour) => {
                let source = quantised(*colour);
                match source.a() {
                    255 => row.fill(source),
                    0 if source == Color32::TRANSPARENT => {}
                    _ => row
                        .iter_mut()
                        .for_each(|pixel| *pixel = over(*colour, *pixel)),
                }
            }
            Self::Varying {
                corners,
                texel,
                area,
            } => {
                let colours = corners.map(|corner| channels(corner.colour));
                for (i, pixel) in row.iter_mut().enumerate() {
                    let along = from + i as i64;
                    let weight = |edge: &Edge| (edge.row + edge.right * along) as f32 / area;
                    let (w0, w1) = (weight(&edges[0]), weight(&edges[1]));
                    let w2 = 1.0 - w0 - w1;
                    let tint: [f32; 4] = std::array::from_fn(|k| {
                        w0 * colours[0][k] + w1 * colours[1][k] + w2 * colours[2][k]
                    });
                    let texel = texel.unwrap_or_else(|| {
                        let [a, b, c] = corners.map(|corner| corner.uv);
                        texture.sample(
                            w0 * a.x + w1 * b.x + w2 * c.x,
                            w0 * a.y + w1 * b.y + w2 * c.y,
                        )
                    });
                    *pixel = over(modulate(tint, texel), *pixel);
                }
            }
        }
    }
}

fn modulate(tint: [f32; 4], texel: [f32; 4]) -> [f32; 4] {
    std::array::from_fn(|i| (tint[i] * texel[i] / 255.0).clamp(0.0, 255.0))
}

fn quantised(colour: [f32; 4]) -> Color32 {
    let [r, g, b, a] = colour.map(|channel| (channel + 0.5) as u8);
    Color32::from_rgba_premultiplied(r, g, b, a)
}

/// Premultiplied source over destination.
fn over(source: [f32; 4], destination: Color32) -> Color32 {
    let keep = 1.0 - source[3] / 255.0;
    let under = channels(destination);
    quantised(std::array::from_fn(|i| {
        (source[i] + under[i] * keep).min(255.0)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::epaint::Mesh;
    use egui::{StrokeKind, pos2, vec2};

    fn white() -> Texture {
        Texture {
            width: 1,
            height: 1,
            pixels: vec![Color32::WHITE],
            linear: true,
        }
    }

    /// Two triangles that share a slanted side cover every pixel of their quad once, wherever it lies.
    #[test]
    fn triangles_that_share_a_side_paint_each_pixel_once() {
        for shift in [0.0, 0.13, 0.5, 0.77] {
            let mut image = Image::filled(20, 20, Color32::BLACK);
            let clip = Clip {
                min: [0, 0],
                max: [20, 20],
            };
            let half = Color32::from_rgba_premultiplied(100, 100, 100, 0); // Adds, so a pixel painted twice shows 200.
            let corner = |x: f32, y: f32| {
                Corner::new(&Vertex::untextured(pos2(x + shift, y + shift), half), 1.0)
            };
            let [a, b, c, d] = [
                corner(2.0, 3.0),
                corner(17.0, 2.0),
                corner(16.0, 18.0),
                corner(3.0, 15.0),
            ];
            fill([a, b, c], &white(), clip, &mut image);
            fill([a, d, c], &white(), clip, &mut image);
            for y in 5..14 {
                for x in 5..14 {
                    assert_eq!(
                        image.pixels[y * 20 + x].r(),
                        100,
                        "at {x}, {y} shifted by {shift}"
                    );
                }
            }
            assert!(image.pixels.iter().all(|pixel| pixel.r() <= 100));
        }
    }

    #[test]
    fn blending_is_premultiplied_in_gamma_space() {
        let source = channels(Color32::from_rgba_premultiplied(100, 0, 0, 100));
        assert_eq!(
            over(source, Color32::from_rgb(0, 0, 255)),
            Color32::from_rgb(100, 0, 155)
        );
        assert_eq!(
            over(channels(Color32::WHITE), Color32::BLACK),
            Color32::WHITE
        );
        assert_eq!(
            over(channels(Color32::TRANSPARENT), Color32::RED),
            Color32::RED
        );
    }

    #[test]
    fn a_texture_is_sampled_between_its_texels() {
        let texture = Texture {
            width: 2,
            height: 1,
            pixels: vec![Color32::BLACK, Color32::WHITE],
            linear: true,
        };
        assert_eq!(texture.sample(0.25, 0.5)[0], 0.0);
        assert_eq!(texture.sample(0.5, 0.5)[0], 127.5);
        assert_eq!(texture.sample(0.75, 0.5)[0], 255.0);
        assert_eq!(texture.sample(5.0, 0.5)[0], 255.0);
    }

    #[test]
    fn a_wild_mesh_does_not_panic() {
        let mut raster = Raster::default();
        let mut delta = TexturesDelta::default();
        let image = egui::epaint::ImageDelta::full(
            ImageData::Color(ColorImage::filled([1, 1], Color32::WHITE).into()),
            TextureOptions::LINEAR,
        );
        delta.push(TextureId::default(), image);
        raster.apply(&mut delta);
        let mut mesh = Mesh::default();
        for (x, y) in [
            (f32::NAN, 1.0),
            (f32::INFINITY, -1e30),
            (1e30, 5.0),
            (-5.0, 1e9),
            (3.0, 3.0),
            (9.0, 2.0),
        ] {
            mesh.colored_vertex(pos2(x, y), Color32::RED);
        }
        mesh.add_triangle(0, 1, 2);
        mesh.add_triangle(3, 4, 5);
        let primitive = ClippedPrimitive {
            clip_rect: Rect::EVERYTHING,
            primitive: Primitive::Mesh(mesh),
        };
        raster.draw(&[primitive], vec2(10.0, 10.0), 1.0, Color32::BLACK);
    }

    #[test]
    fn a_rectangle_and_text_arrive_where_they_were_put() {
        let image = render_ui(vec2(40.0, 30.0), 2.0, true, |ui| {
            ui.painter().rect(
                Rect::from_min_max(pos2(10.0, 10.0), pos2(30.0, 20.0)),
                0.0,
                Color32::RED,
                egui::Stroke::NONE,
                StrokeKind::Inside,
            );
        });
        assert_eq!((image.width, image.height), (80, 60));
        let at = |x: usize, y: usize| image.pixels[y * 80 + x];
        assert_eq!(at(20, 20), Color32::RED);
        assert_eq!(at(59, 39), Color32::RED);
        assert_eq!(at(18, 20), theme::Palette::of(true, false).panel);
        let png = image.to_png();
        assert_eq!(Image::from_png(&png).expect("our own picture"), image);
        assert_eq!(image.pixels_that_differ(&image, 0), Some(0));
    }
}
