//! Pictures of the window in tests: taken without display or graphics card, compared with stored ones.
//!
//! A stored picture is `tests/pictures/NAME.png`. To accept what is drawn now, run the test with
//! `STATESCOPE_UPDATE_PICTURES=1` and look at what changed before committing it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use egui::TexturesDelta;
use egui_kittest::{Harness, TestRenderer};
use statescope::app::picture::raster::{Image, Raster};
use statescope::app::theme;

/// The renderer to give to a harness: `Harness::builder().renderer(camera.clone())`.
#[derive(Clone, Default)]
pub struct Camera(Arc<Mutex<Raster>>);

impl TestRenderer for Camera {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        self.0.lock().unwrap().apply(delta);
    }
}

impl Camera {
    /// Draws the last frame of a harness.
    pub fn picture<State>(&self, harness: &Harness<'_, State>) -> Image {
        let output = harness.output();
        let scale = output.pixels_per_point;
        let primitives = harness.ctx.tessellate(output.shapes.clone(), scale);
        let size = harness.ctx.content_rect().size();
        let ground = theme::palette(&harness.ctx).panel;
        self.0
            .lock()
            .unwrap()
            .draw(&primitives, size, scale, ground)
    }
}

/// Channels may differ by this much before a pixel counts as different: the last bits of a sine differ from machine to
/// machine, and with them the smoothing of a curve's edge.
const TOLERANCE: u8 = 24;

/// Of all pixels, as many may be different.
const SHARE: f64 = 0.000_2;

/// Compares a picture with the stored one of this name; when they differ, leaves the new one where the message says.
pub fn assert_picture(name: &str, image: &Image) {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/pictures/{name}.png"));
    if std::env::var_os("STATESCOPE_UPDATE_PICTURES").is_some() {
        std::fs::write(&stored, image.to_png()).unwrap();
        return;
    }
    let drawn = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
    let complain = |what: String| -> ! {
        std::fs::write(&drawn, image.to_png()).unwrap();
        panic!(
            "{name}: {what}. Drawn now: {}. If it is as it should be, run again with STATESCOPE_UPDATE_PICTURES=1",
            drawn.display()
        );
    };
    let Ok(bytes) = std::fs::read(&stored) else {
        complain(format!("there is no {}", stored.display()));
    };
    let expected = Image::from_png(&bytes).unwrap();
    let allowed = (SHARE * image.pixels.len() as f64) as usize;
    match image.pixels_that_differ(&expected, TOLERANCE) {
        None => complain(format!(
            "{} x {} pixels instead of {} x {}",
            image.width, image.height, expected.width, expected.height
        )),
        Some(count) if count > allowed => complain(format!("{count} pixels differ, {allowed} may")),
        Some(_) => {}
    }
}
