//! A picture of a topology, drawn by the window's own renderer without a window.

use egui::{Rect, vec2};

use super::Canvas;
use crate::app::history::History;
use crate::app::measure::Measure;
use crate::app::notices::Notices;
use crate::app::raster;
use crate::app::readings::Readings;
use crate::app::state::View;
use crate::app::toggles::Remembered;
use crate::model::Topology;
use crate::sim::snapshot::Snapshot;

/// Pixels a point.
const SCALE: f32 = 2.0;

/// The topology before it runs, as a PNG file.
pub fn picture(topology: &Topology, dark: bool) -> Vec<u8> {
    let (snapshot, readings, history) =
        (Snapshot::default(), Readings::default(), History::default());
    let dismissed = std::collections::BTreeMap::new();
    let view = View {
        topology,
        snapshot: &snapshot,
        readings: &readings,
        history: &history,
        selection: None,
        playing: false,
        speed: 1.0,
        speed_got: None,
        seed: topology.seed,
        cursor: None,
        dismissed: &dismissed,
        preview: &[],
        problem: None,
        remembered: &Remembered::default(),
        measure: &Measure::default(),
        notices: &Notices::default(),
        warnings: &[],
        schedule: &[],
        recording: &[],
        promises: &[],
        results: None,
    };
    let mut canvas = Canvas::default();
    let bounds = canvas.bounds(&view);
    // Room around the cards; no larger than a wall.
    let size = (bounds.size() + vec2(48.0, 48.0)).clamp(vec2(160.0, 120.0), vec2(8192.0, 8192.0));
    let image = raster::render_ui(size, SCALE, dark, |ui| {
        let area = Rect::from_min_size(egui::Pos2::ZERO, size);
        canvas.paint_alone(ui, area, &view);
    });
    image.to_png()
}
