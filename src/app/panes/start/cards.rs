//! The presets as cards, with a small picture of each.

use egui::{
    Align, Align2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::side::one_line;
use super::{GAP, INSET, Start};
use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::panes::canvas::mini::paint_mini;
use crate::app::theme::{self, Weight, radius, size, stroke};
use crate::app::widgets::paint_text;
use crate::model::Topology;
use crate::model::presets::{self, Preset};

pub(super) const PICTURE: f32 = 96.0;
pub(super) const CARD: f32 = 166.0;

impl Start {
    pub(super) fn cards_ui(&mut self, ui: &mut Ui, width: f32, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let wanted = self.search.trim().to_lowercase();
        let columns = ((width + GAP) / (230.0 + GAP)).floor().clamp(1.0, 6.0);
        let card = vec2((width - GAP * (columns - 1.0)) / columns, CARD);
        let mut any = false;
        for group in presets::groups() {
            let shown: Vec<_> = self
                .presets
                .iter()
                .filter(|(preset, _)| preset.group == group && matches(preset, &wanted))
                .collect();
            if shown.is_empty() {
                continue;
            }
            any = true;
            let (heading, _) = ui.allocate_exact_size(vec2(width, 40.0), Sense::hover());
            if self.jump == Some(Some(group)) {
                ui.scroll_to_rect(heading, Some(Align::Min));
            }
            let at = pos2(ui.min_rect().left() + INSET, heading.center().y + 2.0);
            paint_text(
                ui.painter(),
                at,
                Align2::LEFT_CENTER,
                group,
                size::BODY,
                Weight::Semibold,
                palette.text,
            );
            for row in shown.chunks(columns as usize) {
                let (place, _) = ui.allocate_exact_size(vec2(width, CARD), Sense::hover());
                for (column, (preset, topology)) in row.iter().enumerate() {
                    let x = ui.min_rect().left() + INSET + column as f32 * (card.x + GAP);
                    let rect = Rect::from_min_size(pos2(x, place.top()), card);
                    if preset_card(ui, rect, preset, topology).clicked() {
                        self.play = false;
                        actions.push(Action::OpenPreset(preset.name.to_owned()));
                    }
                }
                ui.add_space(GAP);
            }
        }
        if !any {
            let (row, _) = ui.allocate_exact_size(vec2(width + INSET, 140.0), Sense::hover());
            let rect = Rect::from_min_size(row.min + vec2(INSET, 16.0), vec2(width, 108.0));
            crate::app::widgets::empty_state(
                ui.painter(),
                rect,
                Icon::Search,
                "No topology matches",
                "Other words, or start with a blank canvas",
                palette,
            );
        }
    }
}

pub(super) fn matches(preset: &Preset, wanted: &str) -> bool {
    let all = format!(
        "{} {} {} {}",
        preset.name, preset.group, preset.title, preset.line
    )
    .to_lowercase();
    wanted.split_whitespace().all(|word| all.contains(word))
}

pub(super) fn preset_card(
    ui: &mut Ui,
    rect: Rect,
    preset: &Preset,
    topology: &Topology,
) -> Response {
    let palette = theme::palette(ui);
    let response = ui.interact(rect, ui.scope_id().with(preset.name), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, preset.title));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_description(preset.line);
    });
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let painter = ui.painter();
    painter.rect_filled(rect, radius::CARD, palette.card);
    let picture = rect.with_max_y(rect.top() + PICTURE);
    let top = egui::CornerRadius {
        nw: radius::CARD as u8,
        ne: radius::CARD as u8,
        sw: 0,
        se: 0,
    };
    painter.rect_filled(picture, top, palette.canvas);
    let hair = Stroke::new(stroke::HAIR, palette.hair);
    painter.hline(rect.x_range(), picture.bottom(), hair);
    paint_mini(
        &painter.with_clip_rect(picture.intersect(ui.clip_rect())),
        picture.shrink(4.0),
        topology,
        palette,
    );
    let outline = if response.has_focus() {
        Stroke::new(stroke::SELECTED, palette.text)
    } else if response.hovered() {
        Stroke::new(stroke::FOCUS, palette.edge)
    } else {
        hair
    };
    painter.rect_stroke(rect, radius::CARD, outline, StrokeKind::Inside);
    let left = rect.left() + 12.0;
    one_line(
        painter,
        pos2(left, picture.bottom() + 18.0),
        rect.width() - 24.0,
        preset.title,
        Weight::Semibold,
        palette.text,
    );
    let font = theme::font(size::SMALL, Weight::Regular);
    let mut job = egui::text::LayoutJob::simple(
        preset.line.to_owned(),
        font,
        palette.text2,
        rect.width() - 24.0,
    );
    job.wrap.max_rows = 2;
    for section in &mut job.sections {
        section.format.line_height = Some(16.0);
    }
    let galley = painter.layout_job(job);
    painter.galley(pos2(left, picture.bottom() + 28.0), galley, palette.text2);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_found_by_any_word() {
        let sticky = presets::find("sticky-in-memory").unwrap();
        assert!(matches(sticky, "sticky"));
        assert!(matches(sticky, "memory fast"));
        assert!(matches(sticky, ""));
        assert!(!matches(sticky, "sticky kafka"));
    }
}
