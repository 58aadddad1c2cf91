//! The window. Everything here needs the feature `gui`.
//!
//! The simulation runs on its own thread ([`run::runner`]); [`run::live`] holds document and running system together;
//! [`panes`] draw from a [`run::state::View`] and return what was asked for as [`action::Action`]s, which the [`shell`] carries
//! out. What people read is in [`words`], and the small things panes are made of are [`widgets`].

pub mod action;
pub mod document;
pub mod icons;
pub mod panes;
pub mod picture;
pub mod run;
#[cfg(test)]
mod sample;
pub mod shell;
pub mod take;
pub mod theme;
pub mod widgets;
pub mod words;

use crate::model::Loaded;
use document::draft::Drafts;
use shell::{Kept, Shell};

/// Name of the program to the system, and of the folder where it keeps its settings.
const NAME: &str = "statescope";
const KEPT: &str = "kept";

/// Opens the window and returns when it is closed; `initial` is opened, else the start screen shows.
///
/// # Errors
/// The system cannot show a window; the text says what to do.
pub fn open_window(initial: Option<Loaded>) -> Result<(), String> {
    let viewport = egui::ViewportBuilder::default()
        .with_title(NAME)
        .with_app_id(NAME)
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([960.0, 600.0])
        .with_icon(icon());
    let options = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Glow,
        ..Default::default()
    };
    eframe::run_native(
        NAME,
        options,
        Box::new(|context| {
            let kept = context
                .storage
                .and_then(|storage| eframe::get_value(storage, KEPT))
                .unwrap_or_default();
            // A system without a folder for it keeps no drafts.
            let folder = eframe::storage_dir(NAME).map(|folder| folder.join("drafts"));
            let drafts = folder.and_then(|folder| Drafts::open(&folder).ok());
            let shell = Shell::new(&context.egui_ctx, kept, drafts, initial)?;
            Ok(Box::new(Window { shell }))
        }),
    )
    .map_err(|error| {
        format!(
            "the window cannot be opened: {error}\n\
             Without a screen, `xvfb-run statescope` shows it on a virtual one; `statescope run FILE` needs none."
        )
    })
}

/// The shell as eframe wants it.
struct Window {
    shell: Shell,
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.shell.ui(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        let kept: Kept = self.shell.kept();
        eframe::set_value(storage, KEPT, &kept);
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }
}

/// The mark, for the system's task bar.
fn icon() -> egui::IconData {
    const SIDE: f32 = 64.0;
    let image = picture::raster::render_ui(egui::vec2(SIDE, SIDE), 1.0, false, |ui| {
        let palette = theme::palette(ui);
        let centre = ui.max_rect().center();
        widgets::logo(ui.painter(), centre, 48.0, palette.panel, palette);
    });
    egui::IconData {
        rgba: image
            .pixels
            .iter()
            .flat_map(egui::Color32::to_srgba_unmultiplied)
            .collect(),
        width: image.width as u32,
        height: image.height as u32,
    }
}
