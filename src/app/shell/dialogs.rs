//! The few things that lie over the window: the question about unsaved work, a longer text, the sheet of keys.

use std::path::Path;

use egui::{Context, Frame, Id, Key, Modal, ScrollArea, Stroke, Ui, vec2};

use super::keys::Group;
use crate::app::icons::Icon;
use crate::app::theme::{self, Weight, radius, size, space};
use crate::app::widgets::{Button, key_chip, switch};

/// What is about to be left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Title of the document with unsaved changes.
    pub title: String,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Save it.
    Save,
    /// The second choice: go on without saving, or save elsewhere.
    Discard,
    /// Do nothing.
    Cancel,
}

/// Asks what becomes of unsaved work: the only question that holds the window up.
pub fn unsaved(ctx: &Context, leaving: &Leaving) -> Option<Reply> {
    let title = format!("Save the changes to “{}”?", leaving.title);
    question(
        ctx,
        &title,
        "They are lost otherwise.",
        ["Save", "Discard changes", "Cancel"],
    )
}

/// Asks whether a file's comments may go.
pub fn comments(ctx: &Context, path: &Path) -> Option<Reply> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let title = format!("{name} has comments, and saving would drop them");
    question(
        ctx,
        &title,
        "What you changed is written with the program's own layout. Prose in summary and note fields is kept.",
        ["Save without comments", "Save as another file...", "Cancel"],
    )
}

/// Asks whether a file may be replaced that somebody else has written since it was opened.
pub fn changed_on_disk(ctx: &Context, path: &Path) -> Option<Reply> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let title = format!("{name} was changed on disk since it was opened");
    question(
        ctx,
        &title,
        "Saving here replaces what is there now by what this window shows.",
        ["Save anyway", "Save as another file...", "Cancel"],
    )
}

fn question(ctx: &Context, title: &str, text: &str, words: [&str; 3]) -> Option<Reply> {
    let palette = theme::palette(ctx);
    let mut reply = None;
    let modal = Modal::new(Id::unique("question"))
        .frame(frame(ctx))
        .backdrop_color(egui::Color32::from_black_alpha(90))
        .show(ctx, |ui| {
            ui.set_width(440.0);
            let strong = theme::text(title, size::FIGURE, Weight::Semibold, palette.text);
            ui.label(strong);
            ui.add_space(space::XS);
            ui.label(theme::text(
                text,
                size::BODY,
                Weight::Regular,
                palette.text2,
            ));
            ui.add_space(space::L);
            ui.horizontal(|ui| {
                if ui.add(Button::primary(words[0])).clicked() {
                    reply = Some(Reply::Save);
                }
                if ui.add(Button::secondary(words[1])).clicked() {
                    reply = Some(Reply::Discard);
                }
                if ui.add(Button::plain(words[2])).clicked() {
                    reply = Some(Reply::Cancel);
                }
            });
        });
    if reply.is_none() && modal.should_close() {
        reply = Some(Reply::Cancel);
    }
    reply
}

/// Shows a longer text, such as an error with its place in the file; true when it is to be closed.
pub fn details(ctx: &Context, text: &str) -> bool {
    floating(ctx, "Details", 640.0, |ui| {
        ScrollArea::both().max_height(360.0).show(ui, |ui| {
            let palette = theme::palette(ui);
            let shown = theme::text(text, size::BODY, Weight::Regular, palette.text);
            ui.add(egui::Label::new(shown).selectable(true).extend());
        });
        ui.add_space(space::S);
        if ui.add(Button::secondary("Copy")).clicked() {
            ui.ctx().copy_text(text.to_owned());
        }
    })
}

/// Shows the keys, and switches for the look; returns whether the sheet is to be closed, and a changed look.
pub fn sheet(ctx: &Context, groups: &[Group]) -> (bool, Option<theme::Settings>) {
    let before = theme::settings(ctx);
    let mut look = before;
    let close = floating(ctx, "Shortcuts", 520.0, |ui| {
        let palette = theme::palette(ui);
        ui.spacing_mut().item_spacing.x = space::XL;
        ui.columns(2, |columns| {
            for (i, group) in groups.iter().enumerate() {
                let ui = &mut columns[i % 2];
                ui.spacing_mut().item_spacing = vec2(space::S, 2.0);
                ui.spacing_mut().interact_size.y = 24.0;
                let strong = theme::text(group.heading, size::BODY, Weight::Semibold, palette.text);
                ui.label(strong);
                for row in group.rows {
                    ui.horizontal(|ui| {
                        ui.set_height(24.0);
                        let does =
                            theme::text(row.does, size::BODY, Weight::Regular, palette.text2);
                        ui.label(does);
                        let end = egui::Layout::right_to_left(egui::Align::Center);
                        ui.with_layout(end, |ui| key_chip(ui, row.keys));
                    });
                }
                ui.add_space(space::M);
            }
        });
        let mut row = |name: &str, says: &str, on: &mut bool| {
            ui.horizontal(|ui| {
                ui.set_height(28.0);
                ui.spacing_mut().item_spacing.x = space::S;
                switch(ui, name, on);
                let text = format!("{name}: {says}");
                ui.label(theme::text(
                    text,
                    size::BODY,
                    Weight::Regular,
                    palette.text2,
                ));
            });
        };
        row(
            "High contrast",
            "every outline as strong as those that mean something",
            &mut look.high_contrast,
        );
        row(
            "Reduced motion",
            "dots stand, everything changes at once",
            &mut look.reduced_motion,
        );
    });
    (close, (look != before).then_some(look))
}

/// A pane over the window that holds nothing up: its cross, Esc or a click beside it closes it.
fn floating(ctx: &Context, title: &str, width: f32, content: impl FnOnce(&mut Ui)) -> bool {
    let palette = theme::palette(ctx);
    let mut close = false;
    let area = egui::Area::new(Id::unique(("floating", title)))
        .order(egui::Order::Foreground)
        .anchor(egui::Align2::CENTER_CENTER, vec2(0.0, 0.0))
        .show(ctx, |ui| {
            frame(ctx).show(ui, |ui| {
                ui.set_width(width.min(ctx.content_rect().width() - 80.0));
                ui.horizontal(|ui| {
                    let strong = theme::text(title, size::FIGURE, Weight::Semibold, palette.text);
                    ui.label(strong);
                    let end = egui::Layout::right_to_left(egui::Align::Center);
                    ui.with_layout(end, |ui| {
                        let name = format!("Close {}", title.to_lowercase());
                        close = ui.add(Button::icon_only(Icon::Cross, &name)).clicked();
                    });
                });
                ui.add_space(space::S);
                // In a low window it scrolls, and the cross stays in reach.
                let room = ctx.content_rect().height() - 120.0;
                ScrollArea::vertical()
                    .max_height(room.max(80.0))
                    .show(ui, content);
            });
        });
    // The click that opened it also counts as one beside it, so that only later ones close.
    let appeared = ctx.data(|data| data.get_temp::<bool>(area.response.id).unwrap_or(false));
    let beside = appeared && area.response.clicked_elsewhere();
    let escape = ctx.input_mut(|input| input.consume_key(egui::Modifiers::NONE, Key::Escape));
    close |= beside || escape;
    ctx.data_mut(|data| data.insert_temp(area.response.id, !close));
    close
}

fn frame(ctx: &Context) -> Frame {
    let palette = theme::palette(ctx);
    Frame::new()
        .fill(palette.card)
        .stroke(Stroke::new(theme::stroke::HAIR, palette.hair))
        .corner_radius(radius::CARD)
        .shadow(ctx.global_style().visuals.window_shadow)
        .inner_margin(space::L)
}
