//! Rows of a pane: one figure, or one setting.

use egui::{
    Align, Align2, Color32, Layout, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use super::field::{Field, FieldResponse};
use super::{paint_text, sparkline};
use crate::app::theme::{self, Weight, height, size};

/// A figure with its recent course: name, sparkline, value and unit, over the whole width.
///
/// `colour` is that of the value, `None` for plain text.
pub fn figure_row(
    ui: &mut Ui,
    name: &str,
    history: &[f32],
    value: &str,
    unit: &str,
    colour: Option<Color32>,
) -> Response {
    let palette = theme::palette(ui);
    let wanted = vec2(ui.available_width(), height::ROW);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::hover());
    response
        .widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {value} {unit}")));
    let painter = ui.painter();
    let middle = rect.center().y;
    let regular = Weight::Regular;
    paint_text(
        painter,
        rect.left_center(),
        Align2::LEFT_CENTER,
        name,
        size::BODY,
        regular,
        palette.text2,
    );
    let value_at = pos2(rect.right() - 34.0, middle);
    let ink = colour.unwrap_or(palette.text);
    let written = paint_text(
        painter,
        value_at,
        Align2::RIGHT_CENTER,
        value,
        size::BODY,
        Weight::Semibold,
        ink,
    );
    let unit_at = pos2(rect.right() - 30.0, middle + 0.5);
    paint_text(
        painter,
        unit_at,
        Align2::LEFT_CENTER,
        unit,
        size::SMALL,
        regular,
        palette.text3,
    );
    // A long value takes room from its course.
    let course = Rect::from_center_size(pos2(rect.left() + 140.0, middle), vec2(72.0, 18.0));
    let course = course.with_max_x(course.right().min(written.left() - 6.0));
    if course.width() > 12.0 {
        sparkline(painter, course, history, palette.text2);
    }
    response
}

/// A setting: its name at the left, a remark, and the control at the right.
pub fn setting_row<R>(
    ui: &mut Ui,
    name: &str,
    remark: &str,
    control: impl FnOnce(&mut Ui) -> R,
) -> R {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(height::SETTING);
        ui.label(theme::text(
            name,
            size::BODY,
            Weight::Regular,
            palette.text2,
        ));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let result = control(ui);
            if !remark.is_empty() {
                ui.label(theme::text(
                    remark,
                    size::SMALL,
                    Weight::Regular,
                    palette.text3,
                ));
            }
            result
        })
        .inner
    })
    .inner
}

/// A setting with a text field, whose message (if its text is wrong) has the whole width of the pane.
pub fn setting_field<T>(
    ui: &mut Ui,
    name: &str,
    remark: &str,
    value: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> FieldResponse<T> {
    let field = setting_row(ui, name, remark, |ui| {
        Field::new(name, value).show_bare(ui, parse)
    });
    if field.error.is_some() {
        ui.with_layout(Layout::top_down(Align::Max), |ui| field.message(ui));
    }
    field
}
