//! What is wrong now, since when, and what ends it.

use egui::{Ui, vec2};

use super::Pane;
use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::theme::{self, Weight, height, size, space};
use crate::app::widgets::Button;
use crate::app::words::format;
use crate::app::words::troubles::Wrong;
use crate::model::Command;

/// Shows each thing that is wrong, with a button that ends it.
pub fn show(ui: &mut Ui, wrong: &[Wrong], pane: &mut Pane) {
    let palette = theme::palette(ui);
    for (number, one) in wrong.iter().enumerate() {
        ui.push_id(("wrong", number), |ui| {
            ui.add_space(space::XS);
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = space::S;
                let (mark, _) = ui.allocate_exact_size(vec2(14.0, 18.0), egui::Sense::hover());
                Icon::Warning.paint_in(ui.painter(), mark, 14.0, palette.failed);
                ui.vertical(|ui| {
                    let text = theme::text(&one.words, size::BODY, Weight::Medium, palette.text);
                    ui.add(egui::Label::new(text).wrap());
                    ui.horizontal(|ui| {
                        ui.set_min_height(height::HIT);
                        if let Some(at) = one.since {
                            let since = format!("since {}", format::instant(at));
                            let regular = Weight::Regular;
                            ui.label(theme::text(since, size::SMALL, regular, palette.text2));
                        }
                        if ui.add(end_button(one)).clicked() {
                            pane.actions.push(Action::Run(one.end.clone()));
                        }
                    });
                });
            });
        });
    }
    if !wrong.is_empty() {
        ui.add_space(space::S);
    }
}

fn end_button(wrong: &Wrong) -> Button<'_> {
    let (icon, word) = match &wrong.end {
        Command::Resume(..) => (Icon::Play, "Resume"),
        _ => (Icon::Check, "Heal"),
    };
    let button = Button::secondary(word).icon(icon);
    button.height(height::HIT).tooltip(&wrong.words)
}
