//! The segmented toggle: one choice of a few, each with an icon, a word and what it would lose.

use egui::{
    Align2, Response, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::{paint_focus_ring, paint_text};
use crate::app::icons::Icon;
use crate::app::theme::{self, Palette, Weight, height, radius, size, stroke};
use crate::app::words::format::loss_text;

/// What a choice loses if one instance dies, measured by a background run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LossFigure {
    /// Not measured yet, or without meaning here: a dash.
    #[default]
    Unknown,
    /// So many writes or sessions.
    Lost(u64),
}

/// One choice.
#[derive(Debug, Clone)]
pub struct Segment<'a> {
    /// Its picture.
    pub icon: Icon,
    /// One short word, also its name for screen readers: "Memory".
    pub label: &'a str,
    /// What it loses.
    pub loss: LossFigure,
    /// What is good and what is bad about it, for screen readers and under the toggle.
    pub costs: &'a str,
    /// Why it cannot be chosen now. It is greyed but can still be clicked, so that the nearest possible choice can be
    /// offered.
    pub impossible: Option<&'a str>,
    /// What choosing it does, with all that it changes beside itself.
    pub effect: Option<&'a str>,
    /// How the loss was measured.
    pub measured: Option<&'a str>,
}

/// What happened to the toggle in this frame.
#[derive(Debug, Clone)]
pub struct SegmentedResponse {
    /// The segment that was clicked, possible or not.
    pub clicked: Option<usize>,
    /// The segment under the pointer, or with the keyboard.
    pub hovered: Option<usize>,
    /// The whole toggle.
    pub response: Response,
}

/// Shows a segmented toggle over the whole width. `name` names the group: "State lives in".
pub fn segmented(
    ui: &mut Ui,
    name: &str,
    segments: &[Segment<'_>],
    selected: usize,
) -> SegmentedResponse {
    let palette = theme::palette(ui);
    let wanted = vec2(ui.available_width(), height::TOGGLE);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::hover());
    let mut clicked = None;
    let mut hovered = None;

    // A node of its own, so that the segments are read as one group.
    let group = ui.new_child(
        UiBuilder::new()
            .max_rect(rect)
            .id_salt(("segmented", name))
            .accessibility_role(Role::RadioGroup),
    );
    let group_id = group.unique_id();
    group
        .ctx()
        .accesskit_node_builder(group_id, |node| node.set_label(name));

    let painter = ui.painter();
    painter.rect_stroke(
        rect,
        radius::CONTROL,
        Stroke::new(stroke::HAIR, palette.hair),
        StrokeKind::Inside,
    );
    let mut ringed = None;
    for (i, segment) in segments.iter().enumerate() {
        let at = |i: usize| (rect.left() + rect.width() * i as f32 / segments.len() as f32).round();
        let tile = egui::Rect::from_x_y_ranges(at(i)..=at(i + 1), rect.y_range());
        let response = group.interact(tile, group_id.with(i), Sense::click());
        response.widget_info(|| {
            WidgetInfo::selected(
                Role::RadioButton,
                group.is_enabled(),
                i == selected,
                segment.label,
            )
        });
        group.ctx().accesskit_node_builder(response.id, |node| {
            node.set_description(describe(segment));
            if segment.impossible.is_some() {
                node.set_disabled();
            }
        });
        if response.clicked() {
            clicked = Some(i);
        }
        if response.hovered() || response.has_focus() && hovered.is_none() {
            hovered = Some(i);
        }
        if response.has_focus() {
            ringed = Some(tile);
        }
        if i > 0 && i != selected && i != selected + 1 {
            painter.vline(
                tile.left(),
                tile.shrink(1.0).y_range(),
                Stroke::new(stroke::HAIR, palette.hair),
            );
        }
        paint_tile(
            painter,
            tile,
            segment,
            i == selected,
            response.hovered(),
            palette,
        );
        let measured: Vec<&str> = segment.measured.into_iter().collect();
        match (segment.impossible, segment.effect) {
            (Some(reason), _) => super::tooltip(&response, reason, &[]),
            (None, Some(effect)) => super::tooltip(&response, effect, &measured),
            (None, None) if !measured.is_empty() => {
                super::tooltip(&response, segment.label, &measured);
            }
            (None, None) => {}
        }
    }
    if let Some(tile) = ringed {
        paint_focus_ring(painter, tile, radius::CONTROL, palette);
    }
    SegmentedResponse {
        clicked,
        hovered,
        response,
    }
}

/// Under a toggle: what is good and what is bad about the choice that is hovered or, without one, selected.
pub fn pros_and_cons(ui: &mut Ui, good: &str, bad: &str) {
    let palette = theme::palette(ui);
    ui.add_space(6.0);
    for (sign, words) in [("+", good), ("\u{2212}", bad)] {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let sign = theme::text(sign, size::SMALL, Weight::Semibold, palette.text);
            ui.add_sized(vec2(10.0, 16.0), egui::Label::new(sign));
            ui.add(
                egui::Label::new(theme::text(
                    words,
                    size::SMALL,
                    Weight::Regular,
                    palette.text2,
                ))
                .wrap(),
            );
        });
    }
}

fn paint_tile(
    painter: &egui::Painter,
    tile: egui::Rect,
    segment: &Segment<'_>,
    selected: bool,
    hovered: bool,
    palette: &Palette,
) {
    let (ink, weight) = if selected {
        painter.rect_filled(tile, radius::CONTROL - 1.0, palette.text);
        (palette.on_ink, Weight::Semibold)
    } else if hovered && segment.impossible.is_none() {
        let ring = Stroke::new(stroke::FOCUS, palette.text);
        painter.rect_stroke(tile, radius::CONTROL - 1.0, ring, StrokeKind::Inside);
        (palette.text, Weight::Regular)
    } else if segment.impossible.is_some() {
        (palette.text3.gamma_multiply(0.65), Weight::Regular)
    } else {
        (palette.text2, Weight::Regular)
    };
    let centre = tile.center().x;
    segment
        .icon
        .paint(painter, pos2(centre, tile.top() + 15.0), 18.0, ink);
    let middle = Align2::CENTER_CENTER;
    paint_text(
        painter,
        pos2(centre, tile.top() + 33.0),
        middle,
        segment.label,
        size::SMALL,
        weight,
        ink,
    );
    let (figure, colour) = match segment.loss {
        LossFigure::Unknown => ("–".to_owned(), ink),
        LossFigure::Lost(0) => ("0".to_owned(), if selected { ink } else { palette.text3 }),
        LossFigure::Lost(count) => (
            loss_text(count),
            if selected {
                palette.lost_on_ink
            } else {
                palette.lost
            },
        ),
    };
    let colour = if segment.impossible.is_some() {
        colour.gamma_multiply(0.65)
    } else {
        colour
    };
    let figure_at = pos2(centre, tile.top() + 48.0);
    paint_text(
        painter,
        figure_at,
        middle,
        &figure,
        size::SMALL,
        Weight::Medium,
        colour,
    );
}

/// What a screen reader says after the name.
fn describe(segment: &Segment<'_>) -> String {
    let loss = match segment.loss {
        LossFigure::Unknown => String::new(),
        LossFigure::Lost(0) => "Loses nothing if one instance dies. ".into(),
        LossFigure::Lost(count) => format!("Loses {count} if one instance dies. "),
    };
    let effect = segment.effect.map(|effect| format!(" {effect}."));
    match segment.impossible {
        Some(reason) => format!("Not possible: {reason}"),
        None => format!("{loss}{}{}", segment.costs, effect.unwrap_or_default()),
    }
}
