//! A picture of a topology, drawn by the window's own renderer without a window: all of it, whatever part is in view.

use egui::{Pos2, Rect, Ui, Vec2, vec2};

use super::Canvas;
use super::interact::On;
use super::link;
use super::scene::Scene;
use super::transform::Transform;
use crate::app::picture::Look;
use crate::app::picture::raster::Settled;
use crate::app::run::state::View;
use crate::app::run::still::Still;
use crate::app::theme;
use crate::model::Topology;

/// Pixels a point.
const SCALE: f32 = 2.0;
/// Room around the cards, in points.
const MARGIN: f32 = 24.0;
/// No larger than a wall: points of a side, and of the whole (a picture takes 16 bytes for each while it is made).
const SIDE_MAX: f32 = 8192.0;
const AREA_MAX: f32 = 12e6;

/// The topology before it runs, as a PNG file.
pub fn png(topology: &Topology, dark: bool) -> Vec<u8> {
    let look = Look {
        dark,
        settings: theme::Settings::default(),
    };
    let canvas = Canvas::default().untouched();
    picture(canvas, &Still::before(topology), look)
        .image()
        .to_png()
}

/// What an [`untouched`](Canvas::untouched) canvas shows, whole: at 100 %, or as large as a picture can be.
pub fn picture(mut canvas: Canvas, still: &Still, look: Look) -> Settled {
    let view = still.view();
    let bounds = canvas.bounds(&view).size();
    let bounds = if bounds.is_finite() {
        bounds.max(Vec2::splat(1.0))
    } else {
        Vec2::splat(1.0)
    };
    let side = (SIDE_MAX - 2.0 * MARGIN) / bounds.max_elem();
    let zoom = side.min((AREA_MAX / bounds.x / bounds.y).sqrt()).min(1.0);
    let size = bounds * zoom + Vec2::splat(2.0 * MARGIN);
    let size = size.max(vec2(160.0, 120.0)).ceil();
    Settled::new(size, SCALE, (look.dark, look.settings), |ui| {
        let area = Rect::from_min_size(Pos2::ZERO, size);
        canvas.paint_alone(ui, area, zoom, &view);
    })
}

impl Canvas {
    /// All that is drawn, in the world.
    pub(super) fn bounds(&mut self, view: &View) -> Rect {
        let mut scene = Scene::measure(
            view,
            &view.snapshot.nodes,
            view.snapshot.now,
            &mut self.worst,
        );
        self.places.update(view.topology, &scene);
        scene.put(|name| self.place(view, name));
        scene.bounds()
    }

    /// Paints everything into an area, at a zoom, without what floats above and without what is there to edit by.
    pub(super) fn paint_alone(&mut self, ui: &Ui, area: Rect, zoom: f32, view: &View) {
        let snapshot = view.snapshot;
        let mut scene = Scene::measure(view, &snapshot.nodes, snapshot.now, &mut self.worst);
        scene.operations = snapshot.operations;
        self.places.update(view.topology, &scene);
        scene.put(|name| self.place(view, name));
        let bounds = scene.bounds();
        self.transform = if scene.cards.is_empty() {
            Transform::default()
        } else {
            Transform {
                origin: (area.center() - bounds.center().to_vec2() * zoom).round(),
                zoom,
            }
        };
        let lines = link::lines(view.topology, &scene, &snapshot.links, view.readings);
        self.paint(ui, area, view, &scene, &lines, &On::default(), 0.0);
    }

    /// Another canvas with everything in the same place, of which nothing is selected, dragged or pointed at.
    pub fn untouched(&self) -> Self {
        Self {
            places: self.places.clone(),
            alone: true,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::ron_options;

    fn drawn(text: &str) -> crate::app::picture::raster::Image {
        let topology: Topology = ron_options().from_str(text).unwrap();
        let still = Still::before(&topology);
        picture(Canvas::default().untouched(), &still, Look::default()).image()
    }

    /// However far apart: the whole of it is in the picture, and the picture is no larger than can be made.
    #[test]
    fn all_of_it_is_in_the_picture() {
        let far = drawn(
            r#"Topology(schema: 1, nodes: {"a": Clients(), "b": Service()}, links: ["a -> b"],
                canvas: {"a": (-1000000, 0), "b": (1000000, 300)})"#,
        );
        assert!((far.width as f32) <= SIDE_MAX * SCALE, "{}", far.width);
        assert!(far.width > 16_000 && far.height >= 240);
        let near = drawn(
            r#"Topology(schema: 1, nodes: {"a": Clients(), "b": Service()}, links: ["a -> b"],
                canvas: {"a": (-100000, 7), "b": (-99800, 7)})"#,
        );
        // 200 points from card to card, the second card's width, the room around: twice as many pixels.
        assert!((800..1200).contains(&near.width), "{}", near.width);
        // Both cards have the room around them and nothing more.
        let card = crate::app::theme::Palette::of(false, false).card;
        let column = |x: usize| (0..near.height).any(|y| near.pixels[y * near.width + x] == card);
        let inset = (MARGIN * SCALE) as usize;
        assert!(!column(inset - 4) && column(inset + 6));
        assert!(!column(near.width - inset + 4) && column(near.width - inset - 6));
        let nothing = drawn("Topology(schema: 1)");
        assert_eq!((nothing.width, nothing.height), (320, 240));
    }
}
