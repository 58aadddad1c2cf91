//! The first minute: what there is to see in it, with a picture.

use egui::{
    Align, Align2, Color32, Layout, Painter, Pos2, Rect, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    pos2, vec2,
};

use super::{FIRST, INSET, Start};
use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::theme::{self, Palette, Weight, radius, size, space, stroke};
use crate::app::widgets::{
    Button, LOSS_TAG_HEIGHT, Pip, PipState, hatched_bar, loss_tag, paint_pip, paint_text, tag,
};
use crate::app::words::format::{grouped, loss_text};
use crate::model::{Node, Topology};

/// Least height of the first minute with its picture, and the least width of its text beside that.
pub(super) const HERO: f32 = 216.0;
pub(super) const HERO_TEXT: f32 = 240.0;
pub(super) const HERO_PADDING: egui::Vec2 = vec2(24.0, 20.0);

impl Start {
    pub(super) fn play_first(&mut self, actions: &mut Vec<Action>) {
        self.play = true;
        actions.push(Action::OpenPreset(FIRST.to_owned()));
    }

    pub(super) fn hero_ui(&mut self, ui: &mut Ui, width: f32, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let Some((_, topology)) = self.presets.iter().find(|(p, _)| p.name == FIRST) else {
            return;
        };
        // The picture goes where the text would have no room beside it; what the text needs decides the height.
        let mut picture_width = (width * 0.465).clamp(300.0, 470.0);
        if width - picture_width < HERO_TEXT + 2.0 * HERO_PADDING.x {
            picture_width = 0.0;
        }
        let text_width = width - picture_width - 2.0 * HERO_PADDING.x;
        let lay = |text: String, points, weight, colour| {
            let font = theme::font(points, weight);
            ui.painter().layout(text, font, colour, text_width)
        };
        let title = lay(
            "Lose a session".to_owned(),
            size::HERO,
            Weight::Semibold,
            palette.text,
        );
        let line = lay(
            first_minute(topology),
            size::FIGURE,
            Weight::Regular,
            palette.text2,
        );
        let above = 20.0 + 10.0 + title.size().y + 2.0 + line.size().y;
        let needed = above + space::M + 32.0 + 2.0 * HERO_PADDING.y;
        let least = if picture_width > 0.0 { HERO } else { 0.0 };
        let wanted = vec2(width + INSET, needed.ceil().max(least));
        let (row, _) = ui.allocate_exact_size(wanted, Sense::hover());
        let rect = Rect::from_min_size(row.min + vec2(INSET, 0.0), vec2(width, wanted.y));
        if self.jump == Some(None) {
            ui.scroll_to_rect(rect.expand(16.0), Some(Align::Min));
        }
        let hair = Stroke::new(stroke::HAIR, palette.hair);
        ui.painter()
            .rect(rect, radius::CARD, palette.card, hair, StrokeKind::Inside);
        let (text, picture) = rect.split_left_right_at_x(rect.right() - picture_width);
        if picture_width > 0.0 {
            hero_picture(ui.painter(), picture, topology, palette);
            ui.painter().vline(picture.left(), picture.y_range(), hair);
        }
        ui.painter()
            .rect_stroke(rect, radius::CARD, hair, StrokeKind::Inside);

        let inner = text.shrink2(HERO_PADDING);
        {
            let ui = &mut ui.new_child(UiBuilder::new().id_salt("first minute").max_rect(inner));
            ui.set_clip_rect(inner.expand(8.0).intersect(ui.clip_rect()));
            tag(ui, "Your first minute");
            ui.add_space(10.0);
            ui.add(egui::Label::new(title));
            ui.add_space(2.0);
            ui.add(egui::Label::new(line));
        }
        let foot = Rect::from_min_max(pos2(inner.left(), inner.bottom() - 32.0), inner.max);
        let row = UiBuilder::new()
            .id_salt("play")
            .max_rect(foot)
            .layout(Layout::left_to_right(Align::Center));
        let row = &mut ui.new_child(row);
        let button = Button::primary("Play")
            .icon(Icon::Play)
            .shortcut("Enter")
            .height(32.0);
        let play = row.add(button).clicked();
        let small = "1 minute, 6 clicks";
        let small = theme::text(small, size::BODY, Weight::Regular, palette.text3);
        row.add(egui::Label::new(small).truncate());
        if play {
            self.play_first(actions);
        }
    }
}

/// Instances of the service, and the sessions that each keeps, in the topology of the first minute.
pub(super) fn kept_by_each(topology: &Topology) -> (u32, u32) {
    let mut instances = 1;
    let mut users = 0;
    for node in topology.nodes.values() {
        match node {
            Node::Service(service) => instances = service.instances,
            Node::Clients(clients) => users = clients.users,
            _ => {}
        }
    }
    (instances.max(1), users / instances.max(1))
}

pub(super) fn first_minute(topology: &Topology) -> String {
    let (instances, each) = kept_by_each(topology);
    let words = ["No", "One", "Two", "Three", "Four", "Five", "Six"];
    let count = words
        .get(instances as usize)
        .map_or_else(|| instances.to_string(), |word| (*word).to_owned());
    let all = grouped(u64::from(instances) * u64::from(each));
    format!(
        "{count} instances keep {all} sessions in memory. Crash one, see who is logged out, then move the sessions and crash it again."
    )
}

/// What the first minute will show, drawn from its topology: one of the instances has crashed.
pub(super) fn hero_picture(painter: &Painter, rect: Rect, topology: &Topology, palette: &Palette) {
    let painter = &painter.with_clip_rect(rect.shrink(1.0).intersect(painter.clip_rect()));
    let corners = egui::CornerRadius {
        nw: 0,
        sw: 0,
        ne: radius::CARD as u8,
        se: radius::CARD as u8,
    };
    painter.rect_filled(rect, corners, palette.canvas);
    for i in 1..(rect.width() / space::XL) as i32 + 1 {
        for j in 1..(rect.height() / space::XL) as i32 + 1 {
            let at = rect.min + vec2(i as f32, j as f32) * space::XL;
            painter.circle_filled(at, 0.8, palette.hair);
        }
    }
    let (instances, each) = kept_by_each(topology);
    let rows = instances.clamp(2, 5) as usize;
    let dead = 1;
    // Drawn on a plan of 470 by 214 points.
    let shift = ((rect.width() - 470.0) / 2.0).min(0.0);
    let at = |x: f32, y: f32| rect.min + vec2(x + shift, y);
    let row_y = |row: usize| 60.0 + 26.0 * row as f32;

    let flow = Stroke::new(1.4, palette.edge);
    painter.line_segment(
        [at(82.0, 88.0), at(118.0, 88.0)],
        Stroke::new(3.0, palette.edge),
    );
    for x in [90.0, 106.0] {
        painter.circle_filled(at(x, 88.0), 2.2, palette.completed);
    }
    for row in 0..rows {
        let from = at(176.0, 74.0 + 9.0 * row as f32);
        let to = at(236.0, row_y(row));
        let bend = vec2(30.0, 0.0);
        let points = [from, from + bend, to - bend, to];
        let curve = egui::epaint::CubicBezierShape::from_points_stroke(
            points,
            false,
            Color32::TRANSPARENT,
            flow,
        );
        if row == dead {
            let down = Stroke::new(1.4, palette.down);
            painter.extend(egui::Shape::dashed_line(
                &curve.flatten(Some(0.5)),
                down,
                4.0,
                4.0,
            ));
            let x = curve.sample(0.6);
            painter.circle_filled(x, 6.0, palette.canvas);
            Icon::Cross.paint_stroked(painter, x, 12.0, 2.0, palette.failed);
        } else {
            for t in [0.2, 0.45, 0.7] {
                let t = t + 0.06 * row as f32;
                painter.circle_filled(curve.sample(t), 2.2, palette.completed);
            }
            painter.add(curve);
        }
    }
    let card = |rect: Rect, outline: Stroke| {
        painter.extend(theme::surface(rect, palette.card, outline, palette, 1.0));
    };
    let hair = Stroke::new(stroke::HAIR, palette.hair);
    for (x, icon, word) in [
        (22.0, Icon::Clients, "users"),
        (116.0, Icon::LoadBalancer, "sticky"),
    ] {
        let box_rect = Rect::from_min_size(at(x, 62.0), vec2(60.0, 52.0));
        card(box_rect, hair);
        icon.paint(
            painter,
            box_rect.center() - vec2(0.0, 8.0),
            20.0,
            palette.text,
        );
        let under = box_rect.center() + vec2(0.0, 15.0);
        small(painter, under, Align2::CENTER_CENTER, word, palette.text2);
    }

    let height = 36.0 + 26.0 * rows as f32;
    let service = Rect::from_min_size(at(236.0, 18.0), vec2(204.0, height));
    let tag_rect = Rect::from_min_max(
        pos2(service.left(), service.bottom() - 10.0),
        pos2(service.right(), service.bottom() + LOSS_TAG_HEIGHT),
    );
    let losses = [(u64::from(each), "sessions")];
    loss_tag(painter, tag_rect, 1.0, &losses, None, palette);
    card(service, Stroke::new(stroke::SELECTED, palette.text));
    Icon::Service.paint(painter, at(256.0, 34.0), 16.0, palette.text);
    paint_text(
        painter,
        at(270.0, 34.0),
        Align2::LEFT_CENTER,
        "api",
        size::BODY,
        Weight::Semibold,
        palette.text,
    );
    small(
        painter,
        at(428.0, 34.0),
        Align2::RIGHT_CENTER,
        "In memory",
        palette.text2,
    );
    for row in 0..rows {
        let y = row_y(row);
        if row == dead {
            let tint = Rect::from_min_max(at(238.0, y - 13.0), at(438.0, y + 13.0));
            painter.rect_filled(tint, 0.0, palette.lost_tint);
            paint_pip(
                painter,
                at(258.0, y),
                1.0,
                &Pip::of(PipState::Down),
                palette,
            );
            small(
                painter,
                at(280.0, y),
                Align2::LEFT_CENTER,
                "crashed",
                palette.text2,
            );
            paint_text(
                painter,
                at(428.0, y),
                Align2::RIGHT_CENTER,
                &loss_text(u64::from(each)),
                size::BODY,
                Weight::Semibold,
                palette.lost,
            );
        } else {
            let queue = if row == 2 { 0.2 } else { 0.0 };
            let pip = Pip::up(0.4 + 0.05 * row as f32, queue);
            paint_pip(painter, at(258.0, y), 1.0, &pip, palette);
            let bar = Rect::from_min_max(at(280.0, y - 4.0), at(376.0, y + 4.0));
            hatched_bar(painter, bar, 1.0, palette);
            let held = grouped(u64::from(each));
            small(
                painter,
                at(428.0, y),
                Align2::RIGHT_CENTER,
                &held,
                palette.text,
            );
        }
    }
}

pub(super) fn small(painter: &Painter, at: Pos2, anchor: Align2, text: &str, ink: Color32) {
    paint_text(painter, at, anchor, text, size::SMALL, Weight::Regular, ink);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{file, presets};

    #[test]
    fn the_first_minute_speaks_of_its_topology() {
        let preset = presets::find(FIRST).unwrap();
        let topology = file::read(preset.text, preset.name).unwrap();
        let text = first_minute(&topology);
        assert!(
            text.starts_with("Four instances keep 2,048 sessions"),
            "{text}"
        );
    }
}
