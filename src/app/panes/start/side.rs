//! The column at the left: what is open, the files of late, and what else can be opened.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use egui::{
    Align, Align2, Color32, Layout, Painter, Pos2, Response, Role, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};

use super::Start;
use crate::app::action::Action;
use crate::app::document::Document;
use crate::app::icons::Icon;
use crate::app::theme::{self, Weight, height, radius, size, space, stroke};
use crate::app::widgets::{Button, logo, paint_text};
use crate::model::presets;

impl Start {
    pub(super) fn side_ui(
        &mut self,
        ui: &mut Ui,
        open: Option<&Document>,
        actions: &mut Vec<Action>,
    ) {
        let palette = theme::palette(ui);
        ui.spacing_mut().item_spacing.y = 0.0;
        let (brand, _) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::hover());
        let brand = brand.with_max_y(brand.top() + 18.0);
        let left = brand.left_center() + vec2(17.0, 0.0);
        logo(ui.painter(), left, 18.0, palette.panel, palette);
        paint_text(
            ui.painter(),
            brand.left_center() + vec2(34.0, 0.0),
            Align2::LEFT_CENTER,
            "statescope",
            size::FIGURE,
            Weight::Semibold,
            palette.text,
        );

        let row = Row::new("Start here", "");
        if row.selected(self.group.is_none()).show(ui).clicked() {
            self.group = None;
            self.jump = Some(None);
        }
        for group in presets::groups() {
            let count = self
                .presets
                .iter()
                .filter(|(p, _)| p.group == group)
                .count();
            let count = count.to_string();
            let row = Row::new(group, &count).selected(self.group == Some(group));
            if row.show(ui).clicked() {
                self.group = Some(group);
                self.search.clear();
                self.jump = Some(Some(group));
            }
        }

        if let Some(document) = open {
            caption(ui, "Open now");
            let title = document.title();
            let mark = if document.dirty() { "unsaved" } else { "" };
            let row = Row::new(&title, mark).icon(Icon::Play);
            if row.show(ui).clicked() {
                actions.push(Action::ShowMain);
            }
        }
        if !self.recent.is_empty() {
            caption(ui, "Recent");
        }
        for recent in &self.recent {
            let row = Row::new(&recent.name, &recent.age).icon(Icon::File);
            let response = row.show(ui);
            let path = recent.path.display().to_string();
            if response.clicked() {
                actions.push(Action::OpenPath(recent.path.clone()));
            }
            response.context_menu(|ui| {
                let forget = crate::app::widgets::menu_item(ui, None, "Take off this list", "");
                if forget.clicked() {
                    actions.push(Action::ForgetRecent(recent.path.clone()));
                }
            });
            response.on_hover_text(path);
        }

        ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
            ui.horizontal(|ui| {
                ui.set_height(height::BUTTON);
                ui.add_space(10.0);
                let version = env!("CARGO_PKG_VERSION");
                ui.label(theme::text(
                    version,
                    size::SMALL,
                    Weight::Regular,
                    palette.text3,
                ));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = 0.0;
                    let help = Button::icon_only(Icon::Help, "Shortcuts").shortcut("?");
                    if ui.add(help).clicked() {
                        actions.push(Action::ToggleHelp);
                    }
                    let other = if palette.dark {
                        "Light theme"
                    } else {
                        "Dark theme"
                    };
                    if ui.add(Button::icon_only(Icon::Theme, other)).clicked() {
                        actions.push(Action::ToggleTheme);
                    }
                });
            });
        });
    }
}

#[derive(Debug)]
pub(super) struct Recent {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) age: String,
}

impl Recent {
    pub(super) fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default();
        let changed = std::fs::metadata(path).and_then(|file| file.modified());
        let age = changed
            .ok()
            .and_then(|at| SystemTime::now().duration_since(at).ok());
        Self {
            path: path.to_owned(),
            name: name.to_string_lossy().into_owned(),
            age: age.map_or_else(|| "gone".to_owned(), |age| age_text(age.as_secs())),
        }
    }
}

/// How long ago: "now", "5 min", "2 h", "3 d".
pub(super) fn age_text(seconds: u64) -> String {
    match seconds {
        0..60 => "now".to_owned(),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

pub(super) fn caption(ui: &mut Ui, text: &str) {
    let palette = theme::palette(ui);
    ui.add_space(16.0);
    ui.horizontal(|ui| {
        ui.add_space(10.0);
        ui.label(theme::text(
            text,
            size::SMALL,
            Weight::Regular,
            palette.text3,
        ));
    });
    ui.add_space(space::XS);
}

/// A row of the column at the left.
pub(super) struct Row<'a> {
    pub(super) text: &'a str,
    pub(super) remark: &'a str,
    pub(super) icon: Option<Icon>,
    pub(super) selected: bool,
}

impl<'a> Row<'a> {
    pub(super) fn new(text: &'a str, remark: &'a str) -> Self {
        Self {
            text,
            remark,
            icon: None,
            selected: false,
        }
    }

    pub(super) fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    pub(super) fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    pub(super) fn show(self, ui: &mut Ui) -> Response {
        let palette = theme::palette(ui);
        let tall = if self.icon.is_some() {
            height::ROW
        } else {
            height::BUTTON
        };
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), tall), Sense::click());
        response.widget_info(|| {
            if self.icon.is_some() {
                WidgetInfo::labeled(Role::Button, true, self.text)
            } else {
                WidgetInfo::selected(Role::Button, true, self.selected, self.text)
            }
        });
        let painter = ui.painter();
        if self.selected || response.hovered() {
            painter.rect_filled(rect, radius::CONTROL, palette.raised);
        }
        if response.has_focus() {
            let ring = Stroke::new(stroke::FOCUS, palette.text);
            painter.rect_stroke(rect, radius::CONTROL, ring, StrokeKind::Inside);
        }
        let middle = rect.center().y;
        let mut x = rect.left() + 10.0;
        if let Some(icon) = self.icon {
            icon.paint(painter, pos2(x + 7.0, middle), 14.0, palette.text2);
            x += 22.0;
        }
        let remark = paint_text(
            painter,
            pos2(rect.right() - 10.0, middle),
            Align2::RIGHT_CENTER,
            self.remark,
            size::SMALL,
            Weight::Regular,
            palette.text3,
        );
        let (weight, ink) = if self.selected {
            (Weight::Semibold, palette.text)
        } else {
            (Weight::Regular, palette.text2)
        };
        one_line(
            painter,
            pos2(x, middle),
            remark.left() - 8.0 - x,
            self.text,
            weight,
            ink,
        );
        response
    }
}

/// A line of body text that ends with "…" where there is no more room.
pub(super) fn one_line(
    painter: &Painter,
    left: Pos2,
    width: f32,
    text: &str,
    weight: Weight,
    ink: Color32,
) {
    let font = theme::font(size::BODY, weight);
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(10.0));
    let galley = painter.layout_job(job);
    painter.galley(left - vec2(0.0, galley.size().y / 2.0), galley, ink);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        assert_eq!(age_text(5), "now");
        assert_eq!(age_text(300), "5 min");
        assert_eq!(age_text(7300), "2 h");
        assert_eq!(age_text(3 * 86_400), "3 d");
    }
}
