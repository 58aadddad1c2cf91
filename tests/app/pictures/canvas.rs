//! The canvas with the system of the drawn main view.

use egui::{Rect, Theme, Vec2, pos2, vec2};
use egui_kittest::Harness;
use statescope::app::action::Selection;
use statescope::app::panes::canvas::Canvas;
use statescope::app::picture::raster::Image;
use statescope::app::theme;

use crate::support::drawn::Drawn;
use crate::support::pictures::{Camera, assert_picture};

fn draw(drawn: &Drawn, dark: bool, size: Vec2, zoom: Option<f32>) -> Image {
    let camera = Camera::default();
    let mut canvas = Canvas::default();
    if let Some(zoom) = zoom {
        canvas.zoom_to(zoom);
    }
    let mut harness = Harness::builder()
        .with_size(size)
        .with_theme(if dark { Theme::Dark } else { Theme::Light })
        .renderer(camera.clone())
        .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
        .build_ui(move |ui| {
            let area = Rect::from_min_size(pos2(0.0, 0.0), size);
            ui.scope_builder(egui::UiBuilder::new().max_rect(area), |ui| {
                canvas.ui(ui, &drawn.view());
            });
        });
    harness.run_steps(20);
    camera.picture(&harness)
}

#[test]
fn the_main_view() {
    let mut drawn = Drawn::new();
    drawn.selection = Some(Selection::Node("api".into()));
    for dark in [true, false] {
        let image = draw(&drawn, dark, vec2(1000.0, 513.0), None);
        let theme = if dark { "dark" } else { "light" };
        assert_picture(&format!("canvas-{theme}"), &image);
    }
}

/// What is wrong with the network and with single instances, each told by its shape; from afar, too.
#[test]
fn troubles() {
    let drawn = Drawn::troubled();
    for dark in [true, false] {
        let image = draw(&drawn, dark, vec2(1180.0, 560.0), None);
        let theme = if dark { "dark" } else { "light" };
        assert_picture(&format!("canvas-troubles-{theme}"), &image);
    }
    let image = draw(&drawn, false, vec2(700.0, 380.0), Some(0.4));
    assert_picture("canvas-troubles-far-light", &image);
}

/// States that the main view does not show: many instances, every status, stores in trouble, a ghost; and how it looks
/// from afar.
#[test]
fn states_and_zooms() {
    let drawn = Drawn::states();
    assert_picture(
        "canvas-states-light",
        &draw(&drawn, false, vec2(1100.0, 640.0), None),
    );
    for (zoom, name) in [(1.6, "near"), (0.4, "far")] {
        let image = draw(&Drawn::new(), true, vec2(700.0, 420.0), Some(zoom));
        assert_picture(&format!("canvas-{name}-dark"), &image);
    }
}
