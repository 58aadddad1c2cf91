//! A picture of the charts for a document, over the time that is seen.

use egui::{UiBuilder, Vec2, vec2};

use super::{Charts, TimeWindow};
use crate::app::picture::Look;
use crate::app::picture::raster::Settled;
use crate::app::run::still::Still;

/// Across a page of text, in points.
const SIZE: Vec2 = vec2(1120.0, 340.0);
const SCALE: f32 = 2.0;

/// The charts over that time, drawn by the window's own renderer.
pub fn picture(still: &Still, window: TimeWindow, look: Look) -> Settled {
    let mut charts = Charts {
        alone: true,
        ..Charts::default()
    };
    let view = still.view();
    Settled::new(SIZE, SCALE, (look.dark, look.settings), |ui| {
        window.share(ui.ctx());
        let room = ui.max_rect().shrink2(vec2(8.0, 8.0));
        ui.scope_builder(UiBuilder::new().max_rect(room), |ui| {
            charts.ui(ui, &view);
        });
    })
}
