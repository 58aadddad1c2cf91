//! A small whole number that is typed or stepped.

use std::ops::RangeInclusive;

use egui::{Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::field::Field;
use crate::app::icons::Icon;
use crate::app::theme;

const BUTTON: f32 = 22.0;

/// Shows a number with a minus and a plus inside its field; returns the new value when it was changed.
pub fn stepper(
    ui: &mut Ui,
    name: &str,
    value: u32,
    range: RangeInclusive<u32>,
    width: f32,
) -> Option<u32> {
    steppers(ui, name, &[value], range, width)?.pop()
}

/// The same for several numbers: typing sets all, minus and plus shift each.
pub fn steppers(
    ui: &mut Ui,
    name: &str,
    values: &[u32],
    range: RangeInclusive<u32>,
    width: f32,
) -> Option<Vec<u32>> {
    let (least, most) = (*range.start(), *range.end());
    let same = values.windows(2).all(|pair| pair[0] == pair[1]);
    let texts: Vec<String> = values.iter().map(u32::to_string).collect();
    let text = if same {
        texts.first().cloned().unwrap_or_default()
    } else {
        texts.join(", ")
    };
    let field = Field::new(name, &text)
        .quiet(!same)
        .width(width)
        .trailing(2.0 * BUTTON + 4.0)
        .show(ui, |text| {
            let number: u32 = text
                .parse()
                .map_err(|_| format!("Write a whole number, {least} to {most}"))?;
            if range.contains(&number) {
                Ok(number)
            } else {
                Err(format!("From {least} to {most}"))
            }
        });
    let row = field
        .response
        .rect
        .with_max_x(field.response.rect.left() + width);
    let right = row.left() + width - 4.0;
    let step = |ui: &mut Ui, icon: Icon, what: &str, to: Option<Vec<u32>>, slot: f32| {
        let centre = pos2(right - BUTTON * (slot + 0.5), row.center().y);
        let rect = egui::Rect::from_center_size(centre, vec2(BUTTON, BUTTON));
        let response = ui.interact(rect, field.response.id.with(what), Sense::click());
        paint(ui, &response, icon, to.is_some());
        response.widget_info(|| {
            WidgetInfo::labeled(
                Role::Button,
                ui.is_enabled() && to.is_some(),
                format!("{name}: {what}"),
            )
        });
        to.filter(|_| response.clicked())
    };
    let shifted = |by: &dyn Fn(u32) -> Option<u32>| -> Option<Vec<u32>> {
        values.iter().map(|value| by(*value)).collect()
    };
    let fewer = step(
        ui,
        Icon::Minus,
        "one fewer",
        shifted(&|value| value.checked_sub(1).filter(|v| *v >= least)),
        1.0,
    );
    let more = step(
        ui,
        Icon::Plus,
        "one more",
        shifted(&|value| value.checked_add(1).filter(|v| *v <= most)),
        0.0,
    );
    let typed = field.applied.map(|value| vec![value; values.len()]);
    typed.or(fewer).or(more)
}

fn paint(ui: &Ui, response: &Response, icon: Icon, possible: bool) {
    let palette = theme::palette(ui);
    let colour = match (possible, response.hovered()) {
        (false, _) => palette.text3.gamma_multiply(0.5),
        (true, true) => palette.text,
        (true, false) => palette.text2,
    };
    if response.hovered() && possible {
        ui.painter().rect_filled(
            response.rect.shrink(1.0),
            theme::radius::TAG,
            palette.raised,
        );
    }
    if response.has_focus() {
        super::paint_focus_ring(
            ui.painter(),
            response.rect.shrink(3.0),
            theme::radius::TAG,
            palette,
        );
    }
    icon.paint(ui.painter(), response.rect.center(), 14.0, colour);
}
