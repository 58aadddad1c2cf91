//! What is taken away: asked for, made from what is seen now, and told once it is written.

use egui::Context;

use super::Shell;
use super::names::{shortened, shown_folder, shown_name};
use crate::app::action::Take;
use crate::app::document::files::Purpose;
use crate::app::panes::charts;
use crate::app::picture::Look;
use crate::app::run::live::Answer;
use crate::app::run::still::Still;
use crate::app::take::{Done, Material, Scene};
use crate::app::theme;
use crate::app::widgets::Toast;
use crate::app::words::format;

impl Shell {
    /// Takes something away, as it is now.
    pub(super) fn take(&mut self, ctx: &Context, take: Take) {
        let still = Still::of(&self.live.view());
        let look = self.look(ctx);
        let material = match take {
            Take::WindowPng => {
                // Asked for once the window has been drawn without the menu.
                self.taking.expose(ctx, look.dark);
                return;
            }
            Take::CanvasPng | Take::CanvasSvg => Material::Canvas(self.scene(ctx)),
            Take::ChartsPng | Take::ChartsSvg | Take::ChartsCsv => {
                let now = still.view().snapshot.now.secs();
                let seen = charts::TimeWindow::shared(ctx).past(now);
                Material::Charts(still, seen, look)
            }
            Take::LogText => Material::Log(still, self.live.document().title()),
            Take::ResultsJson => Material::Results(self.live.take_results()),
        };
        self.taking.wait(take, material);
        self.ask(ctx, Purpose::Take(take));
    }

    /// How pictures look that are taken away now.
    pub(super) fn look(&self, ctx: &Context) -> Look {
        let here = theme::palette(ctx).dark;
        Look {
            dark: self.kept.taking.dark.unwrap_or(here),
            settings: self.kept.look,
        }
    }

    /// The whole canvas, with or without what runs.
    pub(super) fn scene(&self, ctx: &Context) -> Scene {
        let view = self.live.view();
        Scene {
            canvas: self.canvas.untouched(),
            still: if self.kept.taking.without_figures {
                Still::before(view.topology)
            } else {
                Still::of(&view)
            },
            look: self.look(ctx),
        }
    }

    /// Says what became of what was taken away.
    pub(super) fn tell_taken(&mut self, ctx: &Context, done: Done) {
        let toast = match done {
            Done::Saved(take, path) => {
                let (name, folder) = (shown_name(&path), shown_folder(&path));
                let folder = format::shortened(&folder, 60);
                Toast::info(format!("{} saved as {name} in {folder}", take.name()))
            }
            Done::Copied(image) => {
                ctx.copy_image(image.to_egui());
                Toast::info("Picture of the canvas copied")
            }
            Done::Failed(text) => {
                let show = Answer::Details(text.clone());
                Toast::error(shortened(&text)).with_action("Show", show)
            }
        };
        self.toasts.push(toast);
    }
}
